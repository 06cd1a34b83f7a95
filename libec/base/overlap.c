#include "base/overlap.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { BUFS = 3 };

/* A buffer belongs to the filler when it was counted by empty, to the drainer
 * when counted by full; the semaphores order all access to it. */
struct overlap {
	struct {
		uint8_t *data;
		size_t len;
		enum err err;
	} buf[BUFS];
	size_t cap;
	sem_t empty, full;
	overlap_fill *fill;
	void *ctx;
};

static void
wait_for(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		continue;	/* a signal */
}

static void *
filler(void *arg)
{
	struct overlap *o = arg;
	bool more = true;

	for (unsigned i = 0; more; i = (i + 1) % BUFS) {
		wait_for(&o->empty);
		o->buf[i].len = 0;
		o->buf[i].err = o->fill(o->ctx, o->buf[i].data, o->cap,
		    &o->buf[i].len);
		more = o->buf[i].err == EC_OK && o->buf[i].len > 0;
		(void)sem_post(&o->full);
	}
	return NULL;
}

static enum err
drain_all(struct overlap *o, overlap_drain *drain)
{
	enum err e = EC_OK;

	for (unsigned i = 0; e == EC_OK; i = (i + 1) % BUFS) {
		wait_for(&o->full);
		if (o->buf[i].err != EC_OK)
			return o->buf[i].err;
		if (o->buf[i].len == 0)
			break;
		e = drain(o->ctx, o->buf[i].data, o->buf[i].len);
		(void)sem_post(&o->empty);
	}
	return e;
}

enum err
overlap_run(size_t buf_bytes, overlap_fill *fill, overlap_drain *drain,
    void *ctx)
{
	struct overlap o = { .cap = buf_bytes, .fill = fill, .ctx = ctx };
	enum err e = EC_ENOMEM;
	pthread_t thread;

	(void)sem_init(&o.empty, 0, BUFS);
	(void)sem_init(&o.full, 0, 0);
	for (unsigned i = 0; i < BUFS; i++)
		if ((o.buf[i].data = mem_aligned(buf_bytes, 4096)) == NULL)
			goto out;
	if (pthread_create(&thread, NULL, filler, &o) != 0)
		goto out;
	e = drain_all(&o, drain);
	/* it has ended by itself, or sits in a read that may take forever */
	(void)pthread_cancel(thread);
	(void)pthread_join(thread, NULL);
out:
	for (unsigned i = 0; i < BUFS; i++)
		free(o.buf[i].data);
	(void)sem_destroy(&o.empty);
	(void)sem_destroy(&o.full);
	return e;
}
