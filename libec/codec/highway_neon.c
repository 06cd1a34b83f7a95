/* The 256 bits of each variable are two NEON registers; two streams fill the
 * 32 registers. */
#include "codec/highway_kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#define INLINE __attribute__((always_inline)) inline

enum { STREAMS = 2 };

struct state {		/* [0]: lanes 0 and 1, [1]: lanes 2 and 3 */
	uint64x2_t v0[2], v1[2], mul0[2], mul1[2];
};

static INLINE uint64x2_t
zipper(uint64x2_t v)
{
	static const uint8_t order[16] = { 3, 12, 2, 5, 14, 1, 15, 0,
		11, 4, 10, 13, 9, 6, 8, 7 };

	return vreinterpretq_u64_u8(vqtbl1q_u8(vreinterpretq_u8_u64(v),
	    vld1q_u8(order)));
}

static INLINE void
update(struct state *s, const uint64x2_t packet[2])
{
	unsigned h;

	for (h = 0; h < 2; h++) {
		s->v1[h] = vaddq_u64(s->v1[h],
		    vaddq_u64(s->mul0[h], packet[h]));
		s->mul0[h] = veorq_u64(s->mul0[h], vmull_u32(
		    vmovn_u64(s->v1[h]), vshrn_n_u64(s->v0[h], 32)));
		s->v0[h] = vaddq_u64(s->v0[h], s->mul1[h]);
		s->mul1[h] = veorq_u64(s->mul1[h], vmull_u32(
		    vmovn_u64(s->v0[h]), vshrn_n_u64(s->v1[h], 32)));
		s->v0[h] = vaddq_u64(s->v0[h], zipper(s->v1[h]));
		s->v1[h] = vaddq_u64(s->v1[h], zipper(s->v0[h]));
	}
}

static INLINE void
update_bytes(struct state *s, const uint8_t *p)
{
	const uint64x2_t packet[2] = {
		vreinterpretq_u64_u8(vld1q_u8(p)),
		vreinterpretq_u64_u8(vld1q_u8(p + 16)),
	};

	update(s, packet);
}

static INLINE void
add_last(struct state *s, const uint8_t *p, size_t len)
{
	const int32x4_t left = vdupq_n_s32((int)len);
	const int32x4_t right = vdupq_n_s32((int)len - 32);
	uint8_t last[HIGHWAY_PACKET_BYTES];
	uint32x4_t v;
	unsigned h;

	for (h = 0; h < 2; h++) {
		s->v0[h] = vaddq_u64(s->v0[h],
		    vdupq_n_u64((uint64_t)len << 32 | len));
		v = vreinterpretq_u32_u64(s->v1[h]);
		s->v1[h] = vreinterpretq_u64_u32(vorrq_u32(
		    vshlq_u32(v, left), vshlq_u32(v, right)));
	}
	highway_last_packet(last, p, len);
	update_bytes(s, last);
}

static INLINE void
final_round(struct state *s)
{
	uint64x2_t turned[2];
	unsigned h;

	for (h = 0; h < 2; h++)
		turned[h] = vreinterpretq_u64_u32(vrev64q_u32(
		    vreinterpretq_u32_u64(s->v0[1 - h])));
	update(s, turned);
}

static INLINE void
load(struct state *s, const struct highway_state *from)
{
	unsigned h;

	for (h = 0; h < 2; h++) {
		s->v0[h] = vld1q_u64(from->v0 + 2 * h);
		s->v1[h] = vld1q_u64(from->v1 + 2 * h);
		s->mul0[h] = vld1q_u64(from->mul0 + 2 * h);
		s->mul1[h] = vld1q_u64(from->mul1 + 2 * h);
	}
}

static INLINE void
store(struct highway_state *to, const struct state *s)
{
	unsigned h;

	for (h = 0; h < 2; h++) {
		vst1q_u64(to->v0 + 2 * h, s->v0[h]);
		vst1q_u64(to->v1 + 2 * h, s->v1[h]);
		vst1q_u64(to->mul0 + 2 * h, s->mul0[h]);
		vst1q_u64(to->mul1 + 2 * h, s->mul1[h]);
	}
}

/* The whole sum of ${n} streams; n is a constant in each copy made of it. */
static INLINE void
run(struct highway_state *out, const uint8_t *const buf[], const unsigned n,
    size_t len)
{
	struct state s[STREAMS];
	size_t at, whole = len - len % HIGHWAY_PACKET_BYTES;
	unsigned i, round;

	for (i = 0; i < n; i++)
		load(&s[i], &out[i]);
	for (at = 0; at < whole; at += HIGHWAY_PACKET_BYTES)
		for (i = 0; i < n; i++)
			update_bytes(&s[i], buf[i] + at);
	if (len > whole)
		for (i = 0; i < n; i++)
			add_last(&s[i], buf[i] + whole, len - whole);
	for (round = 0; round < HIGHWAY_FINAL_ROUNDS; round++)
		for (i = 0; i < n; i++)
			final_round(&s[i]);
	for (i = 0; i < n; i++)
		store(&out[i], &s[i]);
}

static void
sum(struct highway_state *s, const uint8_t *const buf[], unsigned n,
    size_t len)
{
	if (n == 1)
		run(s, buf, 1, len);
	else
		run(s, buf, 2, len);
}

static bool
usable(void)
{
	return true;
}

const struct highway_kernel highway_neon = { "neon", usable, STREAMS, sum };

#endif
