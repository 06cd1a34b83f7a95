/* drive [folder]: what a drive costs beside the least it could.
 *
 * In ${folder} (default: the current one), on whatever file system that is:
 *
 *   raw        a loop of pwrite + fdatasync at the end of a file, of as many
 *              bytes as the frames of the batch: batches/s times its records
 *   append     durable appends/s of records with KIB of inline data, in batches
 *              of 1, 16 and 64, one after the other; ratio to raw
 *   lane       the same from 64 threads through a lane, one record each, each
 *              waiting for its own: appends/s, flushes per append
 *   fill       appends/s of ROWS small records in batches of 256
 *   open       milliseconds of local_open on those rows, closed cleanly
 *   stat       queries/s for one key with parts, one thread, random keys
 *   list       rows/s of listing all, 1,000 a query, columns only
 *   rebuild    rows/s of local_open without the index */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "drive/lane.h"
#include "drive/local.h"

enum {
	MEASURE_US = 1000000,
	INLINE_BYTES = 4096 / 2 + 64,	/* 4 KiB in 2 + 2 */
	ROWS = 200000,
	APPENDERS = 64,
};

static struct drive *d;
static char dir[512];

static void
die(const char *what)
{
	fprintf(stderr, "drive: %s failed\n", what);
	exit(1);
}

static size_t
encode(struct buf *b, const char *key, uint64_t stamp, uint32_t inline_len)
{
	static const uint8_t data[INLINE_BYTES];
	struct record r = { .kind = RECORD_OBJECT, .flags = RECORD_INLINE |
	    RECORD_NULL, .stamp = { stamp, stamp }, .bucket = "bench",
	    .key = key, .etag = "0123456789abcdef0123456789abcdef",
	    .size = 4096, .k = 2, .m = 2, .inline_data = data,
	    .inline_len = inline_len, .mtime_us = stamp };

	b->len = 0;
	if (record_encode(b, &r) != EC_OK)
		die("encode");
	return b->len;
}

static double
raw(unsigned batch, size_t bytes)
{
	uint64_t began = clock_mono_us(), took, off = 0;
	char path[600], *p = calloc(batch, bytes);
	unsigned n = 0;
	int fd;

	snprintf(path, sizeof path, "%s/raw", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || p == NULL)
		die("open");
	while ((took = clock_mono_us() - began) < MEASURE_US) {
		if (io_pwrite_full(fd, p, batch * bytes, off) != EC_OK ||
		    fdatasync(fd) != 0)
			die("raw write");
		off += batch * bytes;
		n += batch;
	}
	close(fd);
	unlink(path);
	free(p);
	return n * 1e6 / (double)took;
}

static uint64_t stamp_next = 1;

/* Append ${n} records of fresh keys at once. */
static void
append(unsigned n, uint32_t inline_len, const char *prefix)
{
	struct drive_append a[256] = { { .flags = 0 } };
	struct buf b[256];
	char key[64];

	for (unsigned i = 0; i < n; i++) {
		/* A key in random order, as names of users are. */
		snprintf(key, sizeof key, "%s/%016llx", prefix,
		    (unsigned long long)stamp_next * 0x9e3779b97f4a7c15);
		b[i] = (struct buf)BUF_INIT(RECORD_BYTES_MAX);
		a[i].len = encode(&b[i], key, stamp_next++, inline_len);
		a[i].rec = b[i].data;
	}
	if (d->ops->append(d, a, n) != EC_OK)
		die("append");
	for (unsigned i = 0; i < n; i++)
		buf_release(&b[i]);
}

static void
bench_append(void)
{
	static const unsigned batches[] = { 1, 16, 64 };
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	size_t bytes = encode(&b, "put/0123456789abcdef", 1, INLINE_BYTES) + 40;

	buf_release(&b);
	for (unsigned i = 0; i < 3; i++) {
		double floor = raw(batches[i], bytes), rate;
		uint64_t began = clock_mono_us(), took;
		unsigned n = 0;

		while ((took = clock_mono_us() - began) < MEASURE_US) {
			append(batches[i], INLINE_BYTES, "put");
			n += batches[i];
		}
		rate = n * 1e6 / (double)took;
		printf("append %3u: %8.0f/s  raw %8.0f/s  ratio %.2f\n",
		    batches[i], rate, floor, rate / floor);
	}
}

static struct lane *lane;
static atomic_bool stop;
static atomic_uint appended;

static void *
appender(void *arg)
{
	uint64_t stamp = (uint64_t)(uintptr_t)arg << 40;
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	char key[64];

	while (!atomic_load(&stop)) {
		struct drive_append a = { .flags = 0 };
		struct lane_call *c = NULL;
		struct gather *g = NULL;
		enum err e;

		snprintf(key, sizeof key, "lane/%016llx",
		    (unsigned long long)++stamp * 0x9e3779b97f4a7c15);
		a.len = encode(&b, key, stamp, INLINE_BYTES);
		a.rec = b.data;
		if (gather_new(&g) != EC_OK ||
		    lane_append(lane, g, &a, 1, &c) != EC_OK)
			die("lane_append");
		gather_wait(g, 1, UINT64_MAX);
		if (!lane_call_done(c, &e) || e != EC_OK)
			die("lane append");
		lane_call_put(c);
		gather_free(g);
		appended++;
	}
	buf_release(&b);
	return NULL;
}

static void
bench_lane(void)
{
	pthread_t t[APPENDERS];
	struct drive_stats before, after;
	uint64_t began, took;

	if (lane_new(&lane, d, "bench") != EC_OK)
		die("lane_new");
	d->ops->stats(d, &before);
	began = clock_mono_us();
	for (uintptr_t i = 0; i < APPENDERS; i++)
		pthread_create(&t[i], NULL, appender, (void *)(i + 1));
	usleep(MEASURE_US);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < APPENDERS; i++)
		pthread_join(t[i], NULL);
	took = clock_mono_us() - began;
	d->ops->stats(d, &after);
	printf("lane   %3u: %8.0f/s  %.3f flushes per append\n", APPENDERS,
	    appended * 1e6 / (double)took,
	    (double)(after.flushes - before.flushes) / appended);
	lane_free(lane);	/* and the drive */
	d = NULL;
}

static double
open_drive(void)
{
	uint64_t began = clock_mono_us();

	if (local_open(&d, dir, "", NULL) != EC_OK)
		die("open");
	return (double)(clock_mono_us() - began) / 1000;
}

static void
bench_fill(void)
{
	uint64_t began = clock_mono_us(), took;
	char path[600];
	double ms;

	stamp_next = 1;
	for (unsigned i = 0; i < ROWS; i += 250)
		append(250, 0, "fill");
	took = clock_mono_us() - began;
	printf("fill:       %8.0f/s  %u rows\n", ROWS * 1e6 / (double)took,
	    ROWS);
	began = clock_mono_us();
	drive_close(d);
	took = clock_mono_us() - began;
	printf("close:      %8.1f ms\n", (double)took / 1000);
	printf("open:       %8.1f ms\n", open_drive());
	drive_close(d);
	snprintf(path, sizeof path, "%s/.ec/index.db", dir);
	if (getenv("BENCH_REBUILD") != NULL)
		unlink(path);
	ms = open_drive();
	if (getenv("BENCH_REBUILD") != NULL)
		printf("rebuild:    %8.0f rows/s\n", ROWS * 1000 / ms);
}

static void
bench_stat(void)
{
	struct drive_records l = DRIVE_RECORDS_INIT;
	uint64_t began = clock_mono_us(), took, n = 0;
	char key[64];

	while ((took = clock_mono_us() - began) < MEASURE_US) {
		struct drive_query q = { .table = DRIVE_VERSIONS,
			.bucket = "bench", .key = key, .limit = 10,
			.want_parts = true, .want_inline = true };

		snprintf(key, sizeof key, "fill/%016llx", (unsigned long long)
		    (1 + n * 7919 % ROWS) * 0x9e3779b97f4a7c15);
		l.buf.len = 0;
		if (d->ops->query(d, &q, &l) != EC_OK || l.buf.len == 0)
			die("query");
		n++;
	}
	printf("stat:       %8.0f/s\n", (double)n * 1e6 / (double)took);
	buf_release(&l.buf);
}

static void
bench_list(void)
{
	struct drive_records l = DRIVE_RECORDS_INIT;
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "bench",
		.prefix = "fill/", .limit = 1000 };
	char after[RECORD_KEY_MAX + 1];
	uint64_t began = clock_mono_us(), took, rows = 0;
	size_t got = 1;

	while (got > 0) {
		struct record_part *parts;
		struct record r;
		const uint8_t *rec;
		size_t pos = 0, len;

		l.buf.len = got = 0;
		if (d->ops->query(d, &q, &l) != EC_OK)
			die("list");
		while (drive_records_next(&l, &pos, &rec, &len)) {
			if (record_decode(&r, &parts, rec, len) != EC_OK)
				die("decode");
			got++;
		}
		rows += got;
		if (got > 0)
			snprintf(after, sizeof after, "%s", r.key);
		q.after_key = after;
	}
	took = clock_mono_us() - began;
	if (rows != ROWS)
		die("listing all");
	printf("list:       %8.0f rows/s\n", (double)rows * 1e6 /
	    (double)took);
	buf_release(&l.buf);
}

int
main(int argc, char *argv[])
{
	struct format f = { .set_count = 1, .drive_count = 1,
		.generation = 1 };
	char cmd[600];

	log_init(argv[0]);
	snprintf(dir, sizeof dir, "%s/ec-bench.XXXXXX", argc > 1 ? argv[1] :
	    ".");
	f.deployment = uuid_new();
	f.drive = f.drives[0] = uuid_new();
	if (mkdtemp(dir) == NULL || local_format(dir, &f) != EC_OK)
		die("format");
	open_drive();
	bench_append();
	bench_lane();
	open_drive();
	bench_fill();
	bench_stat();
	bench_list();
	drive_close(d);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd) != 0;
}
