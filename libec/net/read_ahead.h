/* read_ahead: a file far away, read in order piece by piece, and fetched in
 * fewer requests that are larger.  Who reads here and there fetches what he
 * reads. */
#ifndef READ_AHEAD_H
#define READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	READ_AHEAD_MAX = 1 << 20,	/* bytes in one request */
	READ_AHEAD_PIECES = 8,
	READ_AHEAD_ALL = 64 << 20,	/* kept by all of the process */
};

struct read_ahead;	/* one file; any thread, one after the other */

/* Exactly ${len} bytes at ${off}. */
typedef enum err read_ahead_fetch(void *ctx, void *buf, size_t len,
    uint64_t off);

/* ${bytes}: of the file.  Errors: EC_ENOMEM. */
enum err read_ahead_new(struct read_ahead **out, uint64_t bytes,
    read_ahead_fetch *fetch, void *ctx);
void read_ahead_free(struct read_ahead *r);	/* NULL is fine */

/* The last ${len} bytes of the file, which are no more than it has, are known
 * already: ${buf}.  Once, before the first read.  Errors: EC_ENOMEM. */
enum err read_ahead_end(struct read_ahead *r, const void *buf, size_t len);

/* Who reads at ${from} is going to read on, as far as ${until}, and nothing
 * beyond. */
void read_ahead_expect(struct read_ahead *r, uint64_t from, uint64_t until);

/* Exactly ${len} bytes at ${off}.  Errors: those of ${fetch}. */
enum err read_ahead_read(struct read_ahead *r, void *buf, size_t len,
    uint64_t off);

/* The same if it has been fetched; without waiting.  Beside read_ahead_read. */
bool read_ahead_peek(struct read_ahead *r, void *buf, size_t len,
    uint64_t off);

#endif
