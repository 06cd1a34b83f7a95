/* store_impl: what the files store*.c share; nobody else includes it. */
#ifndef STORE_IMPL_H
#define STORE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/workers.h"
#include "net/lock_client.h"
#include "net/lock_service.h"
#include "net/peer.h"
#include "store/bootstrap.h"
#include "store/store.h"
#include "store/store_pools.h"

enum {
	STORE_PEERS_MAX = 16,	/* other processes whose drives are used */
	STORE_BUCKETS_CACHED = 64,
	STORE_BUCKET_TTL_US = 500 * 1000,
	STORE_LOCK_MS = 10000,	/* longest wait for a lock */
	STORE_LEASE_S = 5,	/* a vote for one lasts, unless renewed */
	STORE_TRIES = 4,	/* of a commit, see store_again */
	STORE_OWNED_MS = 10000,	/* longest wait for a drive's owner to go */
};

/* A process of this machine that owns drives of ours. */
struct store_peer {
	char *address;			/* its Unix socket */
	struct peer *peer;
	struct lock_client *locks;	/* drives_lock; NULL: not needed yet */
};

/* One slot: immutable but for what the lane guards and drives_lock. */
struct store_slot {
	unsigned set;			/* of all sets of the store */
	atomic_uint endpoint;		/* where it is; drives_lock to set it */
	struct format format;		/* drives_lock */
	atomic_bool local;	/* opened by this process; drives_lock to set */
	struct store_peer *via;	/* drives_lock: else through this one, or
				 * NULL, through its node */
	struct lane *lane;		/* its set's */
	bool unmounted;		/* drives_lock: that was said */
	bool owner_alive;	/* who has it open answers, and set it aside */
};

/* A bucket as it was seen, for STORE_BUCKET_TTL_US. */
struct store_seen {
	struct bucket bucket;
	uint64_t until_us;
};

/* Lock order: a bucket's lock, then a key's; drives_lock and seen_lock are
 * leaves. */
struct store {
	struct uuid deployment;
	struct cluster *cluster;
	bool cluster_ours;		/* to be freed */
	struct mem_pool *pool, *views;
	struct lock_service *locks;	/* store_keeper.c; NULL: EC_LOCKD */
	struct lock_client *nodes;	/* or lock daemons; NULL: none */
	struct peer_auth *lockd_auth;
	char *mark;			/* there while this node votes */
	_Atomic uint64_t lock_said_us;	/* when it last complained */
	atomic_bool beside;		/* others have drives of ours */
	struct set **set;
	unsigned sets;
	struct store_slot *slot;	/* set by set */
	unsigned slots;
	struct endpoint_pool pools[ENDPOINTS_POOLS_MAX];
	atomic_uint pool_number[ENDPOINTS_POOLS_MAX];
	unsigned pool_count;
	atomic_bool pools_noted;	/* that there are these */
	_Atomic uint64_t free_until_us[ENDPOINTS_POOLS_MAX];	/* then ask */
	atomic_uint free_steps[ENDPOINTS_POOLS_MAX];
	bool may_share, linger;

	/* seen_lock: the pools as of pools_stamp, to be read again then. */
	enum pool_state pool_state[ENDPOINTS_POOLS_MAX];
	struct stamp pools_stamp;
	uint64_t pools_until_us;

	bool serving;
	struct http_server *server;
	char *socket_dir, *socket_path;

	pthread_mutex_t drives_lock;	/* guards slots' formats and peers */
	struct store_peer peer[STORE_PEERS_MAX];
	unsigned peers;

	pthread_mutex_t seen_lock;
	struct store_seen seen[STORE_BUCKETS_CACHED];
	uint64_t seen_changes;		/* made by this process */
};

/* The endpoint where the slot's drive is or is expected. */
const char *store_slot_name(const struct store *st,
    const struct store_slot *s);
const char *store_slot_path(const struct store *st,
    const struct store_slot *s);
bool store_slot_here(const struct store *st, const struct store_slot *s);
/* The slots of a set: *${n} of them from this one on. */
struct store_slot *store_set_slots(struct store *st, unsigned set,
    unsigned *n);

/* store_drives.c: open the drive of a slot, from its directory, through its
 * owner or its node, and offer it.  Errors as local_open, logged. */
enum err store_slot_open(struct store *st, struct store_slot *s,
    unsigned wait_ms, struct drive **out);

/* store_share.c */
enum err store_share_start(struct store *st);
void store_share_stop(struct store *st);
const char *store_share_address(const struct store *st);	/* "" if none */
enum err store_share_offer(struct store *st, struct store_slot *s);
void store_share_withdraw(struct store *st, struct store_slot *s);
/* The drive of ${s} through its owner at ${address}, or, NULL, through its
 * node; with drives_lock held. */
enum err store_share_remote(struct store *st, struct store_slot *s,
    const char *address, struct drive **out);

/* store_pools.c: how the pools stand; ${out} (may be NULL) takes as many as
 * there can be.  While what this returns stays the same they did not change. */
struct stamp store_pools_look(struct store *st, enum pool_state out[]);
/* Is a pool missing that was not drained?  Errors: EC_EFOREIGN (logged). */
enum err store_pools_check(struct store *st);
/* See to it, once, that the record names all pools, for store_pools_check; and
 * none any more that were drained and are no longer here.  Tried again by the
 * next call if it cannot be now. */
void store_pools_note(struct store *st);
/* Do other processes have to do with the drives? */
bool store_is_shared(struct store *st);

/* store_place.c.  The pools, those first that keys may be moved out of. */
unsigned store_place_order(struct store *st, unsigned out[]);
unsigned store_pool_set(const struct store *st, unsigned pool);	/* its first */
/* The pool for a new key: by chance, which is the key's, weighted by what is
 * free; of those that are active and can be written. */
unsigned store_place_choose(struct store *st, const char *bucket,
    const char *key);
/* The set of a key in a pool. */
struct set *store_place_in(struct store *st, unsigned pool,
    const char *bucket, const char *key);
/* The set for a change of the key, under its lock; a move of the key that was
 * cut off is brought to an end.  Errors: EC_EQUORUM, of move_settle. */
enum err store_place_home(struct store *st, const char *bucket,
    const char *key, struct set **out);
/* Just before a commit to ${is}, under the key's lock: is it still the key's
 * place?  Errors: EC_EBUSY (no longer), as store_place_home. */
enum err store_place_check(struct store *st, const char *bucket,
    const char *key, const struct set *is);
/* The set of an upload.  Errors: EC_ENOUPLOAD, EC_EQUORUM. */
enum err store_place_upload(struct store *st, const char *bucket,
    const char *key, const struct stamp *id, struct set **out);

/* store_buckets.c: EC_OK or EC_ENOBUCKET, from the cache or the drives. */
enum err store_bucket_check(struct store *st, const char *name);
void store_buckets_release(struct store *st);	/* the cache */

/* When nobody removes the bucket now, let it take objects again: who wanted to
 * has died, or found it not empty.  Errors: EC_ENOBUCKET. */
enum err store_bucket_reopen(struct store *st, const char *name);

/* Forget what is cached of it. */
void store_bucket_forget(struct store *st, const char *name);

/* store_keeper.c: who keeps the locks: *${out} NULL: this process. */
enum err store_locks_start(struct store *st);
void store_locks_stop(struct store *st);	/* nobody holds one */
void store_locks_free(struct store *st);
enum err store_keeper(struct store *st, struct lock_client **out);

/* store_lock.c: what is held around a commit. */
struct store_hold {
	struct lock_own *own[2];
	struct lock_hold *votes;
	enum store_versioning keeps;	/* how the bucket keeps versions */
};

/* For a commit to ${key}: keep all others from it; where that costs nothing,
 * the bucket, which is there, from being removed, else the drives check that.
 * With ${key} NULL: for a change of the bucket.  store_release in any case.
 * Errors: EC_ENOBUCKET, EC_ETIMEDOUT, EC_EQUORUM (no locks), EC_ENOMEM. */
enum err store_hold(struct store *st, const char *bucket, const char *key,
    struct store_hold *h);

/* ${e} is what became of the commit; returns what it is worth: EC_ETIMEDOUT
 * when the locks may have been lost meanwhile. */
enum err store_release(struct store_hold *h, enum err e);

/* Take the locks and try once more?  *${tries} is 0 at first.  ${bucket} NULL:
 * it is what is changed. */
bool store_again(struct store *st, const char *bucket, enum err e,
    unsigned *tries);

#endif
