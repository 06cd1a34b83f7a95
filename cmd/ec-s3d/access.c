#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "access.h"

static const char *const ownership_names[] = { NULL, "ObjectWriter",
	"BucketOwnerPreferred", "BucketOwnerEnforced" };

const char *
access_ownership_name(enum access_ownership o)
{
	return ownership_names[o];
}

enum access_ownership
access_ownership_parse(const char *name, size_t len)
{
	unsigned i;

	for (i = 1; i < sizeof(ownership_names) / sizeof(char *); i++)
		if (strlen(ownership_names[i]) == len &&
		    memcmp(ownership_names[i], name, len) == 0)
			return (enum access_ownership)i;
	return OWNERSHIP_NONE;
}

static const char *
value(const struct buf *meta, const char *name, size_t *len)
{
	return (const char *)record_meta_get(meta->data, meta->len, name, len);
}

static bool
owner_set(struct acl *a, const char *id, size_t len)
{
	if (len == 0 || len > IAM_ID_MAX)
		return false;
	memcpy(a->owner, id, len);
	a->owner[len] = '\0';
	return true;
}

static bool
load(struct access_bucket *out, const struct bucket *b)
{
	char why[POLICY_WHY_BYTES], owner[IAM_ID_MAX + 1];
	const char *v;
	size_t len;

	if ((v = value(&b->meta, ACCESS_OWNER, &len)) != NULL) {
		if (!owner_set(&out->acl, v, len))
			return false;
		strcpy(owner, out->acl.owner);
		acl_private(&out->acl, owner);
	}
	if ((v = value(&b->meta, ACCESS_ACL, &len)) != NULL &&
	    acl_parse(&out->acl, v, len) != EC_OK)
		return false;
	if ((v = value(&b->meta, ACCESS_OWNERSHIP, &len)) != NULL &&
	    (out->ownership = access_ownership_parse(v, len)) ==
	    OWNERSHIP_NONE)
		return false;
	if ((v = value(&b->meta, ACCESS_BLOCK, &len)) != NULL) {
		if (len != 1 || v[0] < 'a' || v[0] > 'p')
			return false;
		out->block = (unsigned)(v[0] - 'a');
	}
	return (v = value(&b->meta, ACCESS_POLICY, &len)) == NULL ||
	    policy_parse(&out->policy, POLICY_OF_BUCKET, b->name, v, len,
	    why) == EC_OK;
}

void
access_bucket_load(struct access_bucket *out, const struct bucket *b,
    const char *root_id)
{
	memset(out, 0, sizeof(*out));
	acl_private(&out->acl, root_id);
	out->damaged = !load(out, b);
}

void
access_bucket_release(struct access_bucket *b)
{
	policy_free(b->policy);
	b->policy = NULL;
}

enum err
access_object_acl(struct acl *out, const struct buf *meta,
    const struct access_bucket *b)
{
	struct acl own;
	const char *v;
	size_t len;

	acl_private(out, b->acl.owner);
	if (b->ownership == OWNERSHIP_ENFORCED)
		return EC_OK;
	if ((v = value(meta, ACCESS_OBJECT_OWNER, &len)) != NULL) {
		if (!owner_set(&own, v, len))
			return EC_EFORMAT;
		acl_private(out, own.owner);
	}
	if ((v = value(meta, ACCESS_OBJECT_ACL, &len)) != NULL)
		return acl_parse(out, v, len);
	return EC_OK;
}

__attribute__((format(printf, 3, 4))) static enum access_answer
say(char why[ACCESS_WHY_BYTES], enum access_answer answer, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, ACCESS_WHY_BYTES, fmt, ap);
	va_end(ap);
	return answer;
}

static void
question(const struct access *a, const char *action,
    struct policy_request *out, char resource[ACCESS_RESOURCE_BYTES])
{
	snprintf(resource, ACCESS_RESOURCE_BYTES, "arn:aws:s3:::%s%s%s",
	    a->bucket != NULL ? a->bucket : "*",
	    a->key != NULL ? "/" : "", a->key != NULL ? a->key : "");
	*out = (struct policy_request){ .action = action,
		.resource = resource, .value = a->value, .ctx = a->ctx };
	if (a->user != NULL) {
		out->user = a->user->name;
		out->id = a->user->id;
		out->root = a->user->root;
	}
}

static const char *
action_name(const struct access *a)
{
	return a->versioned && a->action->versioned != NULL ?
	    a->action->versioned : a->action->name;
}

static bool
is_owner(const struct access *a)
{
	return a->user != NULL && !a->user->member &&
	    strcmp(a->user->id, a->of->acl.owner) == 0;
}

/* Whom a bucket's policy cannot lock out of it. */
static bool
keeps_policy(const struct access *a, const char *action)
{
	static const char *const kept[] = { "s3:GetBucketPolicy",
		"s3:PutBucketPolicy", "s3:DeleteBucketPolicy" };
	unsigned i;

	if (a->user == NULL || a->session[0] != NULL ||
	    a->session[1] != NULL || (!a->user->root && !is_owner(a)))
		return false;
	for (i = 0; i < 3; i++)
		if (strcmp(action, kept[i]) == 0)
			return true;
	return false;
}

/* Policies of the user: ACCESS_ALLOWED, or ACCESS_DENIED with *${final} when
 * that is the end of it. */
static enum access_answer
judge_identity(const struct access *a, const struct policy_request *rq,
    bool *final, char why[ACCESS_WHY_BYTES])
{
	enum access_answer answer = ACCESS_DENIED;
	unsigned i, which = 0;

	*final = true;
	if (a->user != NULL && !a->user->enabled)
		return say(why, ACCESS_DENIED, "the user is disabled");
	for (i = 0; a->user != NULL && i < a->user->grant_count; i++) {
		const struct iam_grant *g = &a->user->grants[i];
		enum policy_effect effect = policy_evaluate(g->policy, rq,
		    &which);

		if (effect == POLICY_DENY)
			return say(why, ACCESS_DENIED, "%s denies it in "
			    "statement %u", g->from, which + 1);
		if (effect == POLICY_ALLOW && answer != ACCESS_ALLOWED)
			answer = say(why, ACCESS_ALLOWED, "%s allows it in "
			    "statement %u", g->from, which + 1);
	}
	for (i = 0; i < 2; i++)
		if (a->session[i] != NULL && policy_evaluate(a->session[i], rq,
		    NULL) != POLICY_ALLOW)
			return say(why, ACCESS_DENIED, "the policy of the "
			    "access key or session does not allow it");
	if (a->user != NULL && a->user->root && answer != ACCESS_ALLOWED)
		answer = say(why, ACCESS_ALLOWED, "root may do all");
	*final = false;
	return answer;
}

static enum access_answer
judge_bucket_policy(const struct access *a, const struct policy_request *rq,
    bool *final, char why[ACCESS_WHY_BYTES])
{
	enum policy_effect effect;
	unsigned which = 0;

	*final = false;
	if (a->of == NULL || a->of->policy == NULL)
		return ACCESS_DENIED;
	effect = policy_evaluate(a->of->policy, rq, &which);
	if (effect == POLICY_DENY && !keeps_policy(a, rq->action)) {
		*final = true;
		return say(why, ACCESS_DENIED, "the bucket's policy denies it "
		    "in statement %u", which + 1);
	}
	if (effect != POLICY_ALLOW)
		return ACCESS_DENIED;
	if ((a->of->block & RESTRICT_PUBLIC_BUCKETS) != 0 &&
	    policy_is_public(a->of->policy) && !is_owner(a))
		return say(why, ACCESS_DENIED, "RestrictPublicBuckets: the "
		    "bucket's policy is public and counts for its owner only");
	return say(why, ACCESS_ALLOWED, "the bucket's policy allows it in "
	    "statement %u", which + 1);
}

static enum access_answer
judge_list(const struct access *a, const struct acl *list,
    char why[ACCESS_WHY_BYTES])
{
	const char *id = a->user != NULL ? a->user->id : NULL;
	const char *what = acl_permission_name(a->action->permission);

	if (acl_permits(list, id, a->action->permission,
	    (a->of->block & IGNORE_PUBLIC_ACLS) != 0))
		return say(why, ACCESS_ALLOWED, "the access control list "
		    "grants %s", what);
	return say(why, ACCESS_DENIED, "no policy allows it and the access "
	    "control list does not grant %s", what);
}

static enum access_answer
judge_object(const struct access *a, char why[ACCESS_WHY_BYTES])
{
	const struct acl *list = a->object != NULL ? a->object(a->ctx) : NULL;

	if (list == NULL)
		return say(why, ACCESS_ABSENT, "there is no such object");
	if (a->action->by == ACTION_OBJECT_ACL)
		return judge_list(a, list, why);
	if (a->user != NULL && !a->user->member &&
	    strcmp(list->owner, a->user->id) == 0)
		return say(why, ACCESS_ALLOWED, "the user owns the object");
	return say(why, ACCESS_DENIED, "no policy allows it and the user does "
	    "not own the object");
}

/* Lists and ownership, when no policy has said anything. */
static enum access_answer
judge_owned(const struct access *a, char why[ACCESS_WHY_BYTES])
{
	bool enforced = a->of != NULL &&
	    a->of->ownership == OWNERSHIP_ENFORCED;

	if (a->action->by == ACTION_USER)
		return a->user != NULL && !a->user->member ?
		    say(why, ACCESS_ALLOWED, "every user may") :
		    say(why, ACCESS_DENIED, "no policy allows it");
	if (a->of == NULL || a->of->damaged)
		return say(why, ACCESS_DENIED, "no policy allows it");
	if (is_owner(a) && (enforced || a->action->by == ACTION_OWNER))
		return say(why, ACCESS_ALLOWED, "the user owns the bucket");
	if (enforced)
		return say(why, ACCESS_DENIED, "no policy allows it, and the "
		    "bucket's access control lists are disabled");
	if (a->action->by == ACTION_BUCKET_ACL) {
		if (a->versioned && a->action->versioned != NULL &&
		    !is_owner(a))
			return say(why, ACCESS_DENIED, "no policy allows it "
			    "and the user does not own the bucket");
		return judge_list(a, &a->of->acl, why);
	}
	if (a->action->by == ACTION_OBJECT_ACL || a->key != NULL)
		return judge_object(a, why);
	return say(why, ACCESS_DENIED, "no policy allows it and the user does "
	    "not own the bucket");
}

enum access_answer
access_judge(const struct access *a, char why[ACCESS_WHY_BYTES])
{
	char resource[ACCESS_RESOURCE_BYTES], other[ACCESS_WHY_BYTES];
	struct policy_request rq;
	enum access_answer answer, of_bucket;
	bool final;

	question(a, action_name(a), &rq, resource);
	answer = judge_identity(a, &rq, &final, why);
	if (final)
		return answer;
	if (a->of != NULL && a->of->damaged && (a->user == NULL ||
	    !a->user->root))
		return say(why, ACCESS_DENIED, "the bucket's settings cannot "
		    "be read");
	of_bucket = judge_bucket_policy(a, &rq, &final, answer ==
	    ACCESS_ALLOWED ? other : why);
	if (final)
		return say(why, ACCESS_DENIED, "the bucket's policy denies "
		    "it");
	if (answer == ACCESS_ALLOWED || of_bucket == ACCESS_ALLOWED)
		return ACCESS_ALLOWED;
	return judge_owned(a, why);
}

bool
access_denies(const struct access *a, const char *action)
{
	char resource[ACCESS_RESOURCE_BYTES];
	struct policy_request rq;
	unsigned i;

	question(a, action, &rq, resource);
	for (i = 0; a->user != NULL && i < a->user->grant_count; i++)
		if (policy_evaluate(a->user->grants[i].policy, &rq, NULL) ==
		    POLICY_DENY)
			return true;
	for (i = 0; i < 2; i++)
		if (a->session[i] != NULL && policy_evaluate(a->session[i],
		    &rq, NULL) == POLICY_DENY)
			return true;
	return a->of != NULL && a->of->policy != NULL &&
	    policy_evaluate(a->of->policy, &rq, NULL) == POLICY_DENY;
}
