/* lane_batch: appends of many callers, flushed together. */
#include <sched.h>

#include "base/clock.h"
#include "drive/lane_impl.h"

enum { BATCH_BYTES_MAX = 16 * 1024 * 1024 };

void
lane_fail_appends(struct lane *l, enum err e, struct lane_queue *failed)
{
	struct lane_call *c;

	while ((c = lane_queue_pop(&l->appends)) != NULL)
		lane_queue_fail(failed, c, e);
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
	lane_worker_begin(w);
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
	if ((mine = lane_worker_end(w, e, &failed)))
		atomic_store(&l->commit_us, lane_learn(&l->commit_mean_us,
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
		timed_out = lane_wait_idle(&l->append_work, &l->mutex);
	}
	return lane_worker_leave(w);
}

enum err
lane_submit_append(struct lane *l, struct lane_call *c,
    struct lane_letter *letter)
{
	const void *host = c->drive->d->host;
	struct lane_worker *w = l->appender;
	bool fresh = w == NULL;

	if (fresh && (w = l->appender = lane_worker_new(l, host == NULL ?
	    appender_main : NULL, true)) == NULL)
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
