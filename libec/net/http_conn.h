/* http_conn: one connection of http_server, from the accepted socket to its
 * close.  For http_server.c, http_body.c and http_answer.c only. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http_parse.h"
#include "net/http_server.h"
#include "net/tls.h"

enum {
	HTTP_IN_BYTES = 16 * 1024,	/* the buffer for heads and framing */
	HTTP_RECV_MAX = 128 * 1024,	/* more falls out of the cache */
	/* Reading on after the last answer: while bytes come, and in all. */
	HTTP_LINGER_STALL_MS = 2 * 1000,
	HTTP_LINGER_MS = 30 * 1000,
	/* Of a body nobody read, so much is read to keep the connection. */
	HTTP_DISCARD_MAX = 256 * 1024,
	HTTP_RECORD_BYTES = 16 * 1024,	/* of TLS, at most */
	HTTP_FIELDS_MAX = 64 * 1024,	/* header bytes of an answer */
};

struct http_exchange {
	int fd;
	struct tls *tls_with;	/* NULL: no TLS; else: */
	struct tls_conn *tls;	/* from the handshake on */
	const struct http_service *service;
	const atomic_bool *draining;
	unsigned idle_ms, head_ms, stall_ms;
	bool refuse;		/* one too many: 503 without a look */
	atomic_bool idle;	/* waits between requests, or lingers */
	_Atomic uint64_t waits_us;	/* since when without a whole head; 0:
					 * a request is served, or the end is
					 * near */
	char peer[64];

	/* Bytes that came and are not used up: in[in_pos .. in_len). */
	uint8_t *in;
	size_t in_pos, in_len;

	/* The request. */
	struct http_scan scan;
	struct http_head head;
	struct http_chunks chunks;
	struct http_head trailers;
	uint64_t body_left;	/* not chunked: bytes not read yet */
	uint64_t body_got;	/* bytes of it, framing included */
	uint64_t waited_us;	/* for them */
	bool continue_due;	/* the client waits for 100 */
	enum err body_err;	/* of the first read that failed */

	/* The answer. */
	struct buf fields;	/* header lines of the handler */
	struct buf out;		/* the head, until it is sent */
	unsigned status;	/* 0: none yet */
	uint64_t left;		/* body bytes still to be written */
	bool chunked;		/* the answer is */
	bool bodiless;		/* HEAD, 204, 304: nothing is sent */
	bool ended;		/* whole */
	bool close;		/* the connection ends with this answer */
	uint64_t sent;
	enum err send_err;
};

/* Serve ${x}->fd until it ends; the caller closes the descriptor. */
void http_conn_run(struct http_exchange *x);

/* Receive 1 .. ${max} bytes within ${timeout_ms}; *${got} 0: the client ended
 * its side.  Errors: EC_ETIMEDOUT, EC_EIO. */
enum err http_conn_recv(struct http_exchange *x, void *buf, size_t max,
    unsigned timeout_ms, size_t *got);

/* Refill the empty in-buffer; an end of stream is EC_EIO. */
enum err http_conn_fill(struct http_exchange *x, unsigned timeout_ms);

/* Send all of it; iov is used up.  Errors: EC_ETIMEDOUT, EC_EIO. */
enum err http_conn_send(struct http_exchange *x, struct iovec *iov, int n);

/* Begin with the body of the request in ${x}->head. */
void http_body_start(struct http_exchange *x);
/* Nothing of the body is left. */
bool http_body_ended(const struct http_exchange *x);
/* Would reading the rest away be worth keeping the connection? */
bool http_body_small(const struct http_exchange *x);
void http_body_discard(struct http_exchange *x);

#endif
