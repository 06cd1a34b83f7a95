/* health: what probes and operators ask of the server. */
#ifndef HEALTH_H
#define HEALTH_H

#include "call.h"

/* Answer the health paths, which need no credentials: /ec/health/live, /ready,
 * /cluster, /cluster/read and the same under /minio/health/.  False: ${x} asks
 * for something else and is untouched. */
bool health_answer(struct server *s, struct http_exchange *x);

/* /ec/status: drives, sets and counters as JSON, for root. */
enum s3_error health_status(struct call *c);

/* Is this the target that asks only whether the process runs? */
bool health_is_live(const char *target);

#endif
