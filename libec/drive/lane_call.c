/* lane_call: calls, their series, and waiting for them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "drive/lane_impl.h"

void
lane_queue_push(struct lane_queue *q, struct lane_call *c)
{
	c->next = NULL;
	if (q->last != NULL)
		q->last->next = c;
	else
		q->first = c;
	q->last = c;
}

struct lane_call *
lane_queue_pop(struct lane_queue *q)
{
	struct lane_call *c = q->first;

	if (c != NULL && (q->first = c->next) == NULL)
		q->last = NULL;
	return c;
}

enum err
gather_new(struct gather **out)
{
	struct gather *g = calloc(1, sizeof *g);
	pthread_condattr_t attr;

	if (g == NULL)
		return EC_ENOMEM;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->done, &attr);
	pthread_condattr_destroy(&attr);
	atomic_init(&g->refs, 1);
	*out = g;
	return EC_OK;
}

void
gather_put(struct gather *g)
{
	if (atomic_fetch_sub(&g->refs, 1) != 1)
		return;
	pthread_cond_destroy(&g->done);
	pthread_mutex_destroy(&g->mutex);
	free(g);
}

void
gather_free(struct gather *g)
{
	if (g != NULL)
		gather_put(g);
}

unsigned
gather_wait(struct gather *g, unsigned n, uint64_t deadline_us)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_us / 1000000),
		.tv_nsec = (long)(deadline_us % 1000000) * 1000,
	};
	unsigned done;

	pthread_mutex_lock(&g->mutex);
	g->want = n < g->started ? n : g->started;
	while (g->finished < g->want)
		if (pthread_cond_timedwait(&g->done, &g->mutex, &until) != 0)
			break;
	g->want = 0;
	done = g->finished;
	pthread_mutex_unlock(&g->mutex);
	return done;
}

void
lane_drive_put(struct lane_drive *ld)
{
	if (ld == NULL || atomic_fetch_sub(&ld->refs, 1) != 1)
		return;
	drive_close(ld->d);
	free(ld);
}

enum err
lane_call_new(struct lane_call **out, struct gather *g, lane_run *run,
    lane_drop *drop, void *arg)
{
	struct lane_call *c = calloc(1, sizeof *c);

	if (c == NULL) {
		if (drop != NULL)
			drop(arg);
		return EC_ENOMEM;
	}
	atomic_init(&c->refs, 2);
	c->run = run;
	c->drop = drop;
	c->arg = arg;
	if ((c->g = g) != NULL) {
		atomic_fetch_add(&g->refs, 1);
		pthread_mutex_lock(&g->mutex);
		g->started++;
		pthread_mutex_unlock(&g->mutex);
	}
	*out = c;
	return EC_OK;
}

void
lane_call_put(struct lane_call *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	if (c->drop != NULL)
		c->drop(c->arg);
	lane_drive_put(c->drive);
	lane_series_put(c->series);
	free(c->appends);
	free(c);
}

void
lane_call_finish(struct lane_call *c, enum err e)
{
	struct gather *g = c->g;
	bool enough;

	c->err = e;
	c->g = NULL;
	if (c->series != NULL)
		atomic_fetch_sub(&c->series->pending, 1);
	atomic_store_explicit(&c->done, true, memory_order_release);
	if (g != NULL) {
		pthread_mutex_lock(&g->mutex);
		enough = ++g->finished == g->want;
		pthread_mutex_unlock(&g->mutex);
		if (enough)
			pthread_cond_signal(&g->done);
		gather_put(g);
	}
	lane_call_put(c);
}

void
lane_queue_fail(struct lane_queue *failed, struct lane_call *c, enum err e)
{
	c->err = e;
	lane_queue_push(failed, c);
}

void
lane_finish_all(struct lane_queue *q)
{
	struct lane_call *c;

	while ((c = lane_queue_pop(q)) != NULL) {
		for (unsigned i = 0; i < c->n; i++)
			c->appends[i].err = c->err;
		lane_call_finish(c, c->err);
	}
}

bool
lane_call_done(const struct lane_call *c, enum err *err)
{
	if (!atomic_load_explicit(&c->done, memory_order_acquire))
		return false;
	*err = c->err;
	return true;
}

void *
lane_call_arg(struct lane_call *c)
{
	return c->arg;
}

const struct drive_append *
lane_call_appends(const struct lane_call *c, unsigned *n)
{
	*n = c->n;
	return c->appends;
}

void
lane_wake(pthread_cond_t *wake)
{
	if (wake != NULL)
		pthread_cond_signal(wake);
}

/* Hand the caller's reference over, or drop it. */
static void
give(struct lane_call **out, struct lane_call *c)
{
	if (out != NULL)
		*out = c;
	else
		lane_call_put(c);
}

/* Refer to the lane's drive if calls may use it now. */
static bool
drive_get(struct lane *l, struct lane_call *c)
{
	if (atomic_load(&l->state) != LANE_ONLINE)
		return false;
	c->drive = l->drive;
	atomic_fetch_add(&c->drive->refs, 1);
	return true;
}

enum err
lane_start(struct lane *l, struct gather *g, lane_run *run, lane_drop *drop,
    void *arg, struct lane_call **out)
{
	struct lane_call *c;
	pthread_cond_t *wake = NULL;
	enum err e, failed = EC_EOFFLINE;

	if ((e = lane_call_new(&c, g, run, drop, arg)) != EC_OK)
		return e;
	pthread_mutex_lock(&l->mutex);
	if (drive_get(l, c))
		failed = lane_submit(l, c, &wake);
	pthread_mutex_unlock(&l->mutex);
	lane_wake(wake);
	give(out, c);
	if (failed != EC_OK)
		lane_call_finish(c, failed);
	return EC_OK;
}

bool
lane_start_quiet(struct lane *l, struct gather *g, struct lane_task *t)
{
	struct lane_call *c;
	bool good;

	t->call = NULL;
	if (lane_call_new(&c, g, t->run, t->drop, t->arg) != EC_OK)
		return false;
	t->call = c;
	pthread_mutex_lock(&l->mutex);
	if ((good = drive_get(l, c))) {
		atomic_fetch_add(&c->refs, 1);
		lane_submit_quiet(l, c);
	}
	pthread_mutex_unlock(&l->mutex);
	if (!good)
		lane_call_finish(c, EC_EOFFLINE);
	return good;
}

/* Copies of ${n} appends and of their records, in one piece. */
static enum err
appends_copy(struct lane_call *c, const struct drive_append *a, unsigned n)
{
	size_t bytes = 0;
	uint8_t *p;

	for (unsigned i = 0; i < n; i++)
		bytes += a[i].len;
	if ((c->appends = malloc(n * sizeof *a + bytes)) == NULL)
		return EC_ENOMEM;
	p = (uint8_t *)(c->appends + n);
	for (unsigned i = 0; i < n; i++) {
		c->appends[i] = a[i];
		c->appends[i].err = EC_OK;
		c->appends[i].superseded = false;
		c->appends[i].hlc = 0;
		c->appends[i].rec = memcpy(p, a[i].rec, a[i].len);
		p += a[i].len;
	}
	c->n = n;
	c->bytes = bytes;
	return EC_OK;
}

enum err
lane_append_post(struct lane_post *p, struct lane *l, struct gather *g,
    const struct drive_append *a, unsigned n, struct lane_call **out)
{
	struct lane_letter letter = { .lane = NULL };
	struct lane_call *c;
	struct lane_queue bad = { NULL, NULL };
	enum err e, failed = EC_EOFFLINE;

	if (n == 0 || n > LANE_BATCH_MAX)
		return EC_EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (a[i].len == 0 || a[i].len > RECORD_BYTES_MAX)
			return EC_EINVAL;
	if ((e = lane_call_new(&c, g, NULL, NULL, NULL)) != EC_OK)
		return e;
	if ((e = appends_copy(c, a, n)) != EC_OK) {
		failed = e;
	} else {
		pthread_mutex_lock(&l->mutex);
		if (drive_get(l, c))
			failed = lane_submit_append(l, c, &letter);
		pthread_mutex_unlock(&l->mutex);
	}
	if (letter.lane != NULL && p->n == LANE_CHAIN_MAX)
		lane_post_send(p);
	if (letter.lane != NULL)
		p->letter[p->n++] = letter;
	give(out, c);
	if (failed != EC_OK) {
		lane_queue_fail(&bad, c, failed);
		lane_finish_all(&bad);
	}
	return EC_OK;
}

enum err
lane_append(struct lane *l, struct gather *g, const struct drive_append *a,
    unsigned n, struct lane_call **out)
{
	struct lane_post p = { .n = 0 };
	enum err e = lane_append_post(&p, l, g, a, n, out);

	lane_post_send(&p);
	return e;
}

enum err
lane_series_new(struct lane_series **out, struct lane *l)
{
	struct lane_series *s = calloc(1, sizeof *s);

	if (s == NULL)
		return EC_ENOMEM;
	atomic_init(&s->refs, 1);
	s->lane = l;
	pthread_mutex_lock(&l->mutex);
	if ((s->drive = l->drive) != NULL)
		atomic_fetch_add(&s->drive->refs, 1);
	else
		s->err = EC_EOFFLINE;
	pthread_mutex_unlock(&l->mutex);
	*out = s;
	return EC_OK;
}

void
lane_series_put(struct lane_series *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	lane_drive_put(s->drive);
	free(s);
}

void
lane_series_free(struct lane_series *s)
{
	lane_series_put(s);
}

unsigned
lane_series_pending(const struct lane_series *s)
{
	return atomic_load(&s->pending);
}

/* A call of the series on its way.  Errors: then it is not queued. */
static enum err
series_submit(struct lane_series *s, struct lane_call *c,
    pthread_cond_t **wake)
{
	struct lane *l = s->lane;
	enum err e = EC_OK;

	if (!c->always && s->err != EC_OK)
		return s->err;
	if (s->drive == NULL)
		return EC_EOFFLINE;
	if (!c->always && (s->drive != l->drive ||
	    atomic_load(&l->state) != LANE_ONLINE))
		return s->err = EC_EOFFLINE;
	c->drive = s->drive;
	atomic_fetch_add(&c->drive->refs, 1);
	if (s->active)
		lane_queue_push(&s->waiting, c);
	else if ((e = lane_submit(l, c, wake)) == EC_OK)
		s->active = true;
	else if (!c->always)
		s->err = e;
	return e;
}

static enum err
series_start(struct lane_series *s, struct gather *g, lane_run *run,
    lane_drop *drop, void *arg, bool always, struct lane_call **out)
{
	struct lane_call *c;
	pthread_cond_t *wake = NULL;
	enum err e, failed;

	if ((e = lane_call_new(&c, g, run, drop, arg)) != EC_OK)
		return e;
	c->series = s;
	c->always = always;
	atomic_fetch_add(&s->refs, 1);
	atomic_fetch_add(&s->pending, 1);
	pthread_mutex_lock(&s->lane->mutex);
	failed = series_submit(s, c, &wake);
	pthread_mutex_unlock(&s->lane->mutex);
	lane_wake(wake);
	give(out, c);
	if (failed != EC_OK)
		lane_call_finish(c, failed);
	return EC_OK;
}

enum err
lane_series_start(struct lane_series *s, struct gather *g, lane_run *run,
    lane_drop *drop, void *arg, struct lane_call **out)
{
	return series_start(s, g, run, drop, arg, false, out);
}

enum err
lane_series_end(struct lane_series *s, lane_run *run, lane_drop *drop,
    void *arg)
{
	return series_start(s, NULL, run, drop, arg, true, NULL);
}

enum err
lane_call(struct lane *l, lane_run *run, lane_drop *drop, void *arg,
    unsigned timeout_ms)
{
	struct gather *g = NULL;
	struct lane_call *c = NULL;
	enum err e;

	if ((e = gather_new(&g)) != EC_OK) {
		if (drop != NULL)
			drop(arg);
		return e;
	}
	if ((e = lane_start(l, g, run, drop, arg, &c)) != EC_OK)
		goto out;
	gather_wait(g, 1, clock_mono_us() + (uint64_t)timeout_ms * 1000);
	if (!lane_call_done(c, &e))
		e = EC_ETIMEDOUT;
out:
	lane_call_put(c);
	gather_free(g);
	return e;
}
