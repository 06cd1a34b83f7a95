/* memory_fault: what an operation on a disk in memory meets before it is done,
 * see memory_drive.h. */
#include "memory_disk.h"

#include <time.h>

static struct {
	pthread_mutex_t lock;		/* guards what follows */
	unsigned left, mask;
	enum err err;
	bool done, met;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
memory_fault_arm(unsigned nth, unsigned mask, enum err err, bool done)
{
	pthread_mutex_lock(&fault.lock);
	fault.left = nth;
	fault.mask = mask;
	fault.err = err;
	fault.done = done;
	fault.met = false;
	pthread_mutex_unlock(&fault.lock);
}

bool
memory_fault_met(void)
{
	bool met;

	pthread_mutex_lock(&fault.lock);
	met = fault.met;
	pthread_mutex_unlock(&fault.lock);
	return met;
}

/* Whether this operation is the one to fail, and whether after it is done. */
static enum err
fault_take(unsigned op, bool *after)
{
	enum err e = EC_OK;

	*after = false;
	pthread_mutex_lock(&fault.lock);
	if (fault.left > 0 && (fault.mask & op) != 0 && --fault.left == 0) {
		fault.met = true;
		*after = fault.done;
		e = fault.err;
	}
	pthread_mutex_unlock(&fault.lock);
	return e;
}

static unsigned
op_bit(unsigned op)
{
	unsigned i = 0;

	while (op > 1) {
		op >>= 1;
		i++;
	}
	return i;
}

enum err
memory_begin(struct memory_disk *m, unsigned op, enum err *late)
{
	struct timespec ts = { 0, 0 };
	bool after;
	enum err e;

	*late = EC_OK;
	pthread_mutex_lock(&m->lock);
	m->counts[op_bit(op)]++;
	if ((m->delay_mask & op) != 0) {
		ts.tv_sec = m->delay_us / 1000000;
		ts.tv_nsec = (long)(m->delay_us % 1000000) * 1000;
	}
	if (ts.tv_sec != 0 || ts.tv_nsec != 0) {
		pthread_mutex_unlock(&m->lock);
		nanosleep(&ts, NULL);
		pthread_mutex_lock(&m->lock);
	}
	m->waiting++;
	while ((m->hang_mask & op) != 0)
		pthread_cond_wait(&m->released, &m->lock);
	m->waiting--;
	e = (m->fail_mask & op) != 0 ? m->fail_err : EC_OK;
	if (e == EC_OK && (e = fault_take(op, &after)) != EC_OK && after) {
		*late = e;
		e = EC_OK;
	}
	if (e != EC_OK)
		pthread_mutex_unlock(&m->lock);
	return e;
}

enum err
memory_end(struct memory_disk *m, enum err e, enum err late)
{
	pthread_mutex_unlock(&m->lock);
	return late != EC_OK ? late : e;
}

void
memory_disk_fail(struct memory_disk *m, unsigned mask, enum err err)
{
	pthread_mutex_lock(&m->lock);
	m->fail_mask = err == EC_OK ? 0 : mask;
	m->fail_err = err;
	pthread_mutex_unlock(&m->lock);
}

void
memory_disk_offline(struct memory_disk *m, bool offline)
{
	memory_disk_fail(m, MEMORY_ALL, offline ? EC_EOFFLINE : EC_OK);
}

void
memory_disk_hang(struct memory_disk *m, unsigned mask)
{
	pthread_mutex_lock(&m->lock);
	m->hang_mask = mask;
	pthread_mutex_unlock(&m->lock);
}

void
memory_disk_release(struct memory_disk *m)
{
	pthread_mutex_lock(&m->lock);
	m->hang_mask = 0;
	pthread_cond_broadcast(&m->released);
	pthread_mutex_unlock(&m->lock);
}

unsigned
memory_disk_waiting(struct memory_disk *m)
{
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = m->waiting;
	pthread_mutex_unlock(&m->lock);
	return n;
}

void
memory_disk_delay(struct memory_disk *m, unsigned mask, unsigned us)
{
	pthread_mutex_lock(&m->lock);
	m->delay_mask = us > 0 ? mask : 0;
	m->delay_us = us;
	pthread_mutex_unlock(&m->lock);
}

uint64_t
memory_disk_count(struct memory_disk *m, enum memory_op op)
{
	uint64_t n;

	pthread_mutex_lock(&m->lock);
	n = m->counts[op_bit(op)];
	pthread_mutex_unlock(&m->lock);
	return n;
}
