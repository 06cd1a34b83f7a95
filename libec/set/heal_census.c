/* heal_census: pure but for memory and for heal_ask. */
#include "set/heal_census.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "set/placement.h"

void
heal_census_release(struct heal_census *c)
{
	resolve_release(&c->resolve);
	free(c->versions);
	*c = (struct heal_census)HEAL_CENSUS_INIT;
}

enum err
heal_ask(struct ask *a, struct set *s, const struct drive_query *q)
{
	enum err e = q->key != NULL ? ask_chain(a, s, q) :
	    ask_start(a, s, q);

	if (e == EC_OK)
		ask_wait(a, set_drives(s), clock_mono_us() +
		    SET_WAIT_MS * UINT64_C(1000));
	return e;
}

static enum heal_fate
fate_of(const struct state *s)
{
	switch (s->life) {
	case STATE_ALIVE:
		return HEAL_LIVE;
	case STATE_HIDDEN:
		return HEAL_SUPERSEDED;
	case STATE_VOID:
		return HEAL_FAILED;
	case STATE_UNCERTAIN:
		break;
	}
	/* Itself decided, and hidden perhaps: to be whole either way. */
	return s->verdict == QUORUM_DECIDED ? HEAL_LIVE : HEAL_UNDECIDED;
}

/* Add a state to the version of its stamp. */
static void
version_add(struct heal_version *v, const struct state *s, unsigned drives)
{
	if (v->best == NULL || s->copies > v->copies) {
		v->best = s->rec;
		v->copies = s->copies;
		v->fate = fate_of(s);
	}
	for (unsigned i = 0; i < drives; i++)
		if (s->copy[i] != NULL)
			v->on[i] = s->copy[i];
}

/* Too few copies are left of it to be decided, but something newer is: no
 * write that is under way, only remains. */
static void
census_remains(struct heal_census *c)
{
	for (unsigned i = 0; i < c->version_count; i++) {
		struct heal_version *v = &c->versions[i];

		for (unsigned j = 0; v->fate == HEAL_FAILED && j < i; j++)
			if (c->versions[j].fate == HEAL_LIVE &&
			    record_hides(c->versions[j].best, v->best))
				v->fate = HEAL_SUPERSEDED;
	}
}

/* Of the attempts at one part of an upload the newest counts. */
static void
census_parts(struct heal_census *c)
{
	bool seen = false;

	for (unsigned i = 0; i < c->version_count; i++) {
		struct heal_version *v = &c->versions[i];

		if (v->best->kind != RECORD_PART)
			continue;
		if (seen)
			v->fate = HEAL_SUPERSEDED;
		seen = seen || v->fate == HEAL_LIVE;
	}
}

enum err
heal_census_judge(struct heal_census *c, const struct resolve_input in[],
    unsigned drives)
{
	struct heal_version *v = NULL;
	enum err e;

	c->drives = drives;
	c->silent = 0;
	c->version_count = 0;
	for (unsigned i = 0; i < drives; i++) {
		c->answered[i] = !in[i].silent;
		c->silent += in[i].silent;
	}
	if ((e = resolve_key(&c->resolve, in, drives)) != EC_OK)
		return e;
	free(c->versions);
	c->versions = mem_array(c->resolve.count + 1, sizeof *c->versions);
	if (c->versions == NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < c->resolve.count; i++) {
		const struct state *s = &c->resolve.state[i];

		if (v == NULL ||
		    stamp_cmp(&v->best->stamp, &s->rec->stamp) != 0)
			v = &c->versions[c->version_count++];
		version_add(v, s, drives);
	}
	census_remains(c);
	census_parts(c);
	return EC_OK;
}

bool
heal_version_recorded(const struct heal_version *v, unsigned i,
    unsigned drives)
{
	const struct record *r = v->on[i];

	return r != NULL && record_agrees(r, v->best) &&
	    (r->k == 0 || r->index == placement_shard(r->start, i, drives));
}
