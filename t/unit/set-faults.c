/* Fail the n-th operation on any drive, n = 1, 2, ... until none is met, in
 * put, overwrite, delete, get and multipart: afterwards the old state or the
 * new one whole, the same for all readers, and nothing is left that a heal and
 * a sweep do not find.  Then the ways a whole drive can fail. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "set/delete.h"
#include "set/heal.h"
#include "set/multipart.h"

enum { SMALL = 3000, LARGE = 600000, FAULTS_MAX = 400 };

static uint8_t *data;

enum what { PUT_SMALL, PUT_LARGE, DELETE, MULTIPART, WHATS };
static const char *const what_name[] = { "small put", "large put", "delete",
	"multipart" };

struct state {		/* what a key may hold */
	bool there;
	size_t skip, size;
};

static enum err
upload(struct memory_set *ms, size_t skip)
{
	struct upload_part *parts = NULL;
	struct stamp id;
	unsigned n = 0;
	bool more;
	enum err e;

	if ((e = multipart_create(ms->set, MEMORY_SET_BUCKET, "k", NULL, 0,
	    &id)) != EC_OK)
		return e;
	for (uint32_t i = 0; i < 2 && e == EC_OK; i++) {
		struct put_params p = { .bucket = MEMORY_SET_BUCKET,
			.key = "k", .size = LARGE / 2, .parity = -1,
			.upload = id, .part = i + 1 };
		struct put *put = NULL;

		if ((e = put_open(&put, ms->set, &p)) == EC_OK &&
		    (e = put_write(put, data + skip + i * LARGE / 2,
		    LARGE / 2)) == EC_OK &&
		    (e = put_finish(put, NULL)) == EC_OK)
			e = put_commit(put, NULL, NULL);
		put_free(put);
	}
	if (e == EC_OK)
		e = multipart_parts(ms->set, MEMORY_SET_BUCKET, "k", &id, 0,
		    10, &parts, &n, &more);
	if (e == EC_OK)
		e = multipart_complete(ms->set, MEMORY_SET_BUCKET, "k", &id,
		    parts, n, "00-2", true, NULL, 0, NULL);
	if (e != EC_OK)
		multipart_abort(ms->set, MEMORY_SET_BUCKET, "k", &id);
	for (unsigned i = 0; i < n; i++)
		buf_release(&parts[i].meta);
	free(parts);
	return e;
}

static enum err
change(struct memory_set *ms, enum what what, size_t skip)
{
	switch (what) {
	case PUT_SMALL:
		return memory_set_put(ms, "k", data + skip, SMALL, 0, true);
	case PUT_LARGE:
		return memory_set_put(ms, "k", data + skip, LARGE, 0, true);
	case DELETE:
		return delete_null(ms->set, MEMORY_SET_BUCKET, "k");
	default:
		return upload(ms, skip);
	}
}

/* Which state is read: 0 the old, 1 the new, 2 not to be known, 3 wrong. */
static unsigned
read_state(struct memory_set *ms, const struct state s[2], enum err *e)
{
	unsigned which = 3;
	size_t len;
	uint8_t *got;

	*e = memory_set_get(ms, "k", &got, &len);
	for (unsigned i = 0; i < 2; i++)
		if (*e == EC_OK ? s[i].there && len == s[i].size &&
		    memcmp(got, data + s[i].skip, len) == 0 :
		    *e == EC_ENOTFOUND && !s[i].there)
			which = i;
	if (*e == EC_EQUORUM)
		which = 2;
	free(got);
	return which;
}

static unsigned wrong, split, unsure, litter, back;

/* All readers, whichever drives they miss, agree. */
static void
check(struct memory_set *ms, const struct state s[2], bool done)
{
	unsigned which, seen;
	enum err e;

	memory_set_restart(ms, NULL);
	which = read_state(ms, s, &e);
	wrong += which == 3 || (done && which != 1);
	unsure += which == 2;
	for (unsigned i = 0; i < ms->n; i++) {
		bool out[SET_DRIVES_MAX] = { false };

		out[i] = true;
		memory_set_restart(ms, out);
		seen = read_state(ms, s, &e);
		wrong += seen == 3 || (done && seen == 0);
		split += seen != which && seen != 2;
		unsure += done && ms->parity > 1 && seen == 2;
	}
	memory_set_restart(ms, NULL);
}

/* How many drives hold something else than the first. */
static unsigned
uneven(struct memory_set *ms)
{
	unsigned n = 0;

	for (unsigned i = 1; i < ms->n; i++)
		n += memory_disk_rows(ms->disk[i], DRIVE_VERSIONS) !=
		    memory_disk_rows(ms->disk[0], DRIVE_VERSIONS) ||
		    memory_disk_shards(ms->disk[i]) !=
		    memory_disk_shards(ms->disk[0]);
	return n;
}

/* Heal and sweep: then the drives hold one state and its shards, no more. */
static void
check_clean(struct memory_set *ms, const struct state s[2])
{
	uint64_t end = clock_mono_us() + 5000000;
	unsigned before, after;
	enum err e, healed;

	before = read_state(ms, s, &e);
	do	/* on a busy machine a drive may be taken for away */
		healed = heal_key(ms->set, MEMORY_SET_BUCKET, "k", NULL, 0,
		    NULL);
	while ((healed == EC_EDEGRADED || healed == EC_EQUORUM) &&
	    clock_mono_us() < end);
	set_maintain(ms->set, 100, 0);
	after = read_state(ms, s, &e);
	back += after != before || after > 1;
	if (healed == EC_EBUSY)
		return;		/* remains that heal leaves for an hour */
	/* What heal purges goes out behind its answer. */
	while (uneven(ms) > 0 && clock_mono_us() < end)
		memory_set_settle(ms);
	litter += healed != EC_OK || uneven(ms) > 0;
}

/* The state before: none, or an old version of either size. */
static struct state
prepare(struct memory_set *ms, unsigned before)
{
	struct state old = { before > 0, 0, before == 1 ? SMALL : LARGE };

	for (unsigned i = 0; i < ms->n; i++)
		memory_disk_wipe(ms->disk[i]);
	memory_set_restart(ms, NULL);
	if (before > 0)
		memory_set_put(ms, "k", data, old.size, 0, true);
	return old;
}

static void
loop(unsigned n, int parity, enum what what, unsigned before, enum err how,
    bool done)
{
	unsigned nth, failed = 0;
	struct memory_set ms;

	wrong = split = unsure = litter = back = 0;
	memory_set_init(&ms, n, parity);
	for (nth = 1; nth < FAULTS_MAX; nth++) {
		struct state s[2];
		enum err e;
		bool met;

		s[0] = prepare(&ms, before);
		s[1] = (struct state){ what != DELETE, nth,
			what == PUT_SMALL ? SMALL : LARGE };
		memory_fault_arm(nth, MEMORY_ALL & ~MEMORY_PROBE, how, done);
		e = change(&ms, what, nth);
		met = memory_fault_met();
		memory_fault_arm(0, 0, EC_OK, false);
		memory_set_restart(&ms, NULL);
		failed += e != EC_OK;
		check(&ms, s, e == EC_OK);
		check_clean(&ms, s);
		if (!met)
			break;
	}
	tap_ok(wrong + split + unsure + litter + back + failed == 0 &&
	    nth > 4 && nth < FAULTS_MAX,
	    "%u+%d, %s over %s, %s%s: %u faults", n - (unsigned)parity,
	    parity, what_name[what],
	    before == 0 ? "nothing" : before == 1 ? "small" : "large",
	    err_name(how), done ? " after the act" : "", nth - 1);
	if (wrong + split + unsure + litter + back + failed > 0)
		tap_note("wrong %u, split %u, unsure %u, litter %u, back %u, "
		    "failed %u", wrong, split, unsure, litter, back, failed);
	memory_set_release(&ms);
}

/* One operation after the other fails on so many drives that the change cannot
 * succeed: then it is absent or complete. */
static void
loop_below(enum what what, unsigned before, enum err how, unsigned op)
{
	unsigned failed = 0;
	struct memory_set ms;
	struct state s[2];

	wrong = split = unsure = litter = back = 0;
	memory_set_init(&ms, 4, 2);
	for (unsigned mask = 0; mask < 16; mask++) {
		enum err e;

		s[0] = prepare(&ms, before);
		s[1] = (struct state){ what != DELETE, mask + 1,
			what == PUT_SMALL ? SMALL : LARGE };
		for (unsigned i = 0; i < 4; i++)
			if ((mask >> i & 1) != 0)
				memory_disk_fail(ms.disk[i], op, how);
		e = change(&ms, what, mask + 1);
		failed += e != EC_OK;
		for (unsigned i = 0; i < 4; i++)
			memory_disk_fail(ms.disk[i], 0, EC_OK);
		check(&ms, s, e == EC_OK);
		check_clean(&ms, s);
	}
	tap_ok(wrong + split + litter + back == 0 && failed == 11,
	    "2+2, %s over %s, %s of %s on every subset", what_name[what],
	    before == 0 ? "nothing" : before == 1 ? "small" : "large",
	    err_name(how), op == MEMORY_APPEND ? "appends" : "writes");
	if (wrong + split + litter + back > 0 || failed != 11)
		tap_note("wrong %u, split %u, unsure %u, litter %u, back %u, "
		    "failed %u", wrong, split, unsure, litter, back, failed);
	memory_set_release(&ms);
}

/* A drive that hangs costs little, and its state is right afterwards. */
static void
hang(unsigned op, const char *name)
{
	uint64_t start, put_ms, get_ms;
	struct state s[2] = { { true, 0, LARGE }, { true, 7, LARGE } };
	struct memory_set ms;
	enum err e, got;
	unsigned which;

	memory_set_init(&ms, 4, 2);
	memory_set_put(&ms, "k", data, LARGE, 0, true);
	memory_set_put(&ms, "small", data, SMALL, 0, true);
	memory_disk_hang(ms.disk[1], op);
	start = clock_mono_us();
	e = memory_set_put(&ms, "k", data + 7, LARGE, 0, true);
	put_ms = (clock_mono_us() - start) / 1000;
	start = clock_mono_us();
	which = read_state(&ms, s, &got);
	get_ms = (clock_mono_us() - start) / 1000;
	tap_ok(e == EC_OK && which == 1 && put_ms < 2500 && get_ms < 1000,
	    "a drive hangs in %s: put %u ms, get %u ms", name,
	    (unsigned)put_ms, (unsigned)get_ms);
	memory_disk_release(ms.disk[1]);
	memory_set_settle(&ms);
	wrong = split = unsure = litter = back = 0;
	check(&ms, s, true);
	check_clean(&ms, s);
	tap_ok(wrong + split + unsure + litter + back == 0,
	    "and nothing is wrong after it");
	memory_set_release(&ms);
}

/* Two of four hang when the record is appended: nobody can know whether they
 * have it.  The write fails, and is complete or absent for good. */
static void
hang_two(size_t size)
{
	struct state s[2] = { { true, 0, SMALL }, { true, 7, size } };
	struct memory_set ms;
	uint64_t start, ms_put;
	unsigned during, after;
	enum err e, got;

	memory_set_init(&ms, 4, 2);
	memory_set_put(&ms, "k", data, SMALL, 0, true);
	memory_disk_hang(ms.disk[0], MEMORY_APPEND);
	memory_disk_hang(ms.disk[2], MEMORY_APPEND);
	start = clock_mono_us();
	e = memory_set_put(&ms, "k", data + 7, size, 0, true);
	ms_put = (clock_mono_us() - start) / 1000;
	during = read_state(&ms, s, &got);
	memory_disk_release(ms.disk[0]);
	memory_disk_release(ms.disk[2]);
	memory_set_settle(&ms);
	wrong = split = unsure = litter = back = 0;
	check(&ms, s, false);
	after = read_state(&ms, s, &got);
	check_clean(&ms, s);
	tap_ok(e == EC_EQUORUM && ms_put < 6000 && during != 3 &&
	    (during == 2 || during == after) &&
	    wrong + split + unsure + litter + back == 0,
	    "two drives hang in append: fails after %u ms, read %s, then %s",
	    (unsigned)ms_put, during == 2 ? "unknown" : during == 1 ? "new" :
	    "old", after == 1 ? "new" : "old");
	memory_set_release(&ms);
}

/* What fewer drives took than could show it is taken back at once. */
static void
undone(void)
{
	struct memory_set ms;
	enum err e;

	memory_set_init(&ms, 4, -1);
	for (unsigned i = 1; i < 4; i++)
		memory_disk_fail(ms.disk[i], MEMORY_APPEND, EC_ENOSPC);
	e = memory_set_put(&ms, "k", data, SMALL, 0, true);
	tap_ok(e == EC_ENOSPC &&
	    memory_disk_rows(ms.disk[0], DRIVE_VERSIONS) == 0,
	    "one of four took it: %s, and it is gone", err_name(e));
	memory_set_release(&ms);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	data = malloc(LARGE + FAULTS_MAX);
	memory_set_fill(data, LARGE + FAULTS_MAX, 1);
	for (unsigned what = 0; what < WHATS; what++) {
		unsigned before = what == DELETE ? 2 : what % 3;

		loop(4, 2, what, before, EC_EIO, false);
		loop(4, 2, what, before, EC_EOFFLINE, true);
	}
	loop(4, 2, PUT_SMALL, 2, EC_ENOSPC, false);
	loop(4, 1, PUT_LARGE, 1, EC_EROFS, false);
	loop(6, 2, PUT_LARGE, 2, EC_EIO, true);
	for (unsigned what = 0; what <= DELETE; what++) {
		loop_below(what, 2, EC_ENOSPC, MEMORY_APPEND);
		loop_below(what, 1, EC_EIO, MEMORY_APPEND);
	}
	loop_below(PUT_LARGE, 1, EC_ENOSPC, MEMORY_WRITE);
	loop_below(PUT_LARGE, 2, EC_EIO, MEMORY_COMMIT);
	hang(MEMORY_APPEND, "append");
	hang(MEMORY_WRITE, "write");
	hang(MEMORY_COMMIT, "commit");
	hang(MEMORY_QUERY, "query");
	hang(MEMORY_OPEN, "open");
	hang(MEMORY_READ, "read");
	hang(MEMORY_ALL, "everything");
	hang_two(SMALL);
	hang_two(LARGE);
	undone();
	free(data);
	return tap_done();
}
