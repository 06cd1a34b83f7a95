/* The chunked half of http_parse.h. */
#include "net/http_parse.h"

void
http_chunks_reset(struct http_chunks *c)
{
	c->state = HTTP_CHUNK_SIZE;
	c->left = 0;
	c->digits = 0;
	c->line = 0;
	c->data = 0;
	c->waste = 0;
	http_scan_reset(&c->trailers, true);
}

void
http_chunks_release(struct http_chunks *c)
{
	http_scan_release(&c->trailers);
	http_chunks_reset(c);
}

static int
hex_value(unsigned char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static unsigned
size_byte(struct http_chunks *c, unsigned char ch)
{
	int v = hex_value(ch);

	if (v >= 0) {
		if (++c->digits > 16 || c->left > INT64_MAX >> 4)
			return 400;
		c->left = c->left << 4 | (unsigned)v;
		return 0;
	}
	if (c->digits == 0)
		return 400;
	if (ch == '\r')
		c->state = HTTP_CHUNK_SIZE_LF;
	else if (ch == ';')
		c->state = HTTP_CHUNK_EXT;
	else if (ch == ' ' || ch == '\t')
		c->state = HTTP_CHUNK_PAD;
	else
		return 400;
	return 0;
}

/* Blanks may stand before an extension; alone they are padding that parsers
 * disagree on. */
static unsigned
pad_byte(struct http_chunks *c, unsigned char ch)
{
	if (ch == ';')
		c->state = HTTP_CHUNK_EXT;
	else if (ch != ' ' && ch != '\t')
		return 400;
	return 0;
}

static unsigned
ext_byte(struct http_chunks *c, unsigned char ch)
{
	if (ch == '\r')
		c->state = HTTP_CHUNK_SIZE_LF;
	else if ((ch < 0x20 && ch != '\t') || ch == 0x7f)
		return 400;
	return 0;
}

static unsigned
size_line_end(struct http_chunks *c)
{
	if (c->left > INT64_MAX - c->data)
		return 400;
	c->data += c->left;
	c->state = c->left == 0 ? HTTP_CHUNK_TRAILERS : HTTP_CHUNK_DATA;
	c->digits = 0;
	c->line = 0;
	return 0;
}

static unsigned
framing_byte(struct http_chunks *c, unsigned char ch)
{
	if (++c->waste > HTTP_CHUNK_WASTE_MAX + c->data)
		return 400;
	switch (c->state) {
	case HTTP_CHUNK_SIZE:
		return ++c->line > HTTP_CHUNK_LINE_MAX ? 400 : size_byte(c, ch);
	case HTTP_CHUNK_PAD:
		return ++c->line > HTTP_CHUNK_LINE_MAX ? 400 : pad_byte(c, ch);
	case HTTP_CHUNK_EXT:
		return ++c->line > HTTP_CHUNK_LINE_MAX ? 400 : ext_byte(c, ch);
	case HTTP_CHUNK_SIZE_LF:
		return ch == '\n' ? size_line_end(c) : 400;
	case HTTP_CHUNK_DATA_CR:
		c->state = HTTP_CHUNK_DATA_LF;
		return ch == '\r' ? 0 : 400;
	case HTTP_CHUNK_DATA_LF:
		c->state = HTTP_CHUNK_SIZE;
		return ch == '\n' ? 0 : 400;
	default:
		return 400;
	}
}

unsigned
http_chunks_feed(struct http_chunks *c, const void *in, size_t len,
    size_t *used)
{
	const unsigned char *p = in;
	unsigned status = 0;
	size_t n;

	*used = 0;
	while (*used < len && status == 0 && c->state != HTTP_CHUNK_DATA &&
	    c->state != HTTP_CHUNK_END) {
		if (c->state != HTTP_CHUNK_TRAILERS) {
			status = framing_byte(c, p[(*used)++]);
			continue;
		}
		status = http_scan_feed(&c->trailers, p + *used, len - *used,
		    &n);
		*used += n;
		if (c->trailers.done)
			c->state = HTTP_CHUNK_END;
	}
	return status;
}

void
http_chunks_took(struct http_chunks *c, uint64_t len)
{
	c->left -= len;
	if (c->left == 0)
		c->state = HTTP_CHUNK_DATA_CR;
}
