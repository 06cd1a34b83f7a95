/* http_server: HTTP/1.1 service (RFC 9112) on TCP or Unix sockets.
 *
 * A thread per connection: a handler is plain blocking code that reads the
 * body, answers and returns; back-pressure is not reading.  The parser is
 * strict: what parsers may disagree on (Content-Length with Transfer-Encoding,
 * two lengths, two Hosts, bare line feeds, folded lines, control bytes ...) is
 * refused with 400 and a closed connection before a handler sees it. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tls;

enum {
	HTTP_TARGET_MAX = 16 * 1024,	/* bytes of the request target: 414 */
	HTTP_LINE_MAX = 16 * 1024,	/* bytes of one header line: 431 */
	HTTP_HEADERS_MAX = 100,		/* header lines: 431 */
	HTTP_HEAD_MAX = 64 * 1024,	/* bytes of the whole head: 431 */
};

struct http_header {
	const char *name;	/* as sent */
	const char *value;	/* blanks around it cut */
};

/* One request and the answer to it; lives while the handler runs. */
struct http_exchange;

struct http_service {
	void *ctx;
	/* The head of a request is here: read the body if it is wanted, answer
	 * exactly once, return.  Called on the connection's thread (1 MiB of
	 * stack).  Without an answer the client gets 500. */
	void (*handle)(void *ctx, struct http_exchange *x);
};

struct http_listen {
	const char *address;	/* "127.0.0.1:9000", "[::1]:9000", ":9000"
				 * (all); port 0 takes a free one */
	const char *unix_path;	/* or a Unix socket, mode 0600, in place of a
				 * dead one */
	int fd;			/* or a listening socket passed in; else -1 */
	struct tls *tls;	/* the caller's; NULL: no TLS */
	/* So many are open; 0: 1024.  For one more the one is closed that has
	 * waited longest, for a request or for the rest of a head; when all are
	 * being served it gets 503. */
	unsigned connections_max;
	unsigned idle_s;	/* close a connection idle for so long; 0: 60 */
	unsigned head_s;	/* a head takes no longer, nor does a
				 * handshake; 0: 10 */
	unsigned stall_s;	/* no byte of a body, in or out, for so long: it
				 * is cut, as is one that after so much waiting
				 * came at less than 1,000 bytes/s; 0: 30 */
};

struct http_server;

/* Listen and serve.  Raises the soft limit of open files to what as many
 * connections need, if it may.
 * Errors: EC_EINVAL (address), EC_EINUSE, by errno; logged. */
enum err http_server_start(struct http_server **out,
    const struct http_listen *l, const struct http_service *s);
unsigned http_server_port(const struct http_server *s);
unsigned http_server_connections(struct http_server *s);	/* open now */

/* Accept nothing more, say "Connection: close" on answers, wait until all
 * requests are answered or ${grace_ms} are over, then cut the rest, wait until
 * their handlers have returned, and free ${s}.  NULL is fine. */
void http_server_stop(struct http_server *s, unsigned grace_ms);

/* The request. */
const char *http_method(const struct http_exchange *x);
/* Raw and undecoded, from its first slash ("http://host/a" gives "/a"), or
 * "*" with OPTIONS.  Bytes 0x21 .. 0x7e only. */
const char *http_target(const struct http_exchange *x);
/* The first header of that name, any case; NULL if there is none. */
const char *http_header(const struct http_exchange *x, const char *name);
unsigned http_headers(const struct http_exchange *x,
    const struct http_header **out);	/* in order, duplicates kept */
/* The body's length as announced; UINT64_MAX when chunked, 0 when none. */
uint64_t http_content_length(const struct http_exchange *x);
bool http_chunked(const struct http_exchange *x);
const char *http_peer(const struct http_exchange *x);	/* "127.0.0.1:4711",
							 * "unix" */
bool http_secure(const struct http_exchange *x);	/* it came over TLS */
bool http_draining(const struct http_exchange *x);
/* The client has closed its side: for handlers that wait.  Does not block. */
bool http_gone(const struct http_exchange *x);

/* The body: up to ${max} bytes of it, *${got} 0 at its end.  The first call
 * sends "100 Continue" when the client waits for it.  ${buf} is best 64 to
 * 128 KiB, for the socket is read straight into it.
 * Errors: EC_EIO (the client went away), EC_ETIMEDOUT (too little came, see
 * stall_s), EC_EINVAL (bad chunks).  The next call fails alike, and the
 * connection is closed after the answer. */
enum err http_read(struct http_exchange *x, void *buf, size_t max,
    size_t *got);
/* A trailer of a chunked body, after http_read gave 0; NULL if not there. */
const char *http_trailer(const struct http_exchange *x, const char *name);

/* The answer.  Headers first; Date, Content-Length, Transfer-Encoding and
 * Connection are added by themselves.  Errors: EC_EINVAL (CR, LF or NUL in it,
 * or no header name), EC_ELIMIT, EC_ENOMEM. */
enum err http_answer_header(struct http_exchange *x, const char *name,
    const char *value);

/* Then either this: all of it.  HEAD, 204 and 304 send no body. */
void http_answer(struct http_exchange *x, unsigned status, const void *body,
    size_t len);

/* Or this: start, write ${len} bytes in all (UINT64_MAX: unknown, chunked),
 * end.  When end is not called or bytes are lacking the connection is cut, so
 * that the client sees a failure.  With HEAD the bytes are ignored.
 * Errors of write: EC_EIO (the client went away), EC_ETIMEDOUT (it took
 * nothing for stall_s), EC_EINVAL (more than ${len}). */
void http_answer_start(struct http_exchange *x, unsigned status, uint64_t len);
enum err http_write(struct http_exchange *x, const void *buf, size_t len);
enum err http_answer_end(struct http_exchange *x);

/* What became of it, for logs: 0 before an answer was begun; body bytes handed
 * to the socket; the answer went out whole. */
unsigned http_status(const struct http_exchange *x);
uint64_t http_sent(const struct http_exchange *x);
bool http_complete(const struct http_exchange *x);

#endif
