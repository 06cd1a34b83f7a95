/* lock_state against what its askers believe: random asks, yields, releases,
 * late messages, lost answers, time and restarts, with a seed. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "net/lock_state.h"

enum { NAMES = 3, REQUESTS = 24, STEPS = 200000, LEASE_S = 30 };
#define S UINT64_C(1000000)
#define LEASE_US (LEASE_S * S)

static const char *const names[NAMES] = { "a", "b", "a/b" };

/* A request as its asker sees it. */
struct request {
	bool used, write, granted, told_granted, told_wanted;
	bool sure;			/* no answer was lost */
	unsigned name;
	struct uuid id;
	uint32_t seq;
	uint64_t until_us;		/* the vote counts */
	uint64_t sent_us;		/* the last ask was */
	uint64_t ticket, token;
	uint64_t had_token;		/* of the grant before */
	bool final;
	struct lock_ask late;		/* a message that is still on its way */
	bool has_late;
};

static struct lock_state *state;
static struct request requests[REQUESTS];
static uint64_t now = 1000 * S, clock_stamp = 1 << 20;
static uint64_t ceiling, raised;
static uint64_t last_token[NAMES], last_write_token[NAMES];
static uint64_t grace_us;
static unsigned seed, wakes;
static const struct uuid session = { { 7 } };

/* Results, counted over all steps. */
static unsigned broken_exclusion, broken_token, broken_order, broken_news;
static unsigned broken_lease, broken_grace;
static unsigned grants, yields, expiries, restarts, reclaims;

static unsigned
roll(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static uint64_t
on_raise(void *ctx, uint64_t stamp)
{
	(void)ctx;
	raised++;
	return ceiling = stamp + 1000000;
}

static void
on_wake(void *ctx, const struct uuid *s)
{
	(void)ctx;
	wakes += uuid_equal(s, &session);
}

static void
start(uint64_t grace)
{
	const struct lock_state_params p = { .lease_us = LEASE_US,
	    .grace_us = grace, .floor = ceiling, .ceiling = ceiling,
	    .places_max = 1000, .raise = on_raise, .wake = on_wake };

	grace_us = grace;
	if (lock_state_new(&state, &p) != EC_OK)
		abort();
}

static bool
counts(const struct request *r)
{
	return r->used && r->granted && r->until_us > now;
}

/* ${r} believes that it has the vote: does anybody else who may not? */
static void
check_exclusion(const struct request *r)
{
	for (const struct request *o = requests; o < requests + REQUESTS; o++)
		if (o != r && counts(o) && o->name == r->name &&
		    (o->write || r->write))
			broken_exclusion++;
}

/* A writer's is above all before, a reader's above those of writers. */
static void
check_token(struct request *r, uint64_t token)
{
	if (token == r->had_token)
		return;			/* it never lost it */
	if (token <= (r->write ? last_token : last_write_token)[r->name])
		broken_token++;
	r->had_token = token;
	if (token > last_token[r->name])
		last_token[r->name] = token;
	if (r->write)
		last_write_token[r->name] = token;
}

static void
believe(struct request *r, const struct lock_vote *v)
{
	bool had = counts(r);

	if (v->seq != r->seq)
		return;
	r->sure = true;
	r->told_granted = v->state == LOCK_VOTE_GRANTED;
	r->told_wanted = v->wanted;
	r->granted = r->told_granted;
	if (!r->granted) {
		if (v->state == LOCK_VOTE_WAITING && v->stamp > r->ticket &&
		    !r->final)
			r->ticket = v->stamp;
		return;
	}
	r->until_us = r->sent_us + LEASE_US;
	if (!had) {
		grants++;
		if (now < grace_us && r->token == 0 &&
		    v->stamp != r->had_token)
			broken_grace++;
		check_token(r, v->stamp);
		check_exclusion(r);
	}
	r->token = v->stamp;
}

static void
ask(struct request *r, unsigned flags)
{
	struct lock_vote v;
	struct lock_ask a = { .session = session, .id = r->id,
	    .seq = ++r->seq, .ticket = r->ticket, .token = r->token,
	    .name = names[r->name], .owner = "me",
	    .flags = flags | (r->write ? LOCK_ASK_WRITE : 0) };

	if (r->final)
		a.flags |= LOCK_ASK_TICKET;
	if ((flags & LOCK_ASK_YIELD) != 0) {
		r->granted = false;	/* from the moment it is sent */
		r->token = a.token = 0;
		yields++;
	}
	r->sure = false;
	r->sent_us = now;
	if (roll((flags & LOCK_ASK_YIELD) != 0 ? 3 : 20) == 0 && !r->has_late) {
		r->late = a;		/* it gets there, but when? */
		r->has_late = true;
		return;
	}
	lock_state_ask(state, now, &a, &v);
	if (roll(20) != 0)		/* else the answer is lost */
		believe(r, &v);
}

static void
begin(struct request *r)
{
	*r = (struct request){ .used = true, .name = roll(NAMES),
	    .write = roll(3) == 0, .ticket = ++clock_stamp - roll(2000) };
	for (unsigned i = 0; i < sizeof(r->id.b); i++)
		r->id.b[i] = (uint8_t)roll(256);
	ask(r, 0);
}

static void
step_one(struct request *r)
{
	struct lock_vote v;

	if (!r->used) {
		begin(r);
		return;
	}
	switch (roll(8)) {
	case 0:
	case 1:
		lock_state_release(state, now, names[r->name], &r->id);
		r->used = r->granted = false;
		break;
	case 2:
		if (r->granted && r->told_wanted)
			ask(r, LOCK_ASK_YIELD);
		break;
	case 3:
		r->final = true;
		ask(r, 0);
		break;
	case 4:
		if (r->has_late) {	/* what it says must not count */
			lock_state_ask(state, now, &r->late, &v);
			r->has_late = r->sure = false;
		}
		break;
	default:
		if (counts(r) && roll(2) == 0)
			ask(r, LOCK_ASK_HELD);
		else if (!r->granted || counts(r))
			ask(r, 0);
	}
}

/* What the list says, by name. */
struct seen {
	unsigned readers, writers, waiting;
	bool first_writes;
	uint64_t first;
};

static void
look(void *ctx, const struct lock_info *i)
{
	struct seen *s = ctx;
	unsigned n = 0;

	while (strcmp(names[n], i->name) != 0)
		n++;
	s += n;
	if (i->left_us > LEASE_US)
		broken_lease++;
	if (i->granted && i->write)
		s->writers++;
	else if (i->granted)
		s->readers++;
	else if (s->waiting++ == 0 || i->stamp < s->first) {
		s->first = i->stamp;
		s->first_writes = i->write;
	}
}

/* Order: whoever is first in line and could share has been let in. */
static void
check_state(void)
{
	struct seen s[NAMES] = { { 0 } };

	lock_state_expire(state, now);
	lock_state_list(state, now, look, s);
	for (unsigned n = 0; n < NAMES; n++) {
		if (s[n].writers > 1 || (s[n].writers && s[n].readers))
			broken_exclusion++;
		if (s[n].waiting > 0 && s[n].writers == 0 &&
		    (s[n].readers == 0 || !s[n].first_writes))
			broken_order++;
	}
}

static struct request *
request_of(const struct uuid *id)
{
	for (struct request *r = requests; r < requests + REQUESTS; r++)
		if (r->used && uuid_equal(&r->id, id))
			return r;
	return NULL;
}

/* Whoever has lost no answer knows what he has. */
static void
compare(void *ctx, const struct lock_info *i)
{
	const struct request *r = request_of(&i->id);

	(void)ctx;
	if (r != NULL && r->sure && r->told_granted != i->granted)
		broken_news++;
}

static void
hear(void)
{
	struct lock_vote v[16];
	struct request *r;
	size_t n;

	lock_state_expire(state, now);
	while ((n = lock_state_changed(state, &session, v, 16)) > 0)
		for (size_t i = 0; i < n; i++)
			if ((r = request_of(&v[i].id)) != NULL &&
			    v[i].seq == r->seq)
				believe(r, &v[i]);
	lock_state_list(state, now, compare, NULL);
}

/* The daemon crashes.  What was said to it does not reach the next one; those
 * who hold come back in the grace, maybe. */
static void
restart(void)
{
	restarts++;
	lock_state_free(state);
	start(now + LEASE_US);
	for (struct request *r = requests; r < requests + REQUESTS; r++)
		r->has_late = false;
	for (struct request *r = requests; r < requests + REQUESTS; r++)
		if (counts(r) && roll(3) != 0) {
			ask(r, LOCK_ASK_HELD);
			reclaims += r->granted;
		}
}

static void
run(void)
{
	uint64_t dt;

	for (unsigned i = 0; i < STEPS; i++) {
		step_one(&requests[roll(REQUESTS)]);
		if (roll(4) == 0)
			hear();
		check_state();
		dt = roll(100) == 0 ? roll(40) * S : roll(300) * 1000;
		now += dt;
		expiries += dt > LEASE_US;
		if (roll(3000) == 0)
			restart();
	}
}

static void
test_model(void)
{
	run();
	tap_note("%u grants, %u yields, %u restarts, %u taken back, %u times "
	    "all runs out, %" PRIu64 " raises", grants, yields, restarts,
	    reclaims, expiries, raised);
	tap_ok(grants > 1000 && yields > 100 && restarts > 10 &&
	    reclaims > 10 && expiries > 10, "all of it happened");
	tap_is_u64(broken_exclusion, 0, "nobody shares with a writer");
	tap_is_u64(broken_token, 0, "tokens rise, over restarts too");
	tap_is_u64(broken_order, 0, "whoever is first and may is let in");
	tap_is_u64(broken_news, 0, "all are told what they have");
	tap_is_u64(broken_lease, 0, "no lease is longer than a lease");
	tap_is_u64(broken_grace, 0, "nothing new is granted in a grace");
	tap_ok(wakes > 0, "those who wait are woken");
}

static struct lock_vote
ask_as(uint8_t id, const char *name, unsigned flags, uint32_t seq,
    uint64_t ticket)
{
	struct lock_ask a = { .session = session, .id = { { id } },
	    .seq = seq, .flags = flags, .ticket = ticket, .name = name,
	    .owner = "" };
	struct lock_vote v;

	lock_state_ask(state, now, &a, &v);
	return v;
}

static void
test_yield(void)
{
	const unsigned w = LOCK_ASK_WRITE, t = LOCK_ASK_TICKET;
	struct lock_vote v[4];

	start(0);
	clock_stamp = ceiling + 1000;
	tap_ok(ask_as(1, "y", w, 1, clock_stamp + 10).state ==
	    LOCK_VOTE_GRANTED, "the first to come is granted");
	tap_ok(ask_as(2, "y", w, 1, 5).state == LOCK_VOTE_WAITING,
	    "a proposal in the past does not overtake");
	tap_ok(lock_state_changed(state, &session, v, 4) == 0,
	    "nobody is told of that");
	ask_as(1, "y", w | t, 2, clock_stamp + 10);
	ask_as(2, "y", w | t, 2, clock_stamp);
	tap_ok(lock_state_changed(state, &session, v, 4) == 1 &&
	    v[0].id.b[0] == 1 && v[0].wanted && v[0].seq == 2,
	    "a final ticket that is earlier asks for the vote");
	tap_ok(ask_as(1, "y", w | LOCK_ASK_YIELD | t, 1, clock_stamp + 10)
	    .seq == 2, "a yield that comes late is not heeded");
	tap_ok(ask_as(1, "y", w | LOCK_ASK_YIELD | t, 3, clock_stamp + 10)
	    .state == LOCK_VOTE_WAITING, "the vote is given up");
	tap_ok(lock_state_changed(state, &session, v, 4) == 1 &&
	    v[0].id.b[0] == 2 && v[0].state == LOCK_VOTE_GRANTED,
	    "and who was first has it");
	lock_state_drop_waiters(state, now, &session);
	tap_ok(ask_as(1, "y", w | t, 4, clock_stamp + 10).state ==
	    LOCK_VOTE_WAITING && !lock_state_idle(state),
	    "holders stay when a session's connection goes");
	lock_state_free(state);
}

static void
test_refuse(void)
{
	static char name[LOCK_NAME_MAX + 2];
	struct uuid id = { { 9 } };

	start(0);
	memset(name, 'n', LOCK_NAME_MAX);
	tap_ok(ask_as(1, name, 0, 1, 1).state == LOCK_VOTE_GRANTED,
	    "the longest name");
	name[LOCK_NAME_MAX] = 'n';
	tap_ok(ask_as(2, name, 0, 1, 1).state == LOCK_VOTE_NONE,
	    "a longer one");
	tap_ok(ask_as(2, "", 0, 1, 1).state == LOCK_VOTE_NONE, "no name");
	tap_ok(ask_as(2, "x", 0, 1, LOCK_STAMP_MAX + 1).state ==
	    LOCK_VOTE_NONE, "a ticket of a broken clock");
	lock_state_release(state, now, "z", &id);
	tap_ok(ask_as(9, "z", 0, 1, 1).state == LOCK_VOTE_NONE,
	    "an ask that comes after its release");
	lock_state_free(state);
}

int
main(int argc, char *argv[])
{
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	tap_note("seed %u", seed);
	start(0);
	test_model();
	lock_state_free(state);
	test_yield();
	test_refuse();
	return tap_done();
}
