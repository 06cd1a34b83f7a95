/* The threads of lock_client: for each daemon those that ask and one that
 * waits for changes, and one that watches the time. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "net/lock_client_impl.h"

enum { TICK_US = 50 * 1000, DOWN_MIN_US = 100 * 1000, DOWN_SHIFT_MAX = 5,
	BRIEF_US = 50 * 1000 };

/* What is on its way to a daemon. */
struct flight {
	size_t n;
	struct vote *votes[LOCK_BATCH_MAX];
	struct lock_item items[LOCK_BATCH_MAX];
	struct lock_votes answers;
	struct buf out, in;
};

static void
wait_until(pthread_cond_t *cond, struct lock_client *c, uint64_t us)
{
	struct timespec ts = { (time_t)(us / 1000000),
	    (long)(us % 1000000) * 1000 };

	pthread_cond_timedwait(cond, &c->lock, &ts);
}

/* What is to be said about ${v} now. */
static void
item_build(struct lock_item *i, struct vote *v, uint64_t now)
{
	struct request *r = v->r;
	bool yield = v->yield && !r->held &&
	    request_granted(r, now) < r->client->quorum;

	*i = (struct lock_item){ .release = r->over, .ask = { .id = r->id,
	    .name = r->name } };
	v->yield = false;
	if (r->over)
		return;
	if (yield) {
		v->state = LOCK_VOTE_WAITING;
		v->wanted = false;
	}
	v->asked = true;
	v->sent_us = now;
	v->rev = 0;
	i->ask.owner = r->client->owner;
	i->ask.seq = ++v->seq;
	i->ask.ticket = r->ticket;
	i->ask.token = r->token;
	i->ask.flags = (r->write ? LOCK_ASK_WRITE : 0) |
	    (r->held ? LOCK_ASK_HELD : 0) | (yield ? LOCK_ASK_YIELD : 0) |
	    (r->final || r->held ? LOCK_ASK_TICKET : 0);
}

static void
flight_load(struct flight *f, struct lane *l)
{
	uint64_t now = lock_client_now();
	struct vote *v;

	f->n = 0;
	while (f->n < LOCK_BATCH_MAX && (v = TAILQ_FIRST(&l->queue)) != NULL) {
		TAILQ_REMOVE(&l->queue, v, link);
		v->queued = false;
		if (v->r->over && !v->asked) {
			request_drop_if_done(v->r);
			continue;
		}
		v->flying = true;
		item_build(&f->items[f->n], v, now);
		f->votes[f->n++] = v;
	}
}

static bool
client_gone(void *ctx)
{
	const struct lock_client *c = ctx;

	return atomic_load(&c->cancel);
}

static enum err
flight_fly(struct flight *f, struct lane *l)
{
	size_t asks = 0;
	enum err e;

	if (l->local != NULL) {
		f->in.len = 0;
		e = lock_service_call(l->local, "ask", f->out.data,
		    f->out.len, &f->in, NULL, NULL);
	} else {
		e = peer_call(l->peer, LOCK_PATH "ask", &f->out, &f->in,
		    LOCK_CALL_MS, &l->client->cut);
	}
	if (e != EC_OK || (e = lock_wire_votes_decode(&f->answers, f->in.data,
	    f->in.len)) != EC_OK)
		return e;
	for (size_t i = 0; i < f->n; i++)
		if (!f->items[i].release && (asks == f->answers.count ||
		    !uuid_equal(&f->answers.votes[asks++].id,
		    &f->items[i].ask.id)))
			return EC_ECORRUPT;
	return asks == f->answers.count ? EC_OK : EC_ECORRUPT;
}

/* Note how a call ended, and tell of changes. */
static void
lane_note(struct lane *l, enum err e, const struct lock_votes *v)
{
	const char *name = peer_address(l->peer);
	unsigned shift = l->failures < DOWN_SHIFT_MAX ? l->failures :
	    DOWN_SHIFT_MAX;
	uint64_t now = lock_client_now();

	if (e != l->err && e == EC_OK)
		log_info("lock daemon %s: answers again", name);
	else if (e != l->err && e == EC_EDENIED)
		log_warn("lock daemon %s: refuses our secret, or its clock "
		    "and ours differ by more than %d s, or its certificate is "
		    "of nobody we trust", name, PEER_AUTH_SKEW_S);
	else if (e != l->err)
		log_info("lock daemon %s: %s", name, e == EC_EOFFLINE ?
		    "cannot be reached" : err_text(e));
	l->err = e;
	if (e == EC_OK) {
		l->failures = 0;
		l->grace_ms = v->grace_ms;
		l->lease_us = v->lease_ms * UINT64_C(1000);
	} else {
		/* from 0.1 s to 2 s of a lease of 30, and some by chance */
		l->failures++;
		l->down_until_us = now + num_min(DOWN_MIN_US << shift,
		    l->lease_us / 15) + now % DOWN_MIN_US;
	}
}

static void
flight_land(struct flight *f, struct lane *l, enum err e)
{
	const struct lock_vote *a = f->answers.votes;
	struct vote *v;

	for (size_t i = 0; i < f->n; i++) {
		v = f->votes[i];
		v->flying = false;
		if (f->items[i].release && e == EC_OK)
			v->asked = false;
		else if (f->items[i].release)
			v->retry_us = l->down_until_us;
		else
			vote_answered(v, e == EC_OK ? a++ : NULL);
		if (v->again) {
			v->again = false;
			vote_queue(v);
		}
		request_drop_if_done(v->r);
	}
}

static void
lane_ask_once(struct lane *l, struct flight *f)
{
	struct lock_client *c = l->client;
	bool down;
	enum err e;

	flight_load(f, l);
	if (f->n == 0)
		return;
	f->out.len = 0;
	e = lock_wire_items_encode(&f->out, f->items, f->n, &c->session);
	down = lock_client_now() < l->down_until_us && l->failures > 0;
	if (e == EC_OK && !down) {
		if (l->flying++ == 0)
			l->flying_us = lock_client_now();
		pthread_mutex_unlock(&c->lock);
		e = flight_fly(f, l);
		pthread_mutex_lock(&c->lock);
		l->flying--;
		l->flying_us = lock_client_now();
		lane_note(l, e, &f->answers);
	}
	flight_land(f, l, down ? l->err : e);
}

void *
lane_ask(void *arg)
{
	struct flight f = { .out = BUF_INIT(LOCK_MESSAGE_MAX),
	    .in = BUF_INIT(LOCK_MESSAGE_MAX) };
	struct lane *l = arg;
	struct lock_client *c = l->client;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		if (!TAILQ_EMPTY(&l->queue))
			lane_ask_once(l, &f);
		else if (c->stopping)
			break;
		else
			pthread_cond_wait(&l->work, &c->lock);
	}
	l->asking--;
	pthread_cond_broadcast(&c->tick);
	pthread_mutex_unlock(&c->lock);
	buf_release(&f.out);
	buf_release(&f.in);
	return NULL;
}

/* Does anybody wait here for a change? */
static bool
lane_awaited(const struct lane *l)
{
	const struct request *r;

	for (r = TAILQ_FIRST(&l->client->requests); r != NULL;
	    r = TAILQ_NEXT(r, link))
		if (r->contended && !r->held && !r->over &&
		    r->votes[l->index].state != LOCK_VOTE_NONE)
			return true;
	return false;
}

static void
take_news(struct lane *l, const struct lock_votes *v)
{
	const struct lock_vote *a = v->votes;
	struct request *r;

	for (; a < v->votes + v->count; a++) {
		r = TAILQ_FIRST(&l->client->requests);
		while (r != NULL && (r->over || !uuid_equal(&r->id, &a->id)))
			r = TAILQ_NEXT(r, link);
		if (r != NULL)
			vote_answered(&r->votes[l->index], a);
	}
}

static enum err
watch(struct lane *l, struct buf *out, struct buf *in, struct lock_votes *v)
{
	enum err e;

	out->len = in->len = 0;
	if ((e = lock_wire_watch_encode(out, &l->client->session,
	    LOCK_WAIT_MAX_MS)) != EC_OK)
		return e;
	if (l->local != NULL)
		e = lock_service_call(l->local, "watch", out->data, out->len,
		    in, client_gone, l->client);
	else
		e = peer_call(l->peer, LOCK_PATH "watch", out, in,
		    LOCK_WAIT_MAX_MS + LOCK_CALL_MS, &l->client->cancel);
	return e != EC_OK ? e : lock_wire_votes_decode(v, in->data, in->len);
}

void *
lane_watch(void *arg)
{
	struct buf out = BUF_INIT(1024), in = BUF_INIT(LOCK_MESSAGE_MAX);
	struct lane *l = arg;
	struct lock_client *c = l->client;
	struct lock_votes v;
	uint64_t start;
	enum err e;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		if (!lane_awaited(l)) {
			pthread_cond_wait(&l->look, &c->lock);
			continue;
		}
		start = clock_mono_us();
		pthread_mutex_unlock(&c->lock);
		e = watch(l, &out, &in, &v);
		pthread_mutex_lock(&c->lock);
		if (e == EC_OK)
			take_news(l, &v);
		/* It may know nothing of us, or be down: do not hurry. */
		if (e != EC_OK || v.count == 0)
			while (!c->stopping &&
			    clock_mono_us() < start + BRIEF_US)
				wait_until(&l->look, c, start + BRIEF_US);
	}
	pthread_mutex_unlock(&c->lock);
	buf_release(&out);
	buf_release(&in);
	return NULL;
}

/* When ${v} is to be asked for again. */
static uint64_t
vote_due(const struct vote *v)
{
	uint64_t lease = v->lane->lease_us, at = 0;

	if (v->state == LOCK_VOTE_WAITING)
		at = v->good_us + lease / 9;	/* a third of its time */
	else if (v->state == LOCK_VOTE_GRANTED)
		at = v->good_us + lease / 3;
	return at > v->retry_us ? at : v->retry_us;
}

/* Tell a holder that its lock may get lost; the mutex is not held then. */
static void
tell_lost(struct lock_hold *h)
{
	struct lock_client *c = h->client;

	h->told = true;
	if (h->lost == NULL)
		return;
	h->telling = true;
	pthread_mutex_unlock(&c->lock);
	h->lost(h->ctx);
	pthread_mutex_lock(&c->lock);
	h->telling = false;
	pthread_cond_broadcast(&h->changed);
}

static uint64_t
shortest_lease(const struct lock_client *c)
{
	uint64_t lease = UINT64_MAX;

	for (size_t i = 0; i < c->n; i++)
		if (c->lanes[i].lease_us < lease)
			lease = c->lanes[i].lease_us;
	return lease;
}

/* A holder that is to be told. */
static struct lock_hold *
find_at_risk(struct lock_client *c, uint64_t now)
{
	uint64_t enough = now + shortest_lease(c) / 3;
	struct request *r;

	for (r = TAILQ_FIRST(&c->requests); r != NULL;
	    r = TAILQ_NEXT(r, link))
		if (r->held && r->hold != NULL && !r->hold->told &&
		    request_until(r) < enough)
			return r->hold;
	return NULL;
}

static void
request_tick(struct request *r, uint64_t now)
{
	struct lock_client *c = r->client;
	struct vote *v;

	for (v = r->votes; v < r->votes + c->n; v++) {
		if (v->queued || v->flying)
			continue;
		if (!r->over && now >= vote_due(v))
			vote_queue(v);
		if (r->over && now > v->sent_us + v->lane->lease_us)
			v->asked = false;	/* it has run out anyway */
		else if (r->over && now >= v->retry_us)
			vote_queue(v);
	}
	if (r->held && request_until(r) <= now)
		r->lost = true;
	request_evaluate(r);
}

void *
client_tick(void *arg)
{
	struct lock_client *c = arg;
	struct request *r, *next;
	struct lock_hold *h;
	uint64_t now;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		if (TAILQ_EMPTY(&c->requests)) {
			pthread_cond_wait(&c->tick, &c->lock);
			continue;
		}
		now = lock_client_now();
		for (r = TAILQ_FIRST(&c->requests); r != NULL; r = next) {
			next = TAILQ_NEXT(r, link);
			request_tick(r, now);
			request_drop_if_done(r);
		}
		while ((h = find_at_risk(c, now)) != NULL)
			tell_lost(h);
		wait_until(&c->tick, c, clock_mono_us() + TICK_US);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}
