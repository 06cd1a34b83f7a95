#include <inttypes.h>
#include <string.h>

#include "base/json.h"

/* The comma before a member, and its name. */
static enum err
lead(struct buf *b, const char *name)
{
	uint8_t last = b->len > 0 ? b->data[b->len - 1] : '{';
	enum err e = EC_OK;

	if (last != '{' && last != '[' && last != '\n')
		e = buf_add(b, ",", 1);
	if (e == EC_OK && name != NULL)
		e = buf_printf(b, "\"%s\":", name);
	return e;
}

/* Bytes of the UTF-8 sequence at ${s}; 0 when it is not one. */
static size_t
utf8_len(const uint8_t *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 :
	    (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t c;

	if (n < 2)
		return n;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

static enum err
quoted(struct buf *b, const char *text)
{
	const uint8_t *s = (const uint8_t *)text;
	enum err e = buf_add(b, "\"", 1);

	while (*s != '\0' && e == EC_OK) {
		size_t n = utf8_len(s);

		if (n == 0)
			e = buf_add_str(b, "\xef\xbf\xbd");
		else if (*s == '"' || *s == '\\')
			e = buf_printf(b, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			e = buf_printf(b, "\\u%04x", *s);
		else
			e = buf_add(b, s, n);
		s += n > 0 ? n : 1;
	}
	return e == EC_OK ? buf_add(b, "\"", 1) : e;
}

enum err
json_open(struct buf *b, const char *name)
{
	enum err e = lead(b, name);

	return e == EC_OK ? buf_add(b, "{", 1) : e;
}

enum err
json_close(struct buf *b)
{
	return buf_add(b, "}", 1);
}

enum err
json_list(struct buf *b, const char *name)
{
	enum err e = lead(b, name);

	return e == EC_OK ? buf_add(b, "[", 1) : e;
}

enum err
json_list_end(struct buf *b)
{
	return buf_add(b, "]", 1);
}

enum err
json_str(struct buf *b, const char *name, const char *value)
{
	enum err e = lead(b, name);

	return e == EC_OK ? quoted(b, value) : e;
}

enum err
json_u64(struct buf *b, const char *name, uint64_t value)
{
	enum err e = lead(b, name);

	return e == EC_OK ? buf_printf(b, "%" PRIu64, value) : e;
}

enum err
json_i64(struct buf *b, const char *name, int64_t value)
{
	enum err e = lead(b, name);

	return e == EC_OK ? buf_printf(b, "%" PRId64, value) : e;
}

enum err
json_bool(struct buf *b, const char *name, bool value)
{
	enum err e = lead(b, name);

	return e == EC_OK ? buf_add_str(b, value ? "true" : "false") : e;
}
