/* notes: small texts that tools keep on the drives of a store (drive.h). */
#ifndef NOTES_H
#define NOTES_H

#include "store/store.h"

/* Put it on all drives that are there.
 * Errors: EC_EQUORUM (none took it), EC_ENOMEM. */
enum err notes_put(struct store *st, const char *name, const char *text,
    size_t len);

/* ${each} is called with what each drive has, of whatever age.
 * Errors: EC_EQUORUM (no drive answered), EC_ENOMEM. */
enum err notes_get(struct store *st, const char *name,
    void (*each)(void *ctx, const char *text, size_t len), void *ctx);

#endif
