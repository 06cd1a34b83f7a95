/* lock_queue: names, and for each the fair queue of those who hold or want it.
 *
 * Whoever is granted stands in front, the others behind in the order of their
 * tickets.  The first of these is granted as soon as it shares with all that
 * are granted, then the next: nobody overtakes, so neither readers nor writers
 * starve.  Pure: no threads, no time. */
#ifndef LOCK_QUEUE_H
#define LOCK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/uuid.h"

struct lock_queue;
struct lock_name;	/* a name that somebody holds or wants */

/* One who holds or wants a name; a part of the caller's own struct.  The
 * caller sets the first three; only the queue changes the others. */
struct lock_place {
	bool write;
	uint64_t ticket;	/* the lower one is first; with equal ones */
	struct uuid id;		/* the lower id */
	bool granted;
	struct lock_name *name;
	TAILQ_ENTRY(lock_place) link;
};

/* ${granted}, unless NULL, is told of each place that a call below grants, also
 * of the one it is called for.  Errors: EC_ENOMEM. */
enum err lock_queue_new(struct lock_queue **out,
    void (*granted)(void *ctx, struct lock_place *p), void *ctx);
void lock_queue_free(struct lock_queue *q);	/* nobody is in it */

/* Put ${p} into the queue of ${name}, granted if it may be.  With ${restore} it
 * is granted past those who wait, or EC_EEXIST if it does not share with those
 * that are granted.  Errors: EC_ENOMEM. */
enum err lock_queue_enter(struct lock_queue *q, const char *name,
    struct lock_place *p, bool restore);

/* Put ${p} at another ticket.  With ${yield} it gives up what it was granted
 * and waits, unless nobody is before it. */
void lock_queue_move(struct lock_queue *q, struct lock_place *p,
    uint64_t ticket, bool yield);

void lock_queue_leave(struct lock_queue *q, struct lock_place *p);

/* NULL when nobody holds or wants ${name}. */
struct lock_name *lock_queue_find(struct lock_queue *q, const char *name);
const char *lock_name_text(const struct lock_name *n);
uint32_t lock_name_hash(const char *name);

/* The places of a name, granted ones first; NULL after the last.  And the first
 * that waits. */
struct lock_place *lock_name_first(const struct lock_name *n);
struct lock_place *lock_name_next(const struct lock_place *p);
struct lock_place *lock_name_waiting(const struct lock_name *n);

/* Is ${a} before ${b}, by ticket and id? */
bool lock_place_before(const struct lock_place *a, const struct lock_place *b);

/* Call ${each} for every name; it must not change the queue. */
void lock_queue_walk(const struct lock_queue *q,
    void (*each)(void *ctx, struct lock_name *n), void *ctx);

#endif
