/* repair: see the header.
 *
 * 1. That a set is to be walked because it was given a new drive is an entry of
 *    its heal queue, without bucket and key: it outlives this process, and goes
 *    when a walk left nothing to do.
 * 2. A process that was killed had no time to queue what it left half done: so
 *    its drives have an entry that says since when they are to be compared
 *    (local_closed.c).  It may have been a tool beside a server, too: the
 *    tables of buckets and uploads, which are small, are looked at whole in the
 *    first run.
 * 3. An entry may come later than its stamp says, because its commit waited for
 *    votes or for drives: so those of the last half minute are tried again.
 * 4. A drive without a record beside drives that have some is new, even when
 *    nobody had the time to write that entry. */
#include "store/repair.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "set/filling.h"
#include "set/heal_census.h"
#include "set/heal_queue.h"
#include "store/repair_work.h"

enum {
	QUEUE_PAGE = 64,
	PENDING_LOOK_MS = 100,
	AGAIN_US = 3600u * 1000000u,	/* what could not be healed */
	BACK_EVERY_US = 10 * 1000000,
	BACK_US = 30 * 1000000,
};

struct repair_set {
	struct stamp after;	/* heal entries up to here were tried */
	uint32_t online;	/* slots, when they were */
	uint64_t began_us, back_us;
};

struct repair {
	struct store *st;
	struct repair_set *set;
	bool begun;
};

enum err
repair_new(struct repair **out, struct store *st)
{
	struct repair *r = calloc(1, sizeof *r);

	if (r == NULL)
		return EC_ENOMEM;
	r->st = st;
	r->set = mem_array(store_sets(st), sizeof *r->set);
	if (r->set == NULL) {
		free(r);
		return EC_ENOMEM;
	}
	*out = r;
	return EC_OK;
}

void
repair_free(struct repair *r)
{
	if (r != NULL)
		free(r->set);
	free(r);
}

static uint32_t
set_online(struct set *s)
{
	uint32_t online = 0;

	for (unsigned i = 0; i < set_drives(s); i++)
		if (lane_state(set_lane(s, i)) == LANE_ONLINE)
			online |= UINT32_C(1) << i;
	return online;
}

/* Invariant 3. */
static void
look_back(struct repair_set *rs, uint64_t now)
{
	const struct stamp back = { clock_hlc() -
	    ((uint64_t)BACK_US << 12), 0 };	/* clock.h */

	if (now - rs->back_us < BACK_EVERY_US)
		return;
	rs->back_us = now;
	if (stamp_cmp(&rs->after, &back) > 0)
		rs->after = back;
}

/* The queue of one set, from where it is worth trying. */
static enum err
queue_work(struct repair_work *w, struct set *s, struct repair_set *rs)
{
	uint64_t now = clock_mono_us();

	if (set_online(s) != rs->online || now - rs->began_us > AGAIN_US) {
		rs->after = (struct stamp){ 0, 0 };
		rs->online = set_online(s);
		rs->began_us = now;
	}
	look_back(rs, now);
	return repair_work_queue(w, s, &rs->after);
}

/* All is whole: what was noted before ${began} is done. */
static enum err
queue_clear(struct set *s, const struct stamp *began)
{
	struct stamp after = { 0, 0 };
	struct heal_item *item;
	unsigned n = 1;
	enum err e = EC_OK;

	while (n > 0 && e == EC_OK && stamp_cmp(&after, began) < 0) {
		e = heal_queue_list(s, &after, QUEUE_PAGE, &item, &n);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			after = item[i].noted;
			if (stamp_cmp(&after, began) < 0)
				e = heal_queue_done(s, &item[i]);
		}
		free(item);
	}
	return e;
}

/* Which drives have any row of a table. */
static enum err
set_rows(struct set *s, enum drive_table table, bool has[], unsigned *some)
{
	const struct drive_query q = { .table = table, .limit = 1 };
	struct resolve_input in[SET_DRIVES_MAX];
	struct ask a = ASK_INIT;
	enum err e;

	if ((e = heal_ask(&a, s, &q)) == EC_OK) {
		ask_input(&a, in);
		for (unsigned i = 0; i < set_drives(s); i++) {
			has[i] = has[i] || in[i].silent || in[i].n > 0;
			*some += in[i].n;
		}
	}
	ask_release(&a);
	return e;
}

/* See to it that a set with a new drive is walked. */
static enum err
mark_new(struct set *s)
{
	const struct stamp all = { 0, 0 };
	bool has[SET_DRIVES_MAX] = { false };
	unsigned some = 0;
	enum err e;

	if ((e = set_rows(s, DRIVE_VERSIONS, has, &some)) != EC_OK ||
	    (e = set_rows(s, DRIVE_BUCKETS, has, &some)) != EC_OK)
		return e;
	for (unsigned i = 0; some > 0 && i < set_drives(s); i++) {
		if (has[i])
			continue;
		log_info("%s: empty, its set will be healed",
		    lane_name(set_lane(s, i)));
		return heal_queue_mark(s, "", "", &all);
	}
	return EC_OK;
}

static unsigned
drives_away(struct store *st)
{
	unsigned away = 0;

	for (unsigned i = 0; i < store_sets(st); i++) {
		struct set *s = store_set(st, i);

		for (unsigned j = 0; j < set_drives(s); j++)
			away += lane_state(set_lane(s, j)) != LANE_ONLINE;
	}
	return away;
}

static enum err
run_set(struct repair *r, struct repair_work *w, unsigned i)
{
	struct set *s = store_set(r->st, i);
	struct stamp began = stamp_new();
	enum err e = EC_OK;

	if (filling_any(s))	/* another process may have filled it */
		e = filling_look(s, NULL);
	if (e == EC_OK && (!r->begun || w->out->fresh > 0) && !w->p->dry)
		e = mark_new(s);
	if (e != EC_OK)
		return e;
	if (!w->p->walk) {
		e = queue_work(w, s, &r->set[i]);
		if (r->begun || e == EC_ECANCELED || e == EC_ENOMEM)
			return e;
		return heal_worse(e, repair_work_tables(w, s));
	}
	e = repair_work_walk(w, s);
	if (e == EC_OK && w->p->bucket == NULL && !w->p->dry)
		e = queue_clear(s, &began);
	return e;
}

/* Take in the drives that are there, or let their owner do so. */
static enum err
take_in(struct repair *r, const struct repair_params *p,
    struct repair_result *out)
{
	const struct timespec ts = { 0, PENDING_LOOK_MS * 1000000L };
	uint64_t until = clock_mono_us() + p->wait_ms * UINT64_C(1000);
	unsigned fresh;
	enum err e;

	for (;;) {
		e = store_check_drives(r->st, p->refill, &fresh);
		out->fresh += fresh;
		if (e != EC_OK || !p->refill || clock_mono_us() >= until ||
		    !store_drives_pending(r->st))
			return e;
		nanosleep(&ts, NULL);
	}
}

enum err
repair_run(struct repair *r, const struct repair_params *p,
    struct repair_result *out)
{
	struct repair_work w;
	enum err e;

	memset(out, 0, sizeof *out);
	if ((e = repair_work_init(&w, p, out)) != EC_OK)
		return e;
	if (!p->dry && !p->attended)
		e = take_in(r, p, out);
	for (unsigned i = 0; i < store_sets(r->st); i++) {
		e = heal_worse(e, run_set(r, &w, i));
		if (e == EC_ECANCELED || e == EC_ENOMEM)
			break;
	}
	repair_work_release(&w);
	r->begun = true;
	out->away = drives_away(r->st);
	if (out->away > 0)
		e = heal_worse(e, EC_EDEGRADED);
	return e;
}

enum err
repair_one(struct repair *r, const struct repair_params *p,
    const char *bucket, const char *key, const struct stamp *version,
    struct repair_result *out)
{
	struct repair_work w;
	struct set *set = NULL;
	enum err e;

	if (key[0] != '\0' &&
	    (e = store_place(r->st, bucket, key, &set)) != EC_OK)
		return e;
	if ((e = repair_work_init(&w, p, out)) != EC_OK)
		return e;
	if (set != NULL)
		e = repair_work_one(&w, set, bucket, key, version);
	for (unsigned i = 0; key[0] == '\0' && i < store_sets(r->st); i++)
		e = heal_worse(e, repair_work_one(&w, store_set(r->st, i),
		    bucket, key, version));
	repair_work_release(&w);
	return e == EC_EBUSY ? EC_OK : e;
}
