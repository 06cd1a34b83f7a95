#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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
	sp->set = store_set_of(st, p->bucket, p->key);
	strcpy(sp->bucket, p->bucket);
	strcpy(sp->key, p->key);
	if ((e = put_open(&sp->put, sp->set, p)) != EC_OK) {
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
store_put_meta(struct store_put *p, const uint8_t *meta, size_t len)
{
	return put_meta(p->put, meta, len);
}

enum err
store_put_finish(struct store_put *p, uint8_t md5[16])
{
	return put_finish(p->put, md5);
}

/* Does the newest version of the key satisfy the condition? */
static enum err
check_condition(struct set *set, const char *bucket, const char *key,
    const struct store_condition *c)
{
	struct object o = OBJECT_INIT;
	enum err e;

	if (c == NULL || (!c->absent && c->etag == NULL))
		return EC_OK;
	e = get_open(NULL, &o, set, bucket, key, NULL);
	if (e == EC_OK && o.marker)
		e = EC_ENOTFOUND;
	if (c->absent)
		e = e == EC_ENOTFOUND ? EC_OK : e == EC_OK ? EC_ECONFLICT : e;
	else if (e == EC_OK && strcmp(c->etag, "*") != 0 &&
	    strcmp(c->etag, o.etag) != 0)
		e = EC_ECONFLICT;
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
			e = check_condition(p->set, p->bucket, p->key, c);
		if (e == EC_OK)
			e = put_commit(p->put, etag, out);
		e = store_release(&h, e);
	} while (store_again(e, &tries));
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
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK)
		return e;
	e = get_open(out, o, store_set_of(st, bucket, key), bucket, key,
	    version);
	if (e == EC_OK && o->marker && version == NULL)
		e = EC_ENOTFOUND;
	if (e == EC_ENOTFOUND && store_bucket_check(st, bucket) ==
	    EC_ENOBUCKET)
		e = EC_ENOBUCKET;
	return e;
}

enum err
store_delete(struct store *st, const char *bucket, const char *key,
    const struct stamp *version)
{
	struct set *set = NULL;
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK)
		return e;
	set = store_set_of(st, bucket, key);
	do {
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK && version == NULL)
			e = delete_null(set, bucket, key);
		else if (e == EC_OK)
			e = delete_version(set, bucket, key, version, NULL);
		e = store_release(&h, e);
	} while (store_again(e, &tries));
	return e == EC_ENOTFOUND ? EC_OK : e;
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

	if ((e = check_names(bucket, key)) != EC_OK)
		return e;
	set = store_set_of(st, bucket, key);
	do {
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = check_condition(set, bucket, key, c);
		if (e == EC_OK)
			e = multipart_complete(set, bucket, key, id, parts, n,
			    etag, true, extra, extra_len, out);
		e = store_release(&h, e);
	} while (store_again(e, &tries));
	return e;
}

enum err
store_upload_abort(struct store *st, const char *bucket, const char *key,
    const struct stamp *id)
{
	struct store_hold h;
	unsigned tries = 0;
	enum err e;

	if ((e = check_names(bucket, key)) != EC_OK)
		return e;
	do {
		e = store_hold(st, bucket, key, &h);
		if (e == EC_OK)
			e = multipart_abort(store_set_of(st, bucket, key),
			    bucket, key, id);
		e = store_release(&h, e);
	} while (store_again(e, &tries));
	return e;
}
