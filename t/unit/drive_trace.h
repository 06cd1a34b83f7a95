/* drive_trace: what a program does to the files below ${dir}, recorded, so
 * that the states can be built that a crash may leave.
 *
 * Calls of libec and of SQLite are met by functions of the same name here.
 * What SQLite maps (index.db-shm) is not seen: it is made anew after a crash.
 * Nothing is flushed in earnest. */
#ifndef DRIVE_TRACE_H
#define DRIVE_TRACE_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "drive_scenario.h"

enum { TRACE_MAX = 16384, TRACE_FILES_MAX = 1024, TRACE_PATH_MAX = 128 };

enum trace_kind { TRACE_WRITE, TRACE_CUT, TRACE_SYNC,	/* of a file */
	TRACE_CREATE, TRACE_MKDIR, TRACE_LINK, TRACE_RENAME, TRACE_UNLINK,
	TRACE_SYNC_DIR };	/* of a folder: path is a name in it */

struct trace_op {
	enum trace_kind kind;
	unsigned file;
	uint64_t off;		/* or the length after a cut */
	uint8_t *data;
	size_t len;
	char path[TRACE_PATH_MAX];	/* below dir */
	char from[TRACE_PATH_MAX];
	struct scenario_acked acked;	/* when it began */
};

static struct trace_op trace[TRACE_MAX];
static unsigned trace_count, trace_files;
static ino_t trace_inode[TRACE_FILES_MAX];
static bool trace_on, trace_own;

static void
scenario_own(bool own)
{
	trace_own = own;
}

static struct trace_op *
trace_add(enum trace_kind kind)
{
	struct trace_op *op = &trace[trace_count++];

	if (trace_count == TRACE_MAX)
		abort();
	op->kind = kind;
	op->acked = *acked;
	return op;
}

/* Where ${path} at ${fd} (NULL: fd itself) is below dir; false: elsewhere, or
 * nothing is recorded now. */
static bool
trace_where(char out[TRACE_PATH_MAX], int fd, const char *path)
{
	char link[32], full[PATH_MAX * 2] = "";
	size_t len = strlen(dir), n = 0;

	if (!trace_on || trace_own)
		return false;
	if (path == NULL || path[0] != '/') {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		if (fd != AT_FDCWD && readlink(link, full, PATH_MAX) < 0)
			return false;
		n = strlen(full);
	}
	if (path != NULL)
		snprintf(full + n, sizeof full - n, "%s%s", n > 0 ? "/" : "",
		    path);
	if (strncmp(full, dir, len) != 0 || full[len] != '/' ||
	    strlen(full + len) > TRACE_PATH_MAX)
		return n > 0 && strcmp(full, dir) == 0 && (out[0] = '\0', true);
	strcpy(out, full + len + 1);
	return true;
}

/* The file of a descriptor; a new number for one just created. */
static unsigned
trace_file(int fd, bool created)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		abort();
	for (unsigned i = trace_files; !created && i-- > 0;)
		if (trace_inode[i] == st.st_ino)
			return i;
	if (trace_files == TRACE_FILES_MAX)
		abort();
	trace_inode[trace_files] = st.st_ino;
	return trace_files++;
}

static void
trace_opened(const char *where, bool was, int fd, int flags)
{
	if (fd < 0 || (flags & O_DIRECTORY) != 0)
		return;
	if (!was) {
		unsigned file = trace_file(fd, true);
		struct trace_op *op = trace_add(TRACE_CREATE);

		op->file = file;
		strcpy(op->path, where);
	} else if ((flags & O_TRUNC) != 0) {
		trace_add(TRACE_CUT)->file = trace_file(fd, false);
	}
}

static void
trace_write(int fd, const void *buf, size_t n, off_t off)
{
	char where[TRACE_PATH_MAX];
	struct trace_op *op;

	if (!trace_where(where, fd, NULL))
		return;
	op = trace_add(TRACE_WRITE);
	op->file = trace_file(fd, false);
	op->off = (uint64_t)off;
	op->len = n;
	if ((op->data = malloc(n + 1)) == NULL)
		abort();
	memcpy(op->data, buf, n);
}

static void
trace_name(enum trace_kind kind, int fd, const char *name, const char *from)
{
	char where[TRACE_PATH_MAX];
	struct trace_op *op;

	if (!trace_where(where, fd, name))
		return;
	op = trace_add(kind);
	strcpy(op->path, where);
	if (from != NULL)
		strcpy(op->from, from);
}

static int
trace_sync(int fd)
{
	char where[TRACE_PATH_MAX];
	struct trace_op *op;
	struct stat st;

	if (!trace_where(where, fd, NULL) || fstat(fd, &st) != 0)
		return 0;
	op = trace_add(S_ISDIR(st.st_mode) ? TRACE_SYNC_DIR : TRACE_SYNC);
	if (S_ISDIR(st.st_mode))
		strcpy(op->path, where);
	else
		op->file = trace_file(fd, false);
	return 0;
}

EXPORT ssize_t
pwrite(int fd, const void *buf, size_t n, off_t off)
{
	trace_write(fd, buf, n, off);
	return syscall(SYS_pwrite64, fd, buf, n, off);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	off_t at = off;

	for (int i = 0; i < n; i++) {
		trace_write(fd, iov[i].iov_base, iov[i].iov_len, at);
		at += (off_t)iov[i].iov_len;
	}
	return syscall(SYS_pwritev, fd, iov, n, off, 0);
}

EXPORT ssize_t
write(int fd, const void *buf, size_t n)
{
	off_t at = trace_on ? lseek(fd, 0, SEEK_CUR) : -1;

	if (at >= 0)
		trace_write(fd, buf, n, at);
	return syscall(SYS_write, fd, buf, n);
}

EXPORT int
fdatasync(int fd)
{
	return trace_sync(fd);
}

EXPORT int
fsync(int fd)
{
	return trace_sync(fd);
}

EXPORT int
ftruncate(int fd, off_t len)
{
	char where[TRACE_PATH_MAX];
	struct trace_op *op;

	if (trace_where(where, fd, NULL)) {
		op = trace_add(TRACE_CUT);
		op->file = trace_file(fd, false);
		op->off = (uint64_t)len;
	}
	return (int)syscall(SYS_ftruncate, fd, len);
}

EXPORT int
unlinkat(int fd, const char *name, int flags)
{
	int r = (int)syscall(SYS_unlinkat, fd, name, flags);

	if (r == 0)
		trace_name(TRACE_UNLINK, fd, name, NULL);
	return r;
}

EXPORT int
unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

EXPORT int
mkdirat(int fd, const char *name, mode_t mode)
{
	int r = (int)syscall(SYS_mkdirat, fd, name, mode);

	if (r == 0)
		trace_name(TRACE_MKDIR, fd, name, NULL);
	return r;
}

EXPORT int
renameat(int from_fd, const char *from, int fd, const char *name)
{
	char where[TRACE_PATH_MAX];
	int r = (int)syscall(SYS_renameat, from_fd, from, fd, name);

	if (r == 0 && trace_where(where, from_fd, from))
		trace_name(TRACE_RENAME, fd, name, where);
	return r;
}

EXPORT int
linkat(int from_fd, const char *from, int fd, const char *name, int flags)
{
	char where[TRACE_PATH_MAX];
	int r = (int)syscall(SYS_linkat, from_fd, from, fd, name, flags);

	if (r == 0 && trace_where(where, from_fd, from))
		trace_name(TRACE_LINK, fd, name, where);
	return r;
}

EXPORT int
openat(int fd, const char *path, int flags, ...)
{
	char where[TRACE_PATH_MAX];
	bool seen = trace_where(where, fd, path), was;
	va_list ap;
	mode_t mode;
	int got;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	was = (flags & O_CREAT) == 0 || faccessat(fd, path, F_OK, 0) == 0;
	got = (int)syscall(SYS_openat, fd, path, flags, mode);
	if (seen)
		trace_opened(where, was, got, flags);
	return got;
}

EXPORT int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return openat(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
    __attribute__((alias("open")));

/* base/os_linux.c opens by number. */
EXPORT long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	char where[TRACE_PATH_MAX];
	const struct open_how *how;
	bool seen, was;
	long a[6], got;
	va_list ap;

	va_start(ap, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	if (number != SYS_openat2)
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	how = (const struct open_how *)a[2];
	seen = trace_where(where, (int)a[0], (const char *)a[1]);
	was = (how->flags & O_CREAT) == 0 || faccessat((int)a[0],
	    (const char *)a[1], F_OK, 0) == 0;
	got = real(number, a[0], a[1], a[2], a[3], 0L, 0L);
	if (seen)
		trace_opened(where, was, (int)got, (int)how->flags);
	return got;
}

#endif
