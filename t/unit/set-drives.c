/* Which drives may be out: every subset of few, samples of twelve.  Writes
 * succeed exactly where their quorum is up, reads where k shards are. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "set/delete.h"
#include "set/filling.h"
#include "set/list.h"
#include "set/quorum.h"

enum { LARGE = 1500000, SMALL = 5000 };

static uint8_t *data;

static bool
same(struct memory_set *ms, const char *key, size_t size, size_t skip,
    enum err *e)
{
	size_t len;
	uint8_t *got;
	bool good;

	*e = memory_set_get(ms, key, &got, &len);
	good = *e == EC_OK && len == size &&
	    memcmp(got, data + skip, size) == 0;
	free(got);
	return good;
}

static unsigned wrong_reads, wrong_writes, wrong_bytes, lost;

/* Read what is whole on all drives with those of ${mask} out. */
static void
reads(struct memory_set *ms, unsigned mask, unsigned m)
{
	static const char *const keys[] = { "small", "large" };
	bool out[SET_DRIVES_MAX];
	unsigned off = memory_set_out(ms, mask, out);

	memory_set_restart(ms, out);
	for (unsigned i = 0; i < 2; i++) {
		size_t len;
		uint8_t *got;
		enum err e = memory_set_get(ms, keys[i], &got, &len);
		bool may = off <= m;

		wrong_reads += may ? e != EC_OK : e != EC_EQUORUM;
		wrong_bytes += e == EC_OK && (len != (i ? LARGE : SMALL) ||
		    memcmp(got, data, len) != 0);
		if (e != EC_OK)
			wrong_reads += strstr(set_complaint(),
			    "not met") == NULL;
		free(got);
	}
}

/* Overwrite with those of ${mask} out, then read with others lost as well. */
static void
writes(struct memory_set *ms, unsigned mask, int parity, unsigned round)
{
	bool out[SET_DRIVES_MAX];
	unsigned off = memory_set_out(ms, mask, out), n = ms->n;
	unsigned m = quorum_parity(n, (unsigned)parity, off);
	size_t skip = round % 1000, size = round % 2 != 0 ? LARGE : SMALL;
	bool may = n - off >= quorum_write(n - m, m);
	enum err e;

	memory_set_restart(ms, out);
	e = memory_set_put(ms, "w", data + skip, size, 0, true);
	wrong_writes += may ? e != EC_OK : e != EC_EQUORUM;
	if (e != EC_OK)
		return;
	wrong_bytes += !same(ms, "w", size, skip, &e);
	/* All that were up but m - off more: still there. */
	for (unsigned i = 0, more = m - off; i < n && more > 0; i++) {
		unsigned j = (i + round) % n;

		more -= !out[j];
		out[j] = true;
	}
	for (unsigned i = 0; i < n; i++)
		if ((mask >> i & 1) != 0)
			out[i] = false;	/* what was out comes back, stale */
	memory_set_restart(ms, out);
	lost += !same(ms, "w", size, skip, &e);
	if (e == EC_OK)
		wrong_bytes += !same(ms, "w", size, skip, &e);
}

static void
deletes(struct memory_set *ms, unsigned mask)
{
	bool out[SET_DRIVES_MAX];
	unsigned off = memory_set_out(ms, mask, out);
	bool may = ms->n - off >= quorum_meta(ms->n);
	size_t len;
	uint8_t *got;
	enum err e;

	memory_set_restart(ms, NULL);
	memory_set_put(ms, "d", data, SMALL, 0, true);
	memory_set_restart(ms, out);
	e = delete_null(ms->set, MEMORY_SET_BUCKET, "d");
	wrong_writes += may ? e != EC_OK : e != EC_EQUORUM;
	/* Those that missed it come back and do not resurrect. */
	memory_set_restart(ms, NULL);
	e = memory_set_get(ms, "d", &got, &len);
	wrong_reads += e != (may ? EC_ENOTFOUND : EC_OK);
	free(got);
}

static void
run(unsigned n, int parity, unsigned samples)
{
	unsigned all = 1u << n, count = samples < all ? samples : all;
	struct memory_set ms;

	wrong_reads = wrong_writes = wrong_bytes = lost = 0;
	memory_set_init(&ms, n, parity);
	memory_set_put(&ms, "small", data, SMALL, 0, true);
	memory_set_put(&ms, "large", data, LARGE, 0, true);
	for (unsigned i = 0; i < count; i++) {
		unsigned mask = samples < all ? (unsigned)random() % all : i;

		if (samples < all && i % 2 == 0)	/* fewer out */
			mask &= (unsigned)random();
		reads(&ms, mask, (unsigned)parity);
		writes(&ms, mask, parity, i);
		deletes(&ms, mask);
	}
	tap_is_u64(wrong_reads, 0, "%u+%d: %u subsets: reads as the rule says",
	    n - (unsigned)parity, parity, count);
	tap_is_u64(wrong_writes, 0, "... writes as the quorum says");
	tap_is_u64(lost, 0, "... a degraded write survives m drives in all");
	tap_is_u64(wrong_bytes, 0, "... never other bytes");
	memory_set_release(&ms);
}

static enum err
list_all(struct memory_set *ms, unsigned *n)
{
	struct list_params p = { .bucket = MEMORY_SET_BUCKET, .limit = 10 };
	struct list *l = NULL;
	bool more;
	enum err e = list_page(&l, ms->set, &p, &more);

	*n = e == EC_OK ? list_count(l) : 0;
	list_free(l);
	return e;
}

/* A drive in the place of another that is not filled yet. */
static void
replace(struct memory_set *ms, unsigned slot)
{
	struct lane *l = set_lane(ms->set, slot);

	lane_detach(l);
	memory_disk_wipe(ms->disk[slot]);
	memory_disk_filling(ms->disk[slot], true);
	lane_set_filling(l, true);
	if (lane_attach(l, memory_disk_drive(ms->disk[slot])) != EC_OK)
		abort();
}

static void
not_filled(void)
{
	struct filling filling;
	struct memory_set ms;
	unsigned n;
	enum err e;

	memory_set_init(&ms, 4, 2);
	memory_set_put(&ms, "small", data, SMALL, 0, true);
	memory_set_put(&ms, "other", data, SMALL, 0, true);
	replace(&ms, 1);
	replace(&ms, 2);
	tap_ok(same(&ms, "small", SMALL, 0, &e), "two drives are replaced");
	same(&ms, "none", 0, 0, &e);
	tap_is_u64(e, EC_ENOTFOUND, "... what is not there is not there");
	tap_is_u64(list_all(&ms, &n), EC_OK, "... and a list is whole");
	tap_is_u64(n, 2, "... of both keys");
	lane_detach(set_lane(ms.set, 0));
	same(&ms, "none", 0, 0, &e);
	tap_is_u64(e, EC_EQUORUM, "... but with a third gone nobody knows");
	lane_detach(set_lane(ms.set, 3));
	tap_ok(same(&ms, "small", SMALL, 0, &e), "... what was read is healed");
	same(&ms, "other", SMALL, 0, &e);
	tap_is_u64(e, EC_EQUORUM, "... of what was not nobody knows any more");
	tap_is_u64(list_all(&ms, &n), EC_EQUORUM, "... nor what to list");
	tap_is_u64(filling_look(ms.set, &filling), EC_OK, "they say so");
	tap_ok(filling.is[1] && filling.is[2] && !filling.is[0],
	    "... each for itself");
	filling_done(ms.set, &filling);
	tap_ok(!filling_any(ms.set) && filling_look(ms.set, NULL) == EC_OK &&
	    !filling_any(ms.set), "... until they are filled");
	memory_set_release(&ms);
}

/* A small write is given to drives that came back while it waited for its
 * lock: it was opened with the parity of a set that lacks them. */
static void
back_in_time(void)
{
	struct put_params p = { .bucket = MEMORY_SET_BUCKET, .key = "late",
		.size = SMALL, .parity = -1 };
	struct object o = OBJECT_INIT;
	struct put *put = NULL;
	struct memory_set ms;
	enum err e;

	memory_set_init(&ms, 4, -1);
	memory_disk_offline(ms.disk[0], true);
	same(&ms, "none", 0, 0, &e);
	while (lane_state(set_lane(ms.set, 0)) == LANE_ONLINE)
		same(&ms, "none", 0, 0, &e);
	if (put_open(&put, ms.set, &p) != EC_OK ||
	    put_write(put, data, SMALL) != EC_OK ||
	    put_finish(put, NULL) != EC_OK)
		abort();
	memory_disk_offline(ms.disk[0], false);
	memory_set_settle(&ms);
	e = put_commit(put, NULL, &o);
	put_free(put);
	object_release(&o);
	memory_set_settle(&ms);
	tap_ok(e == EC_OK && memory_disk_rows(ms.disk[0], DRIVE_VERSIONS) == 1,
	    "a drive that came back has what was committed since");
	tap_ok(same(&ms, "late", SMALL, 0, &e), "and it is read");
	memory_set_release(&ms);
}

int
main(void)
{
	const char *seed = getenv("EC_SEED");
	unsigned s = seed != NULL ? (unsigned)strtoul(seed, NULL, 0) :
	    (unsigned)clock_real_us();

	tap_note("EC_SEED=%u", s);
	srandom(s);
	data = malloc(LARGE + 1000);
	memory_set_fill(data, LARGE + 1000, 1);
	run(1, 0, 16);
	run(2, 1, 16);
	run(3, 1, 16);
	run(4, 2, 16);
	run(4, 1, 16);
	run(5, 2, 32);
	run(12, 4, 60);
	not_filled();
	back_in_time();
	free(data);
	return tap_done();
}
