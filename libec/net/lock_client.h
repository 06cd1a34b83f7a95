/* lock_client: locks by name, held by the votes of more than half of a list of
 * lock daemons.
 *
 * What is asked of a daemon while a request to it is under way goes out
 * together in the next.  Votes are leases, renewed in the background; when so
 * few are renewed that the lock may get lost, its holder is told while it still
 * has a third of a lease.  Requests are served in the order of their tickets,
 * over all daemons; who holds votes without a quorum gives them up to those who
 * were first.  ec-lock(7) explains why that excludes and why nobody starves. */
#ifndef LOCK_CLIENT_H
#define LOCK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/lock_service.h"
#include "net/lock_state.h"
#include "net/peer_auth.h"

enum {
	LOCK_PEERS_MAX = 15,
	LOCK_WANTS_MAX = 64,
	LOCK_CALL_MS = 1000,	/* a daemon silent for so long gives no vote */
};

struct lock_client;	/* all threads */

struct lock_client_params {
	const char *const *peers;	/* "host:port" or "unix:/path" */
	size_t n;			/* 1 .. LOCK_PEERS_MAX */
	struct peer_auth *auth;		/* the caller's; lives longer */
	struct lock_service *local;	/* this process's own, or NULL: */
	size_t local_index;		/* which of the peers it is */
	const char *owner;		/* who asks, for people; cut at
					 * LOCK_OWNER_MAX */
};

/* Does not connect yet.
 * Errors: EC_EINVAL (a peer, twice the same), EC_ENOMEM. */
enum err lock_client_new(struct lock_client **out,
    const struct lock_client_params *p);

/* No lock is held or being taken.  Waits half a second at most for what was
 * given back to be told.  NULL is fine. */
void lock_client_free(struct lock_client *c);

struct lock_want {
	const char *name;
	bool write;
};

struct lock_hold;	/* locks held; one thread at a time */

/* Take all of ${wants} (1 .. LOCK_WANTS_MAX), in the order of their names,
 * whatever order they are in: so those who take several never wait in a circle.
 * Waits ${timeout_ms} at most; 0: only as long as it takes to ask.
 * ${lost}, unless NULL, is called once, on another thread and never from within
 * a call here, when votes are not renewed any more: stop what needs the lock,
 * lock_hold_left_us says how much time there is.
 * Errors: EC_ETIMEDOUT (others hold it), EC_EQUORUM (too few daemons answer,
 * now or for three seconds),
 * EC_EDENIED (they refuse our secret), EC_EINVAL (a name, twice the same),
 * EC_ENOMEM. */
enum err lock_client_take(struct lock_client *c, const struct lock_want *wants,
    size_t n, unsigned timeout_ms, void (*lost)(void *ctx), void *ctx,
    struct lock_hold **out);

/* The fencing token of want ${i}: larger than that of every earlier holder of
 * this name. */
uint64_t lock_hold_token(const struct lock_hold *h, size_t i);

/* Nobody else holds any of the locks for so long yet, whatever happens; 0: it
 * may be lost.  The time in which the host sleeps counts. */
uint64_t lock_hold_left_us(struct lock_hold *h);

/* NULL is fine.  The daemons are told in the background.  ${lost} is not
 * called any more when this returns. */
void lock_hold_release(struct lock_hold *h);

/* Append a line for each daemon that last failed: "a:9101: reason\n".  Errors:
 * as buf_add. */
enum err lock_client_explain(struct lock_client *c, struct buf *out);

#endif
