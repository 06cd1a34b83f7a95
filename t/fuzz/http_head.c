/* A request head that is accepted means one thing: it parses alike however it
 * was cut, holds nothing another parser could split, and what is written back
 * from it parses to the same. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http_parse.h"

#define CHECK(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

/* Feed in two pieces, parse if a head is there.  *${used} of the input. */
static unsigned
parse(struct http_scan *s, struct http_head *h, const uint8_t *in, size_t len,
    size_t cut, size_t *used)
{
	unsigned status;
	size_t n = 0;

	*used = 0;
	http_scan_reset(s, false);
	while (*used < len && !s->done) {
		status = http_scan_feed(s, in + *used, *used < cut ?
		    cut - *used : len - *used, &n);
		if (status != 0)
			return status;
		CHECK(n > 0);
		*used += n;
	}
	return s->done ? http_head_parse(h, s) : 1;
}

static void
check_meaning(const struct http_head *h)
{
	unsigned hosts = 0, lengths = 0, codings = 0;

	CHECK(h->method[0] != '\0' && strpbrk(h->method, " \t\r\n:/") == NULL);
	CHECK(h->target[0] == '/' || strcmp(h->target, "*") == 0);
	for (const char *p = h->target; *p != '\0'; p++)
		CHECK(*p > 0x20 && *p < 0x7f);
	CHECK(strlen(h->target) <= HTTP_TARGET_MAX);
	CHECK(h->header_count <= HTTP_HEADERS_MAX);
	for (unsigned i = 0; i < h->header_count; i++) {
		const char *name = h->headers[i].name;
		const char *value = h->headers[i].value;
		size_t len = strlen(value);

		CHECK(name[0] != '\0' && strpbrk(name, " \t\r\n:") == NULL);
		CHECK(len == 0 || strchr(" \t", value[0]) == NULL);
		CHECK(len == 0 || strchr(" \t", value[len - 1]) == NULL);
		for (size_t k = 0; k < len; k++)
			CHECK((unsigned char)value[k] >= 0x20 ||
			    value[k] == '\t');
		hosts += strcasecmp(name, "Host") == 0;
		lengths += strcasecmp(name, "Content-Length") == 0;
		codings += strcasecmp(name, "Transfer-Encoding") == 0;
	}
	CHECK(hosts == 1 || (hosts == 0 && h->minor == 0));
	CHECK(lengths + codings <= 1);
	CHECK(h->chunked == (codings == 1));
	CHECK(!h->chunked || h->length == 0);
}

static void
check_rewritten(const struct http_head *h)
{
	struct http_scan s = HTTP_SCAN_INIT;
	struct buf text = BUF_INIT(4 * HTTP_HEAD_MAX);
	struct http_head again;
	size_t used;

	buf_printf(&text, "%s %s HTTP/1.%u\r\n", h->method, h->target,
	    h->minor);
	for (unsigned i = 0; i < h->header_count; i++)
		buf_printf(&text, "%s: %s\r\n", h->headers[i].name,
		    h->headers[i].value);
	buf_add_str(&text, "\r\n");
	if (text.len <= HTTP_HEAD_MAX) {
		CHECK(parse(&s, &again, text.data, text.len, 0, &used) == 0);
		CHECK(used == text.len);
		CHECK(strcmp(again.method, h->method) == 0);
		CHECK(strcmp(again.target, h->target) == 0);
		CHECK(again.header_count == h->header_count);
		CHECK(again.length == h->length && again.close == h->close);
		for (unsigned i = 0; i < h->header_count; i++)
			CHECK(strcmp(again.headers[i].value,
			    h->headers[i].value) == 0);
	}
	buf_release(&text);
	http_scan_release(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct http_scan s = HTTP_SCAN_INIT, s2 = HTTP_SCAN_INIT;
	struct http_head h, h2;
	unsigned status, status2;
	size_t used, used2;

	if (len < 2)
		return 0;
	status = parse(&s, &h, in + 1, len - 1, 0, &used);
	status2 = parse(&s2, &h2, in + 1, len - 1, in[0] % len, &used2);
	CHECK(status == status2);
	if (status == 0) {
		CHECK(used == used2);
		CHECK(strcmp(h.target, h2.target) == 0);
		CHECK(h.header_count == h2.header_count);
		check_meaning(&h);
		check_rewritten(&h);
	}
	http_scan_release(&s);
	http_scan_release(&s2);
	return 0;
}
