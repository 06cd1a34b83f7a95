/* encode and decode against each other and against the layout of stripe.h:
 * sizes, losses, damage, ranges. */
#include <stdlib.h>
#include <string.h>

#include "../lib/shard_files.h"
#include "../lib/tap.h"
#include "base/num.h"

/* Whole round trips of many sizes, written and read in odd steps. */
static void
test_sizes(unsigned k, unsigned m, uint32_t unit)
{
	size_t stripe = (size_t)k * unit;
	size_t sizes[] = { 0, 1, 63, 64, 65, 4095, 4096, 4097, unit - 1,
		unit, unit + 1, stripe - 1, stripe, stripe + 1, 2 * stripe,
		3 * stripe + 12345, 5 * stripe - 1 };
	struct encode_params p = params(k, m, unit);
	uint8_t *data = malloc(6 * stripe + 16384);
	uint8_t *back = malloc(6 * stripe + 16384);
	bool good = true;

	fill(data, 6 * stripe + 16384);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t len = sizes[i], step = 1 + rnd() % (2 * stripe);
		struct shard_tail t = plain_tail();
		struct decode *d = NULL;
		uint64_t size = 0;

		good &= encode_all(&p, data, len, step, &t) == EC_OK &&
		    t.size == len;
		for (unsigned j = 0; j < k + m; j++)
			good &= files[j].buf.len ==
			    shard_file_bytes(&p.stripe, len, &t);
		good &= open_all(&d, &p, &size) == EC_OK && size == len;
		step = 1 + rnd() % (2 * stripe);
		memset(back, 0, len + 1);
		for (size_t at = 0; good && at < len; at += step)
			good &= decode_read(d, back + at,
			    num_min(step, len - at), at) == EC_OK;
		good &= memcmp(back, data, len) == 0 && bad_count == 0;
		if (good) {
			const struct shard_tail *dt = decode_tail(d);

			good &= strcmp(dt->bucket, "b") == 0 &&
			    strcmp(dt->key, "k/e/y") == 0 &&
			    dt->extra_len == 5 &&
			    memcmp(dt->extra, "extra", 5) == 0;
		}
		decode_free(d);
		if (!good) {
			tap_note("size %zu", len);
			break;
		}
	}
	tap_ok(good, "%u+%u of %u: every size comes back", k, m, unit);
	free(data);
	free(back);
}

/* Every loss of up to m shards, and one more. */
static void
test_losses(unsigned k, unsigned m, uint32_t unit)
{
	size_t len = (size_t)k * unit * 2 + 777;
	struct encode_params p = params(k, m, unit);
	uint8_t *data = malloc(len), *back = malloc(len);
	struct shard_tail t = plain_tail();
	struct buf keep[SHARDS_MAX];
	bool good;

	fill(data, len);
	good = encode_all(&p, data, len, len, &t) == EC_OK;
	for (unsigned i = 0; i < k + m; i++)
		keep[i] = files[i].buf;
	for (unsigned lost = 0; good && lost < 1u << (k + m); lost++) {
		unsigned n = (unsigned)__builtin_popcount(lost);
		struct decode *d = NULL;
		uint64_t size = 0;
		enum err e;

		if (n > m + 1)
			continue;
		for (unsigned i = 0; i < k + m; i++)
			files[i].buf = lost >> i & 1 ?
			    (struct buf)BUF_INIT(SHARD_MAX) : keep[i];
		e = open_all(&d, &p, &size);
		if (n <= m) {
			memset(back, 0, len);
			good = e == EC_OK && size == len &&
			    decode_read(d, back, len, 0) == EC_OK &&
			    memcmp(back, data, len) == 0;
		} else {
			good = e == EC_EQUORUM;
		}
		decode_free(d);
		if (!good)
			tap_note("lost %#x", lost);
	}
	for (unsigned i = 0; i < k + m; i++)
		files[i].buf = keep[i];
	tap_ok(good, "%u+%u of %u: every loss of %u shards is made good, of "
	    "%u is told", k, m, unit, m, m + 1);
	free(data);
	free(back);
}

/* Random ranges, with random losses and flipped bits. */
static void
test_ranges(unsigned k, unsigned m, uint32_t unit)
{
	size_t len = (size_t)k * unit * 3 + rnd() % unit;
	struct encode_params p = params(k, m, unit);
	uint8_t *data = malloc(len), *back = malloc(len);
	struct shard_tail t = plain_tail();
	struct decode *d = NULL;
	bool good;

	fill(data, len);
	good = encode_all(&p, data, len, len / 3 + 1, &t) == EC_OK;
	for (unsigned round = 0; good && round < 60; round++) {
		unsigned victim = (unsigned)(rnd() % (k + m));
		struct shard_file *f = &files[victim];
		size_t at = rnd() % f->buf.len;
		uint64_t size;

		if (m > 0)
			f->buf.data[at] ^= 4;
		good &= open_all(&d, &p, &size) == EC_OK;
		for (unsigned i = 0; good && i < 20; i++) {
			uint64_t off = rnd() % len;
			size_t n = rnd() % (i % 2 ? len - off + 1 :
			    num_min(len - off, 5000) + 1);

			good &= decode_read(d, back, n, off) == EC_OK &&
			    memcmp(back, data + off, n) == 0;
		}
		if (m > 0)
			f->buf.data[at] ^= 4;
		decode_free(d);
		if (!good)
			tap_note("round %u victim %u at %zu", round, victim,
			    at);
	}
	tap_ok(good, "%u+%u of %u: random ranges, one shard damaged", k, m,
	    unit);
	free(data);
	free(back);
}

/* Every byte of every shard file matters, and verify says where. */
static void
test_every_byte(void)
{
	struct encode_params p = params(2, 1, 4096);
	uint8_t data[5000], back[5000];
	struct shard_tail t = plain_tail();
	bool verified = true, read = true;

	fill(data, sizeof(data));
	encode_all(&p, data, sizeof(data), 1000, &t);
	for (unsigned i = 0; i < 3; i++)
		for (size_t at = 0; at < files[i].buf.len; at++) {
			struct decode *d = NULL;
			uint64_t size, off = UINT64_MAX;

			files[i].buf.data[at] ^= (uint8_t)(1 << at % 8);
			read &= open_all(&d, &p, &size) == EC_OK &&
			    decode_read(d, back, sizeof(back), 0) == EC_OK &&
			    memcmp(back, data, sizeof(back)) == 0;
			verified &= decode_verify(d, i, &off) == EC_ECORRUPT &&
			    off <= at;
			files[i].buf.data[at] ^= (uint8_t)(1 << at % 8);
			decode_free(d);
		}
	tap_ok(read, "a flipped bit anywhere does not harm a read");
	tap_ok(verified, "a flipped bit anywhere is found by verify");
	read = true;
	for (size_t len = 0; len < files[0].buf.len; len++) {
		size_t was = files[0].buf.len;
		struct decode *d = NULL;
		uint64_t size, off;

		files[0].buf.len = len;
		read &= open_all(&d, &p, &size) == EC_OK &&
		    decode_read(d, back, sizeof(back), 0) == EC_OK &&
		    memcmp(back, data, sizeof(back)) == 0 &&
		    decode_verify(d, 0, &off) != EC_OK;
		files[0].buf.len = was;
		decode_free(d);
	}
	tap_ok(read, "cut at every length: found, and right bytes");
}

/* Shards put in each other's place are not believed. */
static void
test_swapped(void)
{
	struct encode_params p = params(3, 2, 4096), q;
	uint8_t data[30000], back[30000];
	struct shard_tail t = plain_tail();
	struct decode *d = NULL;
	struct shard_file f;
	uint64_t size, off;

	fill(data, sizeof(data));
	encode_all(&p, data, sizeof(data), 1000, &t);
	f = files[0];
	files[0] = files[1];
	files[1] = f;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_read(d, back, sizeof(back), 0) == EC_OK &&
	    memcmp(back, data, sizeof(back)) == 0 && bad_count == 2 &&
	    decode_verify(d, 0, &off) == EC_ECORRUPT,
	    "two shards swapped: both refused, right bytes");
	decode_free(d);
	d = NULL;
	q = p;
	q.id.b[0] ^= 1;
	tap_ok(open_all(&d, &q, &size) == EC_EQUORUM,
	    "shards of another id are refused");
	q = p;
	q.part = 2;
	tap_ok(open_all(&d, &q, &size) == EC_EQUORUM,
	    "shards of another part are refused");
}

/* Damage in more than m shards, but never more than m in one place. */
static void
test_scattered(void)
{
	struct encode_params p = params(4, 2, 65536);
	size_t len = 4 * 65536 * 6;
	uint8_t *data = malloc(len), *back = malloc(len);
	struct shard_tail t = plain_tail();
	struct decode *d = NULL;
	uint64_t size;

	fill(data, len);
	encode_all(&p, data, len, len, &t);
	for (unsigned i = 0; i < 6; i++)
		files[i].buf.data[shard_data_off(i * 65536u + 7)] ^= 1;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_read(d, back, len, 0) == EC_OK &&
	    memcmp(back, data, len) == 0,
	    "one bad leaf in each of six shards of 4+2: right bytes");
	decode_free(d);
	d = NULL;
	files[1].buf.data[shard_data_off(7)] ^= 1;
	files[2].buf.data[shard_data_off(7)] ^= 1;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_read(d, back, 1000, 0) == EC_EQUORUM &&
	    decode_read(d, back, len - 4 * 65536, 4 * 65536) == EC_OK &&
	    memcmp(back, data + 4 * 65536, len - 4 * 65536) == 0,
	    "three bad in one place: that is told, the rest is good");
	decode_free(d);
	free(data);
	free(back);
}

int
main(void)
{
	files_reset(files);
	for (unsigned i = 0; i < UNITS; i++) {
		test_sizes(1, 0, units[i]);
		test_sizes(2, 1, units[i]);
		test_sizes(3, 2, units[i]);
		test_ranges(1, 1, units[i]);
		test_ranges(5, 2, units[i]);
	}
	test_losses(1, 2, 4096);
	test_losses(2, 2, 65536);
	test_losses(4, 2, 4096);
	test_losses(5, 3, 4160);
	test_every_byte();
	test_swapped();
	test_scattered();
	files_reset(files);
	return tap_done();
}
