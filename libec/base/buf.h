/* buf: a growing array of bytes with a ceiling fixed when it is made. */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
	uint8_t *data;		/* NULL while nothing was ever added */
	size_t len;
	size_t cap;
	size_t max;		/* len never passes it */
};

#define BUF_INIT(max_bytes) { NULL, 0, 0, (max_bytes) }

/* Free what it holds; it is empty and usable afterwards. */
void buf_release(struct buf *b);

/* Make room for ${len} more bytes and return where they go through *${out};
 * the caller adds what it wrote to b->len.  Errors: EC_ENOMEM, EC_ELIMIT; then
 * the buffer is as it was. */
enum err buf_reserve(struct buf *b, size_t len, uint8_t **out);

/* Append; errors as buf_reserve. */
enum err buf_add(struct buf *b, const void *p, size_t len);
enum err buf_add_str(struct buf *b, const char *s);
/* A name for people: control bytes and backslashes as \n, \t, \\, \xHH. */
enum err buf_add_escaped(struct buf *b, const char *s);
enum err buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The text so far with a NUL after it; "" when empty.  Valid until the next
 * change. */
const char *buf_str(const struct buf *b);

#endif
