/* quarantine: see the header. */
#include "drive/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/os_linux.h"
#include "drive/shard_name.h"

static int
folder_open(const struct quarantine *q)
{
	return os_open_beneath(q->drive_fd, ".ec/quarantine",
	    O_RDONLY | O_DIRECTORY, 0);
}

/* With its size. */
static bool
is_kept(const void *ctx, const char *name, struct drive_shard_info *one)
{
	const int *fd = ctx;
	struct stat st;

	if (!shard_kept_name_parse(one, name) ||
	    fstatat(*fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	one->bytes = (uint64_t)st.st_size;
	return true;
}

/* All files, sorted. */
static enum err
folder_list(const struct quarantine *q, struct shard_names *l)
{
	int fd = folder_open(q);
	enum err e;

	if (fd < 0)
		return err_from_errno(errno);
	e = shard_names_read(l, fd, is_kept, &fd);
	close(fd);
	return e;
}

enum err
quarantine_init(struct quarantine *q, int drive_fd, const char *name,
    uint64_t reserve)
{
	struct shard_names l = { NULL, 0, 0 };
	enum err e;

	*q = (struct quarantine){ .drive_fd = drive_fd, .name = name,
		.reserve = reserve };
	e = folder_list(q, &l);
	for (size_t i = 0; i < l.n; i++) {
		atomic_fetch_add(&q->files, 1);
		atomic_fetch_add(&q->bytes, l.v[i].bytes);
	}
	free(l.v);
	return e;
}

static bool
has_room(const struct quarantine *q, uint64_t bytes)
{
	struct os_space space;

	return os_space(&space, q->drive_fd) == EC_OK &&
	    space.free >= q->reserve &&
	    atomic_load(&q->bytes) + bytes <= space.total / QUARANTINE_PART;
}

enum err
quarantine_keep(struct quarantine *q, int from_fd, const char *name)
{
	char kept[SHARD_KEPT_NAME_BYTES];
	struct stat st;
	enum err e = EC_OK;
	int fd;

	if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? EC_OK : err_from_errno(errno);
	if (!has_room(q, (uint64_t)st.st_size))
		return EC_ENOSPC;
	snprintf(kept, sizeof kept, "%s.%llu", name,
	    (unsigned long long)clock_real_us());
	if ((fd = folder_open(q)) < 0)
		return err_from_errno(errno);
	if (linkat(from_fd, name, fd, kept, 0) != 0 || fsync(fd) != 0) {
		e = err_from_errno(errno);
	} else {
		atomic_fetch_add(&q->files, 1);
		atomic_fetch_add(&q->bytes, (uint64_t)st.st_size);
		log_warn("%s: damaged shard file %s is in quarantine", q->name,
		    kept);
	}
	close(fd);
	return e;
}

enum err
quarantine_list(struct quarantine *q, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct shard_names l = { NULL, 0, 0 };
	enum err e = folder_list(q, &l);
	size_t i;

	*n = 0;
	for (i = 0; e == EC_OK && i < l.n && *n < max; i++)
		if (after == NULL ||
		    memcmp(l.v[i].data.b, after->b, UUID_BYTES) > 0)
			out[(*n)++] = l.v[i];
	if (*n > 0 && i < l.n && uuid_equal(&l.v[i].data, &out[*n - 1].data))
		*n = shard_names_whole(out, *n);
	free(l.v);
	return e;
}

enum err
quarantine_read(struct quarantine *q, const struct drive_shard_info *which,
    void *buf, size_t len, uint64_t off)
{
	char path[SHARD_KEPT_NAME_BYTES + 16] = ".ec/quarantine/";
	size_t got;
	enum err e;
	int fd;

	shard_kept_name(path + strlen(path), which);
	if ((fd = os_open_beneath(q->drive_fd, path, O_RDONLY | O_NONBLOCK,
	    0)) < 0)
		return err_from_errno(errno);
	e = io_pread_full(fd, buf, len, off, &got);
	close(fd);
	return e == EC_OK && got < len ? EC_ECORRUPT : e;
}

static void
count_off(struct quarantine *q, uint64_t bytes)
{
	atomic_fetch_sub(&q->files, 1);
	atomic_fetch_sub(&q->bytes, bytes);
}

/* The file that is in its place now is kept in turn. */
enum err
quarantine_restore(struct quarantine *q, const struct drive_shard_info *which,
    int to_fd)
{
	char kept[SHARD_KEPT_NAME_BYTES], name[SHARD_NAME_BYTES];
	struct stat st;
	enum err e;
	int fd;

	shard_kept_name(kept, which);
	shard_name(name, &which->data, which->index);
	if ((fd = folder_open(q)) < 0)
		return err_from_errno(errno);
	if (fstatat(fd, kept, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		e = err_from_errno(errno);
		goto out;
	}
	if ((e = quarantine_keep(q, to_fd, name)) != EC_OK)
		goto out;
	if (renameat(fd, kept, to_fd, name) != 0 || fsync(to_fd) != 0 ||
	    fsync(fd) != 0) {
		e = err_from_errno(errno);
		goto out;
	}
	count_off(q, (uint64_t)st.st_size);
	log_warn("%s: shard file %s is out of quarantine", q->name, kept);
out:
	close(fd);
	return e;
}

enum err
quarantine_purge(struct quarantine *q, const struct drive_shard_info *which)
{
	char kept[SHARD_KEPT_NAME_BYTES];
	struct stat st;
	enum err e = EC_OK;
	int fd;

	shard_kept_name(kept, which);
	if ((fd = folder_open(q)) < 0)
		return err_from_errno(errno);
	if (fstatat(fd, kept, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    unlinkat(fd, kept, 0) != 0) {
		e = err_from_errno(errno);
	} else {
		count_off(q, (uint64_t)st.st_size);
		log_warn("%s: %s is purged from quarantine", q->name, kept);
	}
	close(fd);
	return e;
}
