/* move: take all versions of a key from one set to another.
 *
 * Data first, without a lock: each version is read, every byte verified, and
 * written to the other set, durable but not yet seen by anyone; and read back.
 * Then, with the key's lock held and if nothing has changed meanwhile, the
 * records: to the new set the newest first, from the old one the oldest first.
 * So whichever set has anything of the key has its newest version, and each
 * version is in one of them at any time.
 *
 * A version stays what it is: its bytes, id, time, ETag, parts, metadata and
 * place in the order.  Its geometry becomes the new set's; less parity than its
 * set's default stays that much. */
#ifndef MOVE_H
#define MOVE_H

#include "set/set.h"

struct move;

struct move_params {
	struct set *from, *to;
	const char *bucket, *key;	/* outlive the move */
};

/* *${out} is the caller's, to move_free.  Errors: EC_ENOMEM. */
enum err move_new(struct move **out, const struct move_params *p);

/* Copy what has not been copied of what is there now.
 * Errors: EC_ENOTFOUND (nothing is there), EC_EQUORUM, EC_ELOST (of either
 * set), EC_ECORRUPT (what was read back is not what was written), EC_ENOSPC. */
enum err move_copy(struct move *m);

/* Hand over, with the key's lock held.  Errors: EC_EBUSY (it is no longer what
 * was copied: release the lock and copy again), EC_EEXIST (the new set has
 * other versions of the key), as move_copy.  On an error readers find all that
 * they found before; the key may be in both sets then, for move_settle. */
enum err move_hand_over(struct move *m);

unsigned move_versions(const struct move *m);
uint64_t move_bytes(const struct move *m);
void move_free(struct move *m);

/* A move was cut off, and both sets have versions of the key: with its lock
 * held, see to it that only one has.  *${in} is that one.
 * Errors: EC_EEXIST (neither has all that the other has), EC_EQUORUM. */
enum err move_settle(struct set *from, struct set *to, const char *bucket,
    const char *key, struct set **in);

#endif
