/* quarantine: DRIVE/.ec/quarantine, damaged shard files that were replaced.
 *
 * Nothing removes them but a person.  So that they fill no drive, no more than
 * a twentieth of its file system is kept, and none while it is full: what is
 * replaced then goes. */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include <stdatomic.h>

#include "drive/drive.h"

enum { QUARANTINE_PART = 20 };	/* of the file system, at most */

struct quarantine {
	int drive_fd;		/* the drive's directory; not owned */
	const char *name;	/* for messages */
	uint64_t reserve;	/* bytes of the file system to leave free */
	atomic_ullong files, bytes;
};

/* Make the folder, and count what is in it.  Errors: by errno. */
enum err quarantine_init(struct quarantine *q, int drive_fd, const char *name,
    uint64_t reserve);

/* Keep the file ${name} of the folder ${from_fd}, too, durably; that of that
 * folder stays.  If it is not there, nothing is done.
 * Errors: EC_ENOSPC (there is no room for it), by errno. */
enum err quarantine_keep(struct quarantine *q, int from_fd, const char *name);

/* As in drive.h; ${to_fd}: the folder its file belongs to. */
enum err quarantine_list(struct quarantine *q, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n);
enum err quarantine_read(struct quarantine *q,
    const struct drive_shard_info *which, void *buf, size_t len,
    uint64_t off);
enum err quarantine_restore(struct quarantine *q,
    const struct drive_shard_info *which, int to_fd);
enum err quarantine_purge(struct quarantine *q,
    const struct drive_shard_info *which);

#endif
