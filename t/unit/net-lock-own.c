/* Locks of the process that serves them: exclusion, order, time-outs, and
 * nothing left over. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/clock.h"
#include "net/lock_service.h"

static struct lock_service *table;

/* A thread that takes a lock, notes when it got it, and gives it back. */
struct taker {
	pthread_t thread;
	bool write;
	unsigned timeout_ms;
	enum err err;
	unsigned order;		/* the how manieth it was */
	atomic_bool running, release;
};

static atomic_uint order;

static void *
take(void *arg)
{
	struct taker *t = arg;
	struct lock_own *l = NULL;

	atomic_store(&t->running, true);
	t->err = lock_service_take(table, "b/k", t->write, t->timeout_ms, &l);
	if (t->err == EC_OK)
		t->order = 1 + atomic_fetch_add(&order, 1);
	while (t->err == EC_OK && !atomic_load(&t->release))
		usleep(500);
	lock_service_give(l);
	return NULL;
}

static void
start(struct taker *t, bool write, unsigned timeout_ms, bool release)
{
	*t = (struct taker){ .write = write, .timeout_ms = timeout_ms };
	atomic_store(&t->release, release);
	pthread_create(&t->thread, NULL, take, t);
	while (!atomic_load(&t->running))
		usleep(500);
	usleep(100 * 1000);	/* so that they queue up in this order */
}

static void
test_simple(void)
{
	struct lock_own *a = NULL, *b = NULL, *c = NULL;
	uint64_t from;

	tap_ok(lock_service_take(table, "x", true, 0, &a) == EC_OK, "writer");
	tap_ok(lock_service_take(table, "y", true, 0, &b) == EC_OK,
	    "another name does not wait");
	from = clock_mono_us();
	tap_ok(lock_service_take(table, "x", false, 50, &c) == EC_ETIMEDOUT &&
	    c == NULL, "a reader waits for the writer");
	tap_ok(clock_mono_us() - from >= 50000, "as long as it was told");
	tap_ok(lock_service_take(table, "x", true, 0, &c) == EC_ETIMEDOUT,
	    "a writer does");
	lock_service_give(a);
	tap_ok(lock_service_take(table, "x", false, 0, &a) == EC_OK &&
	    lock_service_take(table, "x", false, 0, &c) == EC_OK,
	    "readers share");
	lock_service_give(a);
	lock_service_give(b);
	lock_service_give(c);
	lock_service_give(NULL);
}

static void
test_order(void)
{
	struct lock_own *first = NULL;
	struct taker r1, w1, r2, w2, late;

	lock_service_take(table, "b/k", false, 0, &first);
	start(&r1, false, 5000, true);
	start(&w1, true, 5000, true);
	start(&r2, false, 5000, true);
	start(&w2, true, 5000, true);
	start(&late, true, 20, true);
	pthread_join(late.thread, NULL);
	pthread_join(r1.thread, NULL);
	tap_ok(late.err == EC_ETIMEDOUT, "the last one gives up");
	tap_is_u64(atomic_load(&order), 1, "one reader joins the reader; "
	    "behind a waiting writer nobody does");
	lock_service_give(first);
	pthread_join(w1.thread, NULL);
	pthread_join(r2.thread, NULL);
	pthread_join(w2.thread, NULL);
	tap_ok(r1.order == 1 && w1.order == 2 && r2.order == 3 && w2.order == 4,
	    "first come, first served");
}

/* A writer that gives up lets the readers behind it through. */
static void
test_give_up(void)
{
	struct lock_own *first = NULL;
	struct taker w, r;

	lock_service_take(table, "b/k", false, 0, &first);
	start(&w, true, 500, true);
	start(&r, false, 5000, true);
	pthread_join(w.thread, NULL);
	pthread_join(r.thread, NULL);
	tap_ok(w.err == EC_ETIMEDOUT && r.err == EC_OK,
	    "a writer that gives up lets readers through");
	lock_service_give(first);
}

enum { THREADS = 8, ROUNDS = 2000, NAMES = 3 };
static unsigned long counters[NAMES];
static atomic_uint torn;

static void *
hammer(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg, n;
	struct lock_own *l;
	char name[8];

	for (int i = 0; i < ROUNDS; i++) {
		n = (unsigned)rand_r(&seed) % NAMES;
		snprintf(name, sizeof(name), "n%u", n);
		l = NULL;
		if (lock_service_take(table, name, i % 3 != 0, 10000, &l) !=
		    EC_OK)
			atomic_fetch_add(&torn, 1);
		else if (i % 3 != 0)
			counters[n]++;
		else if (counters[n] > THREADS * (unsigned long)ROUNDS)
			atomic_fetch_add(&torn, 1);
		lock_service_give(l);
	}
	return NULL;
}

static void
test_hammer(void)
{
	pthread_t threads[THREADS];
	unsigned long sum = 0, want = 0;

	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, hammer, (void *)(i + 1));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NAMES; i++)
		sum += counters[i];
	for (int i = 0; i < ROUNDS; i++)
		want += i % 3 != 0 ? THREADS : 0;
	tap_ok(sum == want && torn == 0, "no write is lost among %d threads",
	    THREADS);
}

int
main(void)
{
	const struct lock_service_params p = { .lease_s = LOCK_LEASE_S,
	    .no_grace = true };

	if (lock_service_new(&table, &p) != EC_OK)
		return 1;
	test_simple();
	test_order();
	test_give_up();
	test_hammer();
	lock_service_free(table);
	return tap_done();
}
