/* tls: the server's side of TLS 1.2 and 1.3.  The only user of libssl.
 *
 * Nothing here waits: what cannot go on gives EC_EBUSY and says in *${events}
 * (POLLIN or POLLOUT) what to poll the socket for. */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tls;		/* a certificate and its key; all threads */

/* PEM files: the certificate with those that vouch for it behind it, and the
 * key.  Errors: by errno, EC_EINVAL (no certificate, no key, or not a pair);
 * EC_ENOMEM; logged. */
enum err tls_new(struct tls **out, const char *cert_path,
    const char *key_path);
void tls_free(struct tls *t);	/* after its last connection; NULL is fine */

/* Read both files again if one has changed, or in any case with ${force}.
 * Connections that are open go on as they are.  If the files are no good the
 * old ones stay in use; that is logged once for each change. */
void tls_refresh(struct tls *t, bool force);

struct tls_conn;	/* one connection; one thread at a time */

/* ${fd} stays the caller's, and does not block from now on.
 * Errors: EC_ENOMEM. */
enum err tls_conn_new(struct tls_conn **out, struct tls *t, int fd);
void tls_conn_free(struct tls_conn *c);		/* NULL is fine */

/* Errors: EC_EBUSY, EC_EFORMAT (the client speaks HTTP without TLS), EC_EIO. */
enum err tls_handshake(struct tls_conn *c, short *events);

/* *${got} 0: the client ended its side, and said so.
 * Errors: EC_EBUSY, EC_EIO (also when it was cut). */
enum err tls_recv(struct tls_conn *c, void *buf, size_t max, size_t *got,
    short *events);

/* Bytes are here that no poll tells of. */
bool tls_pending(const struct tls_conn *c);

/* The client is gone, or has ended its side. */
bool tls_gone(struct tls_conn *c);

/* *${sent} of them may be fewer.  After EC_EBUSY call it again with the same
 * bytes.  Errors: EC_EBUSY, EC_EIO. */
enum err tls_send(struct tls_conn *c, const void *buf, size_t len,
    size_t *sent, short *events);

/* Tell the client that all was sent. */
void tls_end(struct tls_conn *c);

#endif
