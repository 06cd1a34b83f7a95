/* Multiplication by a constant is two look-ups of four bits each, 32 bytes at
 * a time (Plank, Greenan, Miller, "Screaming Fast Galois Field Arithmetic
 * Using Intel SIMD Instructions", 2013).  Each table loaded serves 64 bytes.
 * Rows are computed in passes of up to ROWS_MAX, what 16 registers hold; the
 * tables are laid out in the order of use: pass, source, row. */
#include "codec/rs_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "base/num.h"
#include "codec/matrix.h"

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) inline

enum { ROWS_MAX = 4 };

/* Even shares: 6 rows are 3 + 3, not 4 + 2. */
static unsigned
pass_rows(unsigned rows)
{
	return (unsigned)num_div_up(rows, num_div_up(rows, ROWS_MAX));
}

static void
prepare(uint8_t *tables, const uint8_t *coefficients, unsigned k,
    unsigned rows)
{
	unsigned at, n, j, r, v;
	uint8_t c;

	for (at = 0; at < rows; at += n) {
		n = pass_rows(rows - at);
		for (j = 0; j < k; j++)
			for (r = at; r < at + n; r++, tables += 32) {
				c = coefficients[r * k + j];
				for (v = 0; v < 16; v++) {
					tables[v] = matrix_gf_mul(c,
					    (uint8_t)v);
					tables[16 + v] = matrix_gf_mul(c,
					    (uint8_t)(v << 4));
				}
			}
	}
}

static AVX2_INLINE __m256i
table_load(const uint8_t *p)
{
	return _mm256_broadcastsi128_si256(
	    _mm_load_si128((const __m128i *)(const void *)p));
}

/* One pass; rows is a constant in each copy made of it. */
static AVX2_INLINE void
pass(const uint8_t *tables, uint8_t *const src[], unsigned k,
    uint8_t *const dst[], const unsigned rows, size_t len)
{
	const __m256i mask = _mm256_set1_epi8(15);
	__m256i acc[ROWS_MAX][2], lo[2], hi[2], low, high;
	const uint8_t *table;
	unsigned j, r, w;
	size_t at;

	for (at = 0; at < len; at += RS_BLOCK_BYTES) {
#pragma GCC unroll 4
		for (r = 0; r < rows; r++)
			acc[r][0] = acc[r][1] = _mm256_setzero_si256();
		table = tables;
		for (j = 0; j < k; j++) {
			_mm_prefetch((const char *)src[j] + at +
			    RS_PREFETCH_BYTES, _MM_HINT_T1);
#pragma GCC unroll 2
			for (w = 0; w < 2; w++) {
				lo[w] = _mm256_loadu_si256(
				    (const void *)(src[j] + at + 32 * w));
				hi[w] = _mm256_and_si256(mask,
				    _mm256_srli_epi64(lo[w], 4));
				lo[w] = _mm256_and_si256(mask, lo[w]);
			}
#pragma GCC unroll 4
			for (r = 0; r < rows; r++, table += 32) {
				low = table_load(table);
				high = table_load(table + 16);
#pragma GCC unroll 2
				for (w = 0; w < 2; w++)
					acc[r][w] = _mm256_xor_si256(acc[r][w],
					    _mm256_xor_si256(
					    _mm256_shuffle_epi8(low, lo[w]),
					    _mm256_shuffle_epi8(high, hi[w])));
			}
		}
#pragma GCC unroll 4
		for (r = 0; r < rows; r++)
#pragma GCC unroll 2
			for (w = 0; w < 2; w++)
				_mm256_storeu_si256(
				    (void *)(dst[r] + at + 32 * w), acc[r][w]);
	}
}

AVX2 static void
multiply(const uint8_t *tables, uint8_t *const src[], unsigned k,
    uint8_t *const dst[], unsigned rows, size_t len)
{
	unsigned n;

	for (; rows > 0; rows -= n, dst += n, tables += (size_t)32 * n * k) {
		n = pass_rows(rows);
		switch (n) {
		case 1: pass(tables, src, k, dst, 1, len); break;
		case 2: pass(tables, src, k, dst, 2, len); break;
		case 3: pass(tables, src, k, dst, 3, len); break;
		case 4: pass(tables, src, k, dst, 4, len); break;
		}
	}
}

static bool
usable(void)
{
	return __builtin_cpu_supports("avx2");
}

const struct rs_kernel rs_avx2 = { "avx2", usable, prepare, multiply };

#endif
