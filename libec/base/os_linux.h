/* os_linux: everything that only Linux has, behind one header. */
#ifndef OS_LINUX_H
#define OS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Random bytes from the kernel; cannot fail after boot. */
void os_random(void *buf, size_t len);

/* openat that stays below ${dirfd} and follows no link at all (openat2 with
 * RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS; O_CLOEXEC is added).  -1 and errno. */
int os_open_beneath(int dirfd, const char *path, int flags, unsigned mode);

/* Take the exclusive lock of an open file without waiting (an open file
 * description lock: it belongs to ${fd}, not to the process).
 * Errors: EC_EOWNED (another has it), by errno. */
enum err os_lock(int fd);

/* Bytes and inodes of the file system ${fd} is on; free for this user. */
struct os_space {
	uint64_t total, free, inodes_free;
};
enum err os_space(struct os_space *out, int fd);

/* Whether ${path} is where a file system is mounted.  false, too, when it is
 * not there or the kernel cannot tell. */
bool os_is_mount(const char *path);

/* From now on writes to an open file go past the page cache, or through it.
 * Errors: by errno; EC_EINVAL when the file system cannot. */
enum err os_direct(int fd, bool on);

/* Begin to write ${len} bytes of a file from ${off} to its drive, without
 * waiting.  A hint: nothing is durable by it, errors come with the flush. */
void os_write_behind(int fd, uint64_t off, uint64_t len);

/* Wait until a range that was written is with the drive.  It does not survive
 * power loss by that; but an error found here is not told again by a flush.
 * Errors: by errno. */
enum err os_write_settle(int fd, uint64_t off, uint64_t len);

/* Tell the service manager (sd_notify(3)): "READY=1".  Nothing when there is
 * none. */
void os_notify(const char *state);

/* Between fork and exec: have the kernel send ${sig} to this process when the
 * thread that made it ends, or now if ${parent} is gone already. */
void os_die_with_parent(int sig, int parent);

/* Wait until the child ${pid} has ended, at most so long; false: it has not.
 * It is still to be reaped. */
bool os_child_ended(int pid, int timeout_ms);

/* For a process of hundreds of threads, before it starts them: free memory is
 * kept in two heaps a processor instead of eight (glibc), which all fill up. */
void os_few_heaps(void);
/* Free memory in the heaps goes back to the system: once in a while, for the
 * walk over them takes milliseconds. */
void os_trim_heaps(void);

/* For a tool that works through buffers of a MiB and less and then ends: what
 * it frees is kept for the next, not given back to the system, which would have
 * to clear each page anew. */
void os_keep_memory(void);

/* Bytes of anonymous memory of this process now; 0 when unknown. */
uint64_t os_rss_anon(void);

#endif
