/* bundle: archives in and out of a bucket (libarchive, as bundle_reader). */
#ifndef BUNDLE_H
#define BUNDLE_H

#include "store/bundle_reader.h"
#include "store/store.h"

struct bundle_result {
	uint64_t members, bytes, skipped;	/* skipped: not files */
	uint64_t degraded;	/* stored, but drives missed them */
};

struct bundle_extract {
	struct store *store;	/* NULL: only look */
	struct bundle_reader *from;
	const char *bucket;
	void *ctx;	/* of both */
	/* May this be written, and how: it has key and size, and the default
	 * parity.  NULL: all may be. */
	enum err (*may)(void *ctx, struct put_params *p);
	/* A file was not stored; ${key} NULL: bundle_reader_why.  EC_OK goes
	 * on, which it may only do after EC_EINVAL and what may() said. */
	enum err (*failed)(void *ctx, const char *key, enum err e);
};

/* Store each file of the archive.  Errors: of failed(). */
enum err bundle_extract(const struct bundle_extract *x,
    struct bundle_result *out);

struct bundle_create {
	struct store *store;
	const char *bucket, *prefix;
	const char *format;	/* "tar", "tar.gz", "tar.xz", "tar.zst", "zip",
				 * "cpio" */
	void *ctx;	/* of both */
	enum err (*write)(void *ctx, const void *buf, size_t len);
	/* May this be read?  NULL: all may be. */
	enum err (*may)(void *ctx, const char *key, const struct object *o);
};

/* Every object below the prefix as one archive.  The name of a member is its
 * key, but that "%" stands for what would lead out of the folder that it is
 * unpacked in: "%2F" for a slash at its beginning, "%2E%2E" for "..".  An empty
 * object with a slash at the end is a folder.  After an error what was written
 * has no end of an archive.  Errors: EC_EINVAL (format), of write() and may(),
 * of reading. */
enum err bundle_create(const struct bundle_create *c,
    struct bundle_result *out);

/* Is it one of the formats? */
bool bundle_format_known(const char *format);

#endif
