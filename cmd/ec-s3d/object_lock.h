/* object_lock: versions that may not be deleted before a date, or while a legal
 * hold is on, and what a bucket gives new ones by default. */
#ifndef OBJECT_LOCK_H
#define OBJECT_LOCK_H

#include "call.h"

/* The lock that the headers of a write ask for, or the bucket's default, into
 * the metadata.  Errors: S3_INVALID_ARGUMENT, S3_INVALID_REQUEST (the bucket
 * has no object lock). */
enum s3_error object_lock_from_request(struct call *c, struct buf *meta);

/* May version ${o} be deleted at ${now_s}?  ${bypass}: retention in governance
 * mode does not count.  Errors: EC_EDENIED. */
enum err object_lock_check(const struct object *o, bool bypass,
    int64_t now_s);

/* Does the request ask, by its header, to bypass governance? */
bool object_lock_bypass(struct call *c);

/* Has the request's bucket object lock? */
enum s3_error object_lock_bucket(struct call *c, bool *on);

#endif
