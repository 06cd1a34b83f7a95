/* cluster_impl: what the files cluster*.c share; nobody else includes it. */
#ifndef CLUSTER_IMPL_H
#define CLUSTER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/cluster.h"

enum { ENDPOINTS_HOST_MAX = 262 };

struct cluster {
	struct endpoints endpoints;
	bool server;
	int self;			/* node; -1: none */
	bool here[ENDPOINTS_NODES_MAX];	/* of this machine */
	struct peer *peer[ENDPOINTS_NODES_MAX];	/* NULL: local */
	struct peer_auth *auth;		/* NULL without nodes */
	struct drive_service *service;
	_Atomic(struct lock_service *) locks;	/* NULL: not started */
	pthread_mutex_t format_lock;	/* one looks and writes at a time */
	bool warned;			/* format_lock */
};

/* Find ${self} and ${here}.  Errors, logged in one line: EC_EINVAL. */
enum err cluster_find_self(struct cluster *c, const struct cluster_params *p);
/* No two local drives are one directory.  Errors: EC_EINVAL, logged. */
enum err cluster_check_distinct(const struct cluster *c);

bool cluster_node_local(const struct cluster *c, int node);

/* What stands at a path of this machine. */
void cluster_peek(const struct cluster *c, const char *path,
    struct node_drive *out);
/* cluster_format there. */
enum err cluster_write_format(struct cluster *c, const char *path,
    const struct format *f);

#endif
