/* Multiplication by a constant is linear over the bits of a byte, so one
 * GF2P8AFFINEQB with the constant's 8x8 bit matrix does it for 64 bytes.
 * Rows are computed in passes of up to ROWS_MAX; the tables are laid out in the
 * order of use: pass, source, row. */
#include "codec/rs_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <pthread.h>

#include "base/num.h"
#include "codec/matrix.h"

#define GFNI __attribute__((target("avx512f,avx512bw,avx512vl,gfni")))
#define GFNI_INLINE __attribute__((target("avx512f,avx512bw,avx512vl,gfni"), \
    always_inline)) inline

enum { ROWS_MAX = 8 };

static uint64_t bit_matrix[256];	/* of each constant */
static pthread_once_t bit_matrix_once = PTHREAD_ONCE_INIT;

/* Row i of a matrix, in byte 7 - i, selects the bits whose sum is bit i of
 * the product. */
static void
bit_matrix_fill(void)
{
	unsigned c, i, j;
	uint64_t product;

	for (c = 0; c < 256; c++)
		for (j = 0; j < 8; j++) {
			product = matrix_gf_mul((uint8_t)c, (uint8_t)(1u << j));
			for (i = 0; i < 8; i++)
				bit_matrix[c] |= (product >> i & 1) <<
				    (8 * (7 - i) + j);
		}
}

static unsigned
pass_rows(unsigned rows)
{
	return (unsigned)num_min(rows, ROWS_MAX);
}

static void
prepare(uint8_t *tables, const uint8_t *coefficients, unsigned k,
    unsigned rows)
{
	unsigned at, n, j, r;
	uint64_t *table = (void *)tables;

	pthread_once(&bit_matrix_once, bit_matrix_fill);
	for (at = 0; at < rows; at += n) {
		n = pass_rows(rows - at);
		for (j = 0; j < k; j++)
			for (r = at; r < at + n; r++)
				*table++ = bit_matrix[coefficients[r * k + j]];
	}
}

/* ${wide} (1 or 2) times 64 bytes at ${at}. */
static GFNI_INLINE void
block(const uint64_t *table, uint8_t *const src[], unsigned k,
    uint8_t *const dst[], const unsigned rows, size_t at, const unsigned wide)
{
	__m512i acc[ROWS_MAX][2], x[2], a;
	unsigned j, r, w;

#pragma GCC unroll 8
	for (r = 0; r < rows; r++)
		acc[r][0] = acc[r][1] = _mm512_setzero_si512();
	for (j = 0; j < k; j++, table += rows) {
#pragma GCC unroll 2
		for (w = 0; w < wide; w++)
			_mm_prefetch((const char *)src[j] + at + 64 * w +
			    RS_PREFETCH_BYTES, _MM_HINT_T1);
#pragma GCC unroll 2
		for (w = 0; w < wide; w++)
			x[w] = _mm512_loadu_si512(src[j] + at + 64 * w);
#pragma GCC unroll 8
		for (r = 0; r < rows; r++) {
			a = _mm512_set1_epi64((long long)table[r]);
#pragma GCC unroll 2
			for (w = 0; w < wide; w++)
				acc[r][w] = _mm512_xor_si512(acc[r][w],
				    _mm512_gf2p8affine_epi64_epi8(x[w], a, 0));
		}
	}
#pragma GCC unroll 8
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (w = 0; w < wide; w++)
			_mm512_storeu_si512(dst[r] + at + 64 * w, acc[r][w]);
}

/* One pass; rows is a constant in each copy made of it. */
static GFNI_INLINE void
pass(const uint64_t *table, uint8_t *const src[], unsigned k,
    uint8_t *const dst[], const unsigned rows, size_t len)
{
	size_t at;

	for (at = 0; at + 128 <= len; at += 128)
		block(table, src, k, dst, rows, at, 2);
	if (at < len)
		block(table, src, k, dst, rows, at, 1);
}

GFNI static void
multiply(const uint8_t *tables, uint8_t *const src[], unsigned k,
    uint8_t *const dst[], unsigned rows, size_t len)
{
	const uint64_t *table = (const void *)tables;
	unsigned n;

	for (; rows > 0; rows -= n, dst += n, table += (size_t)n * k) {
		n = pass_rows(rows);
		switch (n) {
		case 1: pass(table, src, k, dst, 1, len); break;
		case 2: pass(table, src, k, dst, 2, len); break;
		case 3: pass(table, src, k, dst, 3, len); break;
		case 4: pass(table, src, k, dst, 4, len); break;
		case 5: pass(table, src, k, dst, 5, len); break;
		case 6: pass(table, src, k, dst, 6, len); break;
		case 7: pass(table, src, k, dst, 7, len); break;
		case 8: pass(table, src, k, dst, 8, len); break;
		}
	}
}

static bool
usable(void)
{
	return __builtin_cpu_supports("gfni") &&
	    __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl");
}

const struct rs_kernel rs_gfni = { "avx512+gfni", usable, prepare, multiply };

#endif
