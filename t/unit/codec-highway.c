/* Checks of highway and bitrot: the published self-test on each kernel, and
 * each kernel against the portable one at every length 0..1024 and alignment,
 * alone and interleaved. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "codec/bitrot.h"
#include "codec/highway.h"

enum { LEN_MAX = 1024, ALIGNS = 64, LEAF = 4096 };

static const uint8_t key[HIGHWAY_KEY_BYTES] = "an arbitrary key for the tests";
static uint8_t data[HIGHWAY_STREAMS_MAX][ALIGNS + LEN_MAX];
static uint8_t want[HIGHWAY_STREAMS_MAX][LEN_MAX + 1][HIGHWAY_BYTES];

static void
fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (; len > 0; len--, p++) {
		seed = seed * 1664525 + 1013904223;
		*p = (uint8_t)(seed >> 24);
	}
}

/* Sums of data[s][0 .. len) by the portable code, one stream at a time. */
static void
prepare(void)
{
	unsigned s;
	size_t len;

	highway_force("portable");
	for (s = 0; s < HIGHWAY_STREAMS_MAX; s++) {
		fill(data[s], LEN_MAX, s + 1);
		for (len = 0; len <= LEN_MAX; len++)
			highway_sum(want[s][len], key, data[s], len);
	}
}

static void
check_kernel(const char *name)
{
	static uint8_t room[ALIGNS + LEN_MAX];
	const uint8_t *buf[HIGHWAY_STREAMS_MAX];
	uint8_t out[HIGHWAY_STREAMS_MAX][HIGHWAY_BYTES];
	size_t len, align, wrong = 0;
	unsigned n, i;

	if (!highway_force(name)) {
		tap_skip("%s: not on this CPU", name);
		return;
	}
	tap_is_str(highway_kernel(), name, "%s is in use", name);
	tap_ok(bitrot_self_test(), "%s: self-test", name);
	for (align = 0; align < ALIGNS; align++) {
		memcpy(room + align, data[0], LEN_MAX);
		for (len = 0; len <= LEN_MAX; len++) {
			highway_sum(out[0], key, room + align, len);
			wrong += memcmp(out[0], want[0][len],
			    HIGHWAY_BYTES) != 0;
		}
	}
	tap_is_u64(wrong, 0, "%s: all lengths, all alignments", name);
	for (i = 0; i < HIGHWAY_STREAMS_MAX; i++)
		buf[i] = data[i];
	for (n = 1; n <= HIGHWAY_STREAMS_MAX; n++)
		for (len = 0; len <= LEN_MAX; len += n == 3 ? 1 : 37) {
			highway_sum_many(out, key, buf, n, len);
			for (i = 0; i < n; i++)
				wrong += memcmp(out[i], want[i][len],
				    HIGHWAY_BYTES) != 0;
		}
	tap_is_u64(wrong, 0, "%s: 1 to %d streams", name, HIGHWAY_STREAMS_MAX);
}

/* Leaves of n shards against one bitrot_sum each. */
static void
check_shards(unsigned n, size_t len)
{
	size_t leaves = (len + LEAF - 1) / LEAF, i, wrong = 0;
	uint8_t *shard[20], *out[20], sum[BITROT_SUM_BYTES];
	unsigned s;

	for (s = 0; s < n; s++) {
		shard[s] = malloc(len);
		out[s] = malloc(leaves * BITROT_SUM_BYTES + 1);
		if (shard[s] == NULL || out[s] == NULL)
			exit(1);
		fill(shard[s], len, (uint32_t)(s + len));
		out[s][leaves * BITROT_SUM_BYTES] = 0x77;
	}
	bitrot_sum_shards(out, (const uint8_t *const *)shard, n, len, LEAF);
	for (s = 0; s < n; s++) {
		for (i = 0; i < leaves; i++) {
			bitrot_sum(sum, shard[s] + i * LEAF,
			    len - i * LEAF < LEAF ? len - i * LEAF : LEAF);
			wrong += memcmp(sum, out[s] + i * sizeof(sum),
			    sizeof(sum)) != 0;
		}
		wrong += out[s][leaves * BITROT_SUM_BYTES] != 0x77;
		free(shard[s]);
		free(out[s]);
	}
	tap_is_u64(wrong, 0, "leaves of %u shards of %zu bytes", n, len);
}

int
main(void)
{
	static const char *const kernels[] = { "portable",
#if defined(__x86_64__)
		"avx2",
#elif defined(__aarch64__)
		"neon",
#endif
	};
	uint8_t sum[BITROT_SUM_BYTES];
	size_t i;

	prepare();
	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		check_kernel(kernels[i]);
	tap_ok(!highway_force("nosuch"), "an unknown kernel is refused");
	highway_force(NULL);
	tap_note("uses %s", highway_kernel());

	check_shards(1, 1);
	check_shards(1, 20 * LEAF + 5);
	check_shards(3, LEAF);
	check_shards(12, 3 * LEAF + 64);
	check_shards(20, 2 * LEAF - 1);
	bitrot_sum(sum, data[0], 1000);
	tap_ok(bitrot_check(sum, data[0], 1000), "matches");
	data[0][999] ^= 0x10;
	tap_ok(!bitrot_check(sum, data[0], 1000), "one bit off");
	data[0][999] ^= 0x10;
	tap_ok(!bitrot_check(sum, data[0], 999), "one byte short");
	return tap_done();
}
