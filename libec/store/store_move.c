/* store_move: see the header. */
#include "store/store_move.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "set/get.h"
#include "set/move.h"
#include "store/store_impl.h"

#define MOVER_NAME ".mover"	/* the lock of who moves */

enum { PAGE = 1000, BUCKETS = 100, TRIES = 10 };

struct mover {
	struct store *st;
	const struct store_move_params *p;
	struct store_move_result *out;
	struct store_hold *held;
	struct set *from;	/* that this walk is at */
	bool count;		/* only what there is to list */
	uint64_t enough;	/* result's bytes at which to end; 0: none */
	uint64_t moved;		/* keys, in this walk */
	uint64_t found;		/* keys and uploads, in this walk */
};

/* EC_EBUSY when it changes again and again. */
static enum err
hand_over(struct mover *mv, struct move *m, const char *bucket,
    const char *key)
{
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	do {
		if ((e = move_copy(m)) != EC_OK)
			continue;
		if ((e = store_hold(mv->st, bucket, key, &h)) == EC_OK)
			e = move_hand_over(m);
		e = store_release(&h, e);
	} while (e == EC_EBUSY && ++tries < TRIES);
	return e;
}

static enum err
move_key(struct mover *mv, struct set *from, const char *bucket,
    const char *key)
{
	unsigned pool = store_place_choose(mv->st, bucket, key);
	const struct move_params p = { .from = from, .bucket = bucket,
		.key = key, .to = store_place_in(mv->st, pool, bucket, key) };
	struct store_move_report r = { .bucket = bucket, .key = key };
	struct move *m = NULL;

	if (p.to == from)
		return EC_ECANCELED;	/* it is active again */
	if ((r.err = move_new(&m, &p)) == EC_OK)
		r.err = hand_over(mv, m, bucket, key);
	/* Deleted meanwhile. */
	if (r.err == EC_ENOTFOUND || r.err == EC_ENOBUCKET)
		goto out;
	if (r.err == EC_OK) {
		r.versions = move_versions(m);
		r.bytes = move_bytes(m);
		mv->moved++;
		mv->out->keys++;
		mv->out->versions += r.versions;
		mv->out->bytes += r.bytes;
	} else {
		mv->out->left++;
	}
	if (mv->p->each != NULL)
		mv->p->each(mv->p->ctx, &r);
out:
	move_free(m);
	return r.err == EC_ENOMEM ? r.err : EC_OK;
}

/* Only count it, and see whether it can be read. */
static enum err
look_at(struct mover *mv, struct set *from, const char *bucket,
    const struct list_entry *at)
{
	struct store_move_report r = { .bucket = bucket, .key = at->key,
		.versions = 1, .bytes = at->size, .err = EC_OK };
	struct object o = OBJECT_INIT;

	if (!mv->count)
		r.err = get_open(NULL, &o, from, bucket, at->key,
		    at->null_version ? &get_null_version : &at->version);
	object_release(&o);
	if (r.err == EC_OK) {
		mv->out->versions++;
		mv->out->bytes += at->size;
	} else if (r.err != EC_ENOTFOUND) {
		mv->out->left++;
		if (mv->p->each != NULL)
			mv->p->each(mv->p->ctx, &r);
	}
	return r.err == EC_ENOMEM ? r.err : EC_OK;
}

/* EC_EEXIST: it is enough. */
static enum err
step(struct mover *mv)
{
	if (mv->held != NULL && mv->held->votes != NULL &&
	    lock_hold_left_us(mv->held->votes) == 0)
		return EC_ETIMEDOUT;
	if (mv->enough > 0 && mv->out->bytes >= mv->enough)
		return EC_EEXIST;
	return mv->p->progress != NULL && mv->p->progress(mv->p->ctx,
	    mv->out->versions, mv->out->bytes) ? EC_ECANCELED : EC_OK;
}

/* The keys of a page, or, dry, its versions.  ${last} is the key before it, and
 * then its last one. */
static enum err
walk_page(struct mover *mv, struct set *s, const char *bucket,
    const struct list *page, char last[])
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < list_count(page) && e == EC_OK; i++) {
		const struct list_entry *at = list_at(page, i);
		bool again = strcmp(at->key, last) == 0;

		strcpy(last, at->key);
		if ((e = step(mv)) != EC_OK)
			break;
		if (!again) {
			mv->found++;
			mv->out->keys += mv->p->dry;
		}
		if (mv->p->dry)
			e = look_at(mv, s, bucket, at);
		else if (!again)
			e = move_key(mv, s, bucket, at->key);
	}
	return e;
}

static enum err
walk_uploads(struct mover *mv, struct set *s, const char *bucket)
{
	struct upload *u = NULL;
	struct stamp after_id = { 0, 0 };
	char after[RECORD_KEY_MAX + 1] = "";
	unsigned n = 0;
	bool more = true;
	enum err e = EC_OK;

	while (more && e == EC_OK) {
		e = multipart_list(s, bucket, NULL, after, &after_id, PAGE, &u,
		    &n, &more);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			const struct store_move_report r = { .bucket = bucket,
				.key = u[i].key, .upload = &u[i].id,
				.err = EC_EBUSY };

			mv->out->uploads++;
			mv->found++;
			if (mv->p->each != NULL)
				mv->p->each(mv->p->ctx, &r);
			strcpy(after, u[i].key);
			after_id = u[i].id;
		}
		for (unsigned i = 0; i < n; i++)
			upload_release(&u[i]);
		free(u);
		u = NULL;
		n = 0;
	}
	return e;
}

static enum err
walk_bucket(void *ctx, const char *bucket)
{
	struct mover *mv = ctx;
	struct set *s = mv->from;
	struct list_params q = { .bucket = bucket, .versions = true,
		.limit = PAGE };
	char last[RECORD_KEY_MAX + 1] = "";
	struct list *page = NULL;
	bool more = true;
	enum err e = EC_OK;

	while (more && e == EC_OK) {
		if ((e = list_page(&page, s, &q, &more)) != EC_OK)
			break;
		if (list_count(page) > 0)
			q.after_version = list_at(page, list_count(page) -
			    1)->version;
		e = walk_page(mv, s, bucket, page, last);
		q.after = last;
		list_free(page);
	}
	return e == EC_OK ? walk_uploads(mv, s, bucket) : e;
}

/* ${each} of all buckets there are, though a set may not have the record of
 * one. */
static enum err
each_bucket(struct store *st, enum err (*each)(void *ctx, const char *bucket),
    void *ctx)
{
	char after[RECORD_BUCKET_MAX + 1] = "";
	struct bucket *b = NULL;
	unsigned n = BUCKETS;
	enum err e = EC_OK;

	while (n == BUCKETS && e == EC_OK) {
		e = store_bucket_list(st, after[0] != '\0' ? after : NULL,
		    BUCKETS, &b, &n);
		if (e != EC_OK)
			break;
		for (unsigned i = 0; i < n; i++) {
			if (e == EC_OK)
				e = each(ctx, b[i].name);
			strcpy(after, b[i].name);
			bucket_release(&b[i]);
		}
		free(b);
	}
	return e;
}

static enum err
walk_pool(struct mover *mv, unsigned i)
{
	struct pool_status ps;
	enum err e = EC_OK;

	store_pool_status(mv->st, i, &ps);
	mv->moved = mv->found = 0;
	mv->out->left = mv->out->uploads = 0;
	for (unsigned j = 0; j < ps.sets && e == EC_OK; j++) {
		mv->from = store_set(mv->st, ps.first_set + j);
		e = each_bucket(mv->st, walk_bucket, mv);
	}
	return e;
}

/* Until a walk finds nothing, or can move nothing of what it finds. */
static enum err
empty(struct mover *mv, unsigned i)
{
	enum err e;

	while ((e = walk_pool(mv, i)) == EC_OK && mv->moved > 0)
		;
	return e == EC_OK && mv->found > 0 ? EC_EDEGRADED : e;
}

static enum err
unchanged(void *ctx, struct bucket *b)
{
	(void)ctx;
	(void)b;
	return EC_OK;
}

/* The record of each bucket on all sets, though all were new once. */
static enum err
spread_bucket(void *ctx, const char *bucket)
{
	enum err e = store_bucket_update(ctx, bucket, unchanged, NULL);

	return e == EC_ENOBUCKET ? EC_OK : e;
}

/* Nothing may come any more; and nothing came before that was known. */
static enum err
seal(struct mover *mv, unsigned i)
{
	enum err e;

	if ((e = each_bucket(mv->st, spread_bucket, mv->st)) != EC_OK ||
	    (e = store_pool_change(mv->st, i, POOL_DRAINING,
	    POOL_CLOSING)) != EC_OK)
		return e;
	store_pools_wait(mv->st, true);
	if ((e = walk_pool(mv, i)) == EC_OK && mv->found == 0)
		return store_pool_change(mv->st, i, POOL_CLOSING,
		    POOL_DRAINED);
	store_pool_change(mv->st, i, POOL_CLOSING, POOL_DRAINING);
	return e == EC_OK ? EC_EBUSY : e;
}

/* EC_EEXIST: it is drained. */
static enum err
begin(struct mover *mv, unsigned i)
{
	struct pool_status ps;
	enum err e;

	store_pool_status(mv->st, i, &ps);
	if (ps.state == POOL_DRAINING)
		return EC_OK;
	if (ps.state == POOL_DRAINED) {
		e = walk_pool(mv, i);
		if (e != EC_OK || mv->found == 0)
			return e == EC_OK ? EC_EEXIST : e;
	}
	e = store_pool_change(mv->st, i, ps.state, POOL_DRAINING);
	if (e == EC_OK)
		store_pools_wait(mv->st, false);
	return e;
}

enum err
store_move_count(struct store *st, unsigned i, uint64_t *versions,
    uint64_t *bytes)
{
	const struct store_move_params p = { .dry = true };
	struct store_move_result r = { 0 };
	struct mover mv = { .st = st, .p = &p, .out = &r, .count = true };
	enum err e = walk_pool(&mv, i);

	*versions = r.versions;
	*bytes = r.bytes;
	return e;
}

enum err
store_move_drain(struct store *st, unsigned i,
    const struct store_move_params *p, struct store_move_result *out)
{
	struct mover mv = { .st = st, .p = p, .out = out };
	struct store_hold h;
	enum err e;

	memset(out, 0, sizeof(*out));
	if (p->dry)
		return walk_pool(&mv, i);
	if ((e = store_hold(st, MOVER_NAME, NULL, &h)) != EC_OK) {
		e = e == EC_ETIMEDOUT ? EC_EOWNED : e;
	} else if ((e = begin(&mv, i)) == EC_OK) {
		mv.held = &h;
		while ((e = empty(&mv, i)) == EC_OK &&
		    (e = seal(&mv, i)) == EC_EBUSY)
			;
	}
	return store_release(&h, e == EC_EEXIST ? EC_OK : e);
}

/* How full a pool is of objects. */
struct fill {
	struct pool_status ps;
	uint64_t bytes;		/* of the objects */
	double raw;		/* with their parity */
};

static enum err
fill_of(struct store *st, unsigned i, struct fill *out)
{
	uint64_t versions;
	enum err e = store_move_count(st, i, &versions, &out->bytes);

	store_pool_status(st, i, &out->ps);
	out->raw = (double)out->bytes * out->ps.set_drives /
	    (out->ps.set_drives - out->ps.parity);
	return e;
}

/* Give away what pool ${i} has above the mean. */
static enum err
give(struct mover *mv, unsigned i, const struct fill *f, double mean)
{
	double above = f->raw - mean * (double)f->ps.total;
	enum err e = EC_OK;

	mv->enough = mv->out->bytes +
	    (uint64_t)((double)f->bytes * above / f->raw);
	if (mv->enough == mv->out->bytes)
		return EC_OK;
	if (mv->p->dry)
		return walk_pool(mv, i);
	if (f->ps.state == POOL_ACTIVE) {
		e = store_pool_change(mv->st, i, POOL_ACTIVE, POOL_GIVING);
		if (e == EC_OK)
			store_pools_wait(mv->st, false);
	}
	return e == EC_OK ? walk_pool(mv, i) : e;
}

static enum err
rebalance(struct mover *mv, unsigned percent)
{
	struct fill f[ENDPOINTS_POOLS_MAX] = { 0 };
	double raw = 0, total = 1, mean;
	enum err e = EC_OK, back;

	for (unsigned i = 0; i < store_pools(mv->st) && e == EC_OK; i++) {
		if ((e = fill_of(mv->st, i, &f[i])) != EC_OK ||
		    f[i].ps.state > POOL_GIVING)
			continue;
		raw += f[i].raw;
		total += (double)f[i].ps.total;
	}
	mean = raw / total;
	for (unsigned i = 0; i < store_pools(mv->st) && e == EC_OK; i++) {
		const struct pool_status *ps = &f[i].ps;

		if (ps->state > POOL_GIVING)
			continue;
		if (f[i].raw > mean * (double)ps->total * (100 + percent) /
		    100)
			e = give(mv, i, &f[i], mean);
		else if (ps->state == POOL_ACTIVE)
			continue;
		e = e == EC_EEXIST ? EC_OK : e;
		if (mv->p->dry)
			continue;
		back = store_pool_change(mv->st, i, POOL_GIVING, POOL_ACTIVE);
		e = e == EC_OK ? back : e;
	}
	return e == EC_OK && mv->out->left > 0 ? EC_EDEGRADED : e;
}

enum err
store_move_rebalance(struct store *st, unsigned percent,
    const struct store_move_params *p, struct store_move_result *out)
{
	struct mover mv = { .st = st, .p = p, .out = out };
	struct store_hold h;
	enum err e;

	memset(out, 0, sizeof(*out));
	if (p->dry)
		return rebalance(&mv, percent);
	if ((e = store_hold(st, MOVER_NAME, NULL, &h)) == EC_OK) {
		mv.held = &h;
		e = rebalance(&mv, percent);
	} else if (e == EC_ETIMEDOUT) {
		e = EC_EOWNED;
	}
	return store_release(&h, e);
}
