/* s3_time: the forms of time that S3 requests and answers use.  Pure. */
#ifndef S3_TIME_H
#define S3_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { S3_TIME_TEXT_BYTES = 32 };

/* "Fri, 24 May 2013 00:00:00 GMT" in ${buf}; returns it. */
const char *s3_time_http(char buf[S3_TIME_TEXT_BYTES], uint64_t real_us);

/* The three date forms of RFC 9110 section 5.6.7, in seconds since 1970.
 * Errors: EC_EINVAL. */
enum err s3_time_parse_http(int64_t *out, const char *text);

/* "20130524T000000Z".  Errors: EC_EINVAL. */
enum err s3_time_parse_amz(int64_t *out, const char *text);

/* "2030-01-31T00:00:00Z", with a fraction, "+01:00" or neither.  Errors:
 * EC_EINVAL. */
enum err s3_time_parse_iso(int64_t *out, const char *text);
/* "2030-01-31T00:00:00Z" in ${buf}; returns it. */
const char *s3_time_iso(char buf[S3_TIME_TEXT_BYTES], int64_t seconds);

#endif
