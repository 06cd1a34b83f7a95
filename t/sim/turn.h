/* turn: threads that run one at a time, in an order that follows from a seed.
 *
 * The threads are real, but only one has its turn; it gives it up where it
 * would block, and sometimes at a lock, and the seed says who is next.  Time is
 * simulated: it advances a little with each turn and, when all wait, to the
 * next deadline.  seams.c puts this below the library: locks, conditions,
 * threads, clocks and random bytes of libec and of t/lib are these.
 *
 * What is not: allocation never fails; what plain code does between two turns
 * is one step, so data races are not seen (SANITIZE=thread is for those). */
#ifndef TURN_H
#define TURN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers that follow from a seed; one of each for what is to be the same
 * whatever else happens. */
struct dice {
	uint64_t state;
};
uint64_t dice_next(struct dice *d);
uint64_t dice_below(struct dice *d, uint64_t n);	/* 0 .. n - 1 */
bool dice_one_in(struct dice *d, unsigned n);	/* 0: never */

enum { TURN_THREADS_MAX = 1024, TURN_NODES_MAX = 8 };
#define TURN_NEVER UINT64_MAX

/* The calling thread becomes the first. */
void turn_begin(uint64_t seed);
bool turn_on(void);	/* since turn_begin */

void turn_maybe(void);		/* another's turn, or not */
void turn_sleep_ns(uint64_t ns);
/* Wait until woken; false when ${until_ns} came first. */
bool turn_block(const void *on, uint64_t until_ns);
void turn_wake_one(const void *on);
void turn_wake_all(const void *on);

uint64_t turn_now_ns(void);
uint64_t turn_count(void);	/* of turns */
uint32_t turn_self(void);	/* never 0 */
void turn_trace(uint64_t what);	/* into the sum of all that happened */
/* On standard error, with the time, if turn_tells. */
extern bool turn_tells;
void turn_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t turn_sum(void);

/* As pthread_create and pthread_join. */
int turn_spawn(pthread_t *out, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg);
int turn_join(pthread_t thread, void **result);

/* The node whose clock the thread, and those that it starts, have. */
void turn_node_set(unsigned node);
unsigned turn_node(void);
/* How far a node's clock is ahead. */
void turn_clock_set(unsigned node, int64_t ahead_ns);
int64_t turn_clock(unsigned node);
void turn_hlc_forget(unsigned node);	/* it starts anew */

/* What nobody can go on after: said with the seed, and the process ends. */
void turn_give_up(const char *why) __attribute__((noreturn));

#endif
