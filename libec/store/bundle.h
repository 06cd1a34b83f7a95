/* bundle: archives in and out of a bucket.  The only user of libarchive. */
#ifndef BUNDLE_H
#define BUNDLE_H

#include "store/store.h"

struct bundle_result {
	uint64_t members, bytes, skipped;	/* skipped: not files */
	uint64_t degraded;	/* stored, but drives missed them */
};

/* Each regular file of the archive read from ${fd} (tar in any form, zip,
 * cpio; any compression libarchive knows) becomes the object prefix + name.
 * Absolute names, "..", and names that are not valid keys are refused
 * (logged, EC_EINVAL at the end, others are stored). */
enum err bundle_extract(struct store *st, const char *bucket,
    const char *prefix, int fd, struct bundle_result *out);

/* Every object below ${prefix} as one archive written to ${fd}; ${format}:
 * "tar", "tar.gz", "tar.zst", "tar.xz", "zip", "cpio". */
enum err bundle_create(struct store *st, const char *bucket,
    const char *prefix, const char *format, int fd,
    struct bundle_result *out);

#endif
