/* Access: every route has a row, lists as they are stored, who may what. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "ec-s3d/access.h"
#include "ec-s3d/iam_doc.h"
#include "ec-s3d/route.h"
#include "ec-s3d/session.h"

static void
routes(void)
{
	unsigned n, i;
	const struct route *t = route_table(&n);

	for (i = 0; i < n; i++) {
		const struct action *a = action_find(t[i].name);

		tap_ok(a != NULL && strncmp(a->name, "s", 1) == 0,
		    "%s has a row in action.c", t[i].name);
		if (a != NULL && a->by == ACTION_OBJECT_ACL)
			tap_ok(t[i].on == ROUTE_OBJECT, "of an object");
	}
}

static void
lists(void)
{
	static const char *const canned[] = { "private", "public-read",
		"public-read-write", "authenticated-read", "bucket-owner-read",
		"bucket-owner-full-control" };
	static struct acl a, b;
	struct buf text = BUF_INIT(4096);
	size_t i;

	for (i = 0; i < sizeof(canned) / sizeof(canned[0]); i++) {
		tap_ok(acl_canned(&a, canned[i], "ann", "bob") == S3_OK, "%s",
		    canned[i]);
		text.len = 0;
		acl_private(&b, "ann");
		tap_ok(acl_text(&a, &text) == EC_OK && acl_parse(&b,
		    buf_str(&text), text.len) == EC_OK &&
		    memcmp(&a, &b, sizeof(a)) == 0, "as it is stored");
		tap_ok(acl_permits(&a, "ann", ACL_FULL_CONTROL, true),
		    "the owner may");
		tap_ok(acl_permits(&a, NULL, ACL_READ, false) == (i == 1 ||
		    i == 2), "anonymous read");
		tap_ok(acl_permits(&a, "eve", ACL_READ, false) == (i >= 1 &&
		    i <= 3), "read by another");
		tap_ok(!acl_permits(&a, "eve", ACL_READ, true), "when public "
		    "grants are ignored");
		tap_ok(acl_permits(&a, "bob", ACL_READ, true) == (i >= 4),
		    "read by the bucket's owner");
		tap_ok(acl_is_public(&a) == (i >= 1 && i <= 3), "public");
	}
	tap_ok(acl_parse(&a, "F", 1) == EC_EFORMAT &&
	    acl_parse(&a, "X =a\n", 5) == EC_EFORMAT &&
	    acl_parse(&a, "F ?a\n", 5) == EC_EFORMAT &&
	    acl_parse(&a, "F =a", 4) == EC_EFORMAT, "damaged lists");
	buf_release(&text);
}

static const struct iam_root root = { "root", "a root password" };

/* A session is bound to its root password, and changes are seen. */
static void
sessions(void)
{
	struct buf token = BUF_INIT(SESSION_TOKEN_MAX);
	const struct iam_root other = { "root", "another password" };
	struct session s = { .expires_s = 0 }, got = { .expires_s = 0 };
	struct iam *iam = NULL, *foreign = NULL;
	char why[POLICY_WHY_BYTES];
	size_t i, bad = 0;

	if (iam_new(&iam, "", 0, &root) != EC_OK ||
	    iam_new(&foreign, "", 0, &other) != EC_OK)
		abort();
	tap_ok(session_new(&s, &token, iam, "root", 42, "{\"Statement\":{"
	    "\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}",
	    why) == EC_OK, "a session is made");
	tap_ok(session_open(&got, iam, buf_str(&token)) == S3_OK &&
	    got.expires_s == 42 && got.policy != NULL &&
	    strcmp(got.secret, s.secret) == 0 && strcmp(got.id, s.id) == 0 &&
	    strcmp(got.parent, "root") == 0, "and read back");
	session_release(&got);
	tap_ok(session_open(&got, foreign, buf_str(&token)) ==
	    S3_INVALID_TOKEN, "not under another root password");
	session_release(&got);
	for (i = 0; i < token.len; i++) {
		token.data[i] ^= 1;
		bad += session_open(&got, iam, buf_str(&token)) == S3_OK &&
		    token.data[i] != '=';
		session_release(&got);
		token.data[i] ^= 1;
	}
	tap_is_u64(bad, 0, "no byte of it can be changed");
	session_release(&s);
	iam_unref(iam);
	iam_unref(foreign);
	buf_release(&token);
}

/* Whatever a child credential is given, it may not do more than its parent. */
static const char *
no_value(void *ctx, const char *key, unsigned i)
{
	(void)ctx;
	(void)key;
	(void)i;
	return NULL;
}

static struct policy *
random_policy(unsigned *seed)
{
	static const char *const actions[] = { "s3:*", "s3:Get*",
		"s3:PutObject", "s3:List*", "s3:GetObject" };
	static const char *const resources[] = { "*", "arn:aws:s3:::box/*",
		"arn:aws:s3:::box", "arn:aws:s3:::b*/k*", "arn:aws:s3:::no/*" };
	char text[512], why[POLICY_WHY_BYTES];
	struct policy *p = NULL;

	snprintf(text, sizeof(text), "{\"Statement\":[{\"Effect\":\"Allow\","
	    "\"Action\":\"%s\",\"Resource\":\"%s\"},{\"Effect\":\"%s\","
	    "\"Action\":\"%s\",\"Resource\":\"%s\"}]}",
	    actions[(unsigned)rand_r(seed) % 5],
	    resources[(unsigned)rand_r(seed) % 5],
	    rand_r(seed) % 2 ? "Allow" : "Deny",
	    actions[(unsigned)rand_r(seed) % 5],
	    resources[(unsigned)rand_r(seed) % 5]);
	if (policy_parse(&p, POLICY_OF_IDENTITY, NULL, text, strlen(text),
	    why) != EC_OK)
		abort();
	return p;
}

static void
children(void)
{
	static const char *const operations[] = { "GetObject", "PutObject",
		"ListObjects", "GetObjectAcl", "CreateBucket" };
	static struct access_bucket of;
	unsigned seed = 1, i, more = 0, allowed = 0;
	char why[ACCESS_WHY_BYTES];

	acl_private(&of.acl, "owner");
	for (i = 0; i < 20000; i++) {
		struct policy *own = random_policy(&seed);
		struct policy *narrow = random_policy(&seed);
		struct iam_grant grant = { own, "own" };
		struct iam_user user = { .name = "ann", .id = "ann-id",
			.enabled = true, .member = true, .grants = &grant,
			.grant_count = 1 };
		struct access a = { .action = action_find(
		    operations[(unsigned)rand_r(&seed) % 5]),
			.user = &user, .bucket = "box", .key = "key",
			.of = &of, .value = no_value };
		bool parent = access_judge(&a, why) == ACCESS_ALLOWED, child;

		a.session[rand_r(&seed) % 2] = narrow;
		child = access_judge(&a, why) == ACCESS_ALLOWED;
		more += child && !parent;
		allowed += child;
		policy_free(own);
		policy_free(narrow);
	}
	tap_is_u64(more, 0, "20,000 children may no more than their parents");
	tap_ok(allowed > 100, "and %u may something", allowed);
}

int
main(void)
{
	routes();
	lists();
	sessions();
	children();
	return tap_done();
}
