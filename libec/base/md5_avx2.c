/* One stream in each 32-bit lane of a register: eight at once, sixteen in two
 * turns. */
#include "base/md5_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) inline

enum { EIGHT = 8 };

AVX2_INLINE static __m256i
load_256(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* m[w] becomes word w of eight streams, of the eight words at ${at}. */
AVX2_INLINE static void
load(__m256i m[EIGHT], const uint8_t *const in[], size_t at)
{
	__m256i u[2][4];

	for (unsigned g = 0; g < 2; g++) {
		const __m256i r0 = load_256(in[4 * g] + at);
		const __m256i r1 = load_256(in[4 * g + 1] + at);
		const __m256i r2 = load_256(in[4 * g + 2] + at);
		const __m256i r3 = load_256(in[4 * g + 3] + at);
		const __m256i lo01 = _mm256_unpacklo_epi32(r0, r1);
		const __m256i hi01 = _mm256_unpackhi_epi32(r0, r1);
		const __m256i lo23 = _mm256_unpacklo_epi32(r2, r3);
		const __m256i hi23 = _mm256_unpackhi_epi32(r2, r3);

		u[g][0] = _mm256_unpacklo_epi64(lo01, lo23);
		u[g][1] = _mm256_unpackhi_epi64(lo01, lo23);
		u[g][2] = _mm256_unpacklo_epi64(hi01, hi23);
		u[g][3] = _mm256_unpackhi_epi64(hi01, hi23);
	}
	for (unsigned w = 0; w < 4; w++) {
		m[w] = _mm256_permute2x128_si256(u[0][w], u[1][w], 0x20);
		m[4 + w] = _mm256_permute2x128_si256(u[0][w], u[1][w], 0x31);
	}
}

#define XOR _mm256_xor_si256
#define AND _mm256_and_si256
#define F(b, c, d) XOR(d, AND(b, XOR(c, d)))
#define G(b, c, d) XOR(c, AND(d, XOR(b, c)))
#define H(b, c, d) XOR(b, XOR(c, d))
#define I(b, c, d) XOR(c, _mm256_or_si256(b, XOR(d, ones)))
#define STEP(f, a, b, c, d, k, s, i) \
	a = _mm256_add_epi32(a, _mm256_add_epi32(m[k], \
	    _mm256_set1_epi32((int)md5_sines[i]))); \
	a = _mm256_add_epi32(a, f(b, c, d)); \
	a = _mm256_add_epi32(_mm256_or_si256(_mm256_slli_epi32(a, s), \
	    _mm256_srli_epi32(a, 32 - (s))), b)

AVX2 static void
run_eight(struct md5_lanes *l, unsigned first, size_t blocks)
{
	const __m256i ones = _mm256_set1_epi32(-1);
	__m256i v[4], m[2 * EIGHT];

	for (unsigned i = 0; i < 4; i++)
		v[i] = load_256((const uint8_t *)&l->state[i][first]);
	for (size_t i = 0; i < blocks; i++) {
		__m256i a = v[0], b = v[1], c = v[2], d = v[3];

		load(m, l->in + first, i * MD5_BLOCK_BYTES);
		load(m + EIGHT, l->in + first, i * MD5_BLOCK_BYTES +
		    MD5_BLOCK_BYTES / 2);
		MD5_STEPS(F, G, H, I);
		v[0] = _mm256_add_epi32(a, v[0]);
		v[1] = _mm256_add_epi32(b, v[1]);
		v[2] = _mm256_add_epi32(c, v[2]);
		v[3] = _mm256_add_epi32(d, v[3]);
	}
	for (unsigned i = 0; i < 4; i++)
		_mm256_storeu_si256((__m256i *)(void *)&l->state[i][first],
		    v[i]);
}

static void
run(struct md5_lanes *l, unsigned n, size_t blocks)
{
	run_eight(l, 0, blocks);
	if (n > EIGHT)
		run_eight(l, EIGHT, blocks);
}

static bool
usable(void)
{
	return __builtin_cpu_supports("avx2");
}

const struct md5_kernel md5_avx2 = { "avx2", usable, 3, run };

#endif
