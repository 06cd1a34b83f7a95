/* policy_post: what the signed policy of a browser's form allows. */
#ifndef POLICY_POST_H
#define POLICY_POST_H

#include "form.h"

struct policy_post {
	uint64_t min, max;	/* bytes of the file */
	char why[256];		/* an error's reason, or "" */
};

/* Check the form, with ${bucket} as one field more, against the policy, whose
 * ${len} bytes of JSON are given.  Errors: S3_INVALID_POLICY, S3_ACCESS_DENIED
 * (expired, a condition that does not hold, a field that none mentions). */
enum s3_error policy_post_check(struct policy_post *out, const char *json,
    size_t len, const struct form *f, const char *bucket, int64_t now_s);

#endif
