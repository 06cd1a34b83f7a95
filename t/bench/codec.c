/* codec: how fast shards are computed and hashed, one thread.
 *
 * The metric is GB (10^9 bytes) of the object's data per second of thread CPU
 * time, parity not counted, for shards of 128 KiB.  "warm" goes over one
 * stripe again and again, "cold" over as many as fill COLD_BYTES, so that
 * every byte comes from memory and the parity goes there.  Each figure is the
 * best of ROUNDS runs; the runs of all columns take turns, so that what else
 * the machine does hits all alike.
 *
 *   raw     ec_encode_data of isa-l over whole shards: k in, m out
 *   ours    rs_encode; x: ratio to raw
 *   hash    bitrot_sum_shards over the k + m shards, leaves of 64 KiB
 *   both    rs_encode, then hash, stripe by stripe; of: time of ours plus
 *           time of hash, divided by time of both
 *   raw-1, raw-m   isa-l computing 1 and m lost data shards (at most k)
 *   dec-1, dec-m   rs_rebuild of the same; x: ratio to it */
#include <isa-l/erasure_code.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checksum.h"
#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/highway.h"
#include "codec/matrix.h"
#include "codec/rs.h"

enum {
	SHARD_BYTES = 128 * 1024,
	LEAF_BYTES = 64 * 1024,
	COLD_BYTES = 192 * 1024 * 1024,
	ROUNDS = 7,
	N_MAX = 16,
	LEAVES = SHARD_BYTES / LEAF_BYTES,
};

static const double RUN_SECONDS = 0.03;

struct bench {
	unsigned k, m;
	struct rs *rs;
	uint8_t *room;		/* stripes of k + m shards */
	size_t stripes;
	uint8_t sums[N_MAX][LEAVES * BITROT_SUM_BYTES];
	unsigned char encode[32 * N_MAX * N_MAX];	/* tables of isa-l */
	unsigned char decode[2][32 * N_MAX * N_MAX];	/* 1 and m lost */
};

static double
cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint8_t *
shard_at(const struct bench *b, size_t stripe, unsigned i)
{
	return b->room + (stripe * (b->k + b->m) + i) * SHARD_BYTES;
}

static void
shards(const struct bench *b, size_t stripe, uint8_t *shard[])
{
	unsigned i;

	for (i = 0; i < b->k + b->m; i++)
		shard[i] = shard_at(b, stripe, i);
}

static unsigned
lost_shards(const struct bench *b, unsigned which)
{
	return which == 0 ? 1 : b->m < b->k ? b->m : b->k;
}

static void
raw(struct bench *b, size_t stripe)
{
	uint8_t *shard[N_MAX];

	shards(b, stripe, shard);
	ec_encode_data(SHARD_BYTES, (int)b->k, (int)b->m, b->encode, shard,
	    shard + b->k);
}

static void
ours(struct bench *b, size_t stripe)
{
	uint8_t *shard[N_MAX];

	shards(b, stripe, shard);
	rs_encode(b->rs, shard, SHARD_BYTES);
}

static void
hash(struct bench *b, size_t stripe)
{
	uint8_t *shard[N_MAX], *out[N_MAX];
	unsigned i;

	shards(b, stripe, shard);
	for (i = 0; i < b->k + b->m; i++)
		out[i] = b->sums[i];
	bitrot_sum_shards(out, (const uint8_t *const *)shard, b->k + b->m,
	    SHARD_BYTES, LEAF_BYTES);
}

static void
both(struct bench *b, size_t stripe)
{
	ours(b, stripe);
	hash(b, stripe);
}

static void
raw_lost(struct bench *b, size_t stripe, unsigned which)
{
	uint8_t *shard[N_MAX];
	unsigned lost = lost_shards(b, which);

	shards(b, stripe, shard);
	ec_encode_data(SHARD_BYTES, (int)b->k, (int)lost, b->decode[which],
	    shard + lost, shard);
}

static void
ours_lost(struct bench *b, size_t stripe, unsigned which)
{
	uint8_t *shard[N_MAX];
	bool have[N_MAX], want[N_MAX];
	unsigned i;

	shards(b, stripe, shard);
	for (i = 0; i < b->k + b->m; i++) {
		have[i] = i >= lost_shards(b, which);
		want[i] = true;
	}
	if (rs_rebuild(b->rs, shard, have, want, SHARD_BYTES) != EC_OK)
		abort();
}

static void
raw_1(struct bench *b, size_t stripe)
{
	raw_lost(b, stripe, 0);
}

static void
raw_m(struct bench *b, size_t stripe)
{
	raw_lost(b, stripe, 1);
}

static void
dec_1(struct bench *b, size_t stripe)
{
	ours_lost(b, stripe, 0);
}

static void
dec_m(struct bench *b, size_t stripe)
{
	ours_lost(b, stripe, 1);
}

enum { RAW, OURS, HASH, BOTH, RAW_1, DEC_1, RAW_M, DEC_M, COLUMNS };

static void (*const column[COLUMNS])(struct bench *, size_t) = {
	raw, ours, hash, both, raw_1, dec_1, raw_m, dec_m,
};

/* isa-l's tables for shards [0, lost) from the k that follow them. */
static void
decode_tables(struct bench *b, unsigned which, const uint8_t *matrix)
{
	uint8_t square[N_MAX * N_MAX], inverse[N_MAX * N_MAX];

	memcpy(square, matrix + lost_shards(b, which) * b->k, b->k * b->k);
	if (matrix_invert(inverse, square, b->k) != EC_OK)
		abort();
	ec_init_tables((int)b->k, (int)lost_shards(b, which), inverse,
	    b->decode[which]);
}

static void
set_up(struct bench *b, unsigned k, unsigned m, size_t bytes)
{
	uint8_t matrix[N_MAX * N_MAX];
	size_t i, all;

	b->k = k;
	b->m = m;
	b->stripes = bytes / ((k + m) * SHARD_BYTES);
	if (b->stripes == 0)
		b->stripes = 1;
	all = b->stripes * (k + m) * SHARD_BYTES;
	b->room = mem_aligned(all, 4096);
	if (b->room == NULL || rs_new(&b->rs, k, m) != EC_OK ||
	    matrix_systematic(matrix, k, m) != EC_OK)
		exit(1);
	for (i = 0; i < all; i++)
		b->room[i] = (uint8_t)(i * 7 + i / 251);
	ec_init_tables((int)k, (int)m, matrix + k * k, b->encode);
	decode_tables(b, 0, matrix);
	decode_tables(b, 1, matrix);
	for (i = 0; i < b->stripes; i++)
		ours(b, i);
}

static double
rate(struct bench *b, unsigned which)
{
	double start = cpu_seconds(), used;
	size_t done = 0;

	do {
		column[which](b, done % b->stripes);
		done++;
		used = cpu_seconds() - start;
	} while (done % b->stripes != 0 || used < RUN_SECONDS);
	return (double)done * b->k * SHARD_BYTES / used / 1e9;
}

static void
run(unsigned k, unsigned m, size_t bytes)
{
	struct bench b;
	double best[COLUMNS] = { 0 }, r;
	unsigned round, i;

	set_up(&b, k, m, bytes);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < COLUMNS; i++)
			if ((r = rate(&b, i)) > best[i])
				best[i] = r;
	printf("%2u+%u  %6.2f %6.2f %5.2fx %6.2f %6.2f %5.2f "
	    "%6.2f %6.2f %5.2fx %6.2f %6.2f %5.2fx\n", k, m,
	    best[RAW], best[OURS], best[OURS] / best[RAW],
	    best[HASH], best[BOTH],
	    best[BOTH] * (1 / best[OURS] + 1 / best[HASH]),
	    best[RAW_1], best[DEC_1], best[DEC_1] / best[RAW_1],
	    best[RAW_M], best[DEC_M], best[DEC_M] / best[RAW_M]);
	fflush(stdout);
	free(b.room);
	rs_free(b.rs);
}

static void
run_all(const char *what, size_t bytes)
{
	static const unsigned geometry[][2] = { { 2, 2 }, { 4, 2 }, { 8, 4 },
		{ 12, 4 }, { 6, 6 } };
	size_t i;

	printf("%-5s    raw   ours      x   hash   both    of  "
	    "raw-1  dec-1      x  raw-m  dec-m      x\n", what);
	for (i = 0; i < sizeof(geometry) / sizeof(geometry[0]); i++)
		run(geometry[i][0], geometry[i][1], bytes);
}

int
main(int argc, char *argv[])
{
	if (argc > 1 && !rs_force(argv[1])) {
		fprintf(stderr, "codec: no kernel %s here\n", argv[1]);
		return 2;
	}
	printf("codec, GB/s of data, shards of 128 KiB, one thread\n"
	    "rs %s, highway %s, crc64nvme %s\n", rs_kernel(),
	    highway_kernel(), checksum_crc64nvme_kernel());
	run_all("warm", 0);
	run_all("cold", COLD_BYTES);
	return 0;
}
