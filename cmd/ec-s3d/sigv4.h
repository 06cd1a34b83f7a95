/* sigv4: AWS Signature Version 4 of requests, in headers or in the query, and
 * what the signatures of streamed chunks need.  Pure.
 *
 * A request is good when: the credentials are in exactly one place; the scope
 * names this region, "s3" ("sts" for POST /) and the day of the request's date;
 * that date is within 15 minutes (or the presigned time has not run out); Host
 * and every x-amz-* header present are signed; the signature matches.  An
 * unknown key and a bad signature give the same answer in the same time.
 *
 * Without x-amz-content-sha256 the body must be empty, as it is in what old
 * clients send so.  Path and query are signed as clients should encode and
 * sort them, and also accepted as they sent them: both stand for the same
 * request. */
#ifndef SIGV4_H
#define SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "request.h"
#include "net/http_server.h"

enum {
	SIGV4_KEY_ID_MAX = 128,
	SIGV4_REGION_MAX = 64,
	SIGV4_SKEW_S = 15 * 60,
	SIGV4_EXPIRES_MAX_S = 7 * 24 * 3600,
};

/* What x-amz-content-sha256 says of the body. */
enum sigv4_payload {
	SIGV4_HASHED,			/* its SHA-256 */
	SIGV4_UNSIGNED,
	SIGV4_CHUNKS_SIGNED,		/* aws-chunked ... */
	SIGV4_CHUNKS_SIGNED_TRAILER,
	SIGV4_CHUNKS_UNSIGNED_TRAILER,
};

struct sigv4 {
	char key_id[SIGV4_KEY_ID_MAX + 1];
	bool presigned;
	bool v2;		/* made by sigv2 */
	enum sigv4_payload payload;
	uint8_t payload_sha256[DIGEST_SHA256_BYTES];	/* SIGV4_HASHED */
	/* For the signatures of chunks. */
	char date[17];				/* "20130524T000000Z" */
	char scope[SIGV4_REGION_MAX + 32];  /* "DAY/REGION/s3/aws4_request" */
	uint8_t key[DIGEST_SHA256_BYTES];	/* the signing key */
	char signature[2 * DIGEST_SHA256_BYTES + 1];	/* the seed */
};

struct sigv4_request {
	const char *method;
	const struct request *rq;
	const struct http_header *headers;
	unsigned header_count;
	int64_t now_s;
	const char *payload;	/* instead of a x-amz-content-sha256 that is
				 * not there: of a body already read; or NULL */
};

/* One pair of credentials; both NUL-terminated. */
struct sigv4_secret {
	const char *key_id, *secret;
};

/* Where secrets come from.  False: the key is not known (or not good), and the
 * time it takes is that of any other. */
struct sigv4_keys {
	bool (*find)(void *ctx, const char *key_id, struct sigv4_secret *out);
	void *ctx;
};

struct sigv4_cache;	/* signing keys; any number of threads */

enum err sigv4_cache_new(struct sigv4_cache **out);	/* EC_ENOMEM */
void sigv4_cache_free(struct sigv4_cache *c);

/* Does it carry anything that says who asks? */
bool sigv4_present(const struct sigv4_request *in);

/* What a request without credentials says of its body.  Errors:
 * S3_INVALID_ARGUMENT, S3_ACCESS_DENIED (chunks that are signed by nobody). */
enum s3_error sigv4_anonymous(struct sigv4 *out,
    const struct sigv4_request *in);

/* Authenticate a request.  ${keys} is asked once.  ${cache} may be NULL.
 * Errors: S3_ACCESS_DENIED (no credentials, or headers not signed),
 * S3_SIGNATURE, S3_TIME_SKEW, S3_REQUEST_EXPIRED, S3_AUTH_MALFORMED,
 * S3_AUTH_QUERY, S3_INVALID_REQUEST (Signature Version 2),
 * S3_INVALID_ARGUMENT (credentials in two places; a payload form unknown),
 * S3_NOT_IMPLEMENTED (SigV4a). */
enum s3_error sigv4_verify(struct sigv4 *out, const struct sigv4_request *in,
    const char *region, const struct sigv4_keys *keys,
    struct sigv4_cache *cache);

/* The signing key of a secret for a day ("20130524"), a region and a service
 * ("s3"). */
void sigv4_signing_key(uint8_t out[DIGEST_SHA256_BYTES], const char *secret,
    const char *day, const char *region, const char *service);

#endif
