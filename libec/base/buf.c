#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 64 };

void
buf_release(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

/* Make cap >= need, counting the NUL; need <= max + 1. */
static enum err
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap < CAP_MIN ? CAP_MIN : b->cap;
	uint8_t *p;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if ((p = realloc(b->data, cap)) == NULL)
		return EC_ENOMEM;
	p[b->len] = '\0';
	b->data = p;
	b->cap = cap;
	return EC_OK;
}

enum err
buf_reserve(struct buf *b, size_t len, uint8_t **out)
{
	enum err e;

	if (b->len > b->max || len > b->max - b->len ||
	    b->max > SIZE_MAX / 2)
		return EC_ELIMIT;
	if (b->len + len + 1 > b->cap &&
	    (e = grow(b, b->len + len + 1)) != EC_OK)
		return e;
	b->data[b->len + len] = '\0';	/* where len will be if all is used */
	*out = b->data + b->len;
	return EC_OK;
}

enum err
buf_add(struct buf *b, const void *p, size_t len)
{
	uint8_t *to;
	enum err e;

	if ((e = buf_reserve(b, len, &to)) != EC_OK)
		return e;
	if (len > 0)
		memcpy(to, p, len);
	b->len += len;
	return EC_OK;
}

enum err
buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

enum err
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, ap2;
	uint8_t *to;
	enum err e;
	int n;

	va_start(ap, fmt);
	va_copy(ap2, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		e = EC_EINVAL;
	else if ((e = buf_reserve(b, (size_t)n, &to)) == EC_OK) {
		(void)vsnprintf((char *)to, (size_t)n + 1, fmt, ap2);
		b->len += (size_t)n;
	}
	va_end(ap2);
	va_end(ap);
	return e;
}

const char *
buf_str(const struct buf *b)
{
	if (b->data == NULL)
		return "";
	b->data[b->len] = '\0';	/* less than reserved may have been used */
	return (const char *)b->data;
}

enum err
buf_add_escaped(struct buf *b, const char *s)
{
	enum err e = EC_OK;

	for (; *s != '\0' && e == EC_OK; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\\')
			e = buf_add_str(b, "\\\\");
		else if (c == '\n')
			e = buf_add_str(b, "\\n");
		else if (c == '\t')
			e = buf_add_str(b, "\\t");
		else if (c < 0x20 || c == 0x7f)
			e = buf_printf(b, "\\x%02x", c);
		else
			e = buf_add(b, s, 1);
	}
	return e;
}
