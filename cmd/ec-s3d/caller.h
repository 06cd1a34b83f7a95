/* caller: who makes a request: found out by its signature, then judged by
 * access.h for what it asks. */
#ifndef CALLER_H
#define CALLER_H

#include "access_cache.h"
#include "session.h"

struct call;
struct sigv4_secret;

enum {
	CALLER_FORM_MAX = 32 * 1024,
	CALLER_TEXT_BYTES = 192, CALLER_TEXTS = 4,
	CALLER_TAG_BYTES = 2048, CALLER_TAGS = 4,
};
#define CALLER_META_TAGS ".tagging"	/* of objects: a query string */

struct caller {
	struct iam *iam;		/* a reference; set by the server */
	const struct iam_user *user;	/* NULL: anonymous */
	const struct iam_key *key;	/* the access key, of a session its
					 * parent; NULL: anonymous */
	struct session session;
	bool has_session;
	const struct access_bucket *of;	/* of the bucket named, when needed */
	struct access_kept *kept;	/* holds it */
	struct acl *object;		/* of the object named, likewise */
	enum s3_error object_error;	/* why there is none */
	struct buf form;		/* the body of a request to STS */
	bool other;			/* another object is judged: the tags
					 * are its */
	char *tags;			/* of the object, a query string */
	char tag[CALLER_TAGS][CALLER_TAG_BYTES];	/* likewise */
	unsigned tags_used;
	char text[CALLER_TEXTS][CALLER_TEXT_BYTES];	/* condition values */
};

/* Find out who asks, by the one place that credentials are in; none is
 * anonymous.  Errors: as sigv4_verify, S3_INVALID_TOKEN, S3_EXPIRED_TOKEN. */
enum s3_error caller_authenticate(struct call *c);

/* The secret of an access key, with the token of its session or NULL: for
 * forms, which carry a signature of their own.  The caller is whose it is when
 * that holds.  False: not known, or not good. */
bool caller_by_key(struct call *c, const char *key_id, const char *token,
    struct sigv4_secret *out);
void caller_release(struct caller *who);

/* May they do what the route says?  Errors: S3_ACCESS_DENIED,
 * S3_NO_SUCH_BUCKET, those of the store. */
enum s3_error caller_authorize(struct call *c);

/* May they do ${operation} (a row of action.h) on a key of a bucket, for those
 * that a request names besides: sources of copies, keys of a bulk delete.
 * ${meta} (or NULL) of the object if it is at hand.  Errors: as above. */
enum s3_error caller_may(struct call *c, const char *operation,
    const char *bucket, const char *key, bool versioned,
    const struct buf *meta);

/* Does a policy say so of an action beside that of the route, by an Allow (not
 * by ownership alone): "s3:BypassGovernanceRetention"?  Owners may. */
bool caller_may_also(struct call *c, const char *action);

/* May they list the bucket, that is know what is not there? */
bool caller_may_list(struct call *c);

/* Whose what is made now is: canonical user id. */
const char *caller_owner_id(const struct call *c);

/* What access control lists and ownership say of the request's bucket; loaded
 * once.  Errors: S3_NO_SUCH_BUCKET, those of the store. */
enum s3_error caller_bucket(struct call *c, const struct access_bucket **out);

/* Is ${of} (NULL: anything) of the owner that a request expects, by canonical
 * id or account?  ${want} NULL: it expects none. */
bool caller_owner_expected(const char *want, const struct access_bucket *of);

/* The tags of the object named, as a query string; NULL: none. */
const char *caller_object_tags(struct call *c);

/* A condition key of the request (policy_value). */
const char *caller_value(void *ctx, const char *key, unsigned i);

#endif
