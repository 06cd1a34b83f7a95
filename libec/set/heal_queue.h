/* heal_queue: what needs heal, kept as records on the drives (durable with the
 * flush that caused it), fed by writes that missed a drive, reads that met
 * damage, and scans. */
#ifndef HEAL_QUEUE_H
#define HEAL_QUEUE_H

#include "set/set.h"

struct heal_item {
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct stamp version;
	uint64_t since_us;
};

/* Note a version; need not be durable at once.  Quick: never waits for a
 * drive.  Repeats of the same version within a minute are dropped. */
void heal_queue_note(struct set *s, const char *bucket, const char *key,
    const struct stamp *version);

/* Up to ${max} distinct items, oldest first; the array is the caller's. */
enum err heal_queue_list(struct set *s, unsigned max, struct heal_item **out,
    unsigned *n);
enum err heal_queue_done(struct set *s, const struct heal_item *item);

#endif
