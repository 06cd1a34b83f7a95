/* aws-chunked bodies: the examples that AWS publishes, cut in every way, and
 * every byte of them changed. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "ec-s3d/aws_chunked.h"

#define CHUNK1 \
	"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
#define CHUNK2 \
	"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
#define CHUNK3 \
	"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
#define TRAIL1 \
	"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"
#define TRAIL2 \
	"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"
#define TRAIL3 \
	"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
#define TRAIL4 \
	"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"

enum { BODY_MAX = 70000, TRAILER_MAX = 2 * AWS_CHUNKED_LINE_MAX };

static struct sigv4 auth;
static char body[BODY_MAX];
static size_t body_len;

static void
auth_set(enum sigv4_payload kind, const char *seed)
{
	memset(&auth, 0, sizeof(auth));
	auth.payload = kind;
	strcpy(auth.date, "20130524T000000Z");
	strcpy(auth.scope, "20130524/us-east-1/s3/aws4_request");
	strcpy(auth.signature, seed);
	sigv4_signing_key(auth.key, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	    "20130524", "us-east-1", "s3");
}

static void
add(const char *text)
{
	memcpy(body + body_len, text, strlen(text) + 1);
	body_len += strlen(text);
}

static void
add_a(size_t n)
{
	memset(body + body_len, 'a', n);
	body_len += n;
	add("\r\n");
}

static void
example(void)
{
	body_len = 0;
	auth_set(SIGV4_CHUNKS_SIGNED, "4f232c4386841ef735655705268965c44a0e46"
	    "90baa4adea153f7db9fa80a0a9");
	add("10000;chunk-signature=" CHUNK1 "\r\n");
	add_a(65536);
	add("400;chunk-signature=" CHUNK2 "\r\n");
	add_a(1024);
	add("0;chunk-signature=" CHUNK3 "\r\n\r\n");
}

static void
example_trailer(const char *between)
{
	body_len = 0;
	auth_set(SIGV4_CHUNKS_SIGNED_TRAILER, "106e2a8a18243abcf37539882f36619"
	    "c00e2dfc72633413f02d3b74544bfeb8e");
	add("10000;chunk-signature=" TRAIL1 "\r\n");
	add_a(65536);
	add("400;chunk-signature=" TRAIL2 "\r\n");
	add_a(1024);
	add("0;chunk-signature=" TRAIL3 "\r\n");
	add("x-amz-checksum-crc32c:sOO8/Q==");
	add(between);
	add("x-amz-trailer-signature:" TRAIL4 "\r\n\r\n");
}

static void
small(const char *text)
{
	body_len = 0;
	auth_set(SIGV4_CHUNKS_UNSIGNED_TRAILER, "");
	add(text);
}

/* Decode ${body} in pieces of ${step}; the payload's length and whether all
 * of it is 'a'. */
static enum s3_error
decode(size_t step, uint64_t *total, char *trailer)
{
	struct aws_chunked c;
	uint8_t *piece = malloc(step);
	char name[AWS_CHUNKED_LINE_MAX], value[AWS_CHUNKED_LINE_MAX];
	size_t at, n, payload, i;
	enum s3_error e = S3_OK;

	*total = 0;
	trailer[0] = '\0';
	if (piece == NULL || aws_chunked_init(&c, &auth) != EC_OK)
		abort();
	for (at = 0; at < body_len && e == S3_OK; at += n) {
		n = body_len - at < step ? body_len - at : step;
		memcpy(piece, body + at, n);
		e = aws_chunked_push(&c, piece, n, &payload);
		for (i = 0; i < payload; i++)
			if (piece[i] != 'a')
				e = S3_INTERNAL;
		*total += payload;
	}
	if (e == S3_OK)
		e = aws_chunked_end(&c);
	at = 0;
	while (e == S3_OK && aws_chunked_trailer(&c, &at, name, value)) {
		n = strlen(trailer);
		snprintf(trailer + n, TRAILER_MAX - n, "%s%s=%s",
		    n > 0 ? "+" : "", name, value);
	}
	aws_chunked_release(&c);
	free(piece);
	return e;
}

static void
expect(enum s3_error want, uint64_t size, const char *trailer, const char *what)
{
	static const size_t steps[] = { 1, 2, 3, 7, 64, 1000, 4096, 65536,
		BODY_MAX };
	char found[TRAILER_MAX];
	uint64_t total;
	size_t i;
	enum s3_error e;
	bool good = true;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		e = decode(steps[i], &total, found);
		if (e == want && (e != S3_OK || (total == size &&
		    strcmp(found, trailer) == 0)))
			continue;
		good = false;
		tap_note("step %zu: %s, %zu bytes, trailer %s", steps[i],
		    s3_error_code(e), (size_t)total, found);
	}
	tap_ok(good, "%s", what);
}

/* No change of a single byte of the frame may go unnoticed, except the case
 * of hex digits and of a trailer's name. */
static void
every_byte(const char *what)
{
	char found[TRAILER_MAX];
	uint64_t total;
	size_t i, missed = 0;

	for (i = 0; i < body_len; i++) {
		if (body[i] == 'a' && i > 200 && body[i - 1] == 'a' &&
		    body[i + 1] == 'a')
			continue;
		body[i] ^= 1;
		if (decode(BODY_MAX, &total, found) == S3_OK) {
			tap_note("byte %zu changed", i);
			missed++;
		}
		body[i] ^= 1;
	}
	tap_is_u64(missed, 0, "%s", what);
}

static void
every_cut(const char *what)
{
	char found[TRAILER_MAX];
	uint64_t total;
	size_t whole = body_len, missed = 0;

	for (body_len = 0; body_len < whole; body_len++)
		missed += decode(BODY_MAX, &total, found) == S3_OK;
	tap_is_u64(missed, 0, "%s", what);
}

int
main(void)
{
	const char *crc = "x-amz-checksum-crc32c=sOO8/Q==";

	example();
	expect(S3_OK, 66560, "", "the published example of signed chunks");
	every_byte("every change of it is noticed");
	add("x");
	expect(S3_INCOMPLETE_BODY, 0, "", "nothing may follow");

	example_trailer("\r\n");
	expect(S3_OK, 66560, crc, "the published example of a signed trailer");
	every_byte("every change of it is noticed");
	example_trailer("\n\r\n");
	expect(S3_OK, 66560, crc, "a trailer ended by LF and an empty line");
	example_trailer("\r\nx-amz-checksum-sha1:x\r\n");
	expect(S3_SIGNATURE, 0, "", "a trailer added");
	example_trailer("\r\n");
	body_len -= strlen("x-amz-trailer-signature:" TRAIL4 "\r\n\r\n");
	expect(S3_SIGNATURE, 0, "", "a trailer without its signature");
	add("\r\n");
	expect(S3_SIGNATURE, 0, "", "the same with an empty line");

	small("5\r\naaaaa\r\n0\r\nX-Amz-Checksum-Crc32: abc= \r\n\r\n");
	expect(S3_OK, 5, "x-amz-checksum-crc32=abc=", "an unsigned trailer");
	every_cut("it cannot be cut");
	small("5\r\naaaaa\r\n0\r\n\r\n");
	expect(S3_OK, 5, "", "no trailer");
	small("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
	expect(S3_OK, 0, "x-amz-checksum-crc32=AAAAAA==", "an empty body");
	small("5\r\naaaaa\r\n0\r\na:b\n\r\n\r\n");
	expect(S3_OK, 5, "a=b", "a trailer ended by LF");

	small("5\naaaaa\r\n0\r\n\r\n");
	expect(S3_INCOMPLETE_BODY, 0, "", "a size ended by LF");
	small("5\r\naaaaa0\r\n\r\n");
	expect(S3_INCOMPLETE_BODY, 0, "", "no line end behind a chunk");
	small(" 5\r\naaaaa\r\n0\r\n\r\n");
	expect(S3_INCOMPLETE_BODY, 0, "", "a blank before the size");
	small("-5\r\naaaaa\r\n0\r\n\r\n");
	expect(S3_INCOMPLETE_BODY, 0, "", "a negative size");
	small("00000000000000005\r\naaaaa\r\n0\r\n\r\n");
	expect(S3_INCOMPLETE_BODY, 0, "", "a size of 17 digits");
	small("5;x=y\r\naaaaa\r\n0\r\n\r\n");
	expect(S3_INCOMPLETE_BODY, 0, "", "an extension");
	small("0\r\nx-amz-trailer-signature:00\r\n\r\n");
	expect(S3_MALFORMED_TRAILER, 0, "", "a signature where none belongs");
	small("0\r\nno colon\r\n\r\n");
	expect(S3_MALFORMED_TRAILER, 0, "", "a trailer without a colon");
	return tap_done();
}
