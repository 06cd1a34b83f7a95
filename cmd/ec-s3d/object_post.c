/* PostObject: an upload by a browser's form, allowed by the policy in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/num.h"
#include "acl_request.h"
#include "base64.h"
#include "handlers.h"
#include "meta.h"
#include "object_lock.h"
#include "object_post.h"
#include "object_write.h"
#include "policy_post.h"
#include "tags.h"

enum {
	POLICY_MAX = 20 * 1024,		/* bytes of base64 */
};

struct post {
	struct form form;
	struct policy_post policy;
	char key[RECORD_KEY_MAX + 1];
	const char *checksum;		/* that was sent, or NULL */
	struct s3_checksum sum;
	char text[S3_CHECKSUM_TEXT_BYTES];	/* of it, at the end */
	struct tags tags;
};

bool
object_post_asked(const struct call *c)
{
	const char *type = http_header(c->x, "Content-Type");

	return strcmp(http_method(c->x), "POST") == 0 &&
	    c->rq.bucket[0] != '\0' && c->rq.key[0] == '\0' &&
	    c->rq.query_count == 0 && type != NULL &&
	    strncasecmp(type, "multipart/form-data", 19) == 0;
}

static bool
signed_v2(const struct form *f, const struct sigv4_secret *who,
    const char *policy, const char *signature)
{
	const char *id = form_get(f, "AWSAccessKeyId");
	uint8_t mac[DIGEST_SHA1_BYTES];
	char want[BASE64_TEXT_BYTES(DIGEST_SHA1_BYTES)];

	digest_hmac_sha1(who->secret, strlen(who->secret), policy,
	    strlen(policy), mac);
	base64_encode(want, mac, sizeof(mac));
	return id != NULL && strcmp(id, who->key_id) == 0 &&
	    strlen(signature) == strlen(want) &&
	    digest_equal(want, signature, strlen(want));
}

/* x-amz-credential: "ID/day/region/s3/aws4_request". */
static bool
signed_v4(const struct call *c, const struct form *f,
    const struct sigv4_secret *who, const char *policy, const char *signature)
{
	const char *credential = form_get(f, "x-amz-credential");
	const char *algorithm = form_get(f, "x-amz-algorithm");
	const char *date = form_get(f, "x-amz-date");
	uint8_t key[DIGEST_SHA256_BYTES], mac[DIGEST_SHA256_BYTES];
	char hex[2 * sizeof(mac) + 1], day[9], scope[SIGV4_REGION_MAX + 32];
	size_t id = strlen(who->key_id);

	if (credential == NULL || algorithm == NULL || date == NULL ||
	    strcmp(algorithm, "AWS4-HMAC-SHA256") != 0 || strlen(date) < 8)
		return false;
	memcpy(day, date, 8);
	day[8] = '\0';
	snprintf(scope, sizeof(scope), "/%s/%s/s3/aws4_request", day,
	    c->server->region);
	sigv4_signing_key(key, who->secret, day, c->server->region, "s3");
	digest_hmac_sha256(key, sizeof(key), policy, strlen(policy), mac);
	num_hex(hex, mac, sizeof(mac));
	return strncmp(credential, who->key_id, id) == 0 &&
	    strcmp(credential + id, scope) == 0 &&
	    strlen(signature) == strlen(hex) &&
	    digest_equal(hex, signature, strlen(hex));
}

static enum s3_error
policy_decode(const char *text, char **out, size_t *len)
{
	size_t chars = strlen(text), pad = 0;

	while (pad < 2 && pad < chars && text[chars - 1 - pad] == '=')
		pad++;
	if (chars == 0 || chars % 4 != 0 || chars > POLICY_MAX)
		return S3_INVALID_POLICY;
	*len = chars / 4 * 3 - pad;
	if ((*out = malloc(*len + 1)) == NULL)
		return S3_SLOW_DOWN;
	return base64_decode((uint8_t *)*out, *len, text) == EC_OK ? S3_OK :
	    S3_INVALID_POLICY;
}

/* Whose signature it claims to be; "" when that cannot be told. */
static void
key_id(const struct form *f, bool v4, char out[SIGV4_KEY_ID_MAX + 1])
{
	const char *text = form_get(f, v4 ? "x-amz-credential" :
	    "AWSAccessKeyId");
	size_t len = text != NULL ? strlen(text) : 0;
	unsigned i;

	for (i = 0; v4 && i < 4 && len > 0; i++)
		while (len > 0 && text[--len] != '/')
			;
	if (len > SIGV4_KEY_ID_MAX)
		len = 0;
	memcpy(out, text != NULL ? text : "", len);
	out[len] = '\0';
}

/* Who sent it, and may it be as it is? */
static enum s3_error
allowed(struct call *c, struct post *p)
{
	struct sigv4_secret who = { "", "the secret of no key at all" };
	const char *policy = form_get(&p->form, "policy");
	const char *v4 = form_get(&p->form, "x-amz-signature");
	const char *v2 = form_get(&p->form, "signature");
	char *json = NULL, id[SIGV4_KEY_ID_MAX + 1];
	bool known, good;
	size_t len;
	enum s3_error e;

	if (policy == NULL)	/* anonymous */
		return v4 == NULL && v2 == NULL ? S3_OK : S3_ACCESS_DENIED;
	if (v4 == NULL && v2 == NULL)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Bucket POST must contain a field named 'signature'");
	if (strlen(policy) > POLICY_MAX)
		return S3_INVALID_POLICY;
	key_id(&p->form, v4 != NULL, id);
	known = caller_by_key(c, id, form_get(&p->form,
	    "x-amz-security-token"), &who);
	good = v4 != NULL ? signed_v4(c, &p->form, &who, policy, v4) :
	    signed_v2(&p->form, &who, policy, v2);
	if (!known || !good) {
		c->who.user = NULL;
		return S3_SIGNATURE;
	}
	snprintf(c->auth.key_id, sizeof(c->auth.key_id), "%s", who.key_id);
	if ((e = policy_decode(policy, &json, &len)) == S3_OK)
		e = policy_post_check(&p->policy, json, len, &p->form,
		    c->rq.bucket, p->key, (int64_t)(clock_real_us() / 1000000));
	free(json);
	if (e != S3_OK && p->policy.why[0] != '\0')
		call_fail(c, e, "%s", p->policy.why);
	return e;
}

/* The key, with the file's name in the place of ${filename}. */
static enum s3_error
key_make(struct call *c, struct post *p)
{
	static const char mark[] = "${filename}";
	const char *key = form_get(&p->form, "key"), *at;
	const char *name = p->form.filename != NULL ? p->form.filename : "";
	int n;

	if (key == NULL || key[0] == '\0')
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Bucket POST must contain a field named 'key'. If it is "
		    "specified, please check the order of the fields.");
	at = strstr(key, mark);
	n = at == NULL ? snprintf(p->key, sizeof(p->key), "%s", key) :
	    snprintf(p->key, sizeof(p->key), "%.*s%s%s", (int)(at - key), key,
	    name, at + sizeof(mark) - 1);
	if (n < 0 || (size_t)n >= sizeof(p->key))
		return S3_KEY_TOO_LONG;
	return object_key_valid(p->key) == EC_OK ? S3_OK :
	    S3_INVALID_ARGUMENT;
}

static enum s3_error
owner_check(struct call *c, const struct post *p,
    const struct access_bucket *of)
{
	return caller_owner_expected(form_get(&p->form,
	    "x-amz-expected-bucket-owner"), of) ? S3_OK :
	    call_fail(c, S3_ACCESS_DENIED, "the bucket is of another owner");
}

/* What the fields say of the object. */
static enum s3_error
meta_make(struct call *c, struct post *p, struct buf *meta)
{
	const struct form *f = &p->form;
	const char *tagging = form_get(f, "tagging");
	enum s3_checksum_kind kind = S3_CHECKSUM_DEFAULT;
	enum s3_error e;

	if ((e = meta_from_headers(f->field, f->fields, meta)) != S3_OK ||
	    (e = object_lock_from_request(c, meta)) != S3_OK)
		return e;
	if (tagging != NULL && (e = tags_from_text(&p->tags, tagging, meta)) !=
	    S3_OK)
		return e;
	for (unsigned i = 0; i < f->fields; i++) {
		enum s3_checksum_kind k = s3_checksum_by_header(
		    f->field[i].name);

		if (k == S3_CHECKSUM_NONE)
			continue;
		if (p->checksum != NULL)
			return call_fail(c, S3_INVALID_REQUEST, "Expecting a "
			    "single x-amz-checksum- header. Multiple checksum "
			    "Types are not allowed.");
		kind = k;
		p->checksum = f->field[i].value;
		if (!s3_checksum_valid(k, p->checksum, NULL))
			return call_fail(c, S3_INVALID_REQUEST, "Value for "
			    "%s header is invalid.", s3_checksum_header(k));
	}
	return call_store(c, s3_checksum_init(&p->sum, kind));
}

static enum s3_error
receive(struct call *c, struct post *p, struct store_put *put)
{
	uint64_t max = num_min(p->policy.max, OBJECT_PUT_MAX), size = 0;
	struct buf extra = BUF_INIT(1024);
	const uint8_t *bytes;
	size_t len;
	enum s3_error e;

	while ((e = form_read(&p->form, &bytes, &len)) == S3_OK) {
		size += len;
		if (size > max)
			return S3_ENTITY_TOO_LARGE;
		s3_checksum_update(&p->sum, bytes, len);
		if (len > 0 && (e = call_store(c, store_put_write(put, bytes,
		    len))) != S3_OK)
			return e;
		if (p->form.ended)
			break;
	}
	if (e != S3_OK)
		return e;
	if (size < p->policy.min)
		return S3_ENTITY_TOO_SMALL;
	s3_checksum_final(&p->sum, p->text);
	if (p->checksum != NULL && strcmp(p->text, p->checksum) != 0)
		return S3_BAD_DIGEST;
	e = meta_add_checksum(&extra, p->sum.kind, p->text, "FULL_OBJECT");
	if (e == S3_OK && extra.len > 0)
		e = call_store(c, store_put_meta(put, extra.data, extra.len));
	buf_release(&extra);
	return e;
}

/* The URL to go to, with what became of it; empty when it cannot be. */
static void
redirect_url(const struct call *c, const struct post *p, const char *etag,
    const char *to, struct buf *out)
{
	if (buf_printf(out, "%s%cbucket=%s&key=", to,
	    strchr(to, '?') != NULL ? '&' : '?', c->rq.bucket) != EC_OK ||
	    request_encode(out, p->key, false) != EC_OK ||
	    buf_printf(out, "&etag=%%22%s%%22", etag) != EC_OK)
		out->len = 0;
}

static enum s3_error
answer(struct call *c, const struct post *p, const struct object *o)
{
	const char *to = form_get(&p->form, "success_action_redirect");
	const char *status = form_get(&p->form, "success_action_status");
	struct buf url = BUF_INIT(16 * 1024);
	struct xml x = XML_INIT;
	enum s3_error e = S3_OK;

	if (to == NULL)
		to = form_get(&p->form, "redirect");
	call_header_etag(c, o->etag);
	call_header_written(c, o);
	object_checksum_headers(c, p->sum.kind, p->text);
	if (to != NULL && strncmp(to, "http", 4) == 0) {
		redirect_url(c, p, o->etag, to, &url);
		http_answer_header(c->x, "Location", buf_str(&url));
		e = call_answer(c, 303);
		goto out;
	}
	if (call_origin(c, &url) != EC_OK ||
	    (!c->rq.virtual_host && buf_printf(&url, "/%s", c->rq.bucket) !=
	    EC_OK) || buf_add(&url, "/", 1) != EC_OK ||
	    request_encode(&url, p->key, true) != EC_OK)
		url.len = 0;
	http_answer_header(c->x, "Location", buf_str(&url));
	if (status == NULL || strcmp(status, "201") != 0) {
		e = call_answer(c, status != NULL &&
		    strcmp(status, "200") == 0 ? 200 : 204);
		goto out;
	}
	xml_begin(&x, "PostResponse");
	xml_text(&x, "Location", buf_str(&url));
	xml_text(&x, "Bucket", c->rq.bucket);
	xml_text(&x, "Key", p->key);
	xml_etag(&x, "ETag", o->etag);
	e = call_answer_xml_as(c, 201, &x, "PostResponse");
out:
	buf_release(&url);
	return e;
}

static enum s3_error
post(struct call *c, struct post *p, struct buf *meta)
{
	struct put_params params = { .bucket = c->rq.bucket, .key = p->key,
		.size = UINT64_MAX };
	struct object o = OBJECT_INIT;
	struct store_put *put = NULL;
	enum s3_error e;

	if ((e = object_params(c, meta, &params)) != S3_OK)
		return e;
	params.meta = meta->data;
	params.meta_len = meta->len;
	if ((e = call_store(c, store_put_open(c->server->store, &params,
	    &put))) != S3_OK ||
	    (e = receive(c, p, put)) != S3_OK ||
	    (e = call_store(c, store_put_finish(put, NULL))) != S3_OK ||
	    (e = call_store(c, store_put_commit(put, NULL, NULL, &o))) !=
	    S3_OK)
		goto out;
	e = answer(c, p, &o);
out:
	store_put_free(put);
	object_release(&o);
	return e;
}

enum s3_error
handle_object_post(struct call *c)
{
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	struct post *p = calloc(1, sizeof(*p));
	const struct access_bucket *of;
	uint8_t *buf = NULL;
	enum s3_error e;

	if (p == NULL)
		return S3_SLOW_DOWN;
	p->tags.max = TAGS_OBJECT_MAX;
	p->policy = (struct policy_post)POLICY_POST_INIT;
	if ((e = call_buffer(c, &buf)) != S3_OK ||
	    (e = caller_bucket(c, &of)) != S3_OK ||
	    (e = form_open(&p->form, c->x, buf, SERVER_BUFFER_BYTES)) !=
	    S3_OK ||
	    (e = key_make(c, p)) != S3_OK ||
	    (e = allowed(c, p)) != S3_OK ||
	    (e = owner_check(c, p, of)) != S3_OK ||
	    (e = caller_may(c, "PostObject", c->rq.bucket, p->key, false,
	    NULL)) != S3_OK ||
	    (e = acl_request_object_canned(c, form_get(&p->form, "acl"),
	    &meta)) != S3_OK ||
	    (e = meta_make(c, p, &meta)) != S3_OK)
		goto out;
	e = post(c, p, &meta);
out:
	s3_checksum_release(&p->sum);
	tags_release(&p->tags);
	form_release(&p->form);
	call_buffer_put(c, buf);
	buf_release(&meta);
	free(p);
	return e;
}
