/* shard: the shard file, which explains itself.  ec-shard(5) has the bytes.
 *
 *   header    4096 bytes: who I am; written first
 *   data      the shard's bytes (stripe.h), in groups of SHARD_GROUP_BYTES;
 *             after each group its page: 32 bytes of bitrot hash for each
 *             leaf of SHARD_LEAF_BYTES of data (the last may be shorter)
 *   pages     32 bytes of bitrot hash for each page
 *   meta      what is only known at the end: size, key, metadata
 *   end       64 bytes: lengths, and a hash over pages, meta, header and these
 *
 * A shard of at most 128 MiB is one group, so its data lies in one piece.
 * Pages keep the memory of a writer constant, and let a reader of a small
 * range fetch one page and one leaf.  Every field is bounded before it sizes
 * anything. */
#ifndef SHARD_H
#define SHARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/uuid.h"
#include "codec/stripe.h"

enum {
	SHARD_VERSION = 1,
	SHARD_HEADER_BYTES = 4096,
	SHARD_END_BYTES = 64,
	SHARD_SUM_BYTES = 32,
	SHARD_LEAF_BYTES = 64 * 1024,
	SHARD_PAGE_LEAVES = 2048,
	SHARD_PAGE_BYTES = SHARD_PAGE_LEAVES * SHARD_SUM_BYTES,
	SHARD_GROUP_BYTES = SHARD_PAGE_LEAVES * SHARD_LEAF_BYTES,
	SHARD_BIND_BYTES = 16,
	SHARD_META_MAX = 1024 * 1024,
};

struct shard_header {
	struct stripe stripe;
	unsigned index;		/* 0 .. k + m; below k: data */
	struct uuid id;		/* of the object (one write of one part) */
	uint32_t part;		/* part number, 1 when there is only one */
};

/* What the end of the file says about the object. */
struct shard_tail {
	uint64_t size;		/* bytes of the object (not of the shard) */
	uint8_t md5[16];	/* of the object's bytes; zero when not taken */
	const char *bucket, *key;	/* "" when there is none */
	const uint8_t *extra;	/* metadata of the layer above, opaque */
	uint32_t extra_len;
};

/* What the last SHARD_END_BYTES say. */
struct shard_end {
	uint64_t data_bytes;	/* of the shard */
	uint32_t meta_bytes;
	uint8_t bind[SHARD_BIND_BYTES];	/* which header belongs to it */
};

/* Exactly SHARD_HEADER_BYTES; the same header gives the same bytes. */
void shard_header_encode(uint8_t out[SHARD_HEADER_BYTES],
    const struct shard_header *h);

/* Errors: EC_EFORMAT (not a shard file, or a version not known), EC_ECORRUPT
 * (its hash does not hold, or a field is out of bounds). */
enum err shard_header_decode(struct shard_header *out,
    const uint8_t in[SHARD_HEADER_BYTES]);

/* The bytes by which an end names its header: a reader that knows which
 * header it expects need not read it. */
void shard_header_bind(uint8_t out[SHARD_BIND_BYTES],
    const struct shard_header *h);

/* Append pages, meta and end of a shard of ${data_bytes} to ${out}; ${pages}
 * are the sums of all its pages in order.  Errors: EC_ENOMEM, EC_ELIMIT
 * (metadata too long). */
enum err shard_tail_encode(struct buf *out, const struct shard_header *h,
    const struct shard_tail *t, uint64_t data_bytes, const uint8_t *pages);

/* From the last SHARD_END_BYTES of a file of ${file_bytes}, which must be
 * just as long as they say.  Nothing is verified yet.
 * Errors: EC_EFORMAT (not an end), EC_ECORRUPT. */
enum err shard_end_decode(struct shard_end *out,
    const uint8_t in[SHARD_END_BYTES], uint64_t file_bytes);

/* Bytes of pages, meta and end together: the last ones of the file. */
uint64_t shard_tail_bytes(const struct shard_end *e);

/* The whole tail, the last ${len} bytes of a file whose end is ${e}, verified
 * against the header ${h}.  *${out} and *${pages} point into ${in}; bucket
 * and key are NUL-terminated there.  Errors: EC_ECORRUPT. */
enum err shard_tail_decode(struct shard_tail *out, const uint8_t **pages,
    const struct shard_header *h, const struct shard_end *e,
    const uint8_t *in, uint64_t len);

/* Bytes of the meta that says ${t}. */
uint64_t shard_meta_bytes(const struct shard_tail *t);

/* Bytes of the whole file of a shard of an object of ${size} (not that of
 * ${t}, so that it may be asked beforehand). */
uint64_t shard_file_bytes(const struct stripe *s, uint64_t size,
    const struct shard_tail *t);

static inline uint64_t
shard_leaf_count(uint64_t data_bytes)
{
	return num_div_up(data_bytes, SHARD_LEAF_BYTES);
}

static inline uint64_t
shard_page_count(uint64_t data_bytes)
{
	return num_div_up(data_bytes, SHARD_GROUP_BYTES);
}

/* Where byte ${at} of the shard's data lies in the file. */
static inline uint64_t
shard_data_off(uint64_t at)
{
	return SHARD_HEADER_BYTES + at +
	    at / SHARD_GROUP_BYTES * SHARD_PAGE_BYTES;
}

/* Where page ${n} of a shard of ${data_bytes} lies, and its length. */
static inline uint64_t
shard_page_off(uint64_t data_bytes, uint64_t n)
{
	return SHARD_HEADER_BYTES + n * SHARD_PAGE_BYTES +
	    num_min(data_bytes, (n + 1) * SHARD_GROUP_BYTES);
}

static inline size_t
shard_page_bytes(uint64_t data_bytes, uint64_t n)
{
	uint64_t leaves = shard_leaf_count(data_bytes) - n * SHARD_PAGE_LEAVES;

	return num_min(leaves, SHARD_PAGE_LEAVES) * SHARD_SUM_BYTES;
}

#endif
