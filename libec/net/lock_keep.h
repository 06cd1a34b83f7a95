/* lock_keep: what a lock daemon must not forget: the number that no stamp it
 * gave out has passed, and whether somebody may still hold a lock.
 *
 * A file of lines "name value", replaced as a whole; PATH.lock beside it keeps
 * a second daemon away. */
#ifndef LOCK_KEEP_H
#define LOCK_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct lock_keep;

/* Open ${path}; ${lease_s} is what grants will last from now on.  *${floor} is
 * what was raised to last, 0 in a new file; *${grace_s}: somebody may hold a
 * lock for so long yet.
 * Errors: EC_EOWNED, EC_EFORMAT, by errno; logged. */
enum err lock_keep_open(struct lock_keep **out, const char *path,
    unsigned lease_s, uint64_t *floor, unsigned *grace_s);

/* Stamps up to ${ceiling} may be given out; durable.  Errors: by errno,
 * logged. */
enum err lock_keep_raise(struct lock_keep *k, uint64_t ceiling);

/* Note whether all locks were given back, and close.  NULL is fine. */
void lock_keep_close(struct lock_keep *k, bool idle);

#endif
