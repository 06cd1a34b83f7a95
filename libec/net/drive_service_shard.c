/* Shard files through the drive service: written as one streamed request,
 * committed when the body came to its end; read by range. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/drive_service_impl.h"

/* A shard being written.  Only calls of its series touch it, the last of which
 * frees it; so a hung drive can keep it when the request has long ended. */
struct upload {
	struct uuid data;
	unsigned index;
	uint64_t hint;
	struct drive_writer *writer;	/* NULL: not begun, or ended */
};

struct piece {
	struct upload *u;
	size_t len;
	uint8_t bytes[SERVICE_PIECE_BYTES];
};

/* The calls of one upload: one runs, one may wait. */
struct stream {
	struct lane_series *series;
	struct gather *g;
	struct lane_call *last;
	unsigned started;
};

static enum err
run_create(struct drive *d, void *arg)
{
	struct upload *u = arg;

	return d->ops->shard_create(d, &u->data, u->index, u->hint,
	    &u->writer);
}

static enum err
run_write(struct drive *d, void *arg)
{
	struct piece *p = arg;

	return d->ops->shard_write(p->u->writer, p->bytes, p->len);
}

static enum err
run_commit(struct drive *d, void *arg)
{
	struct upload *u = arg;
	struct drive_writer *w = u->writer;

	u->writer = NULL;
	return d->ops->shard_commit(w);
}

static enum err
run_abort(struct drive *d, void *arg)
{
	struct upload *u = arg;

	if (u->writer != NULL)
		d->ops->shard_abort(u->writer);
	u->writer = NULL;
	return EC_OK;
}

static void
drop_nothing(void *arg)
{
	(void)arg;
}

/* Wait for the last call started. */
static enum err
stream_settle(struct stream *s, unsigned done)
{
	enum err e = EC_OK;

	if (s->last == NULL)
		return EC_OK;
	gather_wait(s->g, done, clock_mono_us() + SERVICE_WAIT_MS * 1000ull);
	if (!lane_call_done(s->last, &e))
		e = EC_ETIMEDOUT;
	lane_call_put(s->last);
	s->last = NULL;
	return e;
}

/* Start another when the one before the last is done; its error is returned. */
static enum err
stream_push(struct stream *s, lane_run *run, lane_drop *drop, void *arg)
{
	struct lane_call *call = NULL;
	enum err e;

	if ((e = lane_series_start(s->series, s->g, run, drop, arg, &call)) !=
	    EC_OK)
		return e;
	e = stream_settle(s, s->started);
	s->started++;
	s->last = call;
	return e;
}

static enum err
receive(struct peer_request *r, struct stream *s, struct upload *u)
{
	struct piece *p;
	size_t got;
	enum err e;

	if ((e = stream_push(s, run_create, drop_nothing, u)) != EC_OK)
		return e;
	for (;;) {
		if ((p = malloc(sizeof(*p))) == NULL)
			return EC_ENOMEM;
		p->u = u;
		for (p->len = 0; p->len < sizeof(p->bytes); p->len += got)
			if ((e = peer_request_stream(r, p->bytes + p->len,
			    sizeof(p->bytes) - p->len, &got)) != EC_OK ||
			    got == 0)
				break;
		if (e != EC_OK || p->len == 0) {
			free(p);
			break;
		}
		if ((e = stream_push(s, run_write, free, p)) != EC_OK)
			return e;
	}
	if (e == EC_OK)
		e = stream_push(s, run_commit, drop_nothing, u);
	if (e == EC_OK)
		e = stream_settle(s, s->started);
	return e;
}

void
service_shard_put(struct peer_request *r, struct lane *l,
    const struct service_target *t)
{
	struct stream s = { NULL, NULL, NULL, 0 };
	struct upload *u;
	enum err e = EC_ENOMEM;

	if ((u = calloc(1, sizeof(*u))) == NULL)
		goto out;
	*u = (struct upload){ t->data, t->index, t->bytes, NULL };
	if ((e = gather_new(&s.g)) != EC_OK ||
	    (e = lane_series_new(&s.series, l)) != EC_OK)
		goto out;
	e = receive(r, &s, u);
	lane_series_end(s.series, run_abort, free, u);
	u = NULL;
out:
	if (e == EC_OK)
		peer_request_answer(r, 200, NULL, 0);
	else
		service_refuse(r, e);
	lane_call_put(s.last);
	lane_series_free(s.series);
	gather_free(s.g);
	free(u);
}

static enum err
run_read(struct drive *d, void *arg)
{
	struct service_job *j = arg;
	struct drive_reader *r;
	uint64_t bytes;
	enum err e;

	if ((e = d->ops->shard_open(d, &j->data, j->index, &r, &bytes)) !=
	    EC_OK)
		return e;
	e = d->ops->shard_pread(r, j->bytes, j->len, j->off);
	d->ops->shard_close(r);
	return e;
}

/* Memory for what is read: large pieces are not got from malloc, which would
 * map and clear the same pages again and again. */
static enum err
need_bytes(struct service_job *j, size_t len)
{
	static struct mem_pool *_Atomic kept;
	struct mem_pool *p;

	if (len > SERVICE_PIECE_BYTES && (p = mem_pool_lasting(&kept,
	    WIRE_READ_MAX, SERVICE_READS_BYTES)) != NULL &&
	    mem_pool_get(p, &j->bytes, 0) == EC_OK) {
		j->pool = p;
		return EC_OK;
	}
	j->bytes = malloc(len);
	return j->bytes != NULL ? EC_OK : EC_ENOMEM;
}

void
service_shard_get(struct peer_request *r, struct lane *l,
    const struct service_target *t)
{
	struct service_job *j = NULL;
	struct lane_call *call = NULL;
	enum err e = EC_EINVAL;

	if (t->bytes == 0 || t->bytes > WIRE_READ_MAX)
		goto out;
	e = EC_ENOMEM;
	if ((j = service_job_new()) == NULL ||
	    (e = need_bytes(j, (size_t)t->bytes)) != EC_OK)
		goto out;
	j->data = t->data;
	j->index = t->index;
	j->off = t->from;
	j->len = (size_t)t->bytes;
	e = service_run(l, run_read, j, &call);
	if (e == EC_OK)
		peer_request_answer_read(r, j->bytes, j->len);
	j = NULL;			/* the call's */
out:
	if (e != EC_OK)
		service_refuse(r, e);
	lane_call_put(call);
	service_job_drop(j);
}
