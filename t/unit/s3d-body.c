/* Bodies: what was said of them is checked at their end, and only then do
 * they end well. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "base/num.h"
#include "ec-s3d/body.h"

struct source {
	const char *text;
	size_t len, at, step;
	enum err e;		/* after the text; EC_OK: its end */
};

static enum err
source_read(void *ctx, void *buf, size_t max, size_t *got)
{
	struct source *s = ctx;
	size_t n = s->len - s->at;

	n = n < s->step ? n : s->step;
	n = n < max ? n : max;
	memcpy(buf, s->text + s->at, n);
	s->at += n;
	*got = n;
	return n == 0 ? s->e : EC_OK;
}

struct trial {
	struct sigv4 auth;
	struct http_header headers[4];
	unsigned n;
	enum err e;
	char checksum[S3_CHECKSUM_TEXT_BYTES];
};

/* Read ${text} under the head of ${t}; the payload must be ${want}. */
static enum s3_error
run(struct trial *t, const char *text, uint64_t length, const char *want,
    size_t step)
{
	struct source s = { text, strlen(text), 0, step, t->e };
	const struct body_source source = { &s, source_read };
	const struct body_head head = { t->headers, t->n, length, &t->auth,
		false };
	struct body b = BODY_INIT;
	char payload[256];
	uint8_t buf[4096];
	size_t len = 0, got = 0;
	enum s3_error e = body_open(&b, &head, &source, S3_CHECKSUM_CRC32C);

	while (e == S3_OK && (e = body_read(&b, buf, sizeof(buf), &got)) ==
	    S3_OK && got > 0) {
		memcpy(payload + len, buf, got);
		len += got;
	}
	payload[len] = '\0';
	if (e == S3_OK && (strcmp(payload, want) != 0 ||
	    body_read(&b, buf, sizeof(buf), &got) != S3_OK || got != 0))
		e = S3_INTERNAL;
	if (e != S3_OK && body_read(&b, buf, sizeof(buf), &got) == S3_OK &&
	    got > 0)
		e = S3_INTERNAL;	/* failed, and yet gives more */
	memcpy(t->checksum, b.checksum, sizeof(t->checksum));
	body_release(&b);
	return e;
}

static void
expect(struct trial *t, const char *text, uint64_t length,
    enum s3_error want, const char *what)
{
	enum s3_error a = run(t, text, length, "hello", 1000);
	enum s3_error b = run(t, text, length, "hello", 1);

	tap_ok(a == want && b == want, "%s", what);
	if (a != want || b != want)
		tap_note("%s, %s", s3_error_code(a), s3_error_code(b));
}

static void
plain(void)
{
	struct trial t = { .auth.payload = SIGV4_UNSIGNED };

	expect(&t, "hello", 5, S3_OK, "a plain body");
	tap_is_str(t.checksum, "mnG7TA==", "a checksum is computed");
	expect(&t, "hell", 5, S3_INCOMPLETE_BODY, "a shorter one");
	expect(&t, "hello!", 5, S3_INCOMPLETE_BODY, "a longer one");
	expect(&t, "hello", UINT64_MAX, S3_OK, "of unknown length");
	t.e = EC_EIO;
	expect(&t, "hel", 5, S3_INCOMPLETE_BODY, "the client goes away");
	t.e = EC_ETIMEDOUT;
	expect(&t, "hel", 5, S3_REQUEST_TIMEOUT, "the client hangs");
	t.e = EC_OK;

	t.n = 1;
	t.headers[0] = (struct http_header){ "Content-MD5",
		"XUFAKrxLKna5cZ2REBfFkg==" };
	expect(&t, "hello", 5, S3_OK, "Content-MD5");
	expect(&t, "hallo", 5, S3_BAD_DIGEST, "of another body");
	t.headers[0].value = "XUFAKrxLKna5cZ2REBfFkg";
	expect(&t, "hello", 5, S3_INVALID_DIGEST, "not one");
	t.headers[0] = (struct http_header){ "X-Amz-Checksum-Crc32",
		"NhCmhg==" };
	expect(&t, "hello", 5, S3_OK, "a checksum");
	tap_is_str(t.checksum, "NhCmhg==", "that is the one computed");
	expect(&t, "hallo", 5, S3_BAD_DIGEST, "of another body");
	t.headers[1] = (struct http_header){ "x-amz-checksum-crc32c",
		"mnG7TA==" };
	t.n = 2;
	expect(&t, "hello", 5, S3_INVALID_REQUEST, "two checksums");
	t.headers[1] = (struct http_header){ "x-amz-trailer",
		"x-amz-checksum-crc32c" };
	expect(&t, "hello", 5, S3_INVALID_REQUEST, "a trailer too");
}

static void
hashed(void)
{
	struct trial t = { .auth.payload = SIGV4_HASHED };

	digest_once(DIGEST_SHA256, "hello", 5, t.auth.payload_sha256);
	expect(&t, "hello", 5, S3_OK, "a hashed body");
	expect(&t, "hallo", 5, S3_CONTENT_SHA256_MISMATCH, "another");
	digest_once(DIGEST_SHA256, "", 0, t.auth.payload_sha256);
	tap_ok(run(&t, "", 0, "", 10) == S3_OK, "an empty one");
}

static void
chunked(void)
{
	struct trial t = { .auth.payload = SIGV4_CHUNKS_UNSIGNED_TRAILER,
		.headers = { { "x-amz-decoded-content-length", "5" },
		{ "x-amz-trailer", "x-amz-checksum-crc32" } }, .n = 2 };

	expect(&t, "3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:"
	    "NhCmhg==\r\n\r\n", 99, S3_OK, "chunks with a trailer");
	tap_is_str(t.checksum, "NhCmhg==", "its checksum");
	expect(&t, "5\r\nhallo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
	    99, S3_BAD_DIGEST, "a checksum that does not hold");
	expect(&t, "5\r\nhello\r\n0\r\n\r\n", 99, S3_MALFORMED_TRAILER,
	    "no trailer");
	expect(&t, "5\r\nhello\r\n0\r\nx-amz-checksum-sha1:NhCmhg==\r\n\r\n",
	    99, S3_MALFORMED_TRAILER, "another trailer");
	expect(&t, "4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
	    99, S3_INCOMPLETE_BODY, "too few bytes");
	expect(&t, "5\r\nhello\r\n", 99, S3_INCOMPLETE_BODY, "cut");
	t.headers[0].value = "6x";
	expect(&t, "", 0, S3_INVALID_ARGUMENT, "a length that is none");
	t.headers[0].name = "x";
	expect(&t, "", 0, S3_MISSING_LENGTH, "no length");
}

int
main(void)
{
	plain();
	hashed();
	chunked();
	return tap_done();
}
