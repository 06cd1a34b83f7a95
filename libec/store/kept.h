/* kept: the damaged shard files in the quarantines of a store's drives, for
 * ec-heal quarantine.  Nothing else takes them out. */
#ifndef KEPT_H
#define KEPT_H

#include "codec/shard.h"
#include "drive/shard_name.h"
#include "store/store.h"

struct kept_file {
	char name[SHARD_KEPT_NAME_BYTES];
	struct lane *lane;	/* its drive */
	struct drive_shard_info info;	/* mtime_us: when it came there */
};

/* What its bytes say. */
struct kept_look {
	bool header, tail;	/* it holds; then what follows is set */
	struct shard_header head;
	char bucket[RECORD_BUCKET_MAX + 1], key[RECORD_KEY_MAX + 1];
	uint64_t leaves, bad;	/* 64 KiB of its data each; bad: do not hold */
	uint64_t bad_off;	/* where in the file the first damage is */
};

/* ${each} gets all files of all drives that are there; it may end the walk by
 * a result that is not EC_OK.  Errors: of ${each}, EC_EOFFLINE (of some drive
 * it is not known; of all others it is told), EC_ENOMEM. */
enum err kept_walk(struct store *st,
    enum err (*each)(void *ctx, const struct kept_file *f), void *ctx);

/* Read and verify all of it.  Errors: of the drive, EC_ENOMEM. */
enum err kept_look(struct kept_look *out, const struct kept_file *f);

/* As in drive.h. */
enum err kept_restore(const struct kept_file *f);
enum err kept_purge(const struct kept_file *f);

#endif
