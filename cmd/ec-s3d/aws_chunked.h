/* aws_chunked: the decoder of Content-Encoding: aws-chunked, with its chunk
 * signatures and trailers.  Pure; the same bytes give the same result however
 * they are cut.
 *
 * Strict: sizes are 1 to 16 hex digits, lines end in CRLF, nothing follows the
 * end.  The one leniency, for clients in use: a trailer's line may end in LF,
 * with an empty line behind the trailers before the signature and one more at
 * the end. */
#ifndef AWS_CHUNKED_H
#define AWS_CHUNKED_H

#include "sigv4.h"

enum {
	AWS_CHUNKED_LINE_MAX = 512,
	AWS_CHUNKED_TRAILERS_MAX = 1024,	/* bytes, all lines */
};

struct aws_chunked {
	const struct sigv4 *auth;
	bool sign, trailer;	/* chunks are signed; trailers are allowed */
	enum aws_chunked_state {
		AWS_CHUNKED_SIZE, AWS_CHUNKED_DATA, AWS_CHUNKED_DATA_END,
		AWS_CHUNKED_TRAILER, AWS_CHUNKED_LAST, AWS_CHUNKED_DONE,
	} state;
	uint64_t left;		/* bytes of this chunk still to come */
	uint64_t total;		/* payload bytes so far */
	struct digest *digest;	/* of this chunk */
	char previous[2 * DIGEST_SHA256_BYTES + 1];	/* signature */
	char expected[2 * DIGEST_SHA256_BYTES + 1];	/* this chunk's */
	char line[AWS_CHUNKED_LINE_MAX];
	size_t line_len;
	/* Trailers, as "name:value\n" each, names in lower case. */
	char trailers[AWS_CHUNKED_TRAILERS_MAX];
	size_t trailers_len;
	bool trailer_signed;
	unsigned blank_lines;
};

/* For a body of one of the three streamed kinds; ${auth} is read until
 * release.  Errors: EC_ENOMEM. */
enum err aws_chunked_init(struct aws_chunked *c, const struct sigv4 *auth);
void aws_chunked_release(struct aws_chunked *c);

/* Decode ${len} bytes in place: the payload among them moves to the front and
 * *${payload} is its length.  Payload is only to be believed when
 * aws_chunked_end says so.  Errors: S3_INCOMPLETE_BODY (not this format),
 * S3_SIGNATURE, S3_MALFORMED_TRAILER; final. */
enum s3_error aws_chunked_push(struct aws_chunked *c, uint8_t *buf,
    size_t len, size_t *payload);

/* The body ended: was all of it there?  Errors: S3_INCOMPLETE_BODY,
 * S3_SIGNATURE (trailers without one), S3_MALFORMED_TRAILER. */
enum s3_error aws_chunked_end(struct aws_chunked *c);

/* Walk the trailers: *${at} starts at 0; copies into name and value, which
 * take AWS_CHUNKED_LINE_MAX bytes; false at the end. */
bool aws_chunked_trailer(const struct aws_chunked *c, size_t *at, char *name,
    char *value);

#endif
