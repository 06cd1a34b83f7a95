/* wire: the bytes of each message as ec-wire(7) has them, written out by hand,
 * and messages that are not quite right. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "base/checksum.h"
#include "base/num.h"
#include "net/wire.h"

/* The hex of ${b}, without its checksum if that is right. */
static const char *
hex(const struct buf *b)
{
	static char text[2048];

	if (b->len < 4 || b->len > 1000 || checksum_crc32c(0, b->data,
	    b->len - 4) != le32_get(b->data + b->len - 4))
		return "no checksum";
	num_hex(text, b->data, b->len - 4);
	return text;
}

/* Every shorter message, one a byte longer, and each bit flipped: refused. */
static bool
fragile(enum err (*decode)(const uint8_t *in, size_t len), const struct buf *b)
{
	uint8_t *p = malloc(b->len + 1);
	bool good = decode(b->data, b->len) == EC_OK;

	memcpy(p, b->data, b->len);
	p[b->len] = 0;
	good = good && decode(p, b->len + 1) == EC_ECORRUPT;
	for (size_t len = 0; len < b->len; len++)
		good = good && decode(p, len) == EC_ECORRUPT;
	for (size_t bit = 0; bit < b->len * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		good = good && decode(p, b->len) == EC_ECORRUPT;
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(p);
	return good;
}

static enum err
decode_append(const uint8_t *in, size_t len)
{
	struct drive_append a[WIRE_APPENDS_MAX];
	unsigned n;

	return wire_append_decode(a, &n, in, len);
}

static enum err
decode_results(const uint8_t *in, size_t len)
{
	struct drive_append a[2];

	return wire_results_decode(a, 2, in, len);
}

static enum err
decode_query(const uint8_t *in, size_t len)
{
	static struct wire_query q;

	return wire_query_decode(&q, in, len);
}

static enum err
decode_records(const uint8_t *in, size_t len)
{
	struct drive_records l = DRIVE_RECORDS_INIT;
	enum err e = wire_records_decode(&l, in, len);

	buf_release(&l.buf);
	return e;
}

static enum err
decode_shards(const uint8_t *in, size_t len)
{
	struct drive_shard_info s[4];
	unsigned n;

	return wire_shards_decode(s, 4, &n, in, len);
}

static void
test_bytes(void)
{
	struct drive_append a[2] = {
		{ .rec = "abc", .len = 3, .flags = DRIVE_APPEND_NEWEST },
		{ .rec = "z", .len = 1, .flags = DRIVE_APPEND_LAZY },
	};
	struct drive_query q = { .table = DRIVE_PARTS, .bucket = "b",
	    .key = "", .after_key = "k", .after_stamp = { 1, 2 },
	    .target = { 3, 4 }, .since_hlc = 5, .newest_only = true,
	    .want_parts = true, .limit = 1000 };
	struct drive_records l = DRIVE_RECORDS_INIT;
	struct drive_shard_info s = { .data = { { 0xaa, 0xbb } }, .index = 3,
	    .bytes = 0x1234, .mtime_us = 5 };
	struct buf b = BUF_INIT(WIRE_MESSAGE_MAX);

	wire_append_encode(&b, a, 2);
	tap_is_str(hex(&b), "02000000" "01000000" "03000000" "616263"
	    "02000000" "01000000" "7a", "append");
	tap_ok(fragile(decode_append, &b), "nothing else is one");
	b.len = 0;
	a[0].err = EC_ESTALE;
	a[0].hlc = 7;
	a[1].superseded = true;
	wire_results_encode(&b, a, 2);
	tap_is_str(hex(&b), "45435f455354414c4500000000000000" "00"
	    "0700000000000000" "45435f4f4b0000000000000000000000" "01"
	    "0000000000000000", "its answer");
	tap_ok(fragile(decode_results, &b), "nothing else is one");
	b.len = 0;
	wire_query_encode(&b, &q);
	tap_is_str(hex(&b), "03" "0a" "e8030000" "0100000000000000"
	    "0200000000000000" "0300000000000000" "0400000000000000"
	    "0500000000000000" "010062" "0000" "ffff" "ffff" "01006b", "query");
	tap_ok(fragile(decode_query, &b), "nothing else is one");
	b.len = 0;
	drive_records_add(&l, "abc", 3);
	wire_records_encode(&b, &l);
	tap_is_str(hex(&b), "03000000" "616263", "its answer");
	tap_ok(fragile(decode_records, &b), "nothing else is one");
	b.len = 0;
	wire_shards_encode(&b, &s, 1);
	tap_is_str(hex(&b), "aabb0000000000000000000000000000" "03000000"
	    "3412000000000000" "0500000000000000", "a list of shard files");
	tap_ok(fragile(decode_shards, &b), "nothing else is one");
	b.len = 0;
	wire_list_encode(&b, NULL, 1u << 30);
	tap_is_str(hex(&b), "00000000000000000000000000000000" "10270000",
	    "what it answers");
	b.len = 0;
	wire_numbers_encode(&b, (const uint64_t[]){ 1, 1ull << 40 }, 2);
	tap_is_str(hex(&b), "0100000000000000" "0000000000010000", "numbers");
	buf_release(&b);
	buf_release(&l.buf);
}

/* The parts of a batch, which have no checksum of their own. */
static void
test_parts(void)
{
	static const uint8_t id[16] = { 0xaa, [15] = 0xbb };
	struct wire_part p = { .op = WIRE_PART_QUERY }, got;
	struct buf b = BUF_INIT(1 << 20);
	char text[256];
	size_t pos = 0, second;
	bool cut = true;

	memcpy(p.drive.b, id, sizeof(id));
	wire_asked_begin(&b, &p);
	buf_add(&b, "what", 4);
	wire_asked_end(&b, 0);
	num_hex(text, b.data, b.len);
	tap_is_str(text, "aa0000000000000000000000000000bb" "01" "04000000"
	    "77686174", "a question to a drive");
	second = b.len;
	p.op = WIRE_PART_APPEND;
	wire_asked_begin(&b, &p);
	wire_asked_end(&b, second);
	tap_ok(wire_asked_next(&got, b.data, b.len, &pos) == EC_OK &&
	    got.op == WIRE_PART_QUERY && got.len == 4 &&
	    memcmp(got.message, "what", 4) == 0 &&
	    memcmp(got.drive.b, id, sizeof(id)) == 0 &&
	    wire_asked_next(&got, b.data, b.len, &pos) == EC_OK &&
	    got.op == WIRE_PART_APPEND && got.len == 0 &&
	    wire_asked_next(&got, b.data, b.len, &pos) == EC_ENOTFOUND,
	    "two, read back");
	for (size_t len = 1; len < second; len++) {
		pos = 0;
		cut = cut && wire_asked_next(&got, b.data, len, &pos) ==
		    EC_ECORRUPT;
	}
	pos = 0;
	b.data[16] = 2;
	tap_ok(cut && wire_asked_next(&got, b.data, b.len, &pos) ==
	    EC_ECORRUPT, "nothing shorter, and no other operation");
	b.len = 0;
	wire_said_begin(&b, 3, EC_ENOSPC);
	num_hex(text, b.data, b.len);
	tap_is_str(text, "03" "45435f454e4f53504300000000000000",
	    "what it said");
	tap_ok(wire_said_decode(&got, b.data, b.len) == EC_OK &&
	    got.number == 3 && got.err == EC_ENOSPC && got.len == 0 &&
	    wire_said_decode(&got, b.data, b.len - 1) == EC_ECORRUPT,
	    "read back");
	buf_release(&b);
}

static void
test_limits(void)
{
	static char longest[WIRE_TEXT_MAX + 2];
	struct drive_append a = { .rec = "x", .len = 1 };
	struct drive_query q = { .key = longest, .limit = 1 };
	struct buf b = BUF_INIT(1 << 20), small = BUF_INIT(8);
	struct wire_query got;

	memset(longest, 'k', WIRE_TEXT_MAX);
	tap_ok(wire_query_encode(&b, &q) == EC_OK &&
	    wire_query_decode(&got, b.data, b.len) == EC_OK &&
	    strcmp(got.q.key, longest) == 0 && got.q.bucket == NULL,
	    "the longest key");
	b.len = 0;
	longest[WIRE_TEXT_MAX] = 'k';
	tap_ok(wire_query_encode(&b, &q) == EC_ELIMIT && b.len == 0,
	    "one too long");
	tap_ok(wire_append_encode(&small, &a, 1) == EC_ELIMIT &&
	    small.len == 0, "no half message");
	tap_ok(wire_append_encode(&b, &a, 0) == EC_ELIMIT, "no records");
	for (int e = 0; e < EC_ERR_COUNT; e++)
		if (wire_err(err_name((enum err)e)) != (enum err)e)
			tap_ok(false, "%s", err_name((enum err)e));
	tap_ok(wire_err("EC_FROM_THE_FUTURE") == EC_EIO && wire_err("") ==
	    EC_EIO, "results by name");
	buf_release(&b);
	buf_release(&small);
}

int
main(void)
{
	test_bytes();
	test_parts();
	test_limits();
	return tap_done();
}
