/* request: what a request asks for: bucket, key and query, from its raw target
 * and Host.  Pure.
 *
 * Bucket and key are decoded exactly once and never normalised: "a//b" and
 * "../x" are keys like others. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "s3_error.h"

enum { REQUEST_QUERY_MAX = 64 };	/* parameters */

struct request_param {
	const char *name, *value;	/* decoded; value "" without '=' */
};

struct request {
	const char *bucket, *key;	/* "" if none; key: UTF-8, no NUL */
	const char *path;		/* all of the path, decoded */
	const char *raw_path;		/* as sent, without the query */
	const char *raw_query;		/* as sent; "" if none */
	struct request_param query[REQUEST_QUERY_MAX];
	unsigned query_count;
	bool virtual_host;		/* the bucket came from Host */
	char *mem;
};

/* Parse ${target} ("/bucket/key?a=b"); when ${domain} is not NULL, a Host of
 * "bucket.domain[:port]" names the bucket.  request_release ${out} in every
 * case.  Errors: S3_INVALID_URI (escapes, NUL, not UTF-8), S3_INVALID_ARGUMENT
 * (too many parameters), S3_KEY_TOO_LONG, S3_INVALID_BUCKET_NAME, S3_SLOW_DOWN
 * (memory). */
enum s3_error request_parse(struct request *out, const char *target,
    const char *host, const char *domain);
void request_release(struct request *r);

/* The value of the first parameter of that name; NULL if there is none. */
const char *request_query(const struct request *r, const char *name);
/* How many there are of that name. */
unsigned request_query_count(const struct request *r, const char *name);

/* Decode ${len} bytes of %-escapes into ${out} (len + 1 bytes), '+' to blank
 * with ${plus}.  Errors: S3_INVALID_URI (bad escape, NUL, not UTF-8). */
enum s3_error request_decode(char *out, const char *in, size_t len, bool plus);

/* Append ${text} with all but A-Z a-z 0-9 - _ . ~ (and '/' with ${slash})
 * as %XX, as SigV4 and encoding-type=url want it. */
enum err request_encode(struct buf *out, const char *text, bool slash);

/* Check "bucket/key" or "/bucket/key", decoded, as in x-amz-copy-source; both
 * point into ${text}, which is cut at the slash. */
enum s3_error request_split(char *text, const char **bucket, const char **key);

#endif
