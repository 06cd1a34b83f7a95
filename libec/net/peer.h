/* peer: messages between processes of a cluster: a request and an answer, each
 * at most a few MiB, signed when there is a secret (net/peer_auth.h). */
#ifndef PEER_H
#define PEER_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/peer_auth.h"

struct peer;	/* another process; all threads */

enum { PEER_HEADERS_MAX = 4 };

/* ${address}: "host:port" or "unix:/path".  ${auth} (NULL only with a Unix
 * socket, whose mode is the permission) is the caller's and lives longer.
 * Does not connect yet.  Errors: EC_EINVAL, EC_ENOMEM. */
enum err peer_new(struct peer **out, const char *address,
    struct peer_auth *auth, unsigned connect_ms);
void peer_free(struct peer *p);		/* NULL is fine */
const char *peer_address(const struct peer *p);

/* As http_client_ask; the answer need not be signed. */
void peer_ask(struct peer *p, const char *path);

/* POST ${body} to ${path}; the answer replaces what is in ${answer}.  May be
 * done twice or be done although it failed.  ${cancel}, unless NULL, ends it
 * within 0.1 s.
 * Errors: EC_EOFFLINE, EC_ETIMEDOUT, EC_EIO, EC_ENOMEM, EC_ELIMIT;
 * EC_EDENIED (other secret, or its clock is far from ours), EC_EBUSY (503),
 * EC_ECANCELED, EC_EFORMAT (any other status). */
enum err peer_call(struct peer *p, const char *path, const struct buf *body,
    struct buf *answer, unsigned timeout_ms, const atomic_bool *cancel);

/* A call of any method; ${call} as for http_client_call, less header_name and
 * write; at most PEER_HEADERS_MAX headers.  Any status is EC_OK.
 * Errors: those of peer_call that are not a status. */
enum err peer_run(struct peer *p, struct http_call *call);

/* A call whose answer is exactly ${len} bytes, which go to ${buf}: EC_ECORRUPT
 * when they are not so many.  With an error ${buf} may hold anything. */
enum err peer_read(struct peer *p, struct http_call *call, void *buf,
    size_t len);

/* A call whose answer comes in pieces, of at most ${max} bytes each, as they
 * get ready: ${take} is called for each, which is authentic, in order; ${more}:
 * another is here and follows at once.  Whether all came is the caller's to
 * know.  Errors: what ${take} returned, EC_EDENIED, EC_ECORRUPT. */
typedef enum err peer_take(void *ctx, const uint8_t *piece, size_t len,
    bool more);
enum err peer_pieces(struct peer *p, struct http_call *call, size_t max,
    peer_take *take, void *ctx);

/* A request with a streamed body, as http_upload.  The peer is asked something
 * else before, so that its epoch is known: else EC_EOFFLINE. */
struct peer_upload;
enum err peer_upload_start(struct peer_upload **out, struct peer *p,
    struct http_call *call);
enum err peer_upload_write(struct peer_upload *u, const void *buf,
    size_t len);
enum err peer_upload_finish(struct peer_upload *u, unsigned timeout_ms);
void peer_upload_abort(struct peer_upload *u);	/* NULL is fine */

/* Close connections; calls under way, and later ones, end in 0.1 s: with
 * EC_ECANCELED, of uploads EC_EIO. */
void peer_retire(struct peer *p);
uint64_t peer_connects(struct peer *p);	/* made so far */

/* The other end: one request of ${auth} (may be NULL). */
struct peer_request {
	struct http_exchange *x;
	struct peer_auth *auth;
	struct peer_auth_mac mac;
	struct buf body;
	struct body_sum *sum;		/* of a signed body that is streamed */
	size_t taken;			/* of what ${body} holds of it */
	unsigned pieces;		/* of the answer so far */
	bool begun;			/* to send them */
};

/* Read and check the whole request.  Unless EC_OK it has been answered.
 * peer_request_release in any case. */
enum err peer_request_read(struct peer_request *r, struct http_exchange *x,
    struct peer_auth *auth, size_t body_max);

/* The same for a streamed body, which the caller reads with
 * peer_request_stream as with http_read: *${got} is 0 at its end, when it was
 * found to be what was signed (else EC_EDENIED). */
enum err peer_request_begin(struct peer_request *r, struct http_exchange *x,
    struct peer_auth *auth);
enum err peer_request_stream(struct peer_request *r, void *buf, size_t max,
    size_t *got);

void peer_request_answer(struct peer_request *r, unsigned status,
    const void *body, size_t len);
/* The answer for peer_read. */
void peer_request_answer_read(struct peer_request *r, const void *body,
    size_t len);
/* The answer for peer_pieces: add one to ${out}, and send what is there;
 * ${last}: with the end.  Errors: EC_ENOMEM, EC_ELIMIT; EC_EIO: nobody is
 * there. */
enum err peer_request_piece(struct peer_request *r, struct buf *out,
    const void *piece, size_t len);
enum err peer_request_send(struct peer_request *r, struct buf *out,
    bool last);
void peer_request_release(struct peer_request *r);

#endif
