/* acl_request: access control lists as requests give them: x-amz-acl,
 * x-amz-grant-* or a body; and whose what a request makes is. */
#ifndef ACL_REQUEST_H
#define ACL_REQUEST_H

#include "call.h"

/* Append to ${meta} the owner and the list of the object or upload that the
 * request makes, as the bucket's ownership and public access block want it.
 * Errors: S3_ACL_UNSUPPORTED (lists are disabled), S3_ACCESS_DENIED (a public
 * one is blocked), S3_INVALID_ARGUMENT, S3_INVALID_REQUEST (canned and grants),
 * S3_UNRESOLVABLE_EMAIL, S3_METADATA_TOO_LARGE. */
enum s3_error acl_request_object(struct call *c, struct buf *meta);

/* The same with a canned list's name (NULL: none) instead of the headers. */
enum s3_error acl_request_object_canned(struct call *c, const char *canned,
    struct buf *meta);

/* Owner, list and ownership of the bucket that the request makes.  Errors: as
 * above, S3_ACL_OWNERSHIP (a list that ownership forbids). */
enum s3_error acl_request_bucket(struct call *c, struct buf *meta);

/* The list that takes the place of one whose owner is ${owner}: from headers
 * or the body, one of both.  ${bucket_owner}: as in acl_canned.  Errors: as
 * above, S3_MALFORMED_ACL, S3_MISSING_SECURITY_HEADER (none),
 * S3_UNEXPECTED_CONTENT (both). */
enum s3_error acl_request_set(struct call *c, const char *owner,
    const char *bucket_owner, struct acl *out);

#endif
