/* The policy language, by the examples and rules of IAM's reference. */
#include <stdlib.h>
#include <strings.h>

#include "../lib/tap.h"
#include "ec-s3d/policy.h"
#include "ec-s3d/policy_match.h"

/* "key=value;key=value": the condition keys of a request. */
static const char *
value(void *ctx, const char *key, unsigned i)
{
	static char mem[4][256];
	static unsigned turn;
	const char *p = ctx;
	char *found = mem[turn++ % 4];
	size_t len = strlen(key), n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ';')) {
		n = strcspn(p, ";");
		if (strncasecmp(p, key, len) != 0 || p[len] != '=' || i-- > 0)
			continue;
		memcpy(found, p + len + 1, n - len - 1);
		found[n - len - 1] = '\0';
		return found;
	}
	return NULL;
}

static char why[POLICY_WHY_BYTES];

static enum policy_effect
ask(const char *document, enum policy_kind kind, const char *action,
    const char *resource, const char *user, const char *keys)
{
	struct policy *p = NULL;
	struct policy_request rq = { .action = action, .resource = resource,
		.user = user, .id = user != NULL ? "id-of-user" : NULL,
		.value = value, .ctx = (void *)(uintptr_t)keys };
	enum policy_effect effect = (enum policy_effect)-1;

	if (policy_parse(&p, kind, kind == POLICY_OF_BUCKET ? "box" : NULL,
	    document, strlen(document), why) == EC_OK)
		effect = policy_evaluate(p, &rq, NULL);
	else
		printf("# %s\n", why);
	policy_free(p);
	return effect;
}

#define IDENTITY(body) "{\"Version\":\"2012-10-17\",\"Statement\":[" body "]}"
#define ALLOW(rest) "{\"Effect\":\"Allow\"," rest "}"
#define DENY(rest) "{\"Effect\":\"Deny\"," rest "}"
#define GET "\"Action\":\"s3:GetObject\""
#define ANY "\"Resource\":\"*\""
#define KEY "arn:aws:s3:::box/key"

static void
statements(void)
{
	static const struct {
		const char *document, *action, *resource;
		enum policy_effect want;
	} t[] = {
		{ IDENTITY(ALLOW(GET "," ANY)), "s3:GetObject", KEY,
		    POLICY_ALLOW },
		{ IDENTITY(ALLOW(GET "," ANY)), "s3:PutObject", KEY,
		    POLICY_NONE },
		{ IDENTITY(ALLOW("\"Action\":\"S3:getO*\"," ANY)),
		    "s3:GetObjectAcl", KEY, POLICY_ALLOW },
		{ IDENTITY(ALLOW("\"Action\":[\"s3:List*\",\"s3:Get*\"],"
		    "\"Resource\":[\"arn:aws:s3:::other/*\","
		    "\"arn:aws:s3:::box/*\"]")), "s3:GetObject", KEY,
		    POLICY_ALLOW },
		{ IDENTITY(ALLOW(GET ",\"Resource\":\"arn:aws:s3:::box\"")),
		    "s3:GetObject", KEY, POLICY_NONE },
		{ IDENTITY(ALLOW(GET ",\"Resource\":\"arn:aws:s3:::b?x/k*\"")),
		    "s3:GetObject", KEY, POLICY_ALLOW },
		{ IDENTITY(ALLOW(GET ",\"Resource\":\"arn:aws:s3:::BOX/*\"")),
		    "s3:GetObject", KEY, POLICY_NONE },
		{ IDENTITY(ALLOW("\"NotAction\":\"s3:Delete*\"," ANY)),
		    "s3:DeleteObject", KEY, POLICY_NONE },
		{ IDENTITY(ALLOW("\"NotAction\":\"s3:Delete*\"," ANY)),
		    "s3:GetObject", KEY, POLICY_ALLOW },
		{ IDENTITY(ALLOW(GET ",\"NotResource\":"
		    "\"arn:aws:s3:::box/*\"")), "s3:GetObject", KEY,
		    POLICY_NONE },
		{ IDENTITY(ALLOW("\"Action\":\"*\"," ANY) ","
		    DENY(GET "," ANY)), "s3:GetObject", KEY, POLICY_DENY },
		{ IDENTITY(DENY(GET "," ANY) "," ALLOW("\"Action\":\"*\","
		    ANY)), "s3:GetObject", KEY, POLICY_DENY },
		{ "{\"Statement\":" ALLOW(GET "," ANY) "}", "s3:GetObject",
		    KEY, POLICY_ALLOW },
		/* Without the Version of 2012 variables are plain text. */
		{ "{\"Statement\":" ALLOW(GET ",\"Resource\":"
		    "\"arn:aws:s3:::box/${aws:username}\"") "}",
		    "s3:GetObject", "arn:aws:s3:::box/amy", POLICY_NONE },
		{ IDENTITY(ALLOW(GET ",\"Resource\":"
		    "\"arn:aws:s3:::box/${aws:username}/*\"")),
		    "s3:GetObject", "arn:aws:s3:::box/amy/x", POLICY_ALLOW },
		{ IDENTITY(ALLOW(GET ",\"Resource\":"
		    "\"arn:aws:s3:::box/${aws:userid}\"")),
		    "s3:GetObject", "arn:aws:s3:::box/", POLICY_NONE },
		{ IDENTITY(ALLOW(GET ",\"Resource\":\"arn:aws:s3:::box/"
		    "${aws:PrincipalTag/team, 'none'}/*\"")),
		    "s3:GetObject", "arn:aws:s3:::box/none/x", POLICY_ALLOW },
		{ IDENTITY(ALLOW(GET ",\"Resource\":"
		    "\"arn:aws:s3:::box/${*}\"")), "s3:GetObject",
		    "arn:aws:s3:::box/x", POLICY_NONE },
		{ IDENTITY(ALLOW(GET ",\"Resource\":"
		    "\"arn:aws:s3:::box/${*}\"")), "s3:GetObject",
		    "arn:aws:s3:::box/*", POLICY_ALLOW },
		/* A wildcard in a value is no wildcard. */
		{ IDENTITY(ALLOW(GET ",\"Resource\":"
		    "\"arn:aws:s3:::box/${star}\"")), "s3:GetObject",
		    "arn:aws:s3:::box/secret", POLICY_NONE },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		tap_is_u64(ask(t[i].document, POLICY_OF_IDENTITY, t[i].action,
		    t[i].resource, "amy", "aws:username=amy;star=*"),
		    t[i].want, "statement %zu: %s on %s", i, t[i].action,
		    t[i].resource);
}

static void
conditions(void)
{
	static const struct {
		const char *condition, *keys;
		bool want;
	} t[] = {
		{ "\"StringEquals\":{\"s3:prefix\":\"a\"}", "s3:prefix=a", 1 },
		{ "\"StringEquals\":{\"S3:Prefix\":\"a\"}", "s3:prefix=a", 1 },
		{ "\"StringEquals\":{\"s3:prefix\":\"a\"}", "s3:prefix=A", 0 },
		{ "\"StringEquals\":{\"s3:prefix\":\"a\"}", "", 0 },
		{ "\"StringEquals\":{\"s3:prefix\":[\"a\",\"b\"]}",
		    "s3:prefix=b", 1 },
		{ "\"StringEquals\":{\"s3:prefix\":\"*\"}", "s3:prefix=a", 0 },
		{ "\"StringEqualsIfExists\":{\"s3:prefix\":\"a\"}", "", 1 },
		{ "\"StringEqualsIfExists\":{\"s3:prefix\":\"a\"}",
		    "s3:prefix=b", 0 },
		{ "\"StringNotEquals\":{\"s3:prefix\":\"a\"}", "", 1 },
		{ "\"StringNotEquals\":{\"s3:prefix\":[\"a\",\"b\"]}",
		    "s3:prefix=b", 0 },
		{ "\"StringNotEquals\":{\"s3:prefix\":[\"a\",\"b\"]}",
		    "s3:prefix=c", 1 },
		{ "\"StringEqualsIgnoreCase\":{\"s3:prefix\":\"Ab\"}",
		    "s3:prefix=aB", 1 },
		{ "\"StringNotEqualsIgnoreCase\":{\"s3:prefix\":\"Ab\"}",
		    "s3:prefix=aB", 0 },
		{ "\"StringLike\":{\"s3:prefix\":\"a*c?\"}",
		    "s3:prefix=abbcd", 1 },
		{ "\"StringLike\":{\"s3:prefix\":\"a*c?\"}", "s3:prefix=abbc",
		    0 },
		{ "\"StringNotLike\":{\"s3:prefix\":\"a*\"}", "s3:prefix=abc",
		    0 },
		{ "\"StringLike\":{\"s3:prefix\":\"${aws:username}/*\"}",
		    "s3:prefix=amy/x;aws:username=amy", 1 },
		{ "\"StringEquals\":{\"s3:prefix\":\"${aws:username}\"}",
		    "s3:prefix=amy;aws:username=amy", 1 },
		{ "\"StringEquals\":{\"s3:prefix\":\"a\"},"
		    "\"Bool\":{\"aws:SecureTransport\":\"true\"}",
		    "s3:prefix=a;aws:SecureTransport=false", 0 },
		{ "\"Bool\":{\"aws:SecureTransport\":true}",
		    "aws:SecureTransport=true", 1 },
		{ "\"NumericLessThanEquals\":{\"s3:max-keys\":\"10\"}",
		    "s3:max-keys=10", 1 },
		{ "\"NumericLessThan\":{\"s3:max-keys\":10}",
		    "s3:max-keys=10", 0 },
		{ "\"NumericGreaterThan\":{\"s3:max-keys\":9}",
		    "s3:max-keys=10", 1 },
		{ "\"NumericGreaterThanEquals\":{\"s3:max-keys\":10}",
		    "s3:max-keys=10", 1 },
		{ "\"NumericEquals\":{\"s3:max-keys\":\"10\"}",
		    "s3:max-keys=10.0", 1 },
		{ "\"NumericNotEquals\":{\"s3:max-keys\":\"10\"}",
		    "s3:max-keys=11", 1 },
		{ "\"NumericEquals\":{\"s3:max-keys\":\"10\"}",
		    "s3:max-keys=x", 0 },
		{ "\"DateLessThan\":{\"aws:CurrentTime\":"
		    "\"2030-01-01T00:00:00Z\"}",
		    "aws:CurrentTime=2026-11-22T12:00:00Z", 1 },
		{ "\"DateGreaterThan\":{\"aws:CurrentTime\":"
		    "\"2030-01-01T00:00:00Z\"}",
		    "aws:CurrentTime=2026-11-22T12:00:00Z", 0 },
		{ "\"DateGreaterThan\":{\"aws:EpochTime\":\"2026-01-01\"}",
		    "aws:EpochTime=1795000000", 1 },
		{ "\"DateEquals\":{\"aws:CurrentTime\":"
		    "\"2026-11-22T14:00:00+02:00\"}",
		    "aws:CurrentTime=2026-11-22T12:00:00Z", 1 },
		{ "\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}",
		    "aws:SourceIp=10.1.2.3", 1 },
		{ "\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/15\"}",
		    "aws:SourceIp=10.2.2.3", 0 },
		{ "\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.3\"}",
		    "aws:SourceIp=10.1.2.3", 1 },
		{ "\"NotIpAddress\":{\"aws:SourceIp\":[\"10.0.0.0/8\","
		    "\"192.168.0.0/16\"]}", "aws:SourceIp=192.168.1.1", 0 },
		{ "\"IpAddress\":{\"aws:SourceIp\":\"2001:db8::/32\"}",
		    "aws:SourceIp=2001:db8:1::5", 1 },
		{ "\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}",
		    "aws:SourceIp=::ffff:10.1.2.3", 1 },
		{ "\"ArnLike\":{\"aws:PrincipalArn\":"
		    "\"arn:aws:iam::*:user/a*\"}",
		    "aws:PrincipalArn=arn:aws:iam::0:user/amy", 1 },
		{ "\"ArnLike\":{\"aws:PrincipalArn\":"
		    "\"arn:*:user/a*\"}",
		    "aws:PrincipalArn=arn:aws:iam::0:user/amy", 0 },
		{ "\"ArnNotEquals\":{\"aws:PrincipalArn\":"
		    "\"arn:aws:iam::0:user/amy\"}",
		    "aws:PrincipalArn=arn:aws:iam::0:user/amy", 0 },
		{ "\"Null\":{\"s3:prefix\":\"true\"}", "", 1 },
		{ "\"Null\":{\"s3:prefix\":true}", "s3:prefix=", 0 },
		{ "\"Null\":{\"s3:prefix\":\"false\"}", "s3:prefix=x", 1 },
		{ "\"ForAllValues:StringEquals\":{\"t:k\":[\"a\",\"b\"]}",
		    "t:k=a;t:k=b", 1 },
		{ "\"ForAllValues:StringEquals\":{\"t:k\":[\"a\",\"b\"]}",
		    "t:k=a;t:k=c", 0 },
		{ "\"ForAllValues:StringEquals\":{\"t:k\":[\"a\"]}", "", 1 },
		{ "\"ForAnyValue:StringEquals\":{\"t:k\":[\"a\",\"b\"]}",
		    "t:k=c;t:k=b", 1 },
		{ "\"ForAnyValue:StringEquals\":{\"t:k\":[\"a\"]}", "", 0 },
		{ "\"ForAnyValue:StringNotEquals\":{\"t:k\":[\"a\"]}",
		    "t:k=a;t:k=b", 1 },
		{ "\"ForAllValues:StringNotEquals\":{\"t:k\":[\"a\"]}",
		    "t:k=a;t:k=b", 0 },
		{ "\"ForAnyValue:StringLikeIfExists\":{\"t:k\":[\"a*\"]}", "",
		    1 },
	};
	char document[1024];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(document, sizeof(document), IDENTITY(ALLOW(GET "," ANY
		    ",\"Condition\":{%s}")), t[i].condition);
		tap_is_u64(ask(document, POLICY_OF_IDENTITY, "s3:GetObject",
		    KEY, "amy", t[i].keys), t[i].want ? POLICY_ALLOW :
		    POLICY_NONE, "condition %zu: %s with %s", i,
		    t[i].condition, t[i].keys);
	}
}

#define BUCKET(who) IDENTITY(ALLOW(who "," GET \
	",\"Resource\":\"arn:aws:s3:::box/*\""))
#define UNDENIED(who) IDENTITY(ALLOW("\"Principal\":\"*\"," GET \
	",\"Resource\":\"arn:aws:s3:::box/*\"") "," DENY(who "," GET \
	",\"Resource\":\"arn:aws:s3:::box/*\""))

static void
principals(void)
{
	static const struct {
		const char *document, *user;
		enum policy_effect want;
	} t[] = {
		{ BUCKET("\"Principal\":\"*\""), NULL, POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":\"*\"}"), NULL, POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":[\"*\"]}"), "amy",
		    POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:"
		    "user/amy\"}"), "amy", POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam:::user/amy\"}"),
		    "amy", POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam:::user/"
		    "id-of-user\"}"), "amy", POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam::123456789012:"
		    "user/amy\"}"), "amy", POLICY_NONE },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:"
		    "user/amy\"}"), "bob", POLICY_NONE },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:"
		    "root\"}"), "bob", POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:"
		    "root\"}"), NULL, POLICY_NONE },
		{ BUCKET("\"Principal\":{\"AWS\":\"000000000000\"}"), "bob",
		    POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam::id-of-user:"
		    "root\"}"), "amy", POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"CanonicalUser\":\"id-of-user\"}"),
		    "amy", POLICY_ALLOW },
		{ BUCKET("\"Principal\":{\"CanonicalUser\":\"other\"}"), "amy",
		    POLICY_NONE },
		{ UNDENIED("\"NotPrincipal\":{\"AWS\":\"arn:aws:iam:::user/amy"
		    "\"}"), "amy", POLICY_ALLOW },
		{ UNDENIED("\"NotPrincipal\":{\"AWS\":\"arn:aws:iam:::user/amy"
		    "\"}"), "bob", POLICY_DENY },
		{ UNDENIED("\"NotPrincipal\":{\"AWS\":\"arn:aws:iam:::user/amy"
		    "\"}"), NULL, POLICY_DENY },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		tap_is_u64(ask(t[i].document, POLICY_OF_BUCKET, "s3:GetObject",
		    KEY, t[i].user, ""), t[i].want, "principal %zu", i);
}

static void
malformed(void)
{
	static const char *const t[] = {
		"", "{", "[]", "{}", "\"*\"", "{\"Statement\":[]}",
		"{\"Statement\":[1]}",
		"{\"Version\":\"2013-01-01\",\"Statement\":"
		    ALLOW("\"Principal\":\"*\"," GET ",\"Resource\":"
		    "\"arn:aws:s3:::box\"") "}",
		BUCKET("\"Sid\":\"no principal\""),
		BUCKET("\"Principal\":\"amy\""),
		BUCKET("\"Principal\":{}"),
		BUCKET("\"Principal\":{\"Foo\":\"*\"}"),
		BUCKET("\"Principal\":{\"AWS\":[]}"),
		BUCKET("\"Principal\":\"*\",\"NotPrincipal\":\"*\""),
		BUCKET("\"NotPrincipal\":{\"AWS\":\"000000000000\"}"),
		BUCKET("\"Principal\":\"*\",\"Foo\":\"*\""),
		BUCKET("\"Principal\":\"*\",\"Principal\":\"*\""),
		IDENTITY(ALLOW("\"Principal\":\"*\"," GET)),
		IDENTITY(ALLOW("\"Principal\":\"*\"," GET ",\"Resource\":"
		    "\"arn:aws:s3:::other/*\"")),
		IDENTITY(ALLOW("\"Principal\":\"*\"," GET ",\"Resource\":"
		    "\"*\"")),
		IDENTITY(ALLOW("\"Principal\":\"*\",\"Action\":\"iam:x\","
		    "\"Resource\":\"arn:aws:s3:::box/*\"")),
		IDENTITY("{\"Effect\":\"allow\",\"Principal\":\"*\"," GET
		    ",\"Resource\":\"arn:aws:s3:::box/*\"}"),
		BUCKET("\"Principal\":\"*\",\"Condition\":{\"Foo\":{}}"),
		BUCKET("\"Principal\":\"*\",\"Condition\":[]"),
		BUCKET("\"Principal\":\"*\",\"Condition\":{\"NullIfExists\":"
		    "{\"s3:prefix\":\"true\"}}"),
		BUCKET("\"Principal\":\"*\",\"Condition\":{\"IpAddress\":"
		    "{\"aws:SourceIp\":\"ten\"}}"),
		BUCKET("\"Principal\":\"*\",\"Condition\":{\"StringEquals\":"
		    "{\"s3:prefix\":{}}}"),
	};
	struct policy *p = NULL;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		enum err e = policy_parse(&p, POLICY_OF_BUCKET, "box", t[i],
		    strlen(t[i]), why);

		tap_ok(e == EC_EINVAL && why[0] != '\0', "refused: %s: %s",
		    t[i], why);
		if (e == EC_OK)
			policy_free(p);
	}
}

/* Of spaces behind it, as many as there may be and one more. */
static void
longest(void)
{
	static char text[POLICY_BYTES_MAX + 2];
	struct policy *p = NULL;

	memset(text, ' ', POLICY_BYTES_MAX + 1);
	memcpy(text, IDENTITY(ALLOW(GET "," ANY)),
	    strlen(IDENTITY(ALLOW(GET "," ANY))));
	tap_ok(policy_parse(&p, POLICY_OF_IDENTITY, NULL, text,
	    POLICY_BYTES_MAX, why) == EC_OK, "20 KiB");
	policy_free(p);
	tap_ok(policy_parse(&p, POLICY_OF_IDENTITY, NULL, text,
	    POLICY_BYTES_MAX + 1, why) == EC_ELIMIT, "a byte more");
}

static void
public(void)
{
	static const struct {
		const char *document;
		bool want;
	} t[] = {
		{ BUCKET("\"Principal\":\"*\""), true },
		{ BUCKET("\"Principal\":{\"AWS\":\"*\"}"), true },
		{ BUCKET("\"Principal\":{\"AWS\":\"arn:aws:iam:::user/amy\"}"),
		    false },
		{ BUCKET("\"Principal\":\"*\",\"Condition\":{\"IpAddress\":"
		    "{\"aws:SourceIp\":\"10.0.0.0/32\"}}"), false },
		{ BUCKET("\"Principal\":\"*\",\"Condition\":{\"IpAddress\":"
		    "{\"aws:SourceIp\":\"0.0.0.0/0\"}}"), true },
		{ BUCKET("\"Principal\":\"*\",\"Condition\":{\"NotIpAddress\":"
		    "{\"aws:SourceIp\":\"10.0.0.0/32\"}}"), true },
		{ BUCKET("\"Principal\":\"*\",\"Condition\":{\"StringLike\":"
		    "{\"aws:PrincipalArn\":\"*\"}}"), true },
		{ BUCKET("\"Principal\":\"*\",\"Condition\":{\"StringLike\":"
		    "{\"aws:Referer\":\"http://x/\"}}"), true },
	};
	struct policy *p = NULL;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (policy_parse(&p, POLICY_OF_BUCKET, "box", t[i].document,
		    strlen(t[i].document), why) != EC_OK)
			abort();
		tap_ok(policy_is_public(p) == t[i].want, "public %zu", i);
		policy_free(p);
	}
}

static void
patterns(void)
{
	char text[2001], pattern[202];
	unsigned i;

	tap_ok(policy_match("*", "", false), "* matches nothing");
	tap_ok(policy_match("a*b*c", "aXbYbZc", false), "stars go back");
	tap_ok(!policy_match("a?", "a", false), "? wants a byte");
	tap_ok(policy_match("S3:*", "s3:x", true), "case may be folded");
	/* What takes exponential time in matchers that try every star. */
	memset(text, 'a', 2000);
	text[2000] = '\0';
	for (i = 0; i < 100; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	memcpy(pattern + 200, "b", 2);
	tap_ok(!policy_match(pattern, text, false), "a hundred stars");
}

int
main(void)
{
	statements();
	conditions();
	principals();
	malformed();
	longest();
	public();
	patterns();
	return tap_done();
}
