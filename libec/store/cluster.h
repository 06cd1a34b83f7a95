/* cluster: the nodes whose drives make a store: which one this process is, the
 * way to the others, and what it does for them.
 *
 * Also of a store whose drives all are directories of this machine: then there
 * are no nodes, and all is local. */
#ifndef CLUSTER_H
#define CLUSTER_H

#include <stdbool.h>

#include "base/err.h"
#include "net/drive_service.h"
#include "net/http_server.h"
#include "net/lock_service.h"
#include "net/peer.h"
#include "store/endpoints.h"
#include "store/node_json.h"

struct cluster;		/* all threads */

#define CLUSTER_PATH "/.ec/"	/* what nodes ask begins so */
#define CLUSTER_ALIVE CLUSTER_PATH "node/alive"	/* answered at once */

struct cluster_params {
	const char *const *volumes;	/* patterns; NULL: EC_VOLUMES, then the
					 * configuration file */
	unsigned volume_count;
	/* A node's process, which alone opens that node's drives.  A tool
	 * instead takes what is on this machine for local. */
	bool server;
	const char *node;	/* which node this is; NULL: the one at
				 * ${address} */
	const char *address;	/* where the server listens; NULL: at its
				 * node's address */
	/* PEM file of authorities, for nodes named with "https:"; NULL:
	 * EC_TLS_CA, then the system's. */
	const char *tls_ca;
};

/* Errors, logged: EC_EINVAL (patterns; no node, or two, can be this one; no
 * secret), EC_ENOMEM. */
enum err cluster_new(struct cluster **out, const struct cluster_params *p);
void cluster_free(struct cluster *c);	/* NULL is fine */

/* The drives' names alone, as cluster_new takes them; to be released. */
enum err cluster_volumes(struct endpoints *out, const struct cluster_params *p);

const struct endpoints *cluster_endpoints(const struct cluster *c);
/* This node's "host:port"; NULL for a tool and when there are no nodes. */
const char *cluster_self(const struct cluster *c);
bool cluster_local(const struct cluster *c, unsigned endpoint);
/* The node of an endpoint that is not local. */
struct peer *cluster_peer(struct cluster *c, unsigned endpoint);

/* What nodes sign with; NULL without nodes. */
struct peer_auth *cluster_auth(struct cluster *c);

/* Serve this node's votes for locks.  Errors: as lock_service_new. */
enum err cluster_locks_start(struct cluster *c,
    const struct lock_service_params *p);
struct lock_service *cluster_locks(struct cluster *c);	/* NULL: none */

/* The drives that are served to other processes. */
struct drive_service *cluster_service(struct cluster *c);

/* Answer a request of another node.  false: its target does not begin with
 * CLUSTER_PATH, or is not known here; then nothing was answered. */
bool cluster_serve(struct cluster *c, struct http_exchange *x);

/* Look what stands at each endpoint, at other nodes through them, all at once:
 * ${out} takes as many as there are endpoints.  Of nodes that cannot be asked
 * all are EC_EOFFLINE; *${differ} (or NULL) is the first node that was started
 * with other drives, else -1. */
void cluster_look(struct cluster *c, struct node_drive *out, int *differ);

/* A local directory is on the root file system, and other local drives are not:
 * the mount point of a disk that is not there.  It is EC_EOFFLINE in a look. */
bool cluster_unmounted(const struct cluster *c, const char *path);

/* The same, of other nodes saying EC_EOFFLINE without asking. */
void cluster_look_here(struct cluster *c, struct node_drive *out);

/* Write a format record: make an empty directory a drive, or replace the record
 * of the same drive or of one whose format was only begun.
 * Errors: EC_EEXIST (another drive stands there), as local_format. */
enum err cluster_format(struct cluster *c, unsigned endpoint,
    const struct format *f);

/* The end: what is asked of other nodes, now and later, fails in 0.1 s. */
void cluster_retire(struct cluster *c);

#endif
