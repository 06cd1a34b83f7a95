/* heal-race: heals and scans beside writers, with drives coming and going.
 * Nothing that was acknowledged may be lost or come back, and a scan may not
 * cry wolf. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../lib/rig.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "set/delete.h"
#include "set/scan.h"

enum { WRITERS = 3, KEYS = 4, SECONDS = 3 };

static struct rig rig;
static atomic_bool stop;
static atomic_uint writes, heals, scans, wolves;

struct writer {
	pthread_t thread;
	unsigned id;
	/* Of each key: the seed of what it should hold; 0: deleted. */
	unsigned seed[KEYS];
	bool known[KEYS];	/* false: the last write failed */
};

static size_t
size_of(unsigned seed)
{
	return seed % 3 == 0 ? 400000 + seed % 1000 : seed % 5000;
}

static void
key_of(char out[32], const struct writer *w, unsigned k)
{
	snprintf(out, 32, "w%u-%u", w->id, k);
}

static void *
write_loop(void *arg)
{
	struct writer *w = arg;
	char key[32];

	for (unsigned seed = 1; !atomic_load(&stop); seed++) {
		unsigned k = seed % KEYS;
		enum err e;

		key_of(key, w, k);
		w->seed[k] = seed % 5 == 0 ? 0 : seed;
		if (w->seed[k] == 0)
			e = delete_null(rig.set, "bucket", key);
		else
			e = rig_put(&rig, key, size_of(seed), seed, true,
			    NULL);
		w->known[k] = e == EC_OK;
		atomic_fetch_add(&writes, 1);
	}
	return NULL;
}

static void *
heal_loop(void *arg)
{
	char key[32];

	for (unsigned i = 0; !atomic_load(&stop); i++) {
		struct writer w = { .id = i % WRITERS };

		key_of(key, &w, i / WRITERS % KEYS);
		if (heal_key(rig.set, "bucket", key, NULL,
		    i % 2 == 0 ? HEAL_DEEP : 0, NULL) == EC_ELOST)
			atomic_fetch_add(&wolves, 1);
		atomic_fetch_add(&heals, 1);
	}
	return arg;
}

static void
found(void *ctx, const struct scan_finding *f)
{
	(void)ctx;
	if (f->what != SCAN_LOST && f->what != SCAN_DAMAGED)
		return;
	tap_note("%s: %s/%s: %s", scan_what_text(f->what), f->report.bucket,
	    f->report.key, f->text);
	atomic_fetch_add(&wolves, 1);
}

static void *
scan_loop(void *arg)
{
	const struct scan_params p = { .found = found, .litter_age_s = 60 };

	while (!atomic_load(&stop)) {
		struct scan_result r = { 0 };

		scan_set(rig.set, &p, &r);
		atomic_fetch_add(&scans, 1);
	}
	return arg;
}

static void
pause_ms(unsigned ms)
{
	const struct timespec ts = { 0, (long)ms * 1000000 };

	nanosleep(&ts, NULL);
}

static unsigned
wrong(const struct writer w[])
{
	unsigned bad = 0;
	char key[32];

	for (unsigned i = 0; i < WRITERS; i++)
		for (unsigned k = 0; k < KEYS; k++) {
			unsigned seed = w[i].seed[k];
			enum err e;

			if (!w[i].known[k])
				continue;
			key_of(key, &w[i], k);
			e = rig_get(&rig, key, NULL, size_of(seed), seed);
			if (e == (seed == 0 ? EC_ENOTFOUND : EC_OK))
				continue;
			tap_note("%s, seed %u: %s", key, seed, err_name(e));
			bad++;
		}
	return bad;
}

static void
run(bool drives_go)
{
	struct writer w[WRITERS] = { { .id = 0 } };
	pthread_t heal, scan;
	enum err e = EC_OK;
	uint64_t end;
	char key[32];

	atomic_store(&stop, false);
	rig_init(&rig, 4, 2);
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i].id = i;
		pthread_create(&w[i].thread, NULL, write_loop, &w[i]);
	}
	pthread_create(&heal, NULL, heal_loop, NULL);
	pthread_create(&scan, NULL, scan_loop, NULL);
	end = clock_mono_us() + SECONDS * 1000000;
	for (unsigned i = 0; clock_mono_us() < end; i++) {
		if (drives_go)
			rig_detach(&rig, i % 4);
		pause_ms(40);
		if (drives_go)
			rig_attach(&rig, i % 4);
		pause_ms(40);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(w[i].thread, NULL);
	pthread_join(heal, NULL);
	pthread_join(scan, NULL);
	tap_note("%u writes, %u heals, %u scans", atomic_load(&writes),
	    atomic_load(&heals), atomic_load(&scans));
	rig_restart(&rig);
	tap_is_u64(wrong(w), 0, "every key is as its last write left it");
	for (unsigned i = 0; i < WRITERS; i++)
		for (unsigned k = 0; k < KEYS; k++) {
			key_of(key, &w[i], k);
			e = heal_worse(e, heal_key(rig.set, "bucket", key,
			    NULL, 0, NULL));
		}
	tap_ok(e == EC_OK || e == EC_EBUSY, "the last heal makes all whole: "
	    "%s", err_name(e));
	tap_is_u64(wrong(w), 0, "and changes nothing");
	tap_is_u64(atomic_load(&wolves), 0,
	    "no heal or scan took a write for damage");
	rig_release(&rig);
}

int
main(void)
{
	run(false);
	run(true);
	return tap_done();
}
