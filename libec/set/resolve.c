/* resolve: see the header.  States are found by merging the drives' lists,
 * which are in descending order of stamp. */
#include "set/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

void
resolve_release(struct resolve *r)
{
	free(r->state);
	*r = (struct resolve)RESOLVE_INIT;
}

static struct state *
state_add(struct resolve *r)
{
	struct state *grown;
	unsigned cap;

	if (r->count == r->cap) {
		cap = r->cap * 2 + 8;
		grown = realloc(r->state, cap * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		r->state = grown;
		r->cap = cap;
	}
	memset(&r->state[r->count], 0, sizeof(r->state[0]));
	return &r->state[r->count++];
}

/* The state of this record among those of the same stamp, at the end of the
 * list; a new one if there is none. */
static struct state *
state_of(struct resolve *r, const struct record *rec)
{
	struct state *s;

	for (unsigned i = r->count; i-- > 0;) {
		s = &r->state[i];
		if (stamp_cmp(&s->rec->stamp, &rec->stamp) != 0)
			break;
		if (record_agrees(s->rec, rec))
			return s;
	}
	if ((s = state_add(r)) != NULL)
		s->rec = rec;
	return s;
}

/* The lowest stamp that a cut answer still covers. */
static bool
behind_cut(const struct resolve_input *in, const struct stamp *stamp)
{
	return in->cut && (in->n == 0 ||
	    stamp_cmp(stamp, &in->rec[in->n - 1].stamp) < 0);
}

static void
judge(struct resolve *r, const struct resolve_input in[])
{
	for (unsigned i = 0; i < r->count; i++) {
		struct state *s = &r->state[i];

		s->need = quorum_visible(s->rec, r->drives);
		for (unsigned d = 0; d < r->drives; d++) {
			if (in[d].silent) {
				s->silent++;
			} else if (s->copy[d] == NULL &&
			    behind_cut(&in[d], &s->rec->stamp)) {
				s->silent++;
				s->by_cut = true;
			} else if (s->copy[d] == NULL && in[d].filling) {
				s->unfilled++;
			}
		}
		s->verdict = quorum_judge(s->copies, s->silent, s->need);
	}
}

static void
live(struct resolve *r, unsigned i)
{
	struct state *s = &r->state[i];

	if (s->verdict == QUORUM_VOID) {
		s->life = STATE_VOID;
		return;
	}
	s->life = s->verdict == QUORUM_DECIDED ? STATE_ALIVE : STATE_UNCERTAIN;
	/* What hides it may lie between the cuts and it, on those drives. */
	if (s->by_cut && s->silent >= r->drives - r->drives / 2)
		s->life = STATE_UNCERTAIN;
	for (unsigned j = 0; j < i; j++) {
		const struct state *by = &r->state[j];

		if (by->verdict == QUORUM_VOID ||
		    !record_hides(by->rec, s->rec))
			continue;
		if (by->verdict == QUORUM_DECIDED) {
			s->life = STATE_HIDDEN;
			return;
		}
		s->life = STATE_UNCERTAIN;
		s->by_cut = s->by_cut || by->by_cut;
	}
}

enum err
resolve_key(struct resolve *r, const struct resolve_input in[], unsigned n)
{
	unsigned at[SET_DRIVES_MAX] = { 0 };

	r->count = 0;
	r->drives = n;
	r->silent = r->filling = 0;
	r->cut = false;
	for (unsigned d = 0; d < n; d++) {
		r->silent += in[d].silent;
		r->filling += !in[d].silent && in[d].filling;
		r->cut = r->cut || (!in[d].silent && in[d].cut);
	}
	for (;;) {
		const struct record *rec = NULL;
		unsigned from = 0;
		struct state *s;

		for (unsigned d = 0; d < n; d++) {
			if (in[d].silent || at[d] == in[d].n)
				continue;
			if (rec == NULL || stamp_cmp(&in[d].rec[at[d]].stamp,
			    &rec->stamp) > 0) {
				rec = &in[d].rec[at[d]];
				from = d;
			}
		}
		if (rec == NULL)
			break;
		if ((s = state_of(r, rec)) == NULL)
			return EC_ENOMEM;
		if (s->copy[from] == NULL) {
			s->copy[from] = rec;
			s->copies++;
		}
		at[from]++;
	}
	judge(r, in);
	for (unsigned i = 0; i < r->count; i++)
		live(r, i);
	return EC_OK;
}

bool
resolve_split(struct resolve_input rest[], struct resolve_input group[],
    unsigned n, int (*cmp)(const struct record *, const struct record *))
{
	const struct record *first = NULL;

	for (unsigned d = 0; d < n; d++)
		if (rest[d].n > 0 &&
		    (first == NULL || cmp(rest[d].rec, first) < 0))
			first = rest[d].rec;
	if (first == NULL)
		return false;
	for (unsigned d = 0; d < n; d++) {
		group[d] = rest[d];
		group[d].n = 0;
		while (rest[d].n > 0 && cmp(rest[d].rec, first) == 0) {
			group[d].n++;
			rest[d].rec++;
			rest[d].n--;
		}
		group[d].cut = rest[d].cut && rest[d].n == 0;
	}
	return true;
}

static enum err
nothing(const struct resolve *r)
{
	if (r->silent + r->filling >= quorum_meta(r->drives))
		return EC_EQUORUM;
	return r->cut ? EC_ELIMIT : EC_ENOTFOUND;
}

static enum err
verdict(const struct state *s, const struct state **out)
{
	if (s->life == STATE_UNCERTAIN)
		return s->by_cut ? EC_ELIMIT : EC_EQUORUM;
	*out = s;
	return EC_OK;
}

enum err
resolve_newest(const struct resolve *r, const struct state **out)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (state_is_version(s) && s->life >= STATE_UNCERTAIN)
			return verdict(s, out);
	}
	return nothing(r);
}

enum err
resolve_version(const struct resolve *r, const struct stamp *version,
    const struct state **out)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];
		bool null = (s->rec->flags & RECORD_NULL) != 0;

		if (!state_is_version(s) || s->life < STATE_UNCERTAIN)
			continue;
		if (version == NULL ? null :
		    !null && stamp_cmp(&s->rec->stamp, version) == 0)
			return verdict(s, out);
	}
	return nothing(r);
}

enum err
resolve_amend(const struct resolve *r, const struct state *of,
    const struct state **out)
{
	*out = NULL;
	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s->rec->kind == RECORD_AMEND &&
		    s->life >= STATE_UNCERTAIN &&
		    stamp_cmp(&s->rec->target, &of->rec->stamp) == 0)
			return verdict(s, out);
	}
	return EC_OK;
}

enum err
resolve_state(const struct resolve *r, const struct stamp *target,
    const struct state **out)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s->life >= STATE_UNCERTAIN && (target == NULL ||
		    stamp_cmp(&s->rec->target, target) == 0))
			return verdict(s, out);
	}
	return nothing(r);
}

uint64_t
resolve_doubt(const struct resolve *r, const struct state *answer)
{
	uint64_t print = 0;

	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s == answer)
			break;
		if (s->life == STATE_VOID)
			print = (print ^ s->rec->stamp.hlc ^
			    s->rec->stamp.id ^ s->copies) *
			    UINT64_C(0x9e3779b97f4a7c15) + 1;
	}
	return print;
}

bool
resolve_young(const struct resolve *r, uint64_t real_us)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s->verdict == QUORUM_POSSIBLE &&
		    s->life == STATE_UNCERTAIN &&
		    clock_hlc_us(s->rec->stamp.hlc) > real_us)
			return true;
	}
	return false;
}

bool
resolve_settled(const struct resolve *r)
{
	return r->silent + r->filling < r->drives - r->drives / 2;
}

unsigned
resolve_need(const struct resolve *r, const struct state *s)
{
	return s->rec->k > 0 ? quorum_write(s->rec->k, s->rec->m) :
	    quorum_meta(r->drives);
}
