/* direct: writes past the page cache, where that pays and can be done: large
 * ones at whole pages of file and memory.  The rest goes through the cache, and
 * so does all on a file system that knows no other way.
 *
 * A shard file is read back by others, much later or never: copying it into the
 * cache costs more than all that is computed of it. */
#ifndef DIRECT_H
#define DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct direct {
	int fd;			/* the caller's, for nothing but writing */
	bool on;		/* O_DIRECT is set */
	bool refused;		/* and never will be */
};

/* Write ${len} bytes at ${off}.  Durable after an fdatasync, not before.
 * Threads: one at a time.  Errors: by errno, silently. */
enum err direct_pwrite(struct direct *d, const void *buf, size_t len,
    uint64_t off);

#endif
