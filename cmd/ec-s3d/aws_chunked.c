#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "aws_chunked.h"

#define EMPTY_SHA256 \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGNATURE ";chunk-signature="
#define TRAILER_SIGNATURE "x-amz-trailer-signature"

enum err
aws_chunked_init(struct aws_chunked *c, const struct sigv4 *auth)
{
	memset(c, 0, sizeof(*c));
	c->auth = auth;
	c->sign = auth->payload != SIGV4_CHUNKS_UNSIGNED_TRAILER;
	c->trailer = auth->payload != SIGV4_CHUNKS_SIGNED;
	memcpy(c->previous, auth->signature, sizeof(c->previous));
	return c->sign ? digest_new(&c->digest, DIGEST_SHA256) : EC_OK;
}

void
aws_chunked_release(struct aws_chunked *c)
{
	digest_free(c->digest);
	c->digest = NULL;
}

/* Check ${given} against the signature of what came last, and make it the
 * previous one. */
static enum s3_error
verify(struct aws_chunked *c, const char *algorithm, const char *middle,
    const char *hash, const char *given)
{
	char text[512], hex[2 * DIGEST_SHA256_BYTES + 1];
	uint8_t mac[DIGEST_SHA256_BYTES];
	int n = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n%s%s", algorithm,
	    c->auth->date, c->auth->scope, c->previous, middle, hash);

	if (n < 0 || (size_t)n >= sizeof(text))
		return S3_SIGNATURE;
	digest_hmac_sha256(c->auth->key, sizeof(c->auth->key), text, (size_t)n,
	    mac);
	num_hex(hex, mac, sizeof(mac));
	if (strlen(given) != sizeof(hex) - 1 ||
	    !digest_equal(given, hex, sizeof(hex) - 1))
		return S3_SIGNATURE;
	memcpy(c->previous, hex, sizeof(hex));
	return S3_OK;
}

static enum s3_error
chunk_verify(struct aws_chunked *c)
{
	uint8_t sum[DIGEST_SHA256_BYTES];
	char hex[2 * sizeof(sum) + 1];

	if (!c->sign)
		return S3_OK;
	digest_final(c->digest, sum);
	num_hex(hex, sum, sizeof(sum));
	return verify(c, "AWS4-HMAC-SHA256-PAYLOAD", EMPTY_SHA256 "\n", hex,
	    c->expected);
}

/* "1F4" or "1F4;chunk-signature=HEX". */
static enum s3_error
size_line(struct aws_chunked *c)
{
	char *p = c->line;
	enum s3_error e;

	for (c->left = 0; isxdigit((unsigned char)*p); p++) {
		if (p - c->line == 16)
			return S3_INCOMPLETE_BODY;
		c->left = c->left << 4 | (uint64_t)(isdigit((unsigned char)*p) ?
		    *p - '0' : tolower((unsigned char)*p) - 'a' + 10);
	}
	if (p == c->line)
		return S3_INCOMPLETE_BODY;
	if (!c->sign) {
		if (*p != '\0')
			return S3_INCOMPLETE_BODY;
	} else {
		if (strncmp(p, SIGNATURE, sizeof(SIGNATURE) - 1) != 0)
			return S3_SIGNATURE;
		p += sizeof(SIGNATURE) - 1;
		if (strlen(p) != sizeof(c->expected) - 1)
			return S3_SIGNATURE;
		memcpy(c->expected, p, sizeof(c->expected));
	}
	if (c->left != 0) {
		if (c->left > UINT64_MAX - c->total)
			return S3_INCOMPLETE_BODY;
		c->state = AWS_CHUNKED_DATA;
		return S3_OK;
	}
	if ((e = chunk_verify(c)) != S3_OK)
		return e;
	c->state = c->trailer ? AWS_CHUNKED_TRAILER : AWS_CHUNKED_LAST;
	return S3_OK;
}

static enum s3_error
trailers_verify(struct aws_chunked *c, const char *given)
{
	uint8_t sum[DIGEST_SHA256_BYTES];
	char hex[2 * sizeof(sum) + 1];

	if (!c->sign || c->trailer_signed)
		return S3_MALFORMED_TRAILER;
	digest_once(DIGEST_SHA256, c->trailers, c->trailers_len, sum);
	num_hex(hex, sum, sizeof(sum));
	c->trailer_signed = true;
	return verify(c, "AWS4-HMAC-SHA256-TRAILER", "", hex, given);
}

static enum s3_error
trailer_line(struct aws_chunked *c)
{
	char *colon, *value, *p;
	size_t len;
	int n;

	if (c->line_len == 0) {
		if (c->blank_lines++ > 0 || (c->sign && !c->trailer_signed &&
		    c->trailers_len == 0))
			return S3_MALFORMED_TRAILER;
		if (!c->sign || c->trailer_signed)
			c->state = AWS_CHUNKED_LAST;
		return S3_OK;
	}
	colon = strchr(c->line, ':');
	if (colon == NULL || colon == c->line || c->trailer_signed)
		return S3_MALFORMED_TRAILER;
	*colon = '\0';
	for (p = c->line; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	value = colon + 1 + strspn(colon + 1, " ");
	for (len = strlen(value); len > 0 && value[len - 1] == ' '; len--)
		value[len - 1] = '\0';
	if (strcmp(c->line, TRAILER_SIGNATURE) == 0) {
		c->blank_lines = 0;
		return trailers_verify(c, value);
	}
	if (c->blank_lines > 0)
		return S3_MALFORMED_TRAILER;
	n = snprintf(c->trailers + c->trailers_len,
	    sizeof(c->trailers) - c->trailers_len, "%s:%s\n", c->line, value);
	if (n < 0 || (size_t)n >= sizeof(c->trailers) - c->trailers_len)
		return S3_MALFORMED_TRAILER;
	c->trailers_len += (size_t)n;
	return S3_OK;
}

/* A line is complete, without its end. */
static enum s3_error
line_done(struct aws_chunked *c)
{
	if (memchr(c->line, '\0', c->line_len) != NULL)
		return S3_INCOMPLETE_BODY;
	switch (c->state) {
	case AWS_CHUNKED_SIZE:
		return size_line(c);
	case AWS_CHUNKED_DATA_END:
		c->state = AWS_CHUNKED_SIZE;
		return c->line_len == 0 ? chunk_verify(c) : S3_INCOMPLETE_BODY;
	case AWS_CHUNKED_TRAILER:
		return trailer_line(c);
	case AWS_CHUNKED_LAST:
		c->state = AWS_CHUNKED_DONE;
		return c->line_len == 0 ? S3_OK : S3_INCOMPLETE_BODY;
	default:
		return S3_INCOMPLETE_BODY;
	}
}

static enum s3_error
line_byte(struct aws_chunked *c, char byte)
{
	enum s3_error e;

	if (byte != '\n') {
		/* A CR is only allowed before the LF. */
		if (c->line_len == sizeof(c->line) - 1 || (c->line_len > 0 &&
		    c->line[c->line_len - 1] == '\r'))
			return S3_INCOMPLETE_BODY;
		c->line[c->line_len++] = byte;
		return S3_OK;
	}
	if (c->line_len > 0 && c->line[c->line_len - 1] == '\r')
		c->line_len--;
	else if (c->state != AWS_CHUNKED_TRAILER)
		return S3_INCOMPLETE_BODY;
	c->line[c->line_len] = '\0';
	e = line_done(c);
	c->line_len = 0;
	return e;
}

enum s3_error
aws_chunked_push(struct aws_chunked *c, uint8_t *buf, size_t len,
    size_t *payload)
{
	size_t in = 0, out = 0, n;
	enum s3_error e;

	*payload = 0;
	while (in < len) {
		if (c->state != AWS_CHUNKED_DATA) {
			if ((e = line_byte(c, (char)buf[in++])) != S3_OK)
				return e;
			continue;
		}
		n = (size_t)num_min(c->left, len - in);
		if (c->sign)
			digest_update(c->digest, buf + in, n);
		memmove(buf + out, buf + in, n);
		in += n;
		out += n;
		c->left -= n;
		c->total += n;
		if (c->left == 0)
			c->state = AWS_CHUNKED_DATA_END;
	}
	*payload = out;
	return S3_OK;
}

/* LAST is an end for trailers: their own empty line was there.  Without
 * trailers it is the empty line behind the last chunk, which must be there.
 * A good trailer signature ends a body too: nothing can be lacking. */
enum s3_error
aws_chunked_end(struct aws_chunked *c)
{
	if (c->line_len != 0)
		return S3_INCOMPLETE_BODY;
	if (c->state == AWS_CHUNKED_DONE || c->trailer_signed ||
	    (c->state == AWS_CHUNKED_LAST && c->trailer))
		return S3_OK;
	if (c->state == AWS_CHUNKED_TRAILER)
		return c->sign && c->trailers_len > 0 ? S3_SIGNATURE :
		    S3_MALFORMED_TRAILER;
	return S3_INCOMPLETE_BODY;
}

bool
aws_chunked_trailer(const struct aws_chunked *c, size_t *at, char *name,
    char *value)
{
	const char *line = c->trailers + *at, *colon;
	size_t len;

	if (*at >= c->trailers_len)
		return false;
	colon = strchr(line, ':');
	len = strcspn(line, "\n");
	memcpy(name, line, (size_t)(colon - line));
	name[colon - line] = '\0';
	memcpy(value, colon + 1, len - (size_t)(colon + 1 - line));
	value[len - (size_t)(colon + 1 - line)] = '\0';
	*at += len + 1;
	return true;
}
