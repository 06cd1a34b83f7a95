/* bitrot: the hash kept beside every piece of a shard.
 *
 * HighwayHash-256 under a fixed key: H, keyed with zero, of the first 100
 * decimals of pi.  A shard is hashed in leaves of ${leaf} bytes (the last may
 * be shorter), so that a small range costs one read and one hash. */
#ifndef BITROT_H
#define BITROT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BITROT_SUM_BYTES = 32 };

void bitrot_sum(uint8_t out[BITROT_SUM_BYTES], const void *buf, size_t len);

/* Sums of the leaves of ${n} shards of ${len} bytes each, shard by shard's
 * leaves: shard i's go to out[i], num_div_up(len, leaf) * 32 bytes. */
void bitrot_sum_shards(uint8_t *const out[], const uint8_t *const shard[],
    unsigned n, size_t len, size_t leaf);

bool bitrot_check(const uint8_t sum[BITROT_SUM_BYTES], const void *buf,
    size_t len);

/* The published self-test: 32 times {sum = H(msg); msg ||= sum}.  Run at the
 * start of every tool and server; false means wrong code on this CPU. */
bool bitrot_self_test(void);

#endif
