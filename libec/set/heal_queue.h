/* heal_queue: what needs heal, kept as records on the drives (durable with the
 * flush that caused it), fed by writes that missed a drive, reads that met
 * damage, and scans. */
#ifndef HEAL_QUEUE_H
#define HEAL_QUEUE_H

#include "set/set.h"

/* An entry without bucket and key stands for all of the set; with a version,
 * for what was written since its stamp. */
struct heal_item {
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct stamp version;
	uint64_t since_us;	/* when it was last noted, real time */
	struct stamp noted;	/* the entry's own stamp */
};

/* Note a version (a zero stamp: the whole key); need not be durable at once.
 * Quick: never waits for a drive.  Repeats of the same version within a minute
 * are dropped, unless it was healed in between. */
void heal_queue_note(struct set *s, const char *bucket, const char *key,
    const struct stamp *version);

/* The same durably: on return it survives power loss on every drive there. */
enum err heal_queue_mark(struct set *s, const char *bucket, const char *key,
    const struct stamp *version);

/* Up to ${max} (1 .. 10,000) distinct items, oldest first, behind the entry
 * ${after} (NULL: from the oldest); the array is the caller's to free().  An
 * item may be one that was healed while a drive was away: healing it again
 * finds nothing to do.  Errors: EC_EQUORUM (no drive answered), EC_ENOMEM. */
enum err heal_queue_list(struct set *s, const struct stamp *after,
    unsigned max, struct heal_item **out, unsigned *n);

/* Take an item off, as far as it was noted before it was listed. */
enum err heal_queue_done(struct set *s, const struct heal_item *item);

#endif
