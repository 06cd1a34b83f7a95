/* Where a key lives when there are several pools.
 *
 * 1. All versions of a key, and its uploads, lie in one set of one pool: where
 *    the key is, it stays.  A new one goes where there is room.
 * 2. Who makes a key looks for it once more under its lock before the commit
 *    (store_place_check), so two who chose differently do not both make it.
 * 3. A pool that cannot be asked may have the key; so what no other pool has is
 *    then not known to be nowhere. */
#include <stdlib.h>

#include "base/clock.h"
#include "set/placement.h"
#include "store/store_impl.h"

enum { FREE_ASK_MS = 1000, STEPS = 64 };
#define FREE_TTL_US (UINT64_C(10) * 1000000)

/* The set of a key in pool ${p}: its number. */
static unsigned
set_in(const struct store *st, unsigned p, const char *bucket, const char *key)
{
	unsigned sets = st->pools[p].count / st->pools[p].set_size, first = 0;

	for (unsigned i = 0; i < p; i++)
		first += st->pools[i].count / st->pools[i].set_size;
	return first + placement_set(&st->deployment, bucket, key, sets);
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

/* The pool for a new key: by chance, which is the key's, weighted by what is
 * free; of those that can be written. */
static unsigned
choose(struct store *st, const char *bucket, const char *key)
{
	unsigned weight[ENDPOINTS_POOLS_MAX], all = 0, p;
	uint64_t at;
	int spare;

	for (p = 0; p < st->pool_count; p++) {
		store_set_spare(st, set_in(st, p, bucket, key), &spare);
		weight[p] = spare >= 0 ? pool_free(st, p) : 0;
		all += weight[p];
	}
	if (all == 0)
		return 0;
	at = (placement_hash(&st->deployment, bucket, key) >> 32) * all >> 32;
	for (p = 0; at >= weight[p]; p++)
		at -= weight[p];
	return p;
}

/* EC_ENOTFOUND: in no pool. */
static enum err
find(struct store *st, const char *bucket, const char *key, struct set **out)
{
	enum err worst = EC_ENOTFOUND, e;

	for (unsigned p = 0; p < st->pool_count; p++) {
		struct object o = OBJECT_INIT;

		*out = st->set[set_in(st, p, bucket, key)];
		e = get_open(NULL, &o, *out, bucket, key, NULL);
		object_release(&o);
		if (e == EC_OK)
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

	if (st->pool_count > 1 && (e = find(st, bucket, key, out)) == EC_OK)
		return EC_OK;
	if (e != EC_ENOTFOUND)
		return e;
	*out = st->set[set_in(st, st->pool_count > 1 ? choose(st, bucket,
	    key) : 0, bucket, key)];
	return EC_OK;
}

enum err
store_place_check(struct store *st, const char *bucket, const char *key,
    const struct set *is)
{
	struct set *s;
	enum err e;

	if (st->pool_count == 1)
		return EC_OK;
	e = find(st, bucket, key, &s);
	return e == EC_OK && s != is ? EC_EBUSY : e == EC_ENOTFOUND ? EC_OK :
	    e;
}

enum err
store_place_upload(struct store *st, const char *bucket, const char *key,
    const struct stamp *id, struct set **out)
{
	enum err worst = EC_ENOUPLOAD, e = EC_OK;

	for (unsigned p = 0; p < st->pool_count; p++) {
		struct upload u = UPLOAD_INIT;

		*out = st->set[set_in(st, p, bucket, key)];
		if (st->pool_count > 1)
			e = multipart_get(&u, *out, bucket, key, id);
		upload_release(&u);
		if (e == EC_OK)
			return EC_OK;
		worst = e != EC_ENOUPLOAD ? e : worst;
	}
	return worst;
}
