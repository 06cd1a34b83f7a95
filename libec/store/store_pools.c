/* store_pools: see the header. */
#include "store/store_pools.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/store_impl.h"

#define RECORD_NAME ".pools"

enum { COMMIT_WAIT_MS = SET_WAIT_MS + 1000 };

static const char *const texts[] = { [POOL_ACTIVE] = "active",
	[POOL_GIVING] = "giving", [POOL_DRAINING] = "draining",
	[POOL_DRAINED] = "drained" };

enum { STATES = sizeof(texts) / sizeof(texts[0]) };

const char *
pool_state_text(enum pool_state s)
{
	return texts[s];
}

/* What the record has of a pool is under its number. */
static void
setting_name(char out[32], unsigned number)
{
	snprintf(out, 32, "pool-%u", number);
}

static enum pool_state
state_of(const struct bucket *b, unsigned number)
{
	const uint8_t *v;
	char name[32];
	size_t len;

	setting_name(name, number);
	v = record_meta_get(b->meta.data, b->meta.len, name, &len);
	for (unsigned i = 0; v != NULL && i < STATES; i++)
		if (len == strlen(texts[i]) && memcmp(v, texts[i], len) == 0)
			return (enum pool_state)i;
	return POOL_ACTIVE;
}

static void
pools_read(struct store *st)
{
	struct bucket b = BUCKET_INIT;
	enum pool_state state[ENDPOINTS_POOLS_MAX] = { POOL_ACTIVE };
	uint64_t now = clock_mono_us();
	enum err e = store_bucket_get(st, RECORD_NAME, &b);

	for (unsigned i = 0; e == EC_OK && i < st->pool_count; i++)
		state[i] = state_of(&b, i);
	pthread_mutex_lock(&st->seen_lock);
	/* What cannot be read is what it was: who could change it? */
	if ((e == EC_OK || e == EC_ENOBUCKET) &&
	    stamp_cmp(&b.stamp, &st->pools_stamp) >= 0) {
		memcpy(st->pool_state, state, sizeof(state));
		st->pools_stamp = b.stamp;
	}
	st->pools_until_us = now + STORE_POOLS_TTL_MS * UINT64_C(1000);
	pthread_mutex_unlock(&st->seen_lock);
	bucket_release(&b);
}

struct stamp
store_pools_look(struct store *st, enum pool_state out[])
{
	struct stamp stamp;
	bool old;

	pthread_mutex_lock(&st->seen_lock);
	old = st->pools_until_us <= clock_mono_us();
	pthread_mutex_unlock(&st->seen_lock);
	if (old)
		pools_read(st);
	pthread_mutex_lock(&st->seen_lock);
	if (out != NULL)
		memcpy(out, st->pool_state, sizeof(st->pool_state));
	stamp = st->pools_stamp;
	pthread_mutex_unlock(&st->seen_lock);
	return stamp;
}

struct change {
	struct store *st;
	unsigned pool;
	enum pool_state from, to;
};

static enum err
change(void *ctx, struct bucket *b)
{
	const struct change *c = ctx;
	unsigned active = 0;
	char name[32];

	for (unsigned i = 0; i < c->st->pool_count; i++)
		active += i != c->pool && state_of(b, i) == POOL_ACTIVE;
	if (state_of(b, c->pool) != c->from ||
	    (active == 0 && c->to != POOL_ACTIVE))
		return EC_ECONFLICT;
	setting_name(name, c->pool);
	return record_meta_set(&b->meta, name, texts[c->to],
	    strlen(texts[c->to]));
}

enum err
store_pool_change(struct store *st, unsigned i, enum pool_state from,
    enum pool_state to)
{
	struct change c = { st, i, from, to };
	enum err e;

	e = store_bucket_update(st, RECORD_NAME, change, &c);
	if (e == EC_ENOBUCKET) {
		e = store_bucket_create(st, RECORD_NAME, NULL, 0);
		if (e == EC_OK || e == EC_EEXIST)
			e = store_bucket_update(st, RECORD_NAME, change, &c);
	}
	pools_read(st);
	return e;
}

void
store_pools_wait(struct store *st, bool commits)
{
	unsigned ms = commits ? COMMIT_WAIT_MS : 2 * STORE_POOLS_TTL_MS;
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	if (store_is_shared(st))
		nanosleep(&ts, NULL);
}

unsigned
store_pools(const struct store *st)
{
	return st->pool_count;
}

void
store_pool_status(struct store *st, unsigned i, struct pool_status *out)
{
	const struct endpoint_pool *p = &st->pools[i];
	enum pool_state state[ENDPOINTS_POOLS_MAX];
	struct store_drive_status d;

	store_pools_look(st, state);
	*out = (struct pool_status){ .number = i, .state = state[i],
		.drives = p->count, .set_drives = p->set_size,
		.sets = p->count / p->set_size,
		.first_set = store_pool_set(st, i) };
	out->parity = set_parity(st->set[out->first_set]);
	for (unsigned j = p->first; j < p->first + p->count; j++) {
		store_drive_status(st, j, &d);
		out->total += d.space.total;
		out->free += d.space.free;
	}
}
