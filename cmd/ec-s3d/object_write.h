/* object_write: what writing an object, a part and a copy share. */
#ifndef OBJECT_WRITE_H
#define OBJECT_WRITE_H

#include "call.h"

#define OBJECT_PUT_MAX (UINT64_C(5) << 30)	/* bytes of one PUT or part */

/* If-Match and If-None-Match of a write; ${etag} takes RECORD_ETAG_MAX + 1.
 * Errors: S3_NOT_IMPLEMENTED (If-None-Match other than *). */
enum s3_error object_condition(struct call *c, struct store_condition *out,
    char *etag);

/* Stream the body of the request into ${p}, to its good end. */
enum s3_error object_receive(struct call *c, struct body *b,
    struct store_put *p);

/* The length of the body before it is read.  Errors: S3_MISSING_LENGTH,
 * S3_ENTITY_TOO_LARGE. */
enum s3_error object_length(const struct body *b);

/* Stream ${len} bytes of an object from ${start} into ${p}; with ${sum} they
 * are checksummed. */
enum s3_error object_transfer(struct call *c, struct get *g, uint64_t start,
    uint64_t len, struct store_put *p, struct s3_checksum *sum);

#endif
