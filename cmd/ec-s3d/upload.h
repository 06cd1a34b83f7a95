/* upload: what the multipart operations share. */
#ifndef UPLOAD_H
#define UPLOAD_H

#include "call.h"

enum { UPLOAD_PART_MIN = 5 * 1024 * 1024 };	/* bytes of all but the last */
#define UPLOAD_OBJECT_MAX (UINT64_C(5) << 40)

struct upload_call {	/* the upload that a request names */
	struct stamp id;
	struct upload upload;
	enum s3_checksum_kind kind;	/* asked for when it was created */
	bool composite;			/* of the parts' checksums */
	bool implied;			/* none was asked for: the default, as
					 * far as the parts have it */
};
#define UPLOAD_CALL_INIT { .upload = UPLOAD_INIT }

/* Find it by uploadId; release in every case.  Errors: S3_NO_SUCH_UPLOAD. */
enum s3_error upload_call_open(struct call *c, struct upload_call *u);
void upload_call_release(struct upload_call *u);

/* The id that uploadId or another parameter gives. */
enum s3_error upload_id_parse(const char *text, struct stamp *out);

/* The checksum stored with a part; S3_CHECKSUM_NONE if none. */
enum s3_checksum_kind upload_part_checksum(const struct upload_part *p,
    char *value, size_t size);

/* Release and free an array of parts. */
void upload_parts_free(struct upload_part *parts, unsigned n);

#endif
