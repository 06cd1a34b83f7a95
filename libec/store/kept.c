/* kept: see the header. */
#include "store/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/bitrot.h"

enum { PAGE_FILES = 1000 };

enum act { LIST, READ, RESTORE, PURGE };

struct job {		/* the argument of a call */
	enum act act;
	struct drive_shard_info which;	/* of a list: to go on after */
	uint64_t off;
	size_t len;
	uint8_t *bytes;
	struct drive_shard_info *page;
	unsigned n;
};

static enum err
job_run(struct drive *d, void *arg)
{
	struct job *j = arg;

	switch (j->act) {
	case LIST:
		return d->ops->kept_list(d, &j->which.data, j->page,
		    PAGE_FILES, &j->n);
	case READ:
		return d->ops->kept_read(d, &j->which, j->bytes, j->len,
		    j->off);
	case RESTORE:
		return d->ops->kept_restore(d, &j->which);
	default:
		return d->ops->kept_purge(d, &j->which);
	}
}

static void
job_drop(void *arg)
{
	struct job *j = arg;

	free(j->bytes);
	free(j->page);
	free(j);
}

/* What was read or listed goes to ${out} in memory of the caller's, for a call
 * may be left behind. */
static enum err
job_do(struct lane *l, struct job *with, void *out, unsigned *n)
{
	struct job *j = malloc(sizeof *j);
	struct lane_call *c = NULL;
	struct gather *g = NULL;
	enum err e = EC_ENOMEM;

	if (j == NULL)
		return EC_ENOMEM;
	*j = *with;
	if ((j->act == READ && (j->bytes = malloc(j->len)) == NULL) ||
	    (j->act == LIST && (j->page = calloc(PAGE_FILES,
	    sizeof *j->page)) == NULL) || (e = gather_new(&g)) != EC_OK) {
		job_drop(j);
		return e;
	}
	if ((e = lane_start(l, g, job_run, job_drop, j, &c)) != EC_OK)
		goto out;
	gather_wait(g, 1, clock_mono_us() + SET_WAIT_MS * UINT64_C(1000));
	if (!lane_call_done(c, &e))
		e = EC_ETIMEDOUT;
	j = lane_call_arg(c);
	if (e == EC_OK && j->act == READ)
		memcpy(out, j->bytes, j->len);
	if (e == EC_OK && j->act == LIST) {
		memcpy(out, j->page, j->n * sizeof *j->page);
		*n = j->n;
	}
out:
	lane_call_put(c);
	gather_free(g);
	return e;
}

static enum err
walk_drive(struct lane *l, struct drive_shard_info *page,
    enum err (*each)(void *ctx, const struct kept_file *f), void *ctx,
    bool *away)
{
	struct job j = { .act = LIST };
	struct kept_file f = { .lane = l };
	unsigned n = 1;
	enum err e = EC_OK;

	while (n > 0 && e == EC_OK) {
		if (job_do(l, &j, page, &n) != EC_OK) {
			*away = true;
			return EC_OK;
		}
		for (unsigned i = 0; i < n && e == EC_OK; i++) {
			f.info = page[i];
			shard_kept_name(f.name, &f.info);
			e = each(ctx, &f);
		}
		if (n > 0)
			j.which = page[n - 1];
	}
	return e;
}

enum err
kept_walk(struct store *st,
    enum err (*each)(void *ctx, const struct kept_file *f), void *ctx)
{
	struct drive_shard_info *page = calloc(PAGE_FILES, sizeof *page);
	enum err e = page == NULL ? EC_ENOMEM : EC_OK;
	bool away = false;

	for (unsigned i = 0; i < store_sets(st) && e == EC_OK; i++) {
		struct set *s = store_set(st, i);

		for (unsigned d = 0; d < set_drives(s) && e == EC_OK; d++)
			e = walk_drive(set_lane(s, d), page, each, ctx, &away);
	}
	free(page);
	return e == EC_OK && away ? EC_EOFFLINE : e;
}

static enum err
kept_pread(const struct kept_file *f, void *buf, size_t len, uint64_t off)
{
	struct job j = { .act = READ, .which = f->info, .len = len,
		.off = off };

	return job_do(f->lane, &j, buf, NULL);
}

static void
look_bad(struct kept_look *out, uint64_t off)
{
	if (out->bad++ == 0)
		out->bad_off = off;
}

/* The leaves of one group, whose page of sums is verified by ${sum}. */
static enum err
look_group(struct kept_look *out, const struct kept_file *f,
    uint64_t data_bytes, uint64_t n, const uint8_t *sum, uint8_t *page,
    uint8_t *leaf)
{
	uint64_t at = n * SHARD_GROUP_BYTES;
	uint64_t end = num_min(data_bytes, at + SHARD_GROUP_BYTES);
	size_t len = shard_page_bytes(data_bytes, n);
	enum err e;

	e = kept_pread(f, page, len, shard_page_off(data_bytes, n));
	if (e != EC_OK)
		return e;
	if (!bitrot_check(sum, page, len)) {
		out->leaves += len / SHARD_SUM_BYTES;
		look_bad(out, shard_page_off(data_bytes, n));
		return EC_OK;
	}
	for (; at < end && e == EC_OK; at += SHARD_LEAF_BYTES) {
		len = (size_t)num_min(end - at, SHARD_LEAF_BYTES);
		e = kept_pread(f, leaf, len, shard_data_off(at));
		if (e == EC_OK && !bitrot_check(page, leaf, len))
			look_bad(out, shard_data_off(at));
		page += SHARD_SUM_BYTES;
		out->leaves++;
	}
	return e;
}

/* What the tail says; *${sums} leads into ${tail}. */
static enum err
look_tail(struct kept_look *out, const struct kept_file *f,
    struct shard_end *end, struct buf *tail, const uint8_t **sums)
{
	uint8_t last[SHARD_END_BYTES];
	uint64_t bytes = f->info.bytes, len;
	struct shard_tail t;
	uint8_t *room;
	enum err e;

	if ((e = kept_pread(f, last, sizeof last, bytes - sizeof last)) !=
	    EC_OK)
		return e;
	if (shard_end_decode(end, last, bytes) != EC_OK)
		return EC_OK;
	len = shard_tail_bytes(end);
	if ((e = buf_reserve(tail, len, &room)) != EC_OK ||
	    (e = kept_pread(f, room, len, bytes - len)) != EC_OK)
		return e;
	if (shard_tail_decode(&t, sums, &out->head, end, room, len) != EC_OK)
		return EC_OK;
	out->tail = true;
	snprintf(out->bucket, sizeof out->bucket, "%s", t.bucket);
	snprintf(out->key, sizeof out->key, "%s", t.key);
	return EC_OK;
}

enum err
kept_look(struct kept_look *out, const struct kept_file *f)
{
	struct buf tail = BUF_INIT(64u << 20);
	uint8_t *room = malloc(SHARD_PAGE_BYTES + SHARD_LEAF_BYTES);
	const uint8_t *sums = NULL;
	struct shard_end end;
	enum err e = EC_OK;

	memset(out, 0, sizeof *out);
	if (room == NULL)
		return EC_ENOMEM;
	if (f->info.bytes < SHARD_HEADER_BYTES + SHARD_END_BYTES ||
	    (e = kept_pread(f, room, SHARD_HEADER_BYTES, 0)) != EC_OK ||
	    shard_header_decode(&out->head, room) != EC_OK)
		goto out;
	out->header = true;
	if ((e = look_tail(out, f, &end, &tail, &sums)) != EC_OK ||
	    !out->tail)
		goto out;
	for (uint64_t n = 0; n < shard_page_count(end.data_bytes) &&
	    e == EC_OK; n++)
		e = look_group(out, f, end.data_bytes, n,
		    sums + n * SHARD_SUM_BYTES, room, room +
		    SHARD_PAGE_BYTES);
out:
	buf_release(&tail);
	free(room);
	return e;
}

enum err
kept_restore(const struct kept_file *f)
{
	struct job j = { .act = RESTORE, .which = f->info };

	return job_do(f->lane, &j, NULL, NULL);
}

enum err
kept_purge(const struct kept_file *f)
{
	struct job j = { .act = PURGE, .which = f->info };

	return job_do(f->lane, &j, NULL, NULL);
}
