/* get_fetch: see the header. */
#include "set/get_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"

enum {
	SLAB_BYTES = STRIPE_UNIT_DEFAULT * SET_DRIVES_MAX,
	SMALL_BYTES = 16 * 1024,	/* rather from malloc */
};

struct reading {	/* of a call that reads */
	struct get_shard *shard;
	struct get_slab *slab;
	uint8_t *at;
	size_t len;
	uint64_t off;
};

enum err
get_run_open(struct drive *d, void *arg)
{
	struct get_opening *o = arg;

	o->d = d;
	return d->ops->shard_open(d, &o->data, o->index, &o->reader,
	    &o->bytes);
}

void
get_drop_open(void *arg)
{
	struct get_opening *o = arg;

	if (o->reader != NULL)
		o->d->ops->shard_close(o->reader);
	free(o);
}

void
get_shard_put(struct get_shard *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	lane_call_put(s->call);
	free(s);
}

struct get_slab *
get_slab_new(struct mem_pool *pool, size_t bytes, unsigned wait_ms)
{
	struct get_slab *s = mem_array(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	s->cap = bytes;
	if (bytes > SLAB_BYTES || bytes <= SMALL_BYTES)
		s->buf = mem_aligned(bytes, STRIPE_ALIGN);
	else if (mem_pool_get(pool, &s->buf, wait_ms) == EC_OK)
		s->pool = pool;
	if (s->buf == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
get_slab_put(struct get_slab *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->pool != NULL)
		mem_pool_put(s->pool, s->buf);
	else
		free(s->buf);
	free(s);
}

static enum err
run_read(struct drive *d, void *arg)
{
	struct reading *r = arg;
	struct get_opening *o = lane_call_arg(r->shard->call);

	return d->ops->shard_pread(o->reader, r->at, r->len, r->off);
}

static void
drop_read(void *arg)
{
	struct reading *r = arg;

	get_shard_put(r->shard);
	get_slab_put(r->slab);
	free(r);
}

/* Is it in memory, so that no other thread need read it? */
static bool
peek(struct get_shard *s, uint8_t *at, const struct decode_read *read)
{
	const struct get_opening *o = lane_call_arg(s->call);

	return o->d->ops->shard_peek != NULL &&
	    o->d->ops->shard_peek(o->reader, at, read->len, read->off);
}

static enum err
read_task(struct get_shard *s, struct get_slab *slab, uint8_t *at,
    const struct decode_read *read, struct lane_task *t)
{
	struct reading *r = malloc(sizeof(*r));

	if (r == NULL)
		return EC_ENOMEM;
	*r = (struct reading){ s, slab, at, read->len, read->off };
	atomic_fetch_add(&s->refs, 1);
	atomic_fetch_add(&slab->refs, 1);
	t->lane = s->lane;
	t->run = run_read;
	t->drop = drop_read;
	t->arg = r;
	return EC_OK;
}

static bool
lies_in(const struct get_slab *s, const struct decode_read *r)
{
	const uint8_t *p = r->buf;

	return s != NULL && p >= s->buf && p < s->buf + s->cap;
}

/* Tasks for all reads, none of which is started. */
static enum err
make_tasks(struct get_fetch *f, struct get_shard *const shard[],
    struct get_slab *into, struct mem_pool *pool)
{
	size_t bytes = 0, used = 0;
	enum err e = EC_OK;

	for (unsigned i = 0; i < f->n; i++)
		if (!lies_in(into, &f->read[i]))
			bytes += num_round_up(f->read[i].len, STRIPE_ALIGN);
	if (bytes > 0 &&
	    (f->side = get_slab_new(pool, bytes, SET_WAIT_MS)) == NULL)
		return EC_EBUSY;
	for (unsigned i = 0; i < f->n && e == EC_OK; i++) {
		const struct decode_read *r = &f->read[i];
		bool there = lies_in(into, r);
		uint8_t *at = there ? r->buf : f->side->buf + used;

		used += there ? 0 : num_round_up(r->len, STRIPE_ALIGN);
		f->from[i] = there ? NULL : at;
		if (peek(shard[r->index], at, r))
			continue;
		f->started++;
		e = read_task(shard[r->index], there ? into : f->side, at, r,
		    &f->task[i]);
	}
	for (unsigned i = 0; i < f->n && e != EC_OK; i++)
		if (f->task[i].arg != NULL)
			drop_read(f->task[i].arg);
	return e;
}

enum err
get_fetch_start(struct get_fetch **out, struct get_shard *const shard[],
    const struct decode_read reads[], unsigned n, struct get_slab *into,
    struct mem_pool *pool)
{
	struct get_fetch *f = mem_array(1, sizeof(*f));
	enum err e;

	if (f == NULL)
		return EC_ENOMEM;
	f->n = n;
	memcpy(f->read, reads, n * sizeof(*reads));
	if ((e = gather_new(&f->g)) != EC_OK ||
	    (e = make_tasks(f, shard, into, pool)) != EC_OK) {
		f->n = 0;	/* nothing was started */
		get_fetch_free(f);
		return e;
	}
	lane_chain_start(f->task, n, f->g);
	*out = f;
	return EC_OK;
}

bool
get_fetch_is(const struct get_fetch *f, const struct decode_read reads[],
    unsigned n)
{
	if (n != f->n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const struct decode_read *a = &f->read[i], *b = &reads[i];

		if (a->index != b->index || a->len != b->len ||
		    a->off != b->off ||
		    (f->from[i] == NULL && a->buf != b->buf))
			return false;
	}
	return true;
}

void
get_fetch_results(const struct get_fetch *f, struct decode_read reads[])
{
	for (unsigned i = 0; i < f->n; i++) {
		struct decode_read *r = &reads[i];

		r->err = EC_ENOMEM;
		if (f->task[i].lane == NULL)
			r->err = EC_OK;
		else if (f->task[i].call != NULL &&
		    !lane_call_done(f->task[i].call, &r->err))
			r->err = EC_ETIMEDOUT;
		if (r->err == EC_OK && f->from[i] != NULL)
			memcpy(r->buf, f->from[i], r->len);
	}
}

bool
get_fetch_free(struct get_fetch *f)
{
	bool whole = true;
	enum err e;

	if (f == NULL)
		return true;
	for (unsigned i = 0; i < f->n; i++) {
		struct lane_call *c = f->task[i].call;

		if (c != NULL && f->from[i] == NULL &&
		    (!lane_call_done(c, &e) || e == EC_ETIMEDOUT))
			whole = false;
		lane_call_put(c);
	}
	get_slab_put(f->side);
	gather_free(f->g);
	free(f);
	return whole;
}
