/* json: writing JSON lines: one compact object a line (RFC 8259). */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Begin and end an object; ${name} NULL: not a member (a line of its own, or
 * an item of an array).  All return the first buf error. */
enum err json_open(struct buf *b, const char *name);
enum err json_close(struct buf *b);
enum err json_list(struct buf *b, const char *name);
enum err json_list_end(struct buf *b);

/* Members.  Strings are UTF-8; bytes that are not become U+FFFD. */
enum err json_str(struct buf *b, const char *name, const char *value);
enum err json_u64(struct buf *b, const char *name, uint64_t value);
enum err json_i64(struct buf *b, const char *name, int64_t value);
enum err json_bool(struct buf *b, const char *name, bool value);

#endif
