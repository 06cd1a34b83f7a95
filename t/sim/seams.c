/* seams: what the library calls, linked with --wrap, given to turn.h.
 *
 * A mutex is the number of its owner, 0 when free, and a condition whether it
 * has the monotonic clock: so what was initialised with zeros is right. */
#include <pthread.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "base/clock.h"
#include "turn.h"

#define NS UINT64_C(1000000000)
#define EPOCH_S UINT64_C(1795000000)	/* when simulated time begins */

static struct dice bits;	/* random ones */
static uint64_t hlc[TURN_NODES_MAX];

int __wrap_pthread_create(pthread_t *, const pthread_attr_t *,
    void *(*)(void *), void *);
int __wrap_pthread_join(pthread_t, void **);
int __wrap_pthread_mutex_init(pthread_mutex_t *, const pthread_mutexattr_t *);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *);
int __wrap_pthread_mutex_lock(pthread_mutex_t *);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *);
int __wrap_pthread_condattr_init(pthread_condattr_t *);
int __wrap_pthread_condattr_setclock(pthread_condattr_t *, clockid_t);
int __wrap_pthread_condattr_destroy(pthread_condattr_t *);
int __wrap_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __wrap_pthread_cond_destroy(pthread_cond_t *);
int __wrap_pthread_cond_wait(pthread_cond_t *, pthread_mutex_t *);
int __wrap_pthread_cond_timedwait(pthread_cond_t *, pthread_mutex_t *,
    const struct timespec *);
int __wrap_pthread_cond_signal(pthread_cond_t *);
int __wrap_pthread_cond_broadcast(pthread_cond_t *);
int __wrap_clock_gettime(clockid_t, struct timespec *);
int __wrap_nanosleep(const struct timespec *, struct timespec *);
ssize_t __wrap_getrandom(void *, size_t, unsigned);
uint64_t __wrap_clock_hlc(void);
void __wrap_clock_hlc_observe(uint64_t);

int
__wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg)
{
	return turn_spawn(out, attr, start, arg);
}

int
__wrap_pthread_join(pthread_t thread, void **result)
{
	return turn_join(thread, result);
}

static uint32_t *
owner(pthread_mutex_t *m)
{
	return (uint32_t *)(void *)m;
}

int
__wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a)
{
	(void)a;
	*owner(m) = 0;
	return 0;
}

int
__wrap_pthread_mutex_destroy(pthread_mutex_t *m)
{
	if (*owner(m) != 0)
		turn_give_up("a mutex goes that is held");
	return 0;
}

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	turn_maybe();
	if (*owner(m) == turn_self())
		turn_give_up("a mutex is taken twice");
	while (*owner(m) != 0)
		(void)turn_block(m, TURN_NEVER);
	*owner(m) = turn_self();
	return 0;
}

int
__wrap_pthread_mutex_trylock(pthread_mutex_t *m)
{
	turn_maybe();
	if (*owner(m) != 0)
		return 16;	/* EBUSY */
	*owner(m) = turn_self();
	return 0;
}

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	if (*owner(m) != turn_self())
		turn_give_up("a mutex is given back that is another's");
	*owner(m) = 0;
	turn_wake_all(m);
	turn_maybe();
	return 0;
}

int
__wrap_pthread_condattr_init(pthread_condattr_t *a)
{
	memset(a, 0, sizeof(*a));
	return 0;
}

int
__wrap_pthread_condattr_setclock(pthread_condattr_t *a, clockid_t id)
{
	*(unsigned char *)a = id == CLOCK_MONOTONIC;
	return 0;
}

int
__wrap_pthread_condattr_destroy(pthread_condattr_t *a)
{
	(void)a;
	return 0;
}

static unsigned char *
monotonic(pthread_cond_t *c)
{
	return (unsigned char *)c;
}

int
__wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *a)
{
	*monotonic(c) = a != NULL && *(const unsigned char *)a;
	return 0;
}

int
__wrap_pthread_cond_destroy(pthread_cond_t *c)
{
	(void)c;
	return 0;
}

static bool
wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until_ns)
{
	bool woken;

	if (*owner(m) != turn_self())
		turn_give_up("a wait without its mutex");
	*owner(m) = 0;
	turn_wake_all(m);
	woken = turn_block(c, until_ns);
	while (*owner(m) != 0)
		(void)turn_block(m, TURN_NEVER);
	*owner(m) = turn_self();
	return woken;
}

int
__wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	(void)wait_until(c, m, TURN_NEVER);
	return 0;
}

static uint64_t
epoch_ns(void)
{
	return EPOCH_S * NS + (uint64_t)turn_clock(turn_node());
}

int
__wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
    const struct timespec *ts)
{
	uint64_t until = (uint64_t)ts->tv_sec * NS + (uint64_t)ts->tv_nsec;

	if (!*monotonic(c))
		until = until > epoch_ns() ? until - epoch_ns() : 0;
	return wait_until(c, m, until) ? 0 : 110;	/* ETIMEDOUT */
}

int
__wrap_pthread_cond_signal(pthread_cond_t *c)
{
	turn_wake_one(c);
	turn_maybe();
	return 0;
}

int
__wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
	turn_wake_all(c);
	turn_maybe();
	return 0;
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	uint64_t ns = turn_on() ? turn_now_ns() : 0;

	if (id == CLOCK_REALTIME)
		ns += turn_on() ? epoch_ns() : EPOCH_S * NS;
	ts->tv_sec = (time_t)(ns / NS);
	ts->tv_nsec = (long)(ns % NS);
	if (turn_on())
		turn_maybe();
	return 0;
}

int
__wrap_nanosleep(const struct timespec *ts, struct timespec *left)
{
	(void)left;
	turn_sleep_ns((uint64_t)ts->tv_sec * NS + (uint64_t)ts->tv_nsec);
	return 0;
}

ssize_t
__wrap_getrandom(void *buf, size_t len, unsigned flags)
{
	uint8_t *p = buf;

	(void)flags;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)dice_next(&bits);
	return (ssize_t)len;
}

/* As base/clock.c, with one for each node. */
uint64_t
__wrap_clock_hlc(void)
{
	uint64_t *last = &hlc[turn_node()], now = clock_real_us() << 12;

	*last = now > *last ? now : *last + 1;
	return *last;
}

void
__wrap_clock_hlc_observe(uint64_t seen)
{
	uint64_t *last = &hlc[turn_node()];

	if (seen > *last)
		*last = seen;
}

void
turn_hlc_forget(unsigned node)
{
	hlc[node] = 0;
}
