/* policy_match: patterns of policies: * and ?, variables, ARNs.  Pure. */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include "base/buf.h"
#include "policy.h"

enum { POLICY_PATTERN_MAX = 64 * 1024 };	/* bytes, expanded */

/* Does ${text} match?  '*' is any run of bytes, '?' one, and POLICY_LITERAL
 * takes the byte behind it as it is. */
#define POLICY_LITERAL '\001'
bool policy_match(const char *pattern, const char *text, bool fold_case);

/* The same for ARNs, part by part between the first five colons, so that no
 * wildcard spans two of them. */
bool policy_match_arn(const char *pattern, const char *text);

/* Append ${pattern} with its variables ("${aws:username}", "${key, 'else'}",
 * "${*}") replaced.  What comes from the request is literal; with ${plain}
 * all of it is, so that POLICY_LITERAL is not written and the result compares
 * by bytes.  Errors: EC_ENOTFOUND (a variable without a value), EC_ELIMIT,
 * EC_ENOMEM. */
enum err policy_expand(struct buf *out, const char *pattern,
    const struct policy_request *rq, bool plain);

#endif
