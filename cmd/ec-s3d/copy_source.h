/* copy_source: the object that x-amz-copy-source names. */
#ifndef COPY_SOURCE_H
#define COPY_SOURCE_H

#include "call.h"

struct copy_source {
	char *text;			/* holds the names */
	const char *bucket, *key;
	struct stamp stamp;
	const struct stamp *version;	/* NULL: the newest */
	struct get *get;
	struct object object;
};
#define COPY_SOURCE_INIT { .object = OBJECT_INIT }

/* Open it and check x-amz-copy-source-if-*; release in every case.  Errors:
 * S3_INVALID_ARGUMENT, S3_PRECONDITION_FAILED, those of the store. */
enum s3_error copy_source_open(struct call *c, struct copy_source *s);
/* x-amz-copy-source-version-id, if it has one. */
void copy_source_headers(struct call *c, const struct copy_source *s);
void copy_source_release(struct copy_source *s);

#endif
