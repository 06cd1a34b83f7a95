/* put_flow: see the header. */
#include "set/put_flow.h"

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

void
put_slab_put(struct put_slab *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	mem_pool_put(s->pool, s->buf);
	free(s);
}

void
put_flow_put(struct put_flow *f)
{
	if (f == NULL || atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	pthread_cond_destroy(&f->moved);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct put_flow *
put_flow_new(const struct uuid *data)
{
	struct put_flow *f = mem_array(1, sizeof(*f));
	pthread_condattr_t attr;

	if (f == NULL)
		return NULL;
	atomic_init(&f->refs, 1);
	f->data = *data;
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->moved, &attr);
	pthread_condattr_destroy(&attr);
	return f;
}

void
put_flow_fail(struct put_flow *f, unsigned index, enum err e)
{
	pthread_mutex_lock(&f->lock);
	if (f->lane[index].err == EC_OK)
		f->lane[index].err = e;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

enum err
put_flow_err(struct put_flow *f, unsigned index)
{
	enum err e;

	pthread_mutex_lock(&f->lock);
	e = f->lane[index].err;
	pthread_mutex_unlock(&f->lock);
	return e;
}

struct put_job *
put_job_new(struct put_flow *f, unsigned index)
{
	struct put_job *j = mem_array(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->flow = f;
	j->index = index;
	atomic_fetch_add(&f->refs, 1);
	return j;
}

void
put_job_drop(void *arg)
{
	struct put_job *j = arg;
	struct put_flow *f = j->flow;

	for (unsigned i = 0; i < j->n; i++)
		put_slab_put(j->slice[i].slab);
	pthread_mutex_lock(&f->lock);
	f->lane[j->index].queued -= j->bytes;
	if (!j->ran && f->lane[j->index].err == EC_OK)
		f->lane[j->index].err = EC_EOFFLINE;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
	put_flow_put(f);
	free(j);
}

static enum err
job_end(struct put_job *j, enum err e)
{
	j->ran = true;
	if (e != EC_OK)
		put_flow_fail(j->flow, j->index, e);
	return e;
}

enum err
put_run_create(struct drive *d, void *arg)
{
	struct put_job *j = arg;
	struct put_flow *f = j->flow;

	return job_end(j, d->ops->shard_create(d, &f->data, j->index,
	    f->bytes_hint, &f->lane[j->index].writer));
}

enum err
put_run_write(struct drive *d, void *arg)
{
	struct put_job *j = arg;
	struct drive_writer *w = j->flow->lane[j->index].writer;
	enum err e = EC_OK;

	for (unsigned i = 0; i < j->n && e == EC_OK; i++)
		e = d->ops->shard_write(w, j->slice[i].at, j->slice[i].len);
	return job_end(j, e);
}

enum err
put_run_commit(struct drive *d, void *arg)
{
	struct put_job *j = arg;
	struct put_shard *l = &j->flow->lane[j->index];
	struct drive_writer *w = l->writer;
	enum err e;

	l->writer = NULL;
	if ((e = d->ops->shard_commit(w)) == EC_OK) {
		pthread_mutex_lock(&j->flow->lock);
		l->committed = true;
		pthread_mutex_unlock(&j->flow->lock);
	}
	return job_end(j, e);
}

/* The last of each series. */
enum err
put_run_clean(struct drive *d, void *arg)
{
	struct put_job *j = arg;
	struct put_shard *l = &j->flow->lane[j->index];
	bool remove;

	j->ran = true;
	if (l->writer != NULL) {
		d->ops->shard_abort(l->writer);
		l->writer = NULL;
	}
	pthread_mutex_lock(&j->flow->lock);
	remove = l->committed && !l->keep;
	pthread_mutex_unlock(&j->flow->lock);
	if (remove)
		d->ops->shard_remove(d, &j->flow->data, j->index);
	return EC_OK;
}
