/* secure: what the server was told about TLS. */
#ifndef SECURE_H
#define SECURE_H

#include <signal.h>
#include <stdbool.h>

#include "net/tls.h"

enum { SECURE_LOOK_S = 2 };	/* how often files are looked at */

struct secure {
	const char *cert, *key;	/* PEM files; both or neither */
};

/* *${out} is NULL without a certificate.
 * Errors: EC_EINVAL (one of both; logged), as tls_new. */
enum err secure_open(struct tls **out, const struct secure *s);

/* Wait for one of ${end}; meanwhile, with ${tls}, see to it that a certificate
 * that has changed is read again, and on SIGHUP in any case.  SIGHUP and
 * ${end} are blocked in all threads.  Returns the signal. */
int secure_wait(struct tls *tls, const sigset_t *end);

#endif
