/* What decode asks of its sources and encode of its sinks: few reads, those of
 * several at once, some late, failing, short of a quorum. */
#include <stdlib.h>
#include <string.h>

#include "../lib/shard_files.h"
#include "../lib/tap.h"

/* A range reads what it needs. */
static void
test_thrift(void)
{
	struct encode_params p = params(8, 4, 128 * 1024);
	size_t len = 8u << 20;
	uint8_t *data = malloc(len), back[4096];
	struct shard_tail t = plain_tail();
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
	struct shard_tail t = plain_tail();
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
	struct shard_tail t = plain_tail();
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

int
main(void)
{
	files_reset(files);
	test_thrift();
	test_sinks();
	test_gather();
	test_large_meta();
	files_reset(files);
	return tap_done();
}
