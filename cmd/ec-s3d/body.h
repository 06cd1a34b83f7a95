/* body: the payload of a request, decoded and checked while it streams.
 *
 * Whatever the client said of it is checked at its end: length, SHA-256 of the
 * signature, chunk signatures, Content-MD5 and x-amz-checksum-* in headers or
 * trailers.  Only then does body_read report the end; until then nothing may
 * be committed. */
#ifndef BODY_H
#define BODY_H

#include "aws_chunked.h"
#include "s3_checksum.h"

struct body_head {	/* what the head of the request says */
	const struct http_header *headers;
	unsigned header_count;
	uint64_t content_length;	/* UINT64_MAX: not announced */
	const struct sigv4 *auth;
	bool no_checksum;	/* x-amz-checksum-* are of something else */
};

struct body_source {	/* where the bytes come from; http_read's contract */
	void *ctx;
	enum err (*read)(void *ctx, void *buf, size_t max, size_t *got);
};

struct body {
	struct body_source source;
	const struct sigv4 *auth;
	uint64_t length;	/* of the payload; UINT64_MAX if not known */
	uint64_t received;	/* payload bytes so far */
	bool chunked, ended, done;
	enum s3_error failed;
	struct aws_chunked chunks;
	struct digest *sha256, *md5;
	uint8_t want_md5[DIGEST_MD5_BYTES];
	bool in_trailer;
	char want[S3_CHECKSUM_TEXT_BYTES];	/* the checksum that was sent */
	struct s3_checksum sum;
	/* After the end: the checksum computed; "" if none was asked for. */
	char checksum[S3_CHECKSUM_TEXT_BYTES];
};
#define BODY_INIT { .length = 0 }

/* Look at the head; on an error body_read gives it too.  ${b} is BODY_INIT
 * and needs body_release in every case.  With ${extra} that checksum is
 * computed when the client gave none.  Errors: S3_MISSING_LENGTH,
 * S3_INVALID_DIGEST (Content-MD5), S3_INVALID_ARGUMENT, S3_INVALID_REQUEST
 * (a checksum that is none, several, a trailer not supported), S3_SLOW_DOWN
 * (memory). */
enum s3_error body_open(struct body *b, const struct body_head *head,
    const struct body_source *source, enum s3_checksum_kind extra);
void body_release(struct body *b);

/* Up to ${max} (1 or more) bytes of payload; *${got} 0 at its end, when
 * everything was good.  Errors: S3_INCOMPLETE_BODY, S3_REQUEST_TIMEOUT,
 * S3_SIGNATURE, S3_CONTENT_SHA256_MISMATCH, S3_BAD_DIGEST,
 * S3_MALFORMED_TRAILER; final. */
enum s3_error body_read(struct body *b, void *buf, size_t max, size_t *got);

/* Did the client send Content-MD5 or a checksum? */
bool body_has_digest(const struct body *b);

#endif
