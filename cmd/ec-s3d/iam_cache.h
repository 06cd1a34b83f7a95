/* iam_cache: users, keys and policies as a server has them in memory: never
 * older than about half a second, so that no request reads them from the
 * store, and each change is active everywhere within a second. */
#ifndef IAM_CACHE_H
#define IAM_CACHE_H

#include "iam.h"
#include "store/store.h"

enum { IAM_CACHE_PERIOD_MS = 400 };

struct iam_cache;

/* Loads them, then a thread looks for changes until iam_cache_free.  When the
 * store cannot be read, now or later, what was known stays (nothing: root
 * alone), and it is tried again.  ${root} is the caller's and outlives it.
 * Errors: EC_ENOMEM, by errno. */
enum err iam_cache_new(struct iam_cache **out, struct store *st,
    const struct iam_root *root);
void iam_cache_free(struct iam_cache *c);

/* What is known now; to be given back with iam_unref. */
struct iam *iam_cache_get(struct iam_cache *c);

#endif
