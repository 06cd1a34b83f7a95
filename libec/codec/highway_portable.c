#include <string.h>

#include "base/num.h"
#include "codec/highway_kernel.h"

static uint64_t
swap_halves(uint64_t v)
{
	return v >> 32 | v << 32;
}

/* Byte ${from} of ${v} moved to byte ${to}. */
static inline uint64_t
move(uint64_t v, unsigned from, unsigned to)
{
	return (v >> 8 * from & 0xff) << 8 * to;
}

/* Add to a pair the bytes of another pair, interleaved so that the good bits
 * in the middle of the products reach the places where they are needed. */
static inline void
zipper_add(uint64_t to[2], const uint64_t from[2])
{
	const uint64_t lo = from[0], hi = from[1];

	to[0] += move(lo, 3, 0) | move(hi, 4, 1) | move(lo, 2, 2) |
	    move(lo, 5, 3) | move(hi, 6, 4) | move(lo, 1, 5) |
	    move(hi, 7, 6) | move(lo, 0, 7);
	to[1] += move(hi, 3, 0) | move(lo, 4, 1) | move(hi, 2, 2) |
	    move(hi, 5, 3) | move(hi, 1, 4) | move(lo, 6, 5) |
	    move(hi, 0, 6) | move(lo, 7, 7);
}

static void
update(struct highway_state *s, const uint64_t packet[4])
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		s->v1[i] += s->mul0[i] + packet[i];
		s->mul0[i] ^= (s->v1[i] & 0xffffffff) * (s->v0[i] >> 32);
		s->v0[i] += s->mul1[i];
		s->mul1[i] ^= (s->v0[i] & 0xffffffff) * (s->v1[i] >> 32);
	}
	zipper_add(s->v0, s->v1);
	zipper_add(s->v0 + 2, s->v1 + 2);
	zipper_add(s->v1, s->v0);
	zipper_add(s->v1 + 2, s->v0 + 2);
}

static void
update_bytes(struct highway_state *s, const uint8_t *p)
{
	uint64_t packet[4];
	unsigned i;

	for (i = 0; i < 4; i++)
		packet[i] = le64_get(p + 8 * i);
	update(s, packet);
}

static uint64_t
rotate_each_half(uint64_t v, unsigned n)
{
	uint32_t lo = (uint32_t)v, hi = (uint32_t)(v >> 32);

	lo = lo << n | lo >> (32 - n);
	hi = hi << n | hi >> (32 - n);
	return (uint64_t)hi << 32 | lo;
}

static void
finish(struct highway_state *s, const uint8_t *p, size_t len)
{
	uint8_t last[HIGHWAY_PACKET_BYTES];
	uint64_t turned[4];
	unsigned i, round;

	if (len > 0) {
		for (i = 0; i < 4; i++) {
			s->v0[i] += (uint64_t)len << 32 | len;
			s->v1[i] = rotate_each_half(s->v1[i], (unsigned)len);
		}
		highway_last_packet(last, p, len);
		update_bytes(s, last);
	}
	for (round = 0; round < HIGHWAY_FINAL_ROUNDS; round++) {
		for (i = 0; i < 4; i++)
			turned[i] = swap_halves(s->v0[i ^ 2]);
		update(s, turned);
	}
}

static void
sum(struct highway_state *s, const uint8_t *const buf[], unsigned n,
    size_t len)
{
	const uint8_t *p;
	size_t left;
	unsigned i;

	for (i = 0; i < n; i++) {
		p = buf[i];
		for (left = len; left >= HIGHWAY_PACKET_BYTES;
		    left -= HIGHWAY_PACKET_BYTES, p += HIGHWAY_PACKET_BYTES)
			update_bytes(&s[i], p);
		finish(&s[i], p, left);
	}
}

static bool
usable(void)
{
	return true;
}

const struct highway_kernel highway_portable = { "portable", usable, 1, sum };

void
highway_last_packet(uint8_t packet[HIGHWAY_PACKET_BYTES], const uint8_t *p,
    size_t len)
{
	size_t words = len & ~(size_t)3, odd = len & 3;

	memset(packet, 0, HIGHWAY_PACKET_BYTES);
	memcpy(packet, p, words);
	if (len >= 16)		/* the last four bytes, whole or not */
		memcpy(packet + 28, p + len - 4, 4);
	else if (odd > 0) {
		packet[16] = p[words];
		packet[17] = p[words + odd / 2];
		packet[18] = p[len - 1];
	}
}

void
highway_start(struct highway_state *s, const uint8_t key[32])
{
	static const uint64_t init0[4] = { UINT64_C(0xdbe6d5d5fe4cce2f),
		UINT64_C(0xa4093822299f31d0), UINT64_C(0x13198a2e03707344),
		UINT64_C(0x243f6a8885a308d3) };
	static const uint64_t init1[4] = { UINT64_C(0x3bd39e10cb0ef593),
		UINT64_C(0xc0acf169b5f18a8c), UINT64_C(0xbe5466cf34e90c6c),
		UINT64_C(0x452821e638d01377) };
	unsigned i;

	for (i = 0; i < 4; i++) {
		s->mul0[i] = init0[i];
		s->mul1[i] = init1[i];
		s->v0[i] = init0[i] ^ le64_get(key + 8 * i);
		s->v1[i] = init1[i] ^ swap_halves(le64_get(key + 8 * i));
	}
}

/* 256 bits modulo x^128 + x^2 + x. */
static void
reduce(uint8_t out[16], uint64_t a3, uint64_t a2, uint64_t a1, uint64_t a0)
{
	a3 &= UINT64_C(0x3fffffffffffffff);
	le64_put(out, a0 ^ a2 << 1 ^ a2 << 2);
	le64_put(out + 8, a1 ^ (a3 << 1 | a2 >> 63) ^ (a3 << 2 | a2 >> 62));
}

void
highway_result(uint8_t out[32], const struct highway_state *s)
{
	unsigned i;

	for (i = 0; i < 4; i += 2)
		reduce(out + 8 * i, s->v1[i + 1] + s->mul1[i + 1],
		    s->v1[i] + s->mul1[i], s->v0[i + 1] + s->mul0[i + 1],
		    s->v0[i] + s->mul0[i]);
}
