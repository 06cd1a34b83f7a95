/* Any bytes as an aws-chunked body: cut in two ways it gives the same payload,
 * the same trailers and the same result; a body made here from the payload
 * decodes to it. */
#include <stdlib.h>
#include <string.h>

#include "ec-s3d/aws_chunked.h"

enum { OUT_MAX = 1 << 16 };

struct outcome {
	enum s3_error e;
	size_t len, trailers_len;
	uint8_t payload[OUT_MAX];
	char trailers[AWS_CHUNKED_TRAILERS_MAX];
};

static struct sigv4 auth;

static void
decode(struct outcome *out, const uint8_t *in, size_t size, size_t step)
{
	static uint8_t piece[OUT_MAX];
	struct aws_chunked c;
	size_t at, n, got;

	out->e = S3_OK;
	out->len = 0;
	if (aws_chunked_init(&c, &auth) != EC_OK)
		abort();
	for (at = 0; at < size && out->e == S3_OK; at += n) {
		n = size - at < step ? size - at : step;
		memcpy(piece, in + at, n);
		out->e = aws_chunked_push(&c, piece, n, &got);
		if (got > n)
			abort();
		memcpy(out->payload + out->len, piece, got);
		out->len += got;
	}
	if (out->e == S3_OK)
		out->e = aws_chunked_end(&c);
	out->trailers_len = c.trailers_len;
	memcpy(out->trailers, c.trailers, c.trailers_len);
	aws_chunked_release(&c);
}

/* Encode what was decoded, and decode that. */
static void
round_trip(const struct outcome *o)
{
	static struct outcome again;
	struct buf b = BUF_INIT(2 * OUT_MAX);
	size_t half = o->len / 2;

	if (half > 0) {
		buf_printf(&b, "%zx\r\n", half);
		buf_add(&b, o->payload, half);
		buf_add_str(&b, "\r\n");
	}
	if (o->len - half > 0) {
		buf_printf(&b, "%zX\r\n", o->len - half);
		buf_add(&b, o->payload + half, o->len - half);
		buf_add_str(&b, "\r\n");
	}
	buf_add_str(&b, "0\r\n");
	buf_add(&b, o->trailers, o->trailers_len);
	buf_add_str(&b, "\r\n");
	decode(&again, b.data, b.len, OUT_MAX);
	if (again.e != S3_OK || again.len != o->len ||
	    memcmp(again.payload, o->payload, o->len) != 0 ||
	    again.trailers_len != o->trailers_len ||
	    memcmp(again.trailers, o->trailers, o->trailers_len) != 0)
		abort();
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum sigv4_payload kinds[] = { SIGV4_CHUNKS_SIGNED,
		SIGV4_CHUNKS_SIGNED_TRAILER, SIGV4_CHUNKS_UNSIGNED_TRAILER,
		SIGV4_CHUNKS_UNSIGNED_TRAILER };
	static struct outcome whole, cut;

	if (size < 2 || size > OUT_MAX)
		return 0;
	memset(&auth, 0, sizeof(auth));
	auth.payload = kinds[data[0] % 4];
	decode(&whole, data + 2, size - 2, OUT_MAX);
	decode(&cut, data + 2, size - 2, 1 + data[1] % 64);
	if (whole.e != cut.e)
		abort();
	if (whole.e != S3_OK)
		return 0;
	if (whole.len != cut.len || memcmp(whole.payload, cut.payload,
	    whole.len) != 0 || whole.trailers_len != cut.trailers_len ||
	    memcmp(whole.trailers, cut.trailers, whole.trailers_len) != 0)
		abort();
	if (auth.payload == SIGV4_CHUNKS_UNSIGNED_TRAILER)
		round_trip(&whole);
	return 0;
}
