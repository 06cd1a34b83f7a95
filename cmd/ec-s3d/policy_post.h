/* policy_post: what the signed policy of a browser's form allows. */
#ifndef POLICY_POST_H
#define POLICY_POST_H

#include "form.h"

struct policy_post {
	uint64_t min, max;	/* bytes of the file */
	char why[256];		/* an error's reason, or "" */
};
#define POLICY_POST_INIT { .max = UINT64_MAX }

/* Check the form, with ${bucket} as one field more and ${key} as what its key
 * has become, against the policy, whose ${len} bytes of JSON are given.
 * Errors: S3_INVALID_POLICY, S3_ACCESS_DENIED (expired, a condition that does
 * not hold, a field that none mentions, the bucket that none names). */
enum s3_error policy_post_check(struct policy_post *out, const char *json,
    size_t len, const struct form *f, const char *bucket, const char *key,
    int64_t now_s);

#endif
