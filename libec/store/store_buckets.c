#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/store_impl.h"

/* A bucket's record lies on every set, so that no set depends on another. */

static void
seen_put(struct store *st, const char *name, bool there)
{
	uint64_t now = clock_mono_us();
	struct store_seen *at = &st->seen[0];

	pthread_mutex_lock(&st->seen_lock);
	for (unsigned i = 0; i < STORE_BUCKETS_CACHED; i++) {
		if (strcmp(st->seen[i].name, name) == 0) {
			at = &st->seen[i];
			break;
		}
		if (st->seen[i].until_us < at->until_us)
			at = &st->seen[i];
	}
	strcpy(at->name, name);
	at->until_us = there ? now + STORE_BUCKET_TTL_US : 0;
	pthread_mutex_unlock(&st->seen_lock);
}

static bool
seen_get(struct store *st, const char *name)
{
	uint64_t now = clock_mono_us();
	bool found = false;

	pthread_mutex_lock(&st->seen_lock);
	for (unsigned i = 0; i < STORE_BUCKETS_CACHED && !found; i++)
		found = st->seen[i].until_us > now &&
		    strcmp(st->seen[i].name, name) == 0;
	pthread_mutex_unlock(&st->seen_lock);
	return found;
}

enum err
store_bucket_get(struct store *st, const char *name, struct bucket *out)
{
	enum err e = EC_EQUORUM;

	if (object_bucket_valid(name) != EC_OK)
		return EC_ENOBUCKET;
	for (unsigned i = 0; i < st->sets; i++) {
		e = bucket_get(out, st->set[i], name);
		if (e == EC_OK || e == EC_ENOBUCKET)
			break;
	}
	if (e == EC_OK)
		seen_put(st, name, true);
	return e;
}

enum err
store_bucket_check(struct store *st, const char *name)
{
	struct bucket b = BUCKET_INIT;
	enum err e;

	if (seen_get(st, name))
		return EC_OK;
	e = store_bucket_get(st, name, &b);
	bucket_release(&b);
	return e;
}

enum err
store_bucket_create(struct store *st, const char *name, const uint8_t *meta,
    size_t meta_len)
{
	struct bucket b = BUCKET_INIT, have = BUCKET_INIT;
	struct lock *lock = NULL;
	enum err e;

	if ((e = object_bucket_valid(name)) != EC_OK ||
	    (e = store_lock(st, name, NULL, true, &lock)) != EC_OK)
		return e;
	if ((e = store_bucket_get(st, name, &have)) != EC_ENOBUCKET) {
		e = e == EC_OK ? EC_EEXIST : e;
		goto out;
	}
	strcpy(b.name, name);
	b.created_us = clock_real_us();
	e = meta_len > 0 ? buf_add(&b.meta, meta, meta_len) : EC_OK;
	for (unsigned i = 0; i < st->sets && e == EC_OK; i++)
		e = bucket_write(st->set[i], &b);
	if (e == EC_OK)
		seen_put(st, name, true);
out:
	bucket_release(&b);
	bucket_release(&have);
	lock_table_release(lock);
	return e;
}

/* No object, version or marker, and no upload under way. */
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
			e = multipart_abort(store_set_of(st, name, u[i].key),
			    name, u[i].key, &u[i].id);
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

enum err
store_bucket_remove(struct store *st, const char *name)
{
	struct bucket have = BUCKET_INIT;
	struct lock *lock = NULL;
	enum err e;

	if (object_bucket_valid(name) != EC_OK)
		return EC_ENOBUCKET;
	if ((e = store_lock(st, name, NULL, true, &lock)) != EC_OK)
		return e;
	if ((e = store_bucket_get(st, name, &have)) != EC_OK ||
	    (e = check_empty(st, name)) != EC_OK ||
	    (e = abort_uploads(st, name)) != EC_OK)
		goto out;
	seen_put(st, name, false);
	for (unsigned i = 0; i < st->sets && e == EC_OK; i++)
		e = bucket_remove(st->set[i], name);
out:
	bucket_release(&have);
	lock_table_release(lock);
	return e;
}

enum err
store_bucket_list(struct store *st, const char *after, unsigned max,
    struct bucket **out, unsigned *n)
{
	enum err e = EC_EQUORUM;

	for (unsigned i = 0; i < st->sets && e == EC_EQUORUM; i++)
		e = bucket_list(st->set[i], after, max, out, n);
	return e;
}
