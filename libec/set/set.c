/* set: see the header. */
#include "set/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "set/recall.h"
#include "set/set_impl.h"

static _Thread_local char complaint[1024];

unsigned
set_default_parity(unsigned n)
{
	return n < 2 ? 0 : n < 4 ? 1 : n < 6 ? 2 : n < 8 ? 3 : 4;
}

enum err
set_new(struct set **out, struct lane *const lanes[], unsigned n, int parity,
    struct mem_pool *pool, struct mem_pool *views)
{
	struct set *s;

	if (n < 1 || n > SET_DRIVES_MAX ||
	    (parity >= 0 && (unsigned)parity > n / 2))
		return EC_EINVAL;
	if ((s = mem_array(1, sizeof(*s))) == NULL)
		return EC_ENOMEM;
	s->n = n;
	s->parity = parity >= 0 ? (unsigned)parity : set_default_parity(n);
	memcpy(s->lane, lanes, n * sizeof(s->lane[0]));
	s->pool = pool;
	s->views = views;
	if ((s->recall = recall_new()) == NULL) {
		free(s);
		return EC_ENOMEM;
	}
	pthread_mutex_init(&s->recent_lock, NULL);
	*out = s;
	return EC_OK;
}

void
set_free(struct set *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n; i++)
		lane_free(s->lane[i]);
	recall_free(s->recall);
	pthread_mutex_destroy(&s->recent_lock);
	free(s);
}

unsigned
set_drives(const struct set *s)
{
	return s->n;
}

struct lane *
set_lane(struct set *s, unsigned slot)
{
	return s->lane[slot];
}

unsigned
set_parity(const struct set *s)
{
	return s->parity;
}

unsigned
set_offline(const struct set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += lane_state(s->lane[i]) != LANE_ONLINE;
	return n;
}

struct upkeep {
	unsigned budget_ms, grace_s;
};

static enum err
run_maintain(struct drive *d, void *arg)
{
	const struct upkeep *u = arg;
	uint64_t removed = 0;

	if (!d->local)
		return EC_OK;		/* its owner does */
	return d->ops->maintain(d, u->budget_ms, u->grace_s, &removed);
}

void
set_maintain(struct set *s, unsigned budget_ms, unsigned grace_s)
{
	struct gather *g = NULL;
	struct upkeep *u;

	if (gather_new(&g) != EC_OK)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		if ((u = malloc(sizeof(*u))) == NULL)
			break;
		*u = (struct upkeep){ budget_ms, grace_s };
		lane_start(s->lane[i], g, run_maintain, free, u, NULL);
	}
	gather_wait(g, s->n, clock_mono_us() +
	    (SET_WAIT_MS + (uint64_t)budget_ms) * 1000);
	gather_free(g);
}

void
set_complain_clear(void)
{
	complaint[0] = '\0';
}

/* Add what each drive said that has something to say. */
static void
complain_of_drives(const struct set *s, const enum err results[])
{
	size_t at = strlen(complaint);
	const char *lead = ": ";
	int len;

	for (unsigned i = 0; i < s->n; i++) {
		if (results[i] == EC_OK || at >= sizeof(complaint))
			continue;
		len = snprintf(complaint + at, sizeof(complaint) - at,
		    "%s%s: %s", lead, lane_name(s->lane[i]),
		    results[i] == EC_EDEGRADED ? "new, not filled yet" :
		    err_text(results[i]));
		at += (size_t)len;
		lead = ", ";
	}
}

void
set_complain(const struct set *s, const char *what, unsigned need,
    const enum err results[])
{
	snprintf(complaint, sizeof(complaint), "%s %u of %u not met", what,
	    need, s->n);
	complain_of_drives(s, results);
}

void
set_complain_missed(const struct set *s, const enum err results[])
{
	unsigned done = 0;

	for (unsigned i = 0; i < s->n; i++)
		done += results[i] == EC_OK;
	snprintf(complaint, sizeof(complaint), "on %u of %u drives", done,
	    s->n);
	complain_of_drives(s, results);
}

const char *
set_complaint(void)
{
	return complaint;
}
