/* system_bucket: where the server keeps what is its own.  No request can name
 * it. */
#ifndef SYSTEM_BUCKET_H
#define SYSTEM_BUCKET_H

#include "store/store.h"

#define SYSTEM_BUCKET ".ec"

/* store_put_open in it; makes it first where it is not there yet. */
enum err system_bucket_put(struct store *st, const struct put_params *params,
    struct store_put **out);

#endif
