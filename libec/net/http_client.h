/* http_client: requests to a peer over kept-alive connections.  The only user
 * of libcurl.
 *
 * A connection that is not in use is kept for the next call; as many are open
 * as calls are under way at once. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	HTTP_CLIENT_STALL_MS = 3000,	/* no byte moved for so long: failed */
	HTTP_CLIENT_IDLE_MAX = 64,	/* connections kept */
	HTTP_REFUSAL_MAX = 64,
	HTTP_CALL_HEADER_MAX = 128,
};

struct http_client;	/* a peer and the connections to it; all threads */

/* ${base}: "http://host:port" or "https://host:port", or with ${unix_path} a
 * Unix socket.  Connecting may take ${connect_ms}.  Does not connect yet.
 * Errors: EC_EINVAL, EC_ENOMEM. */
enum err http_client_new(struct http_client **out, const char *base,
    const char *unix_path, unsigned connect_ms);

/* For "https": believe servers for which a certificate of the PEM file
 * ${ca_path} vouches, instead of the system's.  Before the first call.
 * Errors: EC_ENOMEM. */
enum err http_client_trust(struct http_client *c, const char *ca_path);

/* Whoever waits for a server from which nothing comes (net/silence.h) asks for
 * ${path}, kept as it is, which it answers at once, whatever else it does; when
 * nothing comes then, calls end with EC_EOFFLINE.  Before the first call. */
void http_client_ask(struct http_client *c, const char *path);
void http_client_free(struct http_client *c);	/* no call may be under way */

/* Close the connections that are idle now, and others when their call ends. */
void http_client_retire(struct http_client *c);

/* Connections made so far. */
uint64_t http_client_connects(struct http_client *c);

struct http_call {
	const char *method;
	const char *path;		/* with the query, encoded */
	const char *const *headers;	/* "Name: value" and NULL; or NULL */
	const void *body;
	size_t body_len;
	struct buf *answer;		/* takes a 2xx answer's body; or: */
	enum err (*write)(void *ctx, const void *buf, size_t len);
	void *write_ctx;
	unsigned timeout_ms;		/* for the whole call; 0: only stalls
					 * end it, HTTP_CLIENT_STALL_MS */
	const char *header_name;	/* of the answer's, or NULL */
	const atomic_bool *cancel;	/* when it is set, http_client_call
					 * returns EC_ECANCELED in 0.1 s */
	unsigned status;		/* result */
	char header[HTTP_CALL_HEADER_MAX];	/* result: its value, "" when
						 * it is not there or longer */
	char refusal[HTTP_REFUSAL_MAX];	/* result: the body of any other
					 * answer, as text, from its begin */
};

/* Errors: EC_EOFFLINE (no connection), EC_EDENIED (not the server that its name
 * says), EC_ETIMEDOUT, EC_EIO (cut short),
 * EC_ENOMEM, EC_ELIMIT (${answer} is full), what ${write} returned.  Any HTTP
 * status is EC_OK. */
enum err http_client_call(struct http_client *c, struct http_call *call);

/* A request whose body is written bit by bit, chunked.  One thread at a time.
 * Of ${call} method, path, headers, header_name and cancel (then EC_EIO) are
 * used; it must live until the end. */
struct http_upload;
enum err http_upload_start(struct http_upload **out, struct http_client *c,
    struct http_call *call);

/* Returns when ${buf} may be used again.  Errors: as http_client_call;
 * EC_ECANCELED: the peer has answered already: see finish. */
enum err http_upload_write(struct http_upload *u, const void *buf, size_t len);

/* End the body, wait ${timeout_ms} for the answer, free ${u}.  Status and
 * refusal are in the call. */
enum err http_upload_finish(struct http_upload *u, unsigned timeout_ms);

/* Cut the connection, so that the peer sees no end of the body; free. */
void http_upload_abort(struct http_upload *u);	/* NULL is fine */

#endif
