/* One stream in each 32-bit lane of a register: 16 at once. */
#include "base/md5_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))
#define AVX512_INLINE __attribute__((target("avx512f"), always_inline)) inline

/* m[w] becomes word w of all streams: words in fours first, then the quarters
 * of the registers, which are words 4, 8 and 12 apart. */
AVX512_INLINE static void
load(__m512i m[16], const uint8_t *const in[], size_t at)
{
	__m512i u[4][4];

	for (unsigned g = 0; g < 4; g++) {
		const __m512i r0 = _mm512_loadu_si512(in[4 * g] + at);
		const __m512i r1 = _mm512_loadu_si512(in[4 * g + 1] + at);
		const __m512i r2 = _mm512_loadu_si512(in[4 * g + 2] + at);
		const __m512i r3 = _mm512_loadu_si512(in[4 * g + 3] + at);
		const __m512i lo01 = _mm512_unpacklo_epi32(r0, r1);
		const __m512i hi01 = _mm512_unpackhi_epi32(r0, r1);
		const __m512i lo23 = _mm512_unpacklo_epi32(r2, r3);
		const __m512i hi23 = _mm512_unpackhi_epi32(r2, r3);

		u[g][0] = _mm512_unpacklo_epi64(lo01, lo23);
		u[g][1] = _mm512_unpackhi_epi64(lo01, lo23);
		u[g][2] = _mm512_unpacklo_epi64(hi01, hi23);
		u[g][3] = _mm512_unpackhi_epi64(hi01, hi23);
	}
	for (unsigned w = 0; w < 4; w++) {
		const __m512i a = _mm512_shuffle_i32x4(u[0][w], u[1][w], 0x44);
		const __m512i b = _mm512_shuffle_i32x4(u[0][w], u[1][w], 0xee);
		const __m512i c = _mm512_shuffle_i32x4(u[2][w], u[3][w], 0x44);
		const __m512i d = _mm512_shuffle_i32x4(u[2][w], u[3][w], 0xee);

		m[w] = _mm512_shuffle_i32x4(a, c, 0x88);
		m[4 + w] = _mm512_shuffle_i32x4(a, c, 0xdd);
		m[8 + w] = _mm512_shuffle_i32x4(b, d, 0x88);
		m[12 + w] = _mm512_shuffle_i32x4(b, d, 0xdd);
	}
}

#define F(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0xca)
#define G(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0xe4)
#define H(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0x96)
#define I(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0x39)
#define STEP(f, a, b, c, d, k, s, i) \
	a = _mm512_add_epi32(a, _mm512_add_epi32(m[k], \
	    _mm512_set1_epi32((int)md5_sines[i]))); \
	a = _mm512_add_epi32(a, f(b, c, d)); \
	a = _mm512_add_epi32(_mm512_rol_epi32(a, s), b)

AVX512 static void
run(struct md5_lanes *l, unsigned n, size_t blocks)
{
	__m512i a = _mm512_loadu_si512(l->state[0]);
	__m512i b = _mm512_loadu_si512(l->state[1]);
	__m512i c = _mm512_loadu_si512(l->state[2]);
	__m512i d = _mm512_loadu_si512(l->state[3]);
	__m512i m[16];

	(void)n;
	for (size_t i = 0; i < blocks; i++) {
		const __m512i a0 = a, b0 = b, c0 = c, d0 = d;

		load(m, l->in, i * MD5_BLOCK_BYTES);
		MD5_STEPS(F, G, H, I);
		a = _mm512_add_epi32(a, a0);
		b = _mm512_add_epi32(b, b0);
		c = _mm512_add_epi32(c, c0);
		d = _mm512_add_epi32(d, d0);
	}
	_mm512_storeu_si512(l->state[0], a);
	_mm512_storeu_si512(l->state[1], b);
	_mm512_storeu_si512(l->state[2], c);
	_mm512_storeu_si512(l->state[3], d);
}

static bool
usable(void)
{
	return __builtin_cpu_supports("avx512f");
}

const struct md5_kernel md5_avx512 = { "avx512", usable, 2, run };

#endif
