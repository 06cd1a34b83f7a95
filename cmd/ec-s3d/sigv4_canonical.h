/* sigv4_canonical: the canonical request of Signature Version 4.  Pure. */
#ifndef SIGV4_CANONICAL_H
#define SIGV4_CANONICAL_H

#include "sigv4.h"

enum { SIGV4_CANONICAL_MAX = 256 * 1024 };

/* Which path and query were signed: as the rules have it (encoded anew, the
 * query sorted and without X-Amz-Signature), or as they were sent. */
enum sigv4_form {
	SIGV4_BY_RULE, SIGV4_RAW_PATH, SIGV4_RAW_PATH_QUERY, SIGV4_FORMS
};

/* Append it for the headers of the list "a;b;c" and the payload's text.  A
 * header listed but not sent is an empty one.  Errors: EC_ELIMIT, EC_ENOMEM. */
enum err sigv4_canonical(struct buf *out, const struct sigv4_request *in,
    const char *signed_headers, const char *payload,
    enum sigv4_form form);

#endif
