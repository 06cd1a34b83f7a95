/* lane_worker: who has a lane's calls in hand: its threads, and guests. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "drive/lane_impl.h"

enum {
	IDLE_MS = 10000,	/* a thread without work ends */
	STACK_BYTES = 1024 * 1024,
};

bool
lane_thread(struct lane *l, void *(*start)(void *), void *arg)
{
	bool good = thread_start(start, arg, STACK_BYTES);

	if (good)
		l->refs++;
	return good;
}

uint64_t
lane_learn(uint64_t *mean, uint64_t *deviation, uint64_t took)
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

void
lane_worker_begin(struct lane_worker *w)
{
	for (unsigned i = 0; i < w->held_count; i++)
		atomic_fetch_add(&w->held[i]->refs, 1);
	w->started_us = clock_mono_us();
	lane_watch_begin(w->lane);
}

bool
lane_worker_end(struct lane_worker *w, enum err e, struct lane_queue *failed)
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

int
lane_wait_idle(pthread_cond_t *cond, pthread_mutex_t *mutex)
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

struct lane_worker *
lane_worker_new(struct lane *l, void *(*start)(void *), bool appender)
{
	struct lane_worker *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->lane = l;
	w->appender = appender;
	w->guest = start == NULL;
	if (appender && (w->batch = mem_array(LANE_BATCH_MAX,
	    sizeof *w->batch)) == NULL)
		goto fail;
	if (start != NULL && !lane_thread(l, start, w))
		goto fail;
	lane_worker_link(w);
	return w;
fail:
	worker_free(w);
	return NULL;
}

void
lane_worker_dismiss(struct lane_worker *w)
{
	lane_worker_unlink(w);
	worker_free(w);
}

void *
lane_worker_leave(struct lane_worker *w)
{
	struct lane *l = w->lane;

	lane_worker_dismiss(w);
	pthread_cond_signal(&l->ended);
	lane_unref(l);
	return NULL;
}
