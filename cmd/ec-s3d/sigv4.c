#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "s3_time.h"
#include "sigv4.h"
#include "sigv4_canonical.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define EMPTY_SHA256 \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { CACHE_SLOTS = 256 };

struct sigv4_cache {
	pthread_mutex_t lock;	/* guards all below */
	struct {
		char name[SIGV4_KEY_ID_MAX + SIGV4_REGION_MAX + 24];
		uint8_t secret[DIGEST_SHA256_BYTES];	/* its hash */
		uint8_t key[DIGEST_SHA256_BYTES];
	} slot[CACHE_SLOTS];	/* by the name's hash */
};

/* The parts of a request that carry its authentication; pointers lead into
 * buf, the headers or the query. */
struct claim {
	char buf[4096];		/* the Authorization header, cut up */
	char *credential, *signed_headers, *signature;
	char *day, *region, *service, *terminator;
	const char *date;
	const char *payload;
	int64_t date_s;
	int64_t expires_s;	/* presigned only */
};

enum err
sigv4_cache_new(struct sigv4_cache **out)
{
	struct sigv4_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return EC_OK;
}

void
sigv4_cache_free(struct sigv4_cache *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
sigv4_signing_key(uint8_t out[DIGEST_SHA256_BYTES], const char *secret,
    const char *day, const char *region, const char *service)
{
	struct buf start = BUF_INIT(1024);
	uint8_t key[DIGEST_SHA256_BYTES];

	if (buf_printf(&start, "AWS4%s", secret) != EC_OK)
		buf_release(&start);	/* signs nothing that could match */
	digest_hmac_sha256(start.data, start.len, day, strlen(day), key);
	digest_hmac_sha256(key, sizeof(key), region, strlen(region), out);
	digest_hmac_sha256(out, sizeof(key), service, strlen(service), key);
	digest_hmac_sha256(key, sizeof(key), "aws4_request", 12, out);
	buf_release(&start);
}

/* A secret may be given anew to the same key, so it counts as well. */
static void
signing_key(uint8_t out[DIGEST_SHA256_BYTES], const struct sigv4_secret *who,
    const struct claim *claim, struct sigv4_cache *c)
{
	char name[sizeof(c->slot[0].name)];
	uint8_t secret[DIGEST_SHA256_BYTES];
	bool found = false;
	unsigned i;

	if (c == NULL) {
		sigv4_signing_key(out, who->secret, claim->day, claim->region,
		    claim->service);
		return;
	}
	snprintf(name, sizeof(name), "%s/%s/%s/%s", who->key_id, claim->day,
	    claim->region, claim->service);
	digest_once(DIGEST_SHA256, who->secret, strlen(who->secret), secret);
	i = secret[0];
	pthread_mutex_lock(&c->lock);
	found = strcmp(c->slot[i].name, name) == 0 &&
	    digest_equal(c->slot[i].secret, secret, sizeof(secret));
	if (found)
		memcpy(out, c->slot[i].key, DIGEST_SHA256_BYTES);
	pthread_mutex_unlock(&c->lock);
	if (found)
		return;
	sigv4_signing_key(out, who->secret, claim->day, claim->region,
	    claim->service);
	pthread_mutex_lock(&c->lock);
	memcpy(c->slot[i].name, name, sizeof(name));
	memcpy(c->slot[i].secret, secret, sizeof(secret));
	memcpy(c->slot[i].key, out, DIGEST_SHA256_BYTES);
	pthread_mutex_unlock(&c->lock);
}

static const char *
header_get(const struct sigv4_request *in, const char *name)
{
	unsigned i;

	for (i = 0; i < in->header_count; i++)
		if (strcasecmp(in->headers[i].name, name) == 0)
			return in->headers[i].value;
	return NULL;
}

static unsigned
header_count(const struct sigv4_request *in, const char *name)
{
	unsigned i, n = 0;

	for (i = 0; i < in->header_count; i++)
		n += strcasecmp(in->headers[i].name, name) == 0;
	return n;
}

/* "KEYID/DAY/REGION/s3/aws4_request"; the key id may hold slashes. */
static bool
credential_split(struct claim *c)
{
	char **part[] = { &c->terminator, &c->service, &c->region, &c->day };
	size_t i;

	for (i = 0; i < 4; i++) {
		char *slash = strrchr(c->credential, '/');

		if (slash == NULL)
			return false;
		*slash = '\0';
		*part[i] = slash + 1;
	}
	return c->credential[0] != '\0' &&
	    strlen(c->credential) <= SIGV4_KEY_ID_MAX &&
	    strlen(c->region) <= SIGV4_REGION_MAX && strlen(c->day) == 8;
}

/* "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=..." */
static enum s3_error
claim_from_header(struct claim *c, const struct sigv4_request *in)
{
	const char *value = header_get(in, "Authorization");
	char *p, *save = NULL;
	size_t len = strlen(value);

	if (strncmp(value, "AWS ", 4) == 0)
		return S3_INVALID_REQUEST;
	if (strncmp(value, "AWS4-ECDSA", 10) == 0)
		return S3_NOT_IMPLEMENTED;
	if (header_count(in, "Authorization") != 1 || len >= sizeof(c->buf) ||
	    strncmp(value, ALGORITHM " ", sizeof(ALGORITHM)) != 0)
		return S3_AUTH_MALFORMED;
	memcpy(c->buf, value, len + 1);
	for (p = strtok_r(c->buf + sizeof(ALGORITHM), ", ", &save); p != NULL;
	    p = strtok_r(NULL, ", ", &save)) {
		char **field = NULL;
		char *equals = strchr(p, '=');

		if (equals == NULL)
			return S3_AUTH_MALFORMED;
		*equals = '\0';
		if (strcmp(p, "Credential") == 0)
			field = &c->credential;
		else if (strcmp(p, "SignedHeaders") == 0)
			field = &c->signed_headers;
		else if (strcmp(p, "Signature") == 0)
			field = &c->signature;
		if (field == NULL || *field != NULL)
			return S3_AUTH_MALFORMED;
		*field = equals + 1;
	}
	if (c->credential == NULL || c->signed_headers == NULL ||
	    c->signature == NULL || !credential_split(c))
		return S3_AUTH_MALFORMED;

	c->payload = header_get(in, "x-amz-content-sha256");
	if (c->payload == NULL)
		c->payload = in->payload != NULL ? in->payload : EMPTY_SHA256;
	if (header_count(in, "x-amz-content-sha256") > 1)
		return S3_INVALID_ARGUMENT;
	c->date = header_get(in, "x-amz-date");
	if (c->date != NULL && (header_count(in, "x-amz-date") != 1 ||
	    s3_time_parse_amz(&c->date_s, c->date) != EC_OK))
		return S3_ACCESS_DENIED;
	return S3_OK;
}

/* SigV4 wants the date in the basic form; a client that sends only Date signs
 * that one in that form. */
static enum s3_error
claim_date(struct claim *c, const struct sigv4_request *in, char out[17])
{
	const char *date = header_get(in, "Date");
	time_t t;
	struct tm tm;

	if (c->date != NULL) {
		memcpy(out, c->date, 17);
		return S3_OK;
	}
	if (date == NULL || (s3_time_parse_http(&c->date_s, date) != EC_OK &&
	    s3_time_parse_amz(&c->date_s, date) != EC_OK))
		return S3_ACCESS_DENIED;
	t = c->date_s;
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm) != 16)
		return S3_ACCESS_DENIED;
	return S3_OK;
}

static enum s3_error
claim_from_query(struct claim *c, const struct sigv4_request *in)
{
	static const char *const names[] = { "X-Amz-Algorithm",
		"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
		"X-Amz-SignedHeaders", "X-Amz-Signature" };
	const struct request *rq = in->rq;
	const char *v;
	uint64_t expires;
	size_t i, used = 0;
	char **copy[] = { &c->credential, &c->signed_headers, &c->signature };
	const char *const copied[] = { "X-Amz-Credential",
		"X-Amz-SignedHeaders", "X-Amz-Signature" };

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (request_query_count(rq, names[i]) != 1)
			return S3_AUTH_QUERY;
	v = request_query(rq, "X-Amz-Algorithm");
	if (strncmp(v, "AWS4-ECDSA", 10) == 0)
		return S3_NOT_IMPLEMENTED;
	if (strcmp(v, ALGORITHM) != 0)
		return S3_AUTH_QUERY;
	for (i = 0; i < 3; i++) {
		size_t len = strlen(request_query(rq, copied[i])) + 1;

		if (len > sizeof(c->buf) - used)
			return S3_AUTH_QUERY;
		*copy[i] = memcpy(c->buf + used, request_query(rq, copied[i]),
		    len);
		used += len;
	}
	c->date = request_query(rq, "X-Amz-Date");
	if (!credential_split(c) ||
	    s3_time_parse_amz(&c->date_s, c->date) != EC_OK ||
	    num_parse(&expires, request_query(rq, "X-Amz-Expires"), 0,
	    SIGV4_EXPIRES_MAX_S) != EC_OK)
		return S3_AUTH_QUERY;
	c->expires_s = (int64_t)expires;
	c->payload = request_query(rq, "X-Amz-Content-Sha256");
	if (c->payload == NULL)
		c->payload = header_get(in, "x-amz-content-sha256");
	if (c->payload == NULL)
		c->payload = "UNSIGNED-PAYLOAD";
	return S3_OK;
}

static enum s3_error
payload_kind(struct sigv4 *out, const char *payload)
{
	static const struct {
		const char *text;
		enum sigv4_payload kind;
	} forms[] = {
		{ "UNSIGNED-PAYLOAD", SIGV4_UNSIGNED },
		{ "STREAMING-" ALGORITHM "-PAYLOAD", SIGV4_CHUNKS_SIGNED },
		{ "STREAMING-" ALGORITHM "-PAYLOAD-TRAILER",
		    SIGV4_CHUNKS_SIGNED_TRAILER },
		{ "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		    SIGV4_CHUNKS_UNSIGNED_TRAILER },
	};
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(payload, forms[i].text) == 0) {
			out->payload = forms[i].kind;
			return S3_OK;
		}
	if (strncmp(payload, "STREAMING-AWS4-ECDSA", 20) == 0)
		return S3_NOT_IMPLEMENTED;
	out->payload = SIGV4_HASHED;
	return num_unhex(out->payload_sha256, DIGEST_SHA256_BYTES, payload) ==
	    EC_OK ? S3_OK : S3_INVALID_ARGUMENT;
}

/* Is ${name} in the list "a;b;c"?  The list is lower case. */
static bool
is_signed(const char *list, const char *name)
{
	size_t len = strlen(name), n;

	for (; *list != '\0'; list += n + (list[n] == ';')) {
		n = strcspn(list, ";");
		if (n == len && strncasecmp(list, name, n) == 0)
			return true;
	}
	return false;
}

static enum s3_error
signed_headers_check(const struct claim *c, const struct sigv4_request *in)
{
	unsigned i;
	const char *p;

	for (p = c->signed_headers; *p != '\0'; p++)
		if (isupper((unsigned char)*p))
			return S3_SIGNATURE;
	if (!is_signed(c->signed_headers, "host"))
		return S3_ACCESS_DENIED;
	for (i = 0; i < in->header_count; i++)
		if (strncasecmp(in->headers[i].name, "x-amz-", 6) == 0 &&
		    !is_signed(c->signed_headers, in->headers[i].name))
			return S3_ACCESS_DENIED;
	return S3_OK;
}

static enum s3_error
scope_check(const struct claim *c, const struct sigv4_request *in,
    const char *date, const char *region, bool presigned)
{
	/* STS is asked at POST /, and nothing else is. */
	bool sts = strcmp(in->method, "POST") == 0 &&
	    in->rq->bucket[0] == '\0';

	if (sts && strcmp(c->service, "iam") == 0)
		return S3_NOT_IMPLEMENTED;	/* users: see ec-key */
	if (strcmp(c->service, sts ? "sts" : "s3") != 0 ||
	    strcmp(c->terminator, "aws4_request") != 0 ||
	    strncmp(c->day, date, 8) != 0 || strcmp(c->region, region) != 0)
		return presigned ? S3_AUTH_QUERY : S3_AUTH_MALFORMED;
	return S3_OK;
}

static enum s3_error
time_check(const struct claim *c, int64_t now_s, bool presigned)
{
	if (!presigned)
		return c->date_s > now_s + SIGV4_SKEW_S ||
		    c->date_s < now_s - SIGV4_SKEW_S ? S3_TIME_SKEW : S3_OK;
	if (c->date_s > now_s + SIGV4_SKEW_S)
		return S3_ACCESS_DENIED;
	return now_s >= c->date_s + c->expires_s ? S3_REQUEST_EXPIRED : S3_OK;
}

/* Does the signature hold over path and query in this form? */
static bool
signature_holds(struct sigv4 *out, const struct sigv4_request *in,
    const struct claim *c, enum sigv4_form form, enum err *e)
{
	struct buf text = BUF_INIT(SIGV4_CANONICAL_MAX);
	uint8_t sum[DIGEST_SHA256_BYTES], mac[DIGEST_SHA256_BYTES];
	char hex[2 * sizeof(sum) + 1];
	bool good = false;

	if ((*e = sigv4_canonical(&text, in, c->signed_headers, c->payload,
	    form)) != EC_OK)
		goto out;
	digest_once(DIGEST_SHA256, text.data, text.len, sum);
	num_hex(hex, sum, sizeof(sum));
	text.len = 0;
	if ((*e = buf_printf(&text, ALGORITHM "\n%s\n%s\n%s", out->date,
	    out->scope, hex)) != EC_OK)
		goto out;
	digest_hmac_sha256(out->key, sizeof(out->key), text.data, text.len,
	    mac);
	num_hex(out->signature, mac, sizeof(mac));
	good = strlen(c->signature) == 2 * sizeof(mac) &&
	    digest_equal(c->signature, out->signature, 2 * sizeof(mac));
out:
	buf_release(&text);
	return good;
}

static enum s3_error
signature_check(struct sigv4 *out, const struct sigv4_request *in,
    const struct claim *c, const struct sigv4_keys *keys,
    struct sigv4_cache *cache)
{
	/* An unknown key costs what a known one costs. */
	struct sigv4_secret who = { "", "the secret of no key at all" };
	bool known = keys->find(keys->ctx, c->credential, &who), good = false;
	enum err e = EC_OK;
	unsigned i;

	signing_key(out->key, &who, c, cache);
	for (i = 0; i < (out->presigned ? SIGV4_RAW_PATH_QUERY : SIGV4_FORMS) &&
	    !good && e == EC_OK; i++)
		good = signature_holds(out, in, c, (enum sigv4_form)i, &e);
	if (e != EC_OK)
		return s3_error_from(e);
	return good && known ? S3_OK : S3_SIGNATURE;
}

static bool
in_query(const struct sigv4_request *in)
{
	return request_query(in->rq, "X-Amz-Algorithm") != NULL ||
	    request_query(in->rq, "X-Amz-Signature") != NULL ||
	    request_query(in->rq, "X-Amz-Credential") != NULL;
}

bool
sigv4_present(const struct sigv4_request *in)
{
	const char *header = header_get(in, "Authorization");

	return (header != NULL && header[0] != '\0') || in_query(in);
}

enum s3_error
sigv4_anonymous(struct sigv4 *out, const struct sigv4_request *in)
{
	const char *payload = header_get(in, "x-amz-content-sha256");
	enum s3_error e;

	memset(out, 0, sizeof(*out));
	if (header_get(in, "x-amz-security-token") != NULL ||
	    header_count(in, "x-amz-content-sha256") > 1)
		return S3_ACCESS_DENIED;
	e = payload_kind(out, payload != NULL ? payload : "UNSIGNED-PAYLOAD");
	return e == S3_OK && (out->payload == SIGV4_CHUNKS_SIGNED ||
	    out->payload == SIGV4_CHUNKS_SIGNED_TRAILER) ? S3_ACCESS_DENIED :
	    e;
}

enum s3_error
sigv4_verify(struct sigv4 *out, const struct sigv4_request *in,
    const char *region, const struct sigv4_keys *keys,
    struct sigv4_cache *cache)
{
	bool header = header_get(in, "Authorization") != NULL;
	struct claim c = { .credential = NULL };
	enum s3_error e;

	memset(out, 0, sizeof(*out));
	out->presigned = in_query(in);
	if (header && (out->presigned ||
	    request_query(in->rq, "AWSAccessKeyId") != NULL))
		return S3_INVALID_ARGUMENT;
	if (!header && !out->presigned)
		return request_query(in->rq, "AWSAccessKeyId") != NULL ?
		    S3_INVALID_REQUEST : S3_ACCESS_DENIED;

	e = out->presigned ? claim_from_query(&c, in) :
	    claim_from_header(&c, in);
	if (e != S3_OK || (e = claim_date(&c, in, out->date)) != S3_OK ||
	    (!out->presigned && (e = time_check(&c, in->now_s, false)) !=
	    S3_OK) ||
	    (e = scope_check(&c, in, out->date, region, out->presigned)) !=
	    S3_OK ||
	    (e = payload_kind(out, c.payload)) != S3_OK ||
	    (e = signed_headers_check(&c, in)) != S3_OK ||
	    (out->presigned && (e = time_check(&c, in->now_s, true)) !=
	    S3_OK))
		return e;
	snprintf(out->scope, sizeof(out->scope), "%s/%s/%s/aws4_request",
	    c.day, c.region, c.service);
	if ((e = signature_check(out, in, &c, keys, cache)) != S3_OK)
		return e;
	memcpy(out->key_id, c.credential, strlen(c.credential) + 1);
	return S3_OK;
}
