/* heal_born: since when each drive of a set is there.
 *
 * A state with too few copies is a write that failed, unless so many drives
 * that lack it are younger than it is that with their predecessors it may have
 * been acknowledged: then it is lost. */
#ifndef HEAL_BORN_H
#define HEAL_BORN_H

#include "set/heal_census.h"

struct heal_born {
	bool asked;
	bool known[SET_DRIVES_MAX];
	uint64_t us[SET_DRIVES_MAX];	/* real time; 0: from the beginning */
};

enum heal_failure {
	HEAL_NEVER_DONE,	/* the write failed */
	HEAL_GONE,		/* it may have been done, and is lost */
	HEAL_UNCLEAR,		/* a drive did not tell */
};

/* Ask the drives; who does not answer is not known.  Errors: EC_ENOMEM. */
enum err heal_born_ask(struct heal_born *b, struct set *s);

/* What became of ${v}, which is HEAL_FAILED with no drive silent.  Asks the
 * drives when ${b} is empty.  Errors: EC_ENOMEM. */
enum err heal_born_judge(struct heal_born *b, struct set *s,
    const struct heal_census *c, const struct heal_version *v,
    enum heal_failure *out);

#endif
