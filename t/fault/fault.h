/* fault: a library to preload that makes chosen calls of a program fail.
 *
 *	LD_PRELOAD=fault.so EC_FAULT=fsync:3:EIO ec-put ...
 *
 * EC_FAULT is a list, separated by commas, of
 *
 *	[ACTION@]KIND:N[+][:ARGUMENT]
 *
 * The Nth call of the kind (N+: that and all later ones; 0: none, just count)
 * fails with the errno ARGUMENT (default EIO, ENOMEM for memory), or with an
 * ACTION:
 *	kill	the process is killed (-9) instead of the call
 *	torn	half of the bytes are written, then the process is killed
 *	short	half of the bytes are read or written, with success
 *	delay	the call is made ARGUMENT milliseconds later
 * The kinds are in kind_names; "io" is any but malloc and send, "malloc" any
 * call for memory, "own" one by the program itself, not by a shared library.
 * A call on standard error is never counted: it is how a program reports the
 * fault.
 *
 * EC_FAULT_PATH	count only calls on files whose path contains this
 *			(memory is counted whatever it says)
 * EC_FAULT_WHEN	count only while this file exists
 * EC_FAULT_LOG		a file that gets "loaded" when the program starts, "met
 *			KIND N PATH" for each fault before it happens, and
 *			"seen KIND N" for each of the list at exit
 *
 * Built with FAULT_NO_MALLOC it leaves memory alone, for programs built with
 * a sanitizer.
 */
#ifndef FAULT_H
#define FAULT_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum kind { OPEN, OPENAT, WRITE, PWRITE, PWRITEV, READ, PREAD, FSYNC, FDATASYNC,
	RENAME, RENAMEAT, MMAP, MALLOC, OWN, FTRUNCATE, UNLINK, MKDIR, LINK,
	SEND, IO };

enum action { ERROR, KILL, TORN, SHORT, DELAY };

struct fault {
	enum kind kind;
	enum action action;
	unsigned long nth;	/* from 1; 0: never */
	bool onwards;
	int argument;		/* errno, or milliseconds */
	atomic_ulong seen;
};

/* What is to become of a call. */
enum verdict { GO, FAIL, HALF, HALF_THEN_DIE };

extern const char *const fault_kinds[];

/* "[ACTION@]KIND:N[+][:ARGUMENT]", which is written to; false: it is not. */
bool fault_parse(struct fault *f, char *spec);
bool fault_is_memory(enum kind kind);

/* Count one call on ${fd} or, below it, ${path} (NULL: none); FAIL has set
 * errno. */
enum verdict fault_meet(enum kind kind, int fd, const char *path);
_Noreturn void fault_die(void);

/* Where the program's own code is. */
extern uintptr_t fault_code;
extern size_t fault_code_len;

/* What a call for memory is, made by who called this. */
#define MEMORY ((uintptr_t)__builtin_return_address(0) - fault_code < \
	fault_code_len ? OWN : MALLOC)

/* The next definition of a function, which this library stands in front of. */
#define REAL(name) __extension__({ \
	static void *found; \
	if (found == NULL) \
		found = dlsym(RTLD_NEXT, #name); \
	(__typeof__(name) *)found; \
})

#endif
