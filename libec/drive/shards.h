/* shards: the shard files of a local drive, DRIVE/shard/3f/3f9a...-1. */
#ifndef SHARDS_H
#define SHARDS_H

#include <pthread.h>
#include <stdatomic.h>

#include "drive/drive.h"
#include "drive/quarantine.h"

struct shards {
	int drive_fd;		/* the drive's directory; not owned */
	const char *name;	/* for messages */
	uint64_t reserve;	/* bytes of the file system to leave free */
	struct quarantine quarantine;
	atomic_ullong bytes_written, bytes_read, flushes;
	pthread_mutex_t lock;	/* guards writers */
	struct drive_writer *writers;	/* all that are open */
};

/* Make the folders shard, .ec/quarantine and .ec/staged, and empty the last.
 * Errors: by errno. */
enum err shards_init(struct shards *s, int drive_fd, const char *name,
    uint64_t reserve);

/* As in drive.h.  A file that is to replace another is written in .ec/staged.
 * create: EC_ENOSPC when the reserve would be touched. */
enum err shards_create(struct shards *s, const struct uuid *data,
    unsigned index, uint64_t bytes_hint, struct drive_writer **out);
enum err shards_write(struct drive_writer *w, const void *buf, size_t len);
enum err shards_commit(struct drive_writer *w);
void shards_abort(struct drive_writer *w);

enum err shards_open(struct shards *s, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes);
enum err shards_pread(struct drive_reader *r, void *buf, size_t len,
    uint64_t off);
void shards_close(struct drive_reader *r);

enum err shards_remove(struct shards *s, const struct uuid *data,
    unsigned index);
enum err shards_restore(struct shards *s,
    const struct drive_shard_info *which);
enum err shards_list(struct shards *s, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n);

/* Is there less than the reserve left, or would ${bytes} make it so? */
bool shards_full(struct shards *s, uint64_t bytes);

#endif
