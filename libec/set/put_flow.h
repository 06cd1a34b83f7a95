/* put_flow: what the calls of put_stream work on: slabs of bytes, and for each
 * drive a shard file and how much is queued for it.  For put_stream only.
 *
 * 1. A flow is counted: each call has a reference, so a call that was left
 *    behind never meets freed memory.
 * 2. The writer of a shard file is touched by the calls of its series only,
 *    which run one at a time. */
#ifndef PUT_FLOW_H
#define PUT_FLOW_H

#include <pthread.h>
#include <stdatomic.h>

#include "set/set.h"

enum { PUT_SLICES_MAX = 4 };

struct put_slab {
	atomic_uint refs;
	struct mem_pool *pool;
	uint8_t *buf;
};

/* One drive's shard file. */
struct put_shard {
	struct drive_writer *writer;
	bool committed;
	bool keep;
	enum err err;
	size_t queued;		/* bytes handed in and not done */
};

struct put_flow {
	atomic_uint refs;
	pthread_mutex_t lock;	/* guards lane[], but for the writers */
	pthread_cond_t moved;
	struct uuid data;
	uint64_t bytes_hint;
	struct put_shard lane[SET_DRIVES_MAX];	/* by shard index */
};

/* One call: bytes to write, or the begin or end of a file. */
struct put_job {
	struct put_flow *flow;
	unsigned index;
	bool ran;
	size_t bytes;
	unsigned n;
	struct put_slice {
		struct put_slab *slab;
		const uint8_t *at;
		size_t len;
	} slice[PUT_SLICES_MAX];
};

void put_slab_put(struct put_slab *s);	/* NULL is fine */

struct put_flow *put_flow_new(const struct uuid *data);	/* NULL: ENOMEM */
void put_flow_put(struct put_flow *f);
void put_flow_fail(struct put_flow *f, unsigned index, enum err e);
enum err put_flow_err(struct put_flow *f, unsigned index);

/* A call's argument, and the calls: begin the file, write the slices, make it
 * durable; and last of all remove what is not to be kept. */
struct put_job *put_job_new(struct put_flow *f, unsigned index);
void put_job_drop(void *arg);
enum err put_run_create(struct drive *d, void *arg);
enum err put_run_write(struct drive *d, void *arg);
enum err put_run_commit(struct drive *d, void *arg);
enum err put_run_clean(struct drive *d, void *arg);

#endif
