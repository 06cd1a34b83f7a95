/* A local drive under many threads at once: appends through a lane, queries,
 * shard files and maintenance, with compaction under way. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive/lane.h"
#include "drive/local.h"

#include "../lib/tap.h"
#include "drive_kit.h"

enum { WRITERS = 4, ROUNDS = 150 };

static struct drive *d;
static struct lane *lane;
static atomic_uint acked, missing, bad, swept;
static atomic_bool stop;
static uint8_t big[RECORD_INLINE_MAX];

/* What is measured here is not the disk. */
int fdatasync(int fd);
int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static bool
lane_put(struct record r)
{
	struct lane_call *c = NULL;
	struct drive_append a;
	struct gather *g;
	enum err e = EC_EFAILED;
	bool good;

	kit_encode(&a, r);
	if (gather_new(&g) != EC_OK ||
	    lane_append(lane, g, &a, 1, &c) != EC_OK)
		abort();
	gather_wait(g, 1, clock_mono_us() + 20000000);
	good = lane_call_done(c, &e) && e == EC_OK;
	lane_call_put(c);
	gather_free(g);
	kit_append_free(&a);
	return good;
}

static unsigned
count(const char *bucket, const char *key)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = bucket,
		.key = key, .limit = 1000, .want_parts = true,
		.want_inline = true };
	struct drive_records l = DRIVE_RECORDS_INIT;
	const uint8_t *rec;
	size_t pos = 0, len;
	unsigned n = 0;

	if (d->ops->query(d, &q, &l) != EC_OK)
		abort();
	while (drive_records_next(&l, &pos, &rec, &len)) {
		struct record_part *parts;
		struct record r;

		bad += record_decode(&r, &parts, rec, len) != EC_OK ||
		    r.inline_data == NULL;
		free(parts);
		n++;
	}
	buf_release(&l.buf);
	return n;
}

static void *
writer(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	char bucket[8], key[16];

	snprintf(bucket, sizeof bucket, "w%u", me);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		struct record r;

		snprintf(key, sizeof key, "k%u", i % 10);
		r = kit_object(bucket, key, i);
		r.inline_data = big;
		r.inline_len = sizeof big;
		if (lane_put(r))
			acked++;
		missing += count(bucket, key) == 0;	/* read own write */
		if (i > 10 && !lane_put(kit_purge(bucket, key, ROUNDS + i,
		    i - 10)))
			missing++;
	}
	return NULL;
}

static void *
sharder(void *arg)
{
	struct uuid data;

	while (!atomic_load(&stop)) {
		data = uuid_new();
		if (kit_shard(d, &data, 1, "shard", 5) != EC_OK)
			bad++;
	}
	return arg;
}

static void *
keeper(void *arg)
{
	uint64_t removed;

	while (!atomic_load(&stop)) {
		if (d->ops->maintain(d, 50, 0, &removed) != EC_OK)
			bad++;
		swept += (unsigned)removed;
		usleep(1000);
	}
	return arg;
}

int
main(void)
{
	char dir[] = "/tmp/ec-threads.XXXXXX", cmd[64], bucket[8];
	struct format f = kit_format();
	pthread_t w[WRITERS], s, k;
	struct drive_query q = { .table = DRIVE_VERSIONS, .limit = 1000 };
	unsigned rows = 0;

	log_level_set(LOG_LEVEL_ERROR);
	if (mkdtemp(dir) == NULL || local_format(dir, &f) != EC_OK ||
	    local_open(&d, dir, "", NULL) != EC_OK ||
	    lane_new(&lane, d, "lane") != EC_OK)
		abort();
	pthread_create(&s, NULL, sharder, NULL);
	pthread_create(&k, NULL, keeper, NULL);
	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&w[i], NULL, writer, (void *)i);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(w[i], NULL);
	atomic_store(&stop, true);
	pthread_join(s, NULL);
	pthread_join(k, NULL);
	tap_is_u64(acked, WRITERS * ROUNDS, "all appends acknowledged");
	tap_is_u64(missing, 0, "each writer reads what it wrote");
	tap_is_u64(bad, 0, "nothing failed or came back bad");
	tap_ok(swept > 0, "litter was swept (%u)", swept);
	lane_free(lane);
	if (local_open(&d, dir, "", NULL) != EC_OK)
		abort();
	for (unsigned i = 0; i < WRITERS; i++) {
		snprintf(bucket, sizeof bucket, "w%u", i);
		for (unsigned j = 0; j < 10; j++) {
			char key[16];

			snprintf(key, sizeof key, "k%u", j);
			rows += count(bucket, key);
		}
	}
	tap_is_u64(rows, WRITERS * 10, "opened again: one version of each key");
	tap_ok(strncmp(kit_query(d, &q), "w0/k0@150 ", 10) == 0, "the last");
	drive_close(d);
	kit_release();
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0 || tap_done();
}
