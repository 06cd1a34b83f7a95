/* lane_work: the threads that run a lane's calls and batches. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "drive/lane_impl.h"

enum {
	IDLE_MS = 10000,	/* a thread without work ends */
	STACK_BYTES = 1024 * 1024,
	BATCH_BYTES_MAX = 16 * 1024 * 1024,
};

bool
lane_thread(struct lane *l, void *(*start)(void *), void *arg)
{
	bool good = thread_start(start, arg, STACK_BYTES);

	if (good)
		l->refs++;
	return good;
}

/* Jacobson's estimate, as in RFC 6298: mean and mean deviation. */
static uint64_t
learn(uint64_t *mean, uint64_t *deviation, uint64_t took)
{
	uint64_t off = took > *mean ? took - *mean : *mean - took;

	if (*mean == 0) {
		*mean = took;
		*deviation = took / 2;
	} else {
		*deviation += off / 4;
		*deviation -= *deviation / 4;
		*mean += took / 8;
		*mean -= *mean / 8;
	}
	if (*mean == 0)
		*mean = 1;
	return *mean + 4 * *deviation;
}

static void
worker_begin(struct lane_worker *w)
{
	for (unsigned i = 0; i < w->held_count; i++)
		atomic_fetch_add(&w->held[i]->refs, 1);
	w->started_us = clock_mono_us();
	lane_watch_begin(w->lane);
}

/* true: the calls are still the worker's to finish. */
static bool
worker_end(struct lane_worker *w, enum err e, struct lane_queue *failed)
{
	struct lane *l = w->lane;
	struct lane_drive *ld = w->held[0]->drive;
	bool mine = !w->stuck;

	if (w->stuck) {
		ld->stuck--;
		l->stuck--;
		pthread_cond_signal(&l->watch);
	}
	w->stuck = false;
	w->started_us = 0;
	if (!w->held[0]->probe)
		lane_note(l, ld, e, failed);
	return mine;
}

static void
calls_push(struct lane *l, struct lane_call *c)
{
	lane_queue_push(&l->calls, c);
	l->queued += !c->quiet;
}

static struct lane_call *
calls_pop(struct lane *l)
{
	struct lane_call *c = lane_queue_pop(&l->calls);

	if (c != NULL)
		l->queued -= !c->quiet;
	return c;
}

/* The series' next call, after one of it ended with ${e}. */
static void
series_next(struct lane_series *s, enum err e, struct lane_queue *failed)
{
	struct lane_call *c;

	if (e != EC_OK)
		lane_series_failed(s, e, failed);
	c = lane_queue_pop(&s->waiting);
	if ((s->active = c != NULL))
		calls_push(s->lane, c);	/* this thread is there */
}

void
lane_fail_queued(struct lane *l, enum err e, struct lane_queue *failed)
{
	struct lane_queue old = l->calls;
	struct lane_call *c;

	l->calls = (struct lane_queue){ NULL, NULL };
	l->queued = 0;
	while ((c = lane_queue_pop(&old)) != NULL) {
		if (c->always) {
			calls_push(l, c);
			continue;
		}
		lane_queue_fail(failed, c, e);
		if (c->series != NULL)
			series_next(c->series, e, failed);
	}
	lane_fail_appends(l, e, failed);
}

void
lane_fail_appends(struct lane *l, enum err e, struct lane_queue *failed)
{
	struct lane_call *c;

	while ((c = lane_queue_pop(&l->appends)) != NULL)
		lane_queue_fail(failed, c, e);
}

void
lane_series_failed(struct lane_series *s, enum err e,
    struct lane_queue *failed)
{
	struct lane_queue keep = { NULL, NULL };
	struct lane_call *c;

	if (s->err == EC_OK)
		s->err = e;
	while ((c = lane_queue_pop(&s->waiting)) != NULL) {
		if (c->always)
			lane_queue_push(&keep, c);
		else
			lane_queue_fail(failed, c, s->err);
	}
	s->waiting = keep;
}

static void
probe_done(struct lane *l, const struct lane_drive *ld, enum err e)
{
	l->probing = false;
	l->next_probe_us = clock_mono_us() + LANE_PROBE_MS * 1000;
	if (ld != l->drive || atomic_load(&l->state) != LANE_SUSPECT)
		return;
	if (e != EC_OK) {
		atomic_store(&l->why, e);
	} else if (ld->stuck == 0) {
		l->failed = false;
		l->back_us = clock_mono_us();
		atomic_store(&l->why, EC_OK);
		atomic_store(&l->since_us, 0);
		atomic_store(&l->state, LANE_ONLINE);
	}
	pthread_cond_signal(&l->watch);
}

void
lane_call_begin(struct lane_worker *w, struct lane_call *c)
{
	w->held[0] = c;
	w->held_count = 1;
	worker_begin(w);
}

void
lane_call_end(struct lane_worker *w, enum err e)
{
	struct lane *l = w->lane;
	struct lane_call *c = w->held[0];
	struct lane_queue failed = { NULL, NULL };
	uint64_t began = w->started_us;
	bool mine = worker_end(w, e, &failed);

	if (c->probe)
		probe_done(l, c->drive, e);
	else if (mine && c->series == NULL)
		atomic_store(&l->latency_us, learn(&l->mean_us,
		    &l->deviation_us, clock_mono_us() - began));
	if (c->series != NULL)
		series_next(c->series, e, &failed);
	pthread_mutex_unlock(&l->mutex);
	if (mine)
		lane_call_finish(c, e);
	lane_call_put(c);
	lane_finish_all(&failed);
	pthread_mutex_lock(&l->mutex);
}

/* Run one call; the mutex is held before and after. */
static void
run_call(struct lane_worker *w, struct lane_call *c)
{
	enum err e;

	lane_call_begin(w, c);
	pthread_mutex_unlock(&w->lane->mutex);
	e = c->run(c->drive->d, c->arg);
	pthread_mutex_lock(&w->lane->mutex);
	lane_call_end(w, e);
}

static int
wait_idle(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	uint64_t until = clock_mono_us() + (uint64_t)IDLE_MS * 1000;
	struct timespec ts = {
		.tv_sec = (time_t)(until / 1000000),
		.tv_nsec = (long)(until % 1000000) * 1000,
	};

	return pthread_cond_timedwait(cond, mutex, &ts);
}

void
lane_worker_link(struct lane_worker *w)
{
	w->next = w->lane->workers;
	w->lane->workers = w;
}

void
lane_worker_unlink(struct lane_worker *w)
{
	struct lane_worker **p = &w->lane->workers;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	if (w->lane->appender == w)
		w->lane->appender = NULL;
	if (!w->appender && !w->guest)
		w->lane->threads--;
}

static void
worker_free(struct lane_worker *w)
{
	if (w != NULL)
		free(w->batch);
	free(w);
}

void
lane_worker_dismiss(struct lane_worker *w)
{
	lane_worker_unlink(w);
	worker_free(w);
}

static void *
worker_main(void *arg)
{
	struct lane_worker *w = arg;
	struct lane *l = w->lane;
	struct lane_call *c;
	int timed_out = 0;

	pthread_mutex_lock(&l->mutex);
	for (;;) {
		while ((c = calls_pop(l)) != NULL) {
			run_call(w, c);
			timed_out = 0;
		}
		if (l->closing || timed_out != 0)
			break;
		l->idle++;
		timed_out = wait_idle(&l->work, &l->mutex);
		l->idle--;
	}
	lane_worker_unlink(w);
	worker_free(w);
	pthread_cond_signal(&l->ended);
	lane_unref(l);
	return NULL;
}

/* Take from the queue what goes into one batch. */
static unsigned
batch_take(struct lane_worker *w)
{
	struct lane *l = w->lane;
	const struct lane_drive *ld = l->appends.first->drive;
	struct lane_call *c;
	unsigned n = 0;
	size_t bytes = 0;

	w->held_count = 0;
	while ((c = l->appends.first) != NULL && c->drive == ld) {
		if (w->held_count > 0 && (n + c->n > LANE_BATCH_MAX ||
		    bytes + c->bytes > BATCH_BYTES_MAX))
			break;
		lane_queue_pop(&l->appends);
		w->held[w->held_count++] = c;
		for (unsigned i = 0; i < c->n; i++)
			w->batch[n++] = c->appends[i];
		bytes += c->bytes;
	}
	return n;
}

static void
batch_finish(struct lane_worker *w, enum err e, bool mine)
{
	const struct drive_append *a = w->batch;

	for (unsigned i = 0; i < w->held_count; i++) {
		struct lane_call *c = w->held[i];

		for (unsigned j = 0; mine && j < c->n; j++, a++) {
			c->appends[j].err = e != EC_OK ? e : a->err;
			c->appends[j].superseded = a->superseded;
			c->appends[j].hlc = a->hlc;
		}
		if (mine)
			lane_call_finish(c, e);
		lane_call_put(c);
	}
	w->held_count = 0;
}

unsigned
lane_batch_begin(struct lane_worker *w)
{
	unsigned n = batch_take(w);

	w->shared = w->held_count > 1;
	worker_begin(w);
	lane_mark_begin(w->lane, w->batch, n);
	return n;
}

void
lane_batch_end(struct lane_worker *w, unsigned n, enum err e)
{
	struct lane *l = w->lane;
	struct lane_queue failed = { NULL, NULL };
	uint64_t began = w->started_us;
	bool mine;

	lane_mark_end(l, w->batch, n);
	if ((mine = worker_end(w, e, &failed)))
		atomic_store(&l->commit_us, learn(&l->commit_mean_us,
		    &l->commit_deviation_us, clock_mono_us() - began));
	pthread_mutex_unlock(&l->mutex);
	batch_finish(w, e, mine);
	lane_finish_all(&failed);
	pthread_mutex_lock(&l->mutex);
}

static void
run_batch(struct lane_worker *w)
{
	unsigned n = lane_batch_begin(w);
	struct drive *d = w->held[0]->drive->d;
	enum err e;

	pthread_mutex_unlock(&w->lane->mutex);
	e = d->ops->append(d, w->batch, n);
	pthread_mutex_lock(&w->lane->mutex);
	lane_batch_end(w, n, e);
}

/* Of several writers some may be about to run: on a busy machine what they
 * append goes with the same flush, and on an idle one this takes no time. */
static void
let_others_append(struct lane *l)
{
	pthread_mutex_unlock(&l->mutex);
	sched_yield();
	pthread_mutex_lock(&l->mutex);
}

static void *
appender_main(void *arg)
{
	struct lane_worker *w = arg;
	struct lane *l = w->lane;
	int timed_out = 0;

	pthread_mutex_lock(&l->mutex);
	while (!w->retired) {
		if (l->appends.first != NULL) {
			if (w->shared)
				let_others_append(l);
			if (l->appends.first != NULL && !w->retired)
				run_batch(w);
			timed_out = 0;
			continue;
		}
		if (l->closing || timed_out != 0)
			break;
		timed_out = wait_idle(&l->append_work, &l->mutex);
	}
	lane_worker_unlink(w);
	worker_free(w);
	pthread_cond_signal(&l->ended);
	lane_unref(l);
	return NULL;
}

/* ${guest}: an appender that is no thread. */
static struct lane_worker *
worker_new(struct lane *l, bool appender, bool guest)
{
	struct lane_worker *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->lane = l;
	w->appender = appender;
	w->guest = guest;
	if (appender && (w->batch = mem_array(LANE_BATCH_MAX,
	    sizeof *w->batch)) == NULL)
		goto fail;
	if (!guest && !lane_thread(l, appender ? appender_main :
	    worker_main, w))
		goto fail;
	lane_worker_link(w);
	return w;
fail:
	worker_free(w);
	return NULL;
}

/* A thread for one call more. */
static enum err
attend(struct lane *l, pthread_cond_t **wake)
{
	unsigned usable = l->threads;

	for (const struct lane_worker *w = l->workers; w; w = w->next)
		if (w->stuck && !w->appender && !w->guest)
			usable--;
	if (l->queued < l->idle) {
		*wake = &l->work;
	} else if (usable < LANE_THREADS_MAX) {
		if (worker_new(l, false, false) != NULL)
			l->threads++;
		else if (usable == 0)
			return EC_EBUSY;
	}
	return EC_OK;
}

enum err
lane_submit(struct lane *l, struct lane_call *c, pthread_cond_t **wake)
{
	enum err e = attend(l, wake);

	if (e == EC_OK)
		calls_push(l, c);
	return e;
}

void
lane_submit_quiet(struct lane *l, struct lane_call *c)
{
	c->quiet = true;
	calls_push(l, c);
	l->refs++;
}

void
lane_hurry(struct lane *l)
{
	struct lane_queue failed = { NULL, NULL }, old;
	struct lane_call *c;

	pthread_mutex_lock(&l->mutex);
	old = l->calls;
	l->calls = (struct lane_queue){ NULL, NULL };
	while ((c = lane_queue_pop(&old)) != NULL) {
		pthread_cond_t *wake = NULL;

		if (c->quiet && attend(l, &wake) != EC_OK) {
			lane_queue_fail(&failed, c, EC_EBUSY);
			continue;
		}
		lane_wake(wake);
		l->queued += c->quiet;
		c->quiet = false;
		lane_queue_push(&l->calls, c);
	}
	pthread_mutex_unlock(&l->mutex);
	lane_finish_all(&failed);
}

bool
lane_take_call(struct lane *l, const struct lane_call *c)
{
	struct lane_queue old = l->calls;
	struct lane_call *each;
	bool found = false;

	l->calls = (struct lane_queue){ NULL, NULL };
	while ((each = lane_queue_pop(&old)) != NULL) {
		if (each != c)
			lane_queue_push(&l->calls, each);
		else
			found = true;
	}
	if (found)
		l->queued -= !c->quiet;
	return found;
}

void
lane_give_back(struct lane *l)
{
	pthread_mutex_lock(&l->mutex);
	pthread_cond_signal(&l->ended);
	lane_unref(l);
}

void
lane_run_guest(struct lane *l, struct lane_call *c)
{
	struct lane_worker w = { .lane = l, .guest = true };

	pthread_mutex_lock(&l->mutex);
	if (lane_take_call(l, c)) {
		lane_worker_link(&w);
		run_call(&w, c);
		lane_worker_unlink(&w);
	}
	pthread_mutex_unlock(&l->mutex);
	lane_call_put(c);
	lane_give_back(l);
}

enum err
lane_submit_append(struct lane *l, struct lane_call *c,
    struct lane_letter *letter)
{
	const void *host = c->drive->d->host;
	struct lane_worker *w = l->appender;
	bool fresh = w == NULL;

	if (fresh && (w = l->appender = worker_new(l, true, host != NULL)) ==
	    NULL)
		return EC_EBUSY;
	lane_queue_push(&l->appends, c);
	if (w->guest && !w->away) {
		w->away = true;
		l->refs++;
		*letter = (struct lane_letter){ .lane = l, .host = host,
		    .worker = w };
	} else if (!w->guest && !fresh) {
		letter->lane = l;
	}
	return EC_OK;
}
