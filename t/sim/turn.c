/* turn: see the header.
 *
 * 1. Exactly one thread is RUNNING, and only it touches what is here.
 * 2. A thread waits for its turn at its own semaphore, which is posted once
 *    for each. */
#include "turn.h"

#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum state { FREE, READY, BLOCKED, DONE };

/* A clock that stands still would make loops that look at it endless. */
enum { TURN_NS = 400, TURNS_MAX = 30000000 };

struct thread {
	enum state state;
	unsigned node;
	const void *on;
	uint64_t until_ns;
	bool timed_out, detached;
	sem_t go;
	pthread_t real;
	void *(*start)(void *);
	void *arg, *result;
};

static struct thread threads[TURN_THREADS_MAX];
static unsigned used;
static _Thread_local struct thread *self;
static struct dice order;
static uint64_t now_ns, turns, sum, seed_given;
static unsigned often;		/* a turn is given up at one lock in so many */
static int64_t ahead_ns[TURN_NODES_MAX];

int __real_pthread_create(pthread_t *, const pthread_attr_t *,
    void *(*)(void *), void *);
int __real_pthread_join(pthread_t, void **);

uint64_t
dice_next(struct dice *d)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
dice_below(struct dice *d, uint64_t n)
{
	return dice_next(d) % n;
}

bool
dice_one_in(struct dice *d, unsigned n)
{
	return n > 0 && dice_below(d, n) == 0;
}

void
turn_give_up(const char *why)
{
	fprintf(stderr, "sim: seed %llu: %s\n",
	    (unsigned long long)seed_given, why);
	_exit(3);
}

static struct thread *
thread_new(void)
{
	for (unsigned i = 0; i < TURN_THREADS_MAX; i++)
		if (threads[i].state == FREE) {
			threads[i] = (struct thread){ .state = READY };
			sem_init(&threads[i].go, 0, 0);
			if (used <= i)
				used = i + 1;
			return &threads[i];
		}
	turn_give_up("too many threads");
}

void
turn_begin(uint64_t seed)
{
	static const unsigned how_often[] = { 2, 8, 32, 200 };

	seed_given = seed;
	order.state = seed ^ UINT64_C(0x6f72646572);
	often = how_often[dice_below(&order, 4)];
	self = thread_new();
	self->real = pthread_self();
}

bool
turn_on(void)
{
	return self != NULL;
}

void
turn_trace(uint64_t what)
{
	sum = (sum ^ what) * UINT64_C(0x100000001b3);
	sum ^= sum >> 29;
}

bool turn_tells;

void
turn_tell(const char *fmt, ...)
{
	va_list ap;

	if (!turn_tells)
		return;
	fprintf(stderr, "%12.6f %3u ", (double)now_ns / 1e9, turn_self());
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The earliest of those that wait until some time are ready. */
static void
advance(void)
{
	uint64_t next = TURN_NEVER;

	for (unsigned i = 0; i < used; i++)
		if (threads[i].state == BLOCKED && threads[i].until_ns < next)
			next = threads[i].until_ns;
	if (next == TURN_NEVER)
		turn_give_up("all threads wait for each other");
	if (next > now_ns)
		now_ns = next;
}

static unsigned
ready(struct thread *list[])
{
	unsigned n = 0;

	for (unsigned i = 0; i < used; i++) {
		struct thread *t = &threads[i];

		if (t->state == BLOCKED && t->until_ns <= now_ns) {
			t->state = READY;
			t->timed_out = true;
		}
		if (t->state == READY)
			list[n++] = t;
	}
	return n;
}

static struct thread *
choose(void)
{
	static struct thread *list[TURN_THREADS_MAX];
	struct thread *t;
	unsigned n;

	now_ns += TURN_NS;
	if (++turns > TURNS_MAX)
		turn_give_up("no end in sight");
	while ((n = ready(list)) == 0)
		advance();
	t = list[dice_below(&order, n)];
	turn_trace(now_ns << 12 | (uint64_t)(t - threads));
	return t;
}

static void
give(void)
{
	struct thread *me = self, *next = choose();

	if (next == me)
		return;
	sem_post(&next->go);
	while (sem_wait(&me->go) != 0)
		;
}

void
turn_maybe(void)
{
	if (dice_one_in(&order, often))
		give();
}

bool
turn_block(const void *on, uint64_t until_ns)
{
	self->on = on;
	self->until_ns = until_ns;
	self->timed_out = false;
	self->state = BLOCKED;
	give();
	return !self->timed_out;
}

void
turn_sleep_ns(uint64_t ns)
{
	(void)turn_block(NULL, now_ns + ns);
}

static bool
waits(const struct thread *t, const void *on)
{
	return t->state == BLOCKED && t->on == on;
}

void
turn_wake_one(const void *on)
{
	unsigned n = 0, which;

	for (unsigned i = 0; i < used; i++)
		n += waits(&threads[i], on);
	if (n == 0)
		return;
	which = (unsigned)dice_below(&order, n);
	for (unsigned i = 0; i < used; i++)
		if (waits(&threads[i], on) && which-- == 0) {
			threads[i].state = READY;
			return;
		}
}

void
turn_wake_all(const void *on)
{
	for (unsigned i = 0; i < used; i++)
		if (waits(&threads[i], on))
			threads[i].state = READY;
}

uint64_t
turn_now_ns(void)
{
	return now_ns;
}

uint64_t
turn_count(void)
{
	return turns;
}

uint32_t
turn_self(void)
{
	return (uint32_t)(self - threads) + 1;
}

uint64_t
turn_sum(void)
{
	return sum;
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct thread *next;

	self = t;
	while (sem_wait(&t->go) != 0)
		;
	t->result = t->start(t->arg);
	t->state = t->detached ? FREE : DONE;
	turn_wake_all(t);
	next = choose();
	sem_post(&next->go);
	return NULL;
}

int
turn_spawn(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
    void *arg)
{
	struct thread *t = thread_new();
	int detached = PTHREAD_CREATE_JOINABLE, e;

	if (attr != NULL)
		pthread_attr_getdetachstate(attr, &detached);
	t->detached = detached == PTHREAD_CREATE_DETACHED;
	t->node = self->node;
	t->start = start;
	t->arg = arg;
	e = __real_pthread_create(&t->real, attr, thread_main, t);
	if (e != 0)
		turn_give_up("no more threads");
	*out = t->real;
	turn_maybe();
	return 0;
}

int
turn_join(pthread_t thread, void **result)
{
	struct thread *t = threads;

	while (t->state == FREE || t->detached ||
	    !pthread_equal(t->real, thread))
		t++;
	while (t->state != DONE)
		(void)turn_block(t, TURN_NEVER);
	if (result != NULL)
		*result = t->result;
	t->state = FREE;
	return __real_pthread_join(thread, NULL);
}

void
turn_node_set(unsigned node)
{
	self->node = node;
}

unsigned
turn_node(void)
{
	return self->node;
}

void
turn_clock_set(unsigned node, int64_t ns)
{
	ahead_ns[node] = ns;
}

int64_t
turn_clock(unsigned node)
{
	return ahead_ns[node];
}
