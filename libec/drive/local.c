/* local: opening, closing and the operations that do not change the journal. */
#include "drive/local.h"

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
#include "base/num.h"
#include "base/os_linux.h"
#include "drive/local_impl.h"
#include "drive/owner.h"

enum {
	LOOK_MS = 250,		/* how often to look whether it is there */
};
#define RESERVE_MAX (UINT64_C(1) << 30)

/* Segments are small beside the drive, so that compaction needs little room.
 * Left free for it, for purges and deletes: a thousandth of the drive, a
 * segment or LOCAL_RESERVE_MIN, whichever is most, but never more than an
 * eighth. */
static enum err
sizes(struct local *l, uint64_t *reserve)
{
	struct os_space s;
	uint64_t r;
	enum err e;

	if ((e = os_space(&s, l->fd)) != EC_OK)
		return e;
	l->segment_bytes = num_min(s.total / 64, JOURNAL_SEGMENT_MAX);
	if (l->segment_bytes < JOURNAL_SEGMENT_MIN)
		l->segment_bytes = JOURNAL_SEGMENT_MIN;
	r = num_min(s.total / 1000, RESERVE_MAX);
	if (r < l->segment_bytes)
		r = l->segment_bytes;
	if (r < LOCAL_RESERVE_MIN)
		r = LOCAL_RESERVE_MIN;
	*reserve = num_min(r, s.total / 8);
	return EC_OK;
}

enum err
local_open_dir(int *fd, const char *path)
{
	enum err e;

	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return EC_OK;
	e = err_from_errno(errno);
	return e == EC_ENOTFOUND || errno == ENOTDIR ? EC_EOFFLINE : e;
}

static bool
same_dir(const struct local *l, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino;
}

enum err
local_there(struct local *l)
{
	uint64_t now = clock_mono_us();
	struct stat st;
	bool there;

	if (now - atomic_load(&l->looked_us) >= LOOK_MS * 1000) {
		there = stat(l->path, &st) == 0 && st.st_dev == l->dev &&
		    st.st_ino == l->ino &&
		    faccessat(l->fd, ".ec/format.json", F_OK, 0) == 0;
		atomic_store(&l->there, there);
		atomic_store(&l->looked_us, now);
	}
	return atomic_load(&l->there) ? EC_OK : EC_EOFFLINE;
}

static enum err
op_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out)
{
	struct local *l = (struct local *)d;
	enum err e;

	if ((e = local_there(l)) != EC_OK)
		return e;
	if ((e = local_settle_for(l, q)) != EC_OK)
		return e;
	pthread_rwlock_rdlock(&l->removal);
	e = index_query(l->index, q, out);
	pthread_rwlock_unlock(&l->removal);
	return e;
}

static enum err
op_shard_create(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t bytes_hint, struct drive_writer **out)
{
	struct local *l = (struct local *)d;
	enum err e;

	if ((e = local_there(l)) != EC_OK)
		return e;
	return shards_create(&l->shards, data, index, bytes_hint, out);
}

static enum err
op_shard_open(struct drive *d, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes)
{
	struct local *l = (struct local *)d;
	enum err e;

	if ((e = local_there(l)) != EC_OK)
		return e;
	return shards_open(&l->shards, data, index, out, bytes);
}

static enum err
op_shard_remove(struct drive *d, const struct uuid *data, unsigned index)
{
	return shards_remove(&((struct local *)d)->shards, data, index);
}

static enum err
op_shard_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct local *l = (struct local *)d;
	enum err e;

	*n = 0;
	if ((e = local_there(l)) != EC_OK)
		return e;
	return shards_list(&l->shards, after, out, max, n);
}

static enum err
op_kept_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct local *l = (struct local *)d;

	return quarantine_list(&l->shards.quarantine, after, out, max, n);
}

static enum err
op_kept_read(struct drive *d, const struct drive_shard_info *which, void *buf,
    size_t len, uint64_t off)
{
	struct local *l = (struct local *)d;

	return quarantine_read(&l->shards.quarantine, which, buf, len, off);
}

static enum err
op_kept_restore(struct drive *d, const struct drive_shard_info *which)
{
	return shards_restore(&((struct local *)d)->shards, which);
}

static enum err
op_kept_purge(struct drive *d, const struct drive_shard_info *which)
{
	struct local *l = (struct local *)d;

	return quarantine_purge(&l->shards.quarantine, which);
}

static enum err
mend(struct local *l)
{
	enum err e;

	pthread_mutex_lock(&l->append);
	e = journal_check(l->journal);
	if (e == EC_OK && journal_broken(l->journal))
		e = journal_roll(l->journal);
	if (e == EC_OK && (e = local_change_begin(l)) == EC_OK)
		local_change_end(l);
	pthread_mutex_unlock(&l->append);
	return e;
}

static enum err
op_probe(struct drive *d, struct format *out)
{
	struct local *l = (struct local *)d;
	bool same;
	int fd;
	enum err e;

	atomic_store(&l->looked_us, 0);
	if (local_open_dir(&fd, l->path) != EC_OK)
		return EC_EOFFLINE;
	e = format_read(out, fd);
	same = same_dir(l, fd);
	close(fd);
	if (e == EC_ENOTFOUND)
		return EC_EOFFLINE;
	if (e != EC_OK)
		return e;
	if (!uuid_equal(&out->drive, &l->format.drive) ||
	    !uuid_equal(&out->deployment, &l->format.deployment))
		return EC_EFOREIGN;
	if (!same)
		return EC_EOFFLINE;
	if (faccessat(l->fd, ".", W_OK, 0) != 0)
		return err_from_errno(errno);
	return mend(l);
}

static enum err
op_reformat(struct drive *d, const struct format *f)
{
	struct local *l = (struct local *)d;
	enum err e;

	pthread_mutex_lock(&l->append);
	if (!uuid_equal(&f->drive, &l->format.drive))
		e = EC_EINVAL;
	else if ((e = format_write(l->fd, f)) == EC_OK)
		l->format = *f;
	pthread_mutex_unlock(&l->append);
	return e;
}

static enum err
op_space(struct drive *d, struct drive_space *out)
{
	struct local *l = (struct local *)d;
	struct os_space s;
	enum err e;

	if ((e = os_space(&s, l->fd)) != EC_OK)
		return e;
	out->total = s.total;
	out->free = s.free > l->shards.reserve ? s.free - l->shards.reserve :
	    0;
	return EC_OK;
}

static enum err
op_stats(struct drive *d, struct drive_stats *out)
{
	struct local *l = (struct local *)d;

	*out = (struct drive_stats){
		.appends = atomic_load(&l->appends),
		.append_bytes = atomic_load(&l->append_bytes),
		.flushes = journal_flushes(l->journal),
		.shard_bytes_written = atomic_load(&l->shards.bytes_written),
		.shard_bytes_read = atomic_load(&l->shards.bytes_read),
		.shard_flushes = atomic_load(&l->shards.flushes),
		.journal_damaged = journal_damaged(l->journal),
		.kept_files = atomic_load(&l->shards.quarantine.files),
		.kept_bytes = atomic_load(&l->shards.quarantine.bytes),
	};
	return EC_OK;
}

static void
op_close(struct drive *d)
{
	struct local *l = (struct local *)d;

	local_background_stop(l);
	if (l->index != NULL && l->journal != NULL && local_settle(l) != EC_OK)
		l->stale = true;
	local_leave(l);
	index_close(l->index);
	journal_close(l->journal);
	if (l->ec_fd >= 0)
		close(l->ec_fd);
	if (l->fd >= 0)
		close(l->fd);
	if (l->owner_fd >= 0)
		close(l->owner_fd);	/* last: all is done */
	pending_release(&l->pending);
	pthread_mutex_destroy(&l->append);
	pthread_mutex_destroy(&l->apply);
	pthread_mutex_destroy(&l->pending_mutex);
	pthread_mutex_destroy(&l->background);
	pthread_mutex_destroy(&l->maintain);
	pthread_cond_destroy(&l->wake);
	pthread_rwlock_destroy(&l->removal);
	free(l->path);
	free(l);
}

static const struct drive_ops local_ops = {
	.append = local_append,
	.query = op_query,
	.shard_create = op_shard_create,
	.shard_write = shards_write,
	.shard_commit = shards_commit,
	.shard_abort = shards_abort,
	.shard_open = op_shard_open,
	.shard_pread = shards_pread,
	.shard_close = shards_close,
	.shard_remove = op_shard_remove,
	.shard_list = op_shard_list,
	.kept_list = op_kept_list,
	.kept_read = op_kept_read,
	.kept_restore = op_kept_restore,
	.kept_purge = op_kept_purge,
	.probe = op_probe,
	.reformat = op_reformat,
	.space = op_space,
	.stats = op_stats,
	.maintain = local_maintain,
	.note_put = local_note_put,
	.note_get = local_note_get,
	.close = op_close,
};

static struct local *
local_new(const char *path)
{
	struct local *l = calloc(1, sizeof *l);
	pthread_condattr_t attr;

	if (l == NULL)
		return NULL;
	l->fd = l->ec_fd = l->owner_fd = -1;
	pthread_mutex_init(&l->append, NULL);
	pthread_mutex_init(&l->apply, NULL);
	pthread_mutex_init(&l->pending_mutex, NULL);
	pthread_mutex_init(&l->background, NULL);
	pthread_mutex_init(&l->maintain, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_rwlock_init(&l->removal, NULL);
	l->drive.ops = &local_ops;
	l->drive.local = true;
	if ((l->path = strdup(path)) == NULL) {
		op_close(&l->drive);
		return NULL;
	}
	l->drive.name = l->path;
	return l;
}

static enum err
open_journal(struct local *l)
{
	int fd;
	enum err e;

	if ((fd = os_open_beneath(l->ec_fd, "journal",
	    O_RDONLY | O_DIRECTORY, 0)) < 0)
		return errno == ENOENT ? EC_EFORMAT : err_from_errno(errno);
	e = journal_open(&l->journal, fd, &l->format.drive, l->segment_bytes,
	    l->path);
	close(fd);
	return e;
}

/* Open the index and bring it up to the journal's end; one that is damaged or
 * not of this journal is made anew. */
static enum err
open_index(struct local *l)
{
	struct buf path = BUF_INIT(65536);
	enum err e;

	if ((e = buf_printf(&path, "%s/.ec/index.db", l->path)) != EC_OK)
		goto out;
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		e = index_open(&l->index, buf_str(&path), &l->format.drive,
		    l->journal, l->path);
		if (e == EC_OK)
			e = local_catch_up(l);
		if (e != EC_ECORRUPT && e != EC_ESTALE)
			break;
		log_warn("%s: the index is %s; it is made anew", l->path,
		    e == EC_ESTALE ? "not of this journal" : "damaged");
		index_close(l->index);
		l->index = NULL;
		index_delete(buf_str(&path));
	}
out:
	buf_release(&path);
	return e == EC_ECORRUPT || e == EC_ESTALE ? EC_EIO : e;
}

enum err
local_open(struct drive **out, const char *path, const char *address,
    char **owner)
{
	struct local *l = local_new(path);
	uint64_t reserve, written_us;
	struct journal_pos applied;
	struct stat st;
	enum err e;

	if (owner != NULL)
		*owner = NULL;
	if (l == NULL)
		return EC_ENOMEM;
	if ((e = local_open_dir(&l->fd, path)) != EC_OK ||
	    (e = format_read(&l->format, l->fd)) != EC_OK)
		goto out;
	if (fstat(l->fd, &st) != 0 || (l->ec_fd = os_open_beneath(l->fd,
	    ".ec", O_RDONLY | O_DIRECTORY, 0)) < 0) {
		e = err_from_errno(errno);
		goto out;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	if ((e = owner_take(&l->owner_fd, l->ec_fd, address, owner)) != EC_OK ||
	    (e = sizes(l, &reserve)) != EC_OK ||
	    (e = shards_init(&l->shards, l->fd, l->path, reserve)) != EC_OK ||
	    (e = open_journal(l)) != EC_OK)
		goto out;
	written_us = journal_written_us(l->journal);
	if ((e = open_index(l)) != EC_OK)
		goto out;
	l->follows = index_applied(l->index, &applied);
	local_entered(l, written_us, address[0] != '\0');
	*out = &l->drive;
	l = NULL;
out:
	if (l != NULL) {
		if (e != EC_EOWNED)	/* the caller may wait or share */
			log_error("%s: cannot open: %s", path, err_text(e));
		op_close(&l->drive);
	}
	return e;
}
