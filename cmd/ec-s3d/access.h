/* access: may someone do something?  The evaluation of AWS over policies of
 * identities, sessions and buckets, access control lists, public access
 * blocks and ownership.  Pure: what it is asked about was read before.
 *
 * In this order: an explicit Deny anywhere ends it.  A session's or service
 * account's policy must allow.  Then one of these suffices: root; a policy of
 * the user or of his groups; the bucket's policy; the access control list, for
 * the actions that lists know, unless the bucket's ownership has disabled it;
 * being the owner of the bucket or object, for all others.
 *
 * There is one account.  A user owns what he makes, sees nothing else that is
 * not granted, and is to his own things what an account's root is to it at AWS.
 * Of what members make root is the owner. */
#ifndef ACCESS_H
#define ACCESS_H

#include "action.h"
#include "policy.h"
#include "set/bucket.h"

enum { ACCESS_WHY_BYTES = 256, ACCESS_RESOURCE_BYTES = 1200 };

enum access_ownership {
	OWNERSHIP_NONE,			/* not configured: lists count */
	OWNERSHIP_WRITER, OWNERSHIP_PREFERRED,
	OWNERSHIP_ENFORCED,		/* lists do not count */
};

enum {	/* of a public access block */
	BLOCK_PUBLIC_ACLS = 1, IGNORE_PUBLIC_ACLS = 2, BLOCK_PUBLIC_POLICY = 4,
	RESTRICT_PUBLIC_BUCKETS = 8,
};

/* The names of what a bucket's record holds. */
#define ACCESS_OWNER "owner"
#define ACCESS_ACL "acl"
#define ACCESS_POLICY "policy"
#define ACCESS_OWNERSHIP "ownership"
#define ACCESS_BLOCK "public-access-block"
/* The same of objects and uploads; see meta.h on the dot. */
#define ACCESS_OBJECT_OWNER RECORD_META_OWNER
#define ACCESS_OBJECT_ACL ".acl"

struct access_bucket {
	struct acl acl;			/* with the owner */
	struct policy *policy;		/* NULL: none */
	enum access_ownership ownership;
	unsigned block;
	bool damaged;			/* something cannot be read: nobody but
					 * root gets in */
};

/* From a bucket's metadata; release it in every case.  ${root_id} owns what
 * has no owner. */
void access_bucket_load(struct access_bucket *out, const struct bucket *b,
    const char *root_id);
void access_bucket_release(struct access_bucket *b);

/* The list of an object from its metadata.  Where ownership is enforced, and
 * for an object that has no owner, it is the bucket owner's. */
enum err access_object_acl(struct acl *out, const struct buf *meta,
    const struct access_bucket *b);

/* "BucketOwnerEnforced" and so on; NULL, OWNERSHIP_NONE: none. */
const char *access_ownership_name(enum access_ownership o);
enum access_ownership access_ownership_parse(const char *name, size_t len);

struct access {
	const struct action *action;
	bool versioned;
	const struct iam_user *user;	/* NULL: anonymous */
	const struct policy *session[2];	/* NULL: none */
	const char *bucket, *key;	/* NULL: none */
	const struct access_bucket *of;	/* NULL: no bucket is concerned */
	/* The list of the object; NULL: there is no such object. */
	const struct acl *(*object)(void *ctx);
	policy_value *value;		/* condition keys */
	void *ctx;			/* of both */
};

enum access_answer {
	ACCESS_DENIED,
	ACCESS_ALLOWED,
	ACCESS_ABSENT,	/* no such object to have a list: whoever may list may
			 * know that, others not */
};

/* ${why} takes a sentence. */
enum access_answer access_judge(const struct access *a,
    char why[ACCESS_WHY_BYTES]);

/* Does a policy explicitly deny ${action}? */
bool access_denies(const struct access *a, const char *action);

#endif
