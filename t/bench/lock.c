/* lock: what locks cost.
 *
 * In process: pairs of take and release a second, of the own locks of a
 * lock_service, by one thread; nobody else wants the name.
 * Over three daemons on loopback, in this process but by HTTP, signed: leases
 * a second, each taken by a quorum and given back, by so many threads with a
 * name each; CPU is that of both sides.
 * Handed on: the time from a release until the next of eight that wait for the
 * same name has it, median and worst of ${HANDOFFS}. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "../lib/lockds.h"
#include "base/clock.h"

enum { TABLE_PAIRS = 1000000, THREADS_MAX = 512, SECONDS = 3, HANDOFFS = 400,
	WAITERS = 8 };

static struct lock_client *client;
static atomic_bool stop;
static atomic_uint leases;

static double
cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
bench_table(void)
{
	const struct lock_service_params p = { .lease_s = LOCK_LEASE_S,
	    .no_grace = true };
	struct lock_service *t = NULL;
	struct lock_own *l = NULL;
	uint64_t from, us;
	char name[32];

	if (lock_service_new(&t, &p) != EC_OK)
		exit(1);
	from = clock_mono_us();
	for (unsigned i = 0; i < TABLE_PAIRS; i++) {
		snprintf(name, sizeof(name), "bucket/key-%u", i % 1000);
		if (lock_service_take(t, name, true, 0, &l) != EC_OK)
			exit(1);
		lock_service_give(l);
	}
	us = clock_mono_us() - from;
	printf("in process: %.0f pairs/s\n", TABLE_PAIRS * 1e6 / (double)us);
	lock_service_free(t);
}

static void *
take_and_release(void *arg)
{
	struct lock_want want = { .write = true };
	struct lock_hold *h;
	char name[32];

	snprintf(name, sizeof(name), "bucket/key-%zu", (size_t)arg);
	want.name = name;
	while (!atomic_load(&stop)) {
		if (lock_client_take(client, &want, 1, 10000, NULL, NULL,
		    &h) != EC_OK)
			exit(1);
		atomic_fetch_add(&leases, 1);
		lock_hold_release(h);
	}
	return NULL;
}

static void
bench_quorum(unsigned threads)
{
	pthread_t t[THREADS_MAX];
	unsigned before, done;
	double cpu;

	atomic_store(&stop, false);
	for (size_t i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, take_and_release, (void *)i);
	usleep(300 * 1000);
	before = atomic_load(&leases);
	cpu = cpu_seconds();
	sleep(SECONDS);
	done = atomic_load(&leases) - before;
	cpu = cpu_seconds() - cpu;
	atomic_store(&stop, true);
	for (size_t i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("by quorum, %3u threads: %6u leases/s, %.1f us of CPU each, "
	    "%.1f cores\n", threads, done / SECONDS, cpu * 1e6 / done,
	    cpu / SECONDS);
	fflush(stdout);
}

static atomic_uint_fast64_t released_us;
static uint64_t handoff_us[HANDOFFS];
static atomic_uint handoffs;

static void *
hand_on(void *arg)
{
	const struct lock_want want = { "shared", true };
	struct lock_client *c = arg;
	struct lock_hold *h;
	uint64_t at;
	unsigned n;

	while (atomic_load(&handoffs) < HANDOFFS) {
		if (lock_client_take(c, &want, 1, 60000, NULL, NULL, &h) !=
		    EC_OK)
			exit(1);
		at = atomic_load(&released_us);
		n = atomic_fetch_add(&handoffs, 1);
		if (n < HANDOFFS)
			handoff_us[n] = clock_mono_us() - at;
		usleep(500);
		atomic_store(&released_us, clock_mono_us());
		lock_hold_release(h);
	}
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Each waiter is a client of its own, as processes are. */
static void
bench_handoff(struct lockds *l, const char *what)
{
	struct lock_client *c[WAITERS];
	pthread_t t[WAITERS];

	atomic_store(&handoffs, 0);
	atomic_store(&released_us, clock_mono_us());
	for (size_t i = 0; i < WAITERS; i++) {
		c[i] = lockds_client(l);
		pthread_create(&t[i], NULL, hand_on, c[i]);
	}
	for (size_t i = 0; i < WAITERS; i++)
		pthread_join(t[i], NULL);
	for (size_t i = 0; i < WAITERS; i++)
		lock_client_free(c[i]);
	qsort(handoff_us, HANDOFFS, sizeof(*handoff_us), compare);
	printf("handed on, %s: median %.1f ms, nine in ten %.1f ms, worst "
	    "%.1f ms\n", what, (double)handoff_us[HANDOFFS / 2] / 1e3,
	    (double)handoff_us[HANDOFFS * 9 / 10] / 1e3,
	    (double)handoff_us[HANDOFFS - 1] / 1e3);
	fflush(stdout);
}

int
main(void)
{
	static const unsigned threads[] = { 1, 16, 64, 256, 512 };
	struct lockds three, one;

	bench_table();
	lockds_open(&three, 3, 30);
	client = lockds_client(&three);
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++)
		bench_quorum(threads[i]);
	lock_client_free(client);
	bench_handoff(&three, "three daemons");
	lockds_close(&three);
	lockds_open(&one, 1, 30);
	bench_handoff(&one, "one daemon");
	lockds_close(&one);
	return 0;
}
