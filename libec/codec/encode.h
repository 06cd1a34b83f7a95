/* encode: a stream of bytes in, k + m streams of shard file out.
 *
 * Push: the caller writes; each full stripe is encoded and hashed while it is
 * in cache and handed to the sinks.  Memory: two stripes and 64 KiB a shard,
 * whatever the length. */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/shard.h"
#include "codec/shard_writer.h"	/* struct encode_sink */

struct encode_params {
	struct stripe stripe;
	struct uuid id;
	uint32_t part;
	unsigned quorum;	/* sinks that must live, k .. k + m */
	bool md5;		/* take the MD5 of the bytes */
};

struct encode;

/* ${sinks}: k + m of them, one per shard; a NULL write is a shard that nobody
 * takes (an offline drive).  Writes the headers.
 * Errors: EC_EINVAL, EC_ENOMEM, EC_EQUORUM. */
enum err encode_new(struct encode **out, const struct encode_params *p,
    const struct encode_sink *sinks);
void encode_free(struct encode *e);

/* Fastest when ${buf} holds whole stripes and the call begins at one: they are
 * encoded where they lie, without a copy.  No byte of ${buf} is changed.
 * Errors: EC_EQUORUM (fewer than quorum sinks live; checked after each
 * stripe), EC_ELIMIT (longer than STRIPE_SIZE_MAX), EC_ENOMEM. */
enum err encode_write(struct encode *e, const void *buf, size_t len);

/* The last stripe and the tails.  bucket, key and extra as in shard_tail; size
 * and, if it was taken here, md5 are filled in from what was written and left
 * in *${tail}.  Not yet
 * durable: the caller flushes what is behind its sinks. */
enum err encode_finish(struct encode *e, struct shard_tail *tail);

/* The error of sink ${i}, EC_OK while it lives. */
enum err encode_sink_err(const struct encode *e, unsigned i);
uint64_t encode_bytes(const struct encode *e);	/* written so far */

/* A whole small object at once, without files: the k + m pieces of ${len}
 * bytes (> 0, at most one stripe) laid end to end in ${out}, each
 * stripe_piece_bytes(len) long, and their bitrot sums.
 * Errors: EC_ENOMEM, EC_EINVAL. */
enum err encode_inline(const struct stripe *s, const void *buf, size_t len,
    uint8_t *out, uint8_t sums[][32]);

#endif
