/* store_move: empty a pool, or make pools equally full, while they are used.
 *
 * Walks the keys of the pools that give and hands each over to a pool that is
 * active (set/move.h), key by key.  Killed at any moment it leaves nothing
 * undone that the next run, or who changes that key next, does not finish.
 * One process at a time does so.
 *
 * A pool is drained when a walk over all of its sets has found nothing, after
 * every process knew that nothing may come any more; and then the buckets'
 * records are on all other sets too. */
#ifndef STORE_MOVE_H
#define STORE_MOVE_H

#include "store/store_pools.h"

/* What became of a key, or of an upload that is in the way. */
struct store_move_report {
	const char *bucket, *key;
	const struct stamp *upload;	/* NULL: a key */
	unsigned versions;
	uint64_t bytes;
	enum err err;		/* why it was not moved */
};

struct store_move_params {
	bool dry;		/* only look what there is */
	void (*each)(void *ctx, const struct store_move_report *r);
	/* Every so often; true: leave off with EC_ECANCELED. */
	bool (*progress)(void *ctx, uint64_t versions, uint64_t bytes);
	void *ctx;
};

struct store_move_result {
	uint64_t keys, versions, bytes;	/* moved (dry: to be moved) */
	uint64_t left;			/* keys that could not be */
	uint64_t uploads;		/* unfinished, in the way */
};

/* The versions that readers see of pool ${i}, and their bytes.  One that is
 * just being moved may be counted twice.  Errors: EC_EQUORUM, EC_ENOMEM. */
enum err store_move_count(struct store *st, unsigned i, uint64_t *versions,
    uint64_t *bytes);

/* Empty pool ${i}.  Errors: EC_EDEGRADED (something is left: each() named it),
 * EC_ECONFLICT (no other pool is active), EC_EOWNED (another process moves
 * keys), EC_EQUORUM, EC_ECANCELED. */
enum err store_move_drain(struct store *st, unsigned i,
    const struct store_move_params *p, struct store_move_result *out);

/* Move keys from pools that are fuller than the mean by more than ${percent} of
 * it to others, until they are as full as the mean: by the bytes of
 * objects and their parity, of the bytes of all drives.  Pools that are being
 * drained are left alone.  Errors: as store_move_drain. */
enum err store_move_rebalance(struct store *st, unsigned percent,
    const struct store_move_params *p, struct store_move_result *out);

#endif
