/* The places of a lock_queue with a condition for each, under one mutex. */
#include "net/lock_table.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/lock_queue.h"

struct lock {
	struct lock_place place;	/* the first member */
	struct lock_table *table;
	pthread_cond_t changed;		/* it was granted */
};

struct lock_table {
	pthread_mutex_t lock;		/* guards all below, and their locks */
	pthread_condattr_t attr;
	struct lock_queue *queue;
	uint64_t tickets;
};

static void
tell(void *ctx, struct lock_place *p)
{
	(void)ctx;
	pthread_cond_signal(&((struct lock *)p)->changed);
}

enum err
lock_table_new(struct lock_table **out)
{
	struct lock_table *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return EC_ENOMEM;
	if (lock_queue_new(&t->queue, tell, NULL) != EC_OK) {
		free(t);
		return EC_ENOMEM;
	}
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&t->attr);
	pthread_condattr_setclock(&t->attr, CLOCK_MONOTONIC);
	*out = t;
	return EC_OK;
}

void
lock_table_free(struct lock_table *t)
{
	if (t == NULL)
		return;
	lock_queue_free(t->queue);
	pthread_condattr_destroy(&t->attr);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void
lock_free(struct lock *l)
{
	pthread_cond_destroy(&l->changed);
	free(l);
}

enum err
lock_table_take(struct lock_table *t, const char *name, bool write,
    unsigned timeout_ms, struct lock **out)
{
	uint64_t until_us = clock_mono_us() + timeout_ms * 1000ull;
	struct timespec until = { (time_t)(until_us / 1000000),
	    (long)(until_us % 1000000) * 1000 };
	struct lock *l;
	enum err e;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return EC_ENOMEM;
	l->table = t;
	l->place.write = write;
	pthread_cond_init(&l->changed, &t->attr);
	pthread_mutex_lock(&t->lock);
	l->place.ticket = ++t->tickets;
	if ((e = lock_queue_enter(t->queue, name, &l->place, false)) != EC_OK)
		goto out;
	while (!l->place.granted &&
	    pthread_cond_timedwait(&l->changed, &t->lock, &until) == 0)
		;
	if (l->place.granted) {
		*out = l;
		l = NULL;
	} else {
		lock_queue_leave(t->queue, &l->place);
		e = EC_ETIMEDOUT;
	}
out:
	pthread_mutex_unlock(&t->lock);
	if (l != NULL)
		lock_free(l);
	return e;
}

void
lock_table_release(struct lock *l)
{
	struct lock_table *t;

	if (l == NULL)
		return;
	t = l->table;
	pthread_mutex_lock(&t->lock);
	lock_queue_leave(t->queue, &l->place);
	pthread_mutex_unlock(&t->lock);
	lock_free(l);
}
