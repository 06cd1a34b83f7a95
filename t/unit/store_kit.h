/* store_kit: objects of a store in one call, for tests of stores. */
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include "store/store.h"

/* Four bytes at ${key}: a null version or a new one, if ${c} (NULL: always)
 * says so. */
static inline enum err
kit_put(struct store *store, const char *bucket, const char *key,
    bool null_version, const struct store_condition *c)
{
	const struct put_params p = { .bucket = bucket, .key = key,
		.size = 4, .parity = -1, .null_version = null_version };
	struct object o = OBJECT_INIT;
	struct store_put *sp = NULL;
	enum err e;

	if ((e = store_put_open(store, &p, &sp)) == EC_OK &&
	    (e = store_put_write(sp, "data", 4)) == EC_OK &&
	    (e = store_put_finish(sp, NULL)) == EC_OK)
		e = store_put_commit(sp, NULL, c, &o);
	store_put_free(sp);
	object_release(&o);
	return e;
}

#endif
