/* heal_version: one state of a key, on every drive of the set. */
#ifndef HEAL_VERSION_H
#define HEAL_VERSION_H

#include "set/heal.h"
#include "set/heal_census.h"

/* Look at live version ${v} of ${c}, and unless ${flags} has HEAL_DRY make it
 * whole on all drives that can be reached.  ${r} is filled in any case.
 * Errors: EC_OK (whole now; dry: is), EC_EDEGRADED (not, or not everywhere),
 * EC_ELOST, EC_ECANCELED, EC_EQUORUM (too many drives are away to rebuild it or
 * to tell), EC_EFORMAT (its geometry is not the set's), EC_ENOMEM. */
enum err heal_version(struct set *s, const struct heal_census *c,
    const struct heal_version *v, unsigned flags,
    const struct heal_watch *watch, struct heal_report *r);

/* The report of a version that cannot be judged; with ${lost}, of one of which
 * too few copies are left. */
void heal_version_left(struct set *s, const struct heal_census *c,
    const struct heal_version *v, bool lost, struct heal_report *r);

#endif
