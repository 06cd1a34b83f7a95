/* Invariants, outside of calls:
 * 1. In a queue the granted places come first, and they are one writer or any
 *    number of readers.
 * 2. Those that wait are sorted, and the first of them does not share with the
 *    granted ones.
 * 3. A name has at least one place. */
#include "net/lock_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BUCKETS_MIN = 256 };

TAILQ_HEAD(places, lock_place);

struct lock_name {
	struct lock_name *next;
	struct places places;
	struct lock_place *waiting;	/* the first that does */
	uint32_t hash;
	char text[];
};

struct lock_queue {
	void (*granted)(void *ctx, struct lock_place *p);
	void *ctx;
	struct lock_name **buckets;
	size_t bucket_count;		/* a power of two */
	size_t names;
};

enum err
lock_queue_new(struct lock_queue **out,
    void (*granted)(void *ctx, struct lock_place *p), void *ctx)
{
	struct lock_queue *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return EC_ENOMEM;
	if ((q->buckets = mem_array(BUCKETS_MIN, sizeof(*q->buckets))) ==
	    NULL) {
		free(q);
		return EC_ENOMEM;
	}
	q->bucket_count = BUCKETS_MIN;
	q->granted = granted;
	q->ctx = ctx;
	*out = q;
	return EC_OK;
}

void
lock_queue_free(struct lock_queue *q)
{
	if (q == NULL)
		return;
	free(q->buckets);
	free(q);
}

uint32_t
lock_name_hash(const char *name)
{
	uint32_t h = 2166136261u;	/* FNV-1a, and its halves mixed */

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h ^ h >> 15;
}

static struct lock_name **
bucket_of(struct lock_queue *q, uint32_t hash)
{
	return &q->buckets[hash & (q->bucket_count - 1)];
}

/* Without memory the chains just grow longer. */
static void
grow(struct lock_queue *q)
{
	struct lock_name **old = q->buckets, **new, *n;
	size_t count = q->bucket_count;

	if (q->names < count ||
	    (new = mem_array(count * 2, sizeof(*new))) == NULL)
		return;
	q->buckets = new;
	q->bucket_count = count * 2;
	for (size_t i = 0; i < count; i++)
		while ((n = old[i]) != NULL) {
			old[i] = n->next;
			n->next = *bucket_of(q, n->hash);
			*bucket_of(q, n->hash) = n;
		}
	free(old);
}

static struct lock_name *
find(struct lock_queue *q, const char *name, uint32_t hash)
{
	struct lock_name *n;

	for (n = *bucket_of(q, hash); n != NULL; n = n->next)
		if (n->hash == hash && strcmp(n->text, name) == 0)
			return n;
	return NULL;
}

struct lock_name *
lock_queue_find(struct lock_queue *q, const char *name)
{
	return find(q, name, lock_name_hash(name));
}

/* NULL without memory. */
static struct lock_name *
name_get(struct lock_queue *q, const char *name)
{
	uint32_t hash = lock_name_hash(name);
	struct lock_name *n = find(q, name, hash);
	size_t len;

	if (n != NULL)
		return n;
	len = strlen(name) + 1;
	if ((n = malloc(sizeof(*n) + len)) == NULL)
		return NULL;
	grow(q);
	memcpy(n->text, name, len);
	TAILQ_INIT(&n->places);
	n->waiting = NULL;
	n->hash = hash;
	n->next = *bucket_of(q, hash);
	*bucket_of(q, hash) = n;
	q->names++;
	return n;
}

static void
drop_if_unused(struct lock_queue *q, struct lock_name *n)
{
	struct lock_name **p = bucket_of(q, n->hash);

	if (!TAILQ_EMPTY(&n->places))
		return;
	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	q->names--;
	free(n);
}

bool
lock_place_before(const struct lock_place *a, const struct lock_place *b)
{
	if (a->ticket != b->ticket)
		return a->ticket < b->ticket;
	return memcmp(a->id.b, b->id.b, sizeof(a->id.b)) < 0;
}

/* May ${p} be granted beside those that are? */
static bool
shares(const struct lock_name *n, const struct lock_place *p)
{
	const struct lock_place *first = TAILQ_FIRST(&n->places);

	return first == NULL || !first->granted ||
	    (!first->write && !p->write);
}

static void
set_granted(struct lock_queue *q, struct lock_place *p)
{
	p->granted = true;
	if (q->granted != NULL)
		q->granted(q->ctx, p);
}

static void
grant(struct lock_queue *q, struct lock_name *n)
{
	struct lock_place *p;

	while ((p = n->waiting) != NULL && shares(n, p)) {
		n->waiting = TAILQ_NEXT(p, link);
		set_granted(q, p);
	}
}

/* Newcomers are mostly last, so look from the end. */
static void
insert_waiting(struct lock_name *n, struct lock_place *p)
{
	struct lock_place *before = TAILQ_LAST(&n->places, places);

	while (before != NULL && !before->granted &&
	    lock_place_before(p, before))
		before = TAILQ_PREV(before, places, link);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&n->places, p, link);
	else
		TAILQ_INSERT_AFTER(&n->places, before, p, link);
	if (before == NULL || before->granted)
		n->waiting = p;
	p->granted = false;
}

static void
take_out(struct lock_name *n, struct lock_place *p)
{
	if (n->waiting == p)
		n->waiting = TAILQ_NEXT(p, link);
	TAILQ_REMOVE(&n->places, p, link);
}

enum err
lock_queue_enter(struct lock_queue *q, const char *name,
    struct lock_place *p, bool restore)
{
	struct lock_name *n;

	if ((n = name_get(q, name)) == NULL)
		return EC_ENOMEM;
	p->name = n;
	if (!restore) {
		insert_waiting(n, p);
		grant(q, n);
		return EC_OK;
	}
	if (!shares(n, p))
		return EC_EEXIST;	/* so somebody else is there */
	TAILQ_INSERT_HEAD(&n->places, p, link);
	set_granted(q, p);
	return EC_OK;
}

void
lock_queue_move(struct lock_queue *q, struct lock_place *p, uint64_t ticket,
    bool yield)
{
	struct lock_name *n = p->name;

	p->ticket = ticket;
	if (p->granted && (!yield || n->waiting == NULL ||
	    lock_place_before(p, n->waiting)))
		return;
	take_out(n, p);
	insert_waiting(n, p);
	grant(q, n);
}

void
lock_queue_leave(struct lock_queue *q, struct lock_place *p)
{
	struct lock_name *n = p->name;

	take_out(n, p);
	p->name = NULL;
	p->granted = false;
	grant(q, n);
	drop_if_unused(q, n);
}

const char *
lock_name_text(const struct lock_name *n)
{
	return n->text;
}

struct lock_place *
lock_name_first(const struct lock_name *n)
{
	return TAILQ_FIRST(&n->places);
}

struct lock_place *
lock_name_next(const struct lock_place *p)
{
	return TAILQ_NEXT(p, link);
}

struct lock_place *
lock_name_waiting(const struct lock_name *n)
{
	return n->waiting;
}

void
lock_queue_walk(const struct lock_queue *q,
    void (*each)(void *ctx, struct lock_name *n), void *ctx)
{
	for (size_t i = 0; i < q->bucket_count; i++)
		for (struct lock_name *n = q->buckets[i]; n != NULL;
		    n = n->next)
			each(ctx, n);
}
