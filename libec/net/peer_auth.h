/* peer_auth: proof that a message comes from a holder of the cluster secret,
 * and whether it goes by TLS.
 *
 * Requests carry a header "EC-Auth" with an HMAC-SHA256 over method, target,
 * the body's digest, a time stamp, who sends it with a running number, and the
 * epoch of the receiver; answers one over that HMAC, status and body.  The key
 * is derived from the secret, another for either direction.  A receiver's epoch
 * is a random number of its process, so that nothing said to another process,
 * or to one before a restart, can be said again; a window over the numbers of
 * each sender stops the rest; so a node whose clock is wrong by a day need not
 * be shut out.  ec-lock(7) has the bytes.
 *
 * That alone hides nothing of what is said.  Time is an argument:
 * clock_real_us(). */
#ifndef PEER_AUTH_H
#define PEER_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

#define PEER_AUTH_HEADER "EC-Auth"

enum {
	PEER_AUTH_SECRET_MIN = 16,	/* bytes */
	PEER_AUTH_SKEW_S = 25 * 3600,	/* clocks may differ by so much */
	PEER_AUTH_WINDOW = 1024,	/* a sender's numbers may overtake */
	PEER_AUTH_SENDERS_MAX = 8192,	/* remembered */
	PEER_AUTH_VALUE_MAX = 320,	/* a header's value, with the NUL */
};

/* Stands for the digest of a body that is signed bit by bit, or at its end. */
extern const uint8_t peer_auth_streamed[DIGEST_SHA256_BYTES];

struct peer_auth;	/* as sender and as receiver; all threads */

/* Errors: EC_EINVAL (${len} is below PEER_AUTH_SECRET_MIN), EC_ENOMEM. */
enum err peer_auth_new(struct peer_auth **out, const void *secret,
    size_t len);
void peer_auth_free(struct peer_auth *a);	/* NULL is fine */

/* Peers that are made with ${a} from now on are spoken to over TLS, if by TCP,
 * and show a certificate for which one in the PEM file ${ca_path} (NULL: the
 * system's authorities) vouches.  Errors: EC_ENOMEM. */
enum err peer_auth_tls(struct peer_auth *a, const char *ca_path);
/* *${ca_path} is the file's, or NULL. */
bool peer_auth_has_tls(const struct peer_auth *a, const char **ca_path);

/* What binds an answer to its request. */
struct peer_auth_mac {
	uint8_t b[DIGEST_SHA256_BYTES];
};

/* Sign a request to a peer of ${epoch} (0 when not known yet: it refuses, and
 * its answer has it) with a body of ${digest} (SHA-256). */
void peer_auth_sign(struct peer_auth *a, uint64_t now_us, uint64_t epoch,
    const char *method, const char *target,
    const uint8_t digest[DIGEST_SHA256_BYTES],
    char value[PEER_AUTH_VALUE_MAX], struct peer_auth_mac *mac);

/* Is the answer with the header ${value} (NULL: none) one to ${mac}?  Gives
 * the peer's epoch.  Errors: EC_EDENIED. */
enum err peer_auth_check_answer(const struct peer_auth *a,
    const struct peer_auth_mac *mac, unsigned status,
    const uint8_t digest[DIGEST_SHA256_BYTES], const char *value,
    uint64_t *epoch);

/* Check a request with the header ${value} (NULL: none) from ${from}, for
 * messages.  ${digest} is what the sender says of the body: the caller compares
 * it with the body's before it believes any of it.  Refusals are logged, not
 * more than one in ten seconds.
 * Errors: EC_EDENIED; EC_ESTALE (authentic, but said before, overtaken by too
 * many, or not to this epoch: answer with ${mac}; the sender learns the epoch
 * and may sign it anew, whoever has only recorded it cannot). */
enum err peer_auth_check(struct peer_auth *a, uint64_t now_us,
    const char *method, const char *target, const char *value,
    const char *from, uint8_t digest[DIGEST_SHA256_BYTES],
    struct peer_auth_mac *mac);

/* The key of body_sums between holders of the secret. */
const uint8_t *peer_auth_body_key(const struct peer_auth *a);

/* What a streamed body ends with: that the sender of the request ${mac} has
 * sent just the body of ${digest} before it. */
void peer_auth_body(const struct peer_auth *a, const struct peer_auth_mac *mac,
    const uint8_t digest[DIGEST_SHA256_BYTES],
    uint8_t out[DIGEST_SHA256_BYTES]);

/* That who answers the request ${mac} has said just what is of ${digest} as the
 * piece ${number} of its answer. */
void peer_auth_piece(const struct peer_auth *a, const struct peer_auth_mac *mac,
    unsigned number, const uint8_t digest[DIGEST_SHA256_BYTES],
    uint8_t out[DIGEST_SHA256_BYTES]);

/* Log a refusal that the caller found: the reason in a few words. */
void peer_auth_refused(struct peer_auth *a, const char *from,
    const char *why);

/* The header's value of an answer to ${mac}. */
void peer_auth_answer(const struct peer_auth *a,
    const struct peer_auth_mac *mac, unsigned status,
    const uint8_t digest[DIGEST_SHA256_BYTES],
    char value[PEER_AUTH_VALUE_MAX]);

#endif
