/* explain: why a request would be allowed or denied, by what is stored now. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "access.h"
#include "store/store.h"

struct explain {
	const char *user;	/* name, access key, or "anonymous" */
	const char *operation;	/* "GetObject" */
	const char *target;	/* "bucket", "bucket/key" or "" */
	policy_value *value;	/* condition keys */
	void *ctx;
};

/* *${allowed}, and in ${why} what decides.  Errors, logged: EC_ENOTFOUND (no
 * such user), EC_EINVAL (no such operation), of the store. */
enum err explain(struct store *st, const struct iam *iam,
    const struct explain *what, bool *allowed, char why[ACCESS_WHY_BYTES]);

#endif
