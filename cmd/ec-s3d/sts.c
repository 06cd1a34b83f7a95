/* STS: credentials for a time, and whose a key is.  No roles: whoever asks
 * assumes his own, narrowed by the policy that comes with the request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "handlers.h"
#include "route.h"

enum {
	ROLE_SESSION_MAX = 64,
	SESSION_TOKEN_SECONDS_MAX = 36 * 3600,
};

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

static void
begin(struct xml *x, const char *name)
{
	char tag[64];

	snprintf(tag, sizeof(tag), "%sResponse", name);
	xml_begin_sts(x, tag);
	snprintf(tag, sizeof(tag), "%sResult", name);
	xml_open(x, tag);
}

static enum s3_error
answer(struct call *c, struct xml *x, const char *name)
{
	char tag[64];

	snprintf(tag, sizeof(tag), "%sResult", name);
	xml_close(x, tag);
	xml_open(x, "ResponseMetadata");
	xml_text(x, "RequestId", c->id);
	xml_close(x, "ResponseMetadata");
	snprintf(tag, sizeof(tag), "%sResponse", name);
	return call_answer_xml(c, x, tag);
}

static enum s3_error
answer_session(struct call *c, const struct session *s, const char *token,
    const char *role)
{
	struct xml x = XML_INIT;
	char text[IAM_NAME_MAX + 256];

	begin(&x, c->route->name);
	xml_open(&x, "Credentials");
	xml_text(&x, "AccessKeyId", s->id);
	xml_text(&x, "SecretAccessKey", s->secret);
	xml_text(&x, "SessionToken", token);
	xml_time(&x, "Expiration", (uint64_t)s->expires_s * 1000000);
	xml_close(&x, "Credentials");
	if (role != NULL) {
		xml_open(&x, "AssumedRoleUser");
		snprintf(text, sizeof(text), "%s:%s", c->who.user->id, role);
		xml_text(&x, "AssumedRoleId", text);
		snprintf(text, sizeof(text), "arn:aws:sts::" POLICY_ACCOUNT
		    ":assumed-role/%s/%s", c->who.user->name, role);
		xml_text(&x, "Arn", text);
		xml_close(&x, "AssumedRoleUser");
	}
	return answer(c, &x, c->route->name);
}

/* ${role}: what the session is to be called; NULL: nothing. */
static enum s3_error
give(struct call *c, const char *policy, const char *role, uint64_t seconds)
{
	struct session s = { .expires_s = 0 };
	struct buf token = BUF_INIT(SESSION_TOKEN_MAX + 1);
	char why[POLICY_WHY_BYTES];
	enum err e;
	enum s3_error answered;

	e = session_new(&s, &token, c->who.iam, c->who.key->id,
	    (int64_t)(clock_real_us() / 1000000 + seconds), policy, why);
	if (e == EC_EINVAL)
		answered = call_fail(c, S3_MALFORMED_DOCUMENT, "%s", why);
	else
		answered = e == EC_OK ? answer_session(c, &s,
		    buf_str(&token), role) : s3_error_from(e);
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

/* The form decides, so it must be signed. */
static enum s3_error
check(struct call *c)
{
	return body_is_signed(c) ? S3_OK : S3_CONTENT_SHA256_MISMATCH;
}

/* The seconds that are asked for, ${usual} when none are. */
static enum s3_error
duration(struct call *c, uint64_t usual, uint64_t max, uint64_t *out)
{
	char *text = field(buf_str(&c->who.form), "DurationSeconds");
	enum err e = EC_OK;

	*out = usual;
	if (text != NULL)
		e = num_parse(out, text, SESSION_SECONDS_MIN, max);
	free(text);
	return e == EC_OK ? S3_OK : call_fail(c, S3_VALIDATION,
	    "DurationSeconds must be %d to %d", SESSION_SECONDS_MIN,
	    (int)max);
}

enum s3_error
handle_assume_role(struct call *c)
{
	const char *form = buf_str(&c->who.form);
	char *policy = field(form, "Policy");
	char *role = field(form, "RoleSessionName");
	uint64_t seconds;
	enum s3_error e;

	if ((e = check(c)) != S3_OK)
		goto out;
	if (c->who.has_session)
		e = S3_ACCESS_DENIED;	/* none outlives what it is under */
	else if (policy == NULL && strstr(form, "Policy=") != NULL)
		e = S3_VALIDATION;
	else if (role != NULL && strlen(role) > ROLE_SESSION_MAX)
		e = call_fail(c, S3_VALIDATION,
		    "RoleSessionName has at most %d characters",
		    ROLE_SESSION_MAX);
	else if ((e = duration(c, SESSION_SECONDS, SESSION_SECONDS_MAX,
	    &seconds)) == S3_OK)
		e = give(c, policy, role != NULL ? role : "session", seconds);
out:
	free(policy);
	free(role);
	return e;
}

static enum s3_error
get_session_token(struct call *c)
{
	uint64_t seconds;
	enum s3_error e;

	if ((e = check(c)) != S3_OK)
		return e;
	if (c->who.has_session)
		return S3_ACCESS_DENIED;
	e = duration(c, SESSION_SECONDS_MAX, SESSION_TOKEN_SECONDS_MAX,
	    &seconds);
	return e == S3_OK ? give(c, NULL, NULL, seconds) : e;
}

/* Anybody who has a key may know whose it is. */
static enum s3_error
get_caller_identity(struct call *c)
{
	struct xml x = XML_INIT;
	const char *arn;
	enum s3_error e;

	if ((e = check(c)) != S3_OK)
		return e;
	arn = caller_value(c, "aws:PrincipalArn", 0);
	begin(&x, c->route->name);
	xml_text(&x, "Arn", arn != NULL ? arn : "");
	xml_text(&x, "UserId", c->who.user->id);
	xml_text(&x, "Account", POLICY_ACCOUNT);
	return answer(c, &x, c->route->name);
}

const struct route *
sts_route(const struct call *c)
{
	static const struct route table[] = {
		{ "AssumeRole", "POST", ROUTE_SERVICE, NULL, NULL,
		    handle_assume_role },
		{ "GetSessionToken", "POST", ROUTE_SERVICE, NULL, NULL,
		    get_session_token },
		{ "GetCallerIdentity", "POST", ROUTE_SERVICE, NULL, NULL,
		    get_caller_identity },
	};
	char *action = field(buf_str(&c->who.form), "Action");
	const struct route *found = NULL;

	for (size_t i = 0; action != NULL &&
	    i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(action, table[i].name) == 0)
			found = &table[i];
	free(action);
	return found;
}
