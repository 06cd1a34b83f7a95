/* filling: drives that took the place of others and are not filled yet.
 *
 * That such a drive lacks something says nothing: its predecessor may have had
 * it.  It is written in its format record, so that all processes know, and ends
 * when a heal of the whole set has left nothing to do. */
#ifndef FILLING_H
#define FILLING_H

#include "set/set.h"

struct filling {	/* which drives, by slot */
	bool is[SET_DRIVES_MAX];
	struct format format[SET_DRIVES_MAX];
};

/* Ask the drives; tells their lanes, and ${out} (may be NULL).  A drive that
 * does not answer in a second stays what it was.  Errors: EC_ENOMEM. */
enum err filling_look(struct set *s, struct filling *out);

/* Whether any lane is of such a drive: nobody is asked. */
bool filling_any(const struct set *s);

/* All of the set has been healed since ${was} was looked at: those drives, if
 * they are the same still, are filled. */
void filling_done(struct set *s, const struct filling *was);

#endif
