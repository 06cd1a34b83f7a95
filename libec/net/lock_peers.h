/* lock_peers: the lock daemons of a list, as EC_LOCKD has them. */
#ifndef LOCK_PEERS_H
#define LOCK_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/lock_client.h"

struct lock_peers {
	char *text;			/* what they lead into */
	const char *at[LOCK_PEERS_MAX];	/* "host:port" or "unix:/path" */
	size_t n;
	bool tcp, tls;			/* any by TCP; these over TLS */
};
#define LOCK_PEERS_INIT { .text = NULL }

/* Of ${text}, between commas; those by TCP may begin with https://, all or
 * none.
 * Errors, logged: EC_EINVAL; EC_ENOMEM. */
enum err lock_peers_parse(struct lock_peers *out, const char *text);
void lock_peers_release(struct lock_peers *p);

#endif
