/* bundle_reader: the files of an archive that comes as a stream, each with the
 * key that it gets.
 *
 * What comes is from outside.  It is unpacked once (an archive in an archive is
 * a file like others), by this process alone, in memory that does not depend on
 * its size, and no further than the limits.  Names are refused when they are
 * absolute, have "..", or make no valid key; links and devices left out. */
#ifndef BUNDLE_READER_H
#define BUNDLE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bundle_source {
	void *ctx;
	/* Up to ${max} bytes; *${got} 0 at the end only. */
	enum err (*read)(void *ctx, void *buf, size_t max, size_t *got);
};

struct bundle_reader_params {
	struct bundle_source from;
	const char *prefix;	/* stands before all names */
	bool tar_only;		/* else zip and cpio too; each plain or in gzip,
				 * bzip2, xz, zstd, lz4 */
	bool dirs;		/* directories too, as empty files "name/" */
	uint64_t members_max;	/* files and all else */
	uint64_t file_bytes_max;	/* of one, unpacked */
	uint64_t bytes_max;		/* of all together */
};

struct bundle_file {
	const char *key;	/* until the next; NULL: there are no more */
	uint64_t size;		/* UINT64_MAX when not known; 0: there is
				 * nothing to read */
};

struct bundle_reader;

/* ${p} is copied, what it points to must live as long.  To be freed in every
 * case.  Errors: EC_ENOMEM, EC_EFORMAT, those of the source. */
enum err bundle_reader_new(struct bundle_reader **out,
    const struct bundle_reader_params *p);
void bundle_reader_free(struct bundle_reader *r);

/* The next file.  Errors: EC_EINVAL (its name is refused; the next may be
 * good), EC_EFORMAT, EC_ELIMIT, EC_ENOMEM, those of the source. */
enum err bundle_reader_next(struct bundle_reader *r, struct bundle_file *out);
/* Up to ${max} bytes of it, *${got} 0 at its end.  Errors: the same, but for
 * EC_EINVAL. */
enum err bundle_reader_data(struct bundle_reader *r, void *buf, size_t max,
    size_t *got);

/* What was wrong, for people; "" when nothing was.  NULL is fine. */
const char *bundle_reader_why(const struct bundle_reader *r);
/* How many members were no files. */
uint64_t bundle_reader_skipped(const struct bundle_reader *r);

#endif
