/* Invariants:
 * 1. A place that waits is in ${waiting}, a granted one in ${granted}; both
 *    lists are in the order in which they run out.  Those of this process are
 *    in ${own} and do not run out.
 * 2. A vote is only taken back by its holder (release, yield), or when its
 *    lease has run out by our clock, which is later than by the holder's.
 * 3. floors[hash] is at least each stamp of its names that anybody was told or
 *    has told us. */
#include "net/lock_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/num.h"

enum { FLOORS = 16384, SESSION_BUCKETS = 256, TOMBS = 1024 };

TAILQ_HEAD(lease_list, place);

struct place {
	struct lock_place q;		/* the first member */
	TAILQ_ENTRY(place) lease;
	struct lease_list *in;		/* granted, waiting or own */
	TAILQ_ENTRY(place) news;	/* in its session's, if changed */
	struct session *session;	/* NULL: of this process; then: */
	void *own;
	uint64_t token;
	uint64_t expires_us, since_us;
	uint32_t seq, rev;
	bool held, wanted, changed;
	char owner[];
};

struct session {
	struct session *next;
	struct uuid id;
	size_t places;
	TAILQ_HEAD(, place) news;
};

struct lock_state {
	struct lock_state_params p;
	struct lock_queue *queue;
	struct lease_list granted, waiting, own;
	struct session *sessions[SESSION_BUCKETS];
	size_t places;
	uint64_t now_us;		/* of the call under way */
	struct uuid tombs[TOMBS];	/* a ring */
	unsigned tomb_next, tomb_count;
	uint64_t floors[FLOORS];
};

static void place_granted(void *ctx, struct lock_place *q);

enum err
lock_state_new(struct lock_state **out, const struct lock_state_params *p)
{
	struct lock_state *s;

	if (p->lease_us < 1000000 || p->floor >= LOCK_STAMP_MAX)
		return EC_EINVAL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return EC_ENOMEM;
	s->p = *p;
	TAILQ_INIT(&s->granted);
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->own);
	for (unsigned i = 0; i < FLOORS; i++)
		s->floors[i] = p->floor;
	if (lock_queue_new(&s->queue, place_granted, s) != EC_OK) {
		free(s);
		return EC_ENOMEM;
	}
	*out = s;
	return EC_OK;
}

static struct session **
session_bucket(struct lock_state *s, const struct uuid *id)
{
	return &s->sessions[(id->b[0] ^ id->b[15]) % SESSION_BUCKETS];
}

static struct session *
session_find(struct lock_state *s, const struct uuid *id)
{
	struct session *n;

	for (n = *session_bucket(s, id); n != NULL; n = n->next)
		if (uuid_equal(&n->id, id))
			break;
	return n;
}

static struct session *
session_get(struct lock_state *s, const struct uuid *id)
{
	struct session *n = session_find(s, id);

	if (n != NULL)
		return n;
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return NULL;
	n->id = *id;
	TAILQ_INIT(&n->news);
	n->next = *session_bucket(s, id);
	*session_bucket(s, id) = n;
	return n;
}

static void
session_drop_if_unused(struct lock_state *s, struct session *n)
{
	struct session **p = session_bucket(s, &n->id);

	if (n->places > 0)
		return;
	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	s->p.wake(s->p.ctx, &n->id);
	free(n);
}

static void
news_add(struct lock_state *s, struct place *p)
{
	p->rev++;
	if (p->changed || p->session == NULL)
		return;
	p->changed = true;
	TAILQ_INSERT_TAIL(&p->session->news, p, news);
	s->p.wake(s->p.ctx, &p->session->id);
}

static void
news_take(struct place *p)
{
	if (p->changed)
		TAILQ_REMOVE(&p->session->news, p, news);
	p->changed = false;
}

static uint64_t *
floor_of(struct lock_state *s, const char *name)
{
	return &s->floors[lock_name_hash(name) % FLOORS];
}

static void
observe(struct lock_state *s, const char *name, uint64_t stamp)
{
	uint64_t *floor = floor_of(s, name);

	if (stamp > *floor)
		*floor = stamp;
}

/* Renew the lease, in the list where it now belongs. */
static void
renew(struct lock_state *s, struct place *p)
{
	if (p->session == NULL)
		return;
	if (p->in != NULL)
		TAILQ_REMOVE(p->in, p, lease);
	p->in = p->q.granted ? &s->granted : &s->waiting;
	p->expires_us = s->now_us +
	    (p->q.granted ? s->p.lease_us : s->p.lease_us / 3);
	TAILQ_INSERT_TAIL(p->in, p, lease);
}

/* The queue calls this within the calls below. */
static void
place_granted(void *ctx, struct lock_place *q)
{
	struct place *p = (struct place *)q;
	struct lock_state *s = ctx;

	renew(s, p);
	p->since_us = s->now_us;
	p->token = ++*floor_of(s, lock_name_text(q->name));
	p->wanted = false;
	news_add(s, p);
	if (p->session == NULL)
		s->p.granted(s->p.ctx, p->own);
}

/* Tell those who hold a vote that somebody who was first waits for it. */
static void
note_wanted(struct lock_state *s, const struct lock_name *n)
{
	struct lock_place *first = lock_name_waiting(n), *q;
	struct place *p;
	bool wanted;

	for (q = lock_name_first(n); q != NULL && q->granted;
	    q = lock_name_next(q)) {
		p = (struct place *)q;
		wanted = first != NULL && !p->held &&
		    lock_place_before(first, q);
		if (wanted && !p->wanted)
			news_add(s, p);
		p->wanted = wanted;
	}
}

static void
place_remove(struct lock_state *s, struct place *p)
{
	char name[LOCK_NAME_MAX + 1];
	struct lock_name *n;

	strcpy(name, lock_name_text(p->q.name));
	TAILQ_REMOVE(p->in, p, lease);
	news_take(p);
	if (p->session != NULL && p->q.granted && p->q.write &&
	    s->p.written != NULL)
		s->p.written(s->p.ctx, name);
	lock_queue_leave(s->queue, &p->q);
	if ((n = lock_queue_find(s->queue, name)) != NULL)
		note_wanted(s, n);
	if (p->session != NULL) {
		p->session->places--;
		session_drop_if_unused(s, p->session);
	}
	s->places--;
	free(p);
}

void
lock_state_free(struct lock_state *s)
{
	struct place *p;

	if (s == NULL)
		return;
	while ((p = TAILQ_FIRST(&s->waiting)) != NULL ||
	    (p = TAILQ_FIRST(&s->own)) != NULL ||
	    (p = TAILQ_FIRST(&s->granted)) != NULL)
		place_remove(s, p);
	lock_queue_free(s->queue);
	free(s);
}

static struct place *
place_find(struct lock_state *s, const char *name, const struct uuid *id)
{
	struct lock_name *n = lock_queue_find(s->queue, name);
	struct lock_place *q = n != NULL ? lock_name_first(n) : NULL;

	for (; q != NULL; q = lock_name_next(q))
		if (uuid_equal(&q->id, id))
			break;
	return (struct place *)q;
}

static bool
entombed(const struct lock_state *s, const struct uuid *id)
{
	for (unsigned i = 0; i < s->tomb_count; i++)
		if (uuid_equal(&s->tombs[i], id))
			return true;
	return false;
}

/* Room for the stamps of one ask that shows ${shown}, and what it may grant. */
static bool
stamps_left(struct lock_state *s, const char *name, uint64_t shown)
{
	uint64_t most = *floor_of(s, name);

	if (shown > most)
		most = shown;
	most += s->p.places_max + 2;
	if (most > s->p.ceiling)
		s->p.ceiling = s->p.raise(s->p.ctx, most);
	return most <= s->p.ceiling;
}

/* A place for ${a} in the queue; NULL when that cannot be. */
static struct place *
place_add(struct lock_state *s, const struct lock_ask *a, bool restore)
{
	size_t len = strlen(a->owner) + 1;
	uint64_t floor = *floor_of(s, a->name);
	struct session *session;
	struct place *p;

	if (s->places >= s->p.places_max || entombed(s, &a->id) ||
	    (p = calloc(1, sizeof(*p) + len)) == NULL)
		return NULL;
	if ((session = session_get(s, &a->session)) == NULL) {
		free(p);
		return NULL;
	}
	memcpy(p->owner, a->owner, len);
	p->session = session;
	p->seq = a->seq;
	p->held = (a->flags & LOCK_ASK_HELD) != 0;
	p->since_us = s->now_us;
	p->q.write = (a->flags & LOCK_ASK_WRITE) != 0;
	p->q.id = a->id;
	p->q.ticket = (a->flags & LOCK_ASK_TICKET) != 0 || a->ticket > floor ?
	    a->ticket : floor + 1;
	observe(s, a->name, p->q.ticket);
	observe(s, a->name, a->token);
	session->places++;
	s->places++;
	renew(s, p);
	if (lock_queue_enter(s->queue, a->name, &p->q, restore) == EC_OK)
		return p;
	TAILQ_REMOVE(p->in, p, lease);
	session->places--;
	s->places--;
	session_drop_if_unused(s, session);
	free(p);
	return NULL;
}

static void
place_update(struct lock_state *s, struct place *p, const struct lock_ask *a)
{
	p->seq = a->seq;
	p->held = (a->flags & LOCK_ASK_HELD) != 0;
	observe(s, a->name, a->ticket);
	observe(s, a->name, a->token);
	if (a->token > p->token)
		p->token = a->token;
	lock_queue_move(s->queue, &p->q, (a->flags & LOCK_ASK_TICKET) != 0 ?
	    a->ticket : p->q.ticket, (a->flags & LOCK_ASK_YIELD) != 0);
	renew(s, p);
}

static void
vote_of(const struct place *p, struct lock_vote *out)
{
	*out = (struct lock_vote){ .id = p->q.id, .seq = p->seq, .rev = p->rev,
	    .state = p->q.granted ? LOCK_VOTE_GRANTED : LOCK_VOTE_WAITING,
	    .wanted = p->q.granted && p->wanted,
	    .stamp = p->q.granted ? p->token : p->q.ticket };
}

static bool
ask_valid(const struct lock_ask *a)
{
	size_t len = strlen(a->name);

	return len > 0 && len <= LOCK_NAME_MAX &&
	    strlen(a->owner) <= LOCK_OWNER_MAX &&
	    (a->flags & ~(unsigned)LOCK_ASK_ALL) == 0 &&
	    a->ticket <= LOCK_STAMP_MAX && a->token <= LOCK_STAMP_MAX;
}

void
lock_state_ask(struct lock_state *s, uint64_t now_us,
    const struct lock_ask *a, struct lock_vote *out)
{
	bool grace = now_us < s->p.grace_us;
	bool held = (a->flags & LOCK_ASK_HELD) != 0;
	struct place *p;

	*out = (struct lock_vote){ .id = a->id, .seq = a->seq };
	if (!ask_valid(a))
		return;
	lock_state_expire(s, now_us);
	if ((p = place_find(s, a->name, &a->id)) == NULL && grace && !held) {
		out->state = LOCK_VOTE_LATER;
		return;
	}
	if (!stamps_left(s, a->name, a->ticket > a->token ? a->ticket :
	    a->token))
		return;
	if (p == NULL)
		p = place_add(s, a, grace);
	else if (a->seq > p->seq)
		place_update(s, p, a);
	if (p == NULL)
		return;
	note_wanted(s, p->q.name);
	news_take(p);		/* told by this answer */
	vote_of(p, out);
}

void
lock_state_release(struct lock_state *s, uint64_t now_us, const char *name,
    const struct uuid *id)
{
	struct place *p;

	lock_state_expire(s, now_us);
	if ((p = place_find(s, name, id)) != NULL) {
		place_remove(s, p);
		return;
	}
	s->tombs[s->tomb_next] = *id;
	s->tomb_next = (s->tomb_next + 1) % TOMBS;
	if (s->tomb_count < TOMBS)
		s->tomb_count++;
}

uint64_t
lock_state_expire(struct lock_state *s, uint64_t now_us)
{
	struct lease_list *lists[] = { &s->granted, &s->waiting };
	uint64_t next = UINT64_MAX;
	struct place *p;

	s->now_us = now_us;
	for (int i = 0; i < 2; i++) {
		while ((p = TAILQ_FIRST(lists[i])) != NULL &&
		    p->expires_us <= now_us)
			place_remove(s, p);
		if (p != NULL && p->expires_us < next)
			next = p->expires_us;
	}
	return next;
}

size_t
lock_state_changed(struct lock_state *s, const struct uuid *session,
    struct lock_vote *out, size_t max)
{
	struct session *n = session_find(s, session);
	struct place *p;
	size_t count = 0;

	while (n != NULL && count < max && (p = TAILQ_FIRST(&n->news)) !=
	    NULL) {
		news_take(p);
		vote_of(p, &out[count++]);
	}
	return count;
}

bool
lock_state_knows(struct lock_state *s, const struct uuid *session)
{
	return session_find(s, session) != NULL;
}

void
lock_state_drop_waiters(struct lock_state *s, uint64_t now_us,
    const struct uuid *session)
{
	struct session *n;
	struct place *p, *next;

	lock_state_expire(s, now_us);
	n = session_find(s, session);
	for (p = TAILQ_FIRST(&s->waiting); n != NULL && p != NULL; p = next) {
		next = TAILQ_NEXT(p, lease);
		if (p->session != n)
			continue;
		if (n->places == 1)
			n = NULL;	/* goes with its last place */
		place_remove(s, p);
		if (next != NULL && next->in != &s->waiting)
			next = TAILQ_FIRST(&s->waiting); /* was granted */
	}
}

struct lock_place *
lock_state_enter(struct lock_state *s, uint64_t now_us, const char *name,
    bool write, void *own)
{
	struct place *p;

	lock_state_expire(s, now_us);
	if (!stamps_left(s, name, 0) || s->places >= s->p.places_max ||
	    (p = calloc(1, sizeof(*p) + 1)) == NULL)
		return NULL;
	p->own = own;
	p->held = true;		/* as soon as it is granted */
	p->since_us = now_us;
	p->expires_us = UINT64_MAX;
	p->q.write = write;
	p->q.ticket = ++*floor_of(s, name);
	le64_put(p->q.id.b, p->q.ticket);
	p->in = &s->own;
	TAILQ_INSERT_TAIL(&s->own, p, lease);
	s->places++;
	if (lock_queue_enter(s->queue, name, &p->q, false) == EC_OK) {
		note_wanted(s, p->q.name);
		return &p->q;
	}
	TAILQ_REMOVE(&s->own, p, lease);
	s->places--;
	free(p);
	return NULL;
}

uint64_t
lock_state_token(const struct lock_place *q)
{
	return ((const struct place *)q)->token;
}

void
lock_state_leave(struct lock_state *s, uint64_t now_us, struct lock_place *q,
    uint64_t stamp)
{
	lock_state_expire(s, now_us);
	observe(s, lock_name_text(q->name), stamp);
	place_remove(s, (struct place *)q);
}

bool
lock_state_idle(const struct lock_state *s)
{
	return TAILQ_EMPTY(&s->granted) && TAILQ_EMPTY(&s->own);
}

void
lock_state_list(const struct lock_state *s, uint64_t now_us,
    void (*each)(void *ctx, const struct lock_info *i), void *ctx)
{
	const struct lease_list *lists[] = { &s->granted, &s->waiting,
		&s->own };
	const struct place *p;
	struct lock_info i;

	for (int n = 0; n < 3; n++)
		for (p = TAILQ_FIRST(lists[n]); p != NULL;
		    p = TAILQ_NEXT(p, lease)) {
			if (p->expires_us <= now_us)
				continue;
			i = (struct lock_info){
			    .name = lock_name_text(p->q.name),
			    .owner = p->owner, .id = p->q.id,
			    .write = p->q.write, .granted = p->q.granted,
			    .held = p->held,
			    .stamp = p->q.granted ? p->token : p->q.ticket,
			    .since_us = now_us - p->since_us,
			    .left_us = n == 2 ? s->p.lease_us :
			    p->expires_us - now_us };
			each(ctx, &i);
		}
}
