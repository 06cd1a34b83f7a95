/* Drives of every version of the format that ever was: t/golden/drive-N for
 * version N.  The journal of the present one must be written byte for byte as
 * it was.  With EC_GOLDEN_WRITE set, files that are missing are made. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "drive/local.h"
#include "drive/segment.h"

#include "../lib/tap.h"
#include "drive_kit.h"

enum { RECORDS = 8 };

static const char *const files[] = { "format.json", "journal/"
    "0000000000000001.seg" };

static struct record_part parts[2] = {
	{ .number = 1, .size = 9000, .k = 2, .m = 2, .unit = 4096,
	    .data = { "golden part one" }, .md5 = { 1, 2, 3 } },
	{ .number = 2, .size = 77, .k = 2, .m = 2, .unit = 4096,
	    .data = { "golden part two" }, .md5 = { 4, 5, 6 } },
};

static void
records(struct record r[RECORDS], struct buf *meta)
{
	if (record_meta_add(meta, "content-type", "text/plain", 10) != EC_OK ||
	    record_meta_add(meta, "x-amz-meta-empty", "", 0) != EC_OK)
		abort();
	r[0] = (struct record){ .kind = RECORD_BUCKET, .bucket = "golden",
		.key = "", .etag = "", .stamp = { 1, 1 }, .mtime_us = 1000 };
	r[1] = kit_object("golden", "inline", 2);
	r[1].flags |= RECORD_NULL;
	r[1].meta = meta->data;
	r[1].meta_len = (uint32_t)meta->len;
	r[1].mtime_us = 1700000000000000;
	r[2] = r[1];
	r[2].stamp = (struct stamp){ 0xfedcba9876543210, 0xf000000000000003 };
	r[3] = (struct record){ .kind = RECORD_OBJECT, .bucket = "golden",
		.key = "k\xc3\xa4se/in parts", .size = 9077, .stamp = { 4, 4 },
		.etag = "0123456789abcdef0123456789abcdef-2", .k = 2, .m = 2,
		.start = 3, .index = 1, .parts = parts, .part_count = 2 };
	r[4] = (struct record){ .kind = RECORD_MARKER, .bucket = "golden",
		.key = "marked", .etag = "", .stamp = { 5, 5 } };
	r[5] = (struct record){ .kind = RECORD_UPLOAD, .bucket = "golden",
		.key = "up", .etag = "", .stamp = { 6, 6 },
		.target = { 6, 6 } };
	r[6] = kit_purge("golden", "inline", 7, 2);
	r[7] = (struct record){ .kind = RECORD_HEAL, .bucket = "golden",
		.key = "marked", .etag = "", .stamp = { 8, 8 },
		.target = { 5, 5 } };
}

/* The records as one segment: a batch of three, then one each. */
static void
segment(struct buf *out, const struct format *f)
{
	struct segment_header h = { .drive = f->drive, .number = 1,
		.first_seq = 1, .salt = 0x0123456789abcdef };
	uint8_t head[JOURNAL_HEADER_BYTES], frame[JOURNAL_FRAME_BYTES];
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	struct record r[RECORDS];
	static const uint8_t zero[8];

	records(r, &meta);
	segment_header_put(head, &h);
	buf_add(out, head, sizeof head);
	for (unsigned i = 0; i < RECORDS; i++) {
		struct drive_append a;
		struct journal_frame j = { .type = JOURNAL_RECORD,
			.seq = i + 1, .origin = i + 1 };

		kit_encode(&a, r[i]);
		j.payload = a.rec;
		j.len = (uint32_t)a.len;
		segment_frame_put(frame, &j, i < 3 ? i : 0, h.salt);
		if (buf_add(out, frame, sizeof frame) != EC_OK ||
		    buf_add(out, a.rec, a.len) != EC_OK || buf_add(out, zero,
		    journal_frame_bytes(j.len) - sizeof frame - a.len) !=
		    EC_OK)
			abort();
		kit_append_free(&a);
	}
	buf_release(&meta);
}

static struct format
golden_format(void)
{
	struct format f = { .deployment = { "golden deployme" }, .pool = 1,
		.set_count = 3, .set = 2, .slot = 1, .drive_count = 4,
		.generation = 7 };

	for (unsigned i = 0; i < 4; i++) {
		memcpy(f.drives[i].b, "golden drive  0", 16);
		f.drives[i].b[14] = (uint8_t)('0' + i);
	}
	f.drive = f.drives[f.slot];
	return f;
}

static void
check_file(const char *name, const void *want, size_t len)
{
	char path[256], *have = NULL;
	size_t have_len = 0;
	enum err e;

	snprintf(path, sizeof path, "t/golden/drive-1/%s", name);
	e = io_slurp(AT_FDCWD, path, 1u << 20, &have, &have_len);
	if (e == EC_ENOTFOUND && getenv("EC_GOLDEN_WRITE") != NULL) {
		if (io_replace(AT_FDCWD, path, want, len, 0644) != EC_OK)
			abort();
		tap_note("made %s", path);
		return;
	}
	tap_ok(e == EC_OK && have_len == len && memcmp(have, want, len) == 0,
	    "%s is written as ever", name);
	free(have);
}

/* Open a copy and see what is in it. */
static void
check_content(void)
{
	char dir[] = "/tmp/ec-golden.XXXXXX", cmd[512];
	struct drive_query q = { .table = DRIVE_VERSIONS, .limit = 10,
		.want_parts = true, .want_inline = true };
	struct drive *d = NULL;

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(cmd, sizeof cmd, "mkdir %s/.ec && cp -r t/golden/drive-1/* "
	    "%s/.ec/", dir, dir);
	if (system(cmd) != 0)
		abort();
	tap_is_u64(local_open(&d, dir, "", NULL), EC_OK, "version 1 opens");
	if (d == NULL)
		return;
	tap_is_str(kit_query(d, &q), "golden/inline@1985229328 "
	    "golden/k\xc3\xa4se/in parts@4 golden/marked@5", "versions");
	q.table = DRIVE_BUCKETS;
	tap_is_str(kit_query(d, &q), "golden/@1", "buckets");
	q.table = DRIVE_UPLOADS;
	tap_is_str(kit_query(d, &q), "golden/up@6", "uploads");
	q.table = DRIVE_HEALS;
	q.bucket = "golden";
	tap_is_str(kit_query(d, &q), "golden/marked@8", "heal entries");
	drive_close(d);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	if (system(cmd) != 0)
		abort();
}

int
main(void)
{
	struct format f = golden_format();
	struct buf b = BUF_INIT(1u << 20);
	char text[FORMAT_TEXT_MAX];

	log_level_set(LOG_LEVEL_ERROR);
	for (unsigned i = 0; i < sizeof kit_data; i++)
		kit_data[i] = (uint8_t)(i * 7);
	if (format_encode(text, sizeof text, &f) != EC_OK)
		abort();
	check_file(files[0], text, strlen(text));
	segment(&b, &f);
	check_file(files[1], b.data, b.len);
	buf_release(&b);
	check_content();
	kit_release();
	return tap_done();
}
