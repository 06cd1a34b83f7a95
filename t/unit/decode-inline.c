/* Objects that lie in their records, whole or in pieces. */
#include <stdlib.h>
#include <string.h>

#include "../lib/shard_files.h"
#include "../lib/tap.h"

typedef uint8_t sum_bytes[32];

static void
test_inline(unsigned k, unsigned m)
{
	struct stripe s = { k, m, 128 * 1024 };
	uint8_t data[20000], back[20000], *out = malloc(64 * 20000);
	uint8_t sums[SHARDS_MAX][32];
	const uint8_t *piece[SHARDS_MAX];
	const sum_bytes *sum[SHARDS_MAX];
	bool bad[SHARDS_MAX], good = true;

	fill(data, sizeof(data));
	for (size_t len = 1; len <= sizeof(data); len += 1 + len / 3) {
		size_t n = stripe_piece_bytes(&s, len);
		unsigned lost = 0, hurt = (unsigned)(rnd() % (k + m));

		good &= encode_inline(&s, data, len, out, sums) == EC_OK;
		for (unsigned i = 0; i < k + m; i++) {
			piece[i] = out + i * n;
			sum[i] = (const sum_bytes *)&sums[i];
		}
		for (unsigned i = 0; m > 1 && i + 1 < m; i++)
			lost = (unsigned)(rnd() % (k + m)), piece[lost] = NULL;
		if (m > 0)
			out[hurt * n + rnd() % n] ^= 1;
		memset(back, 0, len);
		good &= decode_inline(&s, back, len, piece, sum, bad) ==
		    EC_OK && memcmp(back, data, len) == 0;
		for (unsigned i = 0; i < k + m; i++)
			good &= !bad[i] || i == hurt;
		if (m == 0)
			continue;
		for (unsigned i = 0; i <= m; i++)
			piece[i] = NULL;
		good &= decode_inline(&s, back, len, piece, sum, bad) ==
		    EC_EQUORUM;
	}
	tap_ok(good, "inline %u+%u", k, m);
	free(out);
}

int
main(void)
{
	test_inline(1, 0);
	test_inline(2, 2);
	test_inline(8, 4);
	files_reset(files);
	return tap_done();
}
