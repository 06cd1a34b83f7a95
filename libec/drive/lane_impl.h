/* lane_impl: what the files of lane share; for lane*.c only.
 *
 * 1. No mutex is taken while another is held: the lane's guards its queues,
 *    series, workers and state; a gather's guards its counts.  Calls to finish
 *    are collected under the lane's and finished after it was released.
 * 2. A call is in exactly one place: its series' list, the queue of calls, the
 *    queue of appends, held by one worker, or done.
 * 3. A call is finished once, by whoever takes it from its place under the
 *    lane's mutex: its worker, or the watch when the worker is stuck.  The
 *    worker keeps a reference of its own, so what it works on stays valid.
 * 4. A call refers to the drive it was started for until it is freed, after
 *    its argument was dropped: a drive is closed only when nothing can still
 *    lead to it. */
#ifndef LANE_IMPL_H
#define LANE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "drive/lane.h"

/* A drive while anybody may use it. */
struct lane_drive {
	struct drive *d;
	atomic_uint refs;
	unsigned stuck;		/* workers hung in it; the lane's mutex */
	struct lane_drive *next;	/* in lane.left */
};
void lane_drive_put(struct lane_drive *ld);	/* the last one closes */

struct gather {
	atomic_uint refs;	/* the owner, each call not finished, a chain */
	atomic_bool begun;	/* a thread has come to the chain */
	pthread_mutex_t mutex;	/* guards all below */
	pthread_cond_t done;
	unsigned started, finished;
	unsigned want;		/* the waiter needs so many; 0: nobody waits */
};
void gather_put(struct gather *g);	/* a reference */

struct lane_call {
	atomic_uint refs;	/* the caller, the lane, its worker */
	atomic_bool done;	/* err and appends are final */
	bool always;		/* runs on a suspect lane, too */
	bool probe;
	bool quiet;		/* queued, and nobody was woken for it */
	enum err err;
	struct gather *g;
	struct lane_drive *drive;	/* NULL if there was none */
	struct lane_series *series;
	lane_run *run;
	lane_drop *drop;
	void *arg;
	struct drive_append *appends;	/* the records follow them */
	unsigned n;
	size_t bytes;
	struct lane_call *next;
};

/* A chain of calls, first in first out. */
struct lane_queue {
	struct lane_call *first, *last;
};
void lane_queue_push(struct lane_queue *q, struct lane_call *c);
struct lane_call *lane_queue_pop(struct lane_queue *q);

enum err lane_call_new(struct lane_call **out, struct gather *g, lane_run *run,
    lane_drop *drop, void *arg);
/* Results are in; tells the gather and puts the lane's reference. */
void lane_call_finish(struct lane_call *c, enum err e);
void lane_finish_all(struct lane_queue *q);	/* each with its err */
void lane_queue_fail(struct lane_queue *failed, struct lane_call *c,
    enum err e);

struct lane_series {
	atomic_uint refs;	/* the owner and each call */
	struct lane *lane;
	atomic_uint pending;
	/* The lane's mutex guards the rest. */
	struct lane_drive *drive;
	struct lane_queue waiting;
	bool active;		/* a call of it is queued or held */
	enum err err;		/* sticky */
};
void lane_series_put(struct lane_series *s);

struct lane_worker {
	struct lane *lane;
	struct lane_worker *next;	/* in lane.workers */
	bool appender;
	bool guest;		/* for one call of a chain, or a host's appends;
				 * not a thread */
	bool away;		/* a guest's appends are under way */
	bool retired;		/* the lane has given it up */
	bool stuck;		/* its calls were finished by the watch */
	uint64_t started_us;	/* of what it holds; 0: idle */
	unsigned held_count;
	bool shared;		/* its last batch was of several callers */
	struct lane_call *held[LANE_BATCH_MAX];
	struct drive_append *batch;	/* an appender's */
};

struct lane {
	pthread_mutex_t mutex;
	pthread_cond_t work;	/* calls queued, or closing */
	pthread_cond_t append_work;
	pthread_cond_t watch;	/* state changed, or work begins */
	pthread_cond_t ended;	/* a thread did */
	unsigned refs;		/* the owner and each thread */
	char *name;
	struct lane_drive *drive;	/* NULL: absent */
	struct lane_drive *left;	/* detached; the watch puts them */
	struct lane_queue calls, appends;
	struct lane_worker *workers;
	struct lane_worker *appender;
	unsigned threads, idle;	/* workers but appenders */
	unsigned queued;	/* in calls, but for the quiet ones */
	unsigned stuck;		/* of all workers */
	bool watching;		/* the watch looks at the clock */
	bool probing, closing;
	bool failed;		/* by itself: the probe writes, too */
	unsigned relapses;
	uint64_t next_probe_us, back_us;	/* back by a probe, last */
	uint64_t mean_us, deviation_us, commit_mean_us, commit_deviation_us;

	/* Written under the mutex, read without. */
	atomic_int state, why;
	atomic_bool local, filling;
	atomic_ullong mark[LANE_CLASSES];	/* lane_mark.c */
	atomic_ullong since_us, latency_us, commit_us, errors, corrupt;
};

/* All with the lane's mutex held; what fails is added to ${failed}. */
void lane_fail_queued(struct lane *l, enum err e, struct lane_queue *failed);
void lane_note(struct lane *l, const struct lane_drive *ld, enum err e,
    struct lane_queue *failed);
void lane_watch_begin(struct lane *l);
void lane_series_failed(struct lane_series *s, enum err e,
    struct lane_queue *failed);
/* Queue a call and see to it that a thread takes it: *${wake}, if not NULL, is
 * to be signaled when the mutex was released, so that whoever wakes up does not
 * find it held.  Errors: EC_EBUSY. */
enum err lane_submit(struct lane *l, struct lane_call *c,
    pthread_cond_t **wake);
void lane_submit_quiet(struct lane *l, struct lane_call *c);
/* ${letter} is what is to be sent, if its lane is not NULL. */
enum err lane_submit_append(struct lane *l, struct lane_call *c,
    struct lane_letter *letter);

/* What a worker does around a call or a batch on the drive: with the mutex
 * held; _end releases it for a moment. */
void lane_call_begin(struct lane_worker *w, struct lane_call *c);
void lane_call_end(struct lane_worker *w, enum err e);
unsigned lane_batch_begin(struct lane_worker *w);	/* records */
void lane_batch_end(struct lane_worker *w, unsigned n, enum err e);
bool lane_take_call(struct lane *l, const struct lane_call *c);
void lane_fail_appends(struct lane *l, enum err e, struct lane_queue *failed);
void lane_mark_begin(struct lane *l, const struct drive_append *a, unsigned n);
void lane_mark_end(struct lane *l, const struct drive_append *a, unsigned n);
void lane_mark_all(struct lane *l);	/* there is another drive */
void lane_wake(pthread_cond_t *wake);	/* NULL is fine */

/* lane_worker.c; with the mutex held.
 * A new one, a thread that runs ${start}, or with NULL a guest.  NULL: there is
 * none to be had. */
struct lane_worker *lane_worker_new(struct lane *l, void *(*start)(void *),
    bool appender);
void lane_worker_link(struct lane_worker *w);
void lane_worker_unlink(struct lane_worker *w);
/* Give ${w}, which has nothing in hand, up. */
void lane_worker_dismiss(struct lane_worker *w);
/* Its thread ends with this result; releases the mutex. */
void *lane_worker_leave(struct lane_worker *w);
/* Around what it does on the drive for the calls in its hand.  true: they are
 * still the worker's to finish. */
void lane_worker_begin(struct lane_worker *w);
bool lane_worker_end(struct lane_worker *w, enum err e,
    struct lane_queue *failed);
/* Wait for work; not 0: there was none for long. */
int lane_wait_idle(pthread_cond_t *cond, pthread_mutex_t *mutex);
/* Jacobson's estimate, as in RFC 6298, of a mean and a mean deviation: what is
 * not exceeded as a rule. */
uint64_t lane_learn(uint64_t *mean, uint64_t *deviation, uint64_t took);

/* Of chains; without the mutex.  Start a task without waking anybody: true when
 * it is queued; then the lane is held, until lane_run_guest or lane_give_back,
 * and so is the call once more.  false: it is done, or there is none. */
bool lane_start_quiet(struct lane *l, struct gather *g, struct lane_task *t);
/* Run it if it is still queued, put it, and then give the lane back: the drive
 * is not closed, nor what the call holds given back, after lane_free. */
void lane_run_guest(struct lane *l, struct lane_call *c);
void lane_give_back(struct lane *l);
/* Put one into a post; what is held is given back when it is done. */
void lane_post_query(struct lane_post *p, const struct lane_task *t);
void lane_hurry(struct lane *l);	/* wake threads for what is quiet */

/* Something for a thread of no lane.  Those that may wait for another host have
 * threads of their own.  false: there is none for it, not now; with ${must}
 * only if another thread cannot be started. */
struct lane_errand {
	struct lane_errand *next;
	void (*run)(struct lane_errand *e);	/* frees it */
};
bool lane_errand_start(struct lane_errand *e, bool far, bool must);

bool lane_thread(struct lane *l, void *(*main)(void *), void *arg);
void lane_unref(struct lane *l);	/* releases the mutex */

#endif
