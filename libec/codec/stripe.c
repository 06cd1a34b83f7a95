#include "codec/stripe.h"

#include "base/num.h"

enum { SHARDS_MAX = 255 };

enum err
stripe_valid(const struct stripe *s)
{
	if (s->k < 1 || s->k > SHARDS_MAX || s->m > SHARDS_MAX - s->k ||
	    s->unit < STRIPE_UNIT_MIN || s->unit > STRIPE_UNIT_MAX ||
	    s->unit % STRIPE_ALIGN != 0)
		return EC_EINVAL;
	return EC_OK;
}

static uint64_t
full_bytes(const struct stripe *s)
{
	return (uint64_t)s->k * s->unit;
}

uint64_t
stripe_count(const struct stripe *s, uint64_t size)
{
	return num_div_up(size, full_bytes(s));
}

uint64_t
stripe_data_bytes(const struct stripe *s, uint64_t size, uint64_t n)
{
	return num_min(full_bytes(s), size - n * full_bytes(s));
}

uint32_t
stripe_piece_bytes(const struct stripe *s, uint64_t data_bytes)
{
	return (uint32_t)num_round_up(num_div_up(data_bytes, s->k),
	    STRIPE_ALIGN);
}

uint64_t
stripe_shard_bytes(const struct stripe *s, uint64_t size)
{
	return size / full_bytes(s) * s->unit +
	    stripe_piece_bytes(s, size % full_bytes(s));
}

double
stripe_efficiency(const struct stripe *s)
{
	return (double)s->k / (double)(s->k + s->m);
}
