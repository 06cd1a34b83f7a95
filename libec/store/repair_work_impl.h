/* repair_work_impl: what the files of repair_work share; for repair_w*.c
 * only. */
#ifndef REPAIR_WORK_IMPL_H
#define REPAIR_WORK_IMPL_H

#include "set/heal_census.h"
#include "store/repair_work.h"

enum { REPAIR_TRIES = 600 };	/* of what another heal is at work on */

/* What a dry look at one key showed. */
struct repair_glance {
	struct repair_work *w;
	bool suspect, bare;	/* bare: one more drive and a version is lost */
	uint64_t versions, bytes;
};
struct heal_watch repair_glance_watch(struct repair_glance *g);

unsigned repair_flags(const struct repair_work *w);
bool repair_canceled(void *w);
/* Count it, and tell the caller. */
void repair_report(void *w, const struct heal_report *r);
/* Both of these. */
struct heal_watch repair_watch(struct repair_work *w);
/* Remains of a write that may be under way are no reason to worry. */
enum err repair_calm(enum err e);
/* Gives ${e} back, noted in w->other.  With w->lock held, or no job under
 * way. */
enum err repair_noted(struct repair_work *w, enum err e);
void repair_pause(void);

/* Heal a key by and by as its census says, which is taken over; repair_settle
 * is to be called before what it leads into is gone. */
enum err repair_submit_census(struct repair_work *w, struct set *s,
    const struct record *first, struct heal_census *c);

/* Heal a key, or an entry of the queue (${item} not NULL), by and by. */
enum err repair_submit(struct repair_work *w, struct set *s,
    const char *bucket, const char *key, const struct heal_item *item);
/* Compare what has a stamp since ${hlc} over all drives, heal what differs.
 * Errors: as repair_work_walk; EC_EDEGRADED, too, when a drive is silent. */
enum err repair_since(struct repair_work *w, struct set *s, uint64_t hlc);
/* Wait for all of it: the worst result since the last time. */
enum err repair_settle(struct repair_work *w);

#endif
