/* clone: see the header.
 *
 * Segments of a journal but for the last do not change, and go only when what
 * lives of them is in later ones.  So what was copied is a journal as it once
 * was if none came or went meanwhile.  Shard files are whole under their names,
 * and those without a record are litter: they are copied after it. */
#include "drive/clone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/os_linux.h"
#include "drive/format.h"
#include "drive/local_impl.h"

enum { COPY_BYTES = 1024 * 1024, JOURNAL_PASSES = 1000 };

struct copy {
	struct clone *c;
	const char *from_name, *to_name;
	int from, to;		/* the drives' directories */
	void *buf;
	bool gone;		/* a file went before it was copied */
};

struct names {
	struct dirent **v;
	int n;
};

static void
names_free(struct names *l)
{
	while (l->n > 0)
		free(l->v[--l->n]);
	free(l->v);
	l->v = NULL;
}

static int
is_name(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static enum err
names_read(struct names *l, int dir)
{
	names_free(l);
	l->n = scandirat(dir, ".", &l->v, is_name, alphasort);
	if (l->n >= 0)
		return EC_OK;
	l->n = 0;
	return err_from_errno(errno);
}

static bool
names_equal(const struct names *a, const struct names *b)
{
	if (a->n != b->n)
		return false;
	for (int i = 0; i < a->n; i++)
		if (strcmp(a->v[i]->d_name, b->v[i]->d_name) != 0)
			return false;
	return true;
}

static bool
same_time(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* *${unread} when it is the old drive that fails. */
static enum err
copy_bytes(struct copy *k, int in, int out, bool *unread)
{
	uint64_t at = 0;
	size_t got;
	enum err e;

	do {
		if ((e = io_pread_full(in, k->buf, COPY_BYTES, at, &got)) !=
		    EC_OK) {
			*unread = true;
			return e;
		}
		if ((e = io_write_full(out, k->buf, got)) != EC_OK)
			return e;
		at += got;
	} while (got == COPY_BYTES);
	k->c->bytes += at;
	return EC_OK;
}

/* With the time it was changed, so that it is not copied again. */
static enum err
write_copy(struct copy *k, int in, const struct stat *st, int dir,
    const char *name, bool *unread)
{
	const struct timespec times[2] = { { 0, UTIME_OMIT }, st->st_mtim };
	enum err e;
	int out;

	if ((out = os_open_beneath(dir, name, O_WRONLY | O_CREAT | O_TRUNC,
	    0600)) < 0)
		return err_from_errno(errno);
	e = copy_bytes(k, in, out, unread);
	if (e == EC_OK && futimens(out, times) != 0)
		e = err_from_errno(errno);
	if (close(out) != 0 && e == EC_OK)
		e = err_from_errno(errno);
	return e;
}

static enum err
copy_file(struct copy *k, int from, int to, const char *name)
{
	struct stat st, have;
	bool unread = false;
	enum err e = EC_OK;
	int in;

	in = os_open_beneath(from, name, O_RDONLY, 0);
	if (in < 0 && errno == ENOENT) {
		k->gone = true;
		return EC_OK;
	}
	if (in < 0 || fstat(in, &st) != 0) {
		e = err_from_errno(errno);
		unread = true;
	} else if (fstatat(to, name, &have, AT_SYMLINK_NOFOLLOW) == 0 &&
	    have.st_size == st.st_size && same_time(&have, &st)) {
		k->c->bytes += (uint64_t)st.st_size;
	} else {
		e = write_copy(k, in, &st, to, name, &unread);
	}
	if (in >= 0)
		close(in);
	if (unread) {
		log_warn("%s: %s: cannot read: %s; left out", k->from_name,
		    name, err_text(e));
		unlinkat(to, name, 0);
		k->c->unread++;
		return EC_OK;
	}
	if (e != EC_OK)
		log_error("%s: %s: %s", k->to_name, name, err_text(e));
	k->c->files++;
	if (k->c->progress != NULL)
		k->c->progress(k->c->ctx, k->c->files, k->c->bytes);
	return e;
}

/* The folder ${name} of both, made in the new one. */
static enum err
open_folders(struct copy *k, const char *name, int *from, int *to)
{
	*from = *to = -1;
	if ((mkdirat(k->to, name, 0700) != 0 && errno != EEXIST) ||
	    (*to = os_open_beneath(k->to, name, O_RDONLY | O_DIRECTORY,
	    0)) < 0 || (*from = os_open_beneath(k->from, name,
	    O_RDONLY | O_DIRECTORY, 0)) < 0)
		return err_from_errno(errno);
	return EC_OK;
}

static void
close_folders(int from, int to)
{
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
}

/* Remove from the copy what is no more. */
static enum err
drop_others(int to, const struct names *keep)
{
	struct names have = { NULL, 0 };
	enum err e = names_read(&have, to);
	int j = 0;

	for (int i = 0; e == EC_OK && i < have.n; i++) {
		while (j < keep->n && strcmp(keep->v[j]->d_name,
		    have.v[i]->d_name) < 0)
			j++;
		if ((j == keep->n || strcmp(keep->v[j]->d_name,
		    have.v[i]->d_name) != 0) &&
		    unlinkat(to, have.v[i]->d_name, 0) != 0)
			e = err_from_errno(errno);
	}
	names_free(&have);
	return e;
}

static enum err
copy_journal(struct copy *k)
{
	struct names now = { NULL, 0 }, then = { NULL, 0 };
	bool still = false;
	int from, to;
	enum err e;

	if ((e = open_folders(k, ".ec/journal", &from, &to)) != EC_OK)
		goto out;
	for (unsigned n = 0; e == EC_OK && !still; n++) {
		if (n == JOURNAL_PASSES) {
			e = EC_EBUSY;
			break;
		}
		k->gone = false;
		if ((e = names_read(&then, from)) != EC_OK ||
		    (e = drop_others(to, &then)) != EC_OK)
			break;
		for (int i = 0; e == EC_OK && i < then.n; i++)
			e = copy_file(k, from, to, then.v[i]->d_name);
		if (e == EC_OK)
			e = names_read(&now, from);
		still = !k->gone && names_equal(&then, &now);
	}
out:
	names_free(&now);
	names_free(&then);
	close_folders(from, to);
	return e;
}

static enum err
copy_folder(struct copy *k, const char *name)
{
	struct names l = { NULL, 0 };
	char path[64];
	int from, to;
	enum err e;

	snprintf(path, sizeof path, "shard/%.16s", name);
	if ((e = open_folders(k, path, &from, &to)) == EC_OK)
		e = names_read(&l, from);
	for (int i = 0; e == EC_OK && i < l.n; i++)
		e = copy_file(k, from, to, l.v[i]->d_name);
	names_free(&l);
	close_folders(from, to);
	return e;
}

static enum err
copy_shards(struct copy *k)
{
	struct names l = { NULL, 0 };
	int from, to;
	enum err e;

	if ((e = open_folders(k, "shard", &from, &to)) == EC_OK)
		e = names_read(&l, from);
	for (int i = 0; e == EC_OK && i < l.n; i++)
		e = copy_folder(k, l.v[i]->d_name);
	names_free(&l);
	close_folders(from, to);
	return e;
}

static enum err
copy_all(struct copy *k, struct format *f)
{
	enum err e;

	if (mkdirat(k->to, ".ec", 0700) != 0 && errno != EEXIST)
		return err_from_errno(errno);
	if ((e = copy_journal(k)) != EC_OK || (e = copy_shards(k)) != EC_OK)
		return e;
	if (syncfs(k->to) != 0)
		return err_from_errno(errno);
	f->filling = true;
	return format_write(k->to, f);	/* last: now it is a drive */
}

enum err
clone_drive(struct clone *c, const char *from, const char *to)
{
	struct copy k = { .c = c, .from_name = from, .to_name = to,
		.from = -1, .to = -1 };
	struct format f, other;
	enum err e;

	if ((e = local_open_dir(&k.from, from)) != EC_OK ||
	    (e = format_read(&f, k.from)) != EC_OK) {
		log_error("%s: no drive: %s", from, err_text(e));
		goto out;
	}
	e = local_peek(&other, to);
	if (e == EC_OK)
		e = EC_EEXIST;
	if (e == EC_ENOTFOUND)
		e = local_open_dir(&k.to, to);
	if (e == EC_OK && (k.buf = malloc(COPY_BYTES)) == NULL)
		e = EC_ENOMEM;
	if (e == EC_OK)
		e = copy_all(&k, &f);
	if (e != EC_OK)
		log_error("%s: cannot copy %s there: %s", to, from,
		    err_text(e));
out:
	free(k.buf);
	close_folders(k.from, k.to);
	return e;
}

/* The folder that ${dir_fd} is in. */
static enum err
flush_parent(int dir_fd)
{
	int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = EC_OK;

	if (fd < 0 || fsync(fd) != 0)
		e = err_from_errno(errno);
	if (fd >= 0)
		close(fd);
	return e;
}

/* Only when both have their new names for good is the old one no drive. */
enum err
clone_exchange(const char *from, const char *to)
{
	int old = -1, new = -1, ec = -1;
	enum err e;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) != 0)
		return err_from_errno(errno);
	if ((e = local_open_dir(&new, from)) != EC_OK ||
	    (e = local_open_dir(&old, to)) != EC_OK ||
	    (e = flush_parent(new)) != EC_OK ||
	    (e = flush_parent(old)) != EC_OK)
		goto out;
	if ((ec = os_open_beneath(old, ".ec", O_RDONLY | O_DIRECTORY, 0)) < 0 ||
	    renameat(ec, "format.json", ec, "replaced.json") != 0 ||
	    fsync(ec) != 0)
		e = err_from_errno(errno);
out:
	if (ec >= 0)
		close(ec);
	close_folders(old, new);
	return e;
}
