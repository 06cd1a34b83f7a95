#include "codec/shardset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"

void
shardset_release(struct shardset *s)
{
	for (size_t j = 0; j < s->n; j++) {
		if (s->files[j].fd >= 0)
			(void)close(s->files[j].fd);
		free(s->files[j].path);
	}
	free(s->files);
	*s = (struct shardset)SHARDSET_INIT;
}

/* Read the header of an open file. */
static void
look_at(struct shardset_file *f)
{
	uint8_t bytes[SHARD_HEADER_BYTES];
	size_t got;

	f->why = io_pread_full(f->fd, bytes, sizeof(bytes), 0, &got);
	if (f->why != EC_OK) {
		f->state = SHARDSET_UNREADABLE;
		return;
	}
	f->why = got < sizeof(bytes) ? EC_EFORMAT :
	    shard_header_decode(&f->header, bytes);
	f->has_header = f->why == EC_OK;
	f->state = f->has_header ? SHARDSET_GOOD : SHARDSET_ALIEN;
}

static enum err
add_file(struct shardset *s, const char *path)
{
	struct shardset_file *f;
	struct stat st;

	if (s->n == SHARDSET_FILES_MAX)
		return EC_ELIMIT;
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 32 : s->cap * 2;

		f = realloc(s->files, cap * sizeof(*f));
		if (f == NULL)
			return EC_ENOMEM;
		s->files = f;
		s->cap = cap;
	}
	f = &s->files[s->n];
	*f = (struct shardset_file){ .fd = -1 };
	if ((f->path = strdup(path)) == NULL)
		return EC_ENOMEM;
	s->n++;
	/* O_NONBLOCK: a pipe without a writer must not hold us up */
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->fd < 0 || fstat(f->fd, &st) != 0) {
		f->why = err_from_errno(errno);
		f->state = errno == ENOENT ? SHARDSET_MISSING :
		    SHARDSET_UNREADABLE;
		return EC_OK;
	}
	if (!S_ISREG(st.st_mode)) {
		f->why = EC_EFORMAT;
		f->state = SHARDSET_ALIEN;
		return EC_OK;
	}
	f->bytes = (uint64_t)st.st_size;
	look_at(f);
	return EC_OK;
}

static int
is_shard_name(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 3 && d->d_name[0] != '.' &&
	    strcmp(d->d_name + len - 3, ".ec") == 0;
}

enum err
shardset_add(struct shardset *s, const char *path)
{
	struct dirent **names = NULL;
	enum err e = EC_OK;
	struct stat st;
	char *full;
	int n;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return add_file(s, path);
	n = scandir(path, &names, is_shard_name, alphasort);
	if (n < 0)
		return errno == ENOMEM ? EC_ENOMEM : add_file(s, path);
	for (int j = 0; j < n; j++) {
		full = NULL;
		if (e == EC_OK && asprintf(&full, "%s/%s", path,
		    names[j]->d_name) < 0)
			e = EC_ENOMEM;
		if (e == EC_OK)
			e = add_file(s, full);
		free(full);
		free(names[j]);
	}
	free(names);
	return e;
}

static bool
same_set(const struct shard_header *a, const struct shard_header *b)
{
	return uuid_equal(&a->id, &b->id) && a->part == b->part &&
	    a->stripe.k == b->stripe.k && a->stripe.m == b->stripe.m &&
	    a->stripe.unit == b->stripe.unit;
}

/* Different shards of the set of ${h} among the files. */
static unsigned
count(const struct shardset *s, const struct shard_header *h)
{
	bool seen[RS_SHARDS_MAX] = { false };
	unsigned n = 0;

	for (size_t j = 0; j < s->n; j++) {
		const struct shardset_file *f = &s->files[j];

		if (!f->has_header || !same_set(&f->header, h) ||
		    seen[f->header.index])
			continue;
		seen[f->header.index] = true;
		n++;
	}
	return n;
}

/* Is files[j] the first of its set? */
static bool
is_first(const struct shardset *s, size_t j)
{
	for (size_t i = 0; i < j; i++)
		if (s->files[i].has_header &&
		    same_set(&s->files[i].header, &s->files[j].header))
			return false;
	return true;
}

static void
name_sets(const struct shardset *s)
{
	char text[UUID_TEXT_BYTES];

	for (size_t j = 0; j < s->n; j++) {
		const struct shardset_file *f = &s->files[j];

		if (!f->has_header || !is_first(s, j))
			continue;
		uuid_text(text, &f->header.id);
		log_error("%s: one of %u shards of %s part %u (%u+%u)",
		    f->path, count(s, &f->header), text, f->header.part,
		    f->header.stripe.k, f->header.stripe.m);
	}
}

static enum err
choose_header(struct shardset *s, const struct uuid *id)
{
	unsigned sets = 0, whole = 0;
	size_t only = 0;

	for (size_t j = 0; j < s->n; j++) {
		const struct shardset_file *f = &s->files[j];
		bool enough;

		if (!f->has_header || !is_first(s, j) ||
		    (id != NULL && !uuid_equal(id, &f->header.id)))
			continue;
		enough = count(s, &f->header) >= f->header.stripe.k;
		if (sets == 0 || (enough && whole == 0))
			only = j;
		sets++;
		whole += enough;
	}
	if (sets == 0)
		return EC_ENOTFOUND;
	if (sets > 1 && whole != 1) {
		name_sets(s);
		return whole == 0 ? EC_ELOST : EC_ECONFLICT;
	}
	s->header = s->files[only].header;
	s->header.index = 0;
	return EC_OK;
}

/* Which shard of the set is a file whose header is of no use?  Its end may
 * still tell; k + m when not. */
static unsigned
index_by_end(const struct shardset *s, const struct shardset_file *f)
{
	unsigned n = s->header.stripe.k + s->header.stripe.m;
	uint8_t bytes[SHARD_END_BYTES], bind[SHARD_BIND_BYTES];
	struct shard_header h = s->header;
	struct shard_end end;
	size_t got;

	if (f->bytes < SHARD_HEADER_BYTES + SHARD_END_BYTES ||
	    io_pread_full(f->fd, bytes, sizeof(bytes),
	    f->bytes - sizeof(bytes), &got) != EC_OK || got < sizeof(bytes) ||
	    shard_end_decode(&end, bytes, f->bytes) != EC_OK)
		return n;
	for (h.index = 0; h.index < n; h.index++) {
		shard_header_bind(bind, &h);
		if (memcmp(bind, end.bind, sizeof(bind)) == 0)
			break;
	}
	return h.index;
}

static void
sort_out(struct shardset *s, struct shardset_file *f)
{
	unsigned n = s->header.stripe.k + s->header.stripe.m;

	if (f->state == SHARDSET_MISSING || f->state == SHARDSET_UNREADABLE)
		return;
	if (f->has_header) {
		f->state = same_set(&f->header, &s->header) ? SHARDSET_GOOD :
		    SHARDSET_FOREIGN;
		f->index = f->header.index;
	} else {
		f->index = index_by_end(s, f);
		f->state = f->index < n ? SHARDSET_DAMAGED : SHARDSET_ALIEN;
		f->bad_off = 0;
		f->why = EC_ECORRUPT;
	}
	if (f->state == SHARDSET_FOREIGN || f->state == SHARDSET_ALIEN)
		return;
	if (s->of[f->index] != NULL) {
		f->state = SHARDSET_DUPLICATE;
		return;
	}
	s->of[f->index] = f;
	s->found++;
}

enum err
shardset_choose(struct shardset *s, const struct uuid *id)
{
	enum err e = choose_header(s, id);

	if (e != EC_OK)
		return e;
	/* files with a header first: theirs is the better claim */
	for (int with_header = 1; with_header >= 0; with_header--)
		for (size_t j = 0; j < s->n; j++)
			if (s->files[j].has_header == with_header)
				sort_out(s, &s->files[j]);
	return EC_OK;
}

static enum err
pread_file(void *ctx, void *buf, size_t len, uint64_t off)
{
	const struct shardset_file *f = ctx;
	size_t got;
	enum err e = io_pread_full(f->fd, buf, len, off, &got);

	/* shorter than it was when it was opened */
	return e == EC_OK && got < len ? EC_ECORRUPT : e;
}

void
shardset_sources(const struct shardset *s, struct decode_source out[])
{
	for (unsigned i = 0; i < s->header.stripe.k + s->header.stripe.m; i++) {
		out[i] = (struct decode_source){ .ctx = s->of[i] };
		if (s->of[i] == NULL)
			continue;
		out[i].pread = pread_file;
		out[i].file_bytes = s->of[i]->bytes;
	}
}

const char *
shardset_state_text(enum shardset_state state)
{
	static const char *const text[] = {
		[SHARDSET_GOOD] = "ok",
		[SHARDSET_DAMAGED] = "damaged",
		[SHARDSET_MISSING] = "missing",
		[SHARDSET_UNREADABLE] = "unreadable",
		[SHARDSET_ALIEN] = "unrecognized",
		[SHARDSET_FOREIGN] = "foreign",
		[SHARDSET_DUPLICATE] = "duplicate",
		[SHARDSET_REPAIRED] = "repaired",
	};

	return text[state];
}
