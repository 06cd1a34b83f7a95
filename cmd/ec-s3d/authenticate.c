/* Who makes a request. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/num.h"
#include "call.h"
#include "sigv2.h"

static const char *
token_of(struct call *c)
{
	const char *header = http_header(c->x, "x-amz-security-token");
	const char *query = request_query(&c->rq, "X-Amz-Security-Token");

	return header != NULL && header[0] != '\0' ? header : query;
}

static bool
usable(const struct iam_key *key, int64_t now_s)
{
	return key != NULL && key->enabled && key->user->enabled &&
	    (key->expires_s == 0 || now_s < key->expires_s);
}

/* The secret that belongs to a key id; what is unknown and what is disabled
 * look the same. */
static bool
find_secret(void *ctx, const char *key_id, struct sigv4_secret *out)
{
	struct call *c = ctx;
	struct caller *who = &c->who;
	int64_t now_s = (int64_t)(clock_real_us() / 1000000);

	if (who->has_session) {
		who->key = iam_key_find(who->iam, who->session.parent);
		if (strcmp(who->session.id, key_id) != 0)
			return false;
		*out = (struct sigv4_secret){ who->session.id,
			who->session.secret };
	} else {
		who->key = iam_key_find(who->iam, key_id);
		if (who->key != NULL)
			*out = (struct sigv4_secret){ who->key->id,
				who->key->secret };
	}
	if (!usable(who->key, now_s))
		return false;
	who->user = who->key->user;
	return true;
}

static enum s3_error
open_session(struct call *c, const char *token)
{
	enum s3_error e;

	if (token == NULL || token[0] == '\0')
		return S3_OK;
	e = session_open(&c->who.session, c->who.iam, token);
	c->who.has_session = true;
	return e;
}

bool
caller_by_key(struct call *c, const char *key_id, const char *token,
    struct sigv4_secret *out)
{
	return open_session(c, token) == S3_OK &&
	    find_secret(c, key_id, out) && (!c->who.has_session ||
	    (int64_t)(clock_real_us() / 1000000) < c->who.session.expires_s);
}


static enum s3_error
explain(struct call *c, enum s3_error e)
{
	if (e == S3_AUTH_MALFORMED)
		return call_fail(c, e, "The authorization header is malformed; "
		    "expecting AWS4-HMAC-SHA256 with region '%s' and service "
		    "'s3'", c->server->region);
	if (e == S3_INVALID_ARGUMENT)
		return call_fail(c, e, "Only one auth mechanism allowed, and "
		    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-"
		    "AWS4-HMAC-SHA256-PAYLOAD, -TRAILER, STREAMING-UNSIGNED-"
		    "PAYLOAD-TRAILER or a SHA-256");
	if (e == S3_INVALID_REQUEST)
		return call_fail(c, e, "The authorization mechanism you "
		    "have provided is not supported. Please use "
		    "AWS4-HMAC-SHA256.");
	return e;
}

/* Requests to STS are signed over a body whose hash they do not name. */
static enum s3_error
read_form(struct call *c, char hex[2 * DIGEST_SHA256_BYTES + 1])
{
	uint8_t sum[DIGEST_SHA256_BYTES], *to;
	size_t got = 1;
	enum err e = EC_OK;

	c->who.form.max = CALLER_FORM_MAX;
	while (e == EC_OK && got > 0)
		if ((e = buf_reserve(&c->who.form, 1024, &to)) == EC_OK &&
		    (e = http_read(c->x, to, 1024, &got)) == EC_OK)
			c->who.form.len += got;
	if (e != EC_OK)
		return e == EC_ELIMIT ? S3_ENTITY_TOO_LARGE :
		    S3_INCOMPLETE_BODY;
	digest_once(DIGEST_SHA256, c->who.form.data, c->who.form.len, sum);
	num_hex(hex, sum, sizeof(sum));
	return S3_OK;
}

/* A body that was signed and is not there at all: who needs none would not
 * notice. */
static bool
body_lacks(const struct call *c)
{
	uint8_t empty[DIGEST_SHA256_BYTES];

	if (c->auth.payload != SIGV4_HASHED || http_content_length(c->x) != 0)
		return false;
	digest_once(DIGEST_SHA256, "", 0, empty);
	return !digest_equal(empty, c->auth.payload_sha256, sizeof(empty));
}

enum s3_error
caller_authenticate(struct call *c)
{
	struct sigv4_request in = {
		.method = http_method(c->x),
		.rq = &c->rq,
		.now_s = (int64_t)(clock_real_us() / 1000000),
	};
	const struct sigv4_keys keys = { find_secret, c };
	char hex[2 * DIGEST_SHA256_BYTES + 1];
	enum s3_error e;

	in.header_count = http_headers(c->x, &in.headers);
	if (!sigv4_present(&in) && !sigv2_present(&in))
		return explain(c, sigv4_anonymous(&c->auth, &in));
	if ((e = open_session(c, token_of(c))) != S3_OK)
		return e;
	if (c->rq.bucket[0] == '\0' && strcmp(in.method, "POST") == 0) {
		if ((e = read_form(c, hex)) != S3_OK)
			return e;
		in.payload = hex;
	}
	if (c->server->sigv2 && sigv2_present(&in))
		e = sigv2_verify(&c->auth, &in, &keys);
	else
		e = sigv4_verify(&c->auth, &in, c->server->region, &keys,
		    c->server->keys);
	if (e == S3_OK && c->who.has_session &&
	    in.now_s >= c->who.session.expires_s)
		e = S3_EXPIRED_TOKEN;
	if (e == S3_OK && body_lacks(c))
		e = S3_CONTENT_SHA256_MISMATCH;
	if (e != S3_OK)
		c->who.user = NULL;
	return explain(c, e);
}

void
caller_release(struct caller *who)
{
	if (who->has_session)
		session_release(&who->session);
	access_kept_put(who->kept);
	free(who->object);
	free(who->tags);
	buf_release(&who->form);
	iam_unref(who->iam);
}
