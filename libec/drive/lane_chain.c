/* lane_chain: several calls at the price of one change of threads.
 *
 * 1. The calls wait in the queues of their lanes like others, but nobody is
 *    woken for them ("quiet"); whoever takes one from there runs it.
 * 2. Runners are threads of no lane: one that hangs in a drive takes nothing
 *    from other lanes but the rest of its chain, and for that lane_chain_wait
 *    wakes threads of those lanes. */
#include <stdlib.h>

#include "base/clock.h"
#include "drive/lane_impl.h"

enum {
	HURRY_US = 1000,	/* what is not done by then goes in parallel */
	PATIENCE_US = 20000,	/* but if nobody has come to it: on a machine
				 * that is so busy more threads are no help */
};

struct chain {
	struct lane_errand errand;
	struct gather *g;	/* a reference, or NULL */
	unsigned n;
	struct lane *lane[LANE_CHAIN_MAX];	/* each with a reference */
	struct lane_call *call[LANE_CHAIN_MAX];
};

/* Somebody has come to it. */
static void
begun(struct gather *g)
{
	if (g == NULL)
		return;
	atomic_store(&g->begun, true);
	gather_put(g);
}

static void
run_chain(struct lane_errand *e)
{
	struct chain *c = (struct chain *)e;

	begun(c->g);
	for (unsigned i = 0; i < c->n; i++)
		lane_run_guest(c->lane[i], c->call[i]);
	free(c);
}

static void
start_one(struct lane_task *t, struct gather *g)
{
	t->call = NULL;
	lane_start(t->lane, g, t->run, t->drop, t->arg, &t->call);
}

void
lane_chain_start(struct lane_task t[], unsigned n, struct gather *g)
{
	struct chain *c = n > 2 && n <= LANE_CHAIN_MAX ?
	    malloc(sizeof(*c)) : NULL;

	struct lane_post post = { .n = 0 };

	if (c != NULL)
		*c = (struct chain){ .errand = { .run = run_chain }, .n = 0 };
	for (unsigned i = 0; i < n; i++) {
		bool local = t[i].lane != NULL && lane_local(t[i].lane);

		if (t[i].lane == NULL)
			continue;
		if ((local && c == NULL) || (!local && t[i].query == NULL))
			start_one(&t[i], g);
		else if (!lane_start_quiet(t[i].lane, g, &t[i]))
			continue;
		else if (!local)
			lane_post_query(&post, &t[i]);
		else {
			c->lane[c->n] = t[i].lane;
			c->call[c->n++] = t[i].call;
		}
	}
	lane_post_send(&post);
	if (c == NULL)
		return;
	if ((c->g = g) != NULL)
		atomic_fetch_add(&g->refs, 1);
	if (c->n > 0 && lane_errand_start(&c->errand, false, false))
		return;
	begun(g);	/* threads of the lanes will */
	for (unsigned i = 0; i < c->n; i++) {
		lane_hurry(c->lane[i]);
		lane_call_put(c->call[i]);
		lane_give_back(c->lane[i]);
	}
	free(c);
}

unsigned
lane_chain_wait(const struct lane_task t[], unsigned n, struct gather *g,
    unsigned want, uint64_t deadline_us)
{
	uint64_t hurry = clock_mono_us() + HURRY_US;
	unsigned done;
	enum err e;

	if (hurry > deadline_us)
		hurry = deadline_us;
	if ((done = gather_wait(g, want, hurry)) >= want)
		return done;
	if (!atomic_load(&g->begun) && (done = gather_wait(g, want,
	    hurry + PATIENCE_US)) >= want)
		return done;
	for (unsigned i = 0; i < n; i++)
		if (t[i].call != NULL && !lane_call_done(t[i].call, &e))
			lane_hurry(t[i].lane);
	return gather_wait(g, want, deadline_us);
}
