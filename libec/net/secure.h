/* secure: what a server was told about TLS. */
#ifndef SECURE_H
#define SECURE_H

#include <signal.h>
#include <stdbool.h>

#include "net/tls.h"

enum { SECURE_LOOK_S = 2 };	/* how often files are looked at */

struct secure {
	const char *cert, *key;	/* PEM files; both or neither */
	const char *ca;		/* of other nodes' certificates */
	bool plaintext;		/* beyond this machine, too */
};

/* *${out} is NULL without a certificate: for the listening socket ${fd}, or, if
 * that is -1, for ${address} (NULL: none that others reach).  ${nodes}: other
 * nodes expect TLS, or (NO) that there is none, or there are no other nodes.
 * Errors, logged: EC_EINVAL (not both files; the nodes expect otherwise; no TLS
 * for other machines, and nobody said that it may be so), as tls_new. */
enum secure_nodes { SECURE_NODES_NONE, SECURE_NODES_TLS, SECURE_NODES_NO };
enum err secure_open(struct tls **out, const struct secure *s,
    const char *address, int fd, enum secure_nodes nodes);

/* Wait for one of ${end}; meanwhile, with ${tls}, see to it that a certificate
 * that has changed is read again, and on SIGHUP in any case.  SIGHUP and
 * ${end} are blocked in all threads.  Returns the signal. */
int secure_wait(struct tls *tls, const sigset_t *end);

#endif
