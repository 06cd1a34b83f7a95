/* body_sum: the digest of a body too long to be hashed by SHA-256 alone: that
 * of the HighwayHash-256 sums, under a secret key, of its pieces of
 * BODY_PIECE_BYTES.  Whoever has not the key cannot make another body of the
 * same digest, which is all that a signature over it needs. */
#ifndef BODY_SUM_H
#define BODY_SUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

enum { BODY_PIECE_BYTES = 128 * 1024, BODY_KEY_BYTES = 32 };

struct body_sum;	/* one body; one thread at a time */

enum err body_sum_new(struct body_sum **out,
    const uint8_t key[BODY_KEY_BYTES]);		/* EC_ENOMEM */
void body_sum_free(struct body_sum *s);		/* NULL is fine */

/* More of the body; pieces that come whole are not copied. */
void body_sum_add(struct body_sum *s, const void *buf, size_t len);

/* The digest of all so far; ${s} is only to be freed afterwards. */
void body_sum_final(struct body_sum *s, uint8_t out[DIGEST_SHA256_BYTES]);

/* In one call.  Errors: EC_ENOMEM. */
enum err body_sum_once(const uint8_t key[BODY_KEY_BYTES], const void *buf,
    size_t len, uint8_t out[DIGEST_SHA256_BYTES]);

#endif
