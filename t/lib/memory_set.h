/* memory_set: a set over drives in memory, and whole objects in one call. */
#ifndef MEMORY_SET_H
#define MEMORY_SET_H

#include "memory_drive.h"
#include "set/get.h"
#include "set/put.h"
#include "set/set.h"

struct memory_set {
	unsigned n;
	int parity;
	struct memory_disk *disk[SET_DRIVES_MAX];
	struct mem_pool *pool;
	struct set *set;
};

/* ${n} empty disks and a set over them.  Aborts when there is no memory. */
void memory_set_init(struct memory_set *ms, unsigned n, int parity);
void memory_set_release(struct memory_set *ms);

/* Make of the bits of ${mask} the drives that are out, for the next; how many
 * of the ${n} they are. */
unsigned memory_set_out(const struct memory_set *ms, unsigned mask, bool out[]);

/* End the set and begin a new one on the same disks, as a new process would;
 * those with out[i] (NULL: none) have no drive. */
void memory_set_restart(struct memory_set *ms, const bool out[]);

/* Wait until all lanes with a healthy disk are online and calls left behind are
 * done: up to a few seconds. */
void memory_set_settle(struct memory_set *ms);

/* ${len} bytes that only depend on ${seed}. */
void memory_set_fill(uint8_t *buf, size_t len, uint64_t seed);

/* Write and commit; ${chunk} bytes at a time (0: at once), the size announced
 * if ${announce}. */
enum err memory_set_put(struct memory_set *ms, const char *key,
    const uint8_t *buf, size_t len, size_t chunk, bool announce);

/* Read all of the newest version into fresh memory. */
enum err memory_set_get(struct memory_set *ms, const char *key, uint8_t **out,
    size_t *len);

#define MEMORY_SET_BUCKET "bucket"

#endif
