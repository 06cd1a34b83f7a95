/* Calls on several lanes by one thread, and what a drive that hangs does not
 * hold up. */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../lib/memory_drive.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "drive/lane.h"

enum { LANES = 8, FOR_EVER_S = 60, ROUNDS = 2000 };

static struct memory_disk *disk[LANES];
static struct lane *lane[LANES];
static atomic_uint dropped;

static enum err
run_query(struct drive *d, void *arg)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .limit = 1 };

	return d->ops->query(d, &q, arg);
}

static void
drop(void *arg)
{
	struct drive_records *r = arg;

	buf_release(&r->buf);
	free(r);
	atomic_fetch_add(&dropped, 1);
}

static uint64_t
in_s(unsigned s)
{
	return clock_mono_us() + s * UINT64_C(1000000);
}

static struct lane_task
task(struct lane *l)
{
	struct drive_records *r = malloc(sizeof(*r));

	if (r == NULL)
		abort();
	*r = (struct drive_records)DRIVE_RECORDS_INIT;
	return (struct lane_task){ .lane = l, .run = run_query, .drop = drop,
		.arg = r };
}

/* How many of ${n} first lanes answered with ${want}, within the deadline;
 * waits for ${least} of them. */
static unsigned
ask(unsigned n, unsigned least, enum err want)
{
	struct lane_task t[LANES];
	struct gather *g = NULL;
	unsigned good = 0;
	enum err e;

	if (gather_new(&g) != EC_OK)
		abort();
	for (unsigned i = 0; i < n; i++)
		t[i] = task(lane[i]);
	lane_chain_start(t, n, g);
	lane_chain_wait(t, n, g, least, in_s(FOR_EVER_S));
	for (unsigned i = 0; i < n; i++) {
		good += lane_call_done(t[i].call, &e) && e == want;
		lane_call_put(t[i].call);
	}
	gather_free(g);
	return good;
}

static void
all_go_well(void)
{
	unsigned bad = 0;

	for (unsigned n = 1; n <= LANES; n++)
		for (unsigned i = 0; i < ROUNDS / LANES; i++)
			bad += ask(n, n, EC_OK) != n;
	tap_is_u64(bad, 0, "all answer, in chains of 1 to %d", LANES);
}

/* Whichever hangs, the others answer. */
static void
one_hangs(void)
{
	uint64_t end = in_s(FOR_EVER_S);

	for (unsigned h = 0; h < LANES; h++) {
		memory_disk_hang(disk[h], MEMORY_QUERY);
		tap_is_u64(ask(LANES, LANES - 1, EC_OK), LANES - 1,
		    "with drive %u hanging", h);
		tap_is_u64(ask(LANES, LANES - 1, EC_OK), LANES - 1,
		    "and again");
		memory_disk_release(disk[h]);
		/* On a machine so slow that it was set aside. */
		while (lane_state(lane[h]) != LANE_ONLINE &&
		    clock_mono_us() < end)
			sched_yield();
	}
}

static void
one_is_out(void)
{
	lane_detach(lane[3]);
	tap_is_u64(ask(LANES, LANES, EC_OK), LANES - 1, "with a lane empty");
	tap_is_u64(ask(LANES, LANES, EC_EOFFLINE), 1, "whose call says so");
	tap_ok(lane_attach(lane[3], memory_disk_drive(disk[3])) == EC_OK &&
	    ask(LANES, LANES, EC_OK) == LANES, "and with its drive again");
}

/* Ended while calls of it hang. */
static void
freed(void)
{
	struct lane_task t[LANES];

	for (unsigned i = 0; i < LANES; i++)
		t[i] = task(lane[i]);
	lane_chain_start(t, LANES, NULL);
	for (unsigned i = 0; i < LANES; i++) {
		lane_call_put(t[i].call);
		lane_free(lane[i]);
	}
	tap_ok(true, "lanes freed with a chain under way");
}

int
main(void)
{
	unsigned made;

	log_level_set(LOG_LEVEL_ERROR);
	for (unsigned i = 0; i < LANES; i++) {
		if ((disk[i] = memory_disk_new("disk")) == NULL ||
		    lane_new(&lane[i], memory_disk_drive(disk[i]), "disk") !=
		    EC_OK)
			abort();
	}
	all_go_well();
	one_hangs();
	one_is_out();
	freed();
	made = atomic_load(&dropped);
	tap_ok(made > ROUNDS, "%u calls", made);
	for (unsigned i = 0; i < LANES; i++)
		memory_disk_free(disk[i]);
	return tap_done();
}
