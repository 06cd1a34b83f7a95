/* Views: the bytes of an object, read ahead, where they lie; with drives that
 * are damaged, away, late and hung. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/shard.h"

enum { SIZE = 5 * 1024 * 1024 + 12345, WAIT_US = 60 * 1000 * 1000 };

static uint8_t *data;

static void
nap(void)
{
	const struct timespec ts = { 0, 1000 * 1000 };

	nanosleep(&ts, NULL);
}

/* View [off, end); whether all of it is as it should be. */
static bool
view_range(struct get *g, uint64_t off, uint64_t end)
{
	const uint8_t *at;
	size_t n;

	while (off < end) {
		if (get_view(g, &at, &n, off, end) != EC_OK || n == 0 ||
		    n > end - off || memcmp(at, data + off, n) != 0)
			return false;
		off += n;
	}
	return true;
}

static struct get *
open_it(struct memory_set *ms)
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;

	tap_ok(get_open(&g, &o, ms->set, MEMORY_SET_BUCKET, "k", NULL) ==
	    EC_OK && o.size == SIZE, "open");
	object_release(&o);
	return g;
}

static bool
whole(struct memory_set *ms)
{
	struct get *g = open_it(ms);
	bool good = g != NULL && view_range(g, 0, SIZE);

	get_free(g);
	return good;
}

static uint64_t
reads(struct memory_set *ms)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < ms->n; i++)
		n += memory_disk_count(ms->disk[i], MEMORY_READ);
	return n;
}

static void
test_ranges(struct memory_set *ms)
{
	struct get *g = open_it(ms);
	uint64_t seed = 5;
	const uint8_t *at;
	unsigned good = 0;
	size_t n;

	for (unsigned i = 0; i < 200; i++) {
		uint64_t off, end;

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		off = (seed >> 33) % SIZE;
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		end = off + 1 + (seed >> 33) % (SIZE - off);
		good += view_range(g, off, end);
	}
	tap_is_u64(good, 200, "ranges of an open object");
	tap_ok(get_view(g, &at, &n, 7, 7) == EC_EINVAL &&
	    get_view(g, &at, &n, 7, SIZE + 1) == EC_EINVAL, "no such range");
	get_free(g);
}

static void
test_ahead(struct memory_set *ms)
{
	uint64_t until = clock_mono_us() + WAIT_US, before;
	struct get *g = open_it(ms);
	const uint8_t *at;
	size_t n;

	before = reads(ms);
	tap_ok(get_view(g, &at, &n, 0, SIZE) == EC_OK, "first view");
	/* Tails, and the pieces of two views. */
	while (reads(ms) < before + 2 * n / STRIPE_UNIT_DEFAULT &&
	    clock_mono_us() < until)
		nap();
	tap_ok(reads(ms) >= before + 2 * n / STRIPE_UNIT_DEFAULT,
	    "the next one is read meanwhile");
	tap_ok(view_range(g, n, SIZE), "and is right");
	get_free(g);
}

/* Bytes that are looked at stay, whatever late reads bring. */
static void
test_hung(struct memory_set *ms)
{
	uint64_t until = clock_mono_us() + WAIT_US;
	struct get *g = open_it(ms);
	uint8_t *copy = malloc(SIZE);
	const uint8_t *at = NULL;
	size_t n = 0;

	memory_disk_hang(ms->disk[1], MEMORY_READ);
	tap_ok(copy != NULL && get_view(g, &at, &n, 0, SIZE) == EC_OK &&
	    memcmp(at, data, n) == 0, "view while a drive hangs");
	memory_disk_release(ms->disk[1]);
	while (memory_disk_waiting(ms->disk[1]) > 0 &&
	    clock_mono_us() < until)
		nap();
	tap_ok(memcmp(at, data, n) == 0, "it stays when the drive wakes up");
	tap_ok(view_range(g, n, SIZE), "the rest");
	get_free(g);
	free(copy);

	g = open_it(ms);
	tap_ok(get_view(g, &at, &n, 0, SIZE) == EC_OK, "view");
	memory_disk_hang(ms->disk[2], MEMORY_READ);
	tap_ok(view_range(g, n, SIZE), "a drive hangs in mid-stream");
	get_free(g);
	memory_disk_release(ms->disk[2]);
	memory_set_settle(ms);
}

/* Damage, and the same again takes it back. */
static void
flip(struct memory_set *ms)
{
	struct drive_shard_info info;

	for (unsigned i = 0; i < (unsigned)ms->parity; i++)
		memory_disk_shard_at(ms->disk[i], 0, &info)[
		    SHARD_HEADER_BYTES + i * 70000] ^= 1;
}

static void
test_damage(struct memory_set *ms)
{
	flip(ms);
	tap_ok(whole(ms), "damage in m shards");
	flip(ms);
	for (unsigned i = 0; i < (unsigned)ms->parity; i++)
		memory_disk_offline(ms->disk[i], true);
	tap_ok(whole(ms), "m drives are gone");
	for (unsigned i = 0; i < ms->n; i++)
		memory_disk_offline(ms->disk[i], false);
	memory_set_settle(ms);
}

static void
test_set(unsigned n, int parity)
{
	struct memory_set ms;

	printf("# %d + %d\n", (int)n - parity, parity);
	memory_set_init(&ms, n, parity);
	tap_ok(memory_set_put(&ms, "k", data, SIZE, 0, true) == EC_OK, "put");
	tap_ok(whole(&ms), "whole");
	test_ranges(&ms);
	test_ahead(&ms);
	test_hung(&ms);
	test_damage(&ms);
	memory_set_release(&ms);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	if ((data = malloc(SIZE)) == NULL)
		return 1;
	memory_set_fill(data, SIZE, 1);
	test_set(4, 2);
	test_set(12, 4);
	test_set(16, 4);
	free(data);
	return tap_done();
}
