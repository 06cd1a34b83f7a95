/* delete: markers, tombstones, purges. */
#ifndef DELETE_H
#define DELETE_H

#include "set/set.h"

/* Delete the null version of a key for good (an unversioned bucket).  Deleting
 * what is not there is EC_OK.  Durable on return.  Errors: EC_EQUORUM. */
enum err delete_null(struct set *s, const char *bucket, const char *key);

/* Add a delete marker; ${null_version} when versioning is suspended.
 * *${version} (may be NULL) is the marker's. */
enum err delete_marker(struct set *s, const char *bucket, const char *key,
    bool null_version, struct stamp *version);

/* Delete one version for good.  *${was_marker} (may be NULL).
 * Errors: EC_ENOTFOUND, EC_EQUORUM. */
enum err delete_version(struct set *s, const char *bucket, const char *key,
    const struct stamp *version, bool *was_marker);

/* The same of what need not be there, so that it never will be. */
enum err delete_tombstone(struct set *s, const char *bucket, const char *key,
    const struct stamp *version);

#endif
