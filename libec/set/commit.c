/* commit: see the header. */
#include "set/commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "set/heal_queue.h"
#include "set/placement.h"
#include "set/quorum.h"
#include "set/set_impl.h"

enum { ATTEMPTS = 4, UNDO_MS = 1000 };

static _Thread_local struct stamp fence;	/* hlc 0: none */

struct attempt {
	struct stamp stamp;
	bool holds[SET_DRIVES_MAX];
	unsigned count;
};

void
commit_fence(uint64_t hlc)
{
	fence = (struct stamp){ hlc, stamp_new().id >> 1 };
}

/* Under a fence each is above the last by its id. */
static struct stamp
next_stamp(void)
{
	if (fence.hlc == 0)
		return stamp_new();
	fence.id++;
	return fence;
}

static unsigned
count_ok(struct lane_call *const call[], unsigned n, unsigned *pending)
{
	unsigned ok = 0;
	enum err e;

	*pending = 0;
	for (unsigned i = 0; i < n; i++) {
		if (call[i] == NULL)
			continue;
		if (!lane_call_done(call[i], &e))
			++*pending;
		else
			ok += e == EC_OK;
	}
	return ok;
}

void
commit_wait(struct gather *g, struct lane_call *const call[], unsigned n,
    unsigned enough, uint64_t started_us)
{
	uint64_t end = started_us + SET_WAIT_MS * UINT64_C(1000), late, now;
	unsigned ok, pending, done;

	done = gather_wait(g, n, started_us + SET_LATE_MS * 1000);
	ok = count_ok(call, n, &pending);
	while (pending > 0 && ok < enough && clock_mono_us() < end) {
		done = gather_wait(g, done + 1, end);
		ok = count_ok(call, n, &pending);
	}
	if (pending == 0)
		return;
	now = clock_mono_us();
	late = started_us + (now - started_us) * 8;
	gather_wait(g, n, late < end ? late : end);
}

unsigned
commit_results(struct lane_call *const call[], unsigned n, enum err results[])
{
	const struct drive_append *a;
	unsigned ok = 0, count;

	for (unsigned i = 0; i < n; i++) {
		results[i] = EC_EOFFLINE;
		if (call[i] == NULL)
			continue;
		if (!lane_call_done(call[i], &results[i]))
			results[i] = EC_ETIMEDOUT;
		a = lane_call_appends(call[i], &count);
		if (results[i] == EC_OK && count > 0)
			results[i] = a[0].err;
		ok += results[i] == EC_OK;
	}
	return ok;
}

static bool
unknown(enum err e)
{
	return e == EC_ETIMEDOUT || e == EC_EIO || e == EC_EOFFLINE ||
	    e == EC_ECANCELED;
}

static void
set_index(struct commit *c, unsigned slot)
{
	struct record *r = c->rec;

	if (r->k == 0)
		return;
	r->index = (uint8_t)placement_shard(r->start, slot, c->s->n);
	if ((r->flags & RECORD_INLINE) == 0)
		return;
	r->inline_data = c->pieces + (size_t)r->index * r->inline_len;
	memcpy(r->inline_sum, c->sums[r->index], sizeof(r->inline_sum));
}

static enum err
append(struct commit *c, struct lane_post *post, struct gather *g,
    unsigned slot, const struct buf *heal, struct lane_call **call)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a[2] = { 0 };
	enum err e;

	set_index(c, slot);
	if ((e = record_encode(&b, c->rec)) == EC_OK) {
		a[0].rec = b.data;
		a[0].len = b.len;
		a[0].flags = c->as_is ? 0 : DRIVE_APPEND_NEWEST;
		a[1].rec = heal->data;
		a[1].len = heal->len;
		e = lane_append_post(post, c->s->lane[slot], g, a,
		    heal->len > 0 ? 2 : 1, call);
	}
	buf_release(&b);
	return e;
}

/* The entry for the heal queue that goes with the same flush when drives are
 * known to miss the write. */
static enum err
heal_entry(const struct commit *c, unsigned targets, struct buf *out)
{
	struct record r = { .kind = RECORD_HEAL, .bucket = c->rec->bucket,
		.key = c->rec->key, .etag = "", .target = c->rec->stamp,
		.stamp = c->rec->stamp, .mtime_us = clock_real_us() };

	if (targets == c->s->n)
		return EC_OK;
	return record_encode(out, &r);
}

static unsigned
targets(const struct commit *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->s->n; i++)
		n += c->to[i];
	return n;
}

/* Append to all; the results are in ${c}. */
static enum err
attempt(struct commit *c, struct attempt *a)
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	struct buf heal = BUF_INIT(RECORD_BYTES_MAX);
	unsigned n = c->s->n, to = targets(c), enough, count;
	uint64_t started = clock_mono_us();
	struct lane_post post = { .n = 0 };
	struct gather *g = NULL;
	enum err e;

	if (!c->as_is)
		c->rec->stamp = next_stamp();
	a->stamp = c->rec->stamp;
	if ((e = heal_entry(c, to, &heal)) != EC_OK ||
	    (e = gather_new(&g)) != EC_OK)
		goto out;
	for (unsigned i = 0; i < n && e == EC_OK; i++)
		if (c->to[i])
			e = append(c, &post, g, i, &heal, &call[i]);
	lane_post_send(&post);
	enough = quorum_visible(c->rec, n) + 1;	/* no less than any quorum */
	if (enough > to)
		enough = to;
	commit_wait(g, call, n, enough, started);
	commit_results(call, n, c->result);
	for (unsigned i = 0; i < n; i++) {
		const struct drive_append *p;
		enum err ignored;

		a->holds[i] = call[i] != NULL && (c->result[i] == EC_OK ||
		    unknown(c->result[i]));
		a->count += a->holds[i];
		c->holds[i] = c->holds[i] || a->holds[i];
		if (call[i] == NULL || !lane_call_done(call[i], &ignored))
			continue;
		p = lane_call_appends(call[i], &count);
		if (count == 0)		/* there was no memory for it */
			continue;
		if (c->result[i] == EC_ESTALE)
			clock_hlc_observe(p[0].hlc);
		c->superseded = c->superseded || p[0].superseded;
	}
out:
	for (unsigned i = 0; i < n; i++)
		lane_call_put(call[i]);
	gather_free(g);
	buf_release(&heal);
	return e;
}

/* Purge ${target}, or with RECORD_NULL in ${flags} the null versions before it,
 * from some drives; without ${g} nobody waits and it need not be durable. */
static void
purge(struct set *s, struct gather *g, const char *bucket, const char *key,
    const struct stamp *target, unsigned flags, const bool from[],
    struct lane_call *call[])
{
	struct record r = { .kind = RECORD_PURGE, .flags = flags,
		.bucket = bucket, .key = key, .etag = "",
		.stamp = stamp_new(), .target = *target };
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { .flags = g == NULL ? DRIVE_APPEND_LAZY : 0 };
	struct lane_post post = { .n = 0 };

	if (record_encode(&b, &r) != EC_OK)
		goto out;	/* no memory: it stays until a heal */
	a.rec = b.data;
	a.len = b.len;
	for (unsigned i = 0; i < s->n; i++)
		if (from[i])
			lane_append_post(&post, s->lane[i], g, &a, 1, &call[i]);
	lane_post_send(&post);
out:
	buf_release(&b);
}

static void
purge_lazily(struct set *s, const char *bucket, const char *key,
    const struct stamp *target, unsigned flags, const bool from[])
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };

	purge(s, NULL, bucket, key, target, flags, from, call);
	for (unsigned i = 0; i < s->n; i++)
		lane_call_put(call[i]);
}

void
commit_purge(struct set *s, const char *bucket, const char *key,
    const struct stamp *target, const bool from[])
{
	purge_lazily(s, bucket, key, target, 0, from);
}

void
commit_purge_older(struct set *s, const char *bucket, const char *key,
    const struct stamp *stamp, const bool holds[])
{
	purge_lazily(s, bucket, key, stamp, RECORD_NULL, holds);
}

enum err
commit_remove(struct set *s, const char *bucket, const char *key,
    const struct stamp *target, unsigned quorum)
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	enum err results[SET_DRIVES_MAX], e;
	bool all[SET_DRIVES_MAX];
	struct gather *g = NULL;
	unsigned ok;

	set_complain_clear();
	if ((e = gather_new(&g)) != EC_OK)
		return e;
	for (unsigned i = 0; i < s->n; i++)
		all[i] = lane_state(s->lane[i]) == LANE_ONLINE;
	purge(s, g, bucket, key, target, 0, all, call);
	commit_wait(g, call, s->n, quorum, clock_mono_us());
	ok = commit_results(call, s->n, results);
	for (unsigned i = 0; i < s->n; i++)
		lane_call_put(call[i]);
	gather_free(g);
	if (ok < s->n)
		heal_queue_note(s, bucket, key, target);
	if (ok >= quorum)
		return EC_OK;
	set_complain(s, "write quorum", quorum, results);
	return EC_EQUORUM;
}

static void
note(const struct commit *c, const struct stamp *version)
{
	heal_queue_note(c->s, c->rec->bucket, c->rec->key, version);
}

/* Purge what cannot become decided from the drives that may have it. */
static void
undo(struct commit *c, const struct attempt *a)
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	enum err results[SET_DRIVES_MAX];
	unsigned n = c->s->n;
	struct gather *g = NULL;
	bool all = true;

	/* A bucket's or an upload's took the older state's place: heal settles
	 * it. */
	if (c->rec->kind == RECORD_BUCKET || c->rec->kind == RECORD_UPLOAD ||
	    a->count >= quorum_visible(c->rec, n)) {
		note(c, &a->stamp);
		return;
	}
	if (a->count == 0 || gather_new(&g) != EC_OK)
		return;
	purge(c->s, g, c->rec->bucket, c->rec->key, &a->stamp, 0, a->holds,
	    call);
	gather_wait(g, n, clock_mono_us() + UNDO_MS * 1000);
	commit_results(call, n, results);
	for (unsigned i = 0; i < n; i++) {
		all = all && (!a->holds[i] || results[i] == EC_OK);
		lane_call_put(call[i]);
	}
	gather_free(g);
	if (!all)
		note(c, &a->stamp);
}

/* Tell of the drives that have not got it, and note it for those that were
 * sent the record and did not take it: of others the record itself told. */
static void
tell_missed(struct commit *c)
{
	bool missed = false, refused = false;

	for (unsigned i = 0; i < c->s->n; i++) {
		if (!c->to[i] && c->why != NULL && c->why[i] != EC_OK)
			c->result[i] = c->why[i];
		missed = missed || c->result[i] != EC_OK;
		refused = refused || (c->to[i] && c->result[i] != EC_OK);
	}
	if (refused)
		note(c, &c->rec->stamp);
	if (missed)
		set_complain_missed(c->s, c->result);
}

enum err
commit_run(struct commit *c)
{
	struct attempt tried[ATTEMPTS] = { 0 };
	unsigned n = c->s->n, ok = 0, count = 0;
	bool stale = true, refused = false;
	enum err e = EC_OK;

	set_complain_clear();
	for (unsigned i = 0; i < n; i++)
		c->result[i] = EC_EOFFLINE;
	if (targets(c) < c->quorum) {
		for (unsigned i = 0; i < n; i++)
			if (c->to[i])
				c->result[i] = EC_OK;	/* is not lacking */
		set_complain(c->s, c->what, c->quorum, c->result);
		return EC_EQUORUM;
	}
	while (stale && ok < c->quorum && count < ATTEMPTS && e == EC_OK) {
		e = attempt(c, &tried[count++]);
		stale = refused = false;
		ok = 0;
		for (unsigned i = 0; i < n; i++) {
			refused = refused || c->result[i] == EC_ESTALE;
			ok += c->result[i] == EC_OK;
		}
		stale = refused && fence.hlc == 0;
	}
	if (ok >= c->quorum) {
		for (unsigned i = 0; i + 1 < count; i++)
			commit_purge(c->s, c->rec->bucket, c->rec->key,
			    &tried[i].stamp, tried[i].holds);
		tell_missed(c);
		return EC_OK;
	}
	set_complain(c->s, c->what, c->quorum, c->result);
	for (unsigned i = 0; i < count; i++)
		undo(c, &tried[i]);
	if (e == EC_OK && fence.hlc != 0 && refused)
		return EC_ESTALE;
	return e != EC_OK ? e : quorum_result(c->result, n, c->quorum);
}
