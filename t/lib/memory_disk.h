/* memory_disk: what a disk in memory is made of.
 *
 * Only for the files that are memory_drive.h: tests look at a disk through
 * that.  Unless said otherwise the caller has the disk locked. */
#ifndef MEMORY_DISK_H
#define MEMORY_DISK_H

#include <pthread.h>

#include "memory_drive.h"

struct memory_row {
	enum drive_table table;
	struct record rec;
	struct record_part *parts;
	uint8_t *bytes;			/* rec leads into it */
	size_t len;
};

struct memory_shard {
	struct uuid data;
	unsigned index;
	unsigned readers;		/* that have it open */
	bool gone;			/* unlinked, kept for its readers */
	uint8_t *bytes;
	size_t len, cap;
	uint64_t mtime_us;
};

struct memory_disk {
	char *name;
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t released;
	struct memory_row **rows;	/* by memory_row_find */
	size_t row_count, row_cap;
	struct memory_shard **shards;	/* by data, then index */
	size_t shard_count, shard_cap;
	unsigned fail_mask, hang_mask, delay_mask, delay_us, waiting;
	enum err fail_err;
	unsigned quarantined;
	struct format format;
	struct drive_stats stats;
	uint64_t counts[12];		/* by the operation's bit */
};

struct memory_drive {
	struct drive drive;
	struct memory_disk *disk;
};

static inline struct memory_disk *
memory_disk_of(struct drive *d)
{
	return ((struct memory_drive *)d)->disk;
}

/* The begin of every operation ${op}, with the faults that were set; ${late}
 * is what to fail with once it is done.  The disk is unlocked before, and
 * locked after if and only if EC_OK. */
enum err memory_begin(struct memory_disk *m, unsigned op, enum err *late);
/* Its end, which unlocks the disk: ${late}, or else ${e}. */
enum err memory_end(struct memory_disk *m, enum err e, enum err late);

/* Are they states of one thing, of which the greatest stamp stands? */
bool memory_row_same_thing(const struct record *a, const struct record *b);

/* Where in the rows ${rec} is, or would be: by table, in it by the order that
 * drive.h promises. */
size_t memory_row_find(struct memory_disk *m, enum drive_table table,
    const struct record *rec, bool *found);
/* In the place of its like, if there is one; ${row} is the disk's if and only
 * if EC_OK.  Errors: EC_ENOMEM. */
enum err memory_row_insert(struct memory_disk *m, struct memory_row *row);
/* Row ${at} goes, and with it the shards that none of its key names now. */
void memory_row_remove(struct memory_disk *m, size_t at);
void memory_row_free(struct memory_row *row);

/* Shard file ${at} goes, at once or with the last of its readers. */
void memory_shard_drop(struct memory_disk *m, size_t at);

/* Operations of drive.h; the disk is unlocked. */
enum err memory_append(struct drive *d, struct drive_append *a, unsigned n);
enum err memory_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out);
enum err memory_shard_create(struct drive *d, const struct uuid *data,
    unsigned index, uint64_t bytes_hint, struct drive_writer **out);
enum err memory_shard_write(struct drive_writer *w, const void *buf,
    size_t len);
enum err memory_shard_commit(struct drive_writer *w);
void memory_shard_abort(struct drive_writer *w);
enum err memory_shard_open(struct drive *d, const struct uuid *data,
    unsigned index, struct drive_reader **out, uint64_t *bytes);
enum err memory_shard_pread(struct drive_reader *r, void *buf, size_t len,
    uint64_t off);
void memory_shard_close(struct drive_reader *r);
enum err memory_shard_remove(struct drive *d, const struct uuid *data,
    unsigned index);
enum err memory_shard_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n);

#endif
