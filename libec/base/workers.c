#include "base/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"

/* Of address space; libraries below (TLS, SQL, name service) need some. */
enum { STACK_BYTES = 1024 * 1024 };

struct job {
	struct job *next;
	void (*fn)(void *);
	void *arg;
};

struct workers {
	unsigned max;
	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t work;	/* a job was queued, or closing */
	struct job *first, **last;
	unsigned queued, idle;
	unsigned started;	/* threads[0 .. started) run */
	bool closing;
	pthread_t threads[];
};

enum err
workers_new(struct workers **out, unsigned max)
{
	struct workers *w;

	if (max == 0)
		return EC_EINVAL;
	w = mem_array(1, sizeof(*w) + (size_t)max * sizeof(w->threads[0]));
	if (w == NULL)
		return EC_ENOMEM;
	w->max = max;
	w->last = &w->first;
	if (pthread_mutex_init(&w->lock, NULL) != 0) {
		free(w);
		return EC_ENOMEM;
	}
	if (pthread_cond_init(&w->work, NULL) != 0) {
		pthread_mutex_destroy(&w->lock);
		free(w);
		return EC_ENOMEM;
	}
	*out = w;
	return EC_OK;
}

/* The next job; NULL when closing and all is done.  Lock held. */
static struct job *
take(struct workers *w)
{
	struct job *job;

	w->idle++;
	while (w->first == NULL && !w->closing)
		pthread_cond_wait(&w->work, &w->lock);
	w->idle--;
	if ((job = w->first) == NULL)
		return NULL;
	if ((w->first = job->next) == NULL)
		w->last = &w->first;
	w->queued--;
	return job;
}

static void *
worker(void *arg)
{
	struct workers *w = arg;
	struct job *job;

	pthread_mutex_lock(&w->lock);
	while ((job = take(w)) != NULL) {
		pthread_mutex_unlock(&w->lock);
		job->fn(job->arg);
		free(job);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* One thread more, with no signals.  Lock held. */
static bool
start(struct workers *w)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->threads[w->started], &attr, worker, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		w->started++;
	return rc == 0;
}

enum err
workers_submit(struct workers *w, void (*fn)(void *), void *arg)
{
	struct job *job;
	enum err e = EC_OK;

	if ((job = mem_array(1, sizeof(*job))) == NULL)
		return EC_ENOMEM;
	job->fn = fn;
	job->arg = arg;
	pthread_mutex_lock(&w->lock);
	if (w->queued >= w->idle && w->started < w->max && !start(w) &&
	    w->started == 0)
		e = EC_EBUSY;
	else {
		*w->last = job;
		w->last = &job->next;
		w->queued++;
		job = NULL;
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->lock);
	free(job);
	return e;
}

void
workers_free(struct workers *w)
{
	unsigned i;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	/* Jobs may submit jobs, and so start threads, until the last one ends;
	 * those of each thread are joined before the next is looked for. */
	for (i = 0;; i++) {
		pthread_mutex_lock(&w->lock);
		if (i == w->started) {
			pthread_mutex_unlock(&w->lock);
			break;
		}
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->threads[i], NULL);
	}
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
