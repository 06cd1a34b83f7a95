/* ask_key: questions about one key, until the answers can be judged. */
#include <time.h>

#include "base/clock.h"
#include "set/ask.h"
#include "set/set_impl.h"

enum {
	PAUSE_MIN_US = 1000,
	PAUSE_MAX_US = 20000,
	SETTLE_MAX_US = 2000000,
};

static enum err
judge_now(struct ask *a, struct resolve *r, ask_judge *judge, void *ctx)
{
	struct resolve_input in[SET_DRIVES_MAX];
	enum err e;

	ask_input(a, in);
	e = resolve_key(r, in, a->s->n);
	return e == EC_OK ? judge(r, ctx) : e;
}

/* With ever more answers until it is settled. */
static enum err
judge_more(struct ask *a, struct resolve *r, ask_judge *judge, void *ctx)
{
	uint64_t end = a->started_us + SET_WAIT_MS * UINT64_C(1000);
	unsigned n = a->s->n, want = quorum_meta(n), done;
	bool late;
	enum err e;

	for (;;) {
		late = clock_mono_us() >= ask_late_us(a);
		done = ask_wait(a, want, late ? end : ask_late_us(a));
		e = judge_now(a, r, judge, ctx);
		if (done == n || e == EC_ENOMEM || clock_mono_us() >= end)
			return e;
		late = late || clock_mono_us() >= ask_late_us(a);
		if (e != EC_EQUORUM && (late || resolve_settled(r)))
			return e;
		want = done + 1;
	}
}

/* A few drives first; all when that does not settle it, or takes long. */
static enum err
ask_round(struct ask *a, struct set *s, const struct drive_query *q,
    struct resolve *r, ask_judge *judge, void *ctx)
{
	unsigned asked;
	enum err e;

	if ((e = ask_few(a, s, q, &asked)) != EC_OK)
		return e;
	ask_wait(a, asked, ask_hedge_us(a));
	e = judge_now(a, r, judge, ctx);
	if (e == EC_ENOMEM || (e != EC_EQUORUM && resolve_settled(r)))
		return e;
	if ((e = ask_rest(a)) != EC_OK)
		return e;
	return judge_more(a, r, judge, ctx);
}

/* By when a write of this moment is on all drives or none: commit_wait. */
static uint64_t
settle_us(const struct set *s)
{
	uint64_t us = SET_LATE_MS * 1000;

	for (unsigned i = 0; i < s->n; i++)
		if (lane_commit_us(s->lane[i]) * 8 > us)
			us = lane_commit_us(s->lane[i]) * 8;
	return us < SETTLE_MAX_US ? us : SETTLE_MAX_US;
}

/* Nothing can be said because of a state that too few drives have, when others
 * do not tell: while its write is under way, look again a moment later. */
static bool
worth_waiting(const struct set *s, const struct resolve *r,
    uint64_t started_us, unsigned *pause_us)
{
	struct timespec ts = { .tv_nsec = (long)*pause_us * 1000 };
	uint64_t most_us = settle_us(s);

	if (clock_mono_us() - started_us > most_us ||
	    !resolve_young(r, clock_real_us() - most_us))
		return false;
	nanosleep(&ts, NULL);
	if (*pause_us < PAUSE_MAX_US)
		*pause_us *= 2;
	return true;
}

enum err
ask_key(struct ask *a, struct resolve *r, struct set *s,
    struct drive_query *q, ask_judge *judge, void *ctx)
{
	uint64_t started = clock_mono_us();
	unsigned pause_us = PAUSE_MIN_US;
	enum err results[SET_DRIVES_MAX];
	enum err e;

	for (;;) {
		e = ask_round(a, s, q, r, judge, ctx);
		if (e == EC_ELIMIT && q->limit < 10000) {
			q->newest_only = false;
			q->limit = q->limit < 100 ? 1000 : 10000;
		} else if (e != EC_EQUORUM ||
		    !worth_waiting(s, r, started, &pause_us)) {
			break;
		}
		ask_release(a);
	}
	if (e == EC_ELIMIT)
		e = EC_EQUORUM;
	if (e == EC_EQUORUM) {
		ask_not_telling(a, results);
		set_complain(s, "read quorum", r->drives - s->parity, results);
	}
	return e;
}
