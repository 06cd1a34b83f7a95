/* watch: what a server's process and the disk below it spend meanwhile. */
#ifndef LOAD_WATCH_H
#define LOAD_WATCH_H

#include <stdint.h>
#include <sys/types.h>

struct watch {		/* all since the process, or the machine, began */
	double cpu_s;		/* user and system, all threads */
	double peak_mib;	/* resident memory, since watch_begin */
	double anon_mib;	/* of it now, without files */
	uint64_t calls;		/* read and write calls, of files, not of
				 * sockets */
	uint64_t switches;	/* of context, by those threads that live */
	uint64_t written;	/* bytes given to the page cache or a disk */
	uint64_t flushes;	/* of the disk, whoever asked for them */
};

/* Forget the peak so far.  ${pid} 0: nothing is known, all stays 0. */
void watch_begin(pid_t pid);
/* ${disk} is a path on the file system looked at, or NULL. */
void watch_read(struct watch *w, pid_t pid, const char *disk);

/* What was spent from ${from} to ${to}. */
struct watch watch_between(const struct watch *from, const struct watch *to);

#endif
