#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy.h"
#include "policy_condition.h"
#include "policy_match.h"

#define S3_ARN "arn:aws:s3:::"
#define IAM_ARN "arn:aws:iam::"

struct policy {
	json_t *root;		/* checked; never changed */
	json_t *statements;	/* of root: an object or an array of them */
	bool variables;		/* Version 2012-10-17 */
};

/* An element that may be one value or an array of them. */
static size_t
count(json_t *v)
{
	return v == NULL ? 0 : json_is_array(v) ? json_array_size(v) : 1;
}

static json_t *
item(json_t *v, size_t i)
{
	return json_is_array(v) ? json_array_get(v, i) : v;
}

static const char *
text(json_t *v, size_t i)
{
	return json_string_value(item(v, i));
}

static enum err
refuse(char why[POLICY_WHY_BYTES], const char *reason, const char *what)
{
	snprintf(why, POLICY_WHY_BYTES, "%s%.64s", reason, what);
	return EC_EINVAL;
}

/* Strings, at least one. */
static bool
is_texts(json_t *v)
{
	size_t i;

	for (i = 0; i < count(v); i++)
		if (text(v, i) == NULL || text(v, i)[0] == '\0')
			return false;
	return count(v) > 0;
}

/* "*" alone, or kinds of them: {"AWS": [...], "CanonicalUser": ...}. */
static bool
principal_good(json_t *v)
{
	static const char *const kinds[] = { "AWS", "CanonicalUser",
		"Federated", "Service" };
	const char *kind;
	json_t *who;
	size_t i;

	if (json_is_string(v))
		return strcmp(json_string_value(v), "*") == 0;
	if (!json_is_object(v) || json_object_size(v) == 0)
		return false;
	json_object_foreach(v, kind, who) {
		bool known = false;

		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			known = known || strcmp(kind, kinds[i]) == 0;
		if (!known || !is_texts(who))
			return false;
	}
	return true;
}

static bool
action_good(const char *action, enum policy_kind kind)
{
	if (strcmp(action, "*") == 0 || strncasecmp(action, "s3:", 3) == 0)
		return true;
	return kind == POLICY_OF_IDENTITY && strchr(action, ':') != NULL;
}

/* Of a bucket's policy: this bucket, or a pattern that takes it in. */
static bool
resource_good(const char *resource, const char *bucket)
{
	char name[256];
	size_t len;

	if (bucket == NULL)
		return strcmp(resource, "*") == 0 ||
		    strncmp(resource, "arn:", 4) == 0;
	if (strncmp(resource, S3_ARN, strlen(S3_ARN)) != 0)
		return false;
	resource += strlen(S3_ARN);
	len = strcspn(resource, "/");
	if (len == 0 || len >= sizeof(name))
		return false;
	memcpy(name, resource, len);
	name[len] = '\0';
	return policy_match(name, bucket, false);
}

static enum err
statement_elements(json_t *s, char why[POLICY_WHY_BYTES])
{
	static const char *const known[] = { "Sid", "Effect", "Principal",
		"NotPrincipal", "Action", "NotAction", "Resource",
		"NotResource", "Condition" };
	const char *name;
	json_t *v;
	size_t i;

	json_object_foreach(s, name, v) {
		bool good = false;

		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			good = good || strcmp(name, known[i]) == 0;
		if (!good)
			return refuse(why, "Unknown field ", name);
	}
	if ((v = json_object_get(s, "Sid")) != NULL && !json_is_string(v))
		return refuse(why, "Sid is not a string", "");
	return EC_OK;
}

static enum err
principal_check(json_t *s, enum policy_kind kind, char why[POLICY_WHY_BYTES])
{
	json_t *who = json_object_get(s, "Principal");
	json_t *others = json_object_get(s, "NotPrincipal");

	if (kind == POLICY_OF_IDENTITY)
		return who == NULL && others == NULL ? EC_OK : refuse(why,
		    "Policy document should not specify a principal", "");
	if ((who == NULL) == (others == NULL))
		return refuse(why, "Missing required field Principal", "");
	if (!principal_good(who != NULL ? who : others))
		return refuse(why, "Invalid principal in policy", "");
	if (others != NULL && strcmp(json_string_value(json_object_get(s,
	    "Effect")), "Allow") == 0)
		return refuse(why, "Allow with NotPrincipal is not allowed",
		    "");
	return EC_OK;
}

static enum err
statement_check(json_t *s, enum policy_kind kind, const char *bucket,
    char why[POLICY_WHY_BYTES])
{
	const char *effect = json_string_value(json_object_get(s, "Effect"));
	json_t *yes = json_object_get(s, "Action");
	json_t *no = json_object_get(s, "NotAction"), *condition;
	size_t i;
	enum err e;

	if (!json_is_object(s))
		return refuse(why, "A Statement is not an object", "");
	if ((e = statement_elements(s, why)) != EC_OK)
		return e;
	if (effect == NULL || (strcmp(effect, "Allow") != 0 &&
	    strcmp(effect, "Deny") != 0))
		return refuse(why, "Invalid effect: ", effect != NULL ?
		    effect : "none");
	if ((e = principal_check(s, kind, why)) != EC_OK)
		return e;
	if ((yes == NULL) == (no == NULL) ||
	    !is_texts(yes != NULL ? yes : no))
		return refuse(why, "Missing required field Action", "");
	yes = yes != NULL ? yes : no;
	for (i = 0; i < count(yes); i++)
		if (!action_good(text(yes, i), kind))
			return refuse(why, "Policy has invalid action ",
			    text(yes, i));
	yes = json_object_get(s, "Resource");
	no = json_object_get(s, "NotResource");
	if ((yes == NULL) == (no == NULL) ||
	    !is_texts(yes != NULL ? yes : no))
		return refuse(why, "Missing required field Resource", "");
	yes = yes != NULL ? yes : no;
	for (i = 0; i < count(yes); i++)
		if (!resource_good(text(yes, i), bucket))
			return refuse(why, "Policy has invalid resource ",
			    text(yes, i));
	condition = json_object_get(s, "Condition");
	return condition != NULL ? policy_condition_check(condition, why) :
	    EC_OK;
}

static enum err
document_check(struct policy *p, enum policy_kind kind, const char *bucket,
    char why[POLICY_WHY_BYTES])
{
	const char *version = json_string_value(json_object_get(p->root,
	    "Version"));
	const char *name;
	json_t *v;
	size_t i;
	enum err e = EC_OK;

	if (!json_is_object(p->root))
		return refuse(why, "Policies must be valid JSON and the first "
		    "byte must be '{'", "");
	json_object_foreach(p->root, name, v)
		if (strcmp(name, "Version") != 0 && strcmp(name, "Id") != 0 &&
		    strcmp(name, "Statement") != 0)
			return refuse(why, "Unknown field ", name);
	if (version == NULL ? json_object_get(p->root, "Version") != NULL :
	    strcmp(version, "2012-10-17") != 0 &&
	    strcmp(version, "2008-10-17") != 0)
		return refuse(why, "The policy must contain a valid version "
		    "string", "");
	p->variables = version != NULL && strcmp(version, "2012-10-17") == 0;
	p->statements = json_object_get(p->root, "Statement");
	if (count(p->statements) == 0)
		return refuse(why, "Missing required field Statement", "");
	for (i = 0; i < count(p->statements) && e == EC_OK; i++)
		e = statement_check(item(p->statements, i), kind, bucket, why);
	return e;
}

enum err
policy_parse(struct policy **out, enum policy_kind kind, const char *bucket,
    const char *document, size_t len, char why[POLICY_WHY_BYTES])
{
	struct policy *p;
	json_error_t where;
	enum err e;

	why[0] = '\0';
	if (len > POLICY_BYTES_MAX) {
		refuse(why, "Policy exceeds the maximum allowed size", "");
		return EC_ELIMIT;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return EC_ENOMEM;
	p->root = json_loadb(document, len, JSON_REJECT_DUPLICATES, &where);
	if (p->root == NULL)
		e = refuse(why, "This policy contains invalid Json: ",
		    where.text);
	else
		e = document_check(p, kind, bucket, why);
	if (e != EC_OK) {
		policy_free(p);
		return e;
	}
	*out = p;
	return EC_OK;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	json_decref(p->root);
	free(p);
}

/* "arn:aws:iam::ACCOUNT:root" is everybody of the one account; a user may also
 * stand for an account of his own, by his id. */
static bool
arn_is(const char *arn, const struct policy_request *rq)
{
	size_t len;

	if (strcmp(arn, "*") == 0)
		return true;
	if (rq->user == NULL)
		return false;
	if (strcmp(arn, POLICY_ACCOUNT) == 0 || strcmp(arn, rq->id) == 0)
		return true;
	if (strncmp(arn, IAM_ARN, strlen(IAM_ARN)) != 0)
		return false;
	arn += strlen(IAM_ARN);
	len = strcspn(arn, ":");
	if (arn[len] == '\0' || (len > 0 &&
	    (len != strlen(POLICY_ACCOUNT) ||
	    strncmp(arn, POLICY_ACCOUNT, len) != 0) &&
	    (len != strlen(rq->id) || strncmp(arn, rq->id, len) != 0)))
		return false;
	arn += len + 1;
	if (strcmp(arn, "root") == 0)
		return len > 0;
	return strncmp(arn, "user/", 5) == 0 && !rq->root &&
	    (strcmp(arn + 5, rq->user) == 0 || strcmp(arn + 5, rq->id) == 0);
}

static bool
principal_is(json_t *v, const struct policy_request *rq)
{
	json_t *aws = json_object_get(v, "AWS");
	json_t *ids = json_object_get(v, "CanonicalUser");
	size_t i;

	if (json_is_string(v))
		return true;
	for (i = 0; i < count(aws); i++)
		if (arn_is(text(aws, i), rq))
			return true;
	for (i = 0; i < count(ids); i++)
		if (rq->id != NULL && strcmp(text(ids, i), rq->id) == 0)
			return true;
	return false;
}

static bool
action_is(json_t *v, const char *action)
{
	size_t i;

	for (i = 0; i < count(v); i++)
		if (policy_match(text(v, i), action, true))
			return true;
	return false;
}

static bool
resource_is(json_t *v, const struct policy_request *rq, bool variables)
{
	struct buf pattern = BUF_INIT(POLICY_PATTERN_MAX);
	bool found = false;
	size_t i;

	for (i = 0; i < count(v) && !found; i++) {
		pattern.len = 0;
		if (!variables || strstr(text(v, i), "${") == NULL)
			found = policy_match(text(v, i), rq->resource, false);
		else if (policy_expand(&pattern, text(v, i), rq, false) ==
		    EC_OK)
			found = policy_match(buf_str(&pattern), rq->resource,
			    false);
	}
	buf_release(&pattern);
	return found;
}

static bool
statement_applies(const struct policy *p, json_t *s,
    const struct policy_request *rq)
{
	json_t *v;

	if ((v = json_object_get(s, "Principal")) != NULL &&
	    !principal_is(v, rq))
		return false;
	if ((v = json_object_get(s, "NotPrincipal")) != NULL &&
	    principal_is(v, rq))
		return false;
	v = json_object_get(s, "Action");
	if (v != NULL ? !action_is(v, rq->action) :
	    action_is(json_object_get(s, "NotAction"), rq->action))
		return false;
	v = json_object_get(s, "Resource");
	if (v != NULL ? !resource_is(v, rq, p->variables) :
	    resource_is(json_object_get(s, "NotResource"), rq, p->variables))
		return false;
	return policy_condition_holds(json_object_get(s, "Condition"), rq,
	    p->variables);
}

static bool
is_allow(json_t *s)
{
	return strcmp(json_string_value(json_object_get(s, "Effect")),
	    "Allow") == 0;
}

enum policy_effect
policy_evaluate(const struct policy *p, const struct policy_request *rq,
    unsigned *which)
{
	enum policy_effect effect = POLICY_NONE;
	size_t i;

	for (i = 0; i < count(p->statements); i++) {
		json_t *s = item(p->statements, i);
		bool allow = is_allow(s);

		if ((allow && effect == POLICY_ALLOW) ||
		    !statement_applies(p, s, rq))
			continue;
		effect = allow ? POLICY_ALLOW : POLICY_DENY;
		if (which != NULL)
			*which = (unsigned)i;
		if (!allow)
			break;
	}
	return effect;
}

static bool
names_everybody(json_t *principal)
{
	json_t *aws = json_object_get(principal, "AWS");
	size_t i;

	if (json_is_string(principal))
		return true;
	for (i = 0; i < count(aws); i++)
		if (strcmp(text(aws, i), "*") == 0)
			return true;
	return false;
}

bool
policy_is_public(const struct policy *p)
{
	size_t i;

	for (i = 0; i < count(p->statements); i++) {
		json_t *s = item(p->statements, i);

		if (is_allow(s) &&
		    names_everybody(json_object_get(s, "Principal")) &&
		    !policy_condition_confines(json_object_get(s,
		    "Condition")))
			return true;
	}
	return false;
}
