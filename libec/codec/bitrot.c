#include "codec/bitrot.h"

#include <string.h>

#include "base/num.h"
#include "codec/highway.h"

static const uint8_t key[HIGHWAY_KEY_BYTES] = {
	0x4b, 0xe7, 0x34, 0xfa, 0x8e, 0x23, 0x8a, 0xcd,
	0x26, 0x3e, 0x83, 0xe6, 0xbb, 0x96, 0x85, 0x52,
	0x04, 0x0f, 0x93, 0x5d, 0xa3, 0x9f, 0x44, 0x14,
	0x97, 0xe0, 0x9d, 0x13, 0x22, 0xde, 0x36, 0xa0,
};

void
bitrot_sum(uint8_t out[BITROT_SUM_BYTES], const void *buf, size_t len)
{
	highway_sum(out, key, buf, len);
}

/* Leaves of equal length waiting to be hashed side by side. */
struct batch {
	const uint8_t *from[HIGHWAY_STREAMS_MAX];
	uint8_t *to[HIGHWAY_STREAMS_MAX];
	unsigned n;
	size_t len;
};

static void
batch_run(struct batch *b)
{
	uint8_t sums[HIGHWAY_STREAMS_MAX][HIGHWAY_BYTES];
	unsigned i;

	if (b->n == 0)
		return;
	highway_sum_many(sums, key, b->from, b->n, b->len);
	for (i = 0; i < b->n; i++)
		memcpy(b->to[i], sums[i], HIGHWAY_BYTES);
	b->n = 0;
}

static void
batch_add(struct batch *b, uint8_t *to, const uint8_t *from)
{
	b->to[b->n] = to;
	b->from[b->n] = from;
	if (++b->n == HIGHWAY_STREAMS_MAX)
		batch_run(b);
}

void
bitrot_sum_shards(uint8_t *const out[], const uint8_t *const shard[],
    unsigned n, size_t len, size_t leaf)
{
	struct batch b = { .n = 0, .len = leaf };
	size_t at;
	unsigned i;

	/* By columns: the leaves of a batch come from several shards when
	 * there are several, and from one when there is one. */
	for (at = 0; at < len; at += leaf) {
		if (len - at < leaf) {		/* the short last ones */
			batch_run(&b);
			b.len = len - at;
		}
		for (i = 0; i < n; i++)
			batch_add(&b, out[i] + at / leaf * BITROT_SUM_BYTES,
			    shard[i] + at);
	}
	batch_run(&b);
}

bool
bitrot_check(const uint8_t sum[BITROT_SUM_BYTES], const void *buf, size_t len)
{
	uint8_t have[BITROT_SUM_BYTES];

	bitrot_sum(have, buf, len);
	return memcmp(have, sum, sizeof(have)) == 0;
}

bool
bitrot_self_test(void)
{
	static const uint8_t want[BITROT_SUM_BYTES] = {
		0x39, 0xc0, 0x40, 0x7e, 0xd3, 0xf0, 0x1b, 0x18,
		0xd2, 0x2c, 0x85, 0xdb, 0x4a, 0xef, 0xf1, 0x1e,
		0x06, 0x0c, 0xa5, 0xf4, 0x31, 0x31, 0xb0, 0x12,
		0x67, 0x31, 0xca, 0x19, 0x7c, 0xd4, 0x23, 0x13,
	};
	uint8_t msg[32 * BITROT_SUM_BYTES];
	size_t len;

	for (len = 0; len < sizeof(msg); len += BITROT_SUM_BYTES)
		bitrot_sum(msg + len, msg, len);
	return memcmp(msg + len - BITROT_SUM_BYTES, want, sizeof(want)) == 0;
}
