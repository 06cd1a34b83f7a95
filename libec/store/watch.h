/* watch: tells the user's hooks when a drive changes its state or gives bytes
 * whose hash does not hold.
 *
 *	drive_state	EC_DRIVE, EC_SET, EC_STATE and EC_WAS (ONLINE, HEALING,
 *			FAULTED, UNAVAIL), EC_WHY
 *	data_error	EC_DRIVE, EC_SET, EC_ERRORS: how many since the start
 *
 * Looking asks no drive. */
#ifndef WATCH_H
#define WATCH_H

#include "base/hooks.h"
#include "store/store.h"

struct watch;

/* ${st} and ${h} outlive it.  Errors: EC_ENOMEM. */
enum err watch_new(struct watch **out, struct store *st, struct hooks *h);
void watch_free(struct watch *w);	/* NULL is fine */

/* Tell what changed since the last look; at the first, what is not ONLINE.
 * Calls within a second of the last are nothing.  One thread at a time; NULL is
 * fine. */
void watch_look(struct watch *w);

/* Tell of ${event} with these counts: heal_finish, as EC_HEALED, EC_LEFT,
 * EC_LOST. */
void watch_heal(struct hooks *h, uint64_t healed, uint64_t left,
    uint64_t lost);

#endif
