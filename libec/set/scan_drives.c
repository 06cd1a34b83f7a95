/* scan_drives: what a scan says of drives as such. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "set/scan_impl.h"

static enum err
run_stats(struct drive *d, void *arg)
{
	return d->ops->stats(d, arg);
}

/* Places of a drive's journal that did not hold when they were read. */
static uint64_t
journal_damage(struct lane *l)
{
	struct drive_stats *st = calloc(1, sizeof *st);
	struct lane_call *c = NULL;
	struct gather *g = NULL;
	uint64_t damage = 0;
	enum err e;

	if (st == NULL || gather_new(&g) != EC_OK) {
		free(st);
		return 0;
	}
	if (lane_start(l, g, run_stats, free, st, &c) == EC_OK) {
		gather_wait(g, 1, clock_mono_us() +
		    SET_WAIT_MS * UINT64_C(1000));
		if (lane_call_done(c, &e) && e == EC_OK) {
			st = lane_call_arg(c);
			damage = st->journal_damaged;
		}
		lane_call_put(c);
	}
	gather_free(g);
	return damage;
}

static void
scan_drive(struct scan *sc, struct lane *l)
{
	struct scan_finding f = { .what = SCAN_DRIVE, .drive = lane_name(l) };
	uint64_t since, damage;

	if (lane_state(l) != LANE_ONLINE) {
		snprintf(f.text, sizeof f.text, "%s",
		    err_text(lane_why(l, &since)));
		scan_found(sc, &f);
	} else if ((damage = journal_damage(l)) > 0) {
		snprintf(f.text, sizeof f.text, "its journal does not hold in "
		    "%" PRIu64 " place%s", damage, damage == 1 ? "" : "s");
		scan_found(sc, &f);
	} else if (sc->p->known && lane_filling(l)) {
		snprintf(f.text, sizeof f.text, "new, and not filled yet");
		scan_found(sc, &f);
	}
}

void
scan_drives(struct scan *sc)
{
	for (unsigned i = 0; i < set_drives(sc->set); i++)
		if (sc->only < 0 || (unsigned)sc->only == i)
			scan_drive(sc, set_lane(sc->set, i));
}
