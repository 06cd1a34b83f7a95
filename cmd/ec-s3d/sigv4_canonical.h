/* sigv4_canonical: the canonical request of Signature Version 4.  Pure. */
#ifndef SIGV4_CANONICAL_H
#define SIGV4_CANONICAL_H

#include "sigv4.h"

enum { SIGV4_CANONICAL_MAX = 256 * 1024 };

/* Append it for the headers of the list "a;b;c" and the payload's text; path
 * and query as sent with ${raw}, else decoded and encoded anew, the query
 * sorted and without X-Amz-Signature.  A header listed but not sent is an
 * empty one.  Errors: EC_ELIMIT, EC_ENOMEM. */
enum err sigv4_canonical(struct buf *out, const struct sigv4_request *in,
    const char *signed_headers, const char *payload, bool raw);

#endif
