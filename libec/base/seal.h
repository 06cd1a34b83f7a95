/* seal: authenticated encryption of small secrets (AES-256-GCM, libcrypto). */
#ifndef SEAL_H
#define SEAL_H

#include "base/buf.h"

enum {
	SEAL_KEY_BYTES = 32,
	SEAL_OVERHEAD = 12 + 16,	/* nonce in front, tag behind */
};

/* A key for ${purpose} out of a secret of any length (HKDF with SHA-256). */
void seal_key(uint8_t out[SEAL_KEY_BYTES], const void *secret,
    size_t secret_len, const char *purpose);

/* Append what ${in} becomes under ${key}: ${len} + SEAL_OVERHEAD bytes, others
 * each time.  ${bound} is not in it; it must be the same to open it.
 * Errors: EC_ENOMEM, EC_ELIMIT. */
enum err seal_close(struct buf *out, const uint8_t key[SEAL_KEY_BYTES],
    const char *bound, const void *in, size_t len);

/* Append what was sealed.  Errors: EC_ECORRUPT (changed, another key or
 * ${bound}), EC_ENOMEM, EC_ELIMIT. */
enum err seal_open(struct buf *out, const uint8_t key[SEAL_KEY_BYTES],
    const char *bound, const void *in, size_t len);

#endif
