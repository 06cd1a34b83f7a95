/* shard: the shard file, which explains itself.  ec-shard(5) has the bytes.
 *
 *   header    4096 bytes: who I am; written first
 *   data      the shard's bytes (stripe.h), contiguous
 *   leaves    32 bytes of bitrot hash for each SHARD_LEAF_BYTES of data
 *   meta      what is only known at the end: size, key, metadata
 *   end       64 bytes: lengths and a hash over leaves and meta
 *
 * Every field is bounded before it sizes anything. */
#ifndef SHARD_H
#define SHARD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"
#include "codec/stripe.h"

enum {
	SHARD_VERSION = 1,
	SHARD_HEADER_BYTES = 4096,
	SHARD_END_BYTES = 64,
	SHARD_LEAF_BYTES = 64 * 1024,
	SHARD_META_MAX = 1024 * 1024,
};

struct shard_header {
	struct stripe stripe;
	unsigned index;		/* 0 .. k + m; below k: data */
	struct uuid id;		/* of the object (one write of one part) */
	uint32_t part;		/* part number, 1 when there is only one */
};

/* What the end of the file says. */
struct shard_tail {
	uint64_t size;		/* bytes of the object (not of the shard) */
	uint8_t md5[16];	/* of the object's bytes; zero when not taken */
	const char *bucket, *key;	/* "" when there is none */
	const uint8_t *extra;	/* metadata of the layer above, opaque */
	uint32_t extra_len;
};

/* Exactly SHARD_HEADER_BYTES. */
void shard_header_encode(uint8_t out[SHARD_HEADER_BYTES],
    const struct shard_header *h);

/* Errors: EC_EFORMAT (not a shard file, or a version not known), EC_ECORRUPT
 * (its hash does not hold, or a field is out of bounds). */
enum err shard_header_decode(struct shard_header *out,
    const uint8_t in[SHARD_HEADER_BYTES]);

/* Append leaves, meta and end to ${out}; ${leaves} are the sums of all leaves
 * of the data in order.  Errors: EC_ENOMEM, EC_ELIMIT (metadata too long). */
enum err shard_tail_encode(struct buf *out, const struct shard_header *h,
    const struct shard_tail *t, const uint8_t *leaves, uint64_t leaf_count);

/* From the last SHARD_END_BYTES of a file of ${file_bytes}: how many bytes
 * before the end the leaves begin.  Errors: EC_ECORRUPT. */
enum err shard_end_decode(uint64_t *tail_bytes,
    const uint8_t in[SHARD_END_BYTES], uint64_t file_bytes);

/* The whole tail, ${in} of ${len} bytes as shard_end_decode said; checked
 * against the header.  *${out} and *${leaves} point into ${in}; bucket and
 * key are NUL-terminated there.  Errors: EC_ECORRUPT, EC_EFORMAT. */
enum err shard_tail_decode(struct shard_tail *out, const uint8_t **leaves,
    uint64_t *leaf_count, const struct shard_header *h, const uint8_t *in,
    uint64_t len);

/* Bytes of the whole file. */
uint64_t shard_file_bytes(const struct shard_header *h, uint64_t size,
    uint64_t meta_bytes);

#endif
