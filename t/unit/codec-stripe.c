/* Checks of stripe: known values, and for many sizes that the pieces add up,
 * hold the data, and waste less than k times the alignment. */
#include "../lib/tap.h"
#include "codec/stripe.h"

static void
check_limits(void)
{
	static const struct {
		struct stripe s;
		enum err want;
	} row[] = {
		{ { 1, 0, 4096 }, EC_OK }, { { 254, 1, 4096 }, EC_OK },
		{ { 255, 0, 4096 }, EC_OK }, { { 8, 4, 131072 }, EC_OK },
		{ { 8, 4, 4 * 1024 * 1024 }, EC_OK },
		{ { 0, 4, 4096 }, EC_EINVAL }, { { 255, 1, 4096 }, EC_EINVAL },
		{ { 1, UINT32_MAX, 4096 }, EC_EINVAL },
		{ { UINT32_MAX, 2, 4096 }, EC_EINVAL },
		{ { 8, 4, 4032 }, EC_EINVAL }, { { 8, 4, 4097 }, EC_EINVAL },
		{ { 8, 4, 4 * 1024 * 1024 + 64 }, EC_EINVAL },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		tap_ok(stripe_valid(&row[i].s) == row[i].want, "%u+%u of %u",
		    row[i].s.k, row[i].s.m, row[i].s.unit);
}

static void
check_known(void)
{
	const struct stripe s = { 8, 4, 131072 };

	tap_is_u64(stripe_count(&s, 0), 0, "no stripes in nothing");
	tap_is_u64(stripe_shard_bytes(&s, 0), 0, "no bytes for nothing");
	tap_is_u64(stripe_shard_bytes(&s, 1), 64, "one byte");
	tap_is_u64(stripe_shard_bytes(&s, 512), 64, "8 * 64");
	tap_is_u64(stripe_shard_bytes(&s, 513), 128, "8 * 64 + 1");
	tap_is_u64(stripe_shard_bytes(&s, 1 << 20), 131072, "one full stripe");
	tap_is_u64(stripe_shard_bytes(&s, (1 << 20) + 1), 131072 + 64,
	    "and a byte");
	tap_is_u64(stripe_shard_bytes(&s, STRIPE_SIZE_MAX),
	    STRIPE_SIZE_MAX / 8, "the largest");
	tap_ok(stripe_efficiency(&s) > 0.666 && stripe_efficiency(&s) < 0.667,
	    "efficiency");
}

static bool
adds_up(const struct stripe *s, uint64_t size)
{
	uint64_t n = stripe_count(s, size), i, data = 0, shard = 0, d;
	uint32_t piece;

	for (i = 0; i < n; i++) {
		d = stripe_data_bytes(s, size, i);
		piece = stripe_piece_bytes(s, d);
		if (d == 0 || piece > s->unit || piece % STRIPE_ALIGN != 0 ||
		    (uint64_t)piece * s->k < d ||
		    (uint64_t)piece * s->k >= d + s->k * STRIPE_ALIGN ||
		    (i + 1 < n && piece != s->unit))
			return false;
		data += d;
		shard += piece;
	}
	return data == size && shard == stripe_shard_bytes(s, size);
}

int
main(void)
{
	struct stripe s;
	uint64_t size, wrong = 0;
	uint32_t r = 1;
	unsigned i;

	check_limits();
	check_known();
	for (i = 0; i < 20000; i++) {
		r = r * 1664525 + 1013904223;
		s.k = 1 + (r >> 8) % 32;
		s.m = (r >> 16) % 8;
		s.unit = 4096 + 64 * ((r >> 13) % 100);
		size = (uint64_t)s.k * s.unit * (r >> 28) + (r >> 5) % 600000;
		if (i % 4 == 0)		/* at the edge of a full stripe */
			size = (uint64_t)s.k * s.unit * (r >> 28) + i % 3;
		wrong += !adds_up(&s, size);
	}
	tap_is_u64(wrong, 0, "20,000 objects add up");
	return tap_done();
}
