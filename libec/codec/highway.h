/* highway: HighwayHash-256 (Alakuijala, Cox, Wassenberg, "Fast keyed
 * hash/pseudo-random function using SIMD multiply and permute", 2016).
 *
 * AVX2, NEON or portable code, chosen at run time; all give the same sums. */
#ifndef HIGHWAY_H
#define HIGHWAY_H

#include <stddef.h>
#include <stdint.h>

enum { HIGHWAY_BYTES = 32, HIGHWAY_KEY_BYTES = 32, HIGHWAY_STREAMS_MAX = 16 };

/* The sum of ${len} bytes (0 is fine). */
void highway_sum(uint8_t out[HIGHWAY_BYTES],
    const uint8_t key[HIGHWAY_KEY_BYTES], const void *buf, size_t len);

/* The sums of ${n} buffers (1 .. HIGHWAY_STREAMS_MAX) of equal length;
 * interleaved, so faster than n calls. */
void highway_sum_many(uint8_t out[][HIGHWAY_BYTES],
    const uint8_t key[HIGHWAY_KEY_BYTES], const uint8_t *const buf[],
    unsigned n, size_t len);

/* The kernel used here: "avx2", "neon" or "portable".  highway_force(name)
 * takes another for tests and benchmarks; NULL goes back; false if this CPU
 * has it not. */
const char *highway_kernel(void);
_Bool highway_force(const char *name);

#endif
