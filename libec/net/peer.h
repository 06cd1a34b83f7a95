/* peer: messages between processes of a cluster: a request and an answer, each
 * at most a few MiB, signed when there is a secret (net/peer_auth.h). */
#ifndef PEER_H
#define PEER_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http_server.h"
#include "net/peer_auth.h"

struct peer;	/* another process; all threads */

/* ${address}: "host:port" or "unix:/path".  ${auth} (NULL only with a Unix
 * socket, whose mode is the permission) is the caller's and lives longer.
 * Does not connect yet.  Errors: EC_EINVAL, EC_ENOMEM. */
enum err peer_new(struct peer **out, const char *address,
    struct peer_auth *auth, unsigned connect_ms);
void peer_free(struct peer *p);		/* NULL is fine */
const char *peer_address(const struct peer *p);

/* POST ${body} to ${path}; the answer replaces what is in ${answer}.  May be
 * done twice or be done although it failed.  ${cancel}, unless NULL, ends it
 * within 0.1 s.
 * Errors: EC_EOFFLINE, EC_ETIMEDOUT, EC_EIO, EC_ENOMEM, EC_ELIMIT;
 * EC_EDENIED (other secret, or its clock is far from ours), EC_EBUSY (503),
 * EC_ECANCELED, EC_EFORMAT (any other status). */
enum err peer_call(struct peer *p, const char *path, const struct buf *body,
    struct buf *answer, unsigned timeout_ms, const atomic_bool *cancel);

/* The other end: one request of ${auth} (may be NULL). */
struct peer_request {
	struct http_exchange *x;
	struct peer_auth *auth;
	struct peer_auth_mac mac;
	struct buf body;
};

/* Read and check the whole request.  Unless EC_OK it has been answered.
 * peer_request_release in any case. */
enum err peer_request_read(struct peer_request *r, struct http_exchange *x,
    struct peer_auth *auth, size_t body_max);
void peer_request_answer(struct peer_request *r, unsigned status,
    const void *body, size_t len);
void peer_request_release(struct peer_request *r);

#endif
