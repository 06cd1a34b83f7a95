/* lock_service: a lock daemon's votes, served over HTTP and to this process.
 *
 * Three requests, all POST: LOCK_PATH "ask" (a batch of asks and releases,
 * answered at once), "watch" (answered when a vote of the session changes, in
 * five seconds at the latest) and "list".  ec-lock(7) documents them. */
#ifndef LOCK_SERVICE_H
#define LOCK_SERVICE_H

#include "base/buf.h"
#include "base/err.h"
#include "net/http_server.h"
#include "net/peer_auth.h"

#define LOCK_PATH "/.ec/lock/"

enum { LOCK_LEASE_MIN_S = 1, LOCK_LEASE_MAX_S = 3600, LOCK_LEASE_S = 30 };

struct lock_service;	/* all threads */

struct lock_service_params {
	unsigned lease_s;
	/* A file for what must survive a restart; NULL: none.  Without it no
	 * lock is granted for one lease after each start, and the clock must
	 * not be set back across a restart by more than that. */
	const char *state_path;
	struct peer_auth *auth;		/* NULL: whoever can connect may ask */
	/* Locks granted before a restart are worth nothing after it: there is
	 * no need to wait for them to run out. */
	bool no_grace;
};

/* Errors: by errno, EC_EFORMAT (the file), EC_EOWNED (another has it), logged;
 * EC_ENOMEM. */
enum err lock_service_new(struct lock_service **out,
    const struct lock_service_params *p);

/* From now on call ${written} (or NULL) when another process gives back its
 * vote for the write lock ${name}, before anybody else gets it.  The last one
 * given is not called any more when this returns. */
void lock_service_watch(struct lock_service *s,
    void (*written)(void *ctx, const char *name), void *ctx);

/* Does nobody hold a lock, nor may? */
bool lock_service_idle(struct lock_service *s);

/* Make all watches return now and from now on. */
void lock_service_stop(struct lock_service *s);

/* After stop, and no call is under way.  If nobody holds a lock, the next start
 * need not wait.  NULL is fine. */
void lock_service_free(struct lock_service *s);

/* Nothing new is granted for so long yet. */
unsigned lock_service_grace_ms(struct lock_service *s);

/* Take a lock in this process: a function call, without a lease, in one queue
 * with those who ask.  Waits ${timeout_ms} at most.  Its holder's stamps, of
 * clock_hlc, are above all that were made under the lock before.
 * Errors: EC_ETIMEDOUT, EC_ENOMEM. */
struct lock_own;
enum err lock_service_take(struct lock_service *s, const char *name,
    bool write, unsigned timeout_ms, struct lock_own **out);
void lock_service_give(struct lock_own *o);	/* NULL is fine */

/* Serve the request if its target begins with LOCK_PATH; false: it does not. */
bool lock_service_serve(struct lock_service *s, struct http_exchange *x);

/* The same without HTTP: ${what} is "ask", "watch" or "list".  ${gone}, unless
 * NULL, is asked now and then whether the caller of a watch is still there.
 * Errors: EC_ENOTFOUND, EC_ECORRUPT, EC_ENOMEM, EC_ELIMIT. */
enum err lock_service_call(struct lock_service *s, const char *what,
    const uint8_t *in, size_t len, struct buf *answer,
    bool (*gone)(void *ctx), void *ctx);

#endif
