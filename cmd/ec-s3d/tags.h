/* tags: the tags of an object or a bucket: from XML, from a query string as
 * x-amz-tagging has it, which is also how they are stored, and back. */
#ifndef TAGS_H
#define TAGS_H

#include "call.h"

enum {
	TAGS_OBJECT_MAX = 10,
	TAGS_BUCKET_MAX = 50,
	TAGS_KEY_MAX = 128,	/* characters */
	TAGS_VALUE_MAX = 256,
	TAGS_TEXT_MAX = 64 * 1024,	/* bytes as a query string */
};

struct tags {
	struct tag {
		char *key, *value;
	} v[TAGS_BUCKET_MAX];
	unsigned n, max;	/* max: TAGS_OBJECT_MAX or TAGS_BUCKET_MAX */
};

void tags_release(struct tags *t);

/* Read ${t}, empty but for max, from a query string.  Errors:
 * S3_INVALID_ARGUMENT (escapes, a key twice), S3_INVALID_TAG (too many, too
 * long, no key). */
enum s3_error tags_from_query(struct tags *t, const char *text);

/* From the body of a request: <Tagging>.  Errors: S3_MALFORMED_XML,
 * S3_INVALID_TAG. */
enum s3_error tags_from_body(struct call *c, struct tags *t);

/* x-amz-tagging, if it is there, into an object's metadata (META_TAGGING). */
enum s3_error tags_from_header(struct call *c, struct buf *meta);

/* <Tagging> as text, into an object's metadata likewise; ${t} is empty. */
enum s3_error tags_from_text(struct tags *t, const char *xml,
    struct buf *meta);

/* As a query string behind what ${out} holds. */
enum s3_error tags_to_query(const struct tags *t, struct buf *out);

/* Answer <Tagging>. */
enum s3_error tags_answer(struct call *c, const struct tags *t);

#endif
