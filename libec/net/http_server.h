/* http_server: HTTP/1.1 service.  The only user of libmicrohttpd.
 *
 * A thread per connection: handlers are plain blocking code, and back-pressure
 * is not reading.  Requests that parsers may disagree on (Content-Length with
 * Transfer-Encoding, two lengths, two Hosts, control bytes ...) are refused
 * with 400 and a closed connection before a handler sees them. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	HTTP_TARGET_MAX = 16 * 1024,	/* bytes of the request target */
	HTTP_HEADERS_MAX = 100,
	HTTP_HEAD_MAX = 64 * 1024,	/* bytes of all header lines */
};

struct http_header {
	const char *name;	/* as sent */
	const char *value;	/* blanks around it cut */
};

/* One request and the answer to it; lives until done() returns. */
struct http_exchange;

/* What the service does; called on the connection's thread. */
struct http_service {
	void *ctx;
	/* The head has arrived.  May answer at once (the body is then not
	 * wanted: it is not read, and the connection closes if one was
	 * announced).  *${state} is the handler's own. */
	void (*begin)(void *ctx, struct http_exchange *x, void **state);
	/* A piece of the body.  Not called after an answer was given. */
	void (*body)(void *ctx, struct http_exchange *x, void *state,
	    const void *buf, size_t len);
	/* The body is complete: answer now. */
	void (*end)(void *ctx, struct http_exchange *x, void *state);
	/* Always once, after the answer was sent or the client went away;
	 * ${status} 0 when none was sent, ${bytes} of the answer's body that
	 * went out, ${complete} false when it was cut. */
	void (*done)(void *ctx, struct http_exchange *x, void *state,
	    unsigned status, uint64_t bytes, bool complete);
};

struct http_listen {
	const char *address;	/* "127.0.0.1:9000", "[::1]:9000", ":9000" (all),
				 * port 0 takes a free one */
	const char *unix_path;	/* or a Unix socket, mode 0600; replaces a dead one */
	int fd;			/* or a listening socket passed in; else -1 */
	unsigned connections_max;
	unsigned idle_s;	/* close a connection idle for so long */
};

struct http_server;

/* Listen and serve.  Errors: EC_EINVAL (address), EC_EEXIST (in use), by
 * errno; logged. */
enum err http_server_start(struct http_server **out,
    const struct http_listen *l, const struct http_service *s);
unsigned http_server_port(const struct http_server *s);
unsigned http_server_connections(const struct http_server *s);

/* Accept nothing more, say "Connection: close" on answers, wait until all
 * requests are answered or ${grace_ms} are over, then end all. */
void http_server_stop(struct http_server *s, unsigned grace_ms);

/* The request. */
const char *http_method(const struct http_exchange *x);
const char *http_target(const struct http_exchange *x);	/* raw, undecoded */
const char *http_header(const struct http_exchange *x, const char *name);
unsigned http_headers(const struct http_exchange *x,
    const struct http_header **out);	/* in order, duplicates kept */
/* The body's length as announced; UINT64_MAX when chunked, 0 when none. */
uint64_t http_content_length(const struct http_exchange *x);
bool http_chunked(const struct http_exchange *x);
const char *http_peer(const struct http_exchange *x);	/* "127.0.0.1:4711" */
bool http_draining(const struct http_exchange *x);

/* The answer: headers first, then exactly one of the two.  In header values
 * CR, LF and NUL are refused (EC_EINVAL). */
enum err http_answer_header(struct http_exchange *x, const char *name,
    const char *value);
void http_answer(struct http_exchange *x, unsigned status, const void *body,
    size_t len);	/* the body is copied; HEAD sends its length only */
/* Stream ${len} bytes (UINT64_MAX: unknown, chunked).  ${read} fills up to max
 * bytes and returns how many, 0 at the end; an error cuts the connection.
 * ${free} is called once. */
void http_answer_stream(struct http_exchange *x, unsigned status, uint64_t len,
    enum err (*read)(void *ctx, void *buf, size_t max, size_t *got),
    void (*free)(void *ctx), void *ctx);
bool http_answered(const struct http_exchange *x);

#endif
