/* meta: an object's headers as they are stored with it (record.h's metadata):
 * content headers, x-amz-meta-*, storage class, checksum.  No request can set
 * a name that begins with a dot: those are the server's own, and stay
 * inside. */
#ifndef META_H
#define META_H

#include "call.h"

/* The parts' checksums, one behind the other, when there is room. */
#define META_PART_SUMS ".part-sums"
#define META_TAGGING ".tagging"		/* tags_to_query; not in answers */

enum { META_USER_MAX = 2048 };	/* bytes of x-amz-meta-* names and values */

/* Append what the request gives, with owner and access control list.  Errors:
 * S3_METADATA_TOO_LARGE, S3_INVALID_STORAGE_CLASS, S3_SLOW_DOWN, those of
 * acl_request_object. */
enum s3_error meta_from_request(struct call *c, struct buf *meta);
enum s3_error meta_from_headers(const struct http_header *h, unsigned n,
    struct buf *meta);

/* Append a storage class.  Errors: S3_INVALID_STORAGE_CLASS. */
enum s3_error meta_add_class(struct buf *meta, const char *class);

/* Append a checksum and how it was made: "FULL_OBJECT" or "COMPOSITE"; for
 * lists in RECORD_META_SUM, too: the kind's number, and 'F' or 'C'. */
enum s3_error meta_add_checksum(struct buf *meta, enum s3_checksum_kind kind,
    const char *value, const char *type);

/* The checksum among the metadata, or S3_CHECKSUM_NONE; ${value} takes it. */
enum s3_checksum_kind meta_checksum(const struct buf *meta, char *value,
    size_t size);

/* What RECORD_META_SUM says, in words; false when there is none. */
bool meta_listed_sum(const uint8_t *meta, size_t len, const char **algorithm,
    const char **type);

/* A value as text, cut at ${size} - 1; false if there is none. */
bool meta_text(const struct buf *meta, const char *name, char *out,
    size_t size);

/* Parity for a storage class in the metadata: -1 for the set's default. */
int meta_parity(const struct buf *meta);

/* Add the stored headers to the answer; the checksum with ${checksum}.
 * Errors: S3_INVALID_ARGUMENT (a response-* parameter), S3_INVALID_REQUEST (one
 * of an anonymous request), S3_SLOW_DOWN. */
enum s3_error meta_answer(struct call *c, const struct buf *meta,
    bool checksum);

/* Copy what describes the data of ${from}, not how and how long it is kept:
 * neither checksums nor storage class, tags, locks. */
enum s3_error meta_copy(struct buf *to, const struct buf *from);

#endif
