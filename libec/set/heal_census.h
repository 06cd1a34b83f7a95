/* heal_census: the states of one thing (a key, a part of an upload, a bucket)
 * over the drives of a set, and what is to become of each.
 *
 * The rule is resolve.h's; from it follow
 *	live		decided: every drive should have it
 *	superseded	hidden by a newer state: to be purged
 *	failed		void: a write that never reached its quorum; to be
 *			purged when it is too old to be under way
 *	undecided	drives that did not answer could make it live */
#ifndef HEAL_CENSUS_H
#define HEAL_CENSUS_H

#include "set/ask.h"
#include "set/heal.h"
#include "set/resolve.h"

enum heal_fate { HEAL_LIVE, HEAL_SUPERSEDED, HEAL_FAILED, HEAL_UNDECIDED };

struct heal_version {	/* all records of one stamp */
	const struct record *best;	/* of what most copies agree on */
	const struct record *on[SET_DRIVES_MAX];	/* whatever it says */
	unsigned copies;		/* that agree with best */
	enum heal_fate fate;
};

struct heal_census {
	unsigned drives, silent;
	bool answered[SET_DRIVES_MAX];
	struct resolve resolve;
	struct heal_version *versions;	/* newest first */
	unsigned version_count;
};
#define HEAL_CENSUS_INIT { .resolve = RESOLVE_INIT }

/* Put a question to all drives and wait for all, at most SET_WAIT_MS.  ${a} is
 * ASK_INIT and to be released in any case.  Errors: EC_ENOMEM. */
enum err heal_ask(struct ask *a, struct set *s, const struct drive_query *q);

/* Judge what the drives gave, which outlives the census.  May be called again
 * with another thing's.  Errors: EC_ENOMEM. */
enum err heal_census_judge(struct heal_census *c,
    const struct resolve_input in[], unsigned drives);
void heal_census_release(struct heal_census *c);

/* Whether drive ${i} has the record of ${v} as it should be: it agrees
 * with best and has the index of its place. */
bool heal_version_recorded(const struct heal_version *v, unsigned i,
    unsigned drives);

/* A write that failed looks like one that is under way, until it is old. */
bool heal_may_be_under_way(const struct stamp *s);

/* Heal (or with HEAL_DRY look at) one state that is not superseded.  A write
 * that failed gives EC_OK and is neither lost nor undecided in ${r}.  ${born}
 * may be shared by the calls for one thing.  Results as heal_key (heal.h). */
struct heal_born;
enum err heal_any(struct set *s, const struct heal_census *c,
    const struct heal_version *v, unsigned flags,
    const struct heal_watch *watch, struct heal_born *born,
    struct heal_report *r);

/* Whether heal_census_key has anything to purge now: what was superseded, a
 * write that failed long ago, a tombstone that has done its work. */
bool heal_census_purges(const struct heal_census *c);

/* Heal (or with HEAL_DRY look at) what was judged: heal_key (heal.h) without
 * asking. */
enum err heal_census_key(struct set *s, const struct heal_census *c,
    const struct stamp *version, unsigned flags,
    const struct heal_watch *watch);

#endif
