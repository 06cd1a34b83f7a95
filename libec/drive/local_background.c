/* local_background: the thread of a drive that brings its index up to the
 * journal, and the index's log into its file. */
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "drive/local_impl.h"

enum {
	CHECKPOINT_PAGES = 2000,	/* of 4 KiB: 8 MiB */
	CHECKPOINT_PAGES_FULL = 100,
	PENDING_KEYS = 4096,		/* and then at once */
	PENDING_BYTES = 16 * 1024 * 1024,	/* of the journal */
	PENDING_KEY_BYTES = 16 * 1024,	/* of a segment, for one: a small drive
					 * has little room to spare for a log */
	SOON_MS = 1000,
};

/* In the background first; then, if more came in meanwhile, the little that is
 * left with writers waiting, or the log would never begin anew. */
static void
checkpoint(struct local *l)
{
	if (index_checkpoint(l->index, false) != EC_OK ||
	    index_backlog(l->index) < CHECKPOINT_PAGES)
		return;
	pthread_mutex_lock(&l->apply);
	index_checkpoint(l->index, false);
	pthread_mutex_unlock(&l->apply);
}

void
local_checkpoint_full(struct local *l)
{
	pthread_mutex_lock(&l->apply);
	index_checkpoint(l->index, true);
	pthread_mutex_unlock(&l->apply);
}

/* Wait until something is to be done, with the lock held. */
static void
wait_for_work(struct local *l)
{
	uint64_t until;
	struct timespec ts;

	while (!l->closing && !l->checkpoint_due && !l->pending_due) {
		if (!l->pending_soon) {
			pthread_cond_wait(&l->wake, &l->background);
			continue;
		}
		until = clock_mono_us() + SOON_MS * 1000;
		ts = (struct timespec){ .tv_sec = (time_t)(until / 1000000),
			.tv_nsec = (long)(until % 1000000) * 1000 };
		if (pthread_cond_timedwait(&l->wake, &l->background, &ts) != 0)
			l->pending_due = true;
	}
}

static void *
background_main(void *arg)
{
	struct local *l = arg;
	bool pending;

	pthread_mutex_lock(&l->background);
	for (;;) {
		wait_for_work(l);
		if (l->closing)
			break;
		pending = l->pending_due;
		l->pending_due = l->pending_soon = l->checkpoint_due = false;
		pthread_mutex_unlock(&l->background);
		if (pending)
			local_settle(l);
		if (index_backlog(l->index) >= CHECKPOINT_PAGES)
			checkpoint(l);
		pthread_mutex_lock(&l->background);
	}
	pthread_mutex_unlock(&l->background);
	return NULL;
}

static void
start(struct local *l)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	l->started = pthread_create(&l->thread, NULL, background_main, l) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

unsigned
local_pressure(struct local *l, bool *any)
{
	uint64_t keys = num_min(PENDING_KEYS,
	    l->segment_bytes / PENDING_KEY_BYTES);
	uint64_t most;

	pthread_mutex_lock(&l->pending_mutex);
	*any = l->pending.count > 0;
	most = l->pending.count / keys;
	if (l->pending_bytes / PENDING_BYTES > most)
		most = l->pending_bytes / PENDING_BYTES;
	pthread_mutex_unlock(&l->pending_mutex);
	return (unsigned)most;
}

void
local_background_if_due(struct local *l)
{
	unsigned backlog = index_backlog(l->index), p;
	bool any, wake;

	p = local_pressure(l, &any);
	if (p >= 2)
		local_settle(l);
	if (backlog >= CHECKPOINT_PAGES_FULL && backlog < CHECKPOINT_PAGES &&
	    shards_full(&l->shards, 0)) {
		local_checkpoint_full(l);
		return;
	}
	if (!any && backlog < CHECKPOINT_PAGES)
		return;
	pthread_mutex_lock(&l->background);
	wake = (p > 0 && !l->pending_due) || (any && !l->pending_soon) ||
	    (backlog >= CHECKPOINT_PAGES && !l->checkpoint_due);
	l->pending_due |= p > 0;
	l->pending_soon |= any;
	l->checkpoint_due |= backlog >= CHECKPOINT_PAGES;
	if (!l->started)
		start(l);
	else if (wake)
		pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->background);
}

void
local_background_stop(struct local *l)
{
	pthread_mutex_lock(&l->background);
	l->closing = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->background);
	if (l->started)
		pthread_join(l->thread, NULL);
}
