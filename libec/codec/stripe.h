/* stripe: how an object of ${size} bytes lies in shards.  Pure functions, the
 * only place that knows.
 *
 * The object is cut into stripes of k * unit bytes.  Stripe s gives shard i
 * the unit bytes at s * k * unit + i * unit.  The last stripe, of r bytes, is
 * cut into k pieces of round_up(ceil(r / k), 64) bytes, zero-padded.  A
 * shard's data is its pieces one after the other, with nothing between. */
#ifndef STRIPE_H
#define STRIPE_H

#include <stdint.h>

#include "base/err.h"

enum {
	STRIPE_UNIT_MIN = 4096,		/* bytes of one shard in one stripe */
	STRIPE_UNIT_DEFAULT = 128 * 1024,
	STRIPE_UNIT_MAX = 4 * 1024 * 1024,
	STRIPE_ALIGN = 64,
};
#define STRIPE_SIZE_MAX (UINT64_C(1) << 50)	/* bytes of one object's part */

struct stripe {		/* a geometry; check it with stripe_valid */
	unsigned k, m;	/* data and parity shards: 1 <= k, k + m <= 255 */
	uint32_t unit;	/* multiple of 64 in [STRIPE_UNIT_MIN, _MAX] */
};

/* EC_OK or EC_EINVAL. */
enum err stripe_valid(const struct stripe *s);

/* Stripes in an object; 0 for size 0. */
uint64_t stripe_count(const struct stripe *s, uint64_t size);

/* Bytes of the object in stripe ${n} (< stripe_count). */
uint64_t stripe_data_bytes(const struct stripe *s, uint64_t size, uint64_t n);

/* Bytes of each shard in a stripe that holds ${data_bytes} of the object. */
uint32_t stripe_piece_bytes(const struct stripe *s, uint64_t data_bytes);

/* Bytes of each shard's data for the whole object; 0 for size 0.
 * size <= STRIPE_SIZE_MAX. */
uint64_t stripe_shard_bytes(const struct stripe *s, uint64_t size);

/* k / (k + m): what part of the raw space holds data. */
double stripe_efficiency(const struct stripe *s);

#endif
