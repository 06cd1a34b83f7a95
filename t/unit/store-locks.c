/* Locks of a store that several processes use: one owns the drives, the others
 * work through it.  Of all who put a key with "only if it is not there" one
 * wins; a bucket is not removed from under an object. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "store_kit.h"

enum { PROCESSES = 3, THREADS = 4, KEYS = 25, ROUNDS = 60 };

static char dir[] = "/tmp/ec-locks.XXXXXX";
static struct store *store;
static atomic_uint won, lost, failed;

static void
open_store(bool owner)
{
	char pattern[64];
	const char *volumes[] = { pattern };
	struct store_params p = { .volumes = volumes, .volume_count = 1,
	    .parity = -1, .create = owner, .serve = true, .linger = !owner,
	    .may_share = true };

	snprintf(pattern, sizeof(pattern), "%s/d{1...4}", dir);
	if (store_open(&store, &p) != EC_OK)
		exit(1);
}

static enum err
is_absent(void *ctx, const struct object *now)
{
	(void)ctx;
	return now == NULL ? EC_OK : EC_ECONFLICT;
}

static enum err
look(const char *bucket, const char *key)
{
	struct object o = OBJECT_INIT;
	enum err e = store_get_open(store, bucket, key, NULL, NULL, &o);

	object_release(&o);
	return e;
}

static void *
race_keys(void *arg)
{
	const struct store_condition absent = { is_absent, NULL };
	char key[32];

	(void)arg;
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		switch (kit_put(store, "race", key, true, &absent)) {
		case EC_OK:
			atomic_fetch_add(&won, 1);
			break;
		case EC_ECONFLICT:
			atomic_fetch_add(&lost, 1);
			break;
		default:
			atomic_fetch_add(&failed, 1);
		}
	}
	return NULL;
}

/* Puts into a bucket that others remove: what was acknowledged is there. */
static void *
race_put(void *arg)
{
	char key[64];
	enum err e;

	snprintf(key, sizeof(key), "%d-%zu", (int)getpid(), (size_t)arg);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if ((e = kit_put(store, "comes-and-goes", key, true,
		    NULL)) == EC_ENOBUCKET) {
			atomic_fetch_add(&lost, 1);
			store_bucket_create(store, "comes-and-goes", NULL, 0);
			continue;
		}
		if (e == EC_OK && look("comes-and-goes", key) == EC_OK &&
		    store_delete(store, "comes-and-goes", key, NULL, NULL,
		    NULL) == EC_OK)
			atomic_fetch_add(&won, 1);
		else
			atomic_fetch_add(&failed, 1);
	}
	return NULL;
}

static void *
race_remove(void *arg)
{
	enum err e;

	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		e = store_bucket_remove(store, "comes-and-goes");
		if (e == EC_OK)
			e = store_bucket_create(store, "comes-and-goes", NULL,
			    0);
		if (e != EC_OK && e != EC_ENOTEMPTY && e != EC_ENOBUCKET &&
		    e != EC_EEXIST)
			atomic_fetch_add(&failed, 1);
	}
	return NULL;
}

static void
race(void *(*run)(void *), void *(*first)(void *))
{
	pthread_t t[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, i == 0 ? first : run, (void *)i);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

struct result {
	unsigned won, lost, failed;
};

/* One process: waits for ${go}, runs both races, says what came of it. */
static void
work(int go, int say)
{
	struct result r[2];
	char byte;

	if (read(go, &byte, 1) != 1)
		exit(1);
	if (store == NULL)
		open_store(false);
	for (int i = 0; i < 2; i++) {
		atomic_store(&won, 0);
		atomic_store(&lost, 0);
		atomic_store(&failed, 0);
		race(i == 0 ? race_keys : race_put,
		    i == 0 ? race_keys : race_remove);
		r[i] = (struct result){ won, lost, failed };
	}
	if (write(say, r, sizeof(r)) != sizeof(r))
		exit(1);
}

int
main(void)
{
	struct result sum[2] = { { 0, 0, 0 }, { 0, 0, 0 } }, r[2];
	int go[2], say[2], status, bad = 0;
	char path[64];

	if (mkdtemp(dir) == NULL || pipe(go) == -1 || pipe(say) == -1)
		return 1;
	for (int i = 1; i <= 4; i++) {
		snprintf(path, sizeof(path), "%s/d%d", dir, i);
		if (mkdir(path, 0700) == -1)
			return 1;
	}
	for (int i = 1; i < PROCESSES; i++)
		if (fork() == 0) {
			work(go[0], say[1]);
			store_close(store);
			exit(0);
		}
	open_store(true);
	if (store_bucket_create(store, "race", NULL, 0) != EC_OK ||
	    store_bucket_create(store, "comes-and-goes", NULL, 0) != EC_OK ||
	    write(go[1], "!!!", PROCESSES) != PROCESSES)
		return 1;
	work(go[0], say[1]);
	for (int i = 0; i < PROCESSES; i++) {
		if (read(say[0], r, sizeof(r)) != sizeof(r))
			return 1;
		for (int k = 0; k < 2; k++) {
			sum[k].won += r[k].won;
			sum[k].lost += r[k].lost;
			sum[k].failed += r[k].failed;
		}
	}
	for (int i = 1; i < PROCESSES; i++)
		bad += wait(&status) == -1 || status != 0;
	tap_is_u64(sum[0].won, KEYS, "of all who put a key anew one wins");
	tap_is_u64(sum[0].lost, KEYS * (PROCESSES * THREADS - 1),
	    "and all others are told so");
	tap_is_u64(sum[0].failed, 0, "none fails");
	tap_is_u64(sum[1].failed, 0, "no object goes with its bucket");
	printf("# %u puts, %u without their bucket\n", sum[1].won,
	    sum[1].lost);
	tap_is_u64((unsigned)bad, 0, "all processes end well");
	store_close(store);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	return system(path) == 0 ? tap_done() : 1;
}
