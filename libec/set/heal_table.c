/* heal_table: heal_buckets and heal_uploads. */
#include "set/heal.h"

#include "set/heal_born.h"
#include "set/heal_merge.h"

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

/* The newest state that counts is the only one. */
static enum err
visit_newest(const struct table *t, const struct heal_census *c)
{
	struct heal_born born = { .asked = false };
	struct heal_report r;
	enum err e;

	for (unsigned i = 0; i < c->version_count; i++) {
		const struct heal_version *v = &c->versions[i];

		e = heal_any(t->set, c, v, t->flags, t->watch, &born, &r);
		if (e == EC_ENOMEM || e == EC_ECANCELED)
			return e;
		if (v->fate == HEAL_FAILED && !r.lost && !r.undecided)
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
		if (v->fate == HEAL_LIVE)
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
