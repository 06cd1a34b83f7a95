/* session: credentials for a time, as STS gives them.  Nothing is stored: the
 * token holds, sealed, whose they are, the secret, the end and a policy.  So it
 * is good on every node, and ends with the access key that asked for it. */
#ifndef SESSION_H
#define SESSION_H

#include "iam.h"
#include "s3_error.h"

enum {
	SESSION_TOKEN_MAX = 8192,	/* characters */
	SESSION_POLICY_MAX = 2048,
	SESSION_SECONDS_MIN = 900,
	SESSION_SECONDS_MAX = 12 * 3600,
	SESSION_SECONDS = 3600,
	SESSION_ID_BYTES = 21, SESSION_SECRET_BYTES = 41,
};

struct session {
	char id[SESSION_ID_BYTES];		/* access key id: ASIA... */
	char secret[SESSION_SECRET_BYTES];
	char parent[IAM_NAME_MAX + 1];		/* the key that asked for it */
	int64_t expires_s;
	struct policy *policy;			/* NULL: none */
};
void session_release(struct session *s);

/* Make credentials under ${parent} and their token, appended to ${out}.
 * ${policy} NULL: none.  Errors: EC_EINVAL (the policy; ${why}), EC_ENOMEM. */
enum err session_new(struct session *s, struct buf *token,
    const struct iam *iam, const char *parent, int64_t expires_s,
    const char *policy, char why[POLICY_WHY_BYTES]);

/* Errors: S3_INVALID_TOKEN, S3_SLOW_DOWN.  Whether it has expired is for the
 * caller to see. */
enum s3_error session_open(struct session *s, const struct iam *iam,
    const char *token);

/* ${n} random characters A-Z 2-7 and a NUL into ${out}. */
void session_random(char *out, size_t n);

#endif
