/* access_cache: the access settings of buckets, read and parsed once for each
 * state of a bucket's record, for as long as requests ask about it. */
#ifndef ACCESS_CACHE_H
#define ACCESS_CACHE_H

#include "access.h"

struct access_cache;
struct access_kept;	/* one bucket's, with a count of users */

/* Errors: EC_ENOMEM, by errno. */
enum err access_cache_new(struct access_cache **out);
void access_cache_free(struct access_cache *c);

/* The settings of ${b} as its stamp has them, as access_bucket_load; *${kept}
 * is the caller's, to access_kept_put.  Any thread.  Errors: EC_ENOMEM. */
enum err access_cache_get(struct access_cache *c, const struct bucket *b,
    const char *root_id, struct access_kept **kept);
const struct access_bucket *access_kept_of(const struct access_kept *k);
void access_kept_put(struct access_kept *k);	/* NULL does nothing */

#endif
