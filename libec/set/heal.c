/* heal: one key at a time.
 *
 * 1. Nothing is purged unless every drive of the set answered and all live
 *    versions of the key are whole on all of them.
 * 2. A write that failed looks like one that is under way, so it is purged only
 *    when it is HEAL_FAILED_AGE_S old. */
#include "set/heal.h"

#include <string.h>

#include "base/clock.h"
#include "set/heal_born.h"
#include "set/heal_census.h"
#include "set/heal_outbox.h"
#include "set/heal_version.h"

enum {
	HEAL_FAILED_AGE_S = 3600,
	HEAL_TOMBSTONE_AGE_S = 7 * 86400,
	KEY_RECORDS_MAX = 10000,	/* of a key on a drive, in one answer */
	KEY_RECORDS_FEW = 4,		/* with their inline data */
};

enum err
heal_worse(enum err a, enum err b)
{
	static const enum err order[] = {
		EC_ENOMEM, EC_ECANCELED, EC_ELOST, EC_EQUORUM, EC_EFORMAT,
		EC_EOWNED, EC_EDEGRADED, EC_EBUSY,
	};

	for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a != EC_OK ? a : b;
}

const char *
heal_state_text(enum heal_state s)
{
	static const char *const text[] = {
		[HEAL_OK] = "ok", [HEAL_MISSING] = "missing",
		[HEAL_CORRUPT] = "corrupt", [HEAL_OFFLINE] = "offline",
		[HEAL_STALE] = "stale",
	};

	return text[s];
}

bool
heal_report_bad(const struct heal_report *r)
{
	if (r->lost || r->undecided)
		return true;
	for (unsigned i = 0; i < r->drives; i++)
		if (r->before[i] != HEAL_OK && r->before[i] != HEAL_OFFLINE)
			return true;
	return false;
}

static bool
older_than(const struct stamp *s, uint64_t age_s)
{
	return clock_hlc_us(s->hlc) + age_s * 1000000 < clock_real_us();
}

bool
heal_may_be_under_way(const struct stamp *s)
{
	return !older_than(s, HEAL_FAILED_AGE_S);
}

/* A tombstone that every drive has, for long, and that hides nothing. */
static bool
is_spent(const struct heal_census *c, const struct heal_version *v)
{
	const struct record *r = v->best;

	if (r->kind != RECORD_TOMBSTONE || v->fate != HEAL_LIVE ||
	    !older_than(&r->stamp, HEAL_TOMBSTONE_AGE_S))
		return false;
	for (unsigned i = 0; i < c->version_count; i++)
		if (c->versions[i].fate == HEAL_SUPERSEDED)
			return false;
	return true;
}

static bool
may_purge(const struct heal_census *c, const struct heal_version *v)
{
	switch (v->fate) {
	case HEAL_SUPERSEDED:
		return true;
	case HEAL_FAILED:
		return !heal_may_be_under_way(&v->best->stamp);
	default:
		return is_spent(c, v);
	}
}

bool
heal_census_purges(const struct heal_census *c)
{
	for (unsigned i = 0; i < c->version_count; i++)
		if (may_purge(c, &c->versions[i]))
			return c->silent == 0;
	return false;
}

/* Tell each drive that has it to drop the state.  Not durable and not waited
 * for: what is not done now is done by the next heal. */
static enum err
purge(struct set *s, const struct heal_census *c, const struct heal_version *v)
{
	const struct record *old = v->best;
	const struct record r = {
		.kind = RECORD_PURGE, .stamp = stamp_new(),
		.target = old->stamp, .bucket = old->bucket, .key = old->key,
		.etag = "", .mtime_us = clock_real_us(),
	};
	struct buf rec = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { .flags = DRIVE_APPEND_LAZY };
	struct lane_post post = { .n = 0 };
	enum err e;

	if ((e = record_encode(&rec, &r)) != EC_OK)
		goto out;
	a.rec = rec.data;
	a.len = rec.len;
	for (unsigned i = 0; i < c->drives && e == EC_OK; i++)
		if (v->on[i] != NULL)
			e = lane_append_post(&post, set_lane(s, i), NULL, &a,
			    1, NULL);
	lane_post_send(&post);
out:
	buf_release(&rec);
	return e;
}

static enum err
purge_all(struct set *s, const struct heal_census *c)
{
	enum err e = EC_OK;

	bool young = false;

	for (unsigned i = 0; i < c->version_count && e == EC_OK; i++) {
		if (may_purge(c, &c->versions[i]))
			e = purge(s, c, &c->versions[i]);
		else
			young = young || c->versions[i].fate == HEAL_FAILED;
	}
	return e == EC_OK && young ? EC_EBUSY : e;
}

static bool
any_cut(const struct resolve_input in[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (in[i].cut)
			return true;
	return false;
}

/* With ${whole} the data of small objects, too, if it is not of many versions:
 * then nobody needs to ask for it. */
static enum err
ask_key_all(struct ask *a, struct heal_census *c, struct set *s,
    const char *bucket, const char *key, bool whole)
{
	struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = bucket, .key = key,
		.want_parts = true, .want_inline = whole,
		.limit = whole ? KEY_RECORDS_FEW : KEY_RECORDS_MAX,
	};
	struct resolve_input in[SET_DRIVES_MAX];
	enum err e;

	if ((e = heal_ask(a, s, &q)) != EC_OK)
		return e;
	ask_input(a, in);
	if (whole && any_cut(in, set_drives(s))) {
		ask_release(a);
		return ask_key_all(a, c, s, bucket, key, false);
	}
	return heal_census_judge(c, in, set_drives(s));
}

/* What looks lost may have been overwritten and purged since it was judged. */
static bool
still_so(struct set *s, const struct heal_version *v)
{
	struct heal_census c = HEAL_CENSUS_INIT;
	struct ask a = ASK_INIT;
	bool so = false;

	if (v->best->kind != RECORD_OBJECT)
		return true;
	if (ask_key_all(&a, &c, s, v->best->bucket, v->best->key, false) !=
	    EC_OK)
		so = true;
	for (unsigned i = 0; i < c.version_count && !so; i++)
		so = c.versions[i].fate == v->fate && stamp_cmp(
		    &c.versions[i].best->stamp, &v->best->stamp) == 0;
	heal_census_release(&c);
	ask_release(&a);
	return so;
}

enum err
heal_any(struct set *s, const struct heal_census *c,
    const struct heal_version *v, unsigned flags,
    const struct heal_watch *watch, struct heal_born *born,
    struct heal_report *r)
{
	enum heal_failure f = HEAL_NEVER_DONE;
	enum err e;

	r->lost = r->undecided = false;
	if (v->fate == HEAL_LIVE)
		return heal_version(s, c, v, flags, watch, r);
	if (v->fate == HEAL_FAILED) {
		if (c->silent > 0)
			return EC_OK;
		e = heal_born_judge(born, s, c, v, &f);
		if (e != EC_OK || f == HEAL_NEVER_DONE)
			return e;
	}
	heal_version_left(s, c, v, f == HEAL_GONE, r);
	return f == HEAL_GONE ? EC_ELOST : EC_EQUORUM;
}

enum err
heal_census_key(struct set *s, const struct heal_census *c,
    const struct stamp *version, unsigned flags,
    const struct heal_watch *watch)
{
	struct heal_born born = { .asked = false };
	struct heal_report r;
	enum err e, worst = EC_OK;

	for (unsigned i = 0; i < c->version_count; i++) {
		const struct heal_version *v = &c->versions[i];

		if (version != NULL &&
		    stamp_cmp(version, &v->best->stamp) != 0)
			continue;
		if (v->fate == HEAL_SUPERSEDED)
			continue;
		e = heal_any(s, c, v, flags, watch, &born, &r);
		if (e == EC_ENOMEM || e == EC_ECANCELED)
			return e;
		if (v->fate == HEAL_FAILED && !r.lost && !r.undecided)
			continue;
		if (r.lost && !still_so(s, v))
			continue;
		worst = heal_worse(worst, e);
		if (e == EC_EOWNED)
			continue;
		if (watch != NULL && watch->outbox != NULL)
			heal_outbox_put(watch->outbox, &r);
		else if (watch != NULL && watch->each != NULL)
			watch->each(watch->ctx, &r);
	}
	if (worst == EC_OK && c->silent == 0 && version == NULL &&
	    (flags & HEAL_DRY) == 0 &&
	    (watch == NULL || watch->outbox == NULL))
		worst = purge_all(s, c);
	return worst;
}

enum err
heal_key(struct set *s, const char *bucket, const char *key,
    const struct stamp *version, unsigned flags,
    const struct heal_watch *watch)
{
	struct heal_census c = HEAL_CENSUS_INIT;
	struct ask a = ASK_INIT;
	enum err e;

	if ((e = ask_key_all(&a, &c, s, bucket, key,
	    (flags & HEAL_DRY) == 0)) != EC_OK)
		goto out;
	e = heal_census_key(s, &c, version, flags, watch);
	if (e != EC_OK || c.silent == 0)
		goto out;
	/* What was never seen may be on those that did not answer. */
	e = c.version_count == 0 && c.silent > c.drives / 2 ? EC_EQUORUM :
	    EC_EDEGRADED;
out:
	heal_census_release(&c);
	ask_release(&a);
	return e;
}
