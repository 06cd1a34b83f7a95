/* heal_table: heal_buckets and heal_uploads.
 *
 * A drive keeps one row of a bucket or an upload, the newest.  So where a
 * write that failed has left its row, the state that stands cannot be appended
 * again with its old stamp.  The end of an upload is rolled forward: it was
 * asked for, and what it ends was complete or given up.  For a bucket the state
 * that stands is written anew, with a new stamp, when the write is too old to
 * be under way: objects may have been put into it since.  A row that went with
 * replaced drives is made again from any one of them: it is whole in each. */
#include "set/heal.h"

#include <string.h>

#include "drive/record.h"

#include "set/heal_born.h"
#include "set/heal_merge.h"
#include "set/heal_version.h"

struct table {
	struct set *set;
	unsigned flags;
	const struct heal_watch *watch;
};

/* All of a table with ${visit} for each thing. */
static enum err
table_walk(const struct table *t, const struct drive_query *q,
    enum err (*visit)(const struct table *t, const struct heal_census *c))
{
	struct resolve_input group[SET_DRIVES_MAX];
	struct heal_census c = HEAL_CENSUS_INIT;
	enum err e, worst = EC_OK;
	const struct record *first;
	struct heal_walk w;
	bool cut;

	heal_walk_init(&w, t->set, q);
	for (;;) {
		e = heal_walk_next(&w, group, &first, &cut);
		if (e != EC_OK || first == NULL)
			break;
		if (cut)	/* no thing of these tables has many records */
			continue;
		if ((e = heal_census_judge(&c, group, w.merge.drives)) !=
		    EC_OK)
			break;
		e = visit(t, &c);
		worst = heal_worse(worst, e);
		if (e == EC_ENOMEM || e == EC_ECANCELED)
			break;
	}
	if (e == EC_OK && w.silent > 0)
		e = EC_EDEGRADED;
	heal_walk_release(&w);
	heal_census_release(&c);
	return heal_worse(worst, e);
}

static bool
is_ended_in_part(const struct heal_census *c, const struct heal_version *v)
{
	return v->fate == HEAL_FAILED && c->silent == 0 &&
	    v->best->kind == RECORD_UPLOAD &&
	    (v->best->flags & RECORD_GONE) != 0;
}

static enum err
write_anew(const struct table *t, const struct heal_census *c,
    const struct heal_version *v, struct heal_report *r)
{
	struct record rec = *v->best;
	const struct heal_version anew = { .best = &rec, .fate = HEAL_LIVE };

	rec.stamp = stamp_new();
	return heal_version(t->set, c, &anew, t->flags, t->watch, r);
}

/* Version ${i} counts; those above it are of writes that failed. */
static enum err
heal_standing(const struct table *t, const struct heal_census *c, unsigned i,
    struct heal_born *born, struct heal_report *r)
{
	const struct heal_version *v = &c->versions[i];
	enum heal_failure failure = HEAL_NEVER_DONE;
	enum err e;

	if (v->fate == HEAL_FAILED && c->silent == 0 &&
	    (e = heal_born_judge(born, t->set, c, v, &failure)) != EC_OK)
		return e;
	if (is_ended_in_part(c, v) || failure == HEAL_GONE)
		return heal_version(t->set, c, v, t->flags, t->watch, r);
	if (i == 0 || v->fate != HEAL_LIVE || c->silent > 0)
		return heal_any(t->set, c, v, t->flags, t->watch, born, r);
	for (unsigned j = 0; j < i; j++)
		if (heal_may_be_under_way(&c->versions[j].best->stamp))
			return EC_EBUSY;
	return write_anew(t, c, v, r);
}

/* The newest state that counts is the only one. */
static enum err
visit_newest(const struct table *t, const struct heal_census *c)
{
	struct heal_born born = { .asked = false };
	struct heal_report r;
	enum err e;

	for (unsigned i = 0; i < c->version_count; i++) {
		const struct heal_version *v = &c->versions[i];

		memset(&r, 0, sizeof r);
		e = heal_standing(t, c, i, &born, &r);
		if (e == EC_ENOMEM || e == EC_ECANCELED || e == EC_EBUSY)
			return e;
		if (v->fate == HEAL_FAILED && !is_ended_in_part(c, v) &&
		    !r.lost && !r.undecided && !heal_report_bad(&r))
			continue;
		if (t->watch != NULL && t->watch->each != NULL)
			t->watch->each(t->watch->ctx, &r);
		return e;
	}
	return EC_OK;
}

enum err
heal_buckets(struct set *s, unsigned flags, const struct heal_watch *watch)
{
	const struct table t = { s, flags, watch };
	const struct drive_query q = {
		.table = DRIVE_BUCKETS, .want_parts = true,
	};

	return table_walk(&t, &q, visit_newest);
}

static enum err
visit_part(const struct table *t, const struct heal_census *c)
{
	return heal_census_key(t->set, c, NULL, t->flags, t->watch);
}

static enum err
visit_upload(const struct table *t, const struct heal_census *c)
{
	enum err e = visit_newest(t, c);
	const struct heal_version *v = c->versions;
	const struct record *r;

	for (unsigned i = 0; i < c->version_count; i++, v++)
		if (v->fate == HEAL_LIVE || is_ended_in_part(c, v))
			break;
	if (v == c->versions + c->version_count || e == EC_ENOMEM ||
	    e == EC_ECANCELED)
		return e;
	r = v->best;
	if ((r->flags & RECORD_GONE) == 0) {
		const struct drive_query q = {
			.table = DRIVE_PARTS, .bucket = r->bucket,
			.key = r->key, .target = r->target,
			.want_parts = true,
			.limit = RECORD_PARTS_MAX,
		};

		e = heal_worse(e, table_walk(t, &q, visit_part));
	}
	return e;
}

enum err
heal_uploads(struct set *s, const char *bucket, const char *key,
    unsigned flags, const struct heal_watch *watch)
{
	const struct table t = { s, flags, watch };
	const struct drive_query q = {
		.table = DRIVE_UPLOADS, .bucket = bucket, .key = key,
		.want_parts = true,
	};

	return table_walk(&t, &q, visit_upload);
}
