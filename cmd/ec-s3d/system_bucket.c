#include "system_bucket.h"

enum err
system_bucket_put(struct store *st, const struct put_params *params,
    struct store_put **out)
{
	enum err e = store_put_open(st, params, out);

	if (e != EC_ENOBUCKET)
		return e;
	e = store_bucket_create(st, SYSTEM_BUCKET, NULL, 0);
	return e == EC_OK || e == EC_EEXIST ?
	    store_put_open(st, params, out) : e;
}
