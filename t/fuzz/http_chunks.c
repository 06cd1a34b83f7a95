/* A chunked body decodes alike however it was cut, never to more bytes than
 * came, and what is framed anew from its data decodes to the same. */
#include <stdlib.h>
#include <string.h>

#include "net/http_parse.h"

#define CHECK(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

/* Decode in pieces of ${step} bytes; *${used} of the input at its end. */
static unsigned
decode(struct buf *out, const uint8_t *in, size_t len, size_t step,
    size_t *used)
{
	struct http_chunks c = HTTP_CHUNKS_INIT;
	struct http_head trailers;
	unsigned status = 0;
	size_t n, room;

	http_chunks_reset(&c);
	*used = 0;
	while (status == 0 && *used < len && c.state != HTTP_CHUNK_END) {
		room = len - *used < step ? len - *used : step;
		if (c.state == HTTP_CHUNK_DATA) {
			n = room < c.left ? room : (size_t)c.left;
			CHECK(buf_add(out, in + *used, n) == EC_OK);
			http_chunks_took(&c, n);
		} else {
			status = http_chunks_feed(&c, in + *used, room, &n);
			CHECK(n > 0 || status != 0);
			CHECK(n <= room);
		}
		*used += n;
	}
	if (status == 0)
		status = c.state != HTTP_CHUNK_END ? 1 :
		    http_trailers_parse(&trailers, &c.trailers);
	http_chunks_release(&c);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct buf a = BUF_INIT(1 << 24), b = BUF_INIT(1 << 24);
	struct buf framed = BUF_INIT(1 << 24);
	unsigned status, status2;
	size_t used, used2;

	if (len < 2)
		return 0;
	status = decode(&a, in + 1, len - 1, len, &used);
	status2 = decode(&b, in + 1, len - 1, in[0] % 7 + 1, &used2);
	CHECK(status == status2);
	if (status == 0) {
		CHECK(used == used2 && a.len == b.len && a.len < len);
		CHECK(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
		if (a.len > 0) {
			buf_printf(&framed, "%zX\r\n", a.len);
			buf_add(&framed, a.data, a.len);
			buf_add_str(&framed, "\r\n");
		}
		buf_add_str(&framed, "0\r\n\r\n");
		b.len = 0;
		CHECK(decode(&b, framed.data, framed.len, framed.len, &used) ==
		    0);
		CHECK(used == framed.len && a.len == b.len);
		CHECK(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
	}
	buf_release(&a);
	buf_release(&b);
	buf_release(&framed);
	return 0;
}
