/* md5_kernel: MD5 (RFC 1321) of whole blocks of up to 16 streams at once.  For
 * md5_stream, its kernels, tests and benchmarks. */
#ifndef MD5_KERNEL_H
#define MD5_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MD5_LANES = 16, MD5_BLOCK_BYTES = 64 };

struct md5_lanes {
	uint32_t state[4][MD5_LANES];	/* A, B, C, D of each stream */
	const uint8_t *in[MD5_LANES];	/* at its next block */
};

struct md5_kernel {
	const char *name;
	bool (*usable)(void);	/* by this CPU */
	unsigned worth;		/* from so many streams on it is the cheaper */
	/* ${blocks} blocks of the first ${n} streams; the states of others may
	 * change, their in[] must be readable as far. in[] stays. */
	void (*run)(struct md5_lanes *l, unsigned n, size_t blocks);
};

/* Fastest first; there may be none. */
extern const struct md5_kernel *const md5_kernels[];
extern const size_t md5_kernel_count;

extern const struct md5_kernel md5_avx512, md5_avx2;

/* The 64 steps.  STEP(F, a, b, c, d, k, s, i): a = b + rotate(a + F(b, c, d) +
 * word k + the i-th constant, s). */
#define MD5_FOUR(F, i, k0, k1, k2, k3, s0, s1, s2, s3) \
	STEP(F, a, b, c, d, k0, s0, i); STEP(F, d, a, b, c, k1, s1, i + 1); \
	STEP(F, c, d, a, b, k2, s2, i + 2); STEP(F, b, c, d, a, k3, s3, i + 3)
#define MD5_STEPS(F, G, H, I) \
	MD5_FOUR(F, 0, 0, 1, 2, 3, 7, 12, 17, 22); \
	MD5_FOUR(F, 4, 4, 5, 6, 7, 7, 12, 17, 22); \
	MD5_FOUR(F, 8, 8, 9, 10, 11, 7, 12, 17, 22); \
	MD5_FOUR(F, 12, 12, 13, 14, 15, 7, 12, 17, 22); \
	MD5_FOUR(G, 16, 1, 6, 11, 0, 5, 9, 14, 20); \
	MD5_FOUR(G, 20, 5, 10, 15, 4, 5, 9, 14, 20); \
	MD5_FOUR(G, 24, 9, 14, 3, 8, 5, 9, 14, 20); \
	MD5_FOUR(G, 28, 13, 2, 7, 12, 5, 9, 14, 20); \
	MD5_FOUR(H, 32, 5, 8, 11, 14, 4, 11, 16, 23); \
	MD5_FOUR(H, 36, 1, 4, 7, 10, 4, 11, 16, 23); \
	MD5_FOUR(H, 40, 13, 0, 3, 6, 4, 11, 16, 23); \
	MD5_FOUR(H, 44, 9, 12, 15, 2, 4, 11, 16, 23); \
	MD5_FOUR(I, 48, 0, 7, 14, 5, 6, 10, 15, 21); \
	MD5_FOUR(I, 52, 12, 3, 10, 1, 6, 10, 15, 21); \
	MD5_FOUR(I, 56, 8, 15, 6, 13, 6, 10, 15, 21); \
	MD5_FOUR(I, 60, 4, 11, 2, 9, 6, 10, 15, 21)

extern const uint32_t md5_sines[64];

#endif
