/* front: what comes in at the port: requests of other nodes, and those of S3
 * once the store is open. */
#ifndef FRONT_H
#define FRONT_H

#include <stdatomic.h>

#include "server.h"
#include "store/cluster.h"

struct front {
	struct cluster *cluster;
	_Atomic(struct server *) server;	/* NULL until there is one */
};

/* The handle of struct http_service with a front as ctx. */
void front_handle(void *ctx, struct http_exchange *x);

#endif
