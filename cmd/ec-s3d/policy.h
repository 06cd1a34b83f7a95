/* policy: the policy language of IAM: documents in JSON, and what they say of
 * a request.  Pure.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies.html:
 * Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource,
 * each with * and ?, Condition with all operators, IfExists, ForAllValues,
 * ForAnyValue, and variables (Version 2012-10-17). */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
	POLICY_BYTES_MAX = 20 * 1024,
	POLICY_WHY_BYTES = 160,
};
#define POLICY_ACCOUNT "000000000000"	/* of ARNs: there is one account */

enum policy_kind {
	POLICY_OF_BUCKET,	/* says of whom (Principal), of one bucket */
	POLICY_OF_IDENTITY,	/* belongs to someone, names no Principal */
};
enum policy_effect { POLICY_NONE, POLICY_ALLOW, POLICY_DENY };

/* Value ${i} (0, 1, ...) of a condition key, whose name has no case but for
 * tag keys behind a slash; NULL when there is no such value.  It stays as it is
 * while the policy is evaluated. */
typedef const char *policy_value(void *ctx, const char *key, unsigned i);

struct policy_request {
	const char *action;	/* "s3:GetObject" */
	const char *resource;	/* "arn:aws:s3:::bucket/key" */
	/* Who asks, for Principal; all NULL: nobody known. */
	const char *user;	/* name */
	const char *id;		/* canonical user id */
	bool root;
	policy_value *value;	/* for Condition and variables */
	void *ctx;
};

struct policy;	/* immutable; any number of threads */

/* Parse a document.  ${bucket} (of a bucket's policy): the one it must speak
 * of.  ${why} takes a sentence when it is refused.  policy_free *${out}.
 * Errors: EC_EINVAL (malformed), EC_ELIMIT (longer than POLICY_BYTES_MAX),
 * EC_ENOMEM. */
enum err policy_parse(struct policy **out, enum policy_kind kind,
    const char *bucket, const char *text, size_t len,
    char why[POLICY_WHY_BYTES]);
void policy_free(struct policy *p);

/* What the policy says: POLICY_DENY before POLICY_ALLOW before POLICY_NONE.
 * *${which} (or NULL) is the statement that decided, from 0. */
enum policy_effect policy_evaluate(const struct policy *p,
    const struct policy_request *rq, unsigned *which);

/* Does it allow something to everybody?  As AWS defines "public". */
bool policy_is_public(const struct policy *p);

#endif
