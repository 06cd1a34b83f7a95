/* Invariants:
 * 1. A vote counts from the moment its ask was sent, for the daemon's lease
 *    less a margin; the daemon's lease began later.
 * 2. Of what a daemon says only the answer to the last ask sent counts; a vote
 *    that is given up does not count from the moment that is sent.
 * 3. A request that was held and then had fewer votes than a quorum is lost and
 *    stays so: its holder was told. */
#include "net/lock_client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "net/lock_client_impl.h"

enum { CONNECT_MS = 500, TRY_MS = 250, SILENT_US = 500 * 1000,
	FLUSH_US = 300 * 1000, ALONE_US = 3 * 1000 * 1000,
	TRY_LOOK_US = 10 * 1000, ALONE_LOOK_US = 500 * 1000 };

uint64_t
lock_client_now(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static enum err
lane_init(struct lane *l, struct lock_client *c,
    const struct lock_client_params *p, size_t i)
{
	l->client = c;
	l->index = i;
	l->lease_us = LOCK_LEASE_S * UINT64_C(1000000);
	TAILQ_INIT(&l->queue);
	pthread_cond_init(&l->work, &c->attr);
	pthread_cond_init(&l->look, &c->attr);
	for (size_t j = 0; j < i; j++)
		if (strcmp(p->peers[i], p->peers[j]) == 0)
			return EC_EINVAL;
	if (p->local != NULL && p->local_index == i)
		l->local = p->local;
	return peer_new(&l->peer, p->peers[i], p->auth, CONNECT_MS);
}

static enum err
lane_start(struct lane *l)
{
	struct lock_client *c = l->client;

	pthread_mutex_lock(&c->lock);
	while (l->askers < LANE_ASKERS && pthread_create(
	    &l->asker[l->askers], NULL, lane_ask, l) == 0)
		l->askers++;
	l->asking = l->askers;
	pthread_mutex_unlock(&c->lock);
	l->watcher_runs = l->askers == LANE_ASKERS &&
	    pthread_create(&l->watcher, NULL, lane_watch, l) == 0;
	return l->watcher_runs ? EC_OK : EC_ENOMEM;
}

enum err
lock_client_new(struct lock_client **out, const struct lock_client_params *p)
{
	struct lock_client *c;
	enum err e = EC_OK;

	if (p->n == 0 || p->n > LOCK_PEERS_MAX)
		return EC_EINVAL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return EC_ENOMEM;
	c->quorum = p->n / 2 + 1;
	c->session = uuid_new();
	for (size_t i = 0; p->owner != NULL && p->owner[i] != '\0' &&
	    i < LOCK_OWNER_MAX; i++)
		c->owner[i] = p->owner[i];
	TAILQ_INIT(&c->requests);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&c->attr);
	pthread_condattr_setclock(&c->attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->tick, &c->attr);
	for (size_t i = 0; i < p->n && e == EC_OK; i++) {
		c->n = i + 1;
		e = lane_init(&c->lanes[i], c, p, i);
	}
	for (size_t i = 0; i < c->n && e == EC_OK; i++)
		e = lane_start(&c->lanes[i]);
	if (e == EC_OK) {
		c->ticker_runs = pthread_create(&c->ticker, NULL, client_tick,
		    c) == 0;
		e = c->ticker_runs ? EC_OK : EC_ENOMEM;
	}
	if (e != EC_OK) {
		lock_client_free(c);
		return e;
	}
	*out = c;
	return EC_OK;
}

static void
lane_release(struct lane *l)
{
	while (l->askers > 0)
		pthread_join(l->asker[--l->askers], NULL);
	if (l->watcher_runs)
		pthread_join(l->watcher, NULL);
	peer_free(l->peer);
	pthread_cond_destroy(&l->work);
	pthread_cond_destroy(&l->look);
}

/* Give the askers a moment to tell what was given back; with the lock. */
static void
flush(struct lock_client *c)
{
	uint64_t until = clock_mono_us() + FLUSH_US;
	const struct timespec ts = { (time_t)(until / 1000000),
		(long)(until % 1000000) * 1000 };
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++)
		while (c->lanes[i].asking > 0 && r == 0)
			r = pthread_cond_timedwait(&c->tick, &c->lock, &ts);
	atomic_store(&c->cut, true);
}

void
lock_client_free(struct lock_client *c)
{
	struct request *r;

	if (c == NULL)
		return;
	atomic_store(&c->cancel, true);
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_broadcast(&c->tick);
	for (size_t i = 0; i < c->n; i++) {
		pthread_cond_broadcast(&c->lanes[i].work);
		pthread_cond_broadcast(&c->lanes[i].look);
	}
	flush(c);
	pthread_mutex_unlock(&c->lock);
	if (c->ticker_runs)
		pthread_join(c->ticker, NULL);
	for (size_t i = 0; i < c->n; i++)
		lane_release(&c->lanes[i]);
	while ((r = TAILQ_FIRST(&c->requests)) != NULL) {
		TAILQ_REMOVE(&c->requests, r, link);
		free(r);
	}
	pthread_cond_destroy(&c->tick);
	pthread_condattr_destroy(&c->attr);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Begin to ask for ${w}; with the lock. */
static enum err
request_start(struct lock_hold *h, const struct lock_want *w, size_t i)
{
	struct lock_client *c = h->client;
	size_t len = strlen(w->name) + 1;
	struct request *r;

	if ((r = calloc(1, sizeof(*r) + len)) == NULL)
		return EC_ENOMEM;
	memcpy(r->name, w->name, len);
	r->write = w->write;
	r->id = uuid_new();
	r->client = c;
	r->hold = h;
	r->start_us = lock_client_now();
	if ((r->ticket = clock_hlc()) <= c->seen)
		r->ticket = c->seen + 1;
	c->seen = r->ticket;
	h->requests[i] = r;
	TAILQ_INSERT_TAIL(&c->requests, r, link);
	pthread_cond_signal(&c->tick);
	for (size_t k = 0; k < c->n; k++) {
		r->votes[k].r = r;
		r->votes[k].lane = &c->lanes[k];
		vote_queue(&r->votes[k]);
	}
	return EC_OK;
}

/* Do so many refuse our secret that there is no quorum of others? */
static bool
is_denied(const struct lock_client *c)
{
	size_t denied = 0;

	for (size_t i = 0; i < c->n; i++)
		denied += c->lanes[i].err == EC_EDENIED;
	return denied > c->n - c->quorum;
}

/* What to say when ${r} could not be had. */
static enum err
request_failure(const struct request *r)
{
	const struct lock_client *c = r->client;
	size_t answering = 0;

	if (is_denied(c))
		return EC_EDENIED;
	for (size_t i = 0; i < c->n; i++)
		answering += c->lanes[i].err == EC_OK && r->votes[i].tried;
	return answering >= c->quorum ? EC_ETIMEDOUT : EC_EQUORUM;
}

/* Without time to wait: has all been said that is to be said? */
static bool
try_failed(const struct request *r, uint64_t now)
{
	const struct lock_client *c = r->client;

	for (size_t i = 0; i < c->n; i++)
		if (!r->votes[i].tried)
			return false;
	/* Several who try at the same time have to sort it out. */
	return request_granted(r, now) == 0 ||
	    now >= r->start_us + TRY_MS * 1000;
}

/* There was no quorum of daemons to be had for a while. */
static bool
is_alone(const struct request *r, uint64_t now)
{
	const struct lock_client *c = r->client;
	size_t silent = 0;

	if (now < r->start_us + ALONE_US)
		return false;
	for (size_t i = 0; i < c->n; i++)
		silent += c->lanes[i].failures >= 2;
	return silent > c->n - c->quorum;
}

static enum err
request_wait(struct request *r, uint64_t until_us, bool try)
{
	struct lock_client *c = r->client;
	struct lock_hold *h = r->hold;
	struct timespec ts;
	uint64_t at;

	while (!r->held) {
		if (is_denied(c) || (try ? try_failed(r, lock_client_now()) :
		    clock_mono_us() >= until_us ||
		    is_alone(r, lock_client_now())))
			return request_failure(r);
		at = clock_mono_us() + (try ? TRY_LOOK_US : ALONE_LOOK_US);
		if (!try && at > until_us)
			at = until_us;
		ts.tv_sec = (time_t)(at / 1000000);
		ts.tv_nsec = (long)(at % 1000000) * 1000;
		pthread_cond_timedwait(&h->changed, &c->lock, &ts);
	}
	return EC_OK;
}

/* order[] = the wants' indexes by name.  Errors: EC_EINVAL. */
static enum err
sort_wants(size_t order[], const struct lock_want *wants, size_t n)
{
	size_t k, len;

	for (size_t i = 0; i < n; i++) {
		len = strlen(wants[i].name);
		if (len == 0 || len > LOCK_NAME_MAX)
			return EC_EINVAL;
		for (k = i; k > 0 && strcmp(wants[i].name,
		    wants[order[k - 1]].name) < 0; k--)
			order[k] = order[k - 1];
		order[k] = i;
		if (k > 0 && strcmp(wants[i].name,
		    wants[order[k - 1]].name) == 0)
			return EC_EINVAL;
	}
	return EC_OK;
}

enum err
lock_client_take(struct lock_client *c, const struct lock_want *wants,
    size_t n, unsigned timeout_ms, void (*lost)(void *ctx), void *ctx,
    struct lock_hold **out)
{
	uint64_t until = clock_mono_us() + timeout_ms * UINT64_C(1000);
	size_t order[LOCK_WANTS_MAX];
	struct lock_hold *h;
	enum err e;

	if (n == 0 || n > LOCK_WANTS_MAX)
		return EC_EINVAL;
	if ((e = sort_wants(order, wants, n)) != EC_OK)
		return e;
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return EC_ENOMEM;
	*h = (struct lock_hold){ .client = c, .lost = lost, .ctx = ctx,
	    .n = n };
	pthread_cond_init(&h->changed, &c->attr);
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < n && e == EC_OK; i++)
		if ((e = request_start(h, &wants[order[i]], order[i])) == EC_OK)
			e = request_wait(h->requests[order[i]], until,
			    timeout_ms == 0);
	pthread_mutex_unlock(&c->lock);
	if (e != EC_OK) {
		lock_hold_release(h);
		return e;
	}
	*out = h;
	return EC_OK;
}

uint64_t
lock_hold_token(const struct lock_hold *h, size_t i)
{
	return h->requests[i]->token;
}

uint64_t
lock_hold_left_us(struct lock_hold *h)
{
	uint64_t until, least = UINT64_MAX, now;

	pthread_mutex_lock(&h->client->lock);
	now = lock_client_now();
	for (size_t i = 0; i < h->n; i++)
		if ((until = request_until(h->requests[i])) < least)
			least = until;
	pthread_mutex_unlock(&h->client->lock);
	return least > now ? least - now : 0;
}

void
lock_hold_release(struct lock_hold *h)
{
	struct lock_client *c;
	struct request *r;

	if (h == NULL)
		return;
	c = h->client;
	pthread_mutex_lock(&c->lock);
	while (h->telling)
		pthread_cond_wait(&h->changed, &c->lock);
	for (size_t i = 0; i < h->n; i++) {
		if ((r = h->requests[i]) == NULL)
			continue;
		r->hold = NULL;
		r->over = true;
		r->held = false;
		for (size_t k = 0; k < c->n; k++)
			vote_queue(&r->votes[k]);
		request_drop_if_done(r);
	}
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&h->changed);
	free(h);
}

enum err
lock_client_explain(struct lock_client *c, struct buf *out)
{
	const struct lane *l;
	enum err e = EC_OK;

	pthread_mutex_lock(&c->lock);
	for (l = c->lanes; l < c->lanes + c->n && e == EC_OK; l++)
		if (l->err == EC_EDENIED)
			e = buf_printf(out, "%s: refuses our secret, or its "
			    "clock and ours differ by more than %d s, or its "
			    "certificate is of nobody we trust\n",
			    peer_address(l->peer), PEER_AUTH_SKEW_S);
		else if (l->err == EC_EOFFLINE)
			e = buf_printf(out, "%s: cannot be reached\n",
			    peer_address(l->peer));
		else if (l->err == EC_ETIMEDOUT || (l->flying > 0 &&
		    lock_client_now() - l->flying_us > SILENT_US))
			e = buf_printf(out, "%s: does not answer\n",
			    peer_address(l->peer));
		else if (l->err != EC_OK)
			e = buf_printf(out, "%s: %s\n",
			    peer_address(l->peer), err_text(l->err));
		else if (l->grace_ms > 0)
			e = buf_printf(out, "%s: has just started, grants "
			    "again in %u s\n", peer_address(l->peer),
			    l->grace_ms / 1000 + 1);
	pthread_mutex_unlock(&c->lock);
	return e;
}
