/* One stream is a chain of dependent multiplications that leaves most of the
 * CPU idle, so streams are interleaved.  Three states of four registers are
 * what 16 registers hold with room to work. */
#include "codec/highway_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) inline

enum { STREAMS = 3 };

struct state {
	__m256i v0, v1, mul0, mul1;
};

static AVX2_INLINE __m256i
zipper(__m256i v)
{
	const __m256i order = _mm256_set_epi64x(
	    0x070806090d0a040b, 0x000f010e05020c03,
	    0x070806090d0a040b, 0x000f010e05020c03);

	return _mm256_shuffle_epi8(v, order);
}

static AVX2_INLINE void
update(struct state *s, __m256i packet)
{
	s->v1 = _mm256_add_epi64(s->v1, _mm256_add_epi64(s->mul0, packet));
	s->mul0 = _mm256_xor_si256(s->mul0, _mm256_mul_epu32(s->v1,
	    _mm256_srli_epi64(s->v0, 32)));
	s->v0 = _mm256_add_epi64(s->v0, s->mul1);
	s->mul1 = _mm256_xor_si256(s->mul1, _mm256_mul_epu32(s->v0,
	    _mm256_srli_epi64(s->v1, 32)));
	s->v0 = _mm256_add_epi64(s->v0, zipper(s->v1));
	s->v1 = _mm256_add_epi64(s->v1, zipper(s->v0));
}

static AVX2_INLINE __m256i
load(const void *p)
{
	return _mm256_loadu_si256(p);
}

static AVX2_INLINE void
add_last(struct state *s, const uint8_t *p, size_t len)
{
	uint8_t last[HIGHWAY_PACKET_BYTES];
	const int n = (int)len;

	s->v0 = _mm256_add_epi64(s->v0, _mm256_set1_epi32(n));
	s->v1 = _mm256_or_si256(_mm256_slli_epi32(s->v1, n),
	    _mm256_srli_epi32(s->v1, 32 - n));
	highway_last_packet(last, p, len);
	update(s, load(last));
}

static AVX2_INLINE void
final_round(struct state *s)
{
	update(s, _mm256_shuffle_epi32(
	    _mm256_permute4x64_epi64(s->v0, 0x4e), 0xb1));
}

/* The whole sum of ${n} streams; n is a constant in each copy made of it. */
static AVX2_INLINE void
run(struct highway_state *out, const uint8_t *const buf[], const unsigned n,
    size_t len)
{
	struct state s[STREAMS];
	size_t at, whole = len - len % HIGHWAY_PACKET_BYTES;
	unsigned i, round;

	for (i = 0; i < n; i++) {
		s[i].v0 = load(out[i].v0);
		s[i].v1 = load(out[i].v1);
		s[i].mul0 = load(out[i].mul0);
		s[i].mul1 = load(out[i].mul1);
	}
	for (at = 0; at < whole; at += HIGHWAY_PACKET_BYTES)
#pragma GCC unroll 4
		for (i = 0; i < n; i++)
			update(&s[i], load(buf[i] + at));
	if (len > whole)
		for (i = 0; i < n; i++)
			add_last(&s[i], buf[i] + whole, len - whole);
	for (round = 0; round < HIGHWAY_FINAL_ROUNDS; round++)
#pragma GCC unroll 4
		for (i = 0; i < n; i++)
			final_round(&s[i]);
	for (i = 0; i < n; i++) {
		_mm256_storeu_si256((void *)out[i].v0, s[i].v0);
		_mm256_storeu_si256((void *)out[i].v1, s[i].v1);
		_mm256_storeu_si256((void *)out[i].mul0, s[i].mul0);
		_mm256_storeu_si256((void *)out[i].mul1, s[i].mul1);
	}
}

AVX2 static void
sum(struct highway_state *s, const uint8_t *const buf[], unsigned n,
    size_t len)
{
	if (n == 1)
		run(s, buf, 1, len);
	else if (n == 2)
		run(s, buf, 2, len);
	else
		run(s, buf, 3, len);
}

static bool
usable(void)
{
	return __builtin_cpu_supports("avx2");
}

const struct highway_kernel highway_avx2 = { "avx2", usable, STREAMS, sum };

#endif
