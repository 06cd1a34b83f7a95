/* store_pools: see the header. */
#include "store/store_pools.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store_impl.h"

#define RECORD_NAME ".pools"

enum { COMMIT_WAIT_MS = SET_WAIT_MS + 1000 };

static const char *const texts[] = { [POOL_ACTIVE] = "active",
	[POOL_GIVING] = "giving", [POOL_DRAINING] = "draining",
	[POOL_CLOSING] = "closing", [POOL_DRAINED] = "drained" };

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
		state[i] = state_of(&b, st->pool_number[i]);
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

/* Change the record, which is made when it is not there. */
static enum err
record_change(struct store *st,
    enum err (*how)(void *ctx, struct bucket *b), void *ctx)
{
	enum err e = store_bucket_update(st, RECORD_NAME, how, ctx);

	if (e == EC_ENOBUCKET) {
		e = store_bucket_create(st, RECORD_NAME, NULL, 0);
		if (e == EC_OK || e == EC_EEXIST)
			e = store_bucket_update(st, RECORD_NAME, how, ctx);
	}
	return e;
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
		active += i != c->pool && state_of(b,
		    c->st->pool_number[i]) == POOL_ACTIVE;
	if (state_of(b, c->st->pool_number[c->pool]) != c->from ||
	    (active == 0 && c->to != POOL_ACTIVE))
		return EC_ECONFLICT;
	setting_name(name, c->st->pool_number[c->pool]);
	return record_meta_set(&b->meta, name, texts[c->to],
	    strlen(texts[c->to]));
}

enum err
store_pool_change(struct store *st, unsigned i, enum pool_state from,
    enum pool_state to)
{
	struct change c = { st, i, from, to };
	enum err e;

	e = record_change(st, change, &c);
	pools_read(st);
	return e;
}

/* The pool that a setting is of, as it is numbered here; -1: none is. */
static int
setting_pool(const struct store *st, const char *name, size_t len)
{
	char own[32];

	for (unsigned i = 0; i < st->pool_count; i++) {
		setting_name(own, st->pool_number[i]);
		if (len == strlen(own) && memcmp(name, own, len) == 0)
			return (int)i;
	}
	return -1;
}

/* Of each pool some drive has been seen, so that its number is known. */
static bool
all_known(struct store *st)
{
	bool known = true;

	pthread_mutex_lock(&st->drives_lock);
	for (unsigned i = 0; i < st->pool_count && known; i++) {
		const struct endpoint_pool *p = &st->pools[i];

		known = false;
		for (unsigned j = 0; j < p->count; j++)
			known = known ||
			    st->slot[p->first + j].format.generation > 0;
	}
	pthread_mutex_unlock(&st->drives_lock);
	return known;
}

enum err
store_pools_check(struct store *st)
{
	struct bucket b = BUCKET_INIT;
	const uint8_t *value;
	const char *name;
	size_t pos = 0, name_len, len;
	enum err e = EC_OK;

	if (!all_known(st) || store_bucket_get(st, RECORD_NAME, &b) != EC_OK)
		goto out;	/* nothing was noted, or it cannot be known */
	while (e == EC_OK && record_meta_next(b.meta.data, b.meta.len, &pos,
	    &name, &name_len, &value, &len)) {
		if (setting_pool(st, name, name_len) >= 0 ||
		    (len == strlen(texts[POOL_DRAINED]) &&
		    memcmp(value, texts[POOL_DRAINED], len) == 0))
			continue;
		log_error("%.*s is not among the drives, and was not drained",
		    (int)name_len, name);
		e = EC_EFOREIGN;
	}
out:
	bucket_release(&b);
	return e;
}

static enum err
note(void *ctx, struct bucket *b)
{
	struct store *st = ctx;
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	const char *name;
	const uint8_t *value;
	size_t pos = 0, name_len, len;
	char own[32];
	enum err e = EC_OK;

	while (e == EC_OK && record_meta_next(b->meta.data, b->meta.len, &pos,
	    &name, &name_len, &value, &len)) {
		if (setting_pool(st, name, name_len) < 0)
			continue;
		snprintf(own, sizeof own, "%.*s", (int)name_len, name);
		e = record_meta_add(&meta, own, value, len);
	}
	for (unsigned i = 0; i < st->pool_count && e == EC_OK; i++) {
		setting_name(own, st->pool_number[i]);
		if (record_meta_get(meta.data, meta.len, own, &len) == NULL)
			e = record_meta_add(&meta, own, texts[POOL_ACTIVE],
			    strlen(texts[POOL_ACTIVE]));
	}
	if (e == EC_OK && meta.len == b->meta.len &&
	    memcmp(meta.data, b->meta.data, meta.len) == 0)
		e = EC_EEXIST;	/* as it is */
	if (e == EC_OK) {
		buf_release(&b->meta);
		b->meta = meta;
		meta = (struct buf)BUF_INIT(RECORD_META_MAX);
	}
	buf_release(&meta);
	return e;
}

void
store_pools_note(struct store *st)
{
	struct bucket b = BUCKET_INIT;
	enum err e;

	if (atomic_load(&st->pools_noted) || !all_known(st))
		return;
	if ((e = store_pools_check(st)) != EC_OK)
		e = EC_EEXIST;	/* was said; who runs on so knows better */
	else if (st->pool_count == 1 &&
	    (e = store_bucket_get(st, RECORD_NAME, &b)) == EC_ENOBUCKET)
		e = EC_EEXIST;	/* and need not be */
	if (e == EC_OK)
		e = record_change(st, note, st);
	atomic_store(&st->pools_noted, e == EC_OK || e == EC_EEXIST);
	bucket_release(&b);
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
	*out = (struct pool_status){ .number = st->pool_number[i],
		.state = state[i],
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
