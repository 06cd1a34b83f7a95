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
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum kind { OPEN, OPENAT, WRITE, PWRITE, PWRITEV, READ, PREAD, FSYNC, FDATASYNC,
	RENAME, RENAMEAT, MMAP, MALLOC, OWN, FTRUNCATE, UNLINK, MKDIR, LINK,
	SEND, IO };

static const char *const kind_names[] = { "open", "openat", "write", "pwrite",
	"pwritev", "read", "pread", "fsync", "fdatasync", "rename", "renameat",
	"mmap", "malloc", "own", "ftruncate", "unlink", "mkdir", "link",
	"send", "io" };

enum action { ERROR, KILL, TORN, SHORT, DELAY };

static const char *const action_names[] = { "error", "kill", "torn", "short",
	"delay" };

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

enum { FAULTS_MAX = 8 };

static struct fault faults[FAULTS_MAX];
static size_t fault_count;
static const char *path_part, *when;
static int log_fd = -1;
static uintptr_t code;		/* of the program itself */
static size_t code_len;

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The next definition of a function, which this library stands in front of. */
#define REAL(name) __extension__({ \
	static void *found; \
	if (found == NULL) \
		found = dlsym(RTLD_NEXT, #name); \
	(__typeof__(name) *)found; \
})

static void
say(const char *what, const struct fault *f, unsigned long n, const char *path)
{
	char line[PATH_MAX + 64];
	int len = snprintf(line, sizeof(line), "%s %s %lu %s\n", what,
	    kind_names[f->kind], n, path);

	if (log_fd >= 0 && REAL(write)(log_fd, line, (size_t)len) != len)
		abort();
}

_Noreturn static void
die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static const struct { const char *name; int errnum; } errnos[] = {
	{ "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EROFS", EROFS },
	{ "EDQUOT", EDQUOT }, { "EMFILE", EMFILE }, { "ENFILE", ENFILE },
	{ "EINTR", EINTR }, { "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM },
	{ "EACCES", EACCES }, { "EPERM", EPERM }, { "ENOENT", ENOENT },
	{ "EEXIST", EEXIST }, { "EINVAL", EINVAL }, { "ENOTCONN", ENOTCONN },
	{ "ECONNRESET", ECONNRESET }, { "EPIPE", EPIPE },
};

static void
misuse(const char *spec)
{
	fprintf(stderr, "fault.so: cannot understand EC_FAULT: %s\n", spec);
	_exit(99);
}

static bool
is_memory(enum kind kind)
{
	return kind == MALLOC || kind == OWN;
}

static bool
parse_argument(struct fault *f, const char *s)
{
	f->argument = is_memory(f->kind) || f->kind == MMAP ? ENOMEM : EIO;
	if (*s == '\0')
		return true;
	if (f->action == DELAY) {
		f->argument = atoi(s);
		return f->argument > 0;
	}
	for (size_t i = 0; i < COUNT(errnos); i++)
		if (strcmp(s, errnos[i].name) == 0) {
			f->argument = errnos[i].errnum;
			return true;
		}
	return false;
}

static bool
parse_fault(struct fault *f, char *spec)
{
	char *at = strchr(spec, '@'), *colon, *end;
	size_t i;

	if (at != NULL) {
		*at = '\0';
		for (i = 0; i < COUNT(action_names); i++)
			if (strcmp(spec, action_names[i]) == 0)
				break;
		if (i == COUNT(action_names))
			return false;
		f->action = (enum action)i;
		spec = at + 1;
	}
	if ((colon = strchr(spec, ':')) == NULL)
		return false;
	*colon = '\0';
	for (i = 0; i < COUNT(kind_names); i++)
		if (strcmp(spec, kind_names[i]) == 0)
			break;
	if (i == COUNT(kind_names))
		return false;
	f->kind = (enum kind)i;
	f->nth = strtoul(colon + 1, &end, 10);
	if (end == colon + 1)
		return false;
	if ((f->onwards = *end == '+'))
		end++;
	if (*end != '\0' && *end != ':')
		return false;
	return parse_argument(f, *end == ':' ? end + 1 : "");
}

/* The first of the objects is the program. */
static int
find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    info->dlpi_phdr[i].p_flags & PF_X) {
			code = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			code_len = info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

__attribute__((constructor)) static void
load(void)
{
	const char *spec = getenv("EC_FAULT"), *log = getenv("EC_FAULT_LOG");
	char *copy, *next;

	path_part = getenv("EC_FAULT_PATH");
	when = getenv("EC_FAULT_WHEN");
	if (log != NULL) {
		log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND |
		    O_CLOEXEC, 0666);
		if (log_fd < 0 || REAL(write)(log_fd, "loaded\n", 7) != 7)
			misuse(log);
	}
	if (spec == NULL)
		return;
	dl_iterate_phdr(find_code, NULL);
	if ((copy = strdup(spec)) == NULL)
		misuse(spec);
	for (char *s = strtok_r(copy, ",", &next); s != NULL;
	    s = strtok_r(NULL, ",", &next)) {
		if (fault_count == FAULTS_MAX ||
		    !parse_fault(&faults[fault_count], s))
			misuse(spec);
		fault_count++;
	}
	free(copy);
}

__attribute__((destructor)) static void
unload(void)
{
	for (size_t i = 0; i < fault_count; i++)
		say("seen", &faults[i], atomic_load(&faults[i].seen), "-");
}

/* Where ${fd} or, below it, ${path} points to. */
static void
locate(char *out, size_t len, int fd, const char *path)
{
	char link[64];
	ssize_t n = 0;

	if (path != NULL && (fd == AT_FDCWD || path[0] == '/')) {
		snprintf(out, len, "%s", path);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, len - 1);
	n = n < 0 ? 0 : n;
	snprintf(out + n, len - (size_t)n, "%s%s", path ? "/" : "",
	    path ? path : "");
}

static enum verdict
strike(const struct fault *f, unsigned long n, const char *path)
{
	struct timespec pause_for;

	say("met", f, n, path);
	switch (f->action) {
	case KILL:
		die();
	case TORN:
		return HALF_THEN_DIE;
	case SHORT:
		return HALF;
	case DELAY:
		pause_for.tv_sec = f->argument / 1000;
		pause_for.tv_nsec = f->argument % 1000 * 1000000L;
		nanosleep(&pause_for, NULL);
		return GO;
	case ERROR:
		break;
	}
	errno = f->argument;
	return FAIL;
}

/* Is a call of ${kind} one of those that ${wanted} stands for? */
static bool
counts(enum kind wanted, enum kind kind)
{
	if (wanted == IO)
		return !is_memory(kind) && kind != SEND;
	return wanted == kind || (wanted == MALLOC && kind == OWN);
}

/* Count one call; FAIL has set errno. */
static enum verdict
meet(enum kind kind, int fd, const char *path)
{
	enum verdict v = GO;
	char where[PATH_MAX];
	int saved = errno;

	if (fault_count == 0 || (fd == STDERR_FILENO && path == NULL) ||
	    (when != NULL && access(when, F_OK) != 0))
		goto out;
	if (is_memory(kind))
		snprintf(where, sizeof(where), "-");
	else
		locate(where, sizeof(where), fd, path);
	if (!is_memory(kind) && path_part != NULL &&
	    strstr(where, path_part) == NULL)
		goto out;
	for (size_t i = 0; i < fault_count && v == GO; i++) {
		struct fault *f = &faults[i];
		unsigned long n;

		if (!counts(f->kind, kind))
			continue;
		n = atomic_fetch_add(&f->seen, 1) + 1;
		if (f->nth != 0 && (n == f->nth || (f->onwards && n > f->nth)))
			v = strike(f, n, where);
	}
out:
	if (v != FAIL)
		errno = saved;
	return v;
}

/* What a call for memory is, made by who called this. */
#define MEMORY ((uintptr_t)__builtin_return_address(0) - code < code_len ? \
	OWN : MALLOC)

/* A transfer of ${len} bytes under a verdict; ${call} is made with "part". */
#define TRANSFER(kind, fd, len, call) do { \
	enum verdict v = meet(kind, fd, NULL); \
	size_t part = v == GO || (len) < 2 ? (len) : (len) / 2; \
	ssize_t n; \
	if (v == FAIL) \
		return -1; \
	n = call; \
	if (v == HALF_THEN_DIE) \
		die(); \
	return n; \
} while (0)

#define WRITE_WRAP(kind, name, extra, arg) \
EXPORT ssize_t \
name(int fd, const void *p, size_t len extra) \
{ \
	TRANSFER(kind, fd, len, REAL(name)(fd, p, part arg)); \
}
#define READ_WRAP(kind, name, extra, arg) \
EXPORT ssize_t \
name(int fd, void *p, size_t len extra) \
{ \
	TRANSFER(kind, fd, len, REAL(name)(fd, p, part arg)); \
}
#define COMMA ,
WRITE_WRAP(WRITE, write, , )
WRITE_WRAP(PWRITE, pwrite, COMMA off_t off, COMMA off)
WRITE_WRAP(PWRITE, pwrite64, COMMA off64_t off, COMMA off)
READ_WRAP(READ, read, , )
READ_WRAP(PREAD, pread, COMMA off_t off, COMMA off)
READ_WRAP(PREAD, pread64, COMMA off64_t off, COMMA off)

/* What _FORTIFY_SOURCE turns the calls above into. */
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __pread_chk(int, void *, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off64_t, size_t);
READ_WRAP(READ, __read_chk, COMMA size_t room, COMMA room)
READ_WRAP(PREAD, __pread_chk, COMMA off_t off COMMA size_t room,
    COMMA off COMMA room)
READ_WRAP(PREAD, __pread64_chk, COMMA off64_t off COMMA size_t room,
    COMMA off COMMA room)

/* Half of a vector is half of its items, or half of the only one. */
#define VECTOR_WRAP(kind, name, extra, arg) \
EXPORT ssize_t \
name(int fd, const struct iovec *iov, int count extra) \
{ \
	enum verdict v = meet(kind, fd, NULL); \
	struct iovec first = { NULL, 0 }; \
	ssize_t n; \
	if (v == FAIL) \
		return -1; \
	if (v != GO && count == 1) { \
		first = iov[0]; \
		first.iov_len /= first.iov_len > 1 ? 2 : 1; \
		iov = &first; \
	} else if (v != GO) { \
		count /= 2; \
	} \
	n = REAL(name)(fd, iov, count arg); \
	if (v == HALF_THEN_DIE) \
		die(); \
	return n; \
}
VECTOR_WRAP(WRITE, writev, , )
VECTOR_WRAP(READ, readv, , )
VECTOR_WRAP(PWRITEV, pwritev, COMMA off_t off, COMMA off)
VECTOR_WRAP(PWRITEV, pwritev64, COMMA off64_t off, COMMA off)
VECTOR_WRAP(PREAD, preadv, COMMA off_t off, COMMA off)
VECTOR_WRAP(PREAD, preadv64, COMMA off64_t off, COMMA off)

EXPORT ssize_t
send(int fd, const void *p, size_t len, int flags)
{
	TRANSFER(SEND, fd, len, REAL(send)(fd, p, part, flags));
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return meet(SEND, fd, NULL) == FAIL ? -1 :
	    REAL(sendmsg)(fd, msg, flags);
}

/* Calls that succeed or fail as a whole. */
#define WRAP(kind, fd, path, name, params, args) \
EXPORT int \
name params \
{ \
	return meet(kind, fd, path) == FAIL ? -1 : REAL(name) args; \
}
WRAP(FSYNC, fd, NULL, fsync, (int fd), (fd))
WRAP(FDATASYNC, fd, NULL, fdatasync, (int fd), (fd))
WRAP(FTRUNCATE, fd, NULL, ftruncate, (int fd, off_t n), (fd, n))
WRAP(FTRUNCATE, fd, NULL, ftruncate64, (int fd, off64_t n), (fd, n))
WRAP(FTRUNCATE, fd, NULL, fallocate, (int fd, int mode, off_t off, off_t n),
    (fd, mode, off, n))
WRAP(FTRUNCATE, fd, NULL, fallocate64, (int fd, int mode, off64_t off,
    off64_t n), (fd, mode, off, n))
WRAP(RENAME, AT_FDCWD, to, rename, (const char *from, const char *to),
    (from, to))
WRAP(RENAMEAT, dir2, to, renameat, (int dir1, const char *from, int dir2,
    const char *to), (dir1, from, dir2, to))
WRAP(RENAMEAT, dir2, to, renameat2, (int dir1, const char *from, int dir2,
    const char *to, unsigned flags), (dir1, from, dir2, to, flags))
WRAP(LINK, AT_FDCWD, to, link, (const char *from, const char *to), (from, to))
WRAP(LINK, dir2, to, linkat, (int dir1, const char *from, int dir2,
    const char *to, int flags), (dir1, from, dir2, to, flags))
WRAP(UNLINK, AT_FDCWD, path, unlink, (const char *path), (path))
WRAP(UNLINK, dir, path, unlinkat, (int dir, const char *path, int flags),
    (dir, path, flags))
WRAP(MKDIR, AT_FDCWD, path, mkdir, (const char *path, mode_t mode),
    (path, mode))
WRAP(MKDIR, dir, path, mkdirat, (int dir, const char *path, mode_t mode),
    (dir, path, mode))

/* open and its kin: the mode is there only when a file may be made. */
#define OPEN_WRAP(kind, dir, name, params, args) \
EXPORT int \
name params \
{ \
	mode_t mode = 0; \
	va_list ap; \
	va_start(ap, flags); \
	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) \
		mode = va_arg(ap, mode_t); \
	va_end(ap); \
	return meet(kind, dir, path) == FAIL ? -1 : REAL(name) args; \
}
OPEN_WRAP(OPEN, AT_FDCWD, open, (const char *path, int flags, ...),
    (path, flags, mode))
OPEN_WRAP(OPEN, AT_FDCWD, open64, (const char *path, int flags, ...),
    (path, flags, mode))
OPEN_WRAP(OPENAT, dir, openat, (int dir, const char *path, int flags, ...),
    (dir, path, flags, mode))
OPEN_WRAP(OPENAT, dir, openat64, (int dir, const char *path, int flags, ...),
    (dir, path, flags, mode))
int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);
WRAP(OPEN, AT_FDCWD, path, __open_2, (const char *path, int flags),
    (path, flags))
WRAP(OPEN, AT_FDCWD, path, __open64_2, (const char *path, int flags),
    (path, flags))
WRAP(OPENAT, dir, path, __openat_2, (int dir, const char *path, int flags),
    (dir, path, flags))
WRAP(OPENAT, dir, path, __openat64_2, (int dir, const char *path, int flags),
    (dir, path, flags))

/* openat2 has no function in glibc.  Reading six arguments where fewer were
 * passed is what glibc's own syscall does. */
EXPORT long
syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < COUNT(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 &&
	    meet(OPENAT, (int)a[0], (const char *)a[1]) == FAIL)
		return -1;
	return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define MMAP_WRAP(name, off_type) \
EXPORT void * \
name(void *p, size_t len, int prot, int flags, int fd, off_type off) \
{ \
	if (meet(fd < 0 ? MEMORY : MMAP, fd, NULL) == FAIL) \
		return MAP_FAILED; \
	return REAL(name)(p, len, prot, flags, fd, off); \
}
MMAP_WRAP(mmap, off_t)
MMAP_WRAP(mmap64, off64_t)

#ifndef FAULT_NO_MALLOC
/* dlsym allocates: what it takes while it looks for the allocator comes from
 * here and is never given back. */
static _Alignas(max_align_t) uint8_t early[4096];
static atomic_size_t early_used;
static __thread bool resolving;

static void *
early_alloc(size_t len)
{
	size_t at = atomic_fetch_add(&early_used, (len + 15) / 16 * 16);

	if (at + len > sizeof(early))
		abort();
	return early + at;
}

static bool
is_early(const void *p)
{
	return (uintptr_t)p - (uintptr_t)early < sizeof(early);
}

#define RESOLVE(fn) do { \
	if (fn == NULL) { \
		resolving = true; \
		fn = REAL_OF(fn); \
		resolving = false; \
	} \
} while (0)
#define REAL_OF(fn) (__typeof__(fn))dlsym(RTLD_NEXT, #fn + 5)

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void (*real_free)(void *);

EXPORT void *
malloc(size_t len)
{
	if (resolving)
		return early_alloc(len);
	RESOLVE(real_malloc);
	return meet(MEMORY, -1, NULL) == FAIL ? NULL : real_malloc(len);
}

EXPORT void *
calloc(size_t n, size_t size)
{
	if (resolving)
		return early_alloc(n * size);
	RESOLVE(real_calloc);
	return meet(MEMORY, -1, NULL) == FAIL ? NULL : real_calloc(n, size);
}

EXPORT void *
realloc(void *p, size_t len)
{
	void *copy;

	RESOLVE(real_realloc);
	if (meet(MEMORY, -1, NULL) == FAIL)
		return NULL;
	if (!is_early(p))
		return real_realloc(p, len);
	if ((copy = malloc(len)) != NULL)
		memcpy(copy, p, len < sizeof(early) -
		    ((size_t)((uint8_t *)p - early)) ? len : sizeof(early) -
		    ((size_t)((uint8_t *)p - early)));
	return copy;
}

EXPORT void *
aligned_alloc(size_t align, size_t len)
{
	RESOLVE(real_aligned_alloc);
	return meet(MEMORY, -1, NULL) == FAIL ? NULL :
	    real_aligned_alloc(align, len);
}

EXPORT int
posix_memalign(void **out, size_t align, size_t len)
{
	RESOLVE(real_posix_memalign);
	return meet(MEMORY, -1, NULL) == FAIL ? ENOMEM :
	    real_posix_memalign(out, align, len);
}

EXPORT char *
strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy;

	RESOLVE(real_malloc);
	if (meet(MEMORY, -1, NULL) == FAIL ||
	    (copy = real_malloc(len)) == NULL)
		return NULL;
	return memcpy(copy, s, len);
}

EXPORT void
free(void *p)
{
	if (is_early(p))
		return;
	RESOLVE(real_free);
	real_free(p);
}
#endif
