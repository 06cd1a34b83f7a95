/* scan: what a page shows is only suspected, because its drives were not asked
 * at one moment; a suspect key is looked at anew before it is reported. */
#include "set/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "set/heal_merge.h"
#include "set/heal_version.h"
#include "set/scan_impl.h"

enum {
	YOUNG_US = 5 * 1000000,		/* a write may be under way */
	YOUNG_WAIT_MS = 300,
	PROGRESS_EVERY = 16,		/* keys, or */
	PROGRESS_BYTES = 16 * 1024 * 1024,
	NAP_US = 200 * 1000,		/* between questions whether to stop */
};

static const char *const what_text[] = {
	[SCAN_DEGRADED] = "degraded", [SCAN_DAMAGED] = "damaged",
	[SCAN_LOST] = "lost", [SCAN_UNDECIDED] = "undecided",
	[SCAN_LITTER] = "litter", [SCAN_DRIVE] = "drive",
};

const char *
scan_what_text(enum scan_what w)
{
	return what_text[w];
}

bool
scan_what_parse(enum scan_what *out, const char *text)
{
	for (unsigned i = 0; i < sizeof what_text / sizeof *what_text; i++) {
		if (strcmp(text, what_text[i]) != 0)
			continue;
		*out = (enum scan_what)i;
		return true;
	}
	return false;
}

static void
sleep_us(uint64_t us)
{
	struct timespec ts = { (time_t)(us / 1000000),
		(long)(us % 1000000) * 1000 };

	nanosleep(&ts, NULL);
}

static void
found_count(struct scan *sc, enum scan_what what)
{
	uint64_t *const count[] = {
		[SCAN_DEGRADED] = &sc->out->degraded,
		[SCAN_DAMAGED] = &sc->out->damaged,
		[SCAN_LOST] = &sc->out->lost,
		[SCAN_UNDECIDED] = &sc->out->undecided,
		[SCAN_LITTER] = &sc->out->litter,
		[SCAN_DRIVE] = &sc->out->drives,
	};

	++*count[what];
	sc->worst = heal_worse(sc->worst,
	    what == SCAN_LOST ? EC_ELOST : EC_EDEGRADED);
}

void
scan_found(struct scan *sc, const struct scan_finding *f)
{
	found_count(sc, f->what);
	if (sc->p->found != NULL)
		sc->p->found(sc->p->ctx, f);
}

static enum scan_what
report_what(const struct heal_report *r)
{
	if (r->lost)
		return SCAN_LOST;
	if (r->undecided)
		return SCAN_UNDECIDED;
	for (unsigned i = 0; i < r->drives; i++)
		if (r->before[i] == HEAL_CORRUPT)
			return SCAN_DAMAGED;
	return SCAN_DEGRADED;
}

/* "2 of 4 drives: /d3 missing, /d4 corrupt" */
static void
report_text(struct scan *sc, struct scan_finding *f)
{
	const struct heal_report *r = &f->report;
	const char *comma = "";
	unsigned bad = 0;
	size_t at;

	for (unsigned i = 0; i < r->drives; i++)
		bad += r->before[i] != HEAL_OK;
	snprintf(f->text, sizeof f->text, "%u of %u drives:", bad, r->drives);
	for (unsigned i = 0; i < r->drives; i++) {
		if (r->before[i] == HEAL_OK)
			continue;
		at = strlen(f->text);
		snprintf(f->text + at, sizeof f->text - at, "%s %s %s", comma,
		    lane_name(set_lane(sc->set, i)),
		    heal_state_text(r->before[i]));
		comma = ",";
	}
}

/* Of one drive alone only what it lacks is wanted. */
static bool
is_bad(const struct scan *sc, const struct heal_report *r)
{
	return heal_report_bad(r) && (sc->only < 0 ||
	    (r->before[sc->only] != HEAL_OK &&
	    r->before[sc->only] != HEAL_OFFLINE));
}

static void
scan_report(void *ctx, const struct heal_report *r)
{
	struct scan *sc = ctx;
	struct scan_finding f = { .report = *r };

	if (!is_bad(sc, r))
		return;
	f.what = report_what(r);
	report_text(sc, &f);
	scan_found(sc, &f);
}

/* Of the first look: counts, and whether a second is due. */
static void
scan_glance(void *ctx, const struct heal_report *r)
{
	struct scan *sc = ctx;

	sc->out->versions++;
	sc->out->bytes += r->bytes_read;
	if (!is_bad(sc, r))
		return;
	sc->suspect = true;
	if (clock_hlc_us(r->version.hlc) + YOUNG_US > clock_real_us())
		sc->young = true;
}

unsigned
scan_flags(const struct scan *sc)
{
	return HEAL_DRY | (sc->p->deep || sc->p->known ? HEAL_DEEP : 0) |
	    (sc->only >= 0 ? HEAL_ONE * ((unsigned)sc->only + 1) : 0);
}

struct heal_watch
scan_watch(struct scan *sc)
{
	return (struct heal_watch){ .each = scan_report, .ctx = sc };
}

static enum err
scan_again(struct scan *sc, const char *bucket, const char *key)
{
	const struct heal_watch watch = scan_watch(sc);

	if (sc->young)
		sleep_us(YOUNG_WAIT_MS * 1000);
	return heal_key(sc->set, bucket, key, NULL, scan_flags(sc),
	    &watch);
}

enum err
scan_twice(struct scan *sc, const char *bucket, const char *key)
{
	const struct heal_watch watch = { .each = scan_glance, .ctx = sc };
	enum err e;

	sc->suspect = sc->young = false;
	e = heal_key(sc->set, bucket, key, NULL, scan_flags(sc), &watch);
	if (sc->suspect)
		e = scan_again(sc, bucket, key);
	return e == EC_ENOMEM ? e : EC_OK;
}

static bool
scan_canceled(struct scan *sc)
{
	sc->told_bytes = sc->out->bytes;
	return sc->p->progress != NULL && sc->p->progress(sc->p->ctx,
	    sc->out->versions, sc->out->bytes);
}

enum err
scan_pace(struct scan *sc)
{
	uint64_t bytes = sc->out->bytes - sc->began_bytes, due, took;

	if ((sc->keys++ % PROGRESS_EVERY == 0 ||
	    sc->out->bytes - sc->told_bytes > PROGRESS_BYTES) &&
	    scan_canceled(sc))
		return EC_ECANCELED;
	if (sc->p->rate == 0)
		return EC_OK;
	due = (uint64_t)((double)bytes * 1e6 / (double)sc->p->rate);
	while (due > (took = clock_mono_us() - sc->began_us)) {
		sleep_us(num_min(due - took, NAP_US));
		if (scan_canceled(sc))
			return EC_ECANCELED;
	}
	return EC_OK;
}

static enum err
group_names(struct scan *sc, const struct resolve_input group[])
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < set_drives(sc->set); i++)
		for (unsigned j = 0; j < group[i].n && e == EC_OK; j++)
			e = scan_names_add(&sc->names, &group[i].rec[j]);
	return e;
}

static bool
is_older(const struct scan *sc, const struct resolve_input group[])
{
	for (unsigned i = 0; i < set_drives(sc->set); i++)
		for (unsigned j = 0; j < group[i].n; j++)
			if (clock_hlc_us(group[i].rec[j].stamp.hlc) >=
			    sc->p->since_us)
				return false;
	return true;
}

/* What was looked at is where another scan may go on. */
static void
scan_at(struct scan *sc, const struct record *r)
{
	memcpy(sc->out->at_bucket, r->bucket, strlen(r->bucket) + 1);
	memcpy(sc->out->at_key, r->key, strlen(r->key) + 1);
}

static enum err
scan_key(struct scan *sc, struct heal_census *c,
    const struct resolve_input group[], const struct record *first, bool cut)
{
	const struct heal_watch watch = { .each = scan_glance, .ctx = sc };
	enum err e;

	sc->suspect = sc->young = false;
	if (cut)
		return scan_again(sc, first->bucket, first->key);
	if ((e = group_names(sc, group)) != EC_OK ||
	    (e = heal_census_judge(c, group, set_drives(sc->set))) != EC_OK)
		return e;
	sc->blind = sc->blind || c->silent > 0;
	if (is_older(sc, group))
		return EC_OK;
	e = heal_census_key(sc->set, c, NULL, scan_flags(sc), &watch);
	if (sc->suspect)
		e = scan_again(sc, first->bucket, first->key);
	return e == EC_ENOMEM ? e : EC_OK;
}

static enum err
scan_versions(struct scan *sc)
{
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = sc->p->bucket,
		.prefix = sc->p->prefix, .want_parts = true,
		.after_bucket = sc->p->after_bucket,
		.after_key = sc->p->after_key,
	};
	struct resolve_input group[SET_DRIVES_MAX];
	struct heal_census c = HEAL_CENSUS_INIT;
	const struct record *first;
	struct heal_walk w;
	bool cut;
	enum err e;

	heal_walk_init(&w, sc->set, &q);
	while ((e = heal_walk_next(&w, group, &first, &cut)) == EC_OK &&
	    first != NULL) {
		if ((e = scan_key(sc, &c, group, first, cut)) != EC_OK)
			break;
		scan_at(sc, first);
		if ((e = scan_pace(sc)) != EC_OK)
			break;
	}
	heal_walk_release(&w);
	heal_census_release(&c);
	return e;
}

/* The names that an earlier scan, whose work goes on here, has seen. */
static enum err
scan_early_names(struct scan *sc)
{
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .want_parts = true,
	};
	struct resolve_input group[SET_DRIVES_MAX];
	const struct record *first;
	struct heal_walk w;
	bool cut;
	enum err e;

	heal_walk_init(&w, sc->set, &q);
	while ((e = heal_walk_next(&w, group, &first, &cut)) == EC_OK &&
	    first != NULL) {
		sc->blind = sc->blind || w.silent > 0 || cut;
		if (!cut && (e = group_names(sc, group)) != EC_OK)
			break;
		if (strcmp(first->bucket, sc->p->after_bucket) == 0 &&
		    strcmp(first->key, sc->p->after_key) >= 0)
			break;
	}
	heal_walk_release(&w);
	return e;
}

/* What uploads under way name is no litter. */
static enum err
scan_part_names(struct scan *sc)
{
	const struct drive_query q = {
		.table = DRIVE_UPLOADS, .want_parts = true,
	};
	struct resolve_input group[SET_DRIVES_MAX], parts[SET_DRIVES_MAX];
	const struct record *first;
	struct heal_walk w;
	bool cut;
	enum err e;

	heal_walk_init(&w, sc->set, &q);
	while ((e = heal_walk_next(&w, group, &first, &cut)) == EC_OK &&
	    first != NULL) {
		const struct drive_query pq = {
			.table = DRIVE_PARTS, .bucket = first->bucket,
			.key = first->key, .target = first->target,
			.want_parts = true, .limit = RECORD_PARTS_MAX,
		};
		struct ask a = ASK_INIT;

		if ((e = heal_ask(&a, sc->set, &pq)) == EC_OK) {
			ask_input(&a, parts);
			for (unsigned i = 0; i < w.merge.drives; i++)
				sc->blind = sc->blind || parts[i].silent;
			e = group_names(sc, parts);
		}
		ask_release(&a);
		if (e != EC_OK)
			break;
	}
	heal_walk_release(&w);
	return e;
}

static void
litter_found(void *ctx, const struct drive_shard_info *info)
{
	struct scan *sc = ctx;
	struct scan_finding f = { .what = SCAN_LITTER, .drive = sc->drive };
	char name[UUID_TEXT_BYTES];

	uuid_text(name, &info->data);
	snprintf(f.text, sizeof f.text, "shard %u of %s, %llu bytes, named by "
	    "no record", info->index, name, (unsigned long long)info->bytes);
	scan_found(sc, &f);
}

/* With a drive away nothing is called litter: its record may be there. */
static enum err
scan_all_litter(struct scan *sc)
{
	uint64_t before = clock_real_us() -
	    (uint64_t)sc->p->litter_age_s * 1000000;
	enum err e;

	if (sc->p->after_bucket != NULL && !sc->blind &&
	    (e = scan_early_names(sc)) != EC_OK)
		return e;
	if ((e = scan_part_names(sc)) != EC_OK || sc->blind)
		return e;
	for (unsigned i = 0; i < set_drives(sc->set); i++) {
		struct lane *l = set_lane(sc->set, i);

		if (lane_state(l) != LANE_ONLINE ||
		    (sc->only >= 0 && (unsigned)sc->only != i))
			continue;
		sc->drive = lane_name(l);
		/* A drive that fails now is a finding of its own. */
		scan_litter(l, &sc->names, before, litter_found, sc);
	}
	return EC_OK;
}

/* All of it. */
static enum err
scan_whole(struct scan *sc)
{
	const struct heal_watch watch = scan_watch(sc);
	enum err e = scan_versions(sc);

	if (e != EC_OK || sc->p->bucket != NULL)
		return e;
	heal_buckets(sc->set, scan_flags(sc), &watch);
	heal_uploads(sc->set, NULL, NULL, scan_flags(sc), &watch);
	return scan_all_litter(sc);
}

enum err
scan_set(struct set *s, const struct scan_params *p, struct scan_result *out)
{
	struct scan sc = {
		.set = s, .p = p, .out = out, .began_us = clock_mono_us(),
		.began_bytes = out->bytes, .only = p->only,
	};
	enum err e;

	snprintf(out->at_bucket, sizeof out->at_bucket, "%s",
	    p->after_bucket != NULL ? p->after_bucket : "");
	snprintf(out->at_key, sizeof out->at_key, "%s",
	    p->after_bucket != NULL ? p->after_key : "");
	e = p->known ? scan_known(&sc) : scan_whole(&sc);
	scan_drives(&sc);
	if (p->progress != NULL)
		p->progress(p->ctx, out->versions, out->bytes);
	scan_names_release(&sc.names);
	return e != EC_OK ? e : sc.worst;
}

enum err
scan_count(struct set *s, const char *bucket, const char *prefix,
    uint64_t *versions)
{
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = bucket, .prefix = prefix,
	};
	struct resolve_input group[SET_DRIVES_MAX];
	const struct record *first;
	struct heal_walk w;
	bool cut;
	enum err e;

	*versions = 0;
	heal_walk_init(&w, s, &q);
	while ((e = heal_walk_next(&w, group, &first, &cut)) == EC_OK &&
	    first != NULL) {
		unsigned most = 0;

		for (unsigned i = 0; !cut && i < set_drives(s); i++)
			if (group[i].n > most)
				most = group[i].n;
		*versions += most;
	}
	heal_walk_release(&w);
	return e;
}
