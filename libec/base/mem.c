#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { POOL_ALIGN_BYTES = 4096 };

struct mem_pool {
	size_t buf_bytes;
	size_t max;		/* buffers there may be */
	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t back;	/* a buffer came back */
	size_t made;
	size_t idle;
	bool closed;		/* goes with its last buffer */
	uint8_t **bufs;		/* bufs[0 .. idle) are free */
};

void *
mem_array(size_t n, size_t size)
{
	if (size > 0 && n > SIZE_MAX / size)
		return NULL;
	return calloc(n > 0 ? n : 1, size > 0 ? size : 1);
}

void *
mem_aligned(size_t len, size_t align)
{
	void *p;

	if (align < sizeof(void *))
		align = sizeof(void *);
	return posix_memalign(&p, align, len > 0 ? len : 1) == 0 ? p : NULL;
}

static int
cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int rc;

	if ((rc = pthread_condattr_init(&attr)) != 0)
		return rc;
	if ((rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)) == 0)
		rc = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return rc;
}

enum err
mem_pool_new(struct mem_pool **out, size_t buf_bytes, size_t budget_bytes)
{
	struct mem_pool *p;

	if ((p = mem_array(1, sizeof(*p))) == NULL)
		return EC_ENOMEM;
	p->buf_bytes = buf_bytes;
	p->max = buf_bytes > 0 ? budget_bytes / buf_bytes : 1;
	if (p->max == 0)
		p->max = 1;
	if ((p->bufs = mem_array(p->max, sizeof(p->bufs[0]))) == NULL)
		goto fail;
	if (pthread_mutex_init(&p->lock, NULL) != 0)
		goto fail;
	if (cond_init_monotonic(&p->back) != 0) {
		pthread_mutex_destroy(&p->lock);
		goto fail;
	}
	*out = p;
	return EC_OK;
fail:
	free(p->bufs);
	free(p);
	return EC_ENOMEM;
}

static void
pool_destroy(struct mem_pool *p)
{
	for (size_t i = 0; i < p->idle; i++)
		free(p->bufs[i]);
	pthread_cond_destroy(&p->back);
	pthread_mutex_destroy(&p->lock);
	free(p->bufs);
	free(p);
}

void
mem_pool_free(struct mem_pool *p)
{
	bool last;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->closed = true;
	last = p->idle == p->made;
	pthread_mutex_unlock(&p->lock);
	if (last)
		pool_destroy(p);
}

struct mem_pool *
mem_pool_lasting(struct mem_pool *_Atomic *at, size_t buf_bytes,
    size_t budget_bytes)
{
	struct mem_pool *p = atomic_load(at), *none = NULL;

	if (p != NULL || mem_pool_new(&p, buf_bytes, budget_bytes) != EC_OK)
		return p;
	if (atomic_compare_exchange_strong(at, &none, p))
		return p;
	mem_pool_free(p);
	return none;
}

static struct timespec
deadline(unsigned wait_ms)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(wait_ms / 1000);
	ts.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

enum err
mem_pool_get(struct mem_pool *p, uint8_t **out, unsigned wait_ms)
{
	struct timespec until = deadline(wait_ms);
	uint8_t *buf = NULL;
	enum err e = EC_OK;

	pthread_mutex_lock(&p->lock);
	while (p->idle == 0 && p->made == p->max && e == EC_OK)
		if (wait_ms == 0 ||
		    pthread_cond_timedwait(&p->back, &p->lock, &until) != 0)
			e = EC_EBUSY;
	if (p->idle > 0) {
		buf = p->bufs[--p->idle];
		e = EC_OK;
	} else if (e == EC_OK)
		p->made++;
	pthread_mutex_unlock(&p->lock);
	if (e != EC_OK)
		return e;

	if (buf == NULL &&
	    (buf = mem_aligned(p->buf_bytes, POOL_ALIGN_BYTES)) == NULL) {
		pthread_mutex_lock(&p->lock);
		p->made--;
		pthread_cond_signal(&p->back);
		pthread_mutex_unlock(&p->lock);
		return EC_ENOMEM;
	}
	*out = buf;
	return EC_OK;
}

void
mem_pool_put(struct mem_pool *p, uint8_t *buf)
{
	bool last;

	if (buf == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->bufs[p->idle++] = buf;
	last = p->closed && p->idle == p->made;
	pthread_cond_signal(&p->back);
	pthread_mutex_unlock(&p->lock);
	if (last)
		pool_destroy(p);
}
