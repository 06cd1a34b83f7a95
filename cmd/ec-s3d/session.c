#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os_linux.h"
#include "base64.h"
#include "session.h"

#define BOUND "ec session 1"

void
session_random(char *out, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	size_t i;

	os_random(out, n);
	for (i = 0; i < n; i++)
		out[i] = digits[out[i] & 31];
	out[n] = '\0';
}

void
session_release(struct session *s)
{
	policy_free(s->policy);
	explicit_bzero(s, sizeof(*s));
}

static enum err
seal_token(struct buf *token, const struct iam *iam, json_t *content)
{
	struct buf sealed = BUF_INIT(SESSION_TOKEN_MAX);
	char *dump = json_dumps(content, JSON_COMPACT);
	uint8_t *to;
	enum err e = EC_ENOMEM;

	if (dump == NULL || (e = seal_close(&sealed, iam_seal(iam), BOUND,
	    dump, strlen(dump))) != EC_OK ||
	    (e = buf_reserve(token, BASE64_TEXT_BYTES(sealed.len), &to)) !=
	    EC_OK)
		goto out;
	base64_encode((char *)to, sealed.data, sealed.len);
	token->len += BASE64_TEXT_BYTES(sealed.len) - 1;
out:
	if (dump != NULL)
		explicit_bzero(dump, strlen(dump));
	free(dump);
	buf_release(&sealed);
	return e;
}

enum err
session_new(struct session *s, struct buf *token, const struct iam *iam,
    const char *parent, int64_t expires_s, const char *policy,
    char why[POLICY_WHY_BYTES])
{
	json_t *content = NULL;
	enum err e;

	memset(s, 0, sizeof(*s));
	why[0] = '\0';
	if (policy != NULL && (strlen(policy) > SESSION_POLICY_MAX ||
	    policy_parse(&s->policy, POLICY_OF_IDENTITY, NULL, policy,
	    strlen(policy), why) != EC_OK))
		return EC_EINVAL;
	memcpy(s->id, "ASIA", 4);
	session_random(s->id + 4, 16);
	session_random(s->secret, SESSION_SECRET_BYTES - 1);
	snprintf(s->parent, sizeof(s->parent), "%s", parent);
	s->expires_s = expires_s;
	content = json_pack("{s:s,s:s,s:s,s:I,s:s*}", "id", s->id, "secret",
	    s->secret, "parent", s->parent, "expires", (json_int_t)expires_s,
	    "policy", policy);
	e = content != NULL ? seal_token(token, iam, content) : EC_ENOMEM;
	json_decref(content);
	return e;
}

static bool
text_get(json_t *content, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(content, name));

	if (text == NULL || strlen(text) >= size)
		return false;
	strcpy(out, text);
	return true;
}

static enum s3_error
read_content(struct session *s, const char *text, size_t len)
{
	json_t *content = json_loadb(text, len, 0, NULL);
	const char *policy = json_string_value(json_object_get(content,
	    "policy"));
	char why[POLICY_WHY_BYTES];
	bool good = text_get(content, "id", s->id, sizeof(s->id)) &&
	    text_get(content, "secret", s->secret, sizeof(s->secret)) &&
	    text_get(content, "parent", s->parent, sizeof(s->parent)) &&
	    (policy == NULL || policy_parse(&s->policy, POLICY_OF_IDENTITY,
	    NULL, policy, strlen(policy), why) == EC_OK);

	s->expires_s = json_integer_value(json_object_get(content, "expires"));
	json_decref(content);
	return good ? S3_OK : S3_INVALID_TOKEN;
}

enum s3_error
session_open(struct session *s, const struct iam *iam, const char *token)
{
	struct buf content = BUF_INIT(SESSION_TOKEN_MAX);
	uint8_t sealed[SESSION_TOKEN_MAX / 4 * 3 + 3];
	size_t len = strlen(token), bytes = len / 4 * 3;
	enum s3_error e = S3_INVALID_TOKEN;

	memset(s, 0, sizeof(*s));
	if (len < 4 || len > SESSION_TOKEN_MAX || len % 4 != 0)
		return S3_INVALID_TOKEN;
	bytes -= (token[len - 1] == '=') + (token[len - 2] == '=');
	if (base64_decode(sealed, bytes, token) == EC_OK &&
	    seal_open(&content, iam_seal(iam), BOUND, sealed, bytes) == EC_OK)
		e = read_content(s, buf_str(&content), content.len);
	if (content.data != NULL)
		explicit_bzero(content.data, content.cap);
	buf_release(&content);
	return e;
}
