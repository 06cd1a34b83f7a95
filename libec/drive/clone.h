/* clone: a drive copied to an empty directory, while it is in use.
 *
 * Only the files are touched, never their owner.  What is written meanwhile may
 * be missing from the copy: it says of itself that it is not filled, and who
 * opens it has its set compared (local_closed.c). */
#ifndef CLONE_H
#define CLONE_H

#include <stdint.h>

#include "base/err.h"

struct clone {
	/* How much was copied or was there already.  May be NULL. */
	void (*progress)(void *ctx, uint64_t files, uint64_t bytes);
	void *ctx;
	uint64_t files, bytes;
	uint64_t unread;	/* files that could not be read: left out */
};

/* Copy the drive in directory ${from} to ${to}, which is empty or the begin of
 * such a copy.  On EC_OK it is durable, and a drive: the same one.
 * Errors, logged: EC_ENOTFOUND (${from} is no drive), EC_ENOTEMPTY (${to} has
 * something else), EC_EEXIST (... is a drive), EC_EOFFLINE (either is no
 * directory), EC_EBUSY (its journal does not hold still), by errno. */
enum err clone_drive(struct clone *c, const char *from, const char *to);

/* Put the copy ${to} in the place of ${from}, and that in its; the old one is
 * no drive then.  Errors: EC_EDENIED or EC_EBUSY (mount points, or different
 * file systems: nothing was done), by errno. */
enum err clone_exchange(const char *from, const char *to);

#endif
