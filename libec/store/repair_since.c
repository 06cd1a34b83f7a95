/* repair_since: what was written lately, compared over the drives of a set.
 *
 * Whoever was killed in the middle of a commit told nobody; but what it left on
 * some drives only is of its last moments.  Rows are compared by their stamps
 * alone: a key that differs is looked at as any other that is to be healed. */
#include "base/log.h"
#include "set/heal_merge.h"
#include "store/repair_work_impl.h"

/* The next row from *${at} on that is not older. */
static const struct stamp *
next_since(const struct resolve_input *in, unsigned *at, uint64_t hlc)
{
	while (*at < in->n && in->rec[*at].stamp.hlc < hlc)
		++*at;
	return *at < in->n ? &in->rec[(*at)++].stamp : NULL;
}

static bool
same_rows(const struct resolve_input *a, const struct resolve_input *b,
    uint64_t hlc)
{
	const struct stamp *x, *y;
	unsigned i = 0, j = 0;

	do {
		x = next_since(a, &i, hlc);
		y = next_since(b, &j, hlc);
	} while (x != NULL && y != NULL && stamp_cmp(x, y) == 0);
	return x == NULL && y == NULL;
}

/* All drives that answered have the same. */
static bool
agree(const struct resolve_input group[], unsigned drives, uint64_t hlc)
{
	const struct resolve_input *first = NULL;

	for (unsigned i = 0; i < drives; i++) {
		if (group[i].silent)
			continue;
		if (first == NULL)
			first = &group[i];
		else if (!same_rows(first, &group[i], hlc))
			return false;
	}
	return true;
}

static enum err
compare(struct repair_work *w, struct set *s, uint64_t hlc)
{
	const struct drive_query q = { .table = DRIVE_VERSIONS,
		.since_hlc = hlc };
	struct resolve_input group[SET_DRIVES_MAX];
	const struct record *first;
	struct heal_walk walk;
	bool cut, silent = false;
	enum err e;

	heal_walk_init(&walk, s, &q);
	while ((e = heal_walk_next(&walk, group, &first, &cut)) == EC_OK &&
	    first != NULL) {
		silent = silent || walk.silent > 0;
		e = !cut && agree(group, set_drives(s), hlc) ?
		    repair_work_step(w) :
		    repair_submit(w, s, first->bucket, first->key, NULL);
		if (e != EC_OK)
			break;
	}
	silent = silent || walk.silent > 0;
	heal_walk_release(&walk);
	e = heal_worse(e, repair_settle(w));
	return silent ? heal_worse(e, EC_EDEGRADED) : e;
}

enum err
repair_since(struct repair_work *w, struct set *s, uint64_t hlc)
{
	enum err e = repair_settle(w), tables;

	if (e == EC_ECANCELED || e == EC_ENOMEM)
		return e;
	tables = repair_work_tables(w, s);
	if (tables == EC_ECANCELED)
		return tables;
	return heal_worse(e, heal_worse(tables, compare(w, s, hlc)));
}
