/* workers: one pool of threads per process, for parallel and background jobs.
 *
 * Jobs start in the order they were submitted.  A job that waits for another
 * job of the same pool may wait for ever once all threads do so: wait outside
 * the pool only. */
#ifndef WORKERS_H
#define WORKERS_H

#include "base/err.h"

struct workers;

/* A pool of at most ${max} threads (1 ..), each started when a job finds none
 * idle; all signals are blocked in them.  Errors: EC_EINVAL, EC_ENOMEM. */
enum err workers_new(struct workers **out, unsigned max);

/* Run ${fn}(${arg}) in a thread of the pool.  Never blocks.
 * Errors: EC_ENOMEM, EC_EBUSY (no thread can be started and none is there);
 * then ${fn} is not run. */
enum err workers_submit(struct workers *w, void (*fn)(void *), void *arg);

/* Run all that was submitted, end the threads, free.  Not from a job. */
void workers_free(struct workers *w);

#endif
