/* heal_lost: what a record on some drive tells of a version that nobody can
 * give back, because more drives were replaced than there is parity. */
#ifndef HEAL_LOST_H
#define HEAL_LOST_H

#include "set/set.h"

/* Of a key that readers do not find (${version} NULL), or a version of it
 * (get.h): was it acknowledged once, as far as any drive knows, and lost?
 * EC_ENOTFOUND: nothing tells so.  EC_ELOST: it was, or may have been, and
 * set_complaint says what is missing.  EC_EQUORUM: a drive did not tell.
 * Asks all drives, if one of them ever took the place of another.
 * Errors: EC_ENOMEM. */
enum err heal_lost(struct set *s, const char *bucket, const char *key,
    const struct stamp *version);

#endif
