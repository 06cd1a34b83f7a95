/* object_write: what writing an object, a part and a copy share. */
#ifndef OBJECT_WRITE_H
#define OBJECT_WRITE_H

#include "call.h"

#define OBJECT_PUT_MAX (UINT64_C(5) << 30)	/* bytes of one PUT or part */

/* Stream the body of the request into ${p}, to its good end. */
enum s3_error object_receive(struct call *c, struct body *b,
    struct store_put *p);

/* The length of the body before it is read, when it is known then.  Errors:
 * S3_MISSING_LENGTH (nor is it chunked), S3_ENTITY_TOO_LARGE. */
enum s3_error object_length(struct call *c, const struct body *b);

/* x-amz-checksum-* of a whole object. */
void object_checksum_headers(struct call *c, enum s3_checksum_kind kind,
    const char *text);

/* The parity that the storage class in ${meta} asks for: put_params.parity.
 * Errors: S3_INVALID_STORAGE_CLASS (more than there are drives for). */
enum s3_error object_parity(struct call *c, const struct buf *meta, int *out);
/* The same into ${p}, and what kind of ETag. */
enum s3_error object_params(struct call *c, const struct buf *meta,
    struct put_params *p);

/* Stream ${len} bytes of an object from ${start} into ${p}; with ${sum} they
 * are checksummed. */
enum s3_error object_transfer(struct call *c, struct get *g, uint64_t start,
    uint64_t len, struct store_put *p, struct s3_checksum *sum);

#endif
