/* rig: a set over memory disks, for tests of what keeps a set whole.
 *
 * Whatever cannot fail in a sane test ends the program when it does. */
#ifndef RIG_H
#define RIG_H

#include "../lib/memory_drive.h"
#include "set/set.h"

struct rig {
	unsigned n, m;
	struct memory_disk *disk[SET_DRIVES_MAX];
	struct mem_pool *pool;
	struct set *set;
};

void rig_init(struct rig *r, unsigned n, unsigned m);
void rig_release(struct rig *r);

/* A new set on the disks as they are: all drives are in and no lane knows of
 * anything. */
void rig_restart(struct rig *r);
void rig_detach(struct rig *r, unsigned i);	/* the drive is away ... */
void rig_attach(struct rig *r, unsigned i);	/* ... and comes back */
void rig_replace(struct rig *r, unsigned i);	/* an empty one in its place */

/* ${size} bytes that follow from ${seed}. */
void rig_fill(uint8_t *buf, size_t size, unsigned seed);

/* Write an object through put.h; null version or a new one. */
enum err rig_put(struct rig *r, const char *key, size_t size, unsigned seed,
    bool null_version, struct stamp *version);
/* Read all of it: EC_OK if it is just those bytes, EC_ECORRUPT if others. */
enum err rig_get(struct rig *r, const char *key, const struct stamp *version,
    size_t size, unsigned seed);

/* An object of ${size} bytes in shard files, however small: the stamp and the
 * name of its data. */
void rig_plant(struct rig *r, const char *key, size_t size, unsigned seed,
    struct stamp *version, struct uuid *data);

/* A sum over all records of versions (less where they lie) and all shard files
 * of a disk. */
uint64_t rig_sum(struct rig *r, unsigned i);
void rig_sums(struct rig *r, uint64_t sum[SET_DRIVES_MAX]);
/* How many disks have other sums. */
unsigned rig_differ(struct rig *r, const uint64_t sum[SET_DRIVES_MAX]);

#endif
