/* lane_chain: several calls at the price of one change of threads.
 *
 * 1. The calls wait in the queues of their lanes like others, but nobody is
 *    woken for them ("quiet"); whoever takes one from there runs it.
 * 2. Runners are threads of no lane: one that hangs in a drive takes nothing
 *    from other lanes but the rest of its chain, and for that lane_chain_wait
 *    wakes threads of those lanes. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "drive/lane_impl.h"

enum {
	RUNNERS_MAX = 32,
	IDLE_S = 10,
	STACK_BYTES = 1024 * 1024,
	HURRY_US = 1000,	/* what is not done by then goes in parallel */
};

struct chain {
	struct chain *next;
	unsigned n;
	struct lane *lane[LANE_CHAIN_MAX];	/* each with a reference */
	struct lane_call *call[LANE_CHAIN_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by it: */
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct chain *queue, **queue_end = &queue;
static unsigned runners, idle, queued;

static void
run_chain(struct chain *c)
{
	for (unsigned i = 0; i < c->n; i++)
		lane_run_guest(c->lane[i], c->call[i]);
	free(c);
}

static void *
runner_main(void *arg)
{
	struct timespec until;
	struct chain *c;
	int timed_out = 0;

	(void)arg;
	pthread_mutex_lock(&lock);
	while (queue != NULL || timed_out == 0) {
		if ((c = queue) != NULL) {
			if ((queue = c->next) == NULL)
				queue_end = &queue;
			queued--;
			pthread_mutex_unlock(&lock);
			run_chain(c);
			pthread_mutex_lock(&lock);
			timed_out = 0;
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += IDLE_S;
		idle++;
		timed_out = pthread_cond_timedwait(&work, &lock, &until);
		idle--;
	}
	runners--;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static bool
runner_start(void)
{
	bool good = thread_start(runner_main, NULL, STACK_BYTES);

	runners += good;
	return good;
}

/* See to it that a runner comes to it; one that hangs is no runner. */
static bool
hand_over(struct chain *c)
{
	bool good = true, wake = false;

	pthread_mutex_lock(&lock);
	if (queued < idle)
		wake = true;
	else if (runners < RUNNERS_MAX)
		good = runner_start();
	else
		good = queued < RUNNERS_MAX;
	if (good) {
		c->next = NULL;
		*queue_end = c;
		queue_end = &c->next;
		queued++;
	}
	pthread_mutex_unlock(&lock);
	if (wake)
		pthread_cond_signal(&work);
	return good;
}

static void
start_one(struct lane_task *t, struct gather *g)
{
	t->call = NULL;
	lane_start(t->lane, g, t->run, t->drop, t->arg, &t->call);
}

void
lane_chain_start(struct lane_task t[], unsigned n, struct gather *g)
{
	struct chain *c = n > 2 && n <= LANE_CHAIN_MAX ?
	    malloc(sizeof(*c)) : NULL;

	if (c != NULL)
		c->n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (t[i].lane == NULL)
			continue;
		if (c == NULL || !lane_local(t[i].lane)) {
			start_one(&t[i], g);
			continue;
		}
		if (!lane_start_quiet(t[i].lane, g, &t[i]))
			continue;
		c->lane[c->n] = t[i].lane;
		c->call[c->n++] = t[i].call;
	}
	if (c == NULL || (c->n > 0 && hand_over(c)))
		return;
	for (unsigned i = 0; i < c->n; i++) {
		lane_hurry(c->lane[i]);
		lane_call_put(c->call[i]);
		lane_give_back(c->lane[i]);
	}
	free(c);
}

unsigned
lane_chain_wait(const struct lane_task t[], unsigned n, struct gather *g,
    unsigned want, uint64_t deadline_us)
{
	uint64_t hurry = clock_mono_us() + HURRY_US;
	unsigned done;
	enum err e;

	if (hurry > deadline_us)
		hurry = deadline_us;
	if ((done = gather_wait(g, want, hurry)) >= want)
		return done;
	for (unsigned i = 0; i < n; i++)
		if (t[i].call != NULL && !lane_call_done(t[i].call, &e))
			lane_hurry(t[i].lane);
	return gather_wait(g, want, deadline_us);
}
