#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "set/amend.h"
#include "set/delete.h"
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
			e = check_condition(p->set, p->bucket, p->key, NULL, c);
		if (e == EC_OK)
			e = store_place_check(p->st, p->bucket, p->key, p->set);
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

enum err
store_get_open(struct store *st, const char *bucket, const char *key,
    const struct stamp *version, struct get **out, struct object *o)
{
	struct set *set;
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK ||
	    (e = store_place(st, bucket, key, &set)) != EC_OK)
		return e;
	e = get_open(out, o, set, bucket, key, version);
	if (e == EC_OK && o->marker && version == NULL)
		e = EC_ENOTFOUND;
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

	if ((e = check_names(bucket, key)) != EC_OK ||
	    (e = store_place(st, bucket, key, &set)) != EC_OK)
		return e;
	do {
		did = (struct store_deleted){ .marker = false };
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = check_condition(set, bucket, key, version, c);
		if (e == EC_OK && version == NULL)
			e = delete_newest(set, bucket, key, h.keeps, &did);
		else if (e == EC_OK)
			e = delete_version(set, bucket, key, version,
			    &did.marker);
		if (e == EC_ENOTFOUND && version != NULL)
			e = EC_OK;
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

	if ((e = check_names(bucket, key)) != EC_OK ||
	    (e = store_place(st, bucket, key, &set)) != EC_OK)
		return e;
	do {
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = amend(set, bucket, key, version, change, ctx, out);
		e = store_release(&h, e);
	} while (store_again(st, bucket, e, &tries));
	return e;
}

enum err
store_list(struct store *st, const struct list_params *p, struct list **out,
    bool *more)
{
	struct list **page = NULL;
	enum err e;
	unsigned n;

	if ((e = store_bucket_check(st, p->bucket)) != EC_OK)
		return e;
	if (st->sets == 1)
		return list_page(out, st->set[0], p, more);
	if ((page = mem_array(st->sets, sizeof(*page))) == NULL)
		return EC_ENOMEM;
	*more = false;
	for (n = 0; n < st->sets && e == EC_OK; n++) {
		bool left = false;

		if ((e = list_page(&page[n], st->set[n], p, &left)) != EC_OK)
			break;
		*more = *more || left;
	}
	if (e == EC_OK)
		e = list_merge(out, page, n, p, more);
	else
		while (n-- > 0)
			list_free(page[n]);
	free(page);
	return e;
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
			e = check_condition(set, bucket, key, NULL, c);
		if (e == EC_OK)
			e = store_place_check(st, bucket, key, set);
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
