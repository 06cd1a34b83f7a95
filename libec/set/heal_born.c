/* heal_born: see the header. */
#include "set/heal_born.h"

#include <stdlib.h>

#include "base/clock.h"
#include "set/quorum.h"

static enum err
probe_run(struct drive *d, void *arg)
{
	return d->ops->probe(d, arg);
}

static void
probe_take(struct heal_born *b, unsigned i, struct lane_call *c)
{
	const struct format *f;
	enum err e;

	if (c == NULL || !lane_call_done(c, &e) || e != EC_OK)
		return;
	f = lane_call_arg(c);
	b->known[i] = true;
	b->us[i] = f->born_us[f->slot];
}

enum err
heal_born_ask(struct heal_born *b, struct set *s)
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	unsigned n = set_drives(s);
	struct gather *g = NULL;
	struct format *f;
	enum err e;

	if ((e = gather_new(&g)) != EC_OK)
		return e;
	for (unsigned i = 0; i < n && e == EC_OK; i++) {
		e = EC_ENOMEM;
		if ((f = calloc(1, sizeof *f)) != NULL)
			e = lane_start(set_lane(s, i), g, probe_run, free, f,
			    &call[i]);
	}
	if (e == EC_OK)
		gather_wait(g, n, clock_mono_us() +
		    SET_WAIT_MS * UINT64_C(1000));
	for (unsigned i = 0; i < n; i++) {
		if (e == EC_OK)
			probe_take(b, i, call[i]);
		lane_call_put(call[i]);
	}
	gather_free(g);
	b->asked = e == EC_OK;
	return e;
}

/* Copies that a write needs before it is acknowledged. */
static unsigned
acknowledged(const struct record *r, unsigned n)
{
	return r->k > 0 ? quorum_write(r->k, r->m) : quorum_meta(n);
}

enum err
heal_born_judge(struct heal_born *b, struct set *s,
    const struct heal_census *c, const struct heal_version *v,
    enum heal_failure *out)
{
	unsigned need = acknowledged(v->best, c->drives);
	unsigned younger = 0, unclear = 0;
	enum err e;

	if (!b->asked && (e = heal_born_ask(b, s)) != EC_OK)
		return e;
	for (unsigned i = 0; i < c->drives; i++) {
		if (v->on[i] != NULL)
			continue;
		unclear += !b->known[i];
		younger += b->known[i] &&
		    b->us[i] > clock_hlc_us(v->best->stamp.hlc);
	}
	if (v->copies + younger >= need)
		*out = HEAL_GONE;
	else if (v->copies + younger + unclear >= need)
		*out = HEAL_UNCLEAR;
	else
		*out = HEAL_NEVER_DONE;
	return EC_OK;
}
