/* Compaction, and that an index made anew always tells the same. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/local.h"

#include "../lib/tap.h"
#include "drive_kit.h"

static struct drive *d;
static char dir[] = "/tmp/ec-compact.XXXXXX";
static uint8_t big[RECORD_INLINE_MAX];

/* Segment files take no time to be flushed here. */
int fdatasync(int fd);
int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static struct record
big_object(const char *key, uint64_t stamp)
{
	struct record r = kit_object("b", key, stamp);

	r.inline_data = big;
	r.inline_len = sizeof big;
	return r;
}

static char *
everything(void)
{
	struct buf b = BUF_INIT(16u << 20);

	for (int t = DRIVE_VERSIONS; t <= DRIVE_HEALS; t++) {
		struct drive_query q = { .table = (enum drive_table)t,
			.limit = 10000, .want_parts = true };

		buf_printf(&b, "%d: %s\n", t, kit_query(d, &q));
	}
	return (char *)b.data;
}

static bool
segment_there(unsigned n)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof path, "%s/.ec/journal/%016x.seg", dir, n);
	return stat(path, &st) == 0;
}

static void
reopen(bool without_index)
{
	char path[128];

	drive_close(d);
	snprintf(path, sizeof path, "%s/.ec/index.db", dir);
	if (without_index)
		unlink(path);
	if (local_open(&d, dir, "", NULL) != EC_OK)
		abort();
}

static void
maintain(void)
{
	uint64_t removed;

	if (d->ops->maintain(d, 10000, 3600, &removed) != EC_OK)
		abort();
}

static void
same_without_index(const char *what)
{
	char *before = everything(), *after;

	reopen(true);
	maintain();	/* what had expired expires again */
	after = everything();
	tap_is_str(after, before, "%s", what);
	free(before);
	free(after);
}

static void
fill(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char key[16];

		snprintf(key, sizeof key, "big%04u", i);
		kit_put(d, big_object(key, 100 + i));
	}
}

static void
purge(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char key[16];

		snprintf(key, sizeof key, "big%04u", i);
		kit_put(d, kit_purge("b", key, 5000 + i, 100 + i));
	}
}

static void
test_tail(void)
{
	kit_put(d, kit_object("b", "small", 1));
	fill(0, 160);	/* 20 MiB */
	maintain();
	tap_ok(segment_there(1), "a live segment stays");
	purge(0, 159);
	kit_put(d, big_object("big0003", 103));	/* the same version again */
	maintain();
	tap_ok(!segment_there(1), "a dead one goes");
	same_without_index("what was purged does not come back");
	kit_put(d, kit_purge("b", "big0003", 9000, 103));
	same_without_index("nor what was put again and purged again");
}

static void
test_middle(void)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "b",
		.key = "victim", .limit = 10 };
	unsigned first = 2;

	while (segment_there(first - 1))
		first++;
	while (!segment_there(first))
		first++;	/* the one that is written */
	kit_put(d, kit_object("b", "victim", 1));
	fill(1000, 1520);	/* more than a segment, which stays alive */
	tap_ok(segment_there(first) && segment_there(first + 1),
	    "two segments");
	kit_put(d, kit_purge("b", "victim", 2, 1));
	fill(2000, 2160);
	purge(2000, 2160);
	maintain();
	tap_ok(segment_there(first) && !segment_there(first + 1),
	    "the second goes, the first stays");
	tap_is_str(kit_query(d, &q), "", "the victim is gone");
	same_without_index("and its purge outlived its own segment");
	tap_is_str(kit_query(d, &q), "", "the victim stays gone");
	kit_put(d, kit_object("b", "victim", 1));
	tap_is_str(kit_query(d, &q), "b/victim@1", "unless put again");
	fill(3000, 3160);
	purge(3000, 3160);
	maintain();
	same_without_index("a moved purge does not reach what came later");
	tap_is_str(kit_query(d, &q), "b/victim@1", "which stays");
}

static unsigned rnd_state = 1;

static unsigned
rnd(unsigned n)
{
	rnd_state = rnd_state * 1103515245u + 12345u;
	return (rnd_state >> 16) % n;
}

static void
random_change(uint64_t stamp)
{
	char key[16];
	struct record r = { .etag = "" };
	struct drive_append a;

	snprintf(key, sizeof key, "k%u", rnd(5));
	switch (rnd(8)) {
	case 0:
		r = kit_object("r", key, stamp);
		break;
	case 1:		/* perhaps one that is there, or was */
		r = kit_object("r", key, 1 + rnd((unsigned)stamp));
		break;
	case 2:
		r = big_object(key, stamp);
		break;
	case 3:
		r = kit_purge("r", key, stamp, 1 + rnd((unsigned)stamp));
		break;
	case 4:
		r = kit_part("r", key, 1 + rnd(3), 1 + rnd(3), stamp);
		break;
	case 5:
		r = (struct record){ .kind = RECORD_UPLOAD, .etag = "",
			.flags = rnd(2) ? RECORD_GONE : 0, .bucket = "r",
			.key = key, .stamp = { stamp, stamp } };
		r.target.hlc = r.target.id = 1 + rnd(3);
		break;
	case 6:
		r = (struct record){ .kind = RECORD_HEAL, .etag = "",
			.flags = rnd(2) ? RECORD_GONE : 0, .bucket = "r",
			.key = key, .stamp = { stamp, stamp } };
		r.target.hlc = r.target.id = 1 + rnd(9);
		break;
	default:
		r = (struct record){ .kind = RECORD_BUCKET, .etag = "",
			.flags = rnd(2) ? RECORD_GONE : 0, .bucket = key,
			.key = "", .stamp = { stamp, stamp } };
	}
	if (r.flags & RECORD_INLINE && r.inline_len == sizeof big)
		r.bucket = "r";
	kit_append(d, &a, r, 0);
	if (a.err != EC_OK && a.err != EC_ENOUPLOAD)
		abort();
	kit_append_free(&a);
}

/* Dead weight, so that there is something to compact all the time. */
static void
weight(unsigned i)
{
	struct drive_append a[2];
	char key[16];

	snprintf(key, sizeof key, "w%u", i);
	kit_encode(&a[0], big_object(key, 1000 + i));
	kit_encode(&a[1], kit_purge("b", key, 2000 + i, 1000 + i));
	if (d->ops->append(d, a, 2) != EC_OK)
		abort();
	kit_append_free(&a[0]);
	kit_append_free(&a[1]);
}

static void
test_random(void)
{
	char *before, *after;
	unsigned differ = 0, rounds = 12;
	uint64_t stamp = 1;

	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned k = 0; k < 150; k++) {
			random_change(stamp++);
			weight(i * 1000 + k);
		}
		maintain();
		before = everything();
		reopen(i % 3 != 0);
		maintain();
		after = everything();
		if (strcmp(before, after) != 0 && differ++ == 0)
			tap_note("before:\n%s\nafter:\n%s", before, after);
		free(before);
		free(after);
	}
	tap_is_u64(differ, 0, "%u rounds of random changes, compaction and "
	    "rebuilding", rounds);
	tap_ok(!segment_there(1), "with segments gone");
}

static void
fresh(void)
{
	struct format f = kit_format();
	char cmd[128];

	drive_close(d);
	snprintf(cmd, sizeof cmd, "rm -rf %s && mkdir %s", dir, dir);
	if (system(cmd) != 0 || local_format(dir, &f) != EC_OK ||
	    local_open(&d, dir, "", NULL) != EC_OK)
		abort();
}

int
main(void)
{
	char cmd[128];

	log_level_set(LOG_LEVEL_ERROR);
	if (mkdtemp(dir) == NULL)
		abort();
	fresh();
	test_tail();
	test_middle();
	fresh();
	test_random();
	drive_close(d);
	kit_release();
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0 || tap_done();
}
