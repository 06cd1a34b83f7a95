/* wire: the messages between remote_drive and drive_service, as pure functions.
 * ec-wire(7) has the bytes.
 *
 * A message is little-endian fields and, at its end, the CRC-32C of all before
 * it.  Encoders append to a buffer; decoders check every bound and need exactly
 * the whole input: EC_ECORRUPT otherwise. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "drive/drive.h"

enum {
	WIRE_VERSION = 1,
	WIRE_APPENDS_MAX = 256,		/* records in one message */
	WIRE_MESSAGE_MAX = 66 << 20,	/* bytes */
	WIRE_BATCH_FULL = 16 << 20,	/* no part is added beyond */
	WIRE_BATCH_MAX = WIRE_BATCH_FULL + WIRE_MESSAGE_MAX + 4096,
	WIRE_LIST_MAX = 10000,		/* shard files in one answer */
	WIRE_RECORDS_MAX = 10000,	/* a query's limit */
	WIRE_READ_MAX = 1 << 20,	/* bytes of a shard in one answer */
	WIRE_SIZE_BYTES = 12,		/* a message of one number, its size */
	WIRE_END_MAX = 8192,		/* bytes of its end behind that */
	WIRE_TEXT_MAX = RECORD_KEY_MAX,
	WIRE_PARTS_MAX = DRIVE_JOBS_MAX,	/* in a batch */
	WIRE_CODE_BYTES = 16,		/* a result's name, padded with NULs */
};

/* A result by its name, whatever numbers the peer has; an unknown one is
 * EC_EIO. */
enum err wire_err(const char *name);

/* ${n} records (1 .. WIRE_APPENDS_MAX).  The decoded ones lead into ${in}.
 * Errors: EC_ELIMIT, EC_ENOMEM; EC_ECORRUPT. */
enum err wire_append_encode(struct buf *out, const struct drive_append *a,
    unsigned n);
enum err wire_append_decode(struct drive_append a[WIRE_APPENDS_MAX],
    unsigned *n, const uint8_t *in, size_t len);

/* The results of ${n} records, in their err, superseded and hlc. */
enum err wire_results_encode(struct buf *out, const struct drive_append *a,
    unsigned n);
enum err wire_results_decode(struct drive_append *a, unsigned n,
    const uint8_t *in, size_t len);

/* A part of a batch: what is asked of one drive, and what it said.  Behind
 * begin the caller appends the message for append or query, or its answer. */
struct wire_part {
	struct uuid drive;		/* asked */
	enum { WIRE_PART_APPEND, WIRE_PART_QUERY } op;
	unsigned number;		/* said: of the part asked, from 0 */
	enum err err;
	const uint8_t *message;		/* leads into the input */
	size_t len;
};
enum err wire_asked_begin(struct buf *out, const struct wire_part *p);
void wire_asked_end(struct buf *out, size_t from);	/* where it begins */
/* *${pos} starts at 0; EC_ENOTFOUND at the end.  The message is not read. */
enum err wire_asked_next(struct wire_part *p, const uint8_t *in, size_t len,
    size_t *pos);
/* Without a message unless ${said} is EC_OK. */
enum err wire_said_begin(struct buf *out, unsigned number, enum err said);
enum err wire_said_decode(struct wire_part *p, const uint8_t *in, size_t len);

struct wire_query {
	struct drive_query q;	/* leads into text */
	char text[5][WIRE_TEXT_MAX + 1];
};
/* Errors: EC_EINVAL (limit), EC_ELIMIT (a text too long), EC_ENOMEM. */
enum err wire_query_encode(struct buf *out, const struct drive_query *q);
enum err wire_query_decode(struct wire_query *out, const uint8_t *in,
    size_t len);

/* Records as drive_records has them; decode appends them to ${out}. */
enum err wire_records_encode(struct buf *out, const struct drive_records *l);
enum err wire_records_decode(struct drive_records *out, const uint8_t *in,
    size_t len);

/* Which shard files (${after} NULL: from the first), and the answer: at most
 * ${max}, *${n} of them. */
enum err wire_list_encode(struct buf *out, const struct uuid *after,
    unsigned max);
enum err wire_list_decode(struct uuid *after, unsigned *max,
    const uint8_t *in, size_t len);
enum err wire_shards_encode(struct buf *out,
    const struct drive_shard_info *s, unsigned n);
enum err wire_shards_decode(struct drive_shard_info *out, unsigned max,
    unsigned *n, const uint8_t *in, size_t len);

/* ${n} numbers (up to 16): space, stats, maintain, a shard's size. */
enum err wire_numbers_encode(struct buf *out, const uint64_t *v, unsigned n);
enum err wire_numbers_decode(uint64_t *v, unsigned n, const uint8_t *in,
    size_t len);

#endif
