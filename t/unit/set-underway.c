/* Readers of a key that is just being written: what too few drives have while
 * another is away is waited for, and what an overwrite takes away under a
 * reader is looked for again.  Both were errors to readers once. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/rig.h"
#include "../lib/tap.h"
#include "base/clock.h"

enum { SIZE = 3000, LARGE = 600000, TRIES = 20, WAIT_US = 60 * 1000000 };

struct work {
	struct rig *r;
	enum err err;
	atomic_bool done;
	pthread_t thread;
};

static void
pause_a_moment(void)
{
	const struct timespec ts = { .tv_nsec = 1000000 };

	nanosleep(&ts, NULL);
}

static void *
run_put(void *arg)
{
	struct work *w = arg;

	w->err = rig_put(w->r, "k", SIZE, 2, true, NULL);
	atomic_store(&w->done, true);
	return NULL;
}

static void *
run_get(void *arg)
{
	struct work *w = arg;

	w->err = rig_get(w->r, "k", NULL, SIZE, 2);
	atomic_store(&w->done, true);
	return NULL;
}

static void
start(struct work *w, struct rig *r, void *(*run)(void *))
{
	*w = (struct work){ .r = r };
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		abort();
}

/* Wait until so many appends hang on the disk. */
static bool
hung(struct rig *r, unsigned disk)
{
	uint64_t end = clock_mono_us() + WAIT_US;

	while (memory_disk_waiting(r->disk[disk]) == 0) {
		if (clock_mono_us() > end)
			return false;
		pause_a_moment();
	}
	return true;
}

/* One of four drives is away, and of the other three one has the new version
 * when the reader looks; the others get it when it has looked twice.  A machine
 * that is so busy that the write seems not to be under way any more is another
 * try's. */
static bool
read_meanwhile(struct rig *r)
{
	struct work put, get;
	uint64_t looks;

	memory_disk_hang(r->disk[1], MEMORY_APPEND);
	memory_disk_hang(r->disk[2], MEMORY_APPEND);
	start(&put, r, run_put);
	if (!hung(r, 1) || !hung(r, 2))
		abort();
	while (memory_disk_rows(r->disk[0], DRIVE_VERSIONS) == 0)
		pause_a_moment();
	looks = memory_disk_count(r->disk[0], MEMORY_QUERY);
	start(&get, r, run_get);
	while (!atomic_load(&get.done) &&
	    memory_disk_count(r->disk[0], MEMORY_QUERY) < looks + 2)
		pause_a_moment();
	memory_disk_release(r->disk[1]);
	memory_disk_release(r->disk[2]);
	pthread_join(put.thread, NULL);
	pthread_join(get.thread, NULL);
	return put.err == EC_OK && get.err == EC_OK;
}

static void
test_possible(void)
{
	struct rig r;
	bool good = false;

	for (unsigned i = 0; i < TRIES && !good; i++) {
		rig_init(&r, 4, 2);
		rig_detach(&r, 3);
		good = read_meanwhile(&r);
		rig_release(&r);
	}
	tap_ok(good, "a read waits for a write that is under way");
}

/* Two of four drives have a version, the others answer without it: it is to be
 * completed first, and one shard that this needs is gone at that moment. */
static void
test_completed(unsigned nth)
{
	struct rig r;

	rig_init(&r, 4, 2);
	tap_is_u64(rig_put(&r, "k", LARGE, 1, true, NULL), EC_OK, "a version");
	rig_replace(&r, 2);
	rig_replace(&r, 3);
	memory_fault_arm(nth, MEMORY_OPEN, EC_ENOTFOUND, false);
	tap_is_u64(rig_get(&r, "k", NULL, LARGE, 1), EC_OK,
	    "... is found when shard %u of it is gone for a moment", nth);
	tap_ok(memory_fault_met(), "... and it was");
	memory_fault_arm(0, 0, EC_OK, false);
	rig_release(&r);
}

int
main(void)
{
	test_possible();
	for (unsigned nth = 1; nth <= 4; nth++)
		test_completed(nth);
	return tap_done();
}
