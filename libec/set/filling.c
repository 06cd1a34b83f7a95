/* filling: see the header. */
#include "set/filling.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "set/set_impl.h"

enum { PROBE_MS = 1000 };

static enum err
run_probe(struct drive *d, void *arg)
{
	return d->ops->probe(d, arg);
}

static enum err
probe_all(struct set *s, struct lane_call *call[])
{
	struct gather *g = NULL;
	enum err e;

	if ((e = gather_new(&g)) != EC_OK)
		return e;
	for (unsigned i = 0; i < s->n && e == EC_OK; i++) {
		struct format *f = calloc(1, sizeof(*f));

		e = f == NULL ? EC_ENOMEM : lane_start(s->lane[i], g,
		    run_probe, free, f, &call[i]);
	}
	if (e == EC_OK)
		gather_wait(g, s->n, clock_mono_us() +
		    PROBE_MS * UINT64_C(1000));
	gather_free(g);
	return e;
}

enum err
filling_look(struct set *s, struct filling *out)
{
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	enum err e = probe_all(s, call), got;

	if (out != NULL)
		*out = (struct filling){ .is = { false } };
	for (unsigned i = 0; i < s->n; i++) {
		const struct format *f;

		if (call[i] == NULL || !lane_call_done(call[i], &got) ||
		    got != EC_OK)
			continue;
		f = lane_call_arg(call[i]);
		lane_set_filling(s->lane[i], f->filling);
		if (out == NULL || !f->filling)
			continue;
		out->is[i] = true;
		out->format[i] = *f;
	}
	for (unsigned i = 0; i < s->n; i++)
		lane_call_put(call[i]);
	return e;
}

bool
filling_any(const struct set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (lane_filling(s->lane[i]))
			return true;
	return false;
}

/* Of the very drive, and only if nobody changed its record. */
static enum err
run_done(struct drive *d, void *arg)
{
	const struct format *was = arg;
	struct format f;
	enum err e = d->ops->probe(d, &f);

	if (e != EC_OK)
		return e;
	if (!uuid_equal(&f.drive, &was->drive) || !f.filling)
		return EC_ESTALE;
	f.filling = false;
	return d->ops->reformat(d, &f);
}

void
filling_done(struct set *s, const struct filling *was)
{
	struct format *f;
	enum err e;

	for (unsigned i = 0; i < s->n; i++) {
		if (!was->is[i] || (f = malloc(sizeof(*f))) == NULL)
			continue;
		*f = was->format[i];
		e = lane_call(s->lane[i], run_done, free, f, SET_WAIT_MS);
		if (e != EC_OK)
			continue;
		lane_set_filling(s->lane[i], false);
		log_info("%s: filled", lane_name(s->lane[i]));
	}
}
