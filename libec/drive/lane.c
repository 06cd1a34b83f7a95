/* lane: its state, and the watch that keeps it. */
#include "drive/lane.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive/lane_impl.h"

enum {
	WATCH_MS = 250,		/* how often the clock is read under load */
	WELL_US = 60 * 1000000,	/* no relapse after so long */
	RELAPSES_MAX = 6,	/* then a probe a minute */
	PROBE_BYTES = 4096,
};

static void
cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static int
cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t mono_us)
{
	struct timespec ts = {
		.tv_sec = (time_t)(mono_us / 1000000),
		.tv_nsec = (long)(mono_us % 1000000) * 1000,
	};

	return pthread_cond_timedwait(c, m, &ts);
}

void
lane_unref(struct lane *l)
{
	bool last = --l->refs == 0;

	pthread_mutex_unlock(&l->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&l->work);
	pthread_cond_destroy(&l->append_work);
	pthread_cond_destroy(&l->watch);
	pthread_cond_destroy(&l->ended);
	pthread_mutex_destroy(&l->mutex);
	free(l->name);
	free(l);
}

static bool
is_its_own(enum err why)
{
	return why == EC_EIO || why == EC_EROFS;
}

/* Who fails again soon after a probe is asked less and less often. */
static void
relapse(struct lane *l, enum err why)
{
	uint64_t now = clock_mono_us();

	if (!is_its_own(why))
		return;
	if (l->back_us == 0 || now - l->back_us > WELL_US)
		l->relapses = 0;
	else if (++l->relapses > RELAPSES_MAX)
		l->relapses = RELAPSES_MAX;
	if (l->relapses > 0)
		l->next_probe_us = now +
		    ((uint64_t)LANE_PROBE_MS * 1000 << l->relapses);
}

static void
suspect(struct lane *l, enum err why, struct lane_queue *failed)
{
	if (atomic_load(&l->state) != LANE_ONLINE)
		return;
	atomic_store(&l->state, LANE_SUSPECT);
	atomic_store(&l->why, why);
	atomic_store(&l->since_us, clock_real_us());
	relapse(l, why);
	log_warn("%s: %s; set aside until a probe succeeds", l->name,
	    err_text(why));
	lane_fail_queued(l, EC_EOFFLINE, failed);
	pthread_cond_signal(&l->watch);
}

void
lane_note(struct lane *l, const struct lane_drive *ld, enum err e,
    struct lane_queue *failed)
{
	if (ld != l->drive ||
	    (e != EC_EOFFLINE && e != EC_EIO && e != EC_EROFS))
		return;
	atomic_fetch_add(&l->errors, 1);
	suspect(l, e, failed);
}

void
lane_watch_begin(struct lane *l)
{
	if (l->watching)
		return;
	l->watching = true;
	pthread_cond_signal(&l->watch);
}

/* Finish the calls of workers that hang.  Returns how many are at work. */
static unsigned
find_stuck(struct lane *l, struct lane_queue *failed)
{
	uint64_t now = clock_mono_us();
	unsigned busy = 0;

	for (struct lane_worker *w = l->workers; w != NULL; w = w->next) {
		struct lane_drive *ld;

		if (w->started_us == 0 || w->stuck)
			continue;
		busy++;
		if (now - w->started_us < LANE_STUCK_MS * UINT64_C(1000))
			continue;
		ld = w->held[0]->drive;
		w->stuck = true;
		ld->stuck++;
		l->stuck++;
		for (unsigned i = 0; i < w->held_count; i++) {
			lane_queue_fail(failed, w->held[i], EC_ETIMEDOUT);
			if (w->held[i]->series != NULL)
				lane_series_failed(w->held[i]->series,
				    EC_ETIMEDOUT, failed);
		}
		if (ld == l->drive) {
			atomic_fetch_add(&l->errors, 1);
			suspect(l, EC_ETIMEDOUT, failed);
		}
	}
	return busy;
}

/* A drive may tell who it is and yet not take what is written. */
static enum err
probe_write(struct drive *d)
{
	struct buf got = BUF_INIT(DRIVE_NOTE_BYTES_MAX);
	char text[PROBE_BYTES];
	enum err e;

	memset(text, 'p', sizeof text);
	e = d->ops->note_put(d, "probe", text, sizeof text);
	if (e == EC_ENOSPC)	/* that does not make it a bad one */
		return EC_OK;
	if (e == EC_OK && (e = d->ops->note_get(d, "probe", &got)) == EC_OK &&
	    (got.len != sizeof text ||
	    memcmp(got.data, text, sizeof text) != 0))
		e = EC_EIO;
	buf_release(&got);
	return e;
}

static enum err
probe(struct drive *d, void *arg)
{
	struct format f;
	enum err e = d->ops->probe(d, &f);

	return e == EC_OK && arg != NULL && d->ops->note_put != NULL ?
	    probe_write(d) : e;
}

/* A probe that cannot be started is tried again later. */
static void
probe_start(struct lane *l)
{
	struct lane_call *c = NULL;
	pthread_cond_t *wake = NULL;

	l->next_probe_us = clock_mono_us() + LANE_PROBE_MS * 1000;
	if (is_its_own((enum err)atomic_load(&l->why)))
		l->failed = true;
	if (lane_call_new(&c, NULL, probe, NULL, l->failed ? l : NULL) !=
	    EC_OK)
		return;
	c->probe = c->always = true;
	c->drive = l->drive;
	atomic_fetch_add(&c->drive->refs, 1);
	if (lane_submit(l, c, &wake) == EC_OK) {
		lane_wake(wake);	/* rare: under the mutex will do */
		l->probing = true;
		atomic_fetch_sub(&c->refs, 1);	/* nobody is the caller */
		return;
	}
	/* Not the last reference of the drive: the lane has one. */
	lane_call_put(c);
	lane_call_put(c);
}

/* Put the drives that were detached; releases and takes the mutex. */
static void
put_left(struct lane *l)
{
	struct lane_drive *ld;

	while ((ld = l->left) != NULL) {
		l->left = ld->next;
		pthread_mutex_unlock(&l->mutex);
		lane_drive_put(ld);
		pthread_mutex_lock(&l->mutex);
	}
}

static void
watch_wait(struct lane *l, bool busy)
{
	uint64_t now = clock_mono_us(), until = now + WATCH_MS * 1000;
	bool waiting = atomic_load(&l->state) == LANE_SUSPECT &&
	    !l->probing && l->drive->stuck == 0;

	if (!busy && !waiting) {
		l->watching = false;
		pthread_cond_wait(&l->watch, &l->mutex);
		return;
	}
	l->watching = true;
	if (waiting && (!busy || l->next_probe_us < until))
		until = l->next_probe_us;
	if (until > now)
		cond_wait_until(&l->watch, &l->mutex, until);
}

static void *
watch_main(void *arg)
{
	struct lane *l = arg;
	struct lane_queue failed = { NULL, NULL };
	bool busy;

	pthread_mutex_lock(&l->mutex);
	while (!l->closing) {
		put_left(l);
		busy = find_stuck(l, &failed) > 0;
		if (failed.first != NULL) {
			pthread_mutex_unlock(&l->mutex);
			lane_finish_all(&failed);
			pthread_mutex_lock(&l->mutex);
			continue;
		}
		if (atomic_load(&l->state) == LANE_SUSPECT && !l->probing &&
		    l->drive->stuck == 0 &&
		    clock_mono_us() >= l->next_probe_us)
			probe_start(l);
		watch_wait(l, busy);
	}
	put_left(l);
	l->watching = true;	/* no more signals to it */
	pthread_cond_signal(&l->ended);
	lane_unref(l);
	return NULL;
}

static enum err
lane_drive_new(struct lane_drive **out, struct drive *d)
{
	if ((*out = calloc(1, sizeof **out)) == NULL)
		return EC_ENOMEM;
	(*out)->d = d;
	atomic_init(&(*out)->refs, 1);
	return EC_OK;
}

enum err
lane_new(struct lane **out, struct drive *d, const char *name)
{
	struct lane *l = calloc(1, sizeof *l);
	enum err e = EC_ENOMEM;

	if (l == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&l->mutex, NULL);
	cond_init(&l->work);
	cond_init(&l->append_work);
	cond_init(&l->watch);
	cond_init(&l->ended);
	l->refs = 1;
	atomic_init(&l->state, d != NULL ? LANE_ONLINE : LANE_ABSENT);
	atomic_init(&l->why, d != NULL ? EC_OK : EC_EOFFLINE);
	atomic_init(&l->since_us, d != NULL ? 0 : clock_real_us());
	atomic_init(&l->local, d != NULL && d->local);
	pthread_mutex_lock(&l->mutex);
	if ((l->name = strdup(name)) == NULL ||
	    (d != NULL && lane_drive_new(&l->drive, d) != EC_OK))
		goto out;
	if (!lane_thread(l, watch_main, l)) {
		free(l->drive);
		goto out;
	}
	pthread_mutex_unlock(&l->mutex);
	*out = l;
	return EC_OK;
out:
	lane_unref(l);
	return e;
}

/* The appender is busy with a drive that has gone, or of the wrong kind for the
 * next one: then it ends by itself. */
static void
appender_leave(struct lane *l, bool freed)
{
	struct lane_worker *w = l->appender;

	if (w == NULL || (!w->guest && (freed || w->started_us == 0)))
		return;
	l->appender = NULL;
	w->retired = true;
	if (w->guest && !w->away)
		lane_worker_dismiss(w);
}

void
lane_free(struct lane *l)
{
	struct lane_queue failed = { NULL, NULL };
	struct lane_drive *ld;
	uint64_t until;

	if (l == NULL)
		return;
	until = clock_mono_us() + LANE_FREE_MS * UINT64_C(1000);
	pthread_mutex_lock(&l->mutex);
	l->closing = true;
	pthread_cond_broadcast(&l->work);
	pthread_cond_broadcast(&l->append_work);
	pthread_cond_signal(&l->watch);
	while (l->refs > 1 + l->stuck &&
	    cond_wait_until(&l->ended, &l->mutex, until) == 0)
		;
	if (l->refs > 1)
		log_warn("%s: left behind with a call that hangs", l->name);
	lane_fail_queued(l, EC_ECANCELED, &failed);
	appender_leave(l, true);
	ld = l->drive;
	l->drive = NULL;
	atomic_store(&l->state, LANE_ABSENT);
	lane_unref(l);
	lane_finish_all(&failed);
	lane_drive_put(ld);
}

enum err
lane_attach(struct lane *l, struct drive *d)
{
	struct lane_drive *ld;
	enum err e;

	if ((e = lane_drive_new(&ld, d)) != EC_OK)
		return e;
	pthread_mutex_lock(&l->mutex);
	if (l->drive != NULL) {
		pthread_mutex_unlock(&l->mutex);
		free(ld);
		return EC_EEXIST;
	}
	l->drive = ld;
	appender_leave(l, false);
	lane_mark_all(l);	/* before it is online */
	atomic_store(&l->local, d->local);
	atomic_store(&l->why, EC_OK);
	atomic_store(&l->since_us, 0);
	atomic_store(&l->state, LANE_ONLINE);
	l->mean_us = l->deviation_us = 0;
	l->commit_mean_us = l->commit_deviation_us = 0;
	pthread_mutex_unlock(&l->mutex);
	return EC_OK;
}

void
lane_detach(struct lane *l)
{
	struct lane_queue failed = { NULL, NULL };

	pthread_mutex_lock(&l->mutex);
	if (l->drive != NULL) {
		lane_fail_queued(l, EC_EOFFLINE, &failed);
		l->drive->next = l->left;
		l->left = l->drive;
		l->drive = NULL;
		atomic_store(&l->state, LANE_ABSENT);
		atomic_store(&l->why, EC_EOFFLINE);
		atomic_store(&l->since_us, clock_real_us());
		pthread_cond_signal(&l->watch);
	}
	pthread_mutex_unlock(&l->mutex);
	lane_finish_all(&failed);
}

enum lane_state
lane_state(const struct lane *l)
{
	return (enum lane_state)atomic_load(&l->state);
}

const char *
lane_name(const struct lane *l)
{
	return l->name;
}

bool
lane_local(const struct lane *l)
{
	return atomic_load(&l->local);
}

bool
lane_filling(const struct lane *l)
{
	return atomic_load(&l->filling);
}

void
lane_set_filling(struct lane *l, bool filling)
{
	atomic_store(&l->filling, filling);
}

uint64_t
lane_latency_us(const struct lane *l)
{
	return atomic_load(&l->latency_us);
}

uint64_t
lane_commit_us(const struct lane *l)
{
	return atomic_load(&l->commit_us);
}

enum err
lane_why(const struct lane *l, uint64_t *since_us)
{
	*since_us = atomic_load(&l->since_us);
	return (enum err)atomic_load(&l->why);
}

void
lane_counters(const struct lane *l, uint64_t *errors, uint64_t *corrupt)
{
	*errors = atomic_load(&l->errors);
	*corrupt = atomic_load(&l->corrupt);
}

void
lane_count_corrupt(struct lane *l)
{
	atomic_fetch_add(&l->corrupt, 1);
}
