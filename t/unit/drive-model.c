/* A local drive and one in memory, written by another hand from the same
 * contract, given the same random records and asked the same questions. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/memory_drive.h"
#include "../lib/tap.h"
#include "base/log.h"
#include "drive/local.h"
#include "drive_kit.h"

enum { CHANGES = 6000 };

static struct drive *both[2];
static unsigned state;

int fdatasync(int fd);
int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static unsigned
rnd(unsigned n)
{
	state = state * 1103515245u + 12345u;
	return (state >> 16) % n;
}

static const char *
any_key(void)
{
	static const char *const keys[] = { "a", "a/b", "a/b/c", "ab", "b",
		"\xc3\xbc", "z" };

	return keys[rnd(7)];
}

static const char *
any_bucket(void)
{
	static const char *const buckets[] = { "one", "two", "two-b" };

	return buckets[rnd(3)];
}

static struct stamp
any_stamp(unsigned below)
{
	unsigned n = 1 + rnd(below);

	return (struct stamp){ n, n };
}

/* Data of a key: only records of one key share it. */
static struct uuid
any_data(const char *bucket, const char *key)
{
	struct uuid u = { { (uint8_t)rnd(3), (uint8_t)strlen(bucket),
	    (uint8_t)bucket[0] } };

	for (size_t i = 0; i < 8 && key[i] != '\0'; i++)
		u.b[3 + i] = (uint8_t)key[i];
	return u;
}

static void
add_shard(const struct uuid *data, unsigned index)
{
	for (unsigned i = 0; i < 2; i++)
		kit_shard(both[i], data, index, "shard", 5);
}

static struct record
random_record(unsigned now, struct record_part *part)
{
	struct record r = kit_object(any_bucket(), any_key(), now);

	/* Stamps that are used again are even, those with a file odd: a record
	 * of the same stamp is the same but for what is inline. */
	if (rnd(4) == 0) {
		r.stamp = any_stamp(now);
		r.stamp.hlc = r.stamp.id = (r.stamp.hlc + 1) & ~1ull;
	}
	switch (rnd(10)) {
	case 0:
	case 1:
		break;
	case 2:
		r.flags |= RECORD_NULL;
		break;
	case 3:		/* with a file, perhaps of another record */
		if (now % 2 == 0)
			break;
		r.stamp = (struct stamp){ now, now };
		*part = (struct record_part){ .number = 1, .size = 9, .k = 2,
			.m = 2, .unit = 4096,
			.data = any_data(r.bucket, r.key) };
		r.flags = 0;
		r.inline_data = NULL;
		r.inline_len = 0;
		r.parts = part;
		r.part_count = 1;
		add_shard(&part->data, r.index);
		break;
	case 4:
		r.kind = rnd(2) ? RECORD_TOMBSTONE : RECORD_MARKER;
		r.flags = rnd(2) ? RECORD_NULL : 0;
		r.target = any_stamp(now);
		r.size = 0;
		r.inline_len = 0;
		break;
	case 5:
	case 6:
		r = kit_purge(r.bucket, r.key, now, 1 + rnd(now));
		break;
	case 7:
		r = kit_part(r.bucket, r.key, 1 + rnd(2), 1 + rnd(3), now);
		kit_one_part.data = any_data(r.bucket, r.key);
		add_shard(&kit_one_part.data, r.index);
		break;
	case 8:
		r = (struct record){ .kind = RECORD_UPLOAD, .etag = "",
			.flags = rnd(6) ? 0 : RECORD_GONE,
			.bucket = r.bucket, .key = r.key, .stamp = r.stamp,
			.target = any_stamp(2) };
		break;
	default:
		r = (struct record){ .kind = rnd(2) ? RECORD_HEAL :
			RECORD_BUCKET, .etag = "", .flags = rnd(4) ? 0 :
			RECORD_GONE, .bucket = r.bucket, .key = r.key,
			.stamp = r.stamp, .target = any_stamp(5) };
		if (r.kind == RECORD_HEAL)	/* each has its own */
			r.stamp = (struct stamp){ now, now };
		if (r.kind == RECORD_BUCKET) {
			r.key = "";
			r.target = (struct stamp){ 0, 0 };
		}
	}
	return r;
}

static struct drive_query
random_query(unsigned now)
{
	struct drive_query q = { .table = (enum drive_table)rnd(5),
		.limit = rnd(2) ? 1000 : 1 + rnd(10),
		.want_parts = rnd(2) };

	q.want_inline = q.want_parts && rnd(2);
	if (q.table == DRIVE_BUCKETS) {
		if (rnd(2))
			q.after_bucket = any_bucket();
		else if (rnd(2))
			q.bucket = any_bucket();
		return q;
	}
	if (q.table == DRIVE_HEALS) {
		if (rnd(2))
			q.after_stamp = any_stamp(now);
		return q;
	}
	if (rnd(5) > 0)
		q.bucket = any_bucket();
	else if (rnd(2)) {
		q.after_bucket = any_bucket();
		q.after_key = any_key();
	}
	if (q.bucket != NULL && rnd(3) == 0) {
		q.key = any_key();
	} else if (q.bucket != NULL) {
		if (rnd(2))
			q.prefix = any_key();
		if (rnd(2))
			q.after_key = any_key();
	}
	if (q.table == DRIVE_VERSIONS) {
		if (q.after_key != NULL && rnd(2))
			q.after_stamp = any_stamp(now);
		if (q.key != NULL && rnd(3) == 0)
			q.target = any_stamp(now);
		q.null_only = rnd(5) == 0;
		q.newest_only = stamp_is_zero(&q.after_stamp) && rnd(5) == 0;
	} else if (q.key != NULL && rnd(2)) {
		q.target = any_stamp(2);
	}
	return q;
}

/* Equal, but for where it lies and, without parts, for the sum of the data? */
static bool
same_record(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	const uint8_t *bytes[2] = { a, b };
	size_t len[2] = { alen, blen };
	struct record_part *parts[2] = { NULL, NULL };
	struct record r[2];
	bool good = true;

	for (unsigned i = 0; i < 2; i++)
		good = good && record_decode(&r[i], &parts[i], bytes[i],
		    len[i]) == EC_OK;
	good = good && record_agrees(&r[0], &r[1]) &&
	    r[0].index == r[1].index && r[0].inline_len == r[1].inline_len &&
	    (r[0].inline_data == NULL) == (r[1].inline_data == NULL);
	free(parts[0]);
	free(parts[1]);
	return good;
}

static bool
same_answer(const struct drive_query *q)
{
	struct drive_records l[2] = { DRIVE_RECORDS_INIT, DRIVE_RECORDS_INIT };
	const uint8_t *a, *b;
	size_t at = 0, bt = 0, alen, blen;
	enum err e[2];
	bool good;

	for (unsigned i = 0; i < 2; i++)
		e[i] = both[i]->ops->query(both[i], q, &l[i]);
	good = e[0] == e[1];
	while (good) {
		bool more_a = drive_records_next(&l[0], &at, &a, &alen);
		bool more_b = drive_records_next(&l[1], &bt, &b, &blen);

		good = more_a == more_b;
		if (!more_a || !more_b)
			break;
		good = same_record(a, alen, b, blen);
	}
	buf_release(&l[0].buf);
	buf_release(&l[1].buf);
	return good;
}

static void
explain(const struct drive_query *q)
{
	tap_note("table %d bucket %s key %s prefix %s after %s/%s stamp %u "
	    "target %u null %d newest %d limit %u parts %d inline %d", q->table,
	    q->bucket ? q->bucket : "-", q->key ? q->key : "-",
	    q->prefix ? q->prefix : "-",
	    q->after_bucket ? q->after_bucket : "-",
	    q->after_key ? q->after_key : "-", (unsigned)q->after_stamp.hlc,
	    (unsigned)q->target.hlc, q->null_only, q->newest_only, q->limit,
	    q->want_parts, q->want_inline);
	tap_note("local  %s", kit_query(both[0], q));
	tap_note("memory %s", kit_query(both[1], q));
}

/* The ids of all shard files, as text. */
static void
files_of(struct drive *d, struct buf *out)
{
	struct drive_shard_info info[200];
	char hex[UUID_TEXT_BYTES];
	unsigned n = 0;

	out->len = 0;
	d->ops->shard_list(d, NULL, info, 200, &n);
	for (unsigned i = 0; i < n; i++) {
		uuid_text(hex, &info[i].data);
		buf_printf(out, "%s-%u ", hex, info[i].index);
	}
}

static bool
same_files(void)
{
	struct buf b[2] = { BUF_INIT(65536), BUF_INIT(65536) };
	bool good;

	for (unsigned i = 0; i < 2; i++)
		files_of(both[i], &b[i]);
	good = strcmp(buf_str(&b[0]), buf_str(&b[1])) == 0;
	buf_release(&b[0]);
	buf_release(&b[1]);
	return good;
}

int
main(void)
{
	char dir[] = "/tmp/ec-model.XXXXXX", cmd[64];
	struct format f = kit_format();
	struct memory_disk *disk = NULL;
	unsigned results = 0, answers = 0, files = 0;

	state = (unsigned)getpid();
	if (getenv("EC_SEED") != NULL)
		state = (unsigned)strtoul(getenv("EC_SEED"), NULL, 10);
	tap_note("seed %u", state);
	log_level_set(LOG_LEVEL_ERROR);
	if (mkdtemp(dir) == NULL || local_format(dir, &f) != EC_OK ||
	    local_open(&both[0], dir, "", NULL) != EC_OK ||
	    (disk = memory_disk_new("memory")) == NULL ||
	    (both[1] = memory_disk_drive(disk)) == NULL)
		abort();
	for (unsigned now = 1; now <= CHANGES; now++) {
		struct record_part part;
		struct record r = random_record(now, &part);
		unsigned flags = rnd(3) == 0 ? DRIVE_APPEND_NEWEST : 0;
		struct drive_query q = random_query(now);
		struct drive_append a[2];

		for (unsigned i = 0; i < 2; i++)
			kit_append(both[i], &a[i], r, flags);
		if ((a[0].err != a[1].err || (a[0].err == EC_ESTALE &&
		    a[0].hlc != a[1].hlc) ||
		    (a[0].err == EC_OK && a[0].superseded !=
		    a[1].superseded)) && results++ == 0)
			tap_note("kind %d flags %u of %s/%s@%u: local %s %u "
			    "%d, memory %s %u %d", r.kind, r.flags, r.bucket,
			    r.key, (unsigned)r.stamp.hlc, err_name(a[0].err),
			    (unsigned)a[0].hlc, a[0].superseded,
			    err_name(a[1].err), (unsigned)a[1].hlc,
			    a[1].superseded);
		kit_append_free(&a[0]);
		kit_append_free(&a[1]);
		if (!same_answer(&q) && answers++ == 0)
			explain(&q);
		if (now % 500 == 0)
			files += !same_files();
	}
	tap_is_u64(results, 0, "%u appends with the same results", CHANGES);
	tap_is_u64(answers, 0, "%u questions with the same answers", CHANGES);
	tap_is_u64(files, 0, "the same shard files are left");
	drive_close(both[0]);
	drive_close(both[1]);
	memory_disk_free(disk);
	kit_release();
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0 || tap_done();
}
