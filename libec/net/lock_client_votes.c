/* What follows from the votes of a request; see lock_client.c for the
 * invariants. */
#include <stdlib.h>

#include "net/lock_client_impl.h"

enum { LATER_US = 200 * 1000, REFUSED_US = 500 * 1000, MARGIN_PART = 15 };

void
vote_queue(struct vote *v)
{
	if (v->queued)
		return;
	if (v->flying) {
		v->again = true;
		return;
	}
	if (v->r->over && !v->asked)
		return;
	v->queued = true;
	TAILQ_INSERT_TAIL(&v->lane->queue, v, link);
	pthread_cond_signal(&v->lane->work);
}

void
request_drop_if_done(struct request *r)
{
	const struct vote *v = r->votes;

	if (!r->over)
		return;
	for (; v < r->votes + r->client->n; v++)
		if (v->queued || v->flying || v->asked)
			return;
	TAILQ_REMOVE(&r->client->requests, r, link);
	free(r);
}

static bool
vote_counts(const struct vote *v, uint64_t now_us)
{
	return v->state == LOCK_VOTE_GRANTED && v->until_us > now_us;
}

size_t
request_granted(const struct request *r, uint64_t now_us)
{
	size_t n = 0;

	for (size_t i = 0; i < r->client->n; i++)
		n += vote_counts(&r->votes[i], now_us);
	return n;
}

uint64_t
request_until(const struct request *r)
{
	uint64_t until[LOCK_PEERS_MAX] = { 0 }, u;
	size_t n = 0, k;

	for (size_t i = 0; i < r->client->n; i++) {
		if (r->votes[i].state != LOCK_VOTE_GRANTED)
			continue;
		u = r->votes[i].until_us;
		for (k = n++; k > 0 && until[k - 1] < u; k--)
			until[k] = until[k - 1];
		until[k] = u;
	}
	return n < r->client->quorum || r->lost ? 0 :
	    until[r->client->quorum - 1];
}

/* A quorum of votes: the token is the highest of theirs, and when a quorum
 * knows that, each later quorum has somebody who gives a higher one. */
static void
settle(struct request *r, uint64_t now)
{
	struct vote *v, *end = r->votes + r->client->n;
	size_t know = 0;

	if (r->token == 0)
		for (v = r->votes; v < end; v++)
			if (vote_counts(v, now) && v->stamp > r->token)
				r->token = v->stamp;
	for (v = r->votes; v < end; v++)
		know += vote_counts(v, now) && v->stamp >= r->token;
	if (know >= r->client->quorum) {
		r->held = true;
		if (r->hold != NULL)
			pthread_cond_broadcast(&r->hold->changed);
		return;
	}
	for (v = r->votes; v < end; v++)
		if (vote_counts(v, now) && v->stamp < r->token)
			vote_queue(v);
}

/* No quorum: fix the ticket when a quorum has said where we stand, and give
 * what others were first for. */
static void
stand_in_line(struct request *r)
{
	struct lock_client *c = r->client;
	struct vote *v, *end = r->votes + c->n;
	size_t noted = 0, waiting = 0;
	uint64_t highest = r->ticket;

	for (v = r->votes; v < end; v++) {
		if (v->state == LOCK_VOTE_NONE)
			continue;
		noted++;
		waiting += v->state == LOCK_VOTE_WAITING;
		if (v->stamp > highest)
			highest = v->stamp;
	}
	r->contended |= waiting > 0;
	for (size_t i = 0; i < c->n && r->contended; i++)
		pthread_cond_signal(&c->lanes[i].look);
	if (!r->final && waiting > 0 && noted >= c->quorum) {
		r->final = true;
		r->ticket = highest;
		for (v = r->votes; v < end; v++)
			if (v->state != LOCK_VOTE_NONE)
				vote_queue(v);
	}
	for (v = r->votes; v < end && r->final; v++)
		if (v->state == LOCK_VOTE_GRANTED && v->wanted && !v->yield) {
			v->yield = true;
			vote_queue(v);
		}
}

void
request_evaluate(struct request *r)
{
	uint64_t now = lock_client_now();

	if (r->over || r->held)
		return;
	if (request_granted(r, now) >= r->client->quorum) {
		settle(r, now);
		return;
	}
	r->token = 0;
	stand_in_line(r);
}

static void
vote_heeded(struct vote *v, const struct lock_vote *a)
{
	struct lock_client *c = v->r->client;
	uint64_t lease = v->lane->lease_us;

	v->state = a->state;
	v->wanted = a->wanted;
	v->stamp = a->stamp;
	v->rev = a->rev;
	v->good_us = v->sent_us;
	v->until_us = v->sent_us + lease - lease / MARGIN_PART;
	if (a->stamp > c->seen && a->stamp <= LOCK_STAMP_MAX)
		c->seen = a->stamp;
}

void
vote_answered(struct vote *v, const struct lock_vote *a)
{
	uint64_t now = lock_client_now();
	struct request *r = v->r;

	/* What comes now must not make good what has run out. */
	if (r->held && request_until(r) <= now)
		r->lost = true;
	v->tried = true;
	if (a == NULL) {
		v->retry_us = v->lane->down_until_us;
		if (r->hold != NULL)	/* it may be in vain to wait */
			pthread_cond_broadcast(&r->hold->changed);
	} else if (a->seq != v->seq || a->rev < v->rev) {
		return;
	} else if (a->state == LOCK_VOTE_GRANTED ||
	    a->state == LOCK_VOTE_WAITING) {
		vote_heeded(v, a);
	} else {
		v->state = LOCK_VOTE_NONE;
		v->retry_us = now + (a->state == LOCK_VOTE_LATER ?
		    LATER_US : REFUSED_US);
	}
	request_evaluate(r);
}
