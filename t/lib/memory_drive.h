/* memory_drive: drives in memory, for tests of what lies above them.
 *
 * A disk is the medium: it keeps records and shards for as long as the test
 * lives.  A drive opened on it implements drive_ops by the rules of
 * drive/record.h; closing it loses nothing, so that a test can take a drive out
 * and put it back.  Faults are set on the disk, and count over all of its
 * drives.  Threads: all. */
#ifndef MEMORY_DRIVE_H
#define MEMORY_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drive/drive.h"

enum memory_op {
	MEMORY_APPEND = 1, MEMORY_QUERY = 2, MEMORY_CREATE = 4,
	MEMORY_WRITE = 8, MEMORY_COMMIT = 16, MEMORY_OPEN = 32,
	MEMORY_READ = 64, MEMORY_REMOVE = 128, MEMORY_LIST = 512,
	MEMORY_PROBE = 1024, MEMORY_OTHER = 2048,
	MEMORY_WRITES = MEMORY_APPEND | MEMORY_CREATE | MEMORY_WRITE |
	    MEMORY_COMMIT | MEMORY_REMOVE,
	MEMORY_ALL = 4095,
};

struct memory_disk;

/* NULL when there is no memory.  ${name} is copied; it is the drives' name. */
struct memory_disk *memory_disk_new(const char *name);
void memory_disk_free(struct memory_disk *m);	/* after its drives' close */

/* A drive on it, to drive_close; NULL when there is no memory. */
struct drive *memory_disk_drive(struct memory_disk *m);

/* From now on operations in ${mask} fail with ${err} without any effect;
 * EC_OK: no more.  The two common ones by name. */
void memory_disk_fail(struct memory_disk *m, unsigned mask, enum err err);
void memory_disk_offline(struct memory_disk *m, bool offline);

/* Operations in ${mask} wait until memory_disk_release; then they are done as
 * if nothing had been.  memory_disk_waiting: how many wait now. */
void memory_disk_hang(struct memory_disk *m, unsigned mask);
void memory_disk_release(struct memory_disk *m);
unsigned memory_disk_waiting(struct memory_disk *m);

/* Each operation in ${mask} first takes ${us}; 0: none. */
void memory_disk_delay(struct memory_disk *m, unsigned mask, unsigned us);

/* The fault loop: of all operations in ${mask} on all disks, counted from this
 * call, the ${nth} (from 1) fails with ${err}; with ${done} only after it took
 * effect, as when an answer is lost.  0: none any more.
 * memory_fault_met: whether it came to that. */
void memory_fault_arm(unsigned nth, unsigned mask, enum err err, bool done);
bool memory_fault_met(void);

/* Forget everything, as a new drive in the slot. */
void memory_disk_wipe(struct memory_disk *m);

/* Say of itself that it is not filled yet, or that it is (format.h). */
void memory_disk_filling(struct memory_disk *m, bool filling);

/* For looking: rows of a table, shard files, how often an operation was begun,
 * and a shard's bytes.  Pointers are valid until the next change. */
unsigned memory_disk_rows(struct memory_disk *m, enum drive_table table);
unsigned memory_disk_shards(struct memory_disk *m);
uint64_t memory_disk_count(struct memory_disk *m, enum memory_op op);
uint8_t *memory_disk_shard(struct memory_disk *m, const struct uuid *data,
    unsigned index, size_t *len);
/* Shard file ${i} (< memory_disk_shards), in order of id. */
uint8_t *memory_disk_shard_at(struct memory_disk *m, unsigned i,
    struct drive_shard_info *info);
unsigned memory_disk_quarantined(struct memory_disk *m);

/* Flip the bits of ${mask} in byte ${off} of the inline piece of the record of
 * this stamp; false when there is none. */
bool memory_disk_flip_inline(struct memory_disk *m, const char *bucket,
    const char *key, const struct stamp *stamp, size_t off, uint8_t mask);

#endif
