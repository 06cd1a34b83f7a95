/* Many threads on the same keys: one writer and several readers of each must
 * see a register that never goes back; slow drives are hedged; large writes
 * share a small pool. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "set/list.h"

enum { KEYS = 3, READERS = 2, RUN_US = 1500000, SMALL = 2000,
	LARGE = 600000, ENOUGH_TRIES = 40 };

static struct memory_set ms;
static atomic_bool stop;
static atomic_uint acked[KEYS];
static atomic_uint stale, torn, failed, reads, writes;

/* Each version is its number, repeated. */
static void *
writer(void *arg)
{
	unsigned key = *(unsigned *)arg;
	uint32_t *buf = malloc(LARGE);
	char name[8];

	snprintf(name, sizeof(name), "k%u", key);
	for (uint32_t v = 1; !atomic_load(&stop); v++) {
		size_t len = (v + key) % 3 == 0 ? LARGE : SMALL;

		for (size_t i = 0; i < len / 4; i++)
			buf[i] = v;
		if (memory_set_put(&ms, name, (uint8_t *)buf, len, 0, true) ==
		    EC_OK) {
			atomic_store(&acked[key], v);
			atomic_fetch_add(&writes, 1);
		} else {
			atomic_fetch_add(&failed, 1);
		}
	}
	free(buf);
	return NULL;
}

static void *
reader(void *arg)
{
	unsigned key = *(unsigned *)arg;
	uint32_t seen = 0, v;
	char name[8];

	snprintf(name, sizeof(name), "k%u", key);
	while (!atomic_load(&stop)) {
		uint32_t least = atomic_load(&acked[key]);
		uint8_t *got;
		size_t len;
		enum err e = memory_set_get(&ms, name, &got, &len);

		if (e != EC_OK) {
			atomic_fetch_add(&failed, least > 0);
			continue;
		}
		v = ((uint32_t *)(void *)got)[0];
		for (size_t i = 0; i < len / 4; i++)
			if (((uint32_t *)(void *)got)[i] != v) {
				atomic_fetch_add(&torn, 1);
				break;
			}
		if (v < least || v < seen)
			atomic_fetch_add(&stale, 1);
		seen = v;
		atomic_fetch_add(&reads, 1);
		free(got);
	}
	return NULL;
}

/* A key that was written is in every listing. */
static void *
lister(void *arg)
{
	struct list_params p = { .bucket = MEMORY_SET_BUCKET, .limit = 10 };
	struct list *l;
	bool more;

	(void)arg;
	while (!atomic_load(&stop)) {
		unsigned least = 0;

		for (unsigned i = 0; i < KEYS; i++)
			least += atomic_load(&acked[i]) > 0;
		if (list_page(&l, ms.set, &p, &more) != EC_OK) {
			atomic_fetch_add(&failed, 1);
			continue;
		}
		if (list_count(l) < least)
			atomic_fetch_add(&stale, 1);
		list_free(l);
	}
	return NULL;
}

static void
registers(unsigned n, int parity, bool slow)
{
	pthread_t thread[KEYS * (READERS + 1) + 1];
	unsigned key[KEYS], t = 0;
	struct timespec ts = { RUN_US / 1000000, RUN_US % 1000000 * 1000 };

	memory_set_init(&ms, n, parity);
	stop = false;
	stale = torn = failed = reads = writes = 0;
	if (slow)
		memory_disk_delay(ms.disk[1], MEMORY_ALL, 3000);
	for (unsigned i = 0; i < KEYS; i++) {
		acked[i] = 0;
		key[i] = i;
		pthread_create(&thread[t++], NULL, writer, &key[i]);
		for (unsigned j = 0; j < READERS; j++)
			pthread_create(&thread[t++], NULL, reader, &key[i]);
	}
	pthread_create(&thread[t++], NULL, lister, NULL);
	for (unsigned i = 0; i < ENOUGH_TRIES &&
	    (i == 0 || reads <= 20 || writes <= 20); i++)
		nanosleep(&ts, NULL);
	stop = true;
	while (t > 0)
		pthread_join(thread[--t], NULL);
	tap_note("%u writes, %u reads", (unsigned)writes, (unsigned)reads);
	tap_is_u64(stale, 0, "%u+%d%s: no reader goes back", n -
	    (unsigned)parity, parity, slow ? ", a slow drive" : "");
	tap_is_u64(torn, 0, "... no mixture of versions");
	tap_is_u64(failed, 0, "... nothing fails");
	tap_ok(reads > 20 && writes > 20, "... and they get on");
	memory_set_release(&ms);
}

/* One drive takes seconds for everything: the others do. */
static void
hedge(void)
{
	uint8_t *data = malloc(LARGE), *got;
	uint64_t start, small_ms, large_ms;
	size_t len;

	memory_set_fill(data, LARGE, 1);
	memory_set_init(&ms, 6, 2);
	memory_set_put(&ms, "s", data, SMALL, 0, true);
	memory_set_put(&ms, "l", data, LARGE, 0, true);
	memory_disk_delay(ms.disk[2], MEMORY_ALL, 2500 * 1000);
	start = clock_mono_us();
	for (unsigned i = 0; i < 4; i++) {
		tap_ok(memory_set_get(&ms, "s", &got, &len) == EC_OK &&
		    memcmp(got, data, SMALL) == 0, "a small read");
		free(got);
	}
	small_ms = (clock_mono_us() - start) / 1000;
	start = clock_mono_us();
	tap_ok(memory_set_get(&ms, "l", &got, &len) == EC_OK &&
	    memcmp(got, data, LARGE) == 0, "a large one");
	free(got);
	large_ms = (clock_mono_us() - start) / 1000;
	tap_ok(small_ms < 2000 && large_ms < 2000,
	    "a drive 2500 ms late: 4 small reads %u ms, a large one %u ms",
	    (unsigned)small_ms, (unsigned)large_ms);
	memory_disk_delay(ms.disk[2], MEMORY_ALL, 0);
	memory_set_release(&ms);
	free(data);
}

struct stream {
	pthread_t thread;
	unsigned index;
	enum err e;
};

static void *
stream_main(void *arg)
{
	struct stream *st = arg;
	uint8_t *data = malloc(4 << 20);
	char key[16];

	memory_set_fill(data, 4 << 20, st->index);
	snprintf(key, sizeof(key), "s%u", st->index);
	st->e = memory_set_put(&ms, key, data, 4 << 20, 100000, false);
	free(data);
	return NULL;
}

/* Many more streams than buffers: slower, but none waits for ever. */
static void
share_pool(void)
{
	struct stream st[16];
	unsigned bad = 0;

	memory_set_init(&ms, 4, 2);
	set_free(ms.set);
	mem_pool_free(ms.pool);
	mem_pool_new(&ms.pool, STRIPE_UNIT_DEFAULT * 16, 3u << 21);
	ms.set = NULL;
	memory_set_restart(&ms, NULL);
	for (unsigned i = 0; i < 16; i++) {
		st[i].index = i;
		pthread_create(&st[i].thread, NULL, stream_main, &st[i]);
	}
	for (unsigned i = 0; i < 16; i++) {
		pthread_join(st[i].thread, NULL);
		bad += st[i].e != EC_OK;
	}
	tap_is_u64(bad, 0, "16 streams with 3 buffers");
	memory_set_release(&ms);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	registers(4, 2, false);
	registers(4, 2, true);
	registers(6, 2, false);
	hedge();
	share_pool();
	return tap_done();
}
