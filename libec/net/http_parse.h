/* http_parse: HTTP/1.1 request heads and chunked framing (RFC 9112) as pure
 * functions over bytes.  Strict: see http_server.h.
 *
 * Each takes bytes as they arrive, in pieces of any size, and gives the same
 * result however they were cut. */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http_server.h"

enum {
	HTTP_METHOD_MAX = 32,		/* bytes */
	HTTP_CHUNK_LINE_MAX = 1024,	/* size and extensions of one chunk */
	/* Framing bytes over data bytes that a chunked body may have. */
	HTTP_CHUNK_WASTE_MAX = 64 * 1024,
};

/* Gathers the lines of a head, or of trailers, up to the empty one. */
struct http_scan {
	struct buf text;	/* the lines so far, CRLFs and all */
	size_t line;		/* where the present line begins in text */
	unsigned lines;		/* complete ones */
	bool cr;		/* the last byte was a CR */
	bool trailers;		/* no request line at the top */
	bool done;		/* the empty line has come */
};

#define HTTP_SCAN_INIT \
	{ BUF_INIT(HTTP_HEAD_MAX + 1), 0, 0, false, false, false }
/* Begin anew, keeping the memory. */
void http_scan_reset(struct http_scan *s, bool trailers);
void http_scan_release(struct http_scan *s);

/* Take bytes of ${in} up to and including the empty line that ends the head;
 * *${used} says how many.  Returns 0, or the status to refuse with: 400 (bare
 * CR or LF, control byte), 414, 431, 503 (no memory). */
unsigned http_scan_feed(struct http_scan *s, const void *in, size_t len,
    size_t *used);

/* A parsed request head; all strings lead into the scan it came from. */
struct http_head {
	const char *method;
	const char *target;
	unsigned minor;			/* HTTP/1.minor: 0 or 1 */
	struct http_header headers[HTTP_HEADERS_MAX];
	unsigned header_count;
	uint64_t length;		/* Content-Length, 0 without */
	bool chunked;
	bool close;			/* do not keep the connection */
	bool expect_continue;
};

/* Parse the head that ${s} has gathered whole, in place.  Returns 0, or the
 * status to refuse with: 400, 414, 431, 501 (CONNECT, a transfer
 * coding other than chunked), 505. */
unsigned http_head_parse(struct http_head *out, struct http_scan *s);

/* The same for trailers: headers only, none that frames or routes. */
unsigned http_trailers_parse(struct http_head *out, struct http_scan *s);

/* The first header of that name, any case, in an array; NULL if none. */
const char *http_headers_get(const struct http_header *h, unsigned n,
    const char *name);

/* The framing of a chunked body. */
struct http_chunks {
	enum { HTTP_CHUNK_SIZE, HTTP_CHUNK_PAD, HTTP_CHUNK_EXT,
		HTTP_CHUNK_SIZE_LF, HTTP_CHUNK_DATA, HTTP_CHUNK_DATA_CR,
		HTTP_CHUNK_DATA_LF, HTTP_CHUNK_TRAILERS,
		HTTP_CHUNK_END } state;
	uint64_t left;		/* data bytes that follow, in state DATA */
	unsigned digits;	/* of the size */
	unsigned line;		/* bytes of its line */
	uint64_t data;		/* data bytes announced so far */
	uint64_t waste;		/* framing bytes so far */
	struct http_scan trailers;
};

#define HTTP_CHUNKS_INIT \
	{ HTTP_CHUNK_SIZE, 0, 0, 0, 0, 0, HTTP_SCAN_INIT }
void http_chunks_reset(struct http_chunks *c);
void http_chunks_release(struct http_chunks *c);

/* Take framing bytes of ${in} until data follows (state DATA), the body is
 * over (state END) or ${in} is used up; *${used} says how many.  In state DATA
 * nothing is taken: the caller takes up to ${left} bytes and says so with
 * http_chunks_took.  Returns 0 or the status to refuse with. */
unsigned http_chunks_feed(struct http_chunks *c, const void *in, size_t len,
    size_t *used);
void http_chunks_took(struct http_chunks *c, uint64_t len);

#endif
