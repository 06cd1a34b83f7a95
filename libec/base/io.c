#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/os_linux.h"

/* One write or read never asks for more, which the kernel would cut anyway. */
#define CALL_MAX ((size_t)1 << 30)

static size_t
call_len(size_t len)
{
	return len < CALL_MAX ? len : CALL_MAX;
}

enum err
io_write_full(int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, call_len(len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(errno);
		p += n;
		len -= (size_t)n;
	}
	return EC_OK;
}

enum err
io_pwrite_full(int fd, const void *buf, size_t len, uint64_t off)
{
	const uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, call_len(len), (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(errno);
		p += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return EC_OK;
}

enum err
io_pwritev_full(int fd, struct iovec *iov, int n, uint64_t off)
{
	ssize_t did;

	for (;;) {
		for (; n > 0 && iov->iov_len == 0; n--)
			iov++;
		if (n <= 0)
			return EC_OK;
		did = pwritev(fd, iov, n < IOV_MAX ? n : IOV_MAX, (off_t)off);
		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0)
			return err_from_errno(errno);
		off += (uint64_t)did;
		for (; n > 0 && (size_t)did >= iov->iov_len; n--) {
			did -= (ssize_t)iov->iov_len;
			iov++;
		}
		if (n > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + did;
			iov->iov_len -= (size_t)did;
		}
	}
}

enum err
io_read_full(int fd, void *buf, size_t len, size_t *got)
{
	uint8_t *p = buf;
	ssize_t n;

	*got = 0;
	while (*got < len) {
		n = read(fd, p + *got, call_len(len - *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(errno);
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return EC_OK;
}

enum err
io_pread_full(int fd, void *buf, size_t len, uint64_t off, size_t *got)
{
	uint8_t *p = buf;
	ssize_t n;

	*got = 0;
	while (*got < len) {
		n = pread(fd, p + *got, call_len(len - *got),
		    (off_t)(off + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(errno);
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return EC_OK;
}

/* Open the directory that ${name} is in; *${base} is its last part. */
static int
open_parent(int dirfd, const char *name, const char **base)
{
	const char *slash = strrchr(name, '/');
	char path[PATH_MAX];

	if (slash == NULL) {
		*base = name;
		return openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if ((size_t)(slash - name) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, name, (size_t)(slash - name));
	path[slash - name] = '\0';
	*base = slash + 1;
	return openat(dirfd, slash == name ? "/" : path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Write and sync a new file; no file is left on failure. */
static enum err
write_new(int dirfd, const char *name, const void *buf, size_t len,
    mode_t mode)
{
	enum err e;
	int fd;

	fd = openat(dirfd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_from_errno(errno);
	e = io_write_full(fd, buf, len);
	if (e == EC_OK && fsync(fd) != 0)
		e = err_from_errno(errno);
	if (close(fd) != 0 && e == EC_OK)
		e = err_from_errno(errno);
	if (e != EC_OK)
		(void)unlinkat(dirfd, name, 0);
	return e;
}

enum err
io_replace(int dirfd, const char *name, const void *buf, size_t len,
    mode_t mode)
{
	const char *base;
	uint8_t random[8];
	char tmp[NAME_MAX + 1], hex[2 * sizeof(random) + 1];
	int fd = -1;
	enum err e;

	os_random(random, sizeof(random));
	num_hex(hex, random, sizeof(random));
	if ((fd = open_parent(dirfd, name, &base)) < 0) {
		e = err_from_errno(errno);
		goto out;
	}
	if (snprintf(tmp, sizeof(tmp), ".%s.ec.tmp.%s", base, hex) >=
	    (int)sizeof(tmp)) {
		e = EC_EINVAL;
		goto out;
	}
	if ((e = write_new(fd, tmp, buf, len, mode)) != EC_OK)
		goto out;
	if (renameat(fd, tmp, fd, base) != 0) {
		e = err_from_errno(errno);
		(void)unlinkat(fd, tmp, 0);
		goto out;
	}
	if (fsync(fd) != 0)
		e = err_from_errno(errno);
out:
	if (fd >= 0)
		close(fd);
	if (e != EC_OK)
		log_error("%s: cannot replace: %s", name, err_text(e));
	return e;
}

enum err
io_slurp(int dirfd, const char *name, size_t max, char **out, size_t *len)
{
	char *p = NULL, *q;
	size_t cap, n, got = 0;
	struct stat st;
	enum err e = EC_OK;
	int fd;

	if ((fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC)) < 0)
		return err_from_errno(errno);
	if (fstat(fd, &st) != 0) {
		e = err_from_errno(errno);
		goto out;
	}
	/* st_size is a hint only: files of /proc say 0, others may grow. */
	cap = (size_t)num_min((uint64_t)st.st_size, max) + 2;
	for (;;) {
		if ((q = realloc(p, cap)) == NULL) {
			e = EC_ENOMEM;
			goto out;
		}
		p = q;
		e = io_read_full(fd, p + got, cap - 1 - got, &n);
		if (e != EC_OK)
			goto out;
		got += n;
		if (got > max) {
			e = EC_ELIMIT;
			goto out;
		}
		if (got < cap - 1)
			break;
		cap = (size_t)num_min((uint64_t)cap * 2, (uint64_t)max + 2);
	}
	p[got] = '\0';
	*out = p;
	*len = got;
	p = NULL;
out:
	free(p);
	close(fd);
	return e;
}
