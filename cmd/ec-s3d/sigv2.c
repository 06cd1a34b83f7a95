#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base64.h"
#include "s3_time.h"
#include "sigv2.h"

/* Parameters that are part of the resource that is signed, in this order. */
static const char *const signed_parameters[] = { "accelerate", "acl",
	"analytics", "archive", "cors", "delete", "encryption", "inventory",
	"legal-hold", "lifecycle", "location", "logging", "metrics",
	"notification", "object-lock", "ownershipControls", "partNumber",
	"policy",
	"policyStatus", "publicAccessBlock", "replication", "requestPayment",
	"response-cache-control", "response-content-disposition",
	"response-content-encoding", "response-content-language",
	"response-content-type", "response-expires", "restore", "retention",
	"select", "select-type", "tagging", "torrent", "uploadId", "uploads",
	"versionId", "versioning", "versions", "website" };
enum { PARAMETERS = sizeof(signed_parameters) / sizeof(char *) };

struct claim {
	char key_id[SIGV4_KEY_ID_MAX + 1];
	const char *signature;
	const char *date;		/* as it is signed */
};

static const char *
header_get(const struct sigv4_request *in, const char *name)
{
	unsigned i;

	for (i = 0; i < in->header_count; i++)
		if (strcasecmp(in->headers[i].name, name) == 0)
			return in->headers[i].value;
	return NULL;
}

bool
sigv2_present(const struct sigv4_request *in)
{
	const char *header = header_get(in, "Authorization");

	return (header != NULL && strncmp(header, "AWS ", 4) == 0) ||
	    request_query(in->rq, "AWSAccessKeyId") != NULL;
}

/* "AWS KEYID:SIGNATURE"; x-amz-date stands in for Date. */
static enum s3_error
claim_from_header(struct claim *c, const struct sigv4_request *in)
{
	const char *value = header_get(in, "Authorization"), *colon;
	const char *amz = header_get(in, "x-amz-date");
	const char *date = header_get(in, "Date");
	int64_t at;

	if (value == NULL)
		return S3_ACCESS_DENIED;
	value += 4;
	colon = strrchr(value, ':');
	if (colon == NULL || colon == value ||
	    colon - value > SIGV4_KEY_ID_MAX)
		return S3_INVALID_ARGUMENT;
	memcpy(c->key_id, value, (size_t)(colon - value));
	c->signature = colon + 1;
	c->date = amz != NULL ? "" : date;
	date = amz != NULL ? amz : date;
	if (date == NULL || (s3_time_parse_http(&at, date) != EC_OK &&
	    s3_time_parse_amz(&at, date) != EC_OK))
		return S3_ACCESS_DENIED;
	return at > in->now_s + SIGV4_SKEW_S || at < in->now_s - SIGV4_SKEW_S ?
	    S3_TIME_SKEW : S3_OK;
}

static enum s3_error
claim_from_query(struct claim *c, const struct sigv4_request *in)
{
	const char *key_id = request_query(in->rq, "AWSAccessKeyId");
	uint64_t expires;

	if (request_query_count(in->rq, "AWSAccessKeyId") != 1 ||
	    request_query_count(in->rq, "Expires") != 1 ||
	    request_query_count(in->rq, "Signature") != 1 ||
	    strlen(key_id) > SIGV4_KEY_ID_MAX)
		return S3_ACCESS_DENIED;
	strcpy(c->key_id, key_id);
	c->signature = request_query(in->rq, "Signature");
	c->date = request_query(in->rq, "Expires");
	if (num_parse(&expires, c->date, 0, INT64_MAX) != EC_OK ||
	    in->now_s > (int64_t)expires)
		return S3_REQUEST_EXPIRED;
	return (int64_t)expires > in->now_s + SIGV4_EXPIRES_MAX_S ?
	    S3_ACCESS_DENIED : S3_OK;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct http_header *const *x = a, *const *y = b;
	int c = strcasecmp((*x)->name, (*y)->name);

	return c != 0 ? c : *x < *y ? -1 : *x > *y;
}

/* All x-amz-* headers, sorted, those of one name joined. */
static enum err
add_headers(struct buf *out, const struct sigv4_request *in)
{
	const struct http_header **v = calloc(in->header_count + 1,
	    sizeof(*v));
	unsigned i, k, n = 0;
	enum err e = EC_OK;

	if (v == NULL)
		return EC_ENOMEM;
	for (i = 0; i < in->header_count; i++)
		if (strncasecmp(in->headers[i].name, "x-amz-", 6) == 0)
			v[n++] = &in->headers[i];
	qsort(v, n, sizeof(*v), name_cmp);
	for (i = 0; i < n && e == EC_OK; i++) {
		bool more = i > 0 && strcasecmp(v[i]->name, v[i - 1]->name) ==
		    0;
		char low[2] = "";

		if (more)
			out->len--;	/* the line goes on */
		for (k = 0; !more && v[i]->name[k] != '\0' && e == EC_OK;
		    k++) {
			low[0] = v[i]->name[k];
			if (low[0] >= 'A' && low[0] <= 'Z')
				low[0] = (char)(low[0] - 'A' + 'a');
			e = buf_add(out, low, 1);
		}
		if (e == EC_OK)
			e = buf_printf(out, "%s%s\n", more ? "," : ":",
			    v[i]->value);
	}
	free(v);
	return e;
}

static enum err
add_resource(struct buf *out, const struct request *rq, const char *slash)
{
	unsigned i, k;
	bool first = true;
	enum err e = EC_OK;

	if (rq->virtual_host)
		e = buf_printf(out, "/%s", rq->bucket);
	if (e == EC_OK)
		e = buf_printf(out, "%s%s", rq->raw_path, slash);
	for (i = 0; i < PARAMETERS && e == EC_OK; i++)
		for (k = 0; k < rq->query_count && e == EC_OK; k++) {
			const struct request_param *p = &rq->query[k];

			if (strcmp(p->name, signed_parameters[i]) != 0)
				continue;
			e = buf_printf(out, "%c%s%s%s", first ? '?' : '&',
			    p->name, p->value[0] != '\0' ? "=" : "", p->value);
			first = false;
		}
	return e;
}

static enum err
string_to_sign(struct buf *out, const struct sigv4_request *in,
    const char *date, const char *slash)
{
	const char *md5 = header_get(in, "Content-MD5");
	const char *type = header_get(in, "Content-Type");
	enum err e;

	if ((e = buf_printf(out, "%s\n%s\n%s\n%s\n", in->method,
	    md5 != NULL ? md5 : "", type != NULL ? type : "", date)) != EC_OK ||
	    (e = add_headers(out, in)) != EC_OK)
		return e;
	return add_resource(out, in->rq, slash);
}

/* Does the signature hold, with ${slash} behind the path? */
static enum s3_error
signature_check(const struct claim *c, const struct sigv4_request *in,
    const struct sigv4_secret *who, const char *slash)
{
	struct buf text = BUF_INIT(256 * 1024);
	uint8_t mac[DIGEST_SHA1_BYTES];
	char want[BASE64_TEXT_BYTES(DIGEST_SHA1_BYTES)];
	enum s3_error e = S3_SLOW_DOWN;

	if (string_to_sign(&text, in, c->date, slash) == EC_OK) {
		digest_hmac_sha1(who->secret, strlen(who->secret), text.data,
		    text.len, mac);
		base64_encode(want, mac, sizeof(mac));
		e = strlen(c->signature) == sizeof(want) - 1 &&
		    digest_equal(c->signature, want, sizeof(want) - 1) ?
		    S3_OK : S3_SIGNATURE;
	}
	buf_release(&text);
	return e;
}

enum s3_error
sigv2_verify(struct sigv4 *out, const struct sigv4_request *in,
    const struct sigv4_keys *keys)
{
	bool query = request_query(in->rq, "AWSAccessKeyId") != NULL, known;
	struct sigv4_secret who = { "", "the secret of no key at all" };
	struct claim c = { .signature = NULL };
	enum s3_error e;

	if ((e = sigv4_anonymous(out, in)) != S3_OK)
		return e;
	out->v2 = true;
	out->presigned = query;
	if (query && (header_get(in, "Authorization") != NULL ||
	    request_query(in->rq, "X-Amz-Signature") != NULL))
		return S3_INVALID_ARGUMENT;
	if ((e = query ? claim_from_query(&c, in) : claim_from_header(&c,
	    in)) != S3_OK)
		return e;
	known = keys->find(keys->ctx, c.key_id, &who);
	e = signature_check(&c, in, &who, "");
	/* A bucket is also signed as "/bucket/" when "/bucket" is asked for. */
	if (e == S3_SIGNATURE && in->rq->key[0] == '\0' &&
	    !in->rq->virtual_host)
		e = signature_check(&c, in, &who, "/");
	if (e == S3_OK && !known)
		e = S3_SIGNATURE;
	if (e == S3_OK)
		strcpy(out->key_id, c.key_id);
	return e;
}
