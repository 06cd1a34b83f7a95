/* lock_client over real daemons: exclusion, order, daemons that go and come
 * back, locks that get lost. */
#include <pthread.h>
#include <stdatomic.h>

#include "../lib/lockds.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "net/lock_list.h"

enum { THREADS = 16, NAMES = 3, RUN_MS = 4000, LEASE_S = 3 };

static const char *const names[NAMES] = { "n/0", "n/1", "n/2" };
static struct lockds lockds;

/* What the locks protect.  Not atomic: a sanitizer sees a race, too. */
static struct protected {
	unsigned long count;
	uint64_t token;
	atomic_uint readers, writers;
} things[NAMES];
static atomic_uint wrong, takes, failures;
static atomic_ulong want_count[NAMES];
static atomic_bool stop;

static void
write_thing(struct protected *p, uint64_t token, unsigned n)
{
	if (atomic_fetch_add(&p->writers, 1) != 0 ||
	    atomic_load(&p->readers) != 0)
		atomic_fetch_add(&wrong, 1);
	if (token <= p->token)
		atomic_fetch_add(&wrong, 1);
	p->token = token;
	p->count++;
	atomic_fetch_add(&want_count[n], 1);
	atomic_fetch_sub(&p->writers, 1);
}

static void
read_thing(struct protected *p, uint64_t token)
{
	atomic_fetch_add(&p->readers, 1);
	if (atomic_load(&p->writers) != 0 || token <= p->token)
		atomic_fetch_add(&wrong, 1);
	atomic_fetch_sub(&p->readers, 1);
}

struct worker {
	pthread_t thread;
	struct lock_client *client;
	unsigned seed;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct lock_want wants[2];
	struct lock_hold *h;
	unsigned n, both;

	while (!atomic_load(&stop)) {
		n = (unsigned)rand_r(&w->seed) % NAMES;
		both = (unsigned)rand_r(&w->seed) % 4 == 0;
		wants[0] = (struct lock_want){ names[n],
		    (unsigned)rand_r(&w->seed) % 3 == 0 };
		wants[1] = (struct lock_want){ names[(n + 1) % NAMES], true };
		if (lock_client_take(w->client, wants, 1 + both, 20000, NULL,
		    NULL, &h) != EC_OK) {
			atomic_fetch_add(&failures, 1);
			continue;
		}
		atomic_fetch_add(&takes, 1);
		if (wants[0].write)
			write_thing(&things[n], lock_hold_token(h, 0), n);
		else
			read_thing(&things[n], lock_hold_token(h, 0));
		if (both)
			write_thing(&things[(n + 1) % NAMES],
			    lock_hold_token(h, 1), (n + 1) % NAMES);
		lock_hold_release(h);
	}
	return NULL;
}

/* Half of the threads share a client, the others have one each. */
static void
hammer(void (*meanwhile)(void), const char *what)
{
	struct worker w[THREADS];
	unsigned long lost = 0;

	atomic_store(&stop, false);
	atomic_store(&takes, 0);
	atomic_store(&failures, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i].seed = i + 1;
		w[i].client = i > 0 && i < THREADS / 2 ? w[0].client :
		    lockds_client(&lockds);
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	meanwhile();
	atomic_store(&stop, true);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		if (i == 0 || i >= THREADS / 2)
			lock_client_free(w[i].client);
	for (unsigned i = 0; i < NAMES; i++)
		lost += atomic_load(&want_count[i]) - things[i].count;
	tap_ok(wrong == 0 && lost == 0, "%s: readers share, writers do not, "
	    "tokens rise (%u takes by %u threads)", what, atomic_load(&takes),
	    (unsigned)THREADS);
	tap_ok(atomic_load(&takes) > 100 && atomic_load(&failures) == 0,
	    "%s: everybody gets his turn", what);
}

static void
just_wait(void)
{
	usleep(RUN_MS * 1000);
}

/* One daemon after the other is away for a while. */
static void
take_turns(void)
{
	for (size_t i = 0; i < lockds.n; i++) {
		usleep(300 * 1000);
		lockds_stop(&lockds, i);
		usleep(700 * 1000);
		lockds_start(&lockds, i);
		usleep((LEASE_S * 1000 + 500) * 1000);	/* its grace */
	}
}

static uint64_t
take_one(struct lock_client *c, const char *name, unsigned timeout_ms,
    enum err want, struct lock_hold **h)
{
	const struct lock_want w = { name, true };
	uint64_t from = clock_mono_us();

	*h = NULL;
	if (lock_client_take(c, &w, 1, timeout_ms, NULL, NULL, h) != want)
		return UINT64_MAX;
	return (clock_mono_us() - from) / 1000;
}

struct waiter {
	pthread_t thread;
	struct lock_client *client;
	unsigned order;
};

static atomic_uint next_order;

static void *
wait_in_line(void *arg)
{
	struct waiter *w = arg;
	struct lock_hold *h;

	if (take_one(w->client, "line", 20000, EC_OK, &h) == UINT64_MAX)
		return NULL;
	w->order = 1 + atomic_fetch_add(&next_order, 1);
	usleep(1000);
	lock_hold_release(h);
	return NULL;
}

/* Wait until ${n} are known that hold or wait for a lock. */
static void
await_listed(size_t n)
{
	struct lock_list l = LOCK_LIST_INIT;
	size_t known = 0;

	for (unsigned i = 0; i < 200 && known < n; i++) {
		usleep(20 * 1000);
		lock_list_get(&l, lockds.peers, lockds.n, lockds.auth);
		known = l.n;
		lock_list_release(&l);
	}
	usleep(100 * 1000);	/* its ticket becomes final */
}

static void
test_order(void)
{
	struct lock_client *c = lockds_client(&lockds);
	struct waiter w[10];
	unsigned in_order = 0;
	struct lock_hold *h;

	take_one(c, "line", 1000, EC_OK, &h);
	for (unsigned i = 0; i < 10; i++) {
		w[i].client = lockds_client(&lockds);
		w[i].order = 0;
		pthread_create(&w[i].thread, NULL, wait_in_line, &w[i]);
		await_listed(i + 2);
	}
	lock_hold_release(h);
	for (unsigned i = 0; i < 10; i++) {
		pthread_join(w[i].thread, NULL);
		in_order += w[i].order == i + 1;
		lock_client_free(w[i].client);
	}
	tap_is_u64(in_order, 10, "first come, first served, over processes");
	lock_client_free(c);
}

static void
test_refusals(void)
{
	static const char other[] = "quite another secret";
	const struct lock_want twice[] = { { "a", true }, { "a", false } };
	struct lock_client *c = lockds_client(&lockds), *d;
	struct lock_hold *h, *h2;
	struct peer_auth *ours = lockds.auth, *theirs = NULL;
	struct buf why = BUF_INIT(4096);

	tap_ok(take_one(c, "a", 1000, EC_OK, &h) != UINT64_MAX, "take");
	tap_ok(take_one(c, "a", 0, EC_ETIMEDOUT, &h2) < 1500,
	    "without waiting");
	tap_ok(take_one(c, "a", 400, EC_ETIMEDOUT, &h2) - 400 < 1500,
	    "with waiting");
	tap_ok(lock_hold_left_us(h) > LEASE_S * 500000 &&
	    lock_hold_left_us(h) <= LEASE_S * 1000000, "time that is left");
	lock_hold_release(h);
	tap_ok(take_one(c, "a", 1000, EC_OK, &h) != UINT64_MAX, "given back");
	lock_hold_release(h);
	tap_ok(lock_client_take(c, twice, 2, 0, NULL, NULL, &h) == EC_EINVAL,
	    "a name twice");
	lock_client_free(c);
	peer_auth_new(&theirs, other, strlen(other));
	lockds.auth = theirs;
	d = lockds_client(&lockds);
	tap_ok(take_one(d, "a", 5000, EC_EDENIED, &h) < 4000,
	    "another secret is told at once");
	lock_client_explain(d, &why);
	tap_ok(strstr(buf_str(&why), "refuses our secret") != NULL, "and why");
	lock_client_free(d);
	buf_release(&why);
	lockds.auth = ours;
	peer_auth_free(theirs);
}

static void
on_lost(void *ctx)
{
	atomic_store((_Atomic uint64_t *)ctx, clock_mono_us());
}

static void
test_lost(void)
{
	const struct lock_want w = { "lost", true };
	struct lock_client *c = lockds_client(&lockds), *d;
	struct lock_hold *h = NULL, *h2;
	_Atomic uint64_t lost_us = 0;
	uint64_t from, left;

	tap_ok(lock_client_take(c, &w, 1, 2000, on_lost, &lost_us, &h) ==
	    EC_OK, "hold");
	usleep(LEASE_S * 1500 * 1000);
	tap_ok(lost_us == 0 && lock_hold_left_us(h) > LEASE_S * 500000,
	    "for more than a lease");
	lockds_stop(&lockds, 0);
	usleep(LEASE_S * 1500 * 1000);
	tap_ok(lost_us == 0, "one of three may go");
	lockds_stop(&lockds, 2);
	from = clock_mono_us();
	while (lost_us == 0 && clock_mono_us() - from < LEASE_S * 2000000)
		usleep(10000);
	left = lock_hold_left_us(h);
	tap_ok(lost_us != 0 && lost_us - from < LEASE_S * 1000000 && left > 0,
	    "the loss of two is told in time (%" PRIu64 " ms left)",
	    left / 1000);
	usleep((useconds_t)left);
	tap_is_u64(lock_hold_left_us(h), 0, "then it is lost");
	d = lockds_client(&lockds);
	tap_ok(take_one(d, "x", 300, EC_EQUORUM, &h2) != UINT64_MAX,
	    "one daemon of three is no quorum");
	lockds_start(&lockds, 0);
	lockds_start(&lockds, 2);
	usleep((LEASE_S * 1000 + 1000) * 1000);
	tap_is_u64(lock_hold_left_us(h), 0, "and stays lost");
	lock_hold_release(h);
	tap_ok(take_one(d, "lost", 5000, EC_OK, &h2) != UINT64_MAX,
	    "others get it");
	lock_hold_release(h2);
	lock_client_free(c);
	lock_client_free(d);
}

/* All daemons crash and come back: who holds goes on, others wait. */
static void
test_restart(void)
{
	struct lock_client *c = lockds_client(&lockds);
	struct lock_client *d = lockds_client(&lockds);
	struct lock_hold *h, *h2;
	uint64_t token;

	take_one(c, "r", 2000, EC_OK, &h);
	token = lock_hold_token(h, 0);
	usleep(LEASE_S * 400 * 1000);	/* it has said that it is held */
	for (size_t i = 0; i < lockds.n; i++)
		lockds_stop(&lockds, i);
	for (size_t i = 0; i < lockds.n; i++)
		lockds_start(&lockds, i);
	tap_ok(take_one(d, "r", LEASE_S * 2000, EC_ETIMEDOUT, &h2) !=
	    UINT64_MAX, "a lock outlives a restart of all daemons");
	tap_ok(lock_hold_left_us(h) > 0, "its holder does not notice");
	lock_hold_release(h);
	tap_ok(take_one(d, "r", 2000, EC_OK, &h2) != UINT64_MAX &&
	    lock_hold_token(h2, 0) > token, "and then it can be had");
	lock_hold_release(h2);
	lock_client_free(c);
	lock_client_free(d);
}

/* A daemon of this process is asked without a connection. */
static void
test_local(void)
{
	const struct lock_service_params sp = { .lease_s = 1 };
	const char *const peers[] = { "unix:/nowhere" };
	struct lock_client_params p = { .peers = peers, .n = 1,
	    .owner = "local" };
	struct lock_client *c = NULL, *d = NULL;
	struct lock_hold *h, *h2;
	uint64_t token;

	if (lock_service_new(&p.local, &sp) != EC_OK ||
	    lock_client_new(&c, &p) != EC_OK ||
	    lock_client_new(&d, &p) != EC_OK)
		abort();
	tap_ok(take_one(c, "l", 5000, EC_OK, &h) >= 500,
	    "without a file a start has its grace");
	token = lock_hold_token(h, 0);
	tap_ok(take_one(d, "l", 200, EC_ETIMEDOUT, &h2) != UINT64_MAX,
	    "local: excluded");
	usleep(1500 * 1000);
	tap_ok(lock_hold_left_us(h) > 0, "local: renewed");
	lock_hold_release(h);
	tap_ok(take_one(d, "l", 500, EC_OK, &h2) != UINT64_MAX &&
	    lock_hold_token(h2, 0) > token, "local: handed on");
	lock_hold_release(h2);
	lock_client_free(c);
	lock_client_free(d);
	lock_service_stop(p.local);
	lock_service_free(p.local);
}

int
main(void)
{
	test_local();
	lockds_open(&lockds, 3, LEASE_S);
	test_refusals();
	test_order();
	hammer(just_wait, "three daemons");
	hammer(take_turns, "each of three restarted");
	test_lost();
	test_restart();
	lockds_close(&lockds);
	return tap_done();
}
