#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy_post.h"
#include "s3_checksum.h"
#include "s3_time.h"

struct check {
	struct policy_post *p;
	const struct form *f;
	const char *bucket, *key;
	bool seen[FORM_FIELDS_MAX], bucket_seen;
};

static enum s3_error
say(struct check *c, enum s3_error e, const char *what, const char *name)
{
	snprintf(c->p->why, sizeof(c->p->why),
	    "Invalid according to Policy: %s%.128s", what, name);
	return e;
}

/* The value of the form for ${name}, which counts as mentioned.  The bucket is
 * the one it was sent to, whatever a field says. */
static const char *
value_of(struct check *c, const char *name)
{
	const char *value = NULL;

	for (unsigned i = 0; i < c->f->fields; i++)
		if (strcasecmp(c->f->field[i].name, name) == 0) {
			c->seen[i] = true;
			value = c->f->field[i].value;
		}
	if (strcasecmp(name, "key") == 0)
		return c->key;
	if (strcasecmp(name, "bucket") != 0)
		return value;
	c->bucket_seen = true;
	return c->bucket;
}

static enum s3_error
holds(struct check *c, const char *name, const char *want, bool prefix)
{
	const char *have = value_of(c, name);
	char text[160];

	if (have == NULL)
		have = "";
	if (prefix ? strncmp(have, want, strlen(want)) == 0 :
	    strcmp(have, want) == 0)
		return S3_OK;
	snprintf(text, sizeof(text), "[\"%s\", \"$%.60s\", \"%.60s\"]",
	    prefix ? "starts-with" : "eq", name, want);
	return say(c, S3_ACCESS_DENIED, "Policy Condition failed: ", text);
}

static enum s3_error
range(struct check *c, const json_t *list)
{
	json_int_t min = json_integer_value(json_array_get(list, 1));
	json_int_t max = json_integer_value(json_array_get(list, 2));

	if (json_array_size(list) != 3 ||
	    !json_is_integer(json_array_get(list, 1)) ||
	    !json_is_integer(json_array_get(list, 2)) || min < 0 || max < min)
		return say(c, S3_INVALID_POLICY, "content-length-range", "");
	c->p->min = (uint64_t)min;
	c->p->max = (uint64_t)max;
	return S3_OK;
}

static enum s3_error
condition_list(struct check *c, const json_t *list)
{
	const char *op = json_string_value(json_array_get(list, 0));
	const char *name = json_string_value(json_array_get(list, 1));
	const char *value = json_string_value(json_array_get(list, 2));

	if (op != NULL && strcasecmp(op, "content-length-range") == 0)
		return range(c, list);
	if (op == NULL || name == NULL || value == NULL ||
	    json_array_size(list) != 3 || name[0] != '$')
		return say(c, S3_INVALID_POLICY, "a condition", "");
	if (strcasecmp(op, "eq") == 0)
		return holds(c, name + 1, value, false);
	if (strcasecmp(op, "starts-with") == 0)
		return holds(c, name + 1, value, true);
	return say(c, S3_INVALID_POLICY, "the operator ", op);
}

static enum s3_error
condition(struct check *c, json_t *one)
{
	const char *name, *value;
	enum s3_error e = S3_OK;
	json_t *v;

	if (json_is_array(one))
		return condition_list(c, one);
	if (!json_is_object(one) || json_object_size(one) == 0)
		return say(c, S3_INVALID_POLICY, "a condition", "");
	json_object_foreach(one, name, v) {
		if ((value = json_string_value(v)) == NULL)
			return say(c, S3_INVALID_POLICY, "the value of ",
			    name);
		if (e == S3_OK)
			e = holds(c, name, value, false);
	}
	return e;
}

/* Each field but these must be mentioned, and the bucket.  A checksum only
 * makes sure of the file, which whoever signed the policy did not know. */
static enum s3_error
all_mentioned(struct check *c)
{
	static const char *const free_of[] = { "policy", "x-amz-signature",
		"signature", "AWSAccessKeyId" };

	for (unsigned i = 0; i < c->f->fields; i++) {
		const char *name = c->f->field[i].name;
		bool may = c->seen[i] ||
		    strncasecmp(name, "x-ignore-", 9) == 0 ||
		    s3_checksum_by_header(name) != S3_CHECKSUM_NONE;

		for (unsigned k = 0; k < 4; k++)
			may = may || strcasecmp(name, free_of[k]) == 0;
		if (!may)
			return say(c, S3_ACCESS_DENIED,
			    "Extra input fields: ", name);
	}
	return c->bucket_seen ? S3_OK :
	    say(c, S3_ACCESS_DENIED, "Extra input fields: ", "bucket");
}

enum s3_error
policy_post_check(struct policy_post *out, const char *json, size_t len,
    const struct form *f, const char *bucket, const char *key, int64_t now_s)
{
	struct check c = { .p = out, .f = f, .bucket = bucket, .key = key };
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *conditions = json_object_get(root, "conditions");
	const char *until = json_string_value(json_object_get(root,
	    "expiration"));
	enum s3_error e = S3_OK;
	int64_t until_s;
	json_t *one;
	size_t i;

	*out = (struct policy_post)POLICY_POST_INIT;
	if (until == NULL || s3_time_parse_iso(&until_s, until) != EC_OK ||
	    !json_is_array(conditions))
		e = say(&c, S3_INVALID_POLICY, "expiration and conditions "
		    "must be there", "");
	else if (until_s < now_s)
		e = say(&c, S3_ACCESS_DENIED, "Policy expired.", "");
	for (i = 0; e == S3_OK && i < json_array_size(conditions); i++) {
		one = json_array_get(conditions, i);
		e = condition(&c, one);
	}
	if (e == S3_OK)
		e = all_mentioned(&c);
	json_decref(root);
	return e;
}
