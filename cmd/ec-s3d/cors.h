/* cors: which pages of other origins browsers may let at a bucket (the CORS
 * protocol of the Fetch standard), by the bucket's rules. */
#ifndef CORS_H
#define CORS_H

#include "call.h"

/* When the request has an Origin and a rule of its bucket allows it, say so in
 * the answer, whatever that will be. */
void cors_headers(struct call *c);

/* Answer OPTIONS, which needs no credentials. */
enum s3_error cors_preflight(struct call *c);

#endif
