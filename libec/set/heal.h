/* heal: make one version whole again: every record and every shard of it on
 * every drive of the set.
 *
 * Rebuilds exactly what is missing or bad from any k good shards, each
 * verified before it is used.  Writes like a fresh write: shard files durable
 * first, then the record.  A bad shard file goes to quarantine only when its
 * replacement is durable.  What cannot be decided is left and said so; nothing
 * is deleted because it could not be reached. */
#ifndef HEAL_H
#define HEAL_H

#include "set/set.h"

enum heal_state {	/* of one drive's share of one version */
	HEAL_OK, HEAL_MISSING, HEAL_CORRUPT, HEAL_OFFLINE, HEAL_STALE,
};

struct heal_report {
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct stamp version;
	bool null_version;
	enum heal_state before[SET_DRIVES_MAX], after[SET_DRIVES_MAX];
	unsigned drives;
	uint64_t bytes;		/* written */
	bool undecided;		/* too few answers to know what is right */
};

enum {
	HEAL_DRY = 1,		/* only look */
	HEAL_DEEP = 2,	 /* verify every hash, not just presence and size */
};

/* Heal all states of a key (objects, markers, tombstones; leftovers of
 * overwritten or failed versions are purged when every drive answered), or
 * with ${version} only that one.  ${each} is called per version looked at.
 * Errors: EC_OK whole now (or, dry, was), EC_EDEGRADED (a drive is away; the
 * rest is whole), EC_ELOST (fewer than k good shards, all drives asked),
 * EC_EQUORUM (cannot be decided now). */
enum err heal_key(struct set *s, const char *bucket, const char *key,
    const struct stamp *version, unsigned flags,
    void (*each)(void *ctx, const struct heal_report *r), void *ctx);

/* Buckets, uploads and their parts likewise. */
enum err heal_buckets(struct set *s, unsigned flags, unsigned *fixed);
enum err heal_uploads(struct set *s, unsigned flags, unsigned *fixed);

#endif
