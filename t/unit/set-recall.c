/* What readers asked for is kept, and only as long as it holds. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "set/delete.h"
#include "set/recall.h"

enum { DRIVES = 6, SMALL = 5000, LARGE = 3 << 20 };

static struct memory_set ms;

static uint64_t
queries(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < DRIVES; i++)
		sum += memory_disk_count(ms.disk[i], MEMORY_QUERY);
	return sum;
}

static bool
put(const char *key, size_t len, uint64_t seed)
{
	uint8_t *buf = malloc(len);
	bool good;

	memory_set_fill(buf, len, seed);
	good = memory_set_put(&ms, key, buf, len, 0, true) == EC_OK;
	free(buf);
	return good;
}

static bool
holds(const char *key, size_t len, uint64_t seed)
{
	uint8_t *want = malloc(len), *got = NULL;
	size_t got_len = 0;
	bool same;

	memory_set_fill(want, len, seed);
	same = memory_set_get(&ms, key, &got, &got_len) == EC_OK &&
	    got_len == len && memcmp(got, want, len) == 0;
	free(want);
	free(got);
	return same;
}

/* Soon: while drives are at what came after the write, or one was late, they
 * are asked again. */
static bool
is_kept(const char *key, size_t len, uint64_t seed)
{
	uint64_t until = clock_mono_us() + 60 * UINT64_C(1000000), before;

	do {
		before = queries();
		if (!holds(key, len, seed))
			return false;
	} while (queries() != before && clock_mono_us() < until);
	return queries() == before;
}

static enum err
look(const char *key)
{
	struct object o = OBJECT_INIT;
	enum err e = get_open(NULL, &o, ms.set, MEMORY_SET_BUCKET, key, NULL);

	object_release(&o);
	return e;
}

static void
kept(const char *key, size_t len)
{
	uint64_t before;

	tap_ok(put(key, len, 1) && holds(key, len, 1), "%s: there", key);
	tap_ok(is_kept(key, len, 1), "%s: and kept", key);
	before = queries();
	tap_ok(look(key) == EC_OK && queries() == before,
	    "%s: for those who only look, too", key);
	tap_ok(put(key, len, 2) && holds(key, len, 2),
	    "%s: the new one after an overwrite", key);
	tap_ok(is_kept(key, len, 2), "%s: which is kept in turn", key);
	tap_ok(delete_null(ms.set, MEMORY_SET_BUCKET, key) == EC_OK &&
	    look(key) == EC_ENOTFOUND, "%s: gone when deleted", key);
}

/* A lookup keeps no data; a get then asks, once. */
static void
looked_at_first(void)
{
	tap_ok(put("looked", SMALL, 3) && look("looked") == EC_OK &&
	    holds("looked", SMALL, 3), "data after a mere look");
	tap_ok(is_kept("looked", SMALL, 3), "and then kept");
}

/* With a drive out, or with another in its slot, drives are asked. */
static void
other_drives(void)
{
	struct lane *l = set_lane(ms.set, 0);
	bool good = true;

	for (unsigned i = 0; i < DRIVES; i++) {
		struct lane *each = set_lane(ms.set, i);

		good = good && put("slot", SMALL, 4) && holds("slot", SMALL, 4);
		lane_detach(each);
		good = good && holds("slot", SMALL, 4);
		good = good && lane_attach(each,
		    memory_disk_drive(ms.disk[i])) == EC_OK;
		good = good && holds("slot", SMALL, 4);
	}
	tap_ok(good, "drives that come and go");
	tap_ok(put("new", SMALL, 5) && holds("new", SMALL, 5), "all are there");
	lane_detach(l);
	memory_disk_wipe(ms.disk[0]);
	tap_ok(lane_attach(l, memory_disk_drive(ms.disk[0])) == EC_OK &&
	    holds("new", SMALL, 5), "an empty drive in a slot");
	tap_ok(holds("new", SMALL, 5), "and once more");
}

/* The shard files of what is remembered are gone: an error, not a crash, and
 * nothing else. */
static void
lost_files(void)
{
	struct drive_shard_info info;

	tap_ok(put("files", LARGE, 6) && holds("files", LARGE, 6), "files");
	for (unsigned i = 0; i < DRIVES; i++)
		while (memory_disk_shards(ms.disk[i]) > 0) {
			struct drive *d = memory_disk_drive(ms.disk[i]);

			memory_disk_shard_at(ms.disk[i], 0, &info);
			d->ops->shard_remove(d, &info.data, info.index);
			drive_close(d);
		}
	tap_ok(!holds("files", LARGE, 6), "lost");
	tap_ok(put("files", LARGE, 7) && holds("files", LARGE, 7),
	    "written anew");
}

static void
more_than_fits(void)
{
	enum { EACH = 60000, N = RECALL_BYTES / EACH + 100 };
	bool good = true;
	char key[16];

	for (unsigned i = 0; i < N && good; i++) {
		snprintf(key, sizeof(key), "m%u", i);
		good = put(key, EACH, i) && holds(key, EACH, i);
	}
	for (unsigned i = 0; i < N && good; i++) {
		snprintf(key, sizeof(key), "m%u", i);
		good = holds(key, EACH, i);
	}
	tap_ok(good, "%u objects, more than are kept", N);
	tap_ok(is_kept(key, EACH, N - 1), "the last is");
}

int
main(void)
{
	memory_set_init(&ms, DRIVES, -1);
	kept("small", SMALL);
	kept("one", 1);
	kept("large", LARGE);
	looked_at_first();
	other_drives();
	lost_files();
	more_than_fits();
	memory_set_release(&ms);
	return tap_done();
}
