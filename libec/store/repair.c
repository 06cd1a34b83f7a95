/* repair: see the header.
 *
 * 1. That a set is to be walked because it was given a new drive is an entry of
 *    its heal queue, without bucket and key: it outlives this process, and goes
 *    when a walk left nothing to do.
 * 2. A drive without a record beside drives that have some is new, even when
 *    nobody had the time to write that entry. */
#include "store/repair.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "set/heal_merge.h"
#include "set/heal_queue.h"

enum {
	QUEUE_PAGE = 64,
	PENDING_LOOK_MS = 100,
	AGAIN_US = 3600u * 1000000u,	/* what could not be healed */
};

struct repair_set {
	struct stamp after;	/* heal entries up to here were tried */
	uint32_t online;	/* slots, when they were */
	uint64_t began_us;
};

struct repair {
	struct store *st;
	struct repair_set *set;
	bool begun;
};

/* One run. */
struct run {
	struct repair *r;
	const struct repair_params *p;
	struct repair_result *out;
	bool canceled;
	/* What a dry look at one key showed. */
	bool suspect;
	uint64_t glanced, glanced_bytes;
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

static unsigned
run_flags(const struct run *run)
{
	return (run->p->dry ? HEAL_DRY : 0) | (run->p->deep ? HEAL_DEEP : 0);
}

static void
run_report(void *ctx, const struct heal_report *r)
{
	struct run *run = ctx;
	bool whole = true;

	run->out->looked++;
	run->out->bytes += r->bytes + r->bytes_read;
	if (!heal_report_bad(r))
		return;
	for (unsigned i = 0; i < r->drives; i++)
		whole = whole && (r->after[i] == HEAL_OK ||
		    r->after[i] == HEAL_OFFLINE);
	if (r->lost)
		run->out->lost++;
	else if (r->undecided)
		run->out->undecided++;
	else if (whole)
		run->out->healed++;
	else
		run->out->left++;
	if (run->p->each != NULL)
		run->p->each(run->p->ctx, r);
}

static enum err
run_step(struct run *run)
{
	if (!run->canceled && run->p->progress != NULL)
		run->canceled = run->p->progress(run->p->ctx,
		    run->out->looked, run->out->bytes);
	return run->canceled ? EC_ECANCELED : EC_OK;
}

/* Remains of a write that may be under way are no reason to worry. */
static enum err
calm(enum err e)
{
	return e == EC_EBUSY ? EC_OK : e;
}

static void
glance_report(void *ctx, const struct heal_report *r)
{
	struct run *run = ctx;

	run->suspect = run->suspect || heal_report_bad(r);
	run->glanced++;
	run->glanced_bytes += r->bytes_read;
}

/* Every live version's record where it should be: cheap, and with a new drive
 * seldom so. */
static bool
records_whole(const struct heal_census *c)
{
	for (unsigned i = 0; i < c->version_count; i++) {
		const struct heal_version *v = &c->versions[i];

		if (v->fate != HEAL_LIVE)
			return false;
		for (unsigned j = 0; j < c->drives; j++)
			if (c->answered[j] &&
			    !heal_version_recorded(v, j, c->drives))
				return false;
	}
	return true;
}

/* A page's key: what looks bad in it is healed from what the drives say then,
 * not from the page. */
static enum err
walk_key(struct run *run, struct set *s, struct heal_census *c,
    const struct resolve_input group[], const struct record *first, bool cut)
{
	enum err e;

	run->suspect = true;
	run->glanced = run->glanced_bytes = 0;
	if (!cut) {
		if ((e = heal_census_judge(c, group, set_drives(s))) != EC_OK)
			return e;
		if (records_whole(c)) {
			run->suspect = false;
			heal_census_key(s, c, NULL, run_flags(run) | HEAL_DRY,
			    glance_report, run);
		}
	}
	if (!run->suspect) {
		run->out->looked += run->glanced;
		run->out->bytes += run->glanced_bytes;
		return EC_OK;
	}
	return calm(heal_key(s, first->bucket, first->key, NULL,
	    run_flags(run), run_report, run));
}

static enum err
walk_versions(struct run *run, struct set *s)
{
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = run->p->bucket,
		.prefix = run->p->prefix, .want_parts = true,
	};
	struct resolve_input group[SET_DRIVES_MAX];
	struct heal_census c = HEAL_CENSUS_INIT;
	enum err e, worst = EC_OK;
	const struct record *first;
	struct heal_walk w;
	bool cut;

	heal_walk_init(&w, s, &q);
	while ((e = heal_walk_next(&w, group, &first, &cut)) == EC_OK &&
	    first != NULL) {
		e = walk_key(run, s, &c, group, first, cut);
		worst = heal_worse(worst, e);
		if (e == EC_ENOMEM || (e = run_step(run)) != EC_OK)
			break;
	}
	heal_walk_release(&w);
	heal_census_release(&c);
	return heal_worse(worst, e);
}

static enum err
walk_set(struct run *run, struct set *s)
{
	enum err e = EC_OK;

	if (run->p->bucket == NULL || run->p->prefix == NULL)
		e = heal_buckets(s, run_flags(run), run_report, run);
	if (run->p->bucket == NULL)
		e = heal_worse(e, heal_uploads(s, NULL, NULL, run_flags(run),
		    run_report, run));
	return heal_worse(calm(e), walk_versions(run, s));
}

/* Something is said to be wrong: if that is not seen at once, all of it is
 * verified. */
static enum err
heal_suspect(struct run *run, struct set *s, const char *bucket,
    const char *key, const struct stamp *version)
{
	run->suspect = false;
	if ((run_flags(run) & HEAL_DEEP) == 0)
		heal_key(s, bucket, key, version, HEAL_DRY, glance_report,
		    run);
	return heal_key(s, bucket, key, version, run_flags(run) |
	    (run->suspect ? 0 : HEAL_DEEP), run_report, run);
}

static enum err
heal_one(struct run *run, struct set *s, const char *bucket, const char *key,
    const struct stamp *version)
{
	enum err e;

	if (key[0] == '\0')
		return heal_buckets(s, run_flags(run), run_report, run);
	e = heal_suspect(run, s, bucket, key, version);
	return heal_worse(e, heal_uploads(s, bucket, key, run_flags(run),
	    run_report, run));
}

static enum err
queue_item(struct run *run, struct set *s, const struct heal_item *item)
{
	enum err e;

	if (item->bucket[0] == '\0')
		e = walk_set(run, s);
	else
		e = heal_one(run, s, item->bucket, item->key, NULL);
	if (e == EC_OK && !run->p->dry)
		heal_queue_done(s, item);
	return calm(e);
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

/* The queue of one set, from where it is worth trying. */
static enum err
queue_work(struct run *run, struct set *s, struct repair_set *rs)
{
	uint64_t now = clock_mono_us();
	enum err e = EC_OK, worst = EC_OK;
	struct heal_item *item;
	unsigned n = 1;

	if (set_online(s) != rs->online || now - rs->began_us > AGAIN_US) {
		rs->after = (struct stamp){ 0, 0 };
		rs->online = set_online(s);
		rs->began_us = now;
	}
	while (n > 0 && e != EC_ECANCELED && e != EC_ENOMEM) {
		e = heal_queue_list(s, &rs->after, QUEUE_PAGE, &item, &n);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			rs->after = item[i].noted;
			worst = heal_worse(worst, queue_item(run, s,
			    &item[i]));
			e = run_step(run);
		}
		free(item);
		if (e != EC_OK)
			n = 0;
	}
	return heal_worse(worst, e);
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
run_set(struct run *run, unsigned i)
{
	struct set *s = store_set(run->r->st, i);
	enum err e = EC_OK;

	if ((!run->r->begun || run->out->fresh > 0) && !run->p->dry)
		e = mark_new(s);
	if (e == EC_OK && run->p->walk) {
		struct stamp began = stamp_new();

		e = walk_set(run, s);
		if (e == EC_OK && run->p->bucket == NULL && !run->p->dry)
			e = queue_clear(s, &began);
		return e;
	}
	if (e == EC_OK)
		e = queue_work(run, s, &run->r->set[i]);
	return e;
}

/* Take in the drives that are there, or let their owner do so. */
static enum err
take_in(struct run *run)
{
	const struct timespec ts = { 0, PENDING_LOOK_MS * 1000000L };
	uint64_t until = clock_mono_us() + run->p->wait_ms * UINT64_C(1000);
	enum err e;

	for (;;) {
		e = store_check_drives(run->r->st, run->p->refill,
		    &run->out->fresh);
		if (e != EC_OK || !run->p->refill || clock_mono_us() >= until ||
		    !store_drives_pending(run->r->st))
			return e;
		nanosleep(&ts, NULL);
	}
}

enum err
repair_run(struct repair *r, const struct repair_params *p,
    struct repair_result *out)
{
	struct run run = { .r = r, .p = p, .out = out };
	enum err e = EC_OK;

	memset(out, 0, sizeof *out);
	if (!p->dry)
		e = take_in(&run);
	for (unsigned i = 0; i < store_sets(r->st); i++) {
		e = heal_worse(e, run_set(&run, i));
		if (e == EC_ECANCELED || e == EC_ENOMEM)
			break;
	}
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
	struct run run = { .r = r, .p = p, .out = out };

	enum err e = EC_OK;

	if (key[0] != '\0')
		return calm(heal_one(&run, store_set_of(r->st, bucket, key),
		    bucket, key, version));
	for (unsigned i = 0; i < store_sets(r->st); i++)
		e = heal_worse(e, heal_one(&run, store_set(r->st, i), bucket,
		    key, version));
	return e;
}
