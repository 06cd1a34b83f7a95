/* No thread of its own: leases run out when somebody asks, and whoever waits
 * looks four times a second.
 *
 * Locks of this process are places in the same queues.  Stamps made under one
 * are of this process' clock: it observes the token, and what it says at the
 * end is below the next token. */
#include "net/lock_service.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/lock_keep.h"
#include "net/lock_wire.h"
#include "net/peer.h"

enum { LOOK_US = 250 * 1000, RETRY_US = 1000 * 1000, PLACES_MAX = 1 << 18 };
/* Stamps are like results of clock_hlc(): this is two minutes of them. */
#define RAISE_BY (UINT64_C(120) * 1000000 << 12)

/* Somebody who waits for changes of a session. */
struct watch {
	struct watch *next;
	const struct uuid *session;
	pthread_cond_t wake;
};

struct lock_own {
	struct lock_service *service;
	struct lock_place *place;
	pthread_cond_t changed;		/* it was granted */
};

struct lock_service {
	struct lock_service_params p;
	uint64_t grace_us;
	pthread_condattr_t attr;

	pthread_mutex_t lock;		/* guards what follows */
	struct lock_state *state;
	struct lock_keep *keep;
	uint64_t keep_failed_us;	/* 0: not */
	struct watch *watches;
	bool stopping;
	void (*written)(void *ctx, const char *name);
	void *written_ctx;
};

/* Called with the lock, by the state. */
static uint64_t
raise_ceiling(void *ctx, uint64_t stamp)
{
	struct lock_service *s = ctx;
	uint64_t ceiling = stamp < LOCK_STAMP_MAX - RAISE_BY ?
	    stamp + RAISE_BY : LOCK_STAMP_MAX;

	if (s->keep == NULL)
		return ceiling;
	/* A full disk is tried again, but not for each request. */
	if (s->keep_failed_us != 0 &&
	    clock_mono_us() - s->keep_failed_us < RETRY_US)
		return 0;
	if (lock_keep_raise(s->keep, ceiling) == EC_OK) {
		s->keep_failed_us = 0;
		return ceiling;
	}
	s->keep_failed_us = clock_mono_us();
	return 0;
}

static void
wake(void *ctx, const struct uuid *session)
{
	struct lock_service *s = ctx;

	for (struct watch *w = s->watches; w != NULL; w = w->next)
		if (uuid_equal(w->session, session))
			pthread_cond_signal(&w->wake);
}

static void
granted(void *ctx, void *own)
{
	(void)ctx;
	pthread_cond_signal(&((struct lock_own *)own)->changed);
}

static void
written(void *ctx, const char *name)
{
	struct lock_service *s = ctx;

	if (s->written != NULL)
		s->written(s->written_ctx, name);
}

static enum err
state_open(struct lock_service *s)
{
	unsigned grace_s = s->p.no_grace ? 0 : s->p.lease_s;
	struct lock_state_params sp = { .places_max = PLACES_MAX,
	    .lease_us = s->p.lease_s * UINT64_C(1000000),
	    .floor = clock_hlc(), .raise = raise_ceiling, .wake = wake,
	    .granted = granted, .written = written, .ctx = s };
	uint64_t kept = 0;
	enum err e;

	if (s->p.state_path != NULL && (e = lock_keep_open(&s->keep,
	    s->p.state_path, s->p.lease_s, &kept, &grace_s)) != EC_OK)
		return e;
	if (s->p.state_path != NULL)
		sp.floor = sp.ceiling = kept;
	sp.grace_us = grace_s == 0 ? 0 :
	    clock_mono_us() + grace_s * UINT64_C(1000000);
	s->grace_us = sp.grace_us;
	return lock_state_new(&s->state, &sp);
}

enum err
lock_service_new(struct lock_service **out,
    const struct lock_service_params *p)
{
	struct lock_service *s;
	enum err e;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return EC_ENOMEM;
	s->p = *p;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&s->attr);
	pthread_condattr_setclock(&s->attr, CLOCK_MONOTONIC);
	if ((e = state_open(s)) != EC_OK) {
		lock_service_free(s);
		return e;
	}
	*out = s;
	return EC_OK;
}

void
lock_service_watch(struct lock_service *s,
    void (*written_by_others)(void *ctx, const char *name), void *ctx)
{
	pthread_mutex_lock(&s->lock);
	s->written = written_by_others;
	s->written_ctx = ctx;
	pthread_mutex_unlock(&s->lock);
}

bool
lock_service_idle(struct lock_service *s)
{
	bool idle;

	pthread_mutex_lock(&s->lock);
	lock_state_expire(s->state, clock_mono_us());
	idle = lock_state_idle(s->state) && lock_service_grace_ms(s) == 0;
	pthread_mutex_unlock(&s->lock);
	return idle;
}

void
lock_service_stop(struct lock_service *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (struct watch *w = s->watches; w != NULL; w = w->next)
		pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&s->lock);
}

void
lock_service_free(struct lock_service *s)
{
	bool idle = false;

	if (s == NULL)
		return;
	if (s->state != NULL)
		idle = lock_service_idle(s);
	lock_state_free(s->state);
	lock_keep_close(s->keep, idle);
	pthread_condattr_destroy(&s->attr);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

unsigned
lock_service_grace_ms(struct lock_service *s)
{
	uint64_t now = clock_mono_us();

	return now < s->grace_us ? (unsigned)((s->grace_us - now) / 1000 + 1) :
	    0;
}

/* Wait until ${o} is granted, with the lock. */
static enum err
own_wait(struct lock_own *o, uint64_t until)
{
	struct lock_service *s = o->service;
	struct timespec ts;
	uint64_t now, at;

	while (!o->place->granted) {
		if ((now = clock_mono_us()) >= until)
			return EC_ETIMEDOUT;
		lock_state_expire(s->state, now);
		at = now + LOOK_US < until ? now + LOOK_US : until;
		ts.tv_sec = (time_t)(at / 1000000);
		ts.tv_nsec = (long)(at % 1000000) * 1000;
		if (!o->place->granted)
			pthread_cond_timedwait(&o->changed, &s->lock, &ts);
	}
	return EC_OK;
}

enum err
lock_service_take(struct lock_service *s, const char *name, bool write,
    unsigned timeout_ms, struct lock_own **out)
{
	uint64_t now = clock_mono_us();
	struct lock_own *o;
	enum err e = EC_ENOMEM;

	if ((o = calloc(1, sizeof(*o))) == NULL)
		return EC_ENOMEM;
	o->service = s;
	pthread_cond_init(&o->changed, &s->attr);
	pthread_mutex_lock(&s->lock);
	if ((o->place = lock_state_enter(s->state, now, name, write, o)) !=
	    NULL && (e = own_wait(o, now + timeout_ms * UINT64_C(1000))) ==
	    EC_OK)
		clock_hlc_observe(lock_state_token(o->place));
	pthread_mutex_unlock(&s->lock);
	if (e != EC_OK) {
		lock_service_give(o);
		return e;
	}
	*out = o;
	return EC_OK;
}

void
lock_service_give(struct lock_own *o)
{
	struct lock_service *s;

	if (o == NULL)
		return;
	s = o->service;
	pthread_mutex_lock(&s->lock);
	if (o->place != NULL)
		lock_state_leave(s->state, clock_mono_us(), o->place,
		    clock_hlc());
	pthread_mutex_unlock(&s->lock);
	pthread_cond_destroy(&o->changed);
	free(o);
}

static void
votes_begin(struct lock_service *s, struct lock_votes *v)
{
	v->lease_ms = s->p.lease_s * 1000;
	v->grace_ms = lock_service_grace_ms(s);
	v->count = 0;
}

static enum err
call_ask(struct lock_service *s, const uint8_t *in, size_t len,
    struct buf *answer)
{
	struct lock_item items[LOCK_BATCH_MAX];
	const struct lock_ask *a;
	struct lock_votes v;
	uint64_t now;
	size_t n;
	enum err e;

	if ((e = lock_wire_items_decode(items, &n, in, len)) != EC_OK)
		return e;
	votes_begin(s, &v);
	pthread_mutex_lock(&s->lock);
	now = clock_mono_us();
	for (size_t i = 0; i < n; i++) {
		a = &items[i].ask;
		if (items[i].release)
			lock_state_release(s->state, now, a->name, &a->id);
		else
			lock_state_ask(s->state, now, a, &v.votes[v.count++]);
	}
	pthread_mutex_unlock(&s->lock);
	return lock_wire_votes_encode(answer, &v);
}

/* Wait for changes of ${w}'s session, with the lock. */
static void
wait_changed(struct lock_service *s, struct watch *w, uint64_t until,
    struct lock_votes *v, bool (*gone)(void *), void *ctx)
{
	struct timespec ts;
	uint64_t now, at;

	for (;;) {
		now = clock_mono_us();
		lock_state_expire(s->state, now);
		v->count = lock_state_changed(s->state, w->session, v->votes,
		    LOCK_BATCH_MAX);
		if (v->count > 0 || now >= until || s->stopping ||
		    !lock_state_knows(s->state, w->session))
			return;
		if (gone != NULL && gone(ctx)) {
			lock_state_drop_waiters(s->state, now, w->session);
			return;
		}
		at = now + LOOK_US < until ? now + LOOK_US : until;
		ts.tv_sec = (time_t)(at / 1000000);
		ts.tv_nsec = (long)(at % 1000000) * 1000;
		pthread_cond_timedwait(&w->wake, &s->lock, &ts);
	}
}

static enum err
call_watch(struct lock_service *s, const uint8_t *in, size_t len,
    struct buf *answer, bool (*gone)(void *), void *ctx)
{
	struct watch w = { .next = NULL }, **p;
	struct lock_votes v;
	struct uuid session;
	unsigned wait_ms;
	enum err e;

	if ((e = lock_wire_watch_decode(&session, &wait_ms, in, len)) != EC_OK)
		return e;
	votes_begin(s, &v);
	w.session = &session;
	pthread_cond_init(&w.wake, &s->attr);
	pthread_mutex_lock(&s->lock);
	w.next = s->watches;
	/* cppcheck-suppress autoVariables; it is taken out below */
	s->watches = &w;
	wait_changed(s, &w, clock_mono_us() + wait_ms * UINT64_C(1000), &v,
	    gone, ctx);
	for (p = &s->watches; *p != &w; p = &(*p)->next)
		;
	*p = w.next;
	pthread_mutex_unlock(&s->lock);
	pthread_cond_destroy(&w.wake);
	return lock_wire_votes_encode(answer, &v);
}

static void
list_add(void *ctx, const struct lock_info *i)
{
	lock_wire_list_add(ctx, i);
}

static enum err
call_list(struct lock_service *s, size_t len, struct buf *answer)
{
	struct lock_wire_list l;

	if (len != 0)
		return EC_ECORRUPT;
	lock_wire_list_begin(&l, answer);
	pthread_mutex_lock(&s->lock);
	lock_state_list(s->state, clock_mono_us(), list_add, &l);
	pthread_mutex_unlock(&s->lock);
	return lock_wire_list_end(&l);
}

enum err
lock_service_call(struct lock_service *s, const char *what,
    const uint8_t *in, size_t len, struct buf *answer,
    bool (*gone)(void *ctx), void *ctx)
{
	if (strcmp(what, "ask") == 0)
		return call_ask(s, in, len, answer);
	if (strcmp(what, "watch") == 0)
		return call_watch(s, in, len, answer, gone, ctx);
	if (strcmp(what, "list") == 0)
		return call_list(s, len, answer);
	return EC_ENOTFOUND;
}

static bool
exchange_gone(void *ctx)
{
	return http_gone(ctx);
}

bool
lock_service_serve(struct lock_service *s, struct http_exchange *x)
{
	struct buf answer = BUF_INIT(LOCK_ANSWER_MAX);
	const char *target = http_target(x);
	struct peer_request r;
	enum err e;

	if (strncmp(target, LOCK_PATH, strlen(LOCK_PATH)) != 0)
		return false;
	if (peer_request_read(&r, x, s->p.auth, LOCK_MESSAGE_MAX) == EC_OK) {
		e = strcmp(http_method(x), "POST") != 0 ? EC_EINVAL :
		    lock_service_call(s, target + strlen(LOCK_PATH),
		    r.body.data, r.body.len, &answer, exchange_gone, x);
		if (e == EC_ECORRUPT)
			e = EC_EINVAL;
		peer_request_answer(&r, (unsigned)err_http(e), answer.data,
		    e == EC_OK ? answer.len : 0);
	}
	peer_request_release(&r);
	buf_release(&answer);
	return true;
}
