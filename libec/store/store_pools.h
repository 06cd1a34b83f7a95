/* store_pools: how each pool of a store stands: whether it takes new keys, and
 * whether keys are being moved out of it.
 *
 * That is kept in the record of a bucket of the system's own, so on every set,
 * under quorum, changed under its lock, and healed.  A process knows a change
 * after STORE_POOLS_TTL_MS at the latest; who makes one waits so long before
 * acting on it (store_pools_wait).
 *
 * While keys move, they leave a pool that is not POOL_ACTIVE for one that is.
 * So whoever looks for one looks into the former first: what is no longer there
 * was complete in the other before it went.  store_place.c has the rest. */
#ifndef STORE_POOLS_H
#define STORE_POOLS_H

#include "store/store.h"

enum { STORE_POOLS_TTL_MS = 500 };

enum pool_state {
	POOL_ACTIVE,
	POOL_GIVING,	/* to a pool that has more room; no new keys */
	POOL_DRAINING,	/* all it has; no new keys */
	POOL_CLOSING,	/* it was empty; refuses what comes late */
	POOL_DRAINED,	/* the same, and nothing had come */
};

struct pool_status {
	unsigned number;	/* for people, and for good */
	enum pool_state state;
	unsigned drives, sets, set_drives, parity;
	uint64_t total, free;	/* bytes of the drives that answer */
	unsigned first_set;	/* store_set */
};

unsigned store_pools(const struct store *st);
void store_pool_status(struct store *st, unsigned i, struct pool_status *out);
const char *pool_state_text(enum pool_state s);	/* "draining" */

/* Change how pool ${i} stands, unless another change came before: that it is
 * not ${from}.  Durable on return.  Errors: EC_ECONFLICT (it is not ${from}, or
 * no pool would be active), EC_EQUORUM. */
enum err store_pool_change(struct store *st, unsigned i, enum pool_state from,
    enum pool_state to);

/* Until all processes know of the last change, and with ${commits} until all
 * commits are over that began before; at once when no other process has to do
 * with the drives. */
void store_pools_wait(struct store *st, bool commits);

#endif
