/* lock_wire: the messages between lock_client and lock_service, as pure
 * functions.  ec-lock(7) has the bytes.
 *
 * Encoders append to a buffer.  Decoders check every bound and need exactly the
 * whole input: EC_ECORRUPT otherwise; what they give leads into it. */
#ifndef LOCK_WIRE_H
#define LOCK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/lock_state.h"

enum {
	LOCK_WIRE_VERSION = 1,
	LOCK_BATCH_MAX = 256,		/* items of one message */
	LOCK_LIST_MAX = 4096,		/* of a list */
	LOCK_MESSAGE_MAX = 512 << 10,	/* bytes of a request */
	LOCK_ANSWER_MAX = 8 << 20,
	LOCK_WAIT_MAX_MS = 5000,	/* of a watch */
};

/* One thing that is asked for. */
struct lock_item {
	bool release;			/* only ask.name and ask.id count */
	struct lock_ask ask;
};

/* ${n} (1 .. LOCK_BATCH_MAX) items, all of one session.
 * Errors: EC_ELIMIT, EC_ENOMEM; EC_ECORRUPT. */
enum err lock_wire_items_encode(struct buf *out, const struct lock_item *items,
    size_t n, const struct uuid *session);
enum err lock_wire_items_decode(struct lock_item items[LOCK_BATCH_MAX],
    size_t *n, const uint8_t *in, size_t len);

/* The answer to items and to a watch. */
struct lock_votes {
	uint32_t lease_ms;
	uint32_t grace_ms;		/* nothing new is granted so long yet */
	size_t count;
	struct lock_vote votes[LOCK_BATCH_MAX];
};
enum err lock_wire_votes_encode(struct buf *out, const struct lock_votes *v);
enum err lock_wire_votes_decode(struct lock_votes *v, const uint8_t *in,
    size_t len);

enum err lock_wire_watch_encode(struct buf *out, const struct uuid *session,
    unsigned wait_ms);
enum err lock_wire_watch_decode(struct uuid *session, unsigned *wait_ms,
    const uint8_t *in, size_t len);

/* A list: begin, add each, end; EC_ELIMIT after LOCK_LIST_MAX. */
struct lock_wire_list {
	struct buf *out;
	size_t at;			/* of the head in out */
	uint32_t count;
	bool cut;			/* there are more */
	enum err err;			/* the first */
};
void lock_wire_list_begin(struct lock_wire_list *l, struct buf *out);
void lock_wire_list_add(struct lock_wire_list *l, const struct lock_info *i);
enum err lock_wire_list_end(struct lock_wire_list *l);

/* Call ${each} for each; *${cut}: there were more. */
enum err lock_wire_list_decode(const uint8_t *in, size_t len, bool *cut,
    void (*each)(void *ctx, const struct lock_info *i), void *ctx);

#endif
