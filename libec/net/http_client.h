/* http_client: requests to peers over kept-alive connections.  The only user
 * of libcurl. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_client;	/* a peer and the connections to it; all threads */

/* ${base}: "http://host:port", or with ${unix_path} a Unix socket. */
enum err http_client_new(struct http_client **out, const char *base,
    const char *unix_path, unsigned connect_ms);
void http_client_free(struct http_client *c);

struct http_call {
	const char *method;
	const char *path;		/* with the query, encoded */
	const char *const *headers;	/* "Name: value", NULL-terminated; or NULL */
	const void *body;		/* or: */
	size_t body_len;
	enum err (*read)(void *ctx, void *buf, size_t max, size_t *got);
	void *read_ctx;			/* a body in pieces, chunked */
	struct buf *answer;		/* takes the answer's body; or: */
	enum err (*write)(void *ctx, const void *buf, size_t len);
	void *write_ctx;
	unsigned timeout_ms;		/* for the whole call; 0: none, but a
					 * transfer that stalls for 3 s fails */
	unsigned status;		/* result */
};

/* Errors: EC_EOFFLINE (no connection), EC_ETIMEDOUT, EC_EIO (cut short, or
 * ${write} failed), EC_ENOMEM.  Any HTTP status is EC_OK. */
enum err http_client_call(struct http_client *c, struct http_call *call);

#endif
