/* put_stream: the shard files of one write, made on all drives at once.
 *
 * Bytes go through encode to one series of calls per drive, in buffers of the
 * set's pool; what queues up for a drive while it writes goes out in one piece.
 * A drive that fails is dropped at once, one that lags when it holds the others
 * up for longer than eight times what they take. */
#ifndef PUT_STREAM_H
#define PUT_STREAM_H

#include "codec/encode.h"
#include "set/set.h"

struct put_stream;

struct put_stream_params {
	struct stripe stripe;
	struct uuid data;
	uint32_t part;
	unsigned start;		/* slot of shard 0 */
	unsigned quorum;	/* drives that must live */
	uint64_t size;		/* of the object, UINT64_MAX: unknown */
	bool md5;		/* take it; else the tail's is zero */
};

/* Errors: EC_EQUORUM, EC_ENOMEM. */
enum err put_stream_new(struct put_stream **out, struct set *s,
    const struct put_stream_params *p);

/* ${buf} is looked at until put_stream_settle, or the next call of this.
 * Errors: EC_EQUORUM, EC_EBUSY (no buffers), EC_ELIMIT, EC_ENOMEM. */
enum err put_stream_write(struct put_stream *ps, const void *buf, size_t len);
void put_stream_settle(struct put_stream *ps);

/* The tail, and all shard files durable: on EC_OK at least a quorum of them is,
 * and durable[slot] says which.  ${t} as encode_finish. */
enum err put_stream_finish(struct put_stream *ps, struct shard_tail *t,
    bool durable[]);

/* What each drive gave, for set_complain. */
void put_stream_results(const struct put_stream *ps, enum err results[]);

/* Shard files with keep[slot] stay, all others are removed, now or when their
 * drive comes to it. */
void put_stream_free(struct put_stream *ps, const bool keep[]);

#endif
