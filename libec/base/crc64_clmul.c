/* Folding.  A register of 128 bits, loaded little-endian, stands for
 * lo * x^64 + hi (bits reversed).  Moving it over d bits of message multiplies
 * it by x^d: lo by x^(d+64), hi by x^d, each less one because the product of
 * two reversed 64-bit values comes out one bit low.  What is left at the end,
 * and the last bytes, go through the table. */
#include "base/crc64.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <pthread.h>

enum { LANES = 8 };

/* {for lo, for hi} of a fold over 128, 256, 1024 and 2048 bits. */
static uint64_t by128[2], by256[2], by1024[2], by2048[2];
static pthread_once_t constants_once = PTHREAD_ONCE_INIT;

static void
constants_of(uint64_t out[2], unsigned bits)
{
	out[0] = crc64_power(bits + 63);
	out[1] = crc64_power(bits - 1);
}

static void
constants_fill(void)
{
	constants_of(by128, 128);
	constants_of(by256, 256);
	constants_of(by1024, 1024);
	constants_of(by2048, 2048);
}

#define PCLMUL __attribute__((target("pclmul,sse4.1")))
#define VPCLMUL __attribute__((target("avx2,pclmul,vpclmulqdq")))

PCLMUL static inline __m128i
load(const void *p)
{
	return _mm_loadu_si128(p);
}

PCLMUL static inline __m128i
fold(__m128i a, __m128i k, __m128i next)
{
	return _mm_xor_si128(next, _mm_xor_si128(
	    _mm_clmulepi64_si128(a, k, 0x00),
	    _mm_clmulepi64_si128(a, k, 0x11)));
}

/* The register after ${acc} and ${len} bytes more. */
PCLMUL static uint64_t
finish(__m128i acc, const uint8_t *p, size_t len)
{
	const __m128i k = load(by128);
	uint8_t last[16];

	for (; len >= 16; p += 16, len -= 16)
		acc = fold(acc, k, load(p));
	_mm_storeu_si128((__m128i *)(void *)last, acc);
	return crc64_table(crc64_table(0, last, sizeof(last)), p, len);
}

PCLMUL static uint64_t
crc64_pclmul(uint64_t reg, const uint8_t *p, size_t len)
{
	__m128i acc[LANES], k;
	unsigned i;

	if (len < 64)
		return crc64_table(reg, p, len);
	pthread_once(&constants_once, constants_fill);
	acc[0] = _mm_xor_si128(load(p), _mm_cvtsi64_si128((long long)reg));
	p += 16;
	len -= 16;
	if (len < 16 * (2 * LANES - 1))
		return finish(acc[0], p, len);

	for (i = 1; i < LANES; i++)
		acc[i] = load(p + 16 * (i - 1));
	p += 16 * (LANES - 1);
	len -= 16 * (LANES - 1);
	k = load(by1024);
	for (; len >= 16 * LANES; p += 16 * LANES, len -= 16 * LANES)
#pragma GCC unroll 8
		for (i = 0; i < LANES; i++)
			acc[i] = fold(acc[i], k, load(p + 16 * i));
	k = load(by128);
	for (i = 1; i < LANES; i++)
		acc[0] = fold(acc[0], k, acc[i]);
	return finish(acc[0], p, len);
}

VPCLMUL static inline __m256i
load2(const void *p)
{
	return _mm256_loadu_si256(p);
}

VPCLMUL static inline __m256i
fold2(__m256i a, __m256i k, __m256i next)
{
	return _mm256_xor_si256(next, _mm256_xor_si256(
	    _mm256_clmulepi64_epi128(a, k, 0x00),
	    _mm256_clmulepi64_epi128(a, k, 0x11)));
}

VPCLMUL static uint64_t
crc64_vpclmul(uint64_t reg, const uint8_t *p, size_t len)
{
	__m256i acc[LANES], k;
	__m128i one;
	unsigned i;

	if (len < 32 * 2 * LANES)
		return crc64_pclmul(reg, p, len);
	pthread_once(&constants_once, constants_fill);
	for (i = 0; i < LANES; i++)
		acc[i] = load2(p + 32 * i);
	acc[0] = _mm256_xor_si256(acc[0], _mm256_zextsi128_si256(
	    _mm_cvtsi64_si128((long long)reg)));
	p += 32 * LANES;
	len -= 32 * LANES;
	k = _mm256_broadcastsi128_si256(load(by2048));
	for (; len >= 32 * LANES; p += 32 * LANES, len -= 32 * LANES)
#pragma GCC unroll 8
		for (i = 0; i < LANES; i++)
			acc[i] = fold2(acc[i], k, load2(p + 32 * i));
	k = _mm256_broadcastsi128_si256(load(by256));
	for (i = 1; i < LANES; i++)
		acc[0] = fold2(acc[0], k, acc[i]);
	one = fold(_mm256_castsi256_si128(acc[0]), load(by128),
	    _mm256_extracti128_si256(acc[0], 1));
	return finish(one, p, len);
}

static bool
pclmul_usable(void)
{
	return __builtin_cpu_supports("pclmul") &&
	    __builtin_cpu_supports("sse4.1");
}

static bool
vpclmul_usable(void)
{
	return pclmul_usable() && __builtin_cpu_supports("avx2") &&
	    __builtin_cpu_supports("vpclmulqdq");
}

#endif

static bool
always(void)
{
	return true;
}

const struct crc64_kernel crc64_kernels[] = {
#if defined(__x86_64__)
	{ "vpclmul", vpclmul_usable, crc64_vpclmul },
	{ "pclmul", pclmul_usable, crc64_pclmul },
#endif
	{ "table", always, crc64_table },
};

const size_t crc64_kernel_count =
    sizeof(crc64_kernels) / sizeof(crc64_kernels[0]);
