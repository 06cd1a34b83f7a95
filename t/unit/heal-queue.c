/* heal-queue: what is noted stays noted until it is healed; uploads. */
#include <stdlib.h>

#include "../lib/rig.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "drive/record.h"
#include "set/bucket.h"
#include "set/heal.h"
#include "set/heal_queue.h"
#include "set/multipart.h"
#include "set/put.h"

static unsigned
listed(struct rig *r)
{
	struct heal_item *item;
	unsigned n;

	if (heal_queue_list(r->set, NULL, 10000, &item, &n) != EC_OK)
		return UINT32_MAX;
	free(item);
	return n;
}

/* Appends that nobody waited for are done when one behind them is. */
static void
settle(struct rig *r)
{
	const struct stamp zero = { 0, 0 };

	heal_queue_mark(r->set, "settle", "", &zero);
}

static void
done_with(struct rig *r, const char *bucket)
{
	struct heal_item *item;
	unsigned n;

	if (heal_queue_list(r->set, NULL, 10000, &item, &n) != EC_OK)
		return;
	for (unsigned i = 0; i < n; i++)
		if (strcmp(item[i].bucket, bucket) == 0)
			heal_queue_done(r->set, &item[i]);
	free(item);
}

static void
test_note(void)
{
	const struct stamp v = { 5, 6 };
	struct heal_item *item;
	struct rig r;
	unsigned n;

	rig_init(&r, 4, 2);
	tap_is_u64(listed(&r), 0, "nothing is listed");
	for (unsigned i = 0; i < 100; i++)
		heal_queue_note(r.set, "bucket", "key", &v);
	settle(&r);
	done_with(&r, "settle");
	tap_ok(heal_queue_list(r.set, NULL, 10, &item, &n) == EC_OK && n == 1 &&
	    strcmp(item->key, "key") == 0 &&
	    stamp_cmp(&item->version, &v) == 0,
	    "one item, however often noted");
	tap_is_u64(memory_disk_rows(r.disk[0], DRIVE_HEALS), 2,
	    "one row on a drive, and the one that was taken off");
	tap_is_u64(memory_disk_count(r.disk[0], MEMORY_APPEND) < 10, 1,
	    "repeats cost nothing");
	/* While it is healed it is noted again. */
	heal_queue_mark(r.set, "bucket", "key", &v);
	tap_is_u64(heal_queue_done(r.set, item), EC_OK, "taken off");
	free(item);
	tap_is_u64(listed(&r), 1, "but what was noted since stands");
	rig_restart(&r);
	tap_is_u64(listed(&r), 1, "and is there in the next process");
	done_with(&r, "bucket");
	tap_is_u64(listed(&r), 0, "until it is taken off, too");
	heal_queue_note(r.set, "bucket", "key", &v);
	settle(&r);
	done_with(&r, "settle");
	tap_is_u64(listed(&r), 1, "then it may be noted again");
	rig_release(&r);
}

static void
test_away(void)
{
	const struct stamp v = { 5, 6 };
	struct rig r;

	rig_init(&r, 4, 2);
	for (unsigned i = 1; i < 4; i++)
		rig_detach(&r, i);
	heal_queue_mark(r.set, "bucket", "key", &v);
	for (unsigned i = 1; i < 4; i++)
		rig_attach(&r, i);
	tap_is_u64(listed(&r), 1, "one drive that has it is enough");
	rig_detach(&r, 0);
	tap_is_u64(listed(&r), 0, "without it nobody knows");
	rig_attach(&r, 0);
	done_with(&r, "bucket");
	tap_is_u64(listed(&r), 0, "it is taken off everywhere");
	for (unsigned i = 0; i < 4; i++)
		rig_detach(&r, i);
	tap_is_u64(listed(&r), UINT32_MAX, "no drive, no answer");
	rig_release(&r);
}

/* More than a page, with all sorts of gaps. */
static void
test_pages(void)
{
	enum { ITEMS = 2500 };
	struct stamp after = { 0, 0 };
	struct heal_item *item;
	unsigned n = 1, seen = 0, pages = 0;
	bool sorted = true;
	char key[16];
	struct rig r;

	rig_init(&r, 4, 2);
	for (unsigned i = 0; i < ITEMS; i++) {
		const struct stamp v = { i + 1, 0 };

		if (i % 500 == 0)
			rig_restart(&r);
		snprintf(key, sizeof key, "%u", i);
		heal_queue_note(r.set, "bucket", key, &v);
		if (i == ITEMS / 2)
			settle(&r);
	}
	settle(&r);
	done_with(&r, "settle");
	while (n > 0 && heal_queue_list(r.set, &after, 64, &item, &n) ==
	    EC_OK) {
		for (unsigned i = 0; i < n; i++) {
			sorted = sorted && stamp_cmp(&after,
			    &item[i].noted) < 0;
			after = item[i].noted;
		}
		seen += n;
		pages += n > 0;
		free(item);
	}
	tap_is_u64(seen, ITEMS, "all items, page by page (%u)", pages);
	tap_ok(sorted, "oldest first");
	done_with(&r, "bucket");
	tap_is_u64(listed(&r), 0, "all taken off");
	rig_release(&r);
}

static enum err
write_part(struct rig *r, const struct stamp *upload, unsigned number,
    size_t size)
{
	struct put_params p = { .bucket = "bucket", .key = "key", .size = size,
		.parity = -1, .upload = *upload, .part = number };
	struct object o = OBJECT_INIT;
	uint8_t *buf = malloc(size);
	struct put *put = NULL;
	enum err e;

	rig_fill(buf, size, number);
	if ((e = put_open(&put, r->set, &p)) == EC_OK &&
	    (e = put_write(put, buf, size)) == EC_OK &&
	    (e = put_finish(put, NULL)) == EC_OK)
		e = put_commit(put, NULL, &o);
	put_free(put);
	object_release(&o);
	free(buf);
	return e;
}

static void
test_uploads(void)
{
	uint64_t sum[SET_DRIVES_MAX];
	struct stamp upload;
	struct rig r;

	rig_init(&r, 4, 2);
	tap_ok(multipart_create(r.set, "bucket", "key", NULL, 0, &upload) ==
	    EC_OK && write_part(&r, &upload, 1, 200000) == EC_OK &&
	    write_part(&r, &upload, 2, 3000) == EC_OK &&
	    write_part(&r, &upload, 2, 4000) == EC_OK,
	    "an upload of two parts");
	heal_uploads(r.set, NULL, NULL, 0, NULL);
	settle(&r);
	tap_is_u64(heal_uploads(r.set, NULL, NULL, HEAL_DRY | HEAL_DEEP,
	    NULL), EC_OK, "is whole");
	rig_sums(&r, sum);
	for (unsigned i = 0; i < 4; i++) {
		rig_replace(&r, i);
		rig_replace(&r, (i + 1) % 4);
		if (heal_uploads(r.set, NULL, NULL, HEAL_DRY, NULL) !=
		    EC_EDEGRADED)
			tap_ok(false, "a dry run finds it");
		if (heal_uploads(r.set, "bucket", "key", 0, NULL) != EC_OK ||
		    rig_differ(&r, sum) != 0)
			tap_ok(false, "drive %u: healed", i);
	}
	tap_is_u64(rig_differ(&r, sum), 0, "healed to the same bytes");
	tap_ok(multipart_abort(r.set, "bucket", "key", &upload) == EC_OK,
	    "aborted");
	rig_restart(&r);
	rig_replace(&r, 2);
	tap_ok(heal_uploads(r.set, NULL, NULL, 0, NULL) == EC_OK,
	    "healed once more");
	for (unsigned i = 0; i < 4; i++)
		if (memory_disk_rows(r.disk[i], DRIVE_PARTS) != 0 ||
		    memory_disk_shards(r.disk[i]) != 0)
			tap_ok(false, "disk %u has parts of it", i);
	tap_is_u64(memory_disk_rows(r.disk[2], DRIVE_UPLOADS), 1,
	    "its end is on the new drive, its parts on none");
	rig_release(&r);
}

static void
fail_writes(struct rig *r, enum err err)
{
	for (unsigned i = 1; i < 4; i++)
		memory_disk_fail(r->disk[i], err == EC_OK ? 0 : MEMORY_APPEND,
		    err);
}

/* Power is cut when one drive has the end of an upload. */
static void
test_upload_ended_in_part(void)
{
	struct upload u = UPLOAD_INIT;
	struct stamp upload;
	struct rig r;

	rig_init(&r, 4, 2);
	tap_ok(multipart_create(r.set, "bucket", "key", NULL, 0, &upload) ==
	    EC_OK && write_part(&r, &upload, 1, 200000) == EC_OK,
	    "an upload of a part");
	fail_writes(&r, EC_ENOSPC);
	tap_is_u64(multipart_abort(r.set, "bucket", "key", &upload),
	    EC_ENOSPC, "one drive takes its end");
	fail_writes(&r, EC_OK);
	rig_restart(&r);
	tap_is_u64(multipart_get(&u, r.set, "bucket", "key", &upload), EC_OK,
	    "so it stands");
	tap_is_u64(heal_uploads(r.set, NULL, NULL, HEAL_DRY, NULL),
	    EC_EDEGRADED, "a dry run finds it");
	tap_is_u64(heal_uploads(r.set, NULL, NULL, 0, NULL), EC_OK, "healed");
	tap_is_u64(multipart_get(&u, r.set, "bucket", "key", &upload),
	    EC_ENOUPLOAD, "it is ended");
	tap_is_u64(heal_uploads(r.set, NULL, NULL, HEAL_DRY, NULL), EC_OK,
	    "nothing is found any more");
	for (unsigned i = 0; i < 4; i++)
		tap_is_u64(memory_disk_rows(r.disk[i], DRIVE_PARTS), 0,
		    "disk %u has no part of it", i);
	upload_release(&u);
	rig_release(&r);
}

static void
append_bucket(struct rig *r, unsigned disk, uint64_t real_us, unsigned flags)
{
	const struct record rec = { .kind = RECORD_BUCKET, .bucket = "bucket",
		.key = "", .etag = "", .flags = flags,
		.stamp = { real_us << 12, 7 } };
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { .flags = 0 };
	struct lane_call *call = NULL;
	struct gather *g = NULL;

	if (gather_new(&g) != EC_OK || record_encode(&b, &rec) != EC_OK)
		abort();
	a.rec = b.data;
	a.len = b.len;
	if (lane_append(set_lane(r->set, disk), g, &a, 1, &call) != EC_OK)
		abort();
	gather_wait(g, 1, clock_mono_us() + 60000000);
	lane_call_put(call);
	gather_free(g);
	buf_release(&b);
}

/* A bucket's removal that reached one drive is undone, but not while it may be
 * under way. */
static void
test_bucket_removed_in_part(uint64_t age_s, enum err want)
{
	uint64_t then_us = clock_real_us() - age_s * 1000000;
	struct bucket b = BUCKET_INIT;
	struct rig r;

	rig_init(&r, 4, 2);
	for (unsigned i = 0; i < 4; i++)
		append_bucket(&r, i, then_us - 1000000, 0);
	append_bucket(&r, 2, then_us, RECORD_GONE);
	tap_is_u64(bucket_get(&b, r.set, "bucket"), EC_OK, "a bucket stands");
	tap_is_u64(heal_buckets(r.set, 0, NULL), want,
	    "its removal, %u s old, reached one drive",
	    (unsigned)age_s);
	tap_is_u64(heal_buckets(r.set, HEAL_DRY, NULL), want, "and then");
	rig_detach(&r, 0);
	rig_detach(&r, 1);
	tap_is_u64(bucket_get(&b, r.set, "bucket"), want == EC_OK ? EC_OK :
	    EC_EQUORUM, "with that drive and one more");
	bucket_release(&b);
	rig_release(&r);
}

int
main(void)
{
	test_note();
	test_away();
	test_pages();
	test_uploads();
	test_upload_ended_in_part();
	test_bucket_removed_in_part(7200, EC_OK);
	test_bucket_removed_in_part(60, EC_EBUSY);
	return tap_done();
}
