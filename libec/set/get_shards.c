/* get_shards: see the header.
 *
 * A view is read into a slab of its own, each piece where it belongs; so is the
 * next one, by reads that are started before it is asked for, as decode is
 * going to ask for them.  Each of those is taken by the gather that asks for
 * just that, or thrown away. */
#include "set/get_shards.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "codec/decode.h"
#include "set/get_fetch.h"
#include "set/placement.h"
#include "set/set_impl.h"

enum {
	VIEW_BYTES = 1024 * 1024,	/* unless a stripe is longer */
	VIEW_MAX_BYTES = STRIPE_UNIT_DEFAULT * SET_DRIVES_MAX,
	AHEAD_STRIPES = 8,
	AHEAD_READERS = 8,	/* more keep the drives busy anyway */
};

struct get_shards {
	struct set *s;
	struct get_shards_params p;
	unsigned n, given;
	struct get_shard *shard[SET_DRIVES_MAX]; /* by index, NULL: not there */
	bool late[SET_DRIVES_MAX];	/* given up once: has its time now */
	bool bad[SET_DRIVES_MAX];	/* damaged, for good */
	struct decode *decode;
	struct get_slab *view;		/* what is being read or looked at */
	bool spoilt;			/* it may still change */
	struct get_slab *next;		/* what comes after it */
	uint64_t next_off;
	size_t next_len;
	struct get_fetch *ahead[AHEAD_STRIPES];	/* reads into next */
};

/* How long to wait for reads that are not done.  A shard that was late before
 * is asked only when it is needed, and has its time. */
static uint64_t
patience(const struct get_shards *gs, const struct decode_read reads[],
    unsigned n, uint64_t started)
{
	uint64_t now = clock_mono_us();
	uint64_t end = started + SET_WAIT_MS * UINT64_C(1000);
	uint64_t late = started + (now - started) * 4;

	if (gs->given <= gs->p.part.k)
		return end;
	for (unsigned i = 0; i < n; i++)
		if (gs->late[reads[i].index])
			return end;
	return late < end ? late : end;
}

/* When half of the reads are done, that tells how long one takes. */
static void
wait_reads(struct get_shards *gs, const struct get_fetch *f)
{
	uint64_t started = clock_mono_us();

	if (lane_chain_wait(f->task, f->n, f->g, f->started, started +
	    SET_LATE_MS * 1000) >= f->started)
		return;
	gather_wait(f->g, (f->started + 1) / 2, started +
	    SET_WAIT_MS * UINT64_C(1000));
	gather_wait(f->g, f->started, patience(gs, f->read, f->n, started));
}

/* The reads, if they were started ahead. */
static struct get_fetch *
take_ahead(struct get_shards *gs, const struct decode_read reads[], unsigned n)
{
	for (unsigned i = 0; i < AHEAD_STRIPES; i++) {
		struct get_fetch *f = gs->ahead[i];

		if (f == NULL || !get_fetch_is(f, reads, n))
			continue;
		gs->ahead[i] = NULL;
		return f;
	}
	return NULL;
}

static void
gather_reads(void *ctx, struct decode_read *reads, unsigned n)
{
	struct get_shards *gs = ctx;
	struct get_fetch *f = take_ahead(gs, reads, n);
	enum err e = EC_OK;

	if (f == NULL)
		e = n > SET_DRIVES_MAX ? EC_ENOMEM : get_fetch_start(&f,
		    gs->shard, reads, n, gs->view, gs->s->pool);
	if (e != EC_OK) {
		for (unsigned i = 0; i < n; i++)
			reads[i].err = EC_ENOMEM;
		return;
	}
	wait_reads(gs, f);
	get_fetch_results(f, reads);
	for (unsigned i = 0; i < n; i++)
		if (reads[i].err == EC_ETIMEDOUT)
			gs->late[reads[i].index] = true;
	if (get_fetch_free(f))
		return;
	gs->spoilt = true;
	for (unsigned i = 0; i < n; i++)
		if (reads[i].err == EC_ETIMEDOUT)
			reads[i].err = EC_EBUSY;
}

static void
bad_source(void *ctx, unsigned index, enum err why, uint64_t off)
{
	struct get_shards *gs = ctx;
	unsigned slot = placement_drive(gs->p.start, index, gs->n);

	(void)off;
	if (why == EC_ECORRUPT || why == EC_EFORMAT)
		lane_count_corrupt(gs->s->lane[slot]);
	if (why == EC_ETIMEDOUT || why == EC_EBUSY || why == EC_EOFFLINE ||
	    why == EC_ENOMEM)
		return;
	gs->bad[index] = true;
	gs->p.damaged(gs->p.ctx);
}

/* All reads go through gather_reads. */
static enum err
never(void *ctx, void *buf, size_t len, uint64_t off)
{
	(void)ctx;
	(void)buf;
	(void)len;
	(void)off;
	return EC_ENOTIMPL;
}

/* Too few: is it for good? */
static enum err
too_few(const struct get_shards *gs)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < gs->n; i++)
		bad += gs->bad[i];
	return bad > gs->p.part.m ? EC_ELOST : EC_EQUORUM;
}

static void
open_result(struct get_shards *gs, unsigned index, struct lane_call *call)
{
	unsigned slot = placement_drive(gs->p.start, index, gs->n);
	enum err e = EC_ENOMEM;

	if (call != NULL && !lane_call_done(call, &e))
		e = EC_ETIMEDOUT;
	if (e == EC_OK && (gs->shard[index] = mem_array(1,
	    sizeof(struct get_shard))) == NULL)
		e = EC_ENOMEM;
	if (e != EC_OK) {
		lane_call_put(call);
		bad_source(gs, index, e, 0);
		return;
	}
	atomic_init(&gs->shard[index]->refs, 1);
	gs->shard[index]->lane = gs->s->lane[slot];
	gs->shard[index]->call = call;
	gs->given++;
}

static enum err
open_all(struct get_shards *gs)
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	struct lane_task task[SET_DRIVES_MAX];
	uint64_t started = clock_mono_us();
	unsigned by[SET_DRIVES_MAX], tasks = 0, ok = 0, done;
	struct gather *g = NULL;
	enum err e;

	if ((e = gather_new(&g)) != EC_OK)
		return e;
	for (unsigned i = 0; i < gs->n; i++) {
		unsigned slot = placement_drive(gs->p.start, i, gs->n);
		struct get_opening *o = mem_array(1, sizeof(*o));

		if (o == NULL)
			continue;
		o->data = gs->p.part.data;
		o->index = i;
		by[tasks] = i;
		task[tasks++] = (struct lane_task){ .lane = gs->s->lane[slot],
			.run = get_run_open, .drop = get_drop_open, .arg = o };
	}
	lane_chain_start(task, tasks, g);
	for (unsigned i = 0; i < tasks; i++)
		call[by[i]] = task[i].call;
	done = lane_chain_wait(task, tasks, g, tasks, started +
	    SET_LATE_MS * 1000);
	for (;;) {
		ok = 0;
		for (unsigned i = 0; i < gs->n; i++)
			ok += call[i] != NULL && lane_call_done(call[i], &e) &&
			    e == EC_OK;
		if (done >= gs->n || ok >= gs->p.part.k ||
		    clock_mono_us() >= started + SET_WAIT_MS * UINT64_C(1000))
			break;
		done = gather_wait(g, done + 1, started +
		    SET_WAIT_MS * UINT64_C(1000));
	}
	for (unsigned i = 0; i < gs->n; i++)
		open_result(gs, i, call[i]);
	gather_free(g);
	return gs->given >= gs->p.part.k ? EC_OK : too_few(gs);
}

/* To compute what lies on another node costs less than to have it sent. */
static void
near_first(const struct get_shards *gs, unsigned order[SET_DRIVES_MAX])
{
	unsigned at = 0;

	for (int far = 0; far < 2; far++)
		for (unsigned i = 0; i < gs->n; i++) {
			unsigned slot = placement_drive(gs->p.start, i, gs->n);

			if (lane_local(gs->s->lane[slot]) == !far)
				order[at++] = i;
		}
}

static enum err
decode_open(struct get_shards *gs)
{
	struct decode_source src[SET_DRIVES_MAX] = { 0 };
	struct decode_params dp = {
		.stripe = { gs->p.part.k, gs->p.part.m, gs->p.part.unit },
		.id = gs->p.part.data, .part = gs->p.part.number,
		.gather = gather_reads, .gather_ctx = gs,
		.bad = bad_source, .bad_ctx = gs };
	const struct get_opening *o;
	unsigned order[SET_DRIVES_MAX];
	uint64_t size;
	enum err e;

	near_first(gs, order);
	dp.order = order;
	for (unsigned i = 0; i < gs->n; i++) {
		if (gs->shard[i] == NULL)
			continue;
		o = lane_call_arg(gs->shard[i]->call);
		src[i].pread = never;
		src[i].file_bytes = o->bytes;
	}
	decode_free(gs->decode);
	gs->decode = NULL;
	if ((e = decode_new(&gs->decode, &dp, src, &size)) != EC_OK)
		return e == EC_EQUORUM ? too_few(gs) : e;
	return size == gs->p.part.size ? EC_OK : EC_ELOST;
}

/* Shards were given up that may only be slow: from now on each has its time. */
static bool
any_late(const struct get_shards *gs)
{
	for (unsigned i = 0; i < gs->n; i++)
		if (gs->late[i] && gs->shard[i] != NULL)
			return true;
	return false;
}

enum err
get_shards_open(struct get_shards **out, struct set *s,
    const struct get_shards_params *p)
{
	struct get_shards *gs;
	enum err e;

	if ((unsigned)p->part.k + p->part.m != s->n)
		return EC_ELOST;
	if ((gs = mem_array(1, sizeof(*gs))) == NULL)
		return EC_ENOMEM;
	gs->s = s;
	gs->p = *p;
	gs->n = s->n;
	if ((e = open_all(gs)) == EC_OK) {
		e = decode_open(gs);
		if (e == EC_EQUORUM && any_late(gs))
			e = decode_open(gs);
	}
	if (e != EC_OK) {
		get_shards_free(gs);
		return e;
	}
	*out = gs;
	return EC_OK;
}

enum err
get_shards_read(struct get_shards *gs, void *buf, size_t len, uint64_t off)
{
	enum err e = decode_read(gs->decode, buf, len, off);

	if (e == EC_EQUORUM && any_late(gs) && (e = decode_open(gs)) == EC_OK)
		e = decode_read(gs->decode, buf, len, off);
	return e == EC_EQUORUM ? too_few(gs) : e;
}

/* As get_fetch_free. */
static bool
drop_reads(struct get_shards *gs)
{
	bool whole = true;

	for (unsigned i = 0; i < AHEAD_STRIPES; i++) {
		whole = get_fetch_free(gs->ahead[i]) && whole;
		gs->ahead[i] = NULL;
	}
	return whole;
}

static struct get_slab *
take_next(struct get_shards *gs)
{
	struct get_slab *next = gs->next;

	if (next != NULL)
		atomic_fetch_sub(&gs->s->ahead, 1);
	gs->next = NULL;
	return next;
}

static void
drop_ahead(struct get_shards *gs)
{
	drop_reads(gs);
	get_slab_put(take_next(gs));
}

/* How much is read in one go: whole stripes where that is possible. */
static size_t
view_bytes(const struct get_shards *gs, uint64_t off, uint64_t end)
{
	uint64_t stripe = (uint64_t)gs->p.part.k * gs->p.part.unit;
	uint64_t step = VIEW_MAX_BYTES;

	if (stripe <= VIEW_BYTES)
		step = VIEW_BYTES / stripe * stripe;
	else if (stripe <= VIEW_MAX_BYTES)
		step = stripe;
	return (size_t)num_min(end - off, step - off % step);
}

/* Start to read ${len} bytes at ${off}, if that is more than a few. */
static void
read_ahead(struct get_shards *gs, uint64_t off, size_t len)
{
	struct decode_read reads[SET_DRIVES_MAX];
	unsigned n, at = 0;
	size_t done, got;

	if (len < gs->p.part.unit)
		return;
	if (atomic_fetch_add(&gs->s->ahead, 1) >= AHEAD_READERS ||
	    (gs->next = get_slab_new(gs->s->views, len, 0)) == NULL) {
		atomic_fetch_sub(&gs->s->ahead, 1);
		return;
	}
	gs->next_off = off;
	gs->next_len = len;
	for (done = 0; done < len && at < AHEAD_STRIPES; done += got) {
		decode_plan(gs->decode, gs->next->buf + done, len - done,
		    off + done, reads, &n, &got);
		if (n == 0 || get_fetch_start(&gs->ahead[at], gs->shard, reads,
		    n, gs->next, gs->s->pool) != EC_OK)
			return;
		at++;
	}
}

/* Say what is going to be read of the shards: bytes [${off}, ${end}). */
static void
expect(struct get_shards *gs, uint64_t off, uint64_t end)
{
	uint64_t stripe = (uint64_t)gs->p.part.k * gs->p.part.unit;
	uint64_t from = shard_data_off(off / stripe * gs->p.part.unit);
	uint64_t until = shard_data_off(num_div_up(end, stripe) *
	    gs->p.part.unit);

	for (unsigned i = 0; i < gs->n; i++) {
		const struct get_opening *o;

		if (gs->shard[i] == NULL)
			continue;
		o = lane_call_arg(gs->shard[i]->call);
		if (o->d->ops->shard_expect != NULL)
			o->d->ops->shard_expect(o->reader, from, until);
	}
}

/* Fill the view; again, somewhere else, when a read of it was left behind. */
static enum err
fill_view(struct get_shards *gs, size_t len, uint64_t off)
{
	unsigned tries = 0;
	enum err e;

	do {
		if (gs->view == NULL && (gs->view = get_slab_new(gs->s->views,
		    len, SET_WAIT_MS)) == NULL)
			return EC_EBUSY;
		gs->spoilt = false;
		e = get_shards_read(gs, gs->view->buf, len, off);
		if (!drop_reads(gs))
			gs->spoilt = true;
		if (e == EC_OK && gs->spoilt)
			e = EC_EBUSY;
		if (e != EC_OK) {
			get_slab_put(gs->view);
			gs->view = NULL;
		}
	} while (e == EC_EBUSY && gs->spoilt && ++tries <= gs->n);
	return e;
}

enum err
get_shards_view(struct get_shards *gs, const uint8_t **at, size_t *len,
    uint64_t off, uint64_t end)
{
	enum err e;

	*len = view_bytes(gs, off, end);
	if (gs->view == NULL && off + *len < end)
		expect(gs, off, end);
	get_slab_put(gs->view);
	gs->view = NULL;
	if (gs->next != NULL && gs->next_off == off && gs->next_len == *len)
		gs->view = take_next(gs);
	else
		drop_ahead(gs);
	if ((e = fill_view(gs, *len, off)) != EC_OK)
		return e;
	*at = gs->view->buf;
	if (off + *len < end)
		read_ahead(gs, off + *len, view_bytes(gs, off + *len, end));
	return EC_OK;
}

void
get_shards_free(struct get_shards *gs)
{
	if (gs == NULL)
		return;
	drop_ahead(gs);
	get_slab_put(gs->view);
	decode_free(gs->decode);
	for (unsigned i = 0; i < gs->n; i++)
		get_shard_put(gs->shard[i]);
	free(gs);
}
