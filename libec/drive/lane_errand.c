/* lane_errand: threads of no lane, for what concerns several.  Those that wait
 * for another host are not those that serve what memory answers. */
#include <time.h>

#include "base/thread.h"
#include "drive/lane_impl.h"

enum {
	RUNNERS_MAX = 32,
	IDLE_S = 10,
	STACK_BYTES = 1024 * 1024,
};

struct crew {
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t work;
	struct lane_errand *first, **last;
	unsigned runners, idle, queued;
};

static struct crew crews[2] = {
	{ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL,
	    &crews[0].first, 0, 0, 0 },
	{ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL,
	    &crews[1].first, 0, 0, 0 },
};

static void *
runner_main(void *arg)
{
	struct crew *c = arg;
	struct timespec until;
	struct lane_errand *e;
	int timed_out = 0;

	pthread_mutex_lock(&c->lock);
	while (c->first != NULL || timed_out == 0) {
		if ((e = c->first) != NULL) {
			if ((c->first = e->next) == NULL)
				c->last = &c->first;
			c->queued--;
			pthread_mutex_unlock(&c->lock);
			e->run(e);
			pthread_mutex_lock(&c->lock);
			timed_out = 0;
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += IDLE_S;
		c->idle++;
		timed_out = pthread_cond_timedwait(&c->work, &c->lock, &until);
		c->idle--;
	}
	c->runners--;
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static bool
runner_start(struct crew *c)
{
	bool good = thread_start(runner_main, c, STACK_BYTES);

	c->runners += good;
	return good;
}

/* See to it that a runner comes to it; one that hangs is no runner. */
bool
lane_errand_start(struct lane_errand *e, bool far, bool must)
{
	struct crew *c = &crews[far];
	bool good = true, wake = false;

	pthread_mutex_lock(&c->lock);
	if (c->queued < c->idle)
		wake = true;
	else if (c->runners < RUNNERS_MAX || must)
		good = runner_start(c);
	else
		good = c->queued < RUNNERS_MAX;
	if (good) {
		e->next = NULL;
		*c->last = e;
		c->last = &e->next;
		c->queued++;
	}
	pthread_mutex_unlock(&c->lock);
	if (wake)
		pthread_cond_signal(&c->work);
	return good;
}
