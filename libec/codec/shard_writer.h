/* shard_writer: one shard file, written from its first byte to its last.
 * What encode and decode_rebuild have in common. */
#ifndef SHARD_WRITER_H
#define SHARD_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/shard.h"

/* Where a shard's bytes go, in order.  ${write} may keep no pointer to ${buf}
 * after it returns.  An error is final: nothing more is written. */
struct encode_sink {
	enum err (*write)(void *ctx, const void *buf, size_t len);
	void *ctx;
};

struct shard_writer {
	struct encode_sink sink;
	struct shard_header header;
	uint64_t data_bytes;	/* so far */
	uint8_t *page;		/* sums of the leaves of this group */
	size_t page_len, page_cap;
	struct buf pages;	/* sums of the pages so far */
	enum err err;		/* of the sink or of memory, final */
};

/* Nothing is allocated or written yet. */
void shard_writer_init(struct shard_writer *w, const struct encode_sink *sink,
    const struct shard_header *h);
void shard_writer_release(struct shard_writer *w);

/* The header; first of all. */
enum err shard_writer_begin(struct shard_writer *w);

/* The next ${len} bytes of the shard's data and the sums of their leaves.
 * ${len} is a multiple of SHARD_LEAF_BYTES but for the last call.
 * Errors: the sink's, EC_ENOMEM. */
enum err shard_writer_data(struct shard_writer *w, const uint8_t *buf,
    size_t len, const uint8_t *sums);

/* The last page and the tail.  Errors: the same, EC_ELIMIT. */
enum err shard_writer_finish(struct shard_writer *w,
    const struct shard_tail *t);

#endif
