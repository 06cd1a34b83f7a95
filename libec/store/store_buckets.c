#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_impl.h"

/* A bucket's record lies on every set, so that no set depends on another. */

static enum err
bucket_copy(struct bucket *to, const struct bucket *from)
{
	strcpy(to->name, from->name);
	to->created_us = from->created_us;
	to->stamp = from->stamp;
	to->closed = from->closed;
	to->meta.len = 0;
	return from->meta.len == 0 ? EC_OK :
	    buf_add(&to->meta, from->meta.data, from->meta.len);
}

static struct store_seen *
seen_find(struct store *st, const char *name)
{
	for (unsigned i = 0; i < STORE_BUCKETS_CACHED; i++)
		if (strcmp(st->seen[i].bucket.name, name) == 0)
			return &st->seen[i];
	return NULL;
}

static uint64_t
seen_changes(struct store *st)
{
	uint64_t n;

	pthread_mutex_lock(&st->seen_lock);
	n = st->seen_changes;
	pthread_mutex_unlock(&st->seen_lock);
	return n;
}

/* ${b} was read when seen_changes was ${changes}. */
static void
seen_put(struct store *st, const struct bucket *b, uint64_t changes)
{
	struct store_seen *at;

	pthread_mutex_lock(&st->seen_lock);
	if (changes != st->seen_changes)
		goto out;
	if ((at = seen_find(st, b->name)) == NULL) {
		at = &st->seen[0];
		for (unsigned i = 1; i < STORE_BUCKETS_CACHED; i++)
			if (st->seen[i].until_us < at->until_us)
				at = &st->seen[i];
		if (at->bucket.meta.max == 0)
			at->bucket = (struct bucket)BUCKET_INIT;
	}
	at->until_us = bucket_copy(&at->bucket, b) == EC_OK ?
	    clock_mono_us() + STORE_BUCKET_TTL_US : 0;
out:
	pthread_mutex_unlock(&st->seen_lock);
}

/* What is read from now on may be remembered, what was read before not. */
void
store_bucket_forget(struct store *st, const char *name)
{
	struct store_seen *at;

	pthread_mutex_lock(&st->seen_lock);
	st->seen_changes++;
	if ((at = seen_find(st, name)) != NULL)
		at->until_us = 0;
	pthread_mutex_unlock(&st->seen_lock);
}

/* ${out} NULL: only whether it is there. */
static bool
seen_get(struct store *st, const char *name, struct bucket *out)
{
	struct store_seen *at;
	bool found;

	pthread_mutex_lock(&st->seen_lock);
	at = seen_find(st, name);
	found = at != NULL && at->until_us > clock_mono_us() &&
	    (out == NULL || bucket_copy(out, &at->bucket) == EC_OK);
	pthread_mutex_unlock(&st->seen_lock);
	return found;
}

void
store_buckets_release(struct store *st)
{
	for (unsigned i = 0; i < STORE_BUCKETS_CACHED; i++)
		bucket_release(&st->seen[i].bucket);
}

/* By the first set of a pool that can tell. */
static enum err
bucket_get_in(struct store *st, unsigned pool, const char *name,
    struct bucket *out)
{
	unsigned i = store_pool_set(st, pool), n = 0;
	enum err e = EC_EQUORUM;

	for (; e != EC_OK && e != EC_ENOBUCKET &&
	    n < st->pools[pool].count / st->pools[pool].set_size; n++)
		e = bucket_get(out, st->set[i + n], name);
	return e == EC_OK || e == EC_ENOBUCKET ? e : EC_EQUORUM;
}

enum err
store_bucket_get(struct store *st, const char *name, struct bucket *out)
{
	uint64_t changes = seen_changes(st);
	enum err e = EC_ENOBUCKET, worst = EC_ENOBUCKET;

	if (object_bucket_valid(name) != EC_OK)
		return EC_ENOBUCKET;
	/* That a pool does not know it may mean that it is new. */
	for (unsigned p = 0; p < st->pool_count && e != EC_OK; p++) {
		e = bucket_get_in(st, p, name, out);
		worst = e == EC_OK || e == EC_EQUORUM ? e : worst;
	}
	e = worst;
	if (e == EC_OK)
		seen_put(st, out, changes);
	return e;
}

enum err
store_bucket_look(struct store *st, const char *name, struct bucket *out)
{
	return seen_get(st, name, out) ? EC_OK :
	    store_bucket_get(st, name, out);
}

enum err
store_bucket_check(struct store *st, const char *name)
{
	struct bucket b = BUCKET_INIT;
	enum err e;

	if (seen_get(st, name, NULL))
		return EC_OK;
	e = store_bucket_get(st, name, &b);
	bucket_release(&b);
	return e;
}

enum store_versioning
store_bucket_versioning(const struct bucket *b)
{
	size_t len;
	const uint8_t *v = record_meta_get(b->meta.data, b->meta.len,
	    STORE_VERSIONING, &len);

	if (v == NULL)
		return STORE_VERSIONING_OFF;
	return len == 7 && memcmp(v, "Enabled", 7) == 0 ?
	    STORE_VERSIONING_ENABLED : STORE_VERSIONING_SUSPENDED;
}

static enum err
write_all(struct store *st, struct bucket *b)
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < st->sets && e == EC_OK; i++)
		e = bucket_write(st->set[i], b);
	store_bucket_forget(st, b->name);
	return e;
}

static enum err
create(struct store *st, const char *name, const uint8_t *meta,
    size_t meta_len)
{
	struct bucket b = BUCKET_INIT, have = BUCKET_INIT;
	enum err e;

	if ((e = store_bucket_get(st, name, &have)) != EC_ENOBUCKET) {
		e = e == EC_OK ? EC_EEXIST : e;
		goto out;
	}
	strcpy(b.name, name);
	b.created_us = clock_real_us();
	e = meta_len > 0 ? buf_add(&b.meta, meta, meta_len) : EC_OK;
	if (e == EC_OK)
		e = write_all(st, &b);
out:
	bucket_release(&b);
	bucket_release(&have);
	return e;
}

enum err
store_bucket_create(struct store *st, const char *name, const uint8_t *meta,
    size_t meta_len)
{
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	if ((e = object_bucket_valid(name)) != EC_OK)
		return e;
	do {
		if ((e = store_hold(st, name, NULL, &h)) == EC_OK)
			e = create(st, name, meta, meta_len);
		e = store_release(&h, e);
	} while (store_again(st, NULL, e, &tries));
	return e;
}

static enum err
update(struct store *st, const char *name,
    enum err (*change)(void *ctx, struct bucket *b), void *ctx)
{
	struct bucket b = BUCKET_INIT;
	enum err e;

	if ((e = store_bucket_get(st, name, &b)) == EC_OK &&
	    (e = change(ctx, &b)) == EC_OK)
		e = write_all(st, &b);
	bucket_release(&b);
	return e;
}

enum err
store_bucket_update(struct store *st, const char *name,
    enum err (*change)(void *ctx, struct bucket *b), void *ctx)
{
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	if (object_bucket_valid(name) != EC_OK)
		return EC_ENOBUCKET;
	do {
		if ((e = store_hold(st, name, NULL, &h)) == EC_OK)
			e = update(st, name, change, ctx);
		e = store_release(&h, e);
	} while (store_again(st, NULL, e, &tries));
	return e;
}

/* No object, version or marker. */
static enum err
check_empty(struct store *st, const char *name)
{
	struct list_params p = { .bucket = name, .versions = true, .limit = 1 };
	struct list *page = NULL;
	bool more;
	enum err e;

	if ((e = store_list(st, &p, &page, &more)) != EC_OK)
		return e;
	e = list_count(page) > 0 ? EC_ENOTEMPTY : EC_OK;
	list_free(page);
	return e;
}

/* Let it take objects, or not.  Nothing but this closes or opens a bucket. */
static enum err
set_closed(struct store *st, struct bucket *b, bool closed)
{
	if (b->closed == closed)
		return EC_OK;
	b->closed = closed;
	return write_all(st, b);
}

/* What is left of uploads goes with the bucket. */
static enum err
abort_uploads(struct store *st, const char *name)
{
	struct upload *u = NULL;
	unsigned n = 0;
	bool more = true;
	enum err e = EC_OK;

	while (more && e == EC_OK) {
		e = store_upload_list(st, name, NULL, NULL, NULL, 100, &u, &n,
		    &more);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			struct set *set;

			e = store_place_upload(st, name, u[i].key, &u[i].id,
			    &set);
			if (e == EC_OK)
				e = multipart_abort(set, name, u[i].key,
				    &u[i].id);
			e = e == EC_ENOUPLOAD ? EC_OK : e;
		}
		for (unsigned i = 0; i < n; i++)
			upload_release(&u[i]);
		free(u);
		u = NULL;
		n = 0;
	}
	return e;
}

static enum err
remove_empty(struct store *st, const char *name)
{
	struct bucket have = BUCKET_INIT;
	enum err e;

	if ((e = store_bucket_get(st, name, &have)) != EC_OK ||
	    (!have.closed && (e = check_empty(st, name)) != EC_OK))
		goto out;
	/* Who writes under a lease does not hold the bucket.  What the drives
	 * took before they heard of this is found, what comes later they
	 * refuse. */
	if ((e = set_closed(st, &have, true)) != EC_OK)
		goto out;
	if ((e = check_empty(st, name)) != EC_OK ||
	    (e = abort_uploads(st, name)) != EC_OK) {
		(void)set_closed(st, &have, false);
		goto out;
	}
	for (unsigned i = 0; i < st->sets && e == EC_OK; i++)
		e = bucket_remove(st->set[i], name);
	store_bucket_forget(st, name);
out:
	bucket_release(&have);
	return e;
}

enum err
store_bucket_remove(struct store *st, const char *name)
{
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	if (object_bucket_valid(name) != EC_OK)
		return EC_ENOBUCKET;
	do {
		if ((e = store_hold(st, name, NULL, &h)) == EC_OK)
			e = remove_empty(st, name);
		e = store_release(&h, e);
	} while (store_again(st, NULL, e, &tries));
	return e;
}

enum err
store_bucket_reopen(struct store *st, const char *name)
{
	struct bucket have = BUCKET_INIT;
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	do {
		if ((e = store_hold(st, name, NULL, &h)) == EC_OK &&
		    (e = store_bucket_get(st, name, &have)) == EC_OK)
			e = set_closed(st, &have, false);
		e = store_release(&h, e);
	} while (store_again(st, NULL, e, &tries));
	bucket_release(&have);
	return e;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct bucket *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Keep the first ${max} of ${n}, each name once.  Returns how many. */
static unsigned
each_once(struct bucket *b, unsigned n, unsigned max)
{
	unsigned kept = 0;

	qsort(b, n, sizeof(*b), name_cmp);
	for (unsigned i = 0; i < n; i++)
		if (kept == max || (kept > 0 &&
		    strcmp(b[i].name, b[kept - 1].name) == 0))
			bucket_release(&b[i]);
		else
			b[kept++] = b[i];
	return kept;
}

/* Of the first set of each pool that answers: one may be new.  Without a pool
 * it is not known what is lacking. */
enum err
store_bucket_list(struct store *st, const char *after, unsigned max,
    struct bucket **out, unsigned *n)
{
	struct bucket *all = mem_array((size_t)max * st->pool_count,
	    sizeof(*all)), *page;
	unsigned count = 0, got;
	enum err e = EC_OK;

	if (all == NULL)
		return EC_ENOMEM;
	for (unsigned p = 0; p < st->pool_count && e == EC_OK; p++) {
		unsigned i = store_pool_set(st, p), left =
		    st->pools[p].count / st->pools[p].set_size;

		for (e = EC_EQUORUM; e == EC_EQUORUM && left > 0; left--)
			e = bucket_list(st->set[i++], after, max, &page, &got);
		if (e != EC_OK)
			break;
		if (got > 0)
			memcpy(all + count, page, got * sizeof(*all));
		count += got;
		free(page);
	}
	if (e != EC_OK) {
		while (count > 0)
			bucket_release(&all[--count]);
		free(all);
		return e;
	}
	*n = each_once(all, count, max);
	*out = all;
	return EC_OK;
}
