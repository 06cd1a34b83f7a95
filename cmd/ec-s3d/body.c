#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base64.h"
#include "body.h"

static const char *
header_get(const struct body_head *head, const char *name)
{
	unsigned i;

	for (i = 0; i < head->header_count; i++)
		if (strcasecmp(head->headers[i].name, name) == 0)
			return head->headers[i].value;
	return NULL;
}

/* What the SDK says it computes must be what comes, unless it is the MD5 that
 * Content-MD5 has. */
static bool
sdk_agrees(const struct body_head *head, enum s3_checksum_kind kind)
{
	const char *name = header_get(head, "x-amz-sdk-checksum-algorithm");

	if (name == NULL || name[0] == '\0' || head->no_checksum)
		return true;
	return kind != S3_CHECKSUM_NONE ? s3_checksum_by_name(name) == kind :
	    header_get(head, "Content-MD5") != NULL;
}

/* The one checksum among the headers, or the one announced as a trailer. */
static enum s3_error
checksum_find(struct body *b, const struct body_head *head,
    enum s3_checksum_kind *kind)
{
	const char *trailer = header_get(head, "x-amz-trailer");
	enum s3_checksum_kind k;
	unsigned i;

	*kind = S3_CHECKSUM_NONE;
	for (i = 0; i < head->header_count && !head->no_checksum; i++) {
		k = s3_checksum_by_header(head->headers[i].name);
		if (k == S3_CHECKSUM_NONE)
			continue;
		if (*kind != S3_CHECKSUM_NONE)
			return S3_INVALID_REQUEST;
		if (!s3_checksum_valid(k, head->headers[i].value, NULL))
			return S3_INVALID_REQUEST;
		*kind = k;
		memcpy(b->want, head->headers[i].value,
		    strlen(head->headers[i].value) + 1);
	}
	if (trailer == NULL || trailer[0] == '\0')
		return sdk_agrees(head, *kind) ? S3_OK : S3_INVALID_REQUEST;
	k = s3_checksum_by_header(trailer);
	if (!b->chunked || !b->chunks.trailer || k == S3_CHECKSUM_NONE ||
	    *kind != S3_CHECKSUM_NONE)
		return S3_INVALID_REQUEST;
	b->in_trailer = true;
	*kind = k;
	return sdk_agrees(head, k) ? S3_OK : S3_INVALID_REQUEST;
}

static enum s3_error
length_find(struct body *b, const struct body_head *head)
{
	const char *decoded = header_get(head, "x-amz-decoded-content-length");

	b->length = head->content_length;
	if (!b->chunked)
		return S3_OK;
	if (decoded == NULL)
		return S3_MISSING_LENGTH;
	return num_parse(&b->length, decoded, 0, UINT64_MAX - 1) == EC_OK ?
	    S3_OK : S3_INVALID_ARGUMENT;
}

static enum s3_error
open_decoders(struct body *b, const struct body_head *head,
    enum s3_checksum_kind extra)
{
	const char *md5 = header_get(head, "Content-MD5");
	enum s3_checksum_kind kind;
	enum s3_error e;

	b->chunked = b->auth->payload != SIGV4_HASHED &&
	    b->auth->payload != SIGV4_UNSIGNED;
	if (b->chunked && aws_chunked_init(&b->chunks, b->auth) != EC_OK)
		return S3_SLOW_DOWN;
	if (b->auth->payload == SIGV4_HASHED &&
	    digest_new(&b->sha256, DIGEST_SHA256) != EC_OK)
		return S3_SLOW_DOWN;
	if (md5 != NULL && base64_decode(b->want_md5, sizeof(b->want_md5),
	    md5) != EC_OK)
		return S3_INVALID_DIGEST;
	if (md5 != NULL && digest_new(&b->md5, DIGEST_MD5) != EC_OK)
		return S3_SLOW_DOWN;
	if ((e = length_find(b, head)) != S3_OK ||
	    (e = checksum_find(b, head, &kind)) != S3_OK)
		return e;
	if (kind == S3_CHECKSUM_NONE)
		kind = extra;
	return s3_checksum_init(&b->sum, kind) == EC_OK ? S3_OK :
	    S3_SLOW_DOWN;
}

enum s3_error
body_open(struct body *b, const struct body_head *head,
    const struct body_source *source, enum s3_checksum_kind extra)
{
	b->source = *source;
	b->auth = head->auth;
	b->failed = open_decoders(b, head, extra);
	return b->failed;
}

void
body_release(struct body *b)
{
	aws_chunked_release(&b->chunks);
	digest_free(b->sha256);
	digest_free(b->md5);
	s3_checksum_release(&b->sum);
	b->sha256 = b->md5 = NULL;
}

bool
body_has_digest(const struct body *b)
{
	return b->md5 != NULL || b->in_trailer || b->want[0] != '\0';
}

/* Exactly the announced trailer must be there. */
static enum s3_error
trailers_check(struct body *b)
{
	char name[AWS_CHUNKED_LINE_MAX], value[AWS_CHUNKED_LINE_MAX];
	size_t at = 0;
	unsigned n = 0;

	while (aws_chunked_trailer(&b->chunks, &at, name, value)) {
		if (!b->in_trailer || n++ > 0 ||
		    strcmp(name, s3_checksum_header(b->sum.kind)) != 0)
			return S3_MALFORMED_TRAILER;
		if (!s3_checksum_valid(b->sum.kind, value, NULL))
			return S3_INVALID_REQUEST;
		memcpy(b->want, value, strlen(value) + 1);
	}
	return b->in_trailer && n == 0 ? S3_MALFORMED_TRAILER : S3_OK;
}

static enum s3_error
end_check(struct body *b)
{
	uint8_t sum[DIGEST_BYTES_MAX];
	enum s3_error e;

	if (b->chunked && ((e = aws_chunked_end(&b->chunks)) != S3_OK ||
	    (e = trailers_check(b)) != S3_OK))
		return e;
	if (b->length != UINT64_MAX && b->received != b->length)
		return S3_INCOMPLETE_BODY;
	if (b->sha256 != NULL) {
		digest_final(b->sha256, sum);
		if (!digest_equal(sum, b->auth->payload_sha256,
		    DIGEST_SHA256_BYTES))
			return S3_CONTENT_SHA256_MISMATCH;
	}
	if (b->md5 != NULL) {
		digest_final(b->md5, sum);
		if (!digest_equal(sum, b->want_md5, DIGEST_MD5_BYTES))
			return S3_BAD_DIGEST;
	}
	s3_checksum_final(&b->sum, b->checksum);
	if (b->want[0] != '\0' && strcmp(b->want, b->checksum) != 0)
		return S3_BAD_DIGEST;
	return S3_OK;
}

static enum s3_error
read_some(struct body *b, uint8_t *buf, size_t max, size_t *got)
{
	enum s3_error e;
	enum err r;

	/* A chunk's head may come without payload; 0 means the end. */
	while (*got == 0 && !b->ended) {
		r = b->source.read(b->source.ctx, buf, max, got);
		if (r == EC_ETIMEDOUT)
			return S3_REQUEST_TIMEOUT;
		if (r != EC_OK)
			return S3_INCOMPLETE_BODY;
		if (*got == 0) {
			b->ended = true;
			break;
		}
		if (b->chunked && (e = aws_chunked_push(&b->chunks, buf, *got,
		    got)) != S3_OK)
			return e;
	}
	b->received += *got;
	if (b->received > b->length)
		return S3_INCOMPLETE_BODY;
	if (b->sha256 != NULL)
		digest_update(b->sha256, buf, *got);
	if (b->md5 != NULL)
		digest_update(b->md5, buf, *got);
	s3_checksum_update(&b->sum, buf, *got);
	if (*got > 0)
		return S3_OK;
	b->done = true;
	return end_check(b);
}

enum s3_error
body_read(struct body *b, void *buf, size_t max, size_t *got)
{
	*got = 0;
	if (b->failed == S3_OK && !b->done)
		b->failed = read_some(b, buf, max, got);
	if (b->failed != S3_OK)
		*got = 0;
	return b->failed;
}
