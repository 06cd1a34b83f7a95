/* lane_work: the queue of a lane's calls, and the threads that run them. */
#include "base/clock.h"
#include "drive/lane_impl.h"

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
	lane_worker_begin(w);
}

void
lane_call_end(struct lane_worker *w, enum err e)
{
	struct lane *l = w->lane;
	struct lane_call *c = w->held[0];
	struct lane_queue failed = { NULL, NULL };
	uint64_t began = w->started_us;
	bool mine = lane_worker_end(w, e, &failed);

	if (c->probe)
		probe_done(l, c->drive, e);
	else if (mine && c->series == NULL)
		atomic_store(&l->latency_us, lane_learn(&l->mean_us,
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
		timed_out = lane_wait_idle(&l->work, &l->mutex);
		l->idle--;
	}
	return lane_worker_leave(w);
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
		if (lane_worker_new(l, worker_main, false) != NULL)
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
