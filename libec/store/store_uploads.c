#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_impl.h"

static enum err
check(struct store *st, const char *bucket, const char *key)
{
	enum err e = store_bucket_check(st, bucket);

	return e != EC_OK ? e : object_key_valid(key);
}

enum err
store_upload_create(struct store *st, const char *bucket, const char *key,
    const uint8_t *meta, size_t meta_len, struct stamp *id)
{
	struct store_hold h;
	struct set *set;
	unsigned tries = 0;
	enum err e = check(st, bucket, key);

	if (e != EC_OK)
		return e;
	do {	/* the bucket is not removed meanwhile */
		if ((e = store_hold(st, bucket, key, &h)) == EC_OK)
			e = store_place_home(st, bucket, key, &set);
		if (e == EC_OK)
			e = multipart_create(set, bucket, key, meta, meta_len,
			    id);
		e = store_release(&h, e);
	} while (store_again(st, bucket, e, &tries));
	return e;
}

enum err
store_upload_get(struct store *st, const char *bucket, const char *key,
    const struct stamp *id, struct upload *out)
{
	struct set *set;
	enum err e = check(st, bucket, key);

	if (e != EC_OK ||
	    (e = store_place_upload(st, bucket, key, id, &set)) != EC_OK)
		return e;
	return multipart_get(out, set, bucket, key, id);
}

enum err
store_upload_parts(struct store *st, const char *bucket, const char *key,
    const struct stamp *id, unsigned after, unsigned max,
    struct upload_part **out, unsigned *n, bool *more)
{
	struct set *set;
	enum err e = check(st, bucket, key);

	if (e != EC_OK ||
	    (e = store_place_upload(st, bucket, key, id, &set)) != EC_OK)
		return e;
	return multipart_parts(set, bucket, key, id, after, max, out, n,
	    more);
}

static int
upload_cmp(const void *a, const void *b)
{
	const struct upload *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c != 0 ? c : stamp_cmp(&x->id, &y->id);
}

/* Merge the sets' pages: the first ${max} of all. */
enum err
store_upload_list(struct store *st, const char *bucket, const char *prefix,
    const char *after_key, const struct stamp *after_id, unsigned max,
    struct upload **out, unsigned *n, bool *more)
{
	struct upload *all = NULL, *page = NULL;
	unsigned count = 0, got = 0;
	bool left = false;
	enum err e;

	*more = false;
	if ((e = store_bucket_check(st, bucket)) != EC_OK)
		return e;
	if ((all = mem_array((size_t)max * st->sets + 1, sizeof(*all))) ==
	    NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < st->sets && e == EC_OK; i++) {
		e = multipart_list(st->set[i], bucket, prefix, after_key,
		    after_id, max, &page, &got, &left);
		if (e != EC_OK)
			break;
		if (got > 0)
			memcpy(all + count, page, got * sizeof(*all));
		count += got;
		*more = *more || left;
		free(page);
	}
	qsort(all, count, sizeof(*all), upload_cmp);
	while (count > (e == EC_OK ? max : 0)) {
		upload_release(&all[--count]);
		*more = true;
	}
	if (e != EC_OK) {
		free(all);
		return e;
	}
	*out = all;
	*n = count;
	return EC_OK;
}
