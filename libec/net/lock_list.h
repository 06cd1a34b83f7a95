/* lock_list: who holds and who waits for what, as all lock daemons say. */
#ifndef LOCK_LIST_H
#define LOCK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"
#include "net/lock_client.h"
#include "net/peer_auth.h"

struct lock_entry {
	char *name, *owner;
	struct uuid id;
	bool write;
	unsigned votes;			/* granted to it */
	bool held;			/* by a quorum of votes */
	uint64_t token;			/* if held */
	uint64_t since_us;		/* held, or waiting, for so long */
	uint64_t left_us;		/* until it runs out unless renewed */
	uint64_t ticket;
};

struct lock_list {
	struct lock_entry *v;		/* by name; holders first, then in the
					 * order in which they wait */
	size_t n, cap;
	bool cut;			/* a daemon had more */
	size_t asked, answered;
	enum err errs[LOCK_PEERS_MAX];	/* of each daemon */
};

#define LOCK_LIST_INIT { .v = NULL }

/* Ask ${n} (up to LOCK_PEERS_MAX) daemons, one after the other.
 * Errors: EC_EQUORUM (fewer than n / 2 + 1 have answered; what they said is
 * there), EC_EDEGRADED (not all have), EC_EINVAL, EC_ENOMEM. */
enum err lock_list_get(struct lock_list *l, const char *const peers[],
    size_t n, struct peer_auth *auth);

/* Append it as text for people, a line each; or, with the ${e} that
 * lock_list_get gave, as JSON lines with a summary.  ${real_us} is now. */
void lock_list_text(const struct lock_list *l, uint64_t real_us,
    const enum err *e, struct buf *b);
void lock_list_release(struct lock_list *l);

#endif
