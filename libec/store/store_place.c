/* Where a key lives when there are several pools.
 *
 * 1. All versions of a key, and its uploads, lie in one set of one pool: where
 *    the key is, it stays.  A new one goes where there is room.
 * 2. Who changes a key looks for it in all pools under its lock
 *    (store_place_home, store_place_check), so two who chose differently do not
 *    both make it.
 * 3. A pool that cannot be asked may have the key; so what no other pool has is
 *    then not known to be nowhere.
 * 4. A move (set/move.h) takes a key from a pool that is not active to one that
 *    is, under its lock.  Cut off, it leaves both with its newest version, and
 *    each version in one of them.  Readers look into the former first, so they
 *    need not know; who changes the key ends the move.
 * 5. A move whose lock was lost may still put what it was at where it was to
 *    go.  So who deletes for good while keys are moved does so in all pools. */
#include <stdlib.h>

#include "base/clock.h"
#include "set/move.h"
#include "set/placement.h"
#include "store/store_impl.h"

enum { FREE_ASK_MS = 1000, STEPS = 64 };
#define FREE_TTL_US (UINT64_C(10) * 1000000)

unsigned
store_pool_set(const struct store *st, unsigned pool)
{
	unsigned first = 0;

	for (unsigned i = 0; i < pool; i++)
		first += st->pools[i].count / st->pools[i].set_size;
	return first;
}

/* The set of a key in pool ${p}: its number. */
static unsigned
set_in(const struct store *st, unsigned p, const char *bucket, const char *key)
{
	unsigned sets = st->pools[p].count / st->pools[p].set_size;

	return store_pool_set(st, p) +
	    placement_set(&st->deployment, bucket, key, sets);
}

struct set *
store_place_in(struct store *st, unsigned pool, const char *bucket,
    const char *key)
{
	return st->set[set_in(st, pool, bucket, key)];
}

unsigned
store_place_order(struct store *st, unsigned out[])
{
	enum pool_state state[ENDPOINTS_POOLS_MAX] = { POOL_ACTIVE };
	unsigned n = 0;

	if (st->pool_count > 1)
		store_pools_look(st, state);
	for (unsigned i = 0; i < st->pool_count; i++)
		if (state[i] != POOL_ACTIVE)
			out[n++] = i;
	for (unsigned i = 0; i < st->pool_count; i++)
		if (state[i] == POOL_ACTIVE)
			out[n++] = i;
	return n;
}

static enum err
run_space(struct drive *d, void *arg)
{
	return d->ops->space(d, arg);
}

/* The part of a pool's drives that is free, in steps; only of those that
 * answer. */
static unsigned
ask_free(struct store *st, const struct endpoint_pool *p)
{
	struct lane_call *call[ENDPOINTS_MAX] = { NULL };
	struct drive_space sum = { 0, 0 }, *s;
	struct gather *g = NULL;
	enum err e;

	if (gather_new(&g) != EC_OK)
		return 0;
	for (unsigned i = 0; i < p->count; i++)
		if ((s = calloc(1, sizeof(*s))) != NULL)
			lane_start(st->slot[p->first + i].lane, g, run_space,
			    free, s, &call[i]);
	gather_wait(g, p->count, clock_mono_us() + FREE_ASK_MS * 1000);
	for (unsigned i = 0; i < p->count; i++) {
		if (call[i] != NULL && lane_call_done(call[i], &e) &&
		    e == EC_OK) {
			s = lane_call_arg(call[i]);
			sum.total += s->total;
			sum.free += s->free;
		}
		lane_call_put(call[i]);
	}
	gather_free(g);
	return (unsigned)(sum.free / (sum.total / STEPS + 1));
}

static unsigned
pool_free(struct store *st, unsigned p)
{
	uint64_t now = clock_mono_us();

	if (atomic_load(&st->free_until_us[p]) < now) {
		atomic_store(&st->free_until_us[p], now + FREE_TTL_US);
		atomic_store(&st->free_steps[p], ask_free(st, &st->pools[p]));
	}
	return atomic_load(&st->free_steps[p]);
}

unsigned
store_place_choose(struct store *st, const char *bucket, const char *key)
{
	unsigned weight[ENDPOINTS_POOLS_MAX], all = 0, p, active = 0;
	enum pool_state state[ENDPOINTS_POOLS_MAX];
	uint64_t at;
	int spare;

	store_pools_look(st, state);
	for (p = st->pool_count; p-- > 0;) {
		weight[p] = 0;
		if (state[p] != POOL_ACTIVE)
			continue;
		active = p;
		store_set_spare(st, set_in(st, p, bucket, key), &spare);
		weight[p] = spare >= 0 ? pool_free(st, p) : 0;
		all += weight[p];
	}
	if (all == 0)
		return active;
	at = (placement_hash(&st->deployment, bucket, key) >> 32) * all >> 32;
	for (p = 0; at >= weight[p]; p++)
		at -= weight[p];
	return p;
}

static enum err
has(struct set *s, const char *bucket, const char *key)
{
	struct object o = OBJECT_INIT;
	enum err e = get_open(NULL, &o, s, bucket, key, NULL);

	object_release(&o);
	return e;
}

/* EC_ENOTFOUND: in no pool. */
static enum err
find(struct store *st, const char *bucket, const char *key, struct set **out)
{
	unsigned order[ENDPOINTS_POOLS_MAX], n = store_place_order(st, order);
	enum err worst = EC_ENOTFOUND, e;

	for (unsigned i = 0; i < n; i++) {
		*out = store_place_in(st, order[i], bucket, key);
		if ((e = has(*out, bucket, key)) == EC_OK)
			return EC_OK;
		worst = e != EC_ENOTFOUND ? e : worst;
	}
	return worst;
}

enum err
store_place(struct store *st, const char *bucket, const char *key,
    struct set **out)
{
	enum err e = EC_ENOTFOUND;
	struct stamp was, now;

	if (st->pool_count == 1) {
		*out = store_place_in(st, 0, bucket, key);
		return EC_OK;
	}
	do {
		was = store_pools_look(st, NULL);
		e = find(st, bucket, key, out);
		now = store_pools_look(st, NULL);
	} while (e == EC_ENOTFOUND && stamp_cmp(&was, &now) != 0);
	if (e != EC_ENOTFOUND)
		return e;
	*out = store_place_in(st, store_place_choose(st, bucket, key), bucket,
	    key);
	return EC_OK;
}

/* The same under the key's lock: *${out} is NULL when it is nowhere. */
static enum err
settle(struct store *st, const char *bucket, const char *key,
    struct set **out)
{
	unsigned order[ENDPOINTS_POOLS_MAX], n = store_place_order(st, order);
	enum err worst = EC_OK, e;

	*out = NULL;
	for (unsigned i = 0; i < n; i++) {
		struct set *s = store_place_in(st, order[i], bucket, key);

		if ((e = has(s, bucket, key)) == EC_OK && *out != NULL)
			e = move_settle(*out, s, bucket, key, out);
		else if (e == EC_OK)
			*out = s;
		worst = e != EC_OK && e != EC_ENOTFOUND ? e : worst;
	}
	return worst;
}

enum err
store_place_home(struct store *st, const char *bucket, const char *key,
    struct set **out)
{
	enum err e = EC_OK;

	*out = NULL;
	if (st->pool_count > 1)
		e = settle(st, bucket, key, out);
	if (e == EC_OK && *out == NULL)
		*out = store_place_in(st, st->pool_count > 1 ?
		    store_place_choose(st, bucket, key) : 0, bucket, key);
	return e;
}

enum err
store_place_check(struct store *st, const char *bucket, const char *key,
    const struct set *is)
{
	enum pool_state state[ENDPOINTS_POOLS_MAX];
	struct set *s;
	enum err e;

	if (st->pool_count == 1)
		return EC_OK;
	if ((e = settle(st, bucket, key, &s)) != EC_OK || s == is)
		return e;
	store_pools_look(st, state);
	for (unsigned p = 0; p < st->pool_count; p++)
		if (state[p] >= POOL_CLOSING &&
		    store_place_in(st, p, bucket, key) == is)
			return EC_EBUSY;
	return s == NULL ? EC_OK : EC_EBUSY;
}

enum err
store_place_upload(struct store *st, const char *bucket, const char *key,
    const struct stamp *id, struct set **out)
{
	unsigned order[ENDPOINTS_POOLS_MAX], n = store_place_order(st, order);
	enum err worst = EC_ENOUPLOAD, e = EC_OK;

	for (unsigned i = 0; i < n; i++) {
		struct upload u = UPLOAD_INIT;

		*out = store_place_in(st, order[i], bucket, key);
		if (st->pool_count > 1)
			e = multipart_get(&u, *out, bucket, key, id);
		upload_release(&u);
		if (e == EC_OK)
			return EC_OK;
		worst = e != EC_ENOUPLOAD ? e : worst;
	}
	return worst;
}
