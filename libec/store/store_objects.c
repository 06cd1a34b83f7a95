#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "set/amend.h"
#include "set/delete.h"
#include "set/heal_lost.h"
#include "store/store_impl.h"

struct store_put {
	struct store *st;
	struct set *set;
	struct put *put;
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
};

static enum err
check_names(const char *bucket, const char *key)
{
	if (object_bucket_valid(bucket) != EC_OK)
		return EC_ENOBUCKET;
	return object_key_valid(key);
}

enum err
store_put_open(struct store *st, const struct put_params *p,
    struct store_put **out)
{
	struct store_put *sp = NULL;
	enum err e;

	if ((e = check_names(p->bucket, p->key)) != EC_OK ||
	    (e = store_bucket_check(st, p->bucket)) != EC_OK)
		return e;
	if ((sp = calloc(1, sizeof(*sp))) == NULL)
		return EC_ENOMEM;
	sp->st = st;
	strcpy(sp->bucket, p->bucket);
	strcpy(sp->key, p->key);
	e = p->part != 0 ? store_place_upload(st, p->bucket, p->key,
	    &p->upload, &sp->set) :
	    store_place(st, p->bucket, p->key, &sp->set);
	if (e != EC_OK || (e = put_open(&sp->put, sp->set, p)) != EC_OK) {
		free(sp);
		return e;
	}
	*out = sp;
	return EC_OK;
}

enum err
store_put_write(struct store_put *p, const void *buf, size_t len)
{
	return put_write(p->put, buf, len);
}

enum err
store_put_lend(struct store_put *p, const void *buf, size_t len)
{
	return put_lend(p->put, buf, len);
}

void
store_put_settle(struct store_put *p)
{
	put_settle(p->put);
}

enum err
store_put_meta(struct store_put *p, const uint8_t *meta, size_t len)
{
	return put_meta(p->put, meta, len);
}

enum err
store_put_finish(struct store_put *p, uint8_t md5[16])
{
	return put_finish(p->put, md5);
}

/* ${version} NULL: the newest, where a marker counts as none. */
static enum err
check_condition(struct set *set, const char *bucket, const char *key,
    const struct stamp *version, const struct store_condition *c)
{
	struct object o = OBJECT_INIT;
	enum err e;

	if (c == NULL)
		return EC_OK;
	e = get_open(NULL, &o, set, bucket, key, version);
	if (e == EC_OK && o.marker && version == NULL)
		e = EC_ENOTFOUND;
	if (e == EC_OK || e == EC_ENOTFOUND)
		e = c->check(c->ctx, e == EC_OK ? &o : NULL);
	object_release(&o);
	return e;
}

enum err
store_put_commit(struct store_put *p, const char *etag,
    const struct store_condition *c, struct object *out)
{
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	do {
		e = store_hold(p->st, p->bucket, p->key, &h);
		if (e == EC_OK)
			e = store_place_check(p->st, p->bucket, p->key, p->set);
		if (e == EC_OK)
			e = check_condition(p->set, p->bucket, p->key, NULL, c);
		put_null_version(p->put, h.keeps != STORE_VERSIONING_ENABLED);
		if (e == EC_OK)
			e = put_commit(p->put, etag, out);
		e = store_release(&h, e);
	} while (store_again(p->st, p->bucket, e, &tries));
	return e;
}

void
store_put_free(struct store_put *p)
{
	if (p == NULL)
		return;
	put_free(p->put);
	free(p);
}

/* In the pools one after the other, until it is found. */
static enum err
get_any(struct store *st, const char *bucket, const char *key,
    const struct stamp *version, struct get **out, struct object *o)
{
	unsigned order[ENDPOINTS_POOLS_MAX], n = store_place_order(st, order);
	enum err worst = EC_ENOTFOUND, e = EC_ENOTFOUND;

	for (unsigned i = 0; i < n; i++) {
		object_release(o);
		e = get_open(out, o, store_place_in(st, order[i], bucket, key),
		    bucket, key, version);
		if (e == EC_OK)
			return e;
		worst = e != EC_ENOTFOUND ? e : worst;
	}
	return worst;
}

static enum err
get_moved(void *ctx, const char *bucket, const char *key,
    const struct stamp *version, struct get **out)
{
	struct object o = OBJECT_INIT;
	enum err e = get_any(ctx, bucket, key, version, out, &o);

	object_release(&o);
	return e;
}

/* What no pool has: is it that, or is it lost? */
static enum err
lost_any(struct store *st, const char *bucket, const char *key,
    const struct stamp *version)
{
	unsigned order[ENDPOINTS_POOLS_MAX], n = store_place_order(st, order);
	enum err e = EC_ENOTFOUND;

	for (unsigned i = 0; i < n && e == EC_ENOTFOUND; i++)
		e = heal_lost(store_place_in(st, order[i], bucket, key),
		    bucket, key, version);
	return e;
}

enum err
store_get_open(struct store *st, const char *bucket, const char *key,
    const struct stamp *version, struct get **out, struct object *o)
{
	struct stamp was = { 0, 0 }, now = { 0, 0 };
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK)
		return e;
	do {
		if (st->pool_count > 1)
			was = store_pools_look(st, NULL);
		e = get_any(st, bucket, key, version, out, o);
		if (st->pool_count > 1)
			now = store_pools_look(st, NULL);
	} while (e == EC_ENOTFOUND && stamp_cmp(&was, &now) != 0);
	if (e == EC_OK && st->pool_count > 1 && out != NULL && *out != NULL)
		get_set_again(*out, get_moved, st);
	if (e == EC_OK && o->marker && version == NULL)
		e = EC_ENOTFOUND;
	else if (e == EC_ENOTFOUND)
		e = lost_any(st, bucket, key, version);
	if (e == EC_ENOTFOUND && store_bucket_check(st, bucket) ==
	    EC_ENOBUCKET)
		e = EC_ENOBUCKET;
	return e;
}

static enum err
delete_newest(struct set *set, const char *bucket, const char *key,
    enum store_versioning keeps, struct store_deleted *out)
{
	if (keeps == STORE_VERSIONING_OFF)
		return delete_null(set, bucket, key);
	out->marker = true;
	out->null_version = keeps == STORE_VERSIONING_SUSPENDED;
	return delete_marker(set, bucket, key, out->null_version,
	    &out->version);
}

/* With its lock held, in its set. */
static enum err
delete_in(struct set *set, const char *bucket, const char *key,
    const struct stamp *version, const struct store_condition *c,
    enum store_versioning keeps, struct store_deleted *did)
{
	enum err e = check_condition(set, bucket, key, version, c);

	if (e == EC_OK && version == NULL)
		return delete_newest(set, bucket, key, keeps, did);
	if (e == EC_OK)
		e = delete_version(set, bucket, key, version, &did->marker);
	return e == EC_ENOTFOUND && version != NULL ? EC_OK : e;
}

/* What was deleted for good in ${set} must not be put into another pool by a
 * move that does not know (store_place.c, 5). */
static enum err
delete_elsewhere(struct store *st, const struct set *set, const char *bucket,
    const char *key, const struct stamp *version)
{
	unsigned order[ENDPOINTS_POOLS_MAX], n = store_place_order(st, order);
	enum pool_state state[ENDPOINTS_POOLS_MAX];
	enum err e = EC_OK;

	store_pools_look(st, state);
	if (state[order[0]] == POOL_ACTIVE)
		return EC_OK;
	for (unsigned i = 0; i < n && e == EC_OK; i++) {
		struct set *s = store_place_in(st, order[i], bucket, key);

		if (s == set)
			continue;
		e = version == NULL || stamp_is_zero(version) ?
		    delete_null(s, bucket, key) :
		    delete_tombstone(s, bucket, key, version);
	}
	return e;
}

enum err
store_delete(struct store *st, const char *bucket, const char *key,
    const struct stamp *version, const struct store_condition *c,
    struct store_deleted *out)
{
	struct store_deleted did;
	struct set *set = NULL;
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK)
		return e;
	do {
		did = (struct store_deleted){ .marker = false };
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = store_place_home(st, bucket, key, &set);
		if (e == EC_OK)
			e = delete_in(set, bucket, key, version, c, h.keeps,
			    &did);
		if (e == EC_OK && st->pool_count > 1 && (version != NULL ||
		    h.keeps == STORE_VERSIONING_OFF))
			e = delete_elsewhere(st, set, bucket, key, version);
		e = store_release(&h, e);
	} while (store_again(st, bucket, e, &tries));
	if (out != NULL)
		*out = did;
	return e;
}

static enum err
amend(struct set *set, const char *bucket, const char *key,
    const struct stamp *version,
    enum err (*change)(void *ctx, struct object *o), void *ctx,
    struct object *o)
{
	enum err e;

	object_release(o);
	if ((e = get_open(NULL, o, set, bucket, key, version)) != EC_OK)
		return e;
	if (o->marker)
		return version == NULL ? EC_ENOTFOUND : EC_ECONFLICT;
	return (e = change(ctx, o)) != EC_OK ? e : amend_version(set, o);
}

enum err
store_amend(struct store *st, const char *bucket, const char *key,
    const struct stamp *version,
    enum err (*change)(void *ctx, struct object *o), void *ctx,
    struct object *out)
{
	struct store_hold h;
	struct set *set;
	unsigned tries = 0;
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK)
		return e;
	do {
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = store_place_home(st, bucket, key, &set);
		if (e == EC_OK)
			e = amend(set, bucket, key, version, change, ctx, out);
		e = store_release(&h, e);
	} while (store_again(st, bucket, e, &tries));
	return e;
}

/* A page of each set; of the pools that keys may be moved out of first, so that
 * none is missed on its way. */
static enum err
list_pages(struct store *st, const struct list_params *p, struct list *page[],
    bool *more)
{
	unsigned order[ENDPOINTS_POOLS_MAX], pools, n = 0;
	enum err e = EC_OK;

	pools = store_place_order(st, order);
	*more = false;
	for (unsigned i = 0; i < pools; i++) {
		const struct endpoint_pool *ep = &st->pools[order[i]];
		unsigned first = store_pool_set(st, order[i]);

		for (unsigned j = 0; j < ep->count / ep->set_size; j++) {
			bool left = false;

			e = list_page(&page[n], st->set[first + j], p, &left);
			if (e != EC_OK)
				goto out;
			n++;
			*more = *more || left;
		}
	}
out:
	while (e != EC_OK && n > 0)
		list_free(page[--n]);
	return e;
}

static enum err
list_merged(struct store *st, const struct list_params *p, struct list **out,
    bool *more)
{
	struct list **page = mem_array(st->sets, sizeof(*page));
	enum err e;

	if (page == NULL)
		return EC_ENOMEM;
	if ((e = list_pages(st, p, page, more)) == EC_OK)
		e = list_merge(out, page, st->sets, p, more);
	free(page);
	return e;
}

enum err
store_list(struct store *st, const struct list_params *p, struct list **out,
    bool *more)
{
	struct stamp was, now;
	enum err e;

	if ((e = store_bucket_check(st, p->bucket)) != EC_OK)
		return e;
	if (st->sets == 1)
		return list_page(out, st->set[0], p, more);
	if (st->pool_count == 1)
		return list_merged(st, p, out, more);
	for (;;) {
		was = store_pools_look(st, NULL);
		if ((e = list_merged(st, p, out, more)) != EC_OK)
			return e;
		now = store_pools_look(st, NULL);
		if (stamp_cmp(&was, &now) == 0)
			return EC_OK;
		list_free(*out);
	}
}

enum err
store_upload_complete(struct store *st, const char *bucket, const char *key,
    const struct stamp *id, const struct upload_part *parts, unsigned n,
    const char *etag, const struct store_condition *c, const uint8_t *extra,
    size_t extra_len, struct object *out)
{
	struct set *set = NULL;
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK ||
	    (e = store_place_upload(st, bucket, key, id, &set)) != EC_OK)
		return e;
	do {
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = store_place_check(st, bucket, key, set);
		if (e == EC_OK)
			e = check_condition(set, bucket, key, NULL, c);
		if (e == EC_OK)
			e = multipart_complete(set, bucket, key, id, parts, n,
			    etag, h.keeps != STORE_VERSIONING_ENABLED, extra,
			    extra_len, out);
		e = store_release(&h, e);
	} while (store_again(st, bucket, e, &tries));
	return e;
}

enum err
store_upload_abort(struct store *st, const char *bucket, const char *key,
    const struct stamp *id)
{
	struct store_hold h;
	struct set *set;
	unsigned tries = 0;
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK ||
	    (e = store_place_upload(st, bucket, key, id, &set)) != EC_OK)
		return e;
	do {
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = multipart_abort(set, bucket, key, id);
		e = store_release(&h, e);
	} while (store_again(st, bucket, e, &tries));
	return e;
}
