/* get_shards: see the header.
 *
 * 1. An open file lives in the argument of the call that opened it, which keeps
 *    its drive open.  Reads refer to it by struct shard, so one that was left
 *    behind finds it open.
 * 2. A read goes to memory of its own and is copied when it is done: a late one
 *    must not write to what decode has gone on with. */
#include "set/get_shards.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "codec/decode.h"
#include "set/placement.h"
#include "set/set_impl.h"

enum { SLAB_BYTES = STRIPE_UNIT_DEFAULT * SET_DRIVES_MAX };

struct opening {	/* of the call that opens */
	struct uuid data;
	unsigned index;
	struct drive *d;
	struct drive_reader *reader;
	uint64_t bytes;
};

struct shard {
	atomic_uint refs;
	struct lane *lane;
	struct lane_call *call;		/* done, its opening has the reader */
};

/* Memory that the reads of one gather share. */
struct slab {
	atomic_uint refs;
	struct mem_pool *pool;		/* NULL: from malloc */
	uint8_t *buf;
};

struct reading {	/* of a call that reads */
	struct shard *shard;
	struct slab *slab;
	uint8_t *at;
	size_t len;
	uint64_t off;
};

struct get_shards {
	struct set *s;
	struct get_shards_params p;
	unsigned n, given;
	struct shard *shard[SET_DRIVES_MAX];	/* by index, NULL: not there */
	bool late[SET_DRIVES_MAX];	/* given up once: has its time now */
	bool bad[SET_DRIVES_MAX];	/* damaged, for good */
	struct decode *decode;
};

static enum err
run_open(struct drive *d, void *arg)
{
	struct opening *o = arg;

	o->d = d;
	return d->ops->shard_open(d, &o->data, o->index, &o->reader,
	    &o->bytes);
}

static void
drop_open(void *arg)
{
	struct opening *o = arg;

	if (o->reader != NULL)
		o->d->ops->shard_close(o->reader);
	free(o);
}

static void
shard_put(struct shard *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	lane_call_put(s->call);
	free(s);
}

static void
slab_put(struct slab *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->pool != NULL)
		mem_pool_put(s->pool, s->buf);
	else
		free(s->buf);
	free(s);
}

static struct slab *
slab_new(struct mem_pool *pool, size_t bytes)
{
	struct slab *s = mem_array(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	if (bytes > SLAB_BYTES || bytes <= 16 * 1024) {
		s->buf = mem_aligned(bytes, 64);
	} else if (mem_pool_get(pool, &s->buf, SET_WAIT_MS) == EC_OK) {
		s->pool = pool;
	}
	if (s->buf == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

static enum err
run_read(struct drive *d, void *arg)
{
	struct reading *r = arg;
	struct opening *o = lane_call_arg(r->shard->call);

	return d->ops->shard_pread(o->reader, r->at, r->len, r->off);
}

static void
drop_read(void *arg)
{
	struct reading *r = arg;

	shard_put(r->shard);
	slab_put(r->slab);
	free(r);
}

/* false: there is no memory. */
static bool
read_task(struct get_shards *gs, struct slab *slab, uint8_t *at,
    const struct decode_read *read, struct lane_task *t)
{
	struct shard *s = gs->shard[read->index];
	struct reading *r = malloc(sizeof(*r));

	if (r == NULL)
		return false;
	*r = (struct reading){ s, slab, at, read->len, read->off };
	atomic_fetch_add(&s->refs, 1);
	atomic_fetch_add(&slab->refs, 1);
	t->lane = s->lane;
	t->run = run_read;
	t->drop = drop_read;
	t->arg = r;
	return true;
}

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

static void
read_done(struct get_shards *gs, struct decode_read *read, const uint8_t *at,
    const struct lane_call *call)
{
	read->err = EC_ENOMEM;
	if (call == NULL)
		return;
	if (!lane_call_done(call, &read->err))
		read->err = EC_ETIMEDOUT;
	if (read->err == EC_OK)
		memcpy(read->buf, at, read->len);
	if (read->err == EC_ETIMEDOUT)
		gs->late[read->index] = true;
}

/* When half of the reads are done, that tells how long one takes. */
static void
wait_reads(struct get_shards *gs, struct gather *g,
    const struct decode_read reads[], unsigned n, const struct lane_task t[],
    unsigned tasks)
{
	uint64_t started = clock_mono_us();

	if (lane_chain_wait(t, tasks, g, n, started + SET_LATE_MS * 1000) >= n)
		return;
	gather_wait(g, (n + 1) / 2, started + SET_WAIT_MS * UINT64_C(1000));
	gather_wait(g, n, patience(gs, reads, n, started));
}

static void
gather_reads(void *ctx, struct decode_read *reads, unsigned n)
{
	struct lane_task task[SET_DRIVES_MAX];
	const uint8_t *from[SET_DRIVES_MAX];
	unsigned by[SET_DRIVES_MAX], tasks = 0, i;
	struct get_shards *gs = ctx;
	struct gather *g = NULL;
	struct slab *slab = NULL;
	size_t bytes = 0, at = 0;

	for (i = 0; i < n; i++) {
		reads[i].err = EC_ENOMEM;
		bytes += num_round_up(reads[i].len, 64);
	}
	if (n > SET_DRIVES_MAX || gather_new(&g) != EC_OK ||
	    (slab = slab_new(gs->s->pool, bytes)) == NULL)
		goto out;
	for (i = 0; i < n; i++) {
		from[tasks] = slab->buf + at;
		by[tasks] = i;
		tasks += read_task(gs, slab, slab->buf + at, &reads[i],
		    &task[tasks]);
		at += num_round_up(reads[i].len, 64);
	}
	lane_chain_start(task, tasks, g);
	wait_reads(gs, g, reads, n, task, tasks);
	for (i = 0; i < tasks; i++) {
		read_done(gs, &reads[by[i]], from[i], task[i].call);
		lane_call_put(task[i].call);
	}
out:
	slab_put(slab);
	gather_free(g);
}

static void
bad_source(void *ctx, unsigned index, enum err why, uint64_t off)
{
	struct get_shards *gs = ctx;
	unsigned slot = placement_drive(gs->p.start, index, gs->n);

	(void)off;
	if (why == EC_ECORRUPT || why == EC_EFORMAT)
		lane_count_corrupt(gs->s->lane[slot]);
	if (why == EC_ETIMEDOUT || why == EC_EOFFLINE || why == EC_ENOMEM)
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
	    sizeof(struct shard))) == NULL)
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
		struct opening *o = mem_array(1, sizeof(*o));

		if (o == NULL)
			continue;
		o->data = gs->p.part.data;
		o->index = i;
		by[tasks] = i;
		task[tasks++] = (struct lane_task){ gs->s->lane[slot],
			run_open, drop_open, o, NULL };
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
	const struct opening *o;
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

void
get_shards_free(struct get_shards *gs)
{
	if (gs == NULL)
		return;
	decode_free(gs->decode);
	for (unsigned i = 0; i < gs->n; i++)
		shard_put(gs->shard[i]);
	free(gs);
}
