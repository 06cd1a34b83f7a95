/* get: find and read one version of an object. */
#ifndef GET_H
#define GET_H

#include "set/set.h"

struct get;

/* Find ${version} (NULL: the newest) of a key.  With ${o}->marker the version
 * is a delete marker: *${out} is NULL and the result EC_OK.  ${out} NULL: only
 * look.  ${o} must be OBJECT_INIT and is the caller's to release; ${o}->newest
 * is only known when no version was asked for.
 * The shard files are opened here, so that an overwrite does not disturb the
 * reader; of an object made of parts, each part's when it is come to: then
 * get_read may fail with EC_ELOST, never give bytes of another version.
 * Errors: EC_ENOTFOUND, EC_EQUORUM, EC_ELOST, EC_EBUSY (others overwrite the
 * key faster than it can be looked at). */
enum err get_open(struct get **out, struct object *o, struct set *s,
    const char *bucket, const char *key, const struct stamp *version);

/* The null version instead of one by stamp. */
extern const struct stamp get_null_version;

/* Exactly ${len} verified bytes at ${off}; off + len <= size.  Damage that was
 * met is in the heal queue.  Errors: EC_EQUORUM, EC_ELOST. */
enum err get_read(struct get *g, void *buf, size_t len, uint64_t off);

/* The same without a copy: *${at} has *${len} (> 0) verified bytes at ${off},
 * as many as can be had at once, not beyond ${end}; off < end <= size.  They
 * stay until the next call of this or get_free.  What comes after them, up to
 * ${end}, is read meanwhile.  Errors: as get_read; EC_EBUSY (memory). */
enum err get_view(struct get *g, const uint8_t **at, size_t *len,
    uint64_t off, uint64_t end);
void get_free(struct get *g);

/* When the version can no longer be read where it was found, ask ${again},
 * once, to open it elsewhere: it may have been moved.  Errors of it: any. */
typedef enum err get_again(void *ctx, const char *bucket, const char *key,
    const struct stamp *version, struct get **out);
void get_set_again(struct get *g, get_again *again, void *ctx);

#endif
