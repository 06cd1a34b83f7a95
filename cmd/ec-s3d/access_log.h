/* access_log: one line on standard error for each request. */
#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

#include "call.h"

/* time, peer, method, target, status, body bytes sent, milliseconds, request
 * id, key id, operation; "cut" behind a status whose answer did not go out
 * whole.  A signature in the query is left out.  At level info (EC_LOG). */
void access_log(const struct call *c, enum s3_error e, uint64_t took_us);

#endif
