/* put_stream: see the header.
 *
 * A slab goes back to the pool when the stream has moved on to the next and
 * every slice of it was written or dropped.  Before the stream waits for a slab
 * it hands in all slices, so that other streams always get on. */
#include "set/put_stream.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/md5_stream.h"
#include "set/commit.h"
#include "set/placement.h"
#include "set/put_flow.h"
#include "set/quorum.h"
#include "set/set_impl.h"

enum {
	SLAB_BYTES = STRIPE_UNIT_DEFAULT * 16,	/* the pool's, set.h */
	AHEAD_BYTES = 2 * 1024 * 1024,	/* queued for one drive */
	JOB_BYTES = 4 * STRIPE_UNIT_DEFAULT,	/* worth a change of threads */
	PAGE_BYTES = 4096,	/* what goes past the page cache is aligned */
	LATE_MIN_MS = 500,
};

struct sink {
	struct put_stream *ps;
	unsigned index;
	struct lane_series *series;
	uint64_t bytes;		/* so far */
	struct put_job *job;	/* being filled */
	uint8_t *run;		/* of the slab: where its next bytes go */
	size_t run_left;
};

struct put_stream {
	struct set *s;
	struct put_stream_params p;
	unsigned n;
	struct put_flow *flow;
	struct encode *encode;
	struct md5_stream *md5;
	struct put_slab *slab;
	size_t slab_used;
	uint64_t waited_us;	/* the longest wait for most drives */
	enum err err;		/* of the stream itself: EC_EBUSY, EC_ENOMEM */
	struct sink sink[SET_DRIVES_MAX];
};

/* Hand in what was collected for a drive. */
static enum err
submit(struct sink *k)
{
	struct put_flow *f = k->ps->flow;
	struct put_job *j = k->job;
	enum err e;

	k->job = NULL;
	k->run_left = 0;
	if (j == NULL)
		return EC_OK;
	pthread_mutex_lock(&f->lock);
	f->lane[k->index].queued += j->bytes;
	pthread_mutex_unlock(&f->lock);
	if ((e = lane_series_start(k->series, NULL, put_run_write,
	    put_job_drop, j, NULL)) != EC_OK)
		put_flow_fail(f, k->index, e);
	return e;
}

static void
submit_all(struct put_stream *ps)
{
	for (unsigned i = 0; i < ps->n; i++)
		submit(&ps->sink[i]);
}

/* A slab with room; the last one is let go. */
static enum err
slab_next(struct put_stream *ps)
{
	struct put_slab *s;
	enum err e;

	put_slab_put(ps->slab);
	ps->slab = NULL;
	if ((s = malloc(sizeof(*s))) == NULL)
		return EC_ENOMEM;
	if ((e = mem_pool_get(ps->s->pool, &s->buf, 0)) == EC_EBUSY) {
		submit_all(ps);
		e = mem_pool_get(ps->s->pool, &s->buf, SET_WAIT_MS);
	}
	if (e != EC_OK) {
		free(s);
		return e;
	}
	atomic_init(&s->refs, 1);
	s->pool = ps->s->pool;
	ps->slab = s;
	ps->slab_used = 0;
	return EC_OK;
}

/* How long a drive's bytes should lie in one piece, to be one write. */
static size_t
run_bytes(const struct sink *k)
{
	uint64_t all = k->ps->flow->bytes_hint + SHARD_HEADER_BYTES;
	size_t job = JOB_BYTES + (k->bytes == 0 ? SHARD_HEADER_BYTES : 0);

	if (all == SHARD_HEADER_BYTES)
		return job;
	if (k->bytes >= all)
		return PAGE_BYTES;	/* the tail */
	return num_round_up(num_min(job, all - k->bytes), PAGE_BYTES);
}

static enum err
run_next(struct sink *k)
{
	struct put_stream *ps = k->ps;
	size_t bytes = run_bytes(k);
	enum err e;

	if ((ps->slab == NULL || SLAB_BYTES - ps->slab_used < bytes) &&
	    (e = slab_next(ps)) != EC_OK)
		return e;
	k->run = ps->slab->buf + ps->slab_used;
	k->run_left = bytes;
	ps->slab_used += bytes;
	if (k->job == NULL &&
	    (k->job = put_job_new(ps->flow, k->index)) == NULL)
		return EC_ENOMEM;
	atomic_fetch_add(&ps->slab->refs, 1);
	k->job->slice[k->job->n++] = (struct put_slice){ ps->slab, k->run, 0 };
	return EC_OK;
}

/* As much as the run takes. */
static size_t
sink_add(struct sink *k, const uint8_t *buf, size_t len)
{
	size_t take = num_min(len, k->run_left);

	memcpy(k->run, buf, take);
	k->job->slice[k->job->n - 1].len += take;
	k->job->bytes += take;
	k->bytes += take;
	k->run += take;
	k->run_left -= take;
	return take;
}

static enum err
sink_write(void *ctx, const void *buf, size_t len)
{
	struct sink *k = ctx;
	struct put_stream *ps = k->ps;
	const uint8_t *p = buf;
	enum err e;

	if (ps->err != EC_OK)
		return ps->err;
	if ((e = put_flow_err(ps->flow, k->index)) != EC_OK)
		return e;
	while (len > 0) {
		size_t n;

		if (k->run_left == 0 && k->job != NULL &&
		    k->job->n == PUT_SLICES_MAX && (e = submit(k)) != EC_OK)
			return e;
		if (k->run_left == 0 && (e = run_next(k)) != EC_OK)
			return ps->err = e;
		n = sink_add(k, p, len);
		p += n;
		len -= n;
	}
	if (k->job != NULL && k->job->bytes >= JOB_BYTES &&
	    lane_series_pending(k->series) < 2)
		return submit(k);
	return EC_OK;
}

static enum err
sink_open(struct put_stream *ps, unsigned index)
{
	struct sink *k = &ps->sink[index];
	unsigned slot = placement_drive(ps->p.start, index, ps->n);
	struct lane *lane = ps->s->lane[slot];
	struct put_job *j;
	enum err e;

	k->ps = ps;
	k->index = index;
	if (lane_state(lane) != LANE_ONLINE) {
		ps->flow->lane[index].err = EC_EOFFLINE;
		return EC_OK;
	}
	if ((e = lane_series_new(&k->series, lane)) != EC_OK)
		return e;
	if ((j = put_job_new(ps->flow, index)) == NULL)
		return EC_ENOMEM;
	return lane_series_start(k->series, NULL, put_run_create,
	    put_job_drop, j, NULL);
}

enum err
put_stream_new(struct put_stream **out, struct set *s,
    const struct put_stream_params *p)
{
	struct encode_params ep = { .stripe = p->stripe, .id = p->data,
		.part = p->part, .quorum = p->quorum };
	struct encode_sink sinks[SET_DRIVES_MAX] = { 0 };
	struct put_stream *ps;
	enum err e = EC_ENOMEM;

	if ((ps = mem_array(1, sizeof(*ps))) == NULL)
		return EC_ENOMEM;
	ps->s = s;
	ps->p = *p;
	ps->n = s->n;
	if ((ps->flow = put_flow_new(&p->data)) == NULL)
		goto out;
	if (p->size <= STRIPE_SIZE_MAX)
		ps->flow->bytes_hint = stripe_shard_bytes(&p->stripe, p->size);
	e = p->md5 ? md5_stream_new(&ps->md5) : EC_OK;
	for (unsigned i = 0; i < s->n && e == EC_OK; i++) {
		e = sink_open(ps, i);
		if (ps->sink[i].series != NULL)
			sinks[i] = (struct encode_sink){ sink_write,
				&ps->sink[i] };
	}
	if (e == EC_OK)
		e = encode_new(&ps->encode, &ep, sinks);
out:
	if (e != EC_OK) {
		put_stream_free(ps, NULL);
		return e;
	}
	*out = ps;
	return EC_OK;
}

/* How many live, and how many of them have too much queued. */
static unsigned
flow_over(const struct put_stream *ps, unsigned *live)
{
	unsigned over = 0;

	*live = 0;
	for (unsigned i = 0; i < ps->n; i++) {
		const struct put_shard *l = &ps->flow->lane[i];

		if (l->err != EC_OK)
			continue;
		++*live;
		over += l->queued > AHEAD_BYTES;
	}
	return over;
}

static void
flow_drop_late(struct put_stream *ps)
{
	for (unsigned i = 0; i < ps->n; i++) {
		struct put_shard *l = &ps->flow->lane[i];

		if (l->err == EC_OK && l->queued > AHEAD_BYTES)
			l->err = EC_ETIMEDOUT;
	}
}

/* Until no drive has too much queued, or those that have are late. */
static void
flow_wait(struct put_stream *ps)
{
	uint64_t start = clock_mono_us(), most = 0, until, end;
	uint64_t late = LATE_MIN_MS * 1000;
	struct put_flow *f = ps->flow;
	struct timespec ts;
	unsigned live, over;

	if (ps->waited_us * 8 > late)
		late = ps->waited_us * 8;
	end = start + SET_WAIT_MS * UINT64_C(1000);
	pthread_mutex_lock(&f->lock);
	while ((over = flow_over(ps, &live)) > 0) {
		bool enough = live - over >= ps->p.quorum;

		if (enough && most == 0)
			most = clock_mono_us();
		until = enough && most + late < end ? most + late : end;
		ts.tv_sec = (time_t)(until / 1000000);
		ts.tv_nsec = (long)(until % 1000000) * 1000;
		if (pthread_cond_timedwait(&f->moved, &f->lock, &ts) != 0 &&
		    clock_mono_us() >= until)
			flow_drop_late(ps);
	}
	pthread_mutex_unlock(&f->lock);
	if (most == 0)
		most = clock_mono_us();
	if (most - start > ps->waited_us)
		ps->waited_us = most - start;
}

static enum err
encode_all(struct put_stream *ps, const uint8_t *p, size_t len)
{
	size_t chunk = (size_t)ps->p.stripe.k * ps->p.stripe.unit * 4;
	enum err e;

	while (len > 0) {
		size_t take = num_min(len, chunk);

		e = encode_write(ps->encode, p, take);
		if (ps->err != EC_OK)
			return ps->err;
		if (e != EC_OK)
			return e;
		flow_wait(ps);
		p += take;
		len -= take;
	}
	return EC_OK;
}

enum err
put_stream_write(struct put_stream *ps, const void *buf, size_t len)
{
	if (ps->md5 != NULL)
		md5_stream_add(ps->md5, buf, len);
	return encode_all(ps, buf, len);
}

void
put_stream_settle(struct put_stream *ps)
{
	if (ps->md5 != NULL)
		md5_stream_wait(ps->md5);
}

static enum err
commit_all(struct put_stream *ps)
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	uint64_t started = clock_mono_us();
	struct gather *g = NULL;
	enum err results[SET_DRIVES_MAX];
	enum err e;

	if ((e = gather_new(&g)) != EC_OK)
		return e;
	for (unsigned i = 0; i < ps->n && e == EC_OK; i++) {
		struct put_job *j;

		if (ps->sink[i].series == NULL ||
		    put_flow_err(ps->flow, i) != EC_OK)
			continue;
		if ((j = put_job_new(ps->flow, i)) == NULL)
			e = EC_ENOMEM;
		else
			e = lane_series_start(ps->sink[i].series, g,
			    put_run_commit, put_job_drop, j, &call[i]);
	}
	commit_wait(g, call, ps->n, ps->p.quorum, started);
	commit_results(call, ps->n, results);
	for (unsigned i = 0; i < ps->n; i++) {
		if (results[i] != EC_OK)
			put_flow_fail(ps->flow, i, results[i]);
		lane_call_put(call[i]);
	}
	gather_free(g);
	return e;
}

enum err
put_stream_finish(struct put_stream *ps, struct shard_tail *t, bool durable[])
{
	unsigned good = 0;
	enum err e;

	if (ps->md5 != NULL)
		md5_stream_final(ps->md5, t->md5);
	e = encode_finish(ps->encode, t);
	if (ps->err != EC_OK)
		return ps->err;
	if (e != EC_OK)
		return e;
	for (unsigned i = 0; i < ps->n; i++)	/* not only what drives said */
		if ((e = encode_sink_err(ps->encode, i)) != EC_OK)
			put_flow_fail(ps->flow, i, e);
	submit_all(ps);
	put_slab_put(ps->slab);
	ps->slab = NULL;
	if ((e = commit_all(ps)) != EC_OK)
		return e;
	for (unsigned i = 0; i < ps->n; i++) {
		unsigned slot = placement_drive(ps->p.start, i, ps->n);

		durable[slot] = put_flow_err(ps->flow, i) == EC_OK;
		good += durable[slot];
	}
	return good >= ps->p.quorum ? EC_OK : EC_EQUORUM;
}

void
put_stream_results(const struct put_stream *ps, enum err results[])
{
	for (unsigned i = 0; i < ps->n; i++)
		results[placement_drive(ps->p.start, i, ps->n)] =
		    put_flow_err(ps->flow, i);
}

static void
sink_close(struct put_stream *ps, unsigned index, bool keep)
{
	struct sink *k = &ps->sink[index];
	struct put_job *j;

	if (k->job != NULL) {
		k->job->bytes = 0;	/* never queued */
		put_job_drop(k->job);
	}
	if (k->series == NULL)
		return;
	pthread_mutex_lock(&ps->flow->lock);
	ps->flow->lane[index].keep = keep;
	pthread_mutex_unlock(&ps->flow->lock);
	/* Without memory the file stays as litter, for the sweep. */
	if ((j = put_job_new(ps->flow, index)) != NULL)
		lane_series_end(k->series, put_run_clean, put_job_drop, j);
	lane_series_free(k->series);
}

void
put_stream_free(struct put_stream *ps, const bool keep[])
{
	if (ps == NULL)
		return;
	encode_free(ps->encode);
	md5_stream_free(ps->md5);
	for (unsigned i = 0; i < ps->n && ps->flow != NULL; i++)
		sink_close(ps, i, keep != NULL &&
		    keep[placement_drive(ps->p.start, i, ps->n)]);
	put_slab_put(ps->slab);
	put_flow_put(ps->flow);
	free(ps);
}
