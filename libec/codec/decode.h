/* decode: any k of k + m shard streams in, the object's bytes out.
 *
 * Pull, at any offset.  Data shards first, no decoding while all are there;
 * whole stripes from the k shards that are preferred.
 * Where a source fails or does not match its hash, another takes over in
 * mid-stream; from then on it is read only where fewer than k others are
 * good, so that damage here and there in every shard costs nothing as long as
 * k are good in each place.  Every byte is verified before it is returned. */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/shard.h"
#include "codec/shard_writer.h"	/* struct encode_sink */

/* One shard's file.  ${pread} reads exactly ${len} bytes at ${off} or fails.
 * Which shard it is, the tail proves; its header is read by decode_verify
 * only. */
struct decode_source {
	enum err (*pread)(void *ctx, void *buf, size_t len, uint64_t off);
	void *ctx;
	uint64_t file_bytes;
};

/* Read several at once: fill reads[0 .. n), each from the source ${index}, and
 * set its err.  A caller with threads overlaps them and may give up on slow
 * ones with EC_ETIMEDOUT, when nothing will write to buf any more, or with
 * EC_EBUSY, when that is not certain: then decode_read ends with EC_EBUSY, and
 * what it was to fill may still change.  NULL in decode_params: one after the
 * other, by pread. */
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
					 * NULL for 0, 1, 2 ...: data first */
	decode_gather *gather;
	void *gather_ctx;
	/* Something is wrong with a source: EC_ECORRUPT at byte ${off} of its
	 * file, or the error it gave.  Once for each place found.  May be
	 * NULL. */
	void (*bad)(void *ctx, unsigned index, enum err why, uint64_t off);
	void *bad_ctx;
};

struct decode;

/* ${sources}: k + m of them, copied; a NULL pread is a shard that is missing.
 * Tails are read as sources are first needed: one here.  *${size} is the
 * object's.
 * Errors: EC_EQUORUM (fewer than k are given, or none of them can be read),
 * EC_EINVAL, EC_ENOMEM. */
enum err decode_new(struct decode **out, const struct decode_params *p,
    const struct decode_source *sources, uint64_t *size);
void decode_free(struct decode *d);

/* Exactly ${len} verified bytes at ${off}; off + len <= size.  Reads only the
 * leaves that it needs of the shards that it needs.  Cheapest in whole
 * stripes, which go to ${buf} without a copy; whoever reads on where the last
 * call ended gets the rest of the stripe's leaves from memory.  One thread at
 * a time.
 * Errors: EC_EQUORUM (too few good shards; nothing of ${buf} is to be used),
 * EC_EBUSY (decode_gather: try again with another ${buf}; who was given up is
 * asked last), EC_EINVAL, EC_ENOMEM. */
enum err decode_read(struct decode *d, void *buf, size_t len, uint64_t off);

/* What decode_read of whole pieces of one stripe is going to read, if nothing
 * goes wrong: *${n} reads (at most k + m) in ${reads}, with a buf of NULL for
 * what does not go to ${buf}, and *${got} bytes of that; 0 if it cannot be
 * said.  Nothing is read. */
void decode_plan(struct decode *d, void *buf, size_t len, uint64_t off,
    struct decode_read *reads, unsigned *n, size_t *got);

/* What the tails say; valid as long as ${d}. */
const struct shard_tail *decode_tail(const struct decode *d);

/* Rebuild shards: for each i with sinks[i].write, the whole shard file i, byte
 * for byte as encode made it, from k good others that are read once.  A sink
 * that fails does not stop the others.
 * Errors: EC_ELOST (fewer than k good in some place), the first sink's error
 * after all others are written, EC_ENOMEM. */
enum err decode_rebuild(struct decode *d, const struct encode_sink *sinks);

/* A light look at shard ${i}: its header and its tail hold and belong here, and
 * the file is as long as they say.  Results as decode_verify. */
enum err decode_probe(struct decode *d, unsigned i, uint64_t *bad_off);

/* Verify shard ${i} whole: header, every leaf, tail.  *${bad_off} tells where
 * in its file the first damage is.
 * Errors: EC_ECORRUPT, EC_ENOTFOUND (missing), the source's, EC_ENOMEM. */
enum err decode_verify(struct decode *d, unsigned i, uint64_t *bad_off);

/* The inverse of encode_inline: ${len} bytes to ${buf} from the first k good
 * pieces (piece[i] NULL: missing), each checked against sums[i]; bad[i] is
 * set for those that fail.  Errors: EC_EQUORUM, EC_ENOMEM. */
enum err decode_inline(const struct stripe *s, void *buf, size_t len,
    const uint8_t *const piece[], const uint8_t (*const sums[])[32],
    bool bad[]);

#endif
