/* Records: round trip, every cut, every flipped bit of structure. */
#include <stdlib.h>

#include "base/num.h"
#include "drive/drive.h"
#include "drive/record.h"

#include "../lib/tap.h"

static struct record_part parts[2] = {
	{ .number = 1, .size = 5u << 20, .data = { { 1, 2, 3 } }, .k = 4,
	    .m = 2, .unit = 131072, .md5 = { 9 } },
	{ .number = 7, .size = 77, .data = { { 4, 5, 6 } }, .k = 4, .m = 2,
	    .unit = 4096, .md5 = { 8 } },
};
static uint8_t inline_data[300];

static struct record
sample(const struct buf *meta)
{
	return (struct record){
		.kind = RECORD_OBJECT,
		.flags = RECORD_NULL | RECORD_INLINE,
		.stamp = { 0x1122334455667788, 0x99aabbccddeeff00 },
		.target = { 3, 4 },
		.bucket = "bucket",
		.key = "a/key with \xc3\xbc",
		.mtime_us = 1234567,
		.size = (5u << 20) + 77,
		.etag = "0123456789abcdef0123456789abcdef-2",
		.k = 4,
		.m = 2,
		.start = 5,
		.index = 3,
		.parts = parts,
		.part_count = 2,
		.meta = meta->data,
		.meta_len = (uint32_t)meta->len,
		.inline_data = inline_data,
		.inline_len = sizeof inline_data,
		.inline_sum = { 1, 2, 3 },
		.segment = 5,
		.offset = 4096,
	};
}

static bool
same(const struct record *a, const struct record *b)
{
	return a->kind == b->kind && a->flags == b->flags &&
	    stamp_cmp(&a->stamp, &b->stamp) == 0 &&
	    stamp_cmp(&a->target, &b->target) == 0 &&
	    strcmp(a->bucket, b->bucket) == 0 && strcmp(a->key, b->key) == 0 &&
	    a->mtime_us == b->mtime_us && a->size == b->size &&
	    strcmp(a->etag, b->etag) == 0 && a->k == b->k && a->m == b->m &&
	    a->start == b->start && a->index == b->index &&
	    a->part_count == b->part_count &&
	    memcmp(a->parts, b->parts, sizeof parts) == 0 &&
	    a->meta_len == b->meta_len &&
	    memcmp(a->meta, b->meta, a->meta_len) == 0 &&
	    a->inline_len == b->inline_len && b->inline_data != NULL &&
	    memcmp(a->inline_data, b->inline_data, a->inline_len) == 0 &&
	    memcmp(a->inline_sum, b->inline_sum, 32) == 0 &&
	    a->segment == b->segment && a->offset == b->offset;
}

static void
test_round_trip(const struct buf *meta)
{
	struct record r = sample(meta), got;
	struct record_part *p = NULL;
	struct buf b = BUF_INIT(RECORD_BYTES_MAX), c = BUF_INIT(65536);
	unsigned bad = 0, changed = 0;

	tap_is_u64(record_encode(&b, &r), EC_OK, "encodes");
	tap_is_u64(record_decode(&got, &p, b.data, b.len), EC_OK, "decodes");
	tap_ok(same(&r, &got), "comes back as it was");
	tap_ok(record_agrees(&got, &r), "and agrees with it");
	tap_is_u64(record_encode(&c, &got), EC_OK, "encodes again");
	tap_ok(b.len == c.len && memcmp(b.data, c.data, b.len) == 0,
	    "to the same bytes");
	free(p);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *cut = malloc(n + 1);	/* exact, for the sanitizer */

		memcpy(cut, b.data, n);
		bad += record_decode(&got, &p, cut, n) == EC_OK;
		free(p);
		free(cut);
	}
	tap_is_u64(bad, 0, "no cut of it decodes");
	for (size_t i = 0; i < b.len * 8; i++) {
		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
		if (record_decode(&got, &p, b.data, b.len) == EC_OK) {
			c.len = 0;
			changed += record_encode(&c, &got) != EC_OK ||
			    c.len != b.len ||
			    memcmp(b.data, c.data, b.len) != 0;
		}
		free(p);
		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	tap_is_u64(changed, 0,
	    "whatever decodes after a flipped bit encodes back to it");
	buf_release(&b);
	buf_release(&c);
}

static void
test_agrees(const struct buf *meta)
{
	struct record a = sample(meta), b = a;

	b.index = 0;
	b.inline_data = NULL;
	b.inline_len = 0;
	b.inline_sum[0] ^= 1;
	b.segment = 9;
	tap_ok(record_agrees(&a, &b), "copies of two drives agree");
	b.mtime_us++;
	tap_ok(!record_agrees(&a, &b), "another time is another version");
	b = a;
	b.key = "a/key with \xc3\xbd";
	tap_ok(!record_agrees(&a, &b), "another key too");
	b = a;
	b.part_count = 1;
	tap_ok(!record_agrees(&a, &b), "other parts too");
	b = a;
	b.meta_len = 0;
	tap_ok(!record_agrees(&a, &b), "other metadata too");
}

static void
test_refused(const struct buf *meta)
{
	struct record r = sample(meta);
	struct record_part two[2] = { parts[1], parts[0] };
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	char key[RECORD_KEY_MAX + 2];

	memset(key, 'k', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	r.key = key;
	tap_is_u64(record_encode(&b, &r), EC_EINVAL, "a long key is refused");
	r = sample(meta);
	r.parts = two;
	tap_is_u64(record_encode(&b, &r), EC_EINVAL, "parts out of order");
	r = sample(meta);
	r.index = 6;
	tap_is_u64(record_encode(&b, &r), EC_EINVAL, "an index beyond k + m");
	r = sample(meta);
	r.flags = 8;
	tap_is_u64(record_encode(&b, &r), EC_EINVAL, "an unknown flag");
	r = sample(meta);
	r.flags = 0;
	tap_is_u64(record_encode(&b, &r), EC_EINVAL, "data without the flag");
	tap_is_u64(b.len, 0, "and nothing was written");
	buf_release(&b);
}

static void
test_stripped(const struct buf *meta)
{
	struct record r = sample(meta), got;
	struct record_part *p = NULL;
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);

	r.inline_data = NULL;
	tap_ok(record_encode(&b, &r) == EC_OK &&
	    record_decode(&got, &p, b.data, b.len) == EC_OK &&
	    got.inline_data == NULL && got.inline_len == sizeof inline_data &&
	    got.inline_sum[1] == 2, "inline data may be left out");
	free(p);
	buf_release(&b);
}

static void
test_meta(struct buf *meta)
{
	size_t len = 0, pos = 0, name_len, n = 0;
	const uint8_t *v;
	const char *name;

	tap_is_u64(record_meta_add(meta, "content-type", "text/plain", 10),
	    EC_OK, "adds a header");
	tap_is_u64(record_meta_add(meta, "x-amz-meta-empty", "", 0), EC_OK,
	    "adds an empty one");
	v = record_meta_get(meta->data, meta->len, "content-type", &len);
	tap_ok(v != NULL && len == 10 && memcmp(v, "text/plain", 10) == 0,
	    "finds it");
	tap_ok(record_meta_get(meta->data, meta->len, "content", &len) == NULL,
	    "does not find a part of a name");
	while (record_meta_next(meta->data, meta->len, &pos, &name, &name_len,
	    &v, &len))
		n++;
	tap_is_u64(n, 2, "walks both");
	tap_is_u64(record_meta_add(meta, "x", inline_data, RECORD_META_MAX),
	    EC_ELIMIT, "a ceiling holds");
}

static void
test_stamps(void)
{
	struct stamp a = { 0x0123456789abcdef, 42 }, b;
	char text[STAMP_TEXT_BYTES];

	stamp_text(text, &a);
	tap_is_str(text, "0123456789abcdef000000000000002a", "stamp to text");
	tap_ok(stamp_parse(&b, text) == EC_OK && stamp_cmp(&a, &b) == 0,
	    "and back");
	tap_is_u64(stamp_parse(&b, "0123"), EC_EINVAL, "short is refused");
	a = stamp_new();
	b = stamp_new();
	tap_ok(stamp_cmp(&a, &b) < 0, "stamps grow");
}

static void
test_lists(void)
{
	struct drive_records l = DRIVE_RECORDS_INIT;
	const uint8_t *rec;
	size_t pos = 0, len = 0;

	tap_ok(drive_records_add(&l, "abc", 3) == EC_OK &&
	    drive_records_add(&l, "", 0) == EC_OK &&
	    drive_records_add(&l, "defgh", 5) == EC_OK, "a list of records");
	tap_ok(drive_records_next(&l, &pos, &rec, &len) && len == 3 &&
	    memcmp(rec, "abc", 3) == 0, "first");
	tap_ok(drive_records_next(&l, &pos, &rec, &len) && len == 0, "second");
	tap_ok(drive_records_next(&l, &pos, &rec, &len) && len == 5, "third");
	tap_ok(!drive_records_next(&l, &pos, &rec, &len), "end");
	l.buf.len--;
	pos = 0;
	while (drive_records_next(&l, &pos, &rec, &len))
		;
	tap_is_u64(pos, 11, "a cut list ends before the cut record");
	buf_release(&l.buf);
}

static void
test_listed(void)
{
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	uint8_t out[RECORD_LISTED_MAX];
	char owner[RECORD_LISTED_MAX] = "";
	size_t n, len;

	tap_is_u64(record_meta_listed(out, NULL, 0), 0, "nothing to list");
	memset(owner, 'o', sizeof(owner));
	record_meta_add(&meta, "content-type", "text/plain", 10);
	record_meta_add(&meta, RECORD_META_OWNER, owner, 128);
	record_meta_add(&meta, RECORD_META_SUM, "sF", 2);
	n = record_meta_listed(out, meta.data, meta.len);
	record_meta_get(out, n, RECORD_META_OWNER, &len);
	tap_is_u64(len, 128, "the owner is listed");
	tap_ok(record_meta_get(out, n, RECORD_META_SUM, &len) != NULL &&
	    record_meta_get(out, n, "content-type", &len) == NULL,
	    "so is the checksum, and no more");
	record_meta_set(&meta, RECORD_META_OWNER, owner, sizeof(owner));
	n = record_meta_listed(out, meta.data, meta.len);
	tap_ok(record_meta_get(out, n, RECORD_META_OWNER, &len) == NULL &&
	    record_meta_get(out, n, RECORD_META_SUM, &len) != NULL,
	    "what is too long is left out");
	buf_release(&meta);
}

int
main(void)
{
	struct buf meta = BUF_INIT(RECORD_META_MAX);

	for (unsigned i = 0; i < sizeof inline_data; i++)
		inline_data[i] = (uint8_t)i;
	test_meta(&meta);
	test_round_trip(&meta);
	test_agrees(&meta);
	test_refused(&meta);
	test_stripped(&meta);
	test_stamps();
	test_lists();
	test_listed();
	buf_release(&meta);
	return tap_done();
}
