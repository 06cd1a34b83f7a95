/* Any bytes as a policy.  Of what is accepted: it says of a request what its
 * statements say one by one, and a statement what the elements of its lists
 * say; one more Deny never allows more, one more Allow never denies; written
 * anew it says the same; with an operator that nobody knows it is refused. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ec-s3d/policy.h"

static char why[POLICY_WHY_BYTES];

static const char *
value(void *ctx, const char *key, unsigned i)
{
	static const char *const v[][2] = { { "aws:username", "ann" },
		{ "aws:SourceIp", "10.1.2.3" }, { "s3:prefix", "a/b" },
		{ "s3:max-keys", "10" }, { "aws:SecureTransport", "true" },
		{ "aws:CurrentTime", "2026-11-22T12:00:00Z" },
		{ "aws:PrincipalArn", "arn:aws:iam::000000000000:user/ann" },
		{ "s3:RequestObjectTagKeys", "team" } };

	(void)ctx;
	for (unsigned k = 0; i == 0 && k < sizeof(v) / sizeof(v[0]); k++)
		if (strcasecmp(v[k][0], key) == 0)
			return v[k][1];
	return NULL;
}

static const struct policy_request requests[] = {
	{ .action = "s3:GetObject", .resource = "arn:aws:s3:::box/ann",
	    .user = "ann", .id = "ann-id", .value = value },
	{ .action = "s3:ListBucket", .resource = "arn:aws:s3:::box" },
	{ .action = "s3:PutObject", .resource = "arn:aws:s3:::box/a*b?",
	    .user = "root", .id = "root-id", .root = true, .value = value },
};
enum { REQUESTS = sizeof(requests) / sizeof(requests[0]) };

static struct policy *
parse(json_t *root, enum policy_kind kind)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
	struct policy *p = NULL;

	if (text == NULL)
		abort();
	if (policy_parse(&p, kind, "box", text, strlen(text), why) != EC_OK)
		p = NULL;
	free(text);
	return p;
}

/* What a document says of each request; false: it is refused. */
static bool
says(enum policy_effect out[REQUESTS], json_t *root, enum policy_kind kind)
{
	struct policy *p = parse(root, kind);

	if (p == NULL)
		return false;
	for (unsigned i = 0; i < REQUESTS; i++)
		out[i] = policy_evaluate(p, &requests[i], NULL);
	policy_free(p);
	return true;
}

/* The document with ${statement} alone. */
static json_t *
alone(json_t *root, json_t *statement)
{
	json_t *one = json_copy(root);

	if (one == NULL || json_object_set_new(one, "Statement",
	    json_deep_copy(statement)) != 0)
		abort();
	return one;
}

static enum policy_effect
joined(enum policy_effect a, enum policy_effect b)
{
	return a == POLICY_DENY || b == POLICY_DENY ? POLICY_DENY :
	    a == POLICY_ALLOW || b == POLICY_ALLOW ? POLICY_ALLOW :
	    POLICY_NONE;
}

/* A list of a statement says what its elements say; what is not meant
 * (NotAction) is no such list. */
static void
check_list(json_t *root, enum policy_kind kind, const char *name,
    const enum policy_effect want[REQUESTS])
{
	json_t *list = json_object_get(json_object_get(root, "Statement"),
	    name), *v;
	enum policy_effect all[REQUESTS] = { POLICY_NONE }, got[REQUESTS];
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > 8)
		return;
	json_array_foreach(list, i, v) {
		json_t *one = alone(root, json_object_get(root, "Statement"));

		json_object_set(json_object_get(one, "Statement"), name, v);
		if (!says(got, one, kind))
			abort();
		for (unsigned k = 0; k < REQUESTS; k++)
			all[k] = joined(all[k], got[k]);
		json_decref(one);
	}
	if (memcmp(all, want, sizeof(all)) != 0)
		abort();
}

static void
check_unknown(json_t *one, enum policy_kind kind)
{
	json_t *s = json_object_get(one, "Statement");
	json_t *condition = json_object_get(s, "Condition");

	if (condition == NULL) {
		condition = json_object();
		json_object_set_new(s, "Condition", condition);
	}
	json_object_set_new(condition, "StringSortOfEquals",
	    json_pack("{s:s}", "s3:prefix", "a"));
	if (parse(one, kind) != NULL)
		abort();
}

/* One statement more, like one that is there but for its effect. */
static void
check_more(json_t *root, json_t *like, enum policy_kind kind,
    const char *effect, const enum policy_effect before[REQUESTS])
{
	json_t *more = json_deep_copy(root), *list, *copy;
	enum policy_effect after[REQUESTS];

	list = json_object_get(more, "Statement");
	if (!json_is_array(list)) {
		list = json_pack("[O]", list);
		json_object_set_new(more, "Statement", list);
	}
	copy = json_deep_copy(like);
	json_object_set_new(copy, "Effect", json_string(effect));
	json_array_append_new(list, copy);
	/* It may be refused: too long, or Allow with NotPrincipal. */
	if (says(after, more, kind))
		for (unsigned i = 0; i < REQUESTS; i++)
			if (strcmp(effect, "Deny") == 0 ?
			    after[i] == POLICY_ALLOW &&
			    before[i] != POLICY_ALLOW :
			    before[i] == POLICY_DENY &&
			    after[i] != POLICY_DENY)
				abort();
	json_decref(more);
}

static void
check_statements(json_t *root, enum policy_kind kind,
    const enum policy_effect want[REQUESTS])
{
	enum policy_effect all[REQUESTS] = { POLICY_NONE }, got[REQUESTS];
	json_t *list = json_object_get(root, "Statement"), *s;
	size_t n = json_is_array(list) ? json_array_size(list) : 1;

	if (n > 8)
		return;
	for (size_t i = 0; i < n; i++) {
		json_t *one;

		s = json_is_array(list) ? json_array_get(list, i) : list;
		one = alone(root, s);
		if (!says(got, one, kind))
			abort();
		for (unsigned k = 0; k < REQUESTS; k++)
			all[k] = joined(all[k], got[k]);
		check_list(one, kind, "Action", got);
		check_list(one, kind, "Resource", got);
		check_unknown(one, kind);
		json_decref(one);
		check_more(root, s, kind, "Deny", want);
		check_more(root, s, kind, "Allow", want);
	}
	if (memcmp(all, want, sizeof(all)) != 0)
		abort();
}

static void
check(enum policy_kind kind, const char *text, size_t len)
{
	enum policy_effect first[REQUESTS], again[REQUESTS];
	struct policy *p = NULL;
	json_t *root;

	if (policy_parse(&p, kind, "box", text, len, why) != EC_OK) {
		if (why[0] == '\0')
			abort();
		return;
	}
	for (unsigned i = 0; i < REQUESTS; i++)
		first[i] = policy_evaluate(p, &requests[i], NULL);
	policy_is_public(p);
	policy_free(p);
	root = json_loadb(text, len, 0, NULL);
	/* Numbers and escapes may be longer, written anew. */
	if (root != NULL && says(again, root, kind)) {
		if (memcmp(first, again, sizeof(first)) != 0)
			abort();
		check_statements(root, kind, first);
	}
	json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(POLICY_OF_BUCKET, (const char *)data, size);
	check(POLICY_OF_IDENTITY, (const char *)data, size);
	return 0;
}
