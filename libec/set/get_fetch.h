/* get_fetch: reads of several shards of one stripe at once, over their lanes;
 * for get_shards only.
 *
 * 1. An open file lives in the argument of the call that opened it, which keeps
 *    its drive open.  Reads refer to it by struct get_shard, so one that was
 *    left behind finds it open.
 * 2. A read writes to memory that it holds a reference to.  What lies where it
 *    is wanted (get_slab of get_fetch_start) is spoilt when a read of it was
 *    left behind; all else is copied when it is done. */
#ifndef GET_FETCH_H
#define GET_FETCH_H

#include <stdatomic.h>

#include "codec/decode.h"
#include "set/set.h"

struct get_opening {	/* argument of the call that opens */
	struct uuid data;
	unsigned index;
	struct drive *d;
	struct drive_reader *reader;
	uint64_t bytes;
};
enum err get_run_open(struct drive *d, void *arg);
void get_drop_open(void *arg);

struct get_shard {
	atomic_uint refs;
	struct lane *lane;
	struct lane_call *call;		/* done, its opening has the reader */
};
void get_shard_put(struct get_shard *s);	/* NULL is fine */

/* Memory that reads share. */
struct get_slab {
	atomic_uint refs;
	struct mem_pool *pool;		/* NULL: from malloc */
	uint8_t *buf;
	size_t cap;
};
/* ${bytes} of it, from ${pool}, that is waited for, unless they are few; NULL:
 * there is none. */
struct get_slab *get_slab_new(struct mem_pool *pool, size_t bytes,
    unsigned wait_ms);
void get_slab_put(struct get_slab *s);		/* NULL is fine */

/* Reads under way. */
struct get_fetch {
	struct gather *g;
	struct get_slab *side;		/* of those that do not go to into */
	unsigned n, started;		/* these by a lane */
	struct decode_read read[SET_DRIVES_MAX];
	const uint8_t *from[SET_DRIVES_MAX];	/* what is to be copied */
	struct lane_task task[SET_DRIVES_MAX];	/* no lane: was in memory */
};

/* Start reads[0 .. n), by index of ${shard}.  A buf that lies in ${into} (may
 * be NULL) is read into where it is; with a buf of NULL the bytes are kept.
 * Errors: EC_ENOMEM, EC_EBUSY. */
enum err get_fetch_start(struct get_fetch **out,
    struct get_shard *const shard[], const struct decode_read reads[],
    unsigned n, struct get_slab *into, struct mem_pool *pool);

/* Are these the reads that it was started with? */
bool get_fetch_is(const struct get_fetch *f, const struct decode_read reads[],
    unsigned n);

/* After waiting: the results to ${reads}, copied where that is needed, with
 * EC_ETIMEDOUT for what is not done. */
void get_fetch_results(const struct get_fetch *f, struct decode_read reads[]);

/* false: reads into the slab ${into} were under way and left behind, so what
 * it holds can still change. */
bool get_fetch_free(struct get_fetch *f);	/* NULL is fine */

#endif
