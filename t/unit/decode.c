/* encode and decode against each other and against the layout of stripe.h:
 * sizes, losses, damage, ranges, rebuilds, and what is read for them. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/decode.h"
#include "codec/encode.h"

typedef uint8_t sum_bytes[32];

enum { SHARDS_MAX = 32, FILE_MAX = 64 * 1024 * 1024 };

/* One shard file in memory. */
struct file {
	struct buf buf;
	uint64_t reads, read_bytes;
	enum err err;		/* of reads and writes */
	uint64_t err_after;	/* writes fail beyond this length */
};

static struct file files[SHARDS_MAX], rebuilt[SHARDS_MAX];
static uint64_t seed = 88172645463325252u;
static unsigned bad_count;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(rnd() >> 24);
}

static enum err
file_write(void *ctx, const void *buf, size_t len)
{
	struct file *f = ctx;

	if (f->err_after > 0 && f->buf.len + len > f->err_after)
		return EC_ENOSPC;
	return buf_add(&f->buf, buf, len);
}

static enum err
file_pread(void *ctx, void *buf, size_t len, uint64_t off)
{
	struct file *f = ctx;

	f->reads++;
	f->read_bytes += len;
	if (f->err != EC_OK)
		return f->err;
	if (off > f->buf.len || len > f->buf.len - off)
		return EC_EIO;
	memcpy(buf, f->buf.data + off, len);
	return EC_OK;
}

static void
files_reset(struct file *f)
{
	for (unsigned i = 0; i < SHARDS_MAX; i++) {
		buf_release(&f[i].buf);
		f[i] = (struct file){ .buf = BUF_INIT(FILE_MAX) };
	}
}

static void
count_bad(void *ctx, unsigned index, enum err why, uint64_t off)
{
	(void)ctx;
	(void)index;
	(void)why;
	(void)off;
	bad_count++;
}

static struct encode_params
params(unsigned k, unsigned m, uint32_t unit)
{
	struct encode_params p = { .stripe = { k, m, unit }, .part = 1,
		.quorum = k + m };

	memset(p.id.b, 0x5a, sizeof(p.id.b));
	return p;
}

/* Encode ${len} bytes in pieces of ${step} into files. */
static enum err
encode_all(const struct encode_params *p, const uint8_t *data, size_t len,
    size_t step, struct shard_tail *tail)
{
	struct encode_sink sinks[SHARDS_MAX];
	struct encode *e = NULL;
	enum err err;

	files_reset(files);
	for (unsigned i = 0; i < p->stripe.k + p->stripe.m; i++)
		sinks[i] = (struct encode_sink){ file_write, &files[i] };
	err = encode_new(&e, p, sinks);
	for (size_t at = 0; err == EC_OK && at < len; at += step)
		err = encode_write(e, data + at, num_min(step, len - at));
	if (err == EC_OK)
		err = encode_finish(e, tail);
	encode_free(e);
	return err;
}

static enum err
open_all(struct decode **d, const struct encode_params *p, uint64_t *size)
{
	struct decode_source src[SHARDS_MAX] = { { NULL } };
	struct decode_params dp = { .stripe = p->stripe, .id = p->id,
		.part = p->part, .bad = count_bad };

	for (unsigned i = 0; i < p->stripe.k + p->stripe.m; i++)
		if (files[i].buf.len > 0)
			src[i] = (struct decode_source){ file_pread, &files[i],
				files[i].buf.len };
	bad_count = 0;
	return decode_new(d, &dp, src, size);
}

static const struct shard_tail no_tail = { .bucket = "b", .key = "k/e/y",
	.extra = (const uint8_t *)"extra", .extra_len = 5 };

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
		struct shard_tail t = no_tail;
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
	struct shard_tail t = no_tail;
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
			    (struct buf)BUF_INIT(FILE_MAX) : keep[i];
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
	struct shard_tail t = no_tail;
	struct decode *d = NULL;
	bool good;

	fill(data, len);
	good = encode_all(&p, data, len, len / 3 + 1, &t) == EC_OK;
	for (unsigned round = 0; good && round < 60; round++) {
		unsigned victim = (unsigned)(rnd() % (k + m));
		struct file *f = &files[victim];
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
	struct shard_tail t = no_tail;
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
	struct shard_tail t = no_tail;
	struct decode *d = NULL;
	struct file f;
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
	struct shard_tail t = no_tail;
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

/* What is rebuilt is byte for byte what was lost. */
static void
test_rebuild(unsigned k, unsigned m, uint32_t unit)
{
	size_t len = (size_t)k * unit * 3 + rnd() % (k * unit);
	struct encode_params p = params(k, m, unit);
	struct encode_sink sinks[SHARDS_MAX];
	struct shard_tail t = no_tail;
	uint8_t *data = malloc(len);
	bool good = true;

	fill(data, len);
	p.md5 = true;
	encode_all(&p, data, len, 70000, &t);
	for (unsigned round = 0; good && round < 12; round++) {
		struct decode *d = NULL;
		uint64_t size, bytes = 0;
		struct buf keep[SHARDS_MAX];

		files_reset(rebuilt);
		for (unsigned i = 0; i < k + m; i++) {
			sinks[i] = (struct encode_sink){ NULL, NULL };
			keep[i] = files[i].buf;
			files[i].read_bytes = 0;
		}
		for (unsigned n = 0; n < 1 + rnd() % m; n++) {
			unsigned i = (unsigned)(rnd() % (k + m));

			sinks[i] = (struct encode_sink){ file_write,
				&rebuilt[i] };
			if (round % 2)
				files[i].buf = (struct buf)BUF_INIT(FILE_MAX);
		}
		good &= open_all(&d, &p, &size) == EC_OK &&
		    decode_rebuild(d, sinks) == EC_OK;
		for (unsigned i = 0; i < k + m; i++) {
			files[i].buf = keep[i];
			bytes += files[i].read_bytes;
			if (sinks[i].write == NULL)
				continue;
			good &= rebuilt[i].buf.len == keep[i].len &&
			    memcmp(rebuilt[i].buf.data, keep[i].data,
			    keep[i].len) == 0;
		}
		good &= bytes <= k * files[0].buf.len + (k + m) * 9000;
		decode_free(d);
	}
	tap_ok(good, "%u+%u of %u: rebuilt shards are the same, k read once",
	    k, m, unit);
	files_reset(rebuilt);
	free(data);
}

/* A range reads what it needs. */
static void
test_thrift(void)
{
	struct encode_params p = params(8, 4, 128 * 1024);
	size_t len = 8u << 20;
	uint8_t *data = malloc(len), back[4096];
	struct shard_tail t = no_tail;
	struct decode *d = NULL;
	uint64_t size, reads = 0, bytes = 0;

	fill(data, len);
	encode_all(&p, data, len, len, &t);
	open_all(&d, &p, &size);
	for (unsigned i = 0; i < 12; i++)
		files[i].reads = files[i].read_bytes = 0;
	tap_ok(decode_read(d, back, 4096, 5 * 131072 + 4096) == EC_OK &&
	    memcmp(back, data + 5 * 131072 + 4096, 4096) == 0,
	    "a range of 4 KiB");
	for (unsigned i = 0; i < 12; i++) {
		reads += files[i].reads;
		bytes += files[i].read_bytes;
	}
	tap_is_u64(reads, 2, "costs two reads: a tail and a leaf");
	tap_ok(bytes <= 65536 + 8192, "of %u bytes", (unsigned)bytes);
	decode_free(d);
	free(data);
}

static void
test_sinks(void)
{
	struct encode_params p = params(2, 2, 65536);
	struct encode_sink sinks[4];
	struct shard_tail t = no_tail;
	struct encode *e = NULL;
	uint8_t *data = malloc(1 << 20), *back = malloc(1 << 20);
	struct decode *d = NULL;
	uint64_t size;

	fill(data, 1 << 20);
	p.quorum = 3;
	files_reset(files);
	for (unsigned i = 0; i < 4; i++)
		sinks[i] = (struct encode_sink){ file_write, &files[i] };
	files[1].err_after = 200000;
	tap_ok(encode_new(&e, &p, sinks) == EC_OK &&
	    encode_write(e, data, 1 << 20) == EC_OK &&
	    encode_finish(e, &t) == EC_OK &&
	    encode_sink_err(e, 1) == EC_ENOSPC &&
	    encode_sink_err(e, 0) == EC_OK,
	    "one sink fails in mid-stream: quorum 3 of 4 goes on");
	encode_free(e);
	e = NULL;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_read(d, back, 1 << 20, 0) == EC_OK &&
	    memcmp(back, data, 1 << 20) == 0, "and the rest is readable");
	decode_free(d);
	files_reset(files);
	files[1].err_after = 200000;
	sinks[3].write = NULL;
	tap_ok(encode_new(&e, &p, sinks) == EC_OK &&
	    encode_sink_err(e, 3) == EC_EOFFLINE &&
	    encode_write(e, data, 1 << 20) == EC_EQUORUM &&
	    encode_finish(e, &t) == EC_EQUORUM,
	    "one absent and one fails: below quorum");
	encode_free(e);
	e = NULL;
	sinks[2].write = NULL;
	tap_ok(encode_new(&e, &p, sinks) == EC_EQUORUM && e == NULL,
	    "two absent: below quorum at once");
	p.quorum = 1;
	tap_ok(encode_new(&e, &p, sinks) == EC_EINVAL, "a quorum below k");
	free(data);
	free(back);
}

/* Reads of several at once, of which some never come back in time. */
struct gathering {
	unsigned calls, reads, late;
	enum err how;
};

static void
gather(void *ctx, struct decode_read *reads, unsigned n)
{
	struct gathering *g = ctx;

	g->calls++;
	g->reads += n;
	for (unsigned j = 0; j < n; j++)
		reads[j].err = reads[j].index == g->late ? g->how :
		    file_pread(&files[reads[j].index], reads[j].buf,
		    reads[j].len, reads[j].off);
}

static void
test_gather(void)
{
	static const unsigned order[] = { 5, 4, 3, 2, 1, 0 };
	static const unsigned wrong[] = { 5, 4, 3, 2, 1, 6 };
	struct encode_params p = params(4, 2, 65536);
	struct gathering g = { .late = UINT32_MAX, .how = EC_ETIMEDOUT };
	struct decode_params dp = { .stripe = p.stripe, .id = p.id,
		.part = 1, .order = order, .gather = gather, .gather_ctx = &g,
		.bad = count_bad };
	struct decode_source src[6];
	size_t len = 4 * 65536 * 3 + 5;
	uint8_t *data = malloc(len), *back = malloc(len);
	struct shard_tail t = no_tail;
	struct decode *d = NULL;
	uint64_t size;

	fill(data, len);
	encode_all(&p, data, len, len, &t);
	for (unsigned i = 0; i < 6; i++)
		src[i] = (struct decode_source){ file_pread, &files[i],
			files[i].buf.len };
	tap_ok(decode_new(&d, &dp, src, &size) == EC_OK && g.reads == 1 &&
	    decode_read(d, back, 4 * 65536, 0) == EC_OK &&
	    memcmp(back, data, 4 * 65536) == 0, "gather: what is preferred");
	tap_ok(g.calls == 3 && g.reads == 1 + 3 + 4 && files[0].reads == 0 &&
	    files[1].reads == 0,
	    "gather: a tail, then those of three more, then the pieces");
	decode_free(d);
	d = NULL;
	g.late = 4;
	bad_count = 0;
	tap_ok(decode_new(&d, &dp, src, &size) == EC_OK &&
	    decode_read(d, back, len, 0) == EC_OK &&
	    memcmp(back, data, len) == 0 && bad_count == 1,
	    "gather: one late from the start is left out");
	decode_free(d);
	d = NULL;
	g.late = UINT32_MAX;
	bad_count = 0;
	tap_ok(decode_new(&d, &dp, src, &size) == EC_OK &&
	    decode_read(d, back, 100, 0) == EC_OK, "gather: begun");
	g.late = 2;
	files[3].err = EC_EIO;
	tap_ok(decode_read(d, back, len, 0) == EC_OK &&
	    memcmp(back, data, len) == 0 && bad_count == 2,
	    "gather: one late and one failing in mid-stream");
	files[0].err = EC_EIO;
	tap_ok(decode_read(d, back, len, 0) == EC_EQUORUM,
	    "gather: one more is too many");
	files[0].err = files[3].err = EC_OK;
	decode_free(d);
	d = NULL;
	g.late = UINT32_MAX;
	bad_count = 0;
	tap_ok(decode_new(&d, &dp, src, &size) == EC_OK &&
	    decode_read(d, back, 4 * 65536, 0) == EC_OK, "gather: begun again");
	g.late = 3;
	g.how = EC_EBUSY;
	memset(back, 0, len);
	tap_ok(decode_read(d, back, len, 0) == EC_EBUSY && bad_count == 1 &&
	    memcmp(back, data, 4 * 65536) != 0,
	    "gather: one may still write: the read ends at once");
	tap_ok(decode_read(d, back, len, 0) == EC_OK &&
	    memcmp(back, data, len) == 0 && bad_count == 1,
	    "gather: it is not asked again");
	tap_ok(decode_read(d, back, 1, len) == EC_EINVAL &&
	    decode_read(d, back, 2, len - 1) == EC_EINVAL,
	    "beyond the end");
	decode_free(d);
	d = NULL;
	dp.order = wrong;
	tap_ok(decode_new(&d, &dp, src, &size) == EC_EINVAL && d == NULL,
	    "an order of other shards");
	dp.stripe.unit = 1;
	tap_ok(decode_new(&d, &dp, src, &size) == EC_EINVAL && d == NULL,
	    "no geometry");
	free(data);
	free(back);
}

/* Metadata that does not come with the first read of the end. */
static void
test_large_meta(void)
{
	struct encode_params p = params(2, 1, 4096);
	uint8_t data[9000], back[9000], *extra = malloc(100000);
	struct shard_tail t = { .bucket = "b", .key = "k", .extra = extra,
		.extra_len = 100000 };
	struct decode *d = NULL;
	uint64_t size, off;

	fill(data, sizeof(data));
	fill(extra, 100000);
	tap_ok(encode_all(&p, data, sizeof(data), 9000, &t) == EC_OK &&
	    open_all(&d, &p, &size) == EC_OK &&
	    decode_tail(d)->extra_len == 100000 &&
	    memcmp(decode_tail(d)->extra, extra, 100000) == 0 &&
	    decode_read(d, back, sizeof(back), 0) == EC_OK &&
	    memcmp(back, data, sizeof(back)) == 0, "100 kB of metadata");
	decode_free(d);
	d = NULL;
	files[0].buf.data[files[0].buf.len - 50000] ^= 1;
	tap_ok(open_all(&d, &p, &size) == EC_OK && bad_count == 1 &&
	    decode_probe(d, 0, &off) == EC_ECORRUPT &&
	    decode_probe(d, 1, &off) == EC_OK, "and damage in it");
	decode_free(d);
	free(extra);
}

/* Rebuilding when sinks fail, and when there is too little to rebuild from. */
static void
test_rebuild_fails(void)
{
	struct encode_params p = params(3, 3, 65536);
	size_t len = 3 * 65536 * 4;
	struct encode_sink sinks[6] = { { NULL, NULL } };
	uint8_t *data = malloc(len);
	struct shard_tail t = no_tail;
	struct decode *d = NULL;
	uint64_t size;

	fill(data, len);
	encode_all(&p, data, len, len, &t);
	files_reset(rebuilt);
	sinks[1] = (struct encode_sink){ file_write, &rebuilt[1] };
	sinks[4] = (struct encode_sink){ file_write, &rebuilt[4] };
	rebuilt[1].err_after = 100000;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_ENOSPC &&
	    rebuilt[4].buf.len == files[4].buf.len &&
	    memcmp(rebuilt[4].buf.data, files[4].buf.data,
	    files[4].buf.len) == 0, "one sink fails, the other is finished");
	decode_free(d);
	d = NULL;
	files_reset(rebuilt);
	rebuilt[1].err_after = rebuilt[4].err_after = 100000;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_ENOSPC, "both fail");
	decode_free(d);
	d = NULL;
	files_reset(rebuilt);
	/* what is to be replaced still helps where the others cannot */
	for (unsigned i = 0; i < 3; i++)
		files[i * 2].buf.data[shard_data_off(i * 65536u)] ^= 1;
	for (unsigned i = 0; i < 3; i++)
		files[i * 2].buf.data[shard_data_off(3 * 65536u)] ^= 1;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_OK &&
	    memcmp(rebuilt[1].buf.data, files[1].buf.data,
	    files[1].buf.len) == 0, "shards that are replaced help");
	decode_free(d);
	d = NULL;
	files_reset(rebuilt);
	files[1].buf.data[shard_data_off(3 * 65536u)] ^= 1;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_ELOST, "four bad in one place");
	decode_free(d);
	files_reset(rebuilt);
	free(data);
}

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
	static const uint32_t unit[] = { 4096, 65536, 100 * 1024,
		128 * 1024, 192 * 1024 };

	files_reset(files);
	for (unsigned i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		test_sizes(1, 0, unit[i]);
		test_sizes(2, 1, unit[i]);
		test_sizes(3, 2, unit[i]);
		test_ranges(1, 1, unit[i]);
		test_ranges(5, 2, unit[i]);
		test_rebuild(2, 1, unit[i]);
		test_rebuild(4, 3, unit[i]);
	}
	test_losses(1, 2, 4096);
	test_losses(2, 2, 65536);
	test_losses(4, 2, 4096);
	test_losses(5, 3, 4160);
	test_every_byte();
	test_swapped();
	test_scattered();
	test_thrift();
	test_sinks();
	test_gather();
	test_large_meta();
	test_rebuild_fails();
	test_inline(1, 0);
	test_inline(2, 2);
	test_inline(8, 4);
	files_reset(files);
	return tap_done();
}
