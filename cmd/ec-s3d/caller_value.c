/* The condition keys of a request. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "call.h"
#include "tags.h"

/* Keys that are the value of a header or a parameter. */
static const struct source {
	const char *key, *header, *query;
} sources[] = {
	{ "aws:Referer", "Referer", NULL },
	{ "aws:UserAgent", "User-Agent", NULL },
	{ "s3:prefix", NULL, "prefix" },
	{ "s3:delimiter", NULL, "delimiter" },
	{ "s3:max-keys", NULL, "max-keys" },
	{ "s3:VersionId", NULL, "versionId" },
	{ "s3:x-amz-acl", "x-amz-acl", NULL },
	{ "s3:x-amz-copy-source", "x-amz-copy-source", NULL },
	{ "s3:x-amz-metadata-directive", "x-amz-metadata-directive", NULL },
	{ "s3:x-amz-storage-class", "x-amz-storage-class", NULL },
	{ "s3:x-amz-content-sha256", "x-amz-content-sha256", NULL },
	{ "s3:x-amz-server-side-encryption", "x-amz-server-side-encryption",
	    NULL },
	{ "s3:x-amz-server-side-encryption-aws-kms-key-id",
	    "x-amz-server-side-encryption-aws-kms-key-id", NULL },
	{ "s3:x-amz-server-side-encryption-customer-algorithm",
	    "x-amz-server-side-encryption-customer-algorithm", NULL },
	{ "s3:x-amz-grant-read", "x-amz-grant-read", NULL },
	{ "s3:x-amz-grant-write", "x-amz-grant-write", NULL },
	{ "s3:x-amz-grant-read-acp", "x-amz-grant-read-acp", NULL },
	{ "s3:x-amz-grant-write-acp", "x-amz-grant-write-acp", NULL },
	{ "s3:x-amz-grant-full-control", "x-amz-grant-full-control", NULL },
	{ "s3:x-amz-object-ownership", "x-amz-object-ownership", NULL },
	{ "s3:x-amz-website-redirect-location",
	    "x-amz-website-redirect-location", NULL },
	{ "s3:object-lock-mode", "x-amz-object-lock-mode", NULL },
	{ "s3:object-lock-retain-until-date",
	    "x-amz-object-lock-retain-until-date", NULL },
	{ "s3:object-lock-legal-hold", "x-amz-object-lock-legal-hold", NULL },
	{ "s3:if-match", "If-Match", NULL },
	{ "s3:if-none-match", "If-None-Match", NULL },
};

static const char *
of_time(char *text, bool epoch)
{
	time_t now = (time_t)(clock_real_us() / 1000000);
	struct tm tm;

	if (epoch)
		snprintf(text, CALLER_TEXT_BYTES, "%lld", (long long)now);
	else if (gmtime_r(&now, &tm) == NULL || strftime(text,
	    CALLER_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return text;
}

/* "127.0.0.1:4711" or "[::1]:4711" without the port. */
static const char *
of_peer(struct call *c, char *text)
{
	const char *peer = http_peer(c->x);
	const char *end = strrchr(peer, ':');
	size_t len = end != NULL ? (size_t)(end - peer) : strlen(peer);

	if (len >= 2 && peer[0] == '[' && peer[len - 1] == ']') {
		peer++;
		len -= 2;
	}
	if (len == 0 || len >= CALLER_TEXT_BYTES)
		return NULL;
	memcpy(text, peer, len);
	text[len] = '\0';
	return text;
}

static const char *
of_user(struct call *c, const char *key)
{
	const struct iam_user *user = c->who.user;

	if (strcasecmp(key, "aws:PrincipalType") == 0)
		return user == NULL ? "Anonymous" : user->root ? "Account" :
		    "User";
	if (user == NULL)
		return NULL;
	if (strcasecmp(key, "aws:username") == 0)
		return user->root ? NULL : user->name;
	if (strcasecmp(key, "aws:userid") == 0)
		return user->id;
	if (strcasecmp(key, "aws:PrincipalAccount") == 0)
		return POLICY_ACCOUNT;
	return NULL;
}

static const char *
of_principal(struct call *c, char *text)
{
	const struct iam_user *user = c->who.user;
	int n;

	if (user == NULL)
		return NULL;
	n = user->root ? snprintf(text, CALLER_TEXT_BYTES,
	    "arn:aws:iam::" POLICY_ACCOUNT ":root") :
	    snprintf(text, CALLER_TEXT_BYTES, "arn:aws:iam::" POLICY_ACCOUNT
	    ":user/%s", user->name);
	return n < CALLER_TEXT_BYTES ? text : NULL;
}

static const char *
of_signature(struct call *c, const char *key)
{
	if (strcasecmp(key, "s3:signatureversion") == 0)
		return c->who.user == NULL ? NULL : c->auth.v2 ? "AWS" :
		    "AWS4-HMAC-SHA256";
	if (strcasecmp(key, "s3:authType") == 0)
		return c->who.user == NULL ? NULL : c->auth.presigned ?
		    "REST-QUERY-STRING" : "REST-HEADER";
	return NULL;
}

static const char *
of_source(struct call *c, const struct source *s, unsigned i)
{
	const struct http_header *h;
	unsigned n = http_headers(c->x, &h);

	if (s->query != NULL)
		return i == 0 ? request_query(&c->rq, s->query) : NULL;
	for (; n > 0; n--, h++)
		if (strcasecmp(h->name, s->header) == 0 && i-- == 0)
			return h->value;
	return NULL;
}

/* Of "key=value&...": the value of tag ${name}, or with NULL the name of the
 * ${i}th. */
static const char *
of_tags(struct call *c, const char *text, const char *name, unsigned i)
{
	char *out = c->who.tag[c->who.tags_used];
	size_t len, name_len;

	for (; text != NULL && *text != '\0'; text += len + (text[len] ==
	    '&')) {
		len = strcspn(text, "&");
		name_len = strcspn(text, "=&");
		if (len >= CALLER_TAG_BYTES || request_decode(out, text,
		    name_len, true) != S3_OK ||
		    (name != NULL ? strcmp(out, name) != 0 : i-- > 0))
			continue;
		if (name != NULL && request_decode(out, text + name_len +
		    (name_len < len), len - name_len - (name_len < len),
		    true) != S3_OK)
			return NULL;
		c->who.tags_used = (c->who.tags_used + 1) % CALLER_TAGS;
		return out;
	}
	return NULL;
}

const char *
caller_value(void *ctx, const char *key, unsigned i)
{
	struct call *c = ctx;
	const char *v;
	unsigned k;

	for (k = 0; k < sizeof(sources) / sizeof(sources[0]); k++)
		if (strcasecmp(sources[k].key, key) == 0)
			return of_source(c, &sources[k], i);
	if (strcasecmp(key, "s3:RequestObjectTagKeys") == 0)
		return of_tags(c, http_header(c->x, "x-amz-tagging"), NULL,
		    i);
	if (i > 0)
		return NULL;
	if (strncasecmp(key, "s3:RequestObjectTag/", 20) == 0)
		return of_tags(c, http_header(c->x, "x-amz-tagging"),
		    key + 20, 0);
	if (strncasecmp(key, "s3:ExistingObjectTag/", 21) == 0)
		return of_tags(c, caller_object_tags(c), key + 21, 0);
	if ((v = of_user(c, key)) != NULL || (v = of_signature(c, key)) !=
	    NULL)
		return v;
	if (strcasecmp(key, "aws:SourceIp") == 0)
		return of_peer(c, c->who.text[0]);
	if (strcasecmp(key, "aws:SecureTransport") == 0)
		return http_secure(c->x) ? "true" : "false";
	if (strcasecmp(key, "aws:CurrentTime") == 0)
		return of_time(c->who.text[1], false);
	if (strcasecmp(key, "aws:EpochTime") == 0)
		return of_time(c->who.text[2], true);
	if (strcasecmp(key, "aws:PrincipalArn") == 0)
		return of_principal(c, c->who.text[3]);
	return NULL;
}
