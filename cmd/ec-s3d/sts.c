/* AssumeRole of STS: credentials for a time.  There are no roles: whoever asks
 * assumes his own, narrowed by the policy that comes with the request. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "handlers.h"

/* The value of a field of the form, to free(); NULL: none, or not good. */
static char *
field(const char *form, const char *name)
{
	size_t len = strlen(name), n;
	char *out;

	for (; *form != '\0'; form += n + (form[n] == '&')) {
		n = strcspn(form, "&");
		if (n <= len || strncmp(form, name, len) != 0 ||
		    form[len] != '=')
			continue;
		if ((out = malloc(n - len)) == NULL)
			return NULL;
		if (request_decode(out, form + len + 1, n - len - 1, true) ==
		    S3_OK)
			return out;
		free(out);
		return NULL;
	}
	return NULL;
}

static enum s3_error
answer(struct call *c, const struct session *s, const char *token)
{
	struct xml x = XML_INIT;

	xml_begin(&x, "AssumeRoleResponse");
	xml_open(&x, "AssumeRoleResult");
	xml_open(&x, "Credentials");
	xml_text(&x, "AccessKeyId", s->id);
	xml_text(&x, "SecretAccessKey", s->secret);
	xml_text(&x, "SessionToken", token);
	xml_time(&x, "Expiration", (uint64_t)s->expires_s * 1000000);
	xml_close(&x, "Credentials");
	xml_close(&x, "AssumeRoleResult");
	xml_open(&x, "ResponseMetadata");
	xml_text(&x, "RequestId", c->id);
	xml_close(&x, "ResponseMetadata");
	return call_answer_xml(c, &x, "AssumeRoleResponse");
}

static enum s3_error
assume(struct call *c, const char *policy, const char *seconds)
{
	struct session s = { .expires_s = 0 };
	struct buf token = BUF_INIT(SESSION_TOKEN_MAX + 1);
	char why[POLICY_WHY_BYTES];
	uint64_t n = SESSION_SECONDS;
	enum err e;
	enum s3_error answered;

	if (seconds != NULL && num_parse(&n, seconds, SESSION_SECONDS_MIN,
	    SESSION_SECONDS_MAX) != EC_OK)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "DurationSeconds must be %d to %d", SESSION_SECONDS_MIN,
		    SESSION_SECONDS_MAX);
	e = session_new(&s, &token, c->who.iam, c->who.key->id,
	    (int64_t)(clock_real_us() / 1000000 + n), policy, why);
	if (e == EC_EINVAL)
		answered = call_fail(c, S3_MALFORMED_POLICY, "%s", why);
	else
		answered = e == EC_OK ? answer(c, &s, buf_str(&token)) :
		    s3_error_from(e);
	session_release(&s);
	if (token.data != NULL)
		explicit_bzero(token.data, token.cap);
	buf_release(&token);
	return answered;
}

static bool
body_is_signed(struct call *c)
{
	uint8_t sum[DIGEST_SHA256_BYTES];

	digest_once(DIGEST_SHA256, c->who.form.data, c->who.form.len, sum);
	return c->auth.payload == SIGV4_HASHED && !c->auth.presigned &&
	    digest_equal(sum, c->auth.payload_sha256, sizeof(sum));
}

enum s3_error
handle_assume_role(struct call *c)
{
	const char *form = buf_str(&c->who.form);
	char *action = field(form, "Action"), *policy = field(form, "Policy");
	char *seconds = field(form, "DurationSeconds");
	enum s3_error e;

	if (c->who.has_session)
		e = S3_ACCESS_DENIED;	/* none outlives what it is under */
	else if (!body_is_signed(c))
		e = S3_CONTENT_SHA256_MISMATCH;
	else if (action == NULL || strcmp(action, "AssumeRole") != 0)
		e = call_fail(c, S3_NOT_IMPLEMENTED,
		    "of STS only AssumeRole is implemented");
	else if (policy == NULL && strstr(form, "Policy=") != NULL)
		e = S3_INVALID_ARGUMENT;
	else
		e = assume(c, policy, seconds);
	free(action);
	free(policy);
	free(seconds);
	return e;
}
