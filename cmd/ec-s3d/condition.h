/* condition: the conditional headers and Range of RFC 9110, as S3 has them.
 * Pure. */
#ifndef CONDITION_H
#define CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "s3_error.h"

struct condition {		/* header values; NULL: not sent */
	const char *match, *none_match, *modified_since, *unmodified_since;
};

/* Does an object of this etag (no quotes) and time satisfy it?  Errors:
 * S3_PRECONDITION_FAILED, S3_NOT_MODIFIED.  Dates that are none are ignored. */
enum s3_error condition_check(const struct condition *c, const char *etag,
    uint64_t mtime_us);

/* Is ${etag} in the list "\"a\", W/\"b\"" or the list "*"? */
bool condition_etag_in(const char *list, const char *etag);

/* The one range of ${header} of an object of ${size} bytes: *${partial} with
 * *${start} and *${len}.  What is no byte range, or several, is ignored: all
 * of it.  Errors: S3_INVALID_RANGE. */
enum s3_error condition_range(const char *header, uint64_t size,
    bool *partial, uint64_t *start, uint64_t *len);

/* Is If-Range's etag or date that of the object?  NULL: true. */
bool condition_if_range(const char *header, const char *etag,
    uint64_t mtime_us);

#endif
