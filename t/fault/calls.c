/* calls: those on files and sockets that can be met. */
#include "fault.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A transfer of ${len} bytes under a verdict; ${call} is made with "part". */
#define TRANSFER(kind, fd, len, call) do { \
	enum verdict v = fault_meet(kind, fd, NULL); \
	size_t part = v == GO || (len) < 2 ? (len) : (len) / 2; \
	ssize_t n; \
	if (v == FAIL) \
		return -1; \
	n = call; \
	if (v == HALF_THEN_DIE) \
		fault_die(); \
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
	enum verdict v = fault_meet(kind, fd, NULL); \
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
		fault_die(); \
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
	return fault_meet(SEND, fd, NULL) == FAIL ? -1 :
	    REAL(sendmsg)(fd, msg, flags);
}

/* Calls that succeed or fail as a whole. */
#define WRAP(kind, fd, path, name, params, args) \
EXPORT int \
name params \
{ \
	return fault_meet(kind, fd, path) == FAIL ? -1 : REAL(name) args; \
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
	return fault_meet(kind, dir, path) == FAIL ? -1 : REAL(name) args; \
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
	    fault_meet(OPENAT, (int)a[0], (const char *)a[1]) == FAIL)
		return -1;
	return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
