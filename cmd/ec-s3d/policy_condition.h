/* policy_condition: the Condition element of policies.  Pure. */
#ifndef POLICY_CONDITION_H
#define POLICY_CONDITION_H

#include <jansson.h>

#include "policy.h"

/* Is it a block of known operators over strings?  ${why} says what is wrong.
 * Errors: EC_EINVAL. */
enum err policy_condition_check(json_t *block,
    char why[POLICY_WHY_BYTES]);

/* Does it hold?  ${block} passed the check, or is NULL, which holds;
 * ${variables}: of a policy that has them. */
bool policy_condition_holds(json_t *block,
    const struct policy_request *rq, bool variables);

/* Does it confine who is meant to fixed addresses, accounts and the like, so
 * that what it guards is not public? */
bool policy_condition_confines(json_t *block);

#endif
