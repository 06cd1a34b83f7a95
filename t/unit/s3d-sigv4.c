/* The examples that AWS publishes for Signature Version 4 and S3, and what
 * must be refused. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "base/digest.h"
#include "ec-s3d/s3_time.h"
#include "ec-s3d/sigv4.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define HOST { "Host", "examplebucket.s3.amazonaws.com" }
#define DATE { "x-amz-date", "20130524T000000Z" }
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NO_BODY { "x-amz-content-sha256", EMPTY }
#define AUTH(headers, signature) { "Authorization", \
	"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1" \
	"/s3/aws4_request,SignedHeaders=" headers ",Signature=" signature }

static const struct sigv4_secret who = { "AKIAIOSFODNN7EXAMPLE", SECRET };
static struct sigv4 got;

static bool
find(void *ctx, const char *key_id, struct sigv4_secret *out)
{
	(void)ctx;
	if (strcmp(key_id, who.key_id) != 0)
		return false;
	*out = who;
	return true;
}
static const struct sigv4_keys keys = { find, NULL };

static enum s3_error
verify_at(const char *method, const char *target,
    const struct http_header *headers, int64_t after_s)
{
	struct request rq;
	struct sigv4_request in = { .method = method, .rq = &rq,
		.headers = headers };
	enum s3_error e;

	if (request_parse(&rq, target, "examplebucket.s3.amazonaws.com",
	    "s3.amazonaws.com") != S3_OK)
		abort();
	while (headers[in.header_count].name != NULL)
		in.header_count++;
	s3_time_parse_amz(&in.now_s, "20130524T000000Z");
	in.now_s += after_s;
	e = sigv4_verify(&got, &in, "us-east-1", &keys, NULL);
	request_release(&rq);
	return e;
}

static enum s3_error
verify(const char *method, const char *target,
    const struct http_header *headers)
{
	return verify_at(method, target, headers, 0);
}

#define IS(e, want, ...) \
	tap_is_str(s3_error_code(e), s3_error_code(want), __VA_ARGS__)

#define RANGE_GET "host;range;x-amz-content-sha256;x-amz-date"
#define RANGE_SIGNATURE \
	"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
#define RANGE { "Range", "bytes=0-9" }

static void
published(void)
{
	const struct http_header get[] = { HOST, DATE, NO_BODY, RANGE,
		AUTH(RANGE_GET, RANGE_SIGNATURE), { NULL, NULL } };
	const struct http_header put[] = { HOST, DATE,
		{ "Date", "Fri, 24 May 2013 00:00:00 GMT" },
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
		{ "x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba"
		    "87d2b6b4b4e99e42034a8b803f8b072" },
		AUTH("date;host;x-amz-content-sha256;x-amz-date;"
		    "x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d8"
		    "41ea1380cd77a1b5971af0ece108bd"), { NULL, NULL } };
	const struct http_header lifecycle[] = { HOST, DATE, NO_BODY,
		AUTH("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1"
		    "c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
		{ NULL, NULL } };
	const struct http_header list[] = { HOST, DATE, NO_BODY,
		AUTH("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45"
		    "bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
		{ NULL, NULL } };

	IS(verify("GET", "/test.txt", get), S3_OK, "GET Object with Range");
	tap_is_str(got.key_id, who.key_id, "its key id");
	tap_is_str(got.scope, "20130524/us-east-1/s3/aws4_request",
	    "its scope");
	tap_ok(got.payload == SIGV4_HASHED && !got.presigned, "its payload");
	IS(verify("PUT", "/test$file.text", put), S3_OK, "PUT Object");
	IS(verify("PUT", "/test%24file.text", put), S3_OK,
	    "PUT Object, its path escaped");
	IS(verify("GET", "/?lifecycle", lifecycle), S3_OK,
	    "GET Bucket lifecycle");
	IS(verify("GET", "/?max-keys=2&prefix=J", list), S3_OK, "List");
	IS(verify("GET", "/?prefix=J&max-keys=2", list), S3_OK,
	    "List, its query in another order");
	IS(verify("GET", "/?prefix=K&max-keys=2", list), S3_SIGNATURE,
	    "List, of another prefix");
}

#define SIGNED_URL "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credent" \
	"ial=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" \
	"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeader" \
	"s=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c2" \
	"65957d157751f604d404"

static void
presigned(void)
{
	const struct http_header host[] = { HOST, { NULL, NULL } };
	const struct http_header copy[] = { HOST,
		{ "x-amz-copy-source", "/other/secret" }, { NULL, NULL } };
	const struct http_header both[] = { HOST,
		AUTH("host", RANGE_SIGNATURE), { NULL, NULL } };

	IS(verify("GET", SIGNED_URL, host), S3_OK, "presigned GET");
	tap_ok(got.presigned && got.payload == SIGV4_UNSIGNED, "its payload");
	IS(verify("PUT", SIGNED_URL, host), S3_SIGNATURE,
	    "presigned for another method");
	IS(verify_at("GET", SIGNED_URL, host, 86399), S3_OK,
	    "presigned, in its last second");
	IS(verify_at("GET", SIGNED_URL, host, 86400), S3_REQUEST_EXPIRED,
	    "presigned, expired");
	IS(verify_at("GET", SIGNED_URL, host, -901), S3_ACCESS_DENIED,
	    "presigned, not valid yet");
	IS(verify("GET", SIGNED_URL, copy), S3_ACCESS_DENIED,
	    "presigned with an x-amz header that is not signed");
	IS(verify("GET", SIGNED_URL, both), S3_INVALID_ARGUMENT,
	    "credentials in query and header");
	IS(verify("GET", SIGNED_URL "&X-Amz-Expires=86400", host),
	    S3_AUTH_QUERY, "a parameter given twice");
	IS(verify("GET", SIGNED_URL "&versionId=3", host), S3_SIGNATURE,
	    "a parameter added");
	IS(verify("GET", "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256", host),
	    S3_AUTH_QUERY, "parameters missing");
	IS(verify("GET", "/test.txt", host), S3_ACCESS_DENIED,
	    "no credentials");
	IS(verify("GET", "/test.txt?AWSAccessKeyId=a&Signature=b&Expires=1",
	    host), S3_INVALID_REQUEST, "presigned by Signature Version 2");
}

static void
refused(void)
{
	struct http_header h[] = { HOST, DATE, NO_BODY, RANGE,
		AUTH(RANGE_GET, RANGE_SIGNATURE), { NULL, NULL },
		{ NULL, NULL } };
	const struct http_header good[] = { HOST, DATE, NO_BODY, RANGE,
		AUTH(RANGE_GET, RANGE_SIGNATURE) };
	size_t i;

#define REFUSE(at, header, want, ...) do { \
		h[at] = (struct http_header)header; \
		IS(verify("GET", "/test.txt", h), want, __VA_ARGS__); \
		for (i = 0; i < 5; i++) \
			h[i] = good[i]; \
		h[5] = (struct http_header){ NULL, NULL }; \
	} while (0)
#define H(...) { __VA_ARGS__ }

	REFUSE(5, H("X-Accept", "x"), S3_OK, "another header may be unsigned");
	REFUSE(5, H("X-Amz-Acl", "private"), S3_ACCESS_DENIED,
	    "an x-amz header may not");
	REFUSE(5, H("Range", "bytes=0-5"), S3_SIGNATURE,
	    "a signed header given twice");
	REFUSE(3, H("Range", "bytes=0-8"), S3_SIGNATURE, "another value");
	REFUSE(3, H("Range", "  bytes=0-9 "), S3_OK,
	    "blanks around it do not count");
	REFUSE(0, H("Host", "other"), S3_SIGNATURE, "another host");
	REFUSE(2, H("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), S3_SIGNATURE,
	    "another payload");
	REFUSE(2, H("x-amz-content-sha256", "abc"), S3_INVALID_ARGUMENT,
	    "a payload form that is none");
	REFUSE(2, H("x-amz-content-sha256",
	    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), S3_NOT_IMPLEMENTED,
	    "SigV4a chunks");
	REFUSE(2, H("x-other", EMPTY), S3_SIGNATURE,
	    "x-amz-content-sha256 left out");
	REFUSE(1, H("x-amz-date", "20130524T00000Z"), S3_ACCESS_DENIED,
	    "no date");
	REFUSE(1, H("x-amz-date", "20130523T235959Z"), S3_AUTH_MALFORMED,
	    "a date that is not the scope's");
	REFUSE(1, H("x-amz-date", "20130525T000000Z"), S3_TIME_SKEW,
	    "one that is far off, too");
	REFUSE(4, H("Authorization", "AWS a:b"), S3_INVALID_REQUEST,
	    "Signature Version 2");
	REFUSE(4, H("Authorization", "Bearer x"), S3_AUTH_MALFORMED,
	    "another scheme");
	REFUSE(4, H("Authorization", "AWS4-HMAC-SHA256 Credential=a"),
	    S3_AUTH_MALFORMED, "fields missing");
	REFUSE(4, H("Authorization", "AWS4-HMAC-SHA256 Credential=a/20130524/"
	    "us-east-1/s3/aws4_request,SignedHeaders=" RANGE_GET
	    ",Signature=" RANGE_SIGNATURE), S3_SIGNATURE,
	    "a key not known answers as a bad signature");
	REFUSE(4, H("Authorization", "AWS4-HMAC-SHA256 Credential="
	    "AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request,"
	    "SignedHeaders=" RANGE_GET ",Signature=" RANGE_SIGNATURE),
	    S3_AUTH_MALFORMED, "another region");
	REFUSE(4, H("Authorization", "AWS4-HMAC-SHA256 Credential="
	    "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
	    "SignedHeaders=range;x-amz-content-sha256;x-amz-date,Signature="
	    RANGE_SIGNATURE), S3_ACCESS_DENIED, "host not signed");
	for (i = 0; i < 5; i++)
		h[i] = good[i];
	IS(verify_at("GET", "/test.txt", h, 900), S3_OK, "15 minutes late");
	IS(verify_at("GET", "/test.txt", h, 901), S3_TIME_SKEW, "later");
	IS(verify_at("GET", "/test.txt", h, -901), S3_TIME_SKEW, "too early");
}

static bool
find_other(void *ctx, const char *key_id, struct sigv4_secret *out)
{
	(void)key_id;
	*out = *(const struct sigv4_secret *)ctx;
	return true;
}

/* Another secret whose digest begins as that of the first: it falls into the
 * same slot of the cache. */
static void
other_secret(char *out, size_t max)
{
	uint8_t want[DIGEST_SHA256_BYTES], is[DIGEST_SHA256_BYTES];

	digest_once(DIGEST_SHA256, SECRET, strlen(SECRET), want);
	for (unsigned i = 0; i == 0 || is[0] != want[0]; i++) {
		snprintf(out, max, "secret %u", i);
		digest_once(DIGEST_SHA256, out, strlen(out), is);
	}
}

static void
cached(void)
{
	char other[32];
	struct sigv4_secret changed = { "AKIAIOSFODNN7EXAMPLE", other };
	const struct sigv4_keys others = { find_other, &changed };
	struct sigv4_cache *c = NULL;
	struct request rq;
	const struct http_header h[] = { HOST, DATE, NO_BODY, RANGE,
		AUTH(RANGE_GET, RANGE_SIGNATURE) };
	struct sigv4_request in = { "GET", &rq, h, 5, 0, .payload = NULL };
	unsigned i;

	s3_time_parse_amz(&in.now_s, "20130524T000000Z");
	request_parse(&rq, "/test.txt", NULL, NULL);
	tap_ok(sigv4_cache_new(&c) == EC_OK, "a cache");
	for (i = 0; i < 2; i++)
		IS(sigv4_verify(&got, &in, "us-east-1", &keys, c), S3_OK,
		    "with the cache, time %u", i + 1);
	other_secret(other, sizeof(other));
	IS(sigv4_verify(&got, &in, "us-east-1", &others, c), S3_SIGNATURE,
	    "its secret has changed since");
	request_release(&rq);
	sigv4_cache_free(c);
}

int
main(void)
{
	published();
	presigned();
	refused();
	cached();
	return tap_done();
}
