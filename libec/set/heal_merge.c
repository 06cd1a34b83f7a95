/* heal_merge: a thing that some drive may not have given all records of is not
 * shown: the next page begins with it. */
#include "set/heal_merge.h"

#include <string.h>

enum { WALK_ROWS = 1000 };

unsigned
heal_merge_begin(struct heal_merge *m, enum drive_table table,
    const struct ask *a)
{
	unsigned silent = 0;

	memset(m, 0, sizeof *m);
	m->table = table;
	m->drives = set_drives(a->s);
	ask_input(a, m->in);
	for (unsigned i = 0; i < m->drives; i++)
		silent += m->in[i].silent;
	return silent;
}

/* The order of things in a table (drive.h). */
static int
thing_cmp(enum drive_table table, const struct record *a,
    const struct record *b)
{
	int c = strcmp(a->bucket, b->bucket);

	if (c != 0 || table == DRIVE_BUCKETS)
		return c;
	if ((c = strcmp(a->key, b->key)) != 0 || table == DRIVE_VERSIONS)
		return c;
	if ((c = stamp_cmp(&a->target, &b->target)) != 0 ||
	    table != DRIVE_PARTS || a->part_count == 0 || b->part_count == 0)
		return c;
	return a->parts[0].number < b->parts[0].number ? -1 :
	    a->parts[0].number > b->parts[0].number;
}

/* How many records from at[i] on drive ${i} has of the thing of ${first}, that
 * at[i] being one. */
static unsigned
run_length(const struct heal_merge *m, unsigned i, const struct record *first)
{
	const struct resolve_input *in = &m->in[i];
	unsigned end = m->at[i] + 1;

	while (end < in->n && thing_cmp(m->table, &in->rec[end], first) == 0)
		end++;
	return end - m->at[i];
}

bool
heal_merge_next(struct heal_merge *m,
    struct resolve_input group[SET_DRIVES_MAX], const struct record **first)
{
	uint32_t has = 0;	/* drives that have some of *first */

	*first = NULL;
	for (unsigned i = 0; i < m->drives; i++) {
		const struct resolve_input *in = &m->in[i];
		int c = -1;

		if (m->at[i] == in->n)
			continue;
		if (*first != NULL)
			c = thing_cmp(m->table, &in->rec[m->at[i]], *first);
		if (c < 0) {
			*first = &in->rec[m->at[i]];
			has = 0;
		}
		if (c <= 0)
			has |= UINT32_C(1) << i;
	}
	if (*first == NULL)
		return false;
	for (unsigned i = 0; i < m->drives; i++) {
		unsigned n = (has >> i & 1) != 0 ? run_length(m, i, *first) :
		    0;

		group[i] = (struct resolve_input){
			.silent = m->in[i].silent,
			.rec = n > 0 ? m->in[i].rec + m->at[i] : NULL, .n = n,
		};
		if (m->in[i].cut && m->at[i] + n == m->in[i].n)
			return false;
	}
	for (unsigned i = 0; i < m->drives; i++)
		m->at[i] += group[i].n;
	return true;
}

void
heal_walk_init(struct heal_walk *w, struct set *s, const struct drive_query *q)
{
	memset(w, 0, sizeof *w);
	w->set = s;
	w->q = *q;
	if (w->q.limit == 0)
		w->q.limit = WALK_ROWS;
}

void
heal_walk_release(struct heal_walk *w)
{
	if (w->open && w->leave != NULL)
		w->leave(w->ctx);
	if (w->open)
		ask_release(&w->ask);
	w->open = false;
}

/* Pages begin behind this thing; its strings may be in the page to be left. */
static void
walk_after(struct heal_walk *w, const struct record *r)
{
	memcpy(w->after_bucket, r->bucket, strlen(r->bucket) + 1);
	memcpy(w->after_key, r->key, strlen(r->key) + 1);
	w->q.after_bucket = w->after_bucket;
	w->q.after_key = w->after_key;
	w->q.after_stamp = (struct stamp){ 0, 0 };
	if (w->q.table == DRIVE_UPLOADS)
		w->q.after_stamp = r->target;
}

static enum err
walk_page(struct heal_walk *w)
{
	enum err e;

	heal_walk_release(w);
	w->ask = (struct ask)ASK_INIT;
	w->open = true;
	if ((e = heal_ask(&w->ask, w->set, &w->q)) != EC_OK)
		return e;
	w->fresh = true;
	w->stale = false;
	w->silent = heal_merge_begin(&w->merge, w->q.table, &w->ask);
	return w->silent == w->merge.drives ? EC_EQUORUM : EC_OK;
}

enum err
heal_walk_next(struct heal_walk *w,
    struct resolve_input group[SET_DRIVES_MAX], const struct record **first,
    bool *cut)
{
	enum err e;

	*first = NULL;
	*cut = false;
	while (!w->done) {
		if (w->open && !w->stale) {
			if (heal_merge_next(&w->merge, group, first)) {
				w->fresh = false;
				walk_after(w, *first);
				return EC_OK;
			}
			if (*first == NULL) {
				w->done = true;
				break;
			}
			w->stale = true;
			if (w->fresh) {	/* not even one thing in a page */
				*cut = true;
				walk_after(w, *first);
				return EC_OK;
			}
		}
		if ((e = walk_page(w)) != EC_OK)
			return e;
	}
	return EC_OK;
}
