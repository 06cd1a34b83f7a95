#include "drive/shards.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/os_linux.h"
#include "drive/direct.h"
#include "drive/shard_name.h"
#include "drive/staged.h"

enum {
	FOLDER_BYTES = 9,	/* "shard/3f" and a NUL */
	STEP_BYTES = 8 * 1024 * 1024,	/* writing starts, space is checked */
	AHEAD_BYTES = 3 * STEP_BYTES,	/* not yet with the drive */
};

struct drive_writer {
	struct shards *s;
	struct drive_writer *next;	/* of s->writers */
	struct uuid data;
	unsigned index;
	int folder_fd;
	struct direct file;
	uint64_t at, checked;
	uint64_t settled;	/* bytes that need no more writing */
	struct staged staged;	/* when a file of that name is there */
};

struct drive_reader {
	struct shards *s;
	int fd;
};

static void
folder_name(char out[FOLDER_BYTES], unsigned n)
{
	snprintf(out, FOLDER_BYTES, "shard/%02x", n & 0xff);
}

static enum err
folder_open(const struct shards *s, unsigned n, bool make, int *fd)
{
	char name[FOLDER_BYTES];
	int top = -1;
	enum err e = EC_OK;

	folder_name(name, n);
	*fd = os_open_beneath(s->drive_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (*fd >= 0)
		return EC_OK;
	if (errno != ENOENT || !make)
		return err_from_errno(errno);
	if ((top = os_open_beneath(s->drive_fd, "shard",
	    O_RDONLY | O_DIRECTORY, 0)) < 0)
		return err_from_errno(errno);
	if ((mkdirat(top, strchr(name, '/') + 1, 0700) != 0 &&
	    errno != EEXIST) || fsync(top) != 0 || (*fd = os_open_beneath(top,
	    strchr(name, '/') + 1, O_RDONLY | O_DIRECTORY, 0)) < 0)
		e = err_from_errno(errno);
	close(top);
	return e;
}

static enum err
make_folder(int fd, const char *name)
{
	if (mkdirat(fd, name, 0700) == 0)
		return fsync(fd) == 0 ? EC_OK : err_from_errno(errno);
	return errno == EEXIST ? EC_OK : err_from_errno(errno);
}

enum err
shards_init(struct shards *s, int drive_fd, const char *name,
    uint64_t reserve)
{
	enum err e;

	*s = (struct shards){ .drive_fd = drive_fd, .name = name,
		.reserve = reserve, .lock = PTHREAD_MUTEX_INITIALIZER };
	if ((e = make_folder(drive_fd, "shard")) != EC_OK ||
	    (e = make_folder(drive_fd, ".ec/quarantine")) != EC_OK ||
	    (e = quarantine_init(&s->quarantine, drive_fd, name,
	    reserve)) != EC_OK)
		return e;
	return staged_init(drive_fd);
}

bool
shards_full(struct shards *s, uint64_t bytes)
{
	struct os_space space;

	return os_space(&space, s->drive_fd) == EC_OK &&
	    (space.free < s->reserve || space.free - s->reserve < bytes);
}

/* Be the only writer of the file. */
static enum err
writer_enter(struct drive_writer *w)
{
	const struct drive_writer *o;
	struct shards *s = w->s;

	pthread_mutex_lock(&s->lock);
	for (o = s->writers; o != NULL; o = o->next)
		if (o->index == w->index && uuid_equal(&o->data, &w->data))
			break;
	if (o == NULL) {
		w->next = s->writers;
		s->writers = w;
	}
	pthread_mutex_unlock(&s->lock);
	return o == NULL ? EC_OK : EC_EOWNED;
}

static void
writer_leave(struct drive_writer *w)
{
	struct drive_writer **at = &w->s->writers;

	pthread_mutex_lock(&w->s->lock);
	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at == w)
		*at = w->next;
	pthread_mutex_unlock(&w->s->lock);
}

static void
writer_free(struct drive_writer *w)
{
	writer_leave(w);
	staged_release(&w->staged);
	if (w->file.fd >= 0)
		close(w->file.fd);
	if (w->folder_fd >= 0)
		close(w->folder_fd);
	free(w);
}

enum err
shards_create(struct shards *s, const struct uuid *data, unsigned index,
    uint64_t bytes_hint, struct drive_writer **out)
{
	char name[SHARD_NAME_BYTES];
	struct drive_writer *w;
	enum err e;

	if (shards_full(s, bytes_hint))
		return EC_ENOSPC;
	if ((w = calloc(1, sizeof *w)) == NULL)
		return EC_ENOMEM;
	*w = (struct drive_writer){ .s = s, .data = *data, .index = index,
		.file.fd = -1, .folder_fd = -1, .staged = STAGED_INIT };
	if ((e = writer_enter(w)) != EC_OK ||
	    (e = folder_open(s, data->b[0], true, &w->folder_fd)) != EC_OK)
		goto out;
	shard_name(name, data, index);
	if ((w->file.fd = os_open_beneath(w->folder_fd, name,
	    O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0 &&
	    (e = errno == EEXIST ? staged_create(&w->staged, s->drive_fd,
	    name, &w->file.fd) : err_from_errno(errno)) != EC_OK)
		goto out;
	*out = w;
	w = NULL;
out:
	if (w != NULL)
		writer_free(w);
	return e;
}

enum err
shards_write(struct drive_writer *w, const void *buf, size_t len)
{
	enum err e;

	if ((e = direct_pwrite(&w->file, buf, len, w->at)) != EC_OK)
		return e;
	w->at += len;
	atomic_fetch_add(&w->s->bytes_written, len);
	if (w->at - w->checked < STEP_BYTES)
		return EC_OK;
	/* So that commit finds little left to write, and fills no drive. */
	os_write_behind(w->file.fd, w->checked, w->at - w->checked);
	w->checked = w->at;
	/* A writer that is ahead of its drive is held to the drive's pace. */
	if (w->at - w->settled >= AHEAD_BYTES) {
		if ((e = os_write_settle(w->file.fd, w->settled,
		    STEP_BYTES)) != EC_OK)
			return e;
		w->settled += STEP_BYTES;
	}
	return shards_full(w->s, 0) ? EC_ENOSPC : EC_OK;
}

enum err
shards_commit(struct drive_writer *w)
{
	char name[SHARD_NAME_BYTES];
	enum err e = EC_OK;
	int fd = w->file.fd;

	atomic_fetch_add(&w->s->flushes, 1);
	if (fdatasync(fd) != 0)
		e = err_from_errno(errno);
	w->file.fd = -1;
	if (close(fd) != 0 && e == EC_OK)
		e = err_from_errno(errno);
	if (e == EC_OK && w->staged.fd >= 0) {
		shard_name(name, &w->data, w->index);
		e = staged_replace(&w->staged, &w->s->quarantine,
		    w->folder_fd, name);
	}
	if (e == EC_OK && fsync(w->folder_fd) != 0)
		e = err_from_errno(errno);
	if (e != EC_OK) {
		if (e != EC_EEXIST)
			log_error("%s: shard file: cannot flush: %s",
			    w->s->name, err_text(e));
		shards_abort(w);
		return e;
	}
	writer_free(w);
	return EC_OK;
}

void
shards_abort(struct drive_writer *w)
{
	char name[SHARD_NAME_BYTES];

	shard_name(name, &w->data, w->index);
	if (w->staged.fd < 0 && unlinkat(w->folder_fd, name, 0) != 0)
		log_warn("%s: shard file %s: cannot remove: %s", w->s->name,
		    name, strerror(errno));
	writer_free(w);
}

enum err
shards_open(struct shards *s, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes)
{
	char path[FOLDER_BYTES + SHARD_NAME_BYTES];
	struct drive_reader *r = NULL;
	struct stat st;
	int fd = -1;
	enum err e = EC_OK;

	folder_name(path, data->b[0]);
	path[FOLDER_BYTES - 1] = '/';
	shard_name(path + FOLDER_BYTES, data, index);
	if ((fd = os_open_beneath(s->drive_fd, path, O_RDONLY | O_NONBLOCK,
	    0)) < 0)
		return err_from_errno(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		e = EC_EIO;
		goto out;
	}
	if ((r = calloc(1, sizeof *r)) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	*r = (struct drive_reader){ s, fd };
	*bytes = (uint64_t)st.st_size;
	*out = r;
	fd = -1;
out:
	if (fd >= 0)
		close(fd);
	return e;
}

enum err
shards_pread(struct drive_reader *r, void *buf, size_t len, uint64_t off)
{
	size_t got;
	enum err e;

	if ((e = io_pread_full(r->fd, buf, len, off, &got)) != EC_OK)
		return e;
	atomic_fetch_add(&r->s->bytes_read, got);
	return got == len ? EC_OK : EC_ECORRUPT;
}

void
shards_close(struct drive_reader *r)
{
	if (r == NULL)
		return;
	close(r->fd);
	free(r);
}

enum err
shards_remove(struct shards *s, const struct uuid *data, unsigned index)
{
	char name[SHARD_NAME_BYTES];
	int fd;
	enum err e;

	if ((e = folder_open(s, data->b[0], false, &fd)) != EC_OK)
		return e;
	shard_name(name, data, index);
	if (unlinkat(fd, name, 0) != 0)
		e = err_from_errno(errno);
	close(fd);
	return e;
}

enum err
shards_restore(struct shards *s, const struct drive_shard_info *which)
{
	int fd;
	enum err e;

	if ((e = folder_open(s, which->data.b[0], true, &fd)) != EC_OK)
		return e;
	e = quarantine_restore(&s->quarantine, which, fd);
	close(fd);
	return e;
}

struct wanted {
	unsigned folder;
	const struct uuid *after;	/* or NULL */
};

static bool
is_wanted(const void *ctx, const char *name, struct drive_shard_info *one)
{
	const struct wanted *w = ctx;

	return shard_name_parse(name, &one->data, &one->index) &&
	    one->data.b[0] == w->folder && (w->after == NULL ||
	    memcmp(one->data.b, w->after->b, UUID_BYTES) > 0);
}

/* Files of folder ${n} behind ${after}, sorted, without size and time. */
static enum err
folder_list(const struct shards *s, unsigned n, const struct uuid *after,
    struct shard_names *l, int *folder_fd)
{
	const struct wanted w = { n, after };
	enum err e;

	l->n = 0;
	if ((e = folder_open(s, n, false, folder_fd)) != EC_OK)
		return e == EC_ENOTFOUND ? EC_OK : e;
	return shard_names_read(l, *folder_fd, is_wanted, &w);
}

/* Size and time; false when it is gone meanwhile. */
static bool
info_fill(struct drive_shard_info *i, int folder_fd)
{
	char name[SHARD_NAME_BYTES];
	struct stat st;

	shard_name(name, &i->data, i->index);
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	i->bytes = (uint64_t)st.st_size;
	i->mtime_us = (uint64_t)st.st_mtim.tv_sec * 1000000 +
	    (uint64_t)st.st_mtim.tv_nsec / 1000;
	return true;
}

enum err
shards_list(struct shards *s, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct shard_names l = { NULL, 0, 0 };
	unsigned folder = after != NULL ? after->b[0] : 0;
	int fd = -1;
	enum err e = EC_OK;

	*n = 0;
	for (; folder < 256 && *n < max && e == EC_OK; folder++) {
		e = folder_list(s, folder, after, &l, &fd);
		for (size_t i = 0; e == EC_OK && i < l.n; i++) {
			if (*n == max) {
				if (uuid_equal(&l.v[i].data,
				    &out[*n - 1].data))
					*n = shard_names_whole(out, *n);
				break;
			}
			if (info_fill(&l.v[i], fd))
				out[(*n)++] = l.v[i];
		}
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(l.v);
	return e;
}
