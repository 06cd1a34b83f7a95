/* decode: any k of k + m shard streams in, the object's bytes out.
 *
 * Pull, at any offset.  Data shards first, no decoding while all are there; a
 * source that fails, or whose bytes do not match their hash, is dropped and
 * another takes over in mid-stream.  Every byte is verified before it is
 * returned. */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/shard.h"

/* One shard's file.  ${pread} reads exactly ${len} bytes at ${off} or fails. */
struct decode_source {
	enum err (*pread)(void *ctx, void *buf, size_t len, uint64_t off);
	void *ctx;
	uint64_t file_bytes;
};

/* Read several at once: calls src[i].pread for each i with want[i] and puts
 * the results in err[i]; returns when enough is known (a caller with threads
 * overlaps them and may give up on slow ones with EC_ETIMEDOUT).  NULL in
 * decode_params: one after the other. */
struct decode_read {
	unsigned index;
	void *buf;
	size_t len;
	uint64_t off;
	enum err err;
};
typedef void decode_gather(void *ctx, struct decode_read *reads, unsigned n);

struct decode_params {
	struct stripe stripe;
	struct uuid id;			/* sources of another id are refused */
	uint32_t part;
	const unsigned *order;		/* k + m indexes, preferred first, or
					 * NULL for 0, 1, 2 ... */
	decode_gather *gather;
	void *gather_ctx;
	/* A source was dropped: EC_ECORRUPT at byte ${off} of its file, or the
	 * error it gave.  May be NULL. */
	void (*bad)(void *ctx, unsigned index, enum err why, uint64_t off);
	void *bad_ctx;
};

struct decode;

/* ${sources}: k + m of them; a NULL pread is a shard that is missing.  Headers
 * and tails are read as sources are first needed.  *${size} is the object's.
 * Errors: EC_EQUORUM (fewer than k can be read), EC_EINVAL, EC_ENOMEM. */
enum err decode_new(struct decode **out, const struct decode_params *p,
    const struct decode_source *sources, uint64_t *size);
void decode_free(struct decode *d);

/* Exactly ${len} verified bytes at ${off}; off + len <= size.
 * Errors: EC_EQUORUM (too few good shards; nothing of ${buf} is to be used). */
enum err decode_read(struct decode *d, void *buf, size_t len, uint64_t off);

/* What the tails say; valid as long as ${d}. */
const struct shard_tail *decode_tail(const struct decode *d);

/* Rebuild shards: for each i with sinks[i].write, the whole shard file i, byte
 * for byte as encode made it, from k good others that are read once.
 * Errors: EC_ELOST (fewer than k good), the sink's error. */
struct encode_sink;
enum err decode_rebuild(struct decode *d, const struct encode_sink *sinks);

/* Verify shard ${i} whole: header, every leaf, tail.  *${bad_off} tells where.
 * Errors: EC_ECORRUPT, EC_EFORMAT, the source's. */
enum err decode_verify(struct decode *d, unsigned i, uint64_t *bad_off);

/* The inverse of encode_inline: ${len} bytes to ${buf} from the pieces that
 * are there (piece[i] NULL: missing), each checked against sums[i]; bad[i] is
 * set for those that fail.  Errors: EC_EQUORUM, EC_ENOMEM. */
enum err decode_inline(const struct stripe *s, void *buf, size_t len,
    const uint8_t *const piece[], const uint8_t (*const sums[])[32],
    bool bad[]);

#endif
