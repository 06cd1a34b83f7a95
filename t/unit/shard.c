/* shard: what is written is read; each field out of bounds is refused even
 * when all sums are right; arithmetic of the layout. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "codec/bitrot.h"
#include "codec/shard.h"

static const struct shard_header header = { { 4, 2, 65536 }, 5,
	{ "an id of 16 byt" }, 7 };

/* Change one byte of a good header, put its sum right, and decode. */
static enum err
decode_changed(unsigned off, uint8_t value)
{
	uint8_t bytes[SHARD_HEADER_BYTES];
	struct shard_header h;

	shard_header_encode(bytes, &header);
	bytes[off] = value;
	bitrot_sum(bytes + SHARD_HEADER_BYTES - 32, bytes,
	    SHARD_HEADER_BYTES - 32);
	return shard_header_decode(&h, bytes);
}

static void
test_header(void)
{
	uint8_t bytes[SHARD_HEADER_BYTES], bind[SHARD_BIND_BYTES];
	struct shard_header h;

	shard_header_encode(bytes, &header);
	tap_ok(shard_header_decode(&h, bytes) == EC_OK &&
	    h.stripe.k == 4 && h.stripe.m == 2 && h.stripe.unit == 65536 &&
	    h.index == 5 && h.part == 7 && uuid_equal(&h.id, &header.id),
	    "a header");
	shard_header_bind(bind, &header);
	tap_ok(memcmp(bind, bytes + SHARD_HEADER_BYTES - 32, 16) == 0,
	    "its bind");
	bytes[40] ^= 1;
	tap_ok(shard_header_decode(&h, bytes) == EC_ECORRUPT, "a wrong sum");
	tap_ok(decode_changed(0, 'x') == EC_EFORMAT, "another magic");
	tap_ok(decode_changed(8, 2) == EC_EFORMAT, "another version");
	tap_ok(decode_changed(11, 1) == EC_EFORMAT, "another length");
	tap_ok(decode_changed(12, 2) == EC_EFORMAT, "another code");
	tap_ok(decode_changed(13, 0) == EC_EFORMAT, "another hash");
	tap_ok(decode_changed(26, 2) == EC_EFORMAT, "another leaf");
	tap_ok(decode_changed(14, 0) == EC_ECORRUPT, "no data shards");
	tap_ok(decode_changed(15, 252) == EC_ECORRUPT, "256 shards");
	tap_ok(decode_changed(16, 6) == EC_ECORRUPT, "index k + m");
	tap_ok(decode_changed(17, 1) == EC_ECORRUPT, "a reserved byte");
	tap_ok(decode_changed(20, 1) == EC_ECORRUPT, "an odd unit");
	tap_ok(decode_changed(23, 1) == EC_ECORRUPT, "a large unit");
	tap_ok(decode_changed(22, 0) == EC_ECORRUPT, "a small unit");
	tap_ok(decode_changed(4063, 1) == EC_ECORRUPT, "a reserved byte");
}

static enum err
reread(const uint8_t *bytes, uint64_t len, uint64_t file_bytes,
    struct shard_tail *t)
{
	const uint8_t *pages;
	struct shard_end end;
	enum err e;

	e = shard_end_decode(&end, bytes + len - SHARD_END_BYTES, file_bytes);
	if (e == EC_OK)
		e = shard_tail_decode(t, &pages, &header, &end, bytes, len);
	return e;
}

/* A byte of the tail changed, at ${off} from its end, and its sum right. */
static enum err
reread_changed(const struct buf *tail, uint64_t file_bytes, size_t off,
    uint8_t value)
{
	uint8_t bytes[4096];
	struct shard_tail t;

	memcpy(bytes, tail->data, tail->len);
	bytes[tail->len - off] = value;
	bitrot_sum(bytes + tail->len - 32, bytes, tail->len - 32);
	return reread(bytes, tail->len, file_bytes, &t);
}

static void
test_tail(void)
{
	const struct shard_tail t = { 300000, { 1, 2, 3 }, "bucket", "key",
		(const uint8_t *)"more", 4 };
	uint64_t data = stripe_shard_bytes(&header.stripe, t.size);
	uint64_t file = shard_file_bytes(&header.stripe, t.size, &t);
	struct buf b = BUF_INIT(4096), small = BUF_INIT(50);
	uint8_t page[SHARD_SUM_BYTES] = { 9 };
	struct shard_tail back;

	tap_ok(shard_tail_encode(&b, &header, &t, data, page) == EC_OK,
	    "a tail");
	tap_is_u64(file, SHARD_HEADER_BYTES + data + 32 * 2 + b.len,
	    "the length of its file");
	tap_ok(reread(b.data, b.len, file, &back) == EC_OK &&
	    back.size == t.size && memcmp(back.md5, t.md5, 16) == 0 &&
	    strcmp(back.bucket, "bucket") == 0 &&
	    strcmp(back.key, "key") == 0 && back.extra_len == 4 &&
	    memcmp(back.extra, "more", 4) == 0, "read again");
	tap_ok(reread(b.data, b.len, file + 1, &back) == EC_ECORRUPT,
	    "a file too long");
	tap_ok(reread_changed(&b, file, 64, 'x') == EC_EFORMAT,
	    "another magic");
	tap_ok(reread_changed(&b, file, 60, 1) == EC_ECORRUPT,
	    "length of meta");
	tap_ok(reread_changed(&b, file, 57, 1) == EC_ECORRUPT,
	    "a huge length of meta");
	tap_ok(reread_changed(&b, file, 56, 1) == EC_ECORRUPT,
	    "length of data");
	tap_ok(reread_changed(&b, file, 49, 0xff) == EC_ECORRUPT,
	    "a huge length of data");
	tap_ok(reread_changed(&b, file, 48, 0) == EC_ECORRUPT,
	    "another header");
	/* meta: 32 bytes, "bucket", "key", "more", before the end */
	tap_ok(reread_changed(&b, file, 64 + 4 + 4 + 7 + 31, 1) ==
	    EC_ECORRUPT, "a size that needs other shards");
	tap_ok(reread_changed(&b, file, 64 + 4 + 4 + 7 + 25, 0xff) ==
	    EC_ECORRUPT, "a size beyond all bounds");
	tap_ok(reread_changed(&b, file, 64 + 4 + 4 + 7 + 8, 5) ==
	    EC_ECORRUPT, "length of the bucket");
	tap_ok(reread_changed(&b, file, 64 + 4 + 4 + 7 + 1, 1) ==
	    EC_ECORRUPT, "length of the rest");
	tap_ok(reread_changed(&b, file, 64 + 4 + 1, 1) == EC_ECORRUPT,
	    "no NUL after the key");
	tap_ok(reread_changed(&b, file, 64 + 4 + 4 + 7 - 2, 0) == EC_ECORRUPT,
	    "a NUL in the bucket");
	tap_ok(shard_tail_encode(&small, &header, &t, data, page) ==
	    EC_ELIMIT && small.len == 0, "no room: nothing appended");
	buf_release(&b);
	buf_release(&small);
}

static void
test_limits(void)
{
	char *key = calloc(1, UINT16_MAX + 2u);
	uint8_t *extra = calloc(1, SHARD_META_MAX);
	struct shard_tail t = { 0, { 0 }, "", key, extra, 0 };
	struct buf b = BUF_INIT(4 * SHARD_META_MAX);
	struct shard_tail back;

	memset(key, 'k', UINT16_MAX + 1u);
	tap_ok(shard_tail_encode(&b, &header, &t, 0, NULL) == EC_ELIMIT,
	    "a key too long");
	key[UINT16_MAX] = '\0';
	tap_ok(shard_tail_encode(&b, &header, &t, 0, NULL) == EC_OK &&
	    reread(b.data, b.len, shard_file_bytes(&header.stripe, 0, &t),
	    &back) == EC_OK && strcmp(back.key, key) == 0,
	    "the longest key");
	b.len = 0;
	t.extra_len = SHARD_META_MAX;
	tap_ok(shard_tail_encode(&b, &header, &t, 0, NULL) == EC_ELIMIT,
	    "too much metadata");
	t.extra_len -= (uint32_t)shard_meta_bytes(&t) - SHARD_META_MAX;
	tap_ok(shard_tail_encode(&b, &header, &t, 0, NULL) == EC_OK &&
	    reread(b.data, b.len, shard_file_bytes(&header.stripe, 0, &t),
	    &back) == EC_OK && back.extra_len == t.extra_len,
	    "the most metadata");
	buf_release(&b);
	free(key);
	free(extra);
}

static void
test_layout(void)
{
	const uint64_t group = SHARD_GROUP_BYTES;

	tap_is_u64(shard_data_off(0), 4096, "data begins behind the header");
	tap_is_u64(shard_data_off(group - 1), 4096 + group - 1, "one group");
	tap_is_u64(shard_data_off(group), 4096 + group + 65536, "the next");
	tap_is_u64(shard_page_off(group + 1, 0), 4096 + group, "page 0");
	tap_is_u64(shard_page_off(group + 1, 1), 4096 + 65536 + group + 1,
	    "page 1, of one byte");
	tap_is_u64(shard_page_bytes(group + 1, 0), 65536, "a full page");
	tap_is_u64(shard_page_bytes(group + 1, 1), 32, "and one of one leaf");
	tap_is_u64(shard_page_count(0), 0, "no page for no data");
}

int
main(void)
{
	test_header();
	test_tail();
	test_limits();
	test_layout();
	return tap_done();
}
