/* set [folder]: what objects cost on a set of local drives, 2+2 and 8+4.
 *
 * In ${folder} (default: the current one; all drives on its file system):
 *
 *   put4k c1, c64	durable puts/s of 4 KiB from 1 and 64 threads, new keys;
 *		flushes: of one drive, per object
 *   over4k c64	the same over 64 keys that are there: with the purge of what
 *		was overwritten
 *   get4k c1, c64	gets/s of those, read and verified
 *   stat c1	lookups/s without data
 *   del4k c64	deletes/s
 *   list	keys/s of listing, 1,000 a page
 *   put64m, get64m	MiB/s of one stream of 64 MiB in calls of 1 MiB; puts
 *		with MD5, which alone is the first line; cpu seconds per GiB
 *   degraded	get64m with m drives out */
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "drive/local.h"
#include "set/delete.h"
#include "set/get.h"
#include "set/list.h"
#include "set/put.h"

enum { MEASURE_US = 1500000, SMALL = 4096, LARGE = 64 << 20,
	CALL = 1 << 20, THREADS_MAX = 64 };

static char dir[512];
static struct set *set;
static struct mem_pool *pool;
static unsigned drives, parity;
static uint8_t *data;
static atomic_uint next_key, last_key;
static atomic_bool stop;
static atomic_uint failures;

static void
die(const char *what)
{
	fprintf(stderr, "set: %s failed: %s\n", what, set_complaint());
	exit(1);
}

static void
open_set(unsigned out)
{
	struct lane *lane[SET_DRIVES_MAX];
	char path[600], *owner = NULL;

	for (unsigned i = 0; i < drives; i++) {
		struct drive *d = NULL;

		snprintf(path, sizeof(path), "%s/%u", dir, i);
		if (i >= out && local_open(&d, path, "", &owner) != EC_OK)
			die("open");
		if (lane_new(&lane[i], d, path) != EC_OK)
			die("lane");
	}
	if (set_new(&set, lane, drives, (int)parity, pool, pool) != EC_OK)
		die("set");
}

static void
format_drives(void)
{
	struct format f = { .deployment = uuid_new(), .set_count = 1,
		.drive_count = drives, .generation = 1 };
	char path[600];

	for (unsigned i = 0; i < drives; i++)
		f.drives[i] = uuid_new();
	for (unsigned i = 0; i < drives; i++) {
		f.slot = i;
		f.drive = f.drives[i];
		snprintf(path, sizeof(path), "%s/%u", dir, i);
		if (mkdir(path, 0777) != 0 || local_format(path, &f) != EC_OK)
			die("format");
	}
}

static enum err
put(const char *key, size_t size)
{
	struct put_params p = { .bucket = "bench", .key = key, .size = size,
		.parity = -1, .null_version = true };
	struct put *w = NULL;
	enum err e;

	if ((e = put_open(&w, set, &p)) != EC_OK)
		return e;
	for (size_t at = 0; at < size && e == EC_OK; at += CALL)
		e = put_write(w, data + at, size - at < CALL ? size - at :
		    CALL);
	if (e == EC_OK && (e = put_finish(w, NULL)) == EC_OK)
		e = put_commit(w, NULL, NULL);
	put_free(w);
	return e;
}

static enum err
get(const char *key, bool want)
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	static _Thread_local uint8_t *buf;
	enum err e;

	if (buf == NULL && (buf = malloc(CALL)) == NULL)
		die("malloc");
	e = get_open(want ? &g : NULL, &o, set, "bench", key, NULL);
	for (uint64_t at = 0; want && at < o.size && e == EC_OK; at += CALL)
		e = get_read(g, buf, o.size - at < CALL ?
		    (size_t)(o.size - at) : CALL, at);
	get_free(g);
	object_release(&o);
	return e;
}

typedef enum err op(unsigned i, char *key);

static enum err
op_put(unsigned i, char *key)
{
	(void)i;
	sprintf(key, "k/%08u", atomic_fetch_add(&next_key, 1));
	return put(key, SMALL);
}

static enum err
op_over(unsigned i, char *key)
{
	sprintf(key, "k/%08u", i);
	return put(key, SMALL);
}

static enum err
op_get(unsigned i, char *key)
{
	(void)i;
	sprintf(key, "k/%08u", (unsigned)random() % last_key);
	return get(key, true);
}

static enum err
op_stat(unsigned i, char *key)
{
	(void)i;
	sprintf(key, "k/%08u", (unsigned)random() % last_key);
	return get(key, false);
}

static enum err
op_delete(unsigned i, char *key)
{
	(void)i;
	sprintf(key, "k/%08u", atomic_fetch_add(&next_key, 1));
	return delete_null(set, "bench", key);
}

struct worker {
	pthread_t thread;
	unsigned index;
	op *run;
	uint64_t count;
};

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	char key[32];

	while (!atomic_load(&stop)) {
		if (w->run(w->index, key) != EC_OK)
			atomic_fetch_add(&failures, 1);
		w->count++;
	}
	return NULL;
}

static enum err
run_stats(struct drive *d, void *arg)
{
	return d->ops->stats(d, arg);
}

static uint64_t
flushes(void)
{
	struct drive_stats st = { 0 };

	lane_call(set_lane(set, drives - 1), run_stats, NULL, &st, 1000);
	return st.flushes;
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
measure(const char *name, op *run, unsigned threads, bool flush)
{
	struct worker w[THREADS_MAX] = { 0 };
	uint64_t start = clock_mono_us(), took, count = 0, before = flushes();
	double cpu = cpu_s();

	atomic_store(&stop, false);
	for (unsigned i = 0; i < threads; i++) {
		w[i].index = i;
		w[i].run = run;
		if (pthread_create(&w[i].thread, NULL, worker_main, &w[i]))
			die("thread");
	}
	usleep(MEASURE_US);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		count += w[i].count;
	}
	took = clock_mono_us() - start;
	cpu = cpu_s() - cpu;
	printf("%u+%u  %-8s c%-3u %8.0f /s %7.0f us cpu", drives - parity,
	    parity, name, threads, (double)count * 1e6 / (double)took,
	    cpu * 1e6 / (double)count);
	if (flush)
		printf(" %6.3f flushes",
		    (double)(flushes() - before) / (double)count);
	printf("\n");
	fflush(stdout);
}

static void
report_stream(const char *name, uint64_t start, double cpu)
{
	double s = (double)(clock_mono_us() - start) / 1e6;

	printf("%u+%u  %-8s      %8.0f MiB/s %6.2f cpu s/GiB\n",
	    drives - parity, parity, name, LARGE / 1048576.0 * 4 / s,
	    (cpu_s() - cpu) / (LARGE * 4 / 1073741824.0));
	fflush(stdout);
}

static void
streams(void)
{
	uint64_t start = clock_mono_us();
	double cpu = cpu_s();
	char key[32];

	for (unsigned i = 0; i < 4; i++) {
		sprintf(key, "large/%u", i);
		if (put(key, LARGE) != EC_OK)
			die("put64m");
	}
	report_stream("put64m", start, cpu);
	start = clock_mono_us();
	cpu = cpu_s();
	for (unsigned i = 0; i < 4; i++) {
		sprintf(key, "large/%u", i);
		if (get(key, true) != EC_OK)
			die("get64m");
	}
	report_stream("get64m", start, cpu);
	set_free(set);
	open_set(parity);
	start = clock_mono_us();
	cpu = cpu_s();
	for (unsigned i = 0; i < 4; i++) {
		sprintf(key, "large/%u", i);
		if (get(key, true) != EC_OK)
			die("degraded");
	}
	report_stream("degraded", start, cpu);
}

static void
listing(void)
{
	struct list_params p = { .bucket = "bench", .limit = 1000,
		.after = "" };
	uint64_t start = clock_mono_us(), count = 0;
	char after[RECORD_KEY_MAX + 1];
	bool more = true;
	struct list *l;

	while (more) {
		if (list_page(&l, set, &p, &more) != EC_OK)
			die("list");
		count += list_count(l);
		if (list_count(l) > 0)
			strcpy(after, list_at(l, list_count(l) - 1)->key);
		p.after = after;
		list_free(l);
	}
	printf("%u+%u  list          %8.0f keys/s of %u\n", drives - parity,
	    parity, (double)count * 1e6 /
	    (double)(clock_mono_us() - start), (unsigned)count);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static void
bench(const char *where, unsigned n, unsigned m)
{
	snprintf(dir, sizeof(dir), "%s/bench-set.XXXXXX", where);
	if (mkdtemp(dir) == NULL)
		die("mkdtemp");
	drives = n;
	parity = m;
	atomic_store(&next_key, 0);
	format_drives();
	open_set(0);
	measure("put4k", op_put, 1, true);
	measure("put4k", op_put, 64, true);
	last_key = next_key;
	measure("get4k", op_get, 1, false);
	measure("get4k", op_get, 64, false);
	measure("stat", op_stat, 1, false);
	measure("stat", op_stat, 64, false);
	measure("over4k", op_over, 64, true);
	listing();
	atomic_store(&next_key, 0);
	measure("del4k", op_delete, 64, true);
	streams();
	set_free(set);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
main(int argc, char *argv[])
{
	const char *where = argc > 1 ? argv[1] : ".";
	uint64_t start;
	uint8_t sum[16];

	log_level_set(LOG_LEVEL_ERROR);
	data = malloc(LARGE);
	if (data == NULL ||
	    mem_pool_new(&pool, STRIPE_UNIT_DEFAULT * 16, 256u << 20) != EC_OK)
		die("memory");
	for (size_t i = 0; i < LARGE; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	start = clock_mono_us();
	digest_once(DIGEST_MD5, data, LARGE, sum);
	printf("md5 alone %.0f MiB/s\n", LARGE / 1048576.0 * 1e6 /
	    (double)(clock_mono_us() - start));
	bench(where, 4, 2);
	bench(where, 12, 4);
	if (failures > 0)
		printf("%u operations failed\n", failures);
	mem_pool_free(pool);
	free(data);
	return failures > 0;
}
