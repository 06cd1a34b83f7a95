/* All locks of one name stand in one queue in the order they were asked for,
 * granted ones in front.  After every change those at the front are granted
 * that may be: the first writer alone, or all readers before it.  So nobody
 * overtakes, and neither side starves. */
#include "net/lock_table.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"

enum { BUCKETS = 1024 };

struct lock {
	TAILQ_ENTRY(lock) link;
	struct entry *entry;
	bool write, granted;
	pthread_cond_t changed;		/* granted was set */
};

/* A name somebody holds or waits for. */
struct entry {
	struct entry *next;
	struct lock_table *table;
	TAILQ_HEAD(, lock) queue;
	char name[];
};

struct lock_table {
	pthread_mutex_t lock;		/* guards all below, and their locks */
	pthread_condattr_t attr;
	struct entry *buckets[BUCKETS];
};

enum err
lock_table_new(struct lock_table **out)
{
	struct lock_table *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return EC_ENOMEM;
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
	pthread_condattr_destroy(&t->attr);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct entry **
bucket_of(struct lock_table *t, const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return &t->buckets[(h ^ h >> 16) % BUCKETS];
}

/* The entry of ${name}, made when it is not there; NULL without memory. */
static struct entry *
entry_get(struct lock_table *t, const char *name)
{
	struct entry **head = bucket_of(t, name), *e;
	size_t len;

	for (e = *head; e != NULL; e = e->next)
		if (strcmp(e->name, name) == 0)
			return e;
	len = strlen(name) + 1;
	if ((e = malloc(sizeof(*e) + len)) == NULL)
		return NULL;
	memcpy(e->name, name, len);
	e->table = t;
	TAILQ_INIT(&e->queue);
	e->next = *head;
	*head = e;
	return e;
}

static void
entry_drop_if_unused(struct entry *e)
{
	struct entry **p;

	if (!TAILQ_EMPTY(&e->queue))
		return;
	for (p = bucket_of(e->table, e->name); *p != e; p = &(*p)->next)
		;
	*p = e->next;
	free(e);
}

static void
grant(struct entry *e)
{
	struct lock *l;

	TAILQ_FOREACH(l, &e->queue, link) {
		if (l->write && l != TAILQ_FIRST(&e->queue))
			return;
		if (!l->granted) {
			l->granted = true;
			pthread_cond_signal(&l->changed);
		}
		if (l->write)
			return;
	}
}

/* Called with the table's lock. */
static void
lock_remove(struct lock *l)
{
	struct entry *e = l->entry;

	TAILQ_REMOVE(&e->queue, l, link);
	grant(e);
	entry_drop_if_unused(e);
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
	enum err e = EC_OK;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return EC_ENOMEM;
	l->write = write;
	pthread_mutex_lock(&t->lock);
	if ((l->entry = entry_get(t, name)) == NULL) {
		pthread_mutex_unlock(&t->lock);
		free(l);
		return EC_ENOMEM;
	}
	pthread_cond_init(&l->changed, &t->attr);
	TAILQ_INSERT_TAIL(&l->entry->queue, l, link);
	grant(l->entry);
	while (!l->granted &&
	    pthread_cond_timedwait(&l->changed, &t->lock, &until) == 0)
		;
	if (!l->granted) {
		lock_remove(l);
		e = EC_ETIMEDOUT;
	} else {
		*out = l;
	}
	pthread_mutex_unlock(&t->lock);
	return e;
}

void
lock_table_release(struct lock *l)
{
	struct lock_table *t;

	if (l == NULL)
		return;
	t = l->entry->table;
	pthread_mutex_lock(&t->lock);
	lock_remove(l);
	pthread_mutex_unlock(&t->lock);
}
