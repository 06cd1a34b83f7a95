/* sigv2: AWS Signature Version 2, in the header or the query, for tools that
 * know no other.  Off unless asked for.  Pure. */
#ifndef SIGV2_H
#define SIGV2_H

#include "sigv4.h"

/* "Authorization: AWS ..." or AWSAccessKeyId in the query. */
bool sigv2_present(const struct sigv4_request *in);

/* As sigv4_verify.  The body is not part of what is signed, but by its
 * Content-MD5. */
enum s3_error sigv2_verify(struct sigv4 *out, const struct sigv4_request *in,
    const struct sigv4_keys *keys);

#endif
