/* watch: see the header. */
#include "store/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { LOOK_US = 1000000, VAR_BYTES = 64, NAME_BYTES = 4096 };

struct seen {
	const char *state;
	uint64_t corrupt;
};

struct watch {
	struct store *st;
	struct hooks *hooks;
	uint64_t looked_us;
	struct seen *seen;	/* of each drive, set by set */
};

enum err
watch_new(struct watch **out, struct store *st, struct hooks *h)
{
	struct watch *w = calloc(1, sizeof *w);
	unsigned n = store_drive_count(st);

	if (w == NULL || (w->seen = mem_array(n, sizeof *w->seen)) == NULL) {
		free(w);
		return EC_ENOMEM;
	}
	for (unsigned i = 0; i < n; i++)
		w->seen[i] = (struct seen){ "ONLINE", 0 };
	w->st = st;
	w->hooks = h;
	*out = w;
	return EC_OK;
}

void
watch_free(struct watch *w)
{
	if (w != NULL)
		free(w->seen);
	free(w);
}

static const char *
state_text(const struct lane *l)
{
	switch (lane_state(l)) {
	case LANE_ONLINE:
		return lane_filling(l) ? "HEALING" : "ONLINE";
	case LANE_SUSPECT:
		return "FAULTED";
	default:
		return "UNAVAIL";
	}
}

static void
look_drive(struct watch *w, struct lane *l, unsigned set, struct seen *seen)
{
	char drive[NAME_BYTES], number[VAR_BYTES], state[VAR_BYTES];
	char was[VAR_BYTES], why[VAR_BYTES * 2], errors[VAR_BYTES];
	const char *const changed[] = { drive, number, state, was, why, NULL };
	const char *const damaged[] = { drive, number, errors, NULL };
	const char *now = state_text(l);
	uint64_t since, all, corrupt;
	enum err e = lane_why(l, &since);

	lane_counters(l, &all, &corrupt);
	snprintf(drive, sizeof drive, "EC_DRIVE=%s", lane_name(l));
	snprintf(number, sizeof number, "EC_SET=%u", set);
	if (strcmp(now, seen->state) != 0) {
		snprintf(state, sizeof state, "EC_STATE=%s", now);
		snprintf(was, sizeof was, "EC_WAS=%s", seen->state);
		snprintf(why, sizeof why, "EC_WHY=%s", e == EC_OK ? "" :
		    err_text(e));
		hooks_tell(w->hooks, "drive_state", changed);
		seen->state = now;
	}
	if (corrupt > seen->corrupt) {
		snprintf(errors, sizeof errors, "EC_ERRORS=%llu",
		    (unsigned long long)corrupt);
		hooks_tell(w->hooks, "data_error", damaged);
	}
	seen->corrupt = corrupt;
}

void
watch_look(struct watch *w)
{
	uint64_t now = clock_mono_us();
	struct seen *seen;

	if (w == NULL || now - w->looked_us < LOOK_US)
		return;
	w->looked_us = now;
	seen = w->seen;
	for (unsigned i = 0; i < store_sets(w->st); i++) {
		struct set *s = store_set(w->st, i);

		for (unsigned d = 0; d < set_drives(s); d++)
			look_drive(w, set_lane(s, d), i, seen++);
	}
}

void
watch_heal(struct hooks *h, uint64_t healed, uint64_t left, uint64_t lost)
{
	char text[3][VAR_BYTES];
	const char *const vars[] = { text[0], text[1], text[2], NULL };

	snprintf(text[0], VAR_BYTES, "EC_HEALED=%llu",
	    (unsigned long long)healed);
	snprintf(text[1], VAR_BYTES, "EC_LEFT=%llu", (unsigned long long)left);
	snprintf(text[2], VAR_BYTES, "EC_LOST=%llu", (unsigned long long)lost);
	hooks_tell(h, "heal_finish", vars);
}
