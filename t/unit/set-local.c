/* A set on local drives: what overwrites and deletes leave behind, also when
 * the index is made anew from the journal; one flush a drive for one put. */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "drive/local.h"
#include "set/delete.h"

enum { DRIVES = 4, LARGE = 700000, WAIT_US = 60000000 };

static char dir[] = "/tmp/set-local.XXXXXX";
static struct memory_set ms;	/* only its set and pool: the drives are real */
static unsigned files;

static void
begin(void)
{
	struct lane *lane[DRIVES];
	char path[64], *owner = NULL;

	for (unsigned i = 0; i < DRIVES; i++) {
		struct drive *d = NULL;

		snprintf(path, sizeof(path), "%s/%u", dir, i);
		tap_ok(local_open(&d, path, "", &owner) == EC_OK, "open %s",
		    path);
		lane_new(&lane[i], d, path);
	}
	set_new(&ms.set, lane, DRIVES, -1, ms.pool, ms.pool);
}

static void
format(void)
{
	struct format f = { .deployment = uuid_new(), .set_count = 1,
		.drive_count = DRIVES, .generation = 1 };
	char path[64];

	for (unsigned i = 0; i < DRIVES; i++)
		f.drives[i] = uuid_new();
	for (unsigned i = 0; i < DRIVES; i++) {
		f.slot = i;
		f.drive = f.drives[i];
		snprintf(path, sizeof(path), "%s/%u", dir, i);
		mkdir(path, 0777);
		local_format(path, &f);
	}
}

static enum err
run_rows(struct drive *d, void *arg)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .limit = 100 };
	struct drive_records l = DRIVE_RECORDS_INIT;
	unsigned *rows = arg;
	const uint8_t *rec;
	size_t pos = 0, len;
	enum err e;

	*rows = 0;
	e = d->ops->query(d, &q, &l);
	while (drive_records_next(&l, &pos, &rec, &len))
		++*rows;
	buf_release(&l.buf);
	return e;
}

/* Rows of all drives; waits for purges that are under way. */
static unsigned
rows(unsigned want)
{
	uint64_t end = clock_mono_us() + WAIT_US;
	unsigned sum = 0, one;

	do {
		sum = 0;
		for (unsigned i = 0; i < DRIVES; i++) {
			lane_call(set_lane(ms.set, i), run_rows, NULL, &one,
			    1000);
			sum += one;
		}
	} while (sum != want && clock_mono_us() < end);
	return sum;
}

static int
count_file(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)f;
	files += flag == FTW_F && strstr(path, "/shard/") != NULL;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

/* Shard files of all drives; waits for those that are being removed. */
static unsigned
shards(unsigned want)
{
	uint64_t end = clock_mono_us() + WAIT_US;

	do {
		files = 0;
		nftw(dir, count_file, 16, FTW_PHYS);
	} while (files != want && clock_mono_us() < end);
	return files;
}

static bool
holds(const char *key, const uint8_t *want, size_t len)
{
	size_t got_len;
	uint8_t *got;
	bool same;

	if (memory_set_get(&ms, key, &got, &got_len) != EC_OK)
		return false;
	same = got_len == len && memcmp(got, want, len) == 0;
	free(got);
	return same;
}

static enum err
run_stats(struct drive *d, void *arg)
{
	return d->ops->stats(d, arg);
}

static uint64_t
flushes(unsigned slot)
{
	struct drive_stats st = { 0 };

	lane_call(set_lane(ms.set, slot), run_stats, NULL, &st, 1000);
	return st.flushes + st.shard_flushes;
}

static void
restart(bool without_index)
{
	char path[80];

	set_free(ms.set);
	for (unsigned i = 0; without_index && i < DRIVES; i++) {
		snprintf(path, sizeof(path), "%s/%u/.ec/index.db", dir, i);
		unlink(path);
	}
	begin();
}

int
main(void)
{
	uint8_t *data = malloc(LARGE);
	uint64_t before;

	memory_set_fill(data, LARGE, 1);
	if (mkdtemp(dir) == NULL)
		return 1;
	mem_pool_new(&ms.pool, STRIPE_UNIT_DEFAULT * 16, 64u << 20);
	format();
	begin();
	before = flushes(2);
	tap_ok(memory_set_put(&ms, "one", data, 4096, 0, true) == EC_OK,
	    "put 4 KiB");
	tap_is_u64(flushes(2) - before, 1, "one flush of a drive");
	for (unsigned i = 0; i < 6; i++)
		memory_set_put(&ms, "two", data + i, i % 2 ? LARGE - i : 5000,
		    0, true);
	tap_ok(holds("two", data + 5, LARGE - 5), "overwritten six times");
	tap_is_u64(rows(8), 8, "one version of each key on each drive");
	tap_is_u64(shards(4), 4, "one shard file on each drive");
	restart(true);
	tap_is_u64(rows(8), 8, "the same with the index made anew");
	tap_ok(holds("two", data + 5, LARGE - 5) && holds("one", data, 4096),
	    "and read");
	tap_ok(delete_null(ms.set, MEMORY_SET_BUCKET, "two") == EC_OK,
	    "delete");
	tap_is_u64(rows(8), 8, "a tombstone stays");
	tap_is_u64(shards(0), 0, "no shard does");
	restart(true);
	tap_is_u64(rows(8), 8, "the same with the index made anew");
	tap_ok(!holds("two", data + 5, LARGE - 5), "it is gone");
	tap_ok(memory_set_put(&ms, "two", data, LARGE, 0, true) == EC_OK &&
	    holds("two", data, LARGE), "and written again");
	set_free(ms.set);
	mem_pool_free(ms.pool);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(data);
	return tap_done();
}
