/* drive_scenario: a drive that is worked on, and what must be there whatever
 * became of it; for tests of drives that fail and die. */
#ifndef DRIVE_SCENARIO_H
#define DRIVE_SCENARIO_H

#include <sys/statvfs.h>
#include <unistd.h>

#include "drive/local.h"
#include "drive_kit.h"

#define EXPORT __attribute__((visibility("default")))

/* Whoever includes this says what to do while the test itself is at work, and
 * again (false) when that is over. */
static void scenario_own(bool own);

/* A drive of 64 MiB, for small segments. */
EXPORT int
fstatvfs(int fd, struct statvfs *st)
{
	(void)fd;
	*st = (struct statvfs){ .f_frsize = 4096, .f_blocks = 16384,
		.f_bavail = 12000, .f_favail = 1000 };
	return 0;
}

/* The calls of large files, to those that whoever includes this may define. */
EXPORT ssize_t
pwrite64(int fd, const void *buf, size_t n, off_t off)
{
	return pwrite(fd, buf, n, off);
}

EXPORT int
ftruncate64(int fd, off_t len)
{
	return ftruncate(fd, len);
}

enum { KEYS = 24 };
enum { ABSENT, MAYBE, THERE, PURGE_MAYBE, PURGED };

/* What was acknowledged. */
static struct scenario_acked {
	unsigned char object[KEYS];
	unsigned char note, note_maybe;	/* the last, and the last begun */
} *acked;

static char dir[64];	/* the drive's */
static uint8_t big[100 * 1024];

/* ABSENT -> MAYBE -> THERE, THERE -> PURGE_MAYBE -> PURGED; when it need not
 * be durable it stays at maybe. */
static bool
append(struct drive *d, struct record r, unsigned i, unsigned maybe,
    unsigned flags)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { .flags = flags };
	bool good;

	scenario_own(true);
	if (record_encode(&b, &r) != EC_OK)
		abort();
	scenario_own(false);
	a.rec = b.data;
	a.len = b.len;
	acked->object[i] = (unsigned char)maybe;
	good = d->ops->append(d, &a, 1) == EC_OK && a.err == EC_OK;
	if (good && (flags & DRIVE_APPEND_LAZY) == 0)
		acked->object[i] = (unsigned char)(maybe + 1);
	free(b.data);
	return good;
}

static struct record
object(unsigned i, struct record_part *part)
{
	static char key[KEYS][8];
	struct record r;

	snprintf(key[i], sizeof key[i], "k%02u", i);
	r = kit_object("b", key[i], i + 1);
	r.inline_data = big;
	r.inline_len = sizeof big;
	if (i % 6 != 0)
		return r;
	*part = (struct record_part){ .number = 1, .size = 10, .k = 2, .m = 2,
		.unit = 4096, .data = { { (uint8_t)(i + 1), 9 } } };
	r.flags = 0;
	r.inline_data = NULL;
	r.inline_len = 0;
	r.parts = part;
	r.part_count = 1;
	return r;
}

/* Some of all there is; whatever fails is gone on from. */
static void
scenario(void)
{
	struct drive *d = NULL;
	struct record_part part;
	struct format f;
	uint64_t removed;

	if (local_open(&d, dir, "", NULL) != EC_OK)
		return;
	for (unsigned i = 0; i < KEYS; i++) {
		struct record r = object(i, &part);

		if (r.part_count > 0 && kit_shard(d, &part.data, 0, "shard",
		    5) != EC_OK)
			continue;
		if (!append(d, r, i, MAYBE, 0))
			d->ops->probe(d, &f);	/* as a lane does */
		if (i >= 8 && acked->object[i - 8] == THERE && i % 4 != 0) {
			const struct record old = object(i - 8, &part);

			r = kit_purge("b", "", 1000 + i, i - 7);
			r.key = old.key;
			/* A shard file goes at once in any case. */
			append(d, r, i - 8, PURGE_MAYBE, i % 2 == 0 &&
			    old.part_count == 0 ? DRIVE_APPEND_LAZY : 0);
		}
		if (i % 5 == 4) {
			acked->note_maybe = (unsigned char)i;
			if (d->ops->note_put(d, "n", &big[i], i) == EC_OK)
				acked->note = (unsigned char)i;
		}
		if (i % 8 == 7)
			d->ops->maintain(d, 1000, 3600, &removed);
	}
	drive_close(d);
}

static unsigned
check_key(struct drive *d, unsigned i)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "b",
		.limit = 10, .want_parts = true, .want_inline = true };
	struct drive_records l = DRIVE_RECORDS_INIT;
	struct record_part part, *parts = NULL;
	struct record r, want = object(i, &part);
	const uint8_t *rec;
	size_t pos = 0, len;
	bool there;
	unsigned wrong;

	q.key = want.key;
	if (d->ops->query(d, &q, &l) != EC_OK)
		return 1;
	there = drive_records_next(&l, &pos, &rec, &len);
	wrong = (acked->object[i] == THERE && !there) ||
	    ((acked->object[i] == ABSENT || acked->object[i] == PURGED) &&
	    there);
	if (there) {
		wrong |= record_decode(&r, &parts, rec, len) != EC_OK ||
		    !record_agrees(&r, &want) ||
		    (want.inline_len > 0 && (r.inline_data == NULL ||
		    memcmp(r.inline_data, big, sizeof big) != 0));
		wrong |= want.part_count > 0 && strcmp(kit_shard_text(d,
		    &part.data, 0), "shard") != 0;
		free(parts);
	}
	buf_release(&l.buf);
	return wrong;
}

/* A note's length is its number. */
static unsigned
check_note(struct drive *d)
{
	struct buf b = BUF_INIT(DRIVE_NOTE_BYTES_MAX);
	enum err e = d->ops->note_get(d, "n", &b);
	size_t len = e == EC_ENOTFOUND ? 0 : b.len;
	unsigned wrong = (e != EC_OK && e != EC_ENOTFOUND) ||
	    len < acked->note || len > acked->note_maybe ||
	    (len > 0 && memcmp(b.data, big, len) != 0);

	buf_release(&b);
	return wrong;
}

/* Open, look, use, and look again with an index made anew. */
static unsigned
check(void)
{
	struct drive *d = NULL;
	struct record_part part;
	uint64_t removed;
	unsigned wrong = 0;
	char path[96];

	if (local_open(&d, dir, "", NULL) != EC_OK)
		return 1;
	for (unsigned i = 0; i < KEYS; i++)
		wrong += check_key(d, i);
	wrong += check_note(d);
	wrong += d->ops->maintain(d, 1000, 0, &removed) != EC_OK;
	if (acked->object[1] == ABSENT)
		append(d, object(1, &part), 1, MAYBE, 0);
	drive_close(d);
	snprintf(path, sizeof path, "%s/.ec/index.db", dir);
	unlink(path);
	if (local_open(&d, dir, "", NULL) != EC_OK)
		return wrong + 1;
	for (unsigned i = 0; i < KEYS; i++)
		wrong += check_key(d, i);
	drive_close(d);
	return wrong;
}

static void
fresh(void)
{
	struct format f = kit_format();
	char cmd[256];

	snprintf(cmd, sizeof cmd, "rm -rf %s && mkdir %s", dir, dir);
	if (system(cmd) != 0 || local_format(dir, &f) != EC_OK)
		abort();
	memset(acked, 0, sizeof *acked);
}

#endif
