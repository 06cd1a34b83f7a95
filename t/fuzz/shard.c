/* shard: headers, ends and tails of shard files, and whole files, from
 * somebody who means harm.
 *
 * The first byte chooses; where a sum would stop everything at the door, it is
 * put right, so that what comes behind is reached.  What is believed must be
 * said again in the very same bytes, and what is decoded must be right. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/decode.h"
#include "codec/encode.h"

enum { K = 3, M = 2, N = K + M, FILE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool good)
{
	if (!good)
		abort();
}

/* A header that is believed is said again the same. */
static void
fuzz_header(const uint8_t *data, size_t len, bool right_sum)
{
	uint8_t in[SHARD_HEADER_BYTES] = { 0 }, out[SHARD_HEADER_BYTES];
	struct shard_header h = { .stripe = { 2, 1, 4096 } };

	shard_header_encode(in, &h);
	memcpy(in, data, len < sizeof(in) ? len : sizeof(in));
	if (right_sum)
		bitrot_sum(in + sizeof(in) - SHARD_SUM_BYTES, in,
		    sizeof(in) - SHARD_SUM_BYTES);
	if (shard_header_decode(&h, in) != EC_OK)
		return;
	must(stripe_valid(&h.stripe) == EC_OK);
	must(h.index < h.stripe.k + h.stripe.m);
	shard_header_encode(out, &h);
	must(memcmp(in, out, sizeof(in)) == 0);
}

/* The same of a tail: ${data} are its bytes but for bind and sum. */
static void
fuzz_tail(const uint8_t *data, size_t len)
{
	struct shard_header h = { .stripe = { 2, 1, 4096 }, .part = 1 };
	struct buf again = BUF_INIT(FILE_MAX);
	uint64_t file_bytes, tail_len;
	const uint8_t *pages;
	struct shard_end end;
	struct shard_tail t;
	uint8_t *in = NULL;

	if (len < 8 + SHARD_END_BYTES)
		return;
	file_bytes = le64_get(data);
	data += 8;
	len -= 8;
	if ((in = malloc(len)) == NULL)
		return;
	memcpy(in, data, len);
	memcpy(in + len - 64, "\x89" "ECE", 4);
	shard_header_bind(in + len - 48, &h);
	if (file_bytes % 2 == 0)	/* a length that fits what it says */
		file_bytes = SHARD_HEADER_BYTES + le64_get(in + len - 56) +
		    num_div_up(le64_get(in + len - 56), SHARD_LEAF_BYTES) *
		    SHARD_SUM_BYTES + len;
	bitrot_sum(in + len - SHARD_SUM_BYTES, in, len - SHARD_SUM_BYTES);
	if (shard_end_decode(&end, in + len - SHARD_END_BYTES, file_bytes) !=
	    EC_OK)
		goto out;
	tail_len = shard_tail_bytes(&end);
	must(tail_len <= file_bytes);
	if (shard_tail_decode(&t, &pages, &h, &end, in, len) != EC_OK)
		goto out;
	must(tail_len == len);
	must(strlen(t.bucket) + strlen(t.key) + t.extra_len < len);
	must(shard_tail_encode(&again, &h, &t, end.data_bytes, pages) ==
	    EC_OK);
	must(again.len == len && memcmp(again.data, in, len) == 0);
	must(shard_file_bytes(&h.stripe, t.size, &t) == file_bytes);
out:
	buf_release(&again);
	free(in);
}

static enum err
file_write(void *ctx, const void *buf, size_t len)
{
	return buf_add(ctx, buf, len);
}

static enum err
file_pread(void *ctx, void *buf, size_t len, uint64_t off)
{
	const struct buf *b = ctx;

	must(off <= b->len && len <= b->len - off);
	memcpy(buf, b->data + off, len);
	return EC_OK;
}

/* Files of a real object, then changed as ${data} says: 4 bytes each, which
 * file, where, and what. */
static void
fuzz_files(const uint8_t *data, size_t len)
{
	static const size_t sizes[] = { 0, 1, 5000, 12288, 70000, 262144 };
	struct encode_params p = { { K, M, 4096 }, { { 7 } }, 1, N, false };
	struct shard_tail t = { .bucket = "b", .key = "k" };
	struct encode_sink sinks[N];
	struct decode_source src[N];
	struct decode_params dp = { .stripe = p.stripe, .id = p.id,
		.part = 1 };
	struct buf file[N];
	struct encode *e = NULL;
	struct decode *d = NULL;
	size_t size = sizes[len % 6];
	uint8_t *object = calloc(1, size + 1), *back = calloc(1, size + 1);
	bool hurt[N] = { false };
	unsigned hurts = 0;
	uint64_t got, off;
	enum err err;

	must(object != NULL && back != NULL);
	for (size_t i = 0; i < size; i++)
		object[i] = (uint8_t)(i * 31 + i / 251);
	for (unsigned i = 0; i < N; i++) {
		file[i] = (struct buf)BUF_INIT(FILE_MAX);
		sinks[i] = (struct encode_sink){ file_write, &file[i] };
	}
	must(encode_new(&e, &p, sinks) == EC_OK);
	must(encode_write(e, object, size) == EC_OK);
	must(encode_finish(e, &t) == EC_OK);
	for (; len >= 4; data += 4, len -= 4) {
		struct buf *b = &file[data[0] % N];
		size_t at = le16_get(data + 1) * (size_t)7 % (b->len + 1);

		if (data[3] == 0 && b->len > 0)
			b->len = at;	/* cut short */
		else if (at < b->len)
			b->data[data[0] & 128 ? b->len - 1 - at % 200 %
			    b->len : at] ^= data[3];
		hurt[data[0] % N] = true;
	}
	for (unsigned i = 0; i < N; i++) {
		src[i] = (struct decode_source){ file_pread, &file[i],
			file[i].len };
		hurts += hurt[i];
	}
	err = decode_new(&d, &dp, src, &got);
	must(err == EC_OK || (err == EC_EQUORUM && hurts > M));
	if (err == EC_OK) {
		must(got == size);
		err = decode_read(d, back, size, 0);
		must(err == EC_OK || (err == EC_EQUORUM && hurts > M));
		must(err != EC_OK || memcmp(object, back, size) == 0);
		for (unsigned i = 0; i < N; i++)
			must(decode_verify(d, i, &off) == EC_OK || hurt[i]);
	}
	decode_free(d);
	encode_free(e);
	for (unsigned i = 0; i < N; i++)
		buf_release(&file[i]);
	free(object);
	free(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	switch (data[0] % 4) {
	case 0:
		fuzz_header(data + 1, len - 1, false);
		break;
	case 1:
		fuzz_header(data + 1, len - 1, true);
		break;
	case 2:
		fuzz_tail(data + 1, len - 1);
		break;
	default:
		fuzz_files(data + 1, len - 1);
	}
	return 0;
}
