/* digest: message digests and keyed ones, by libcrypto (as seal). */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512 };
enum { DIGEST_MD5_BYTES = 16, DIGEST_SHA1_BYTES = 20, DIGEST_SHA256_BYTES = 32,
	DIGEST_SHA512_BYTES = 64, DIGEST_BYTES_MAX = 64 };

struct digest;	/* one running digest; one thread at a time */

enum err digest_new(struct digest **out, enum digest_kind kind); /* ENOMEM */
void digest_free(struct digest *d);
void digest_update(struct digest *d, const void *buf, size_t len);

/* The digest of all so far; ${d} starts anew afterwards. */
void digest_final(struct digest *d, uint8_t out[]);
size_t digest_bytes(enum digest_kind kind);

/* In one call. */
void digest_once(enum digest_kind kind, const void *buf, size_t len,
    uint8_t out[]);

/* MD5 by the block of 64 bytes, for md5_stream: the state (A, B, C, D) before
 * the first, and after ${blocks} more. */
void digest_md5_start(uint32_t state[4]);
void digest_md5_blocks(uint32_t state[4], const void *buf, size_t blocks);

void digest_hmac_sha256(const void *key, size_t key_len, const void *buf,
    size_t len, uint8_t out[DIGEST_SHA256_BYTES]);
void digest_hmac_sha1(const void *key, size_t key_len, const void *buf,
    size_t len, uint8_t out[DIGEST_SHA1_BYTES]);

/* The library and its version: "OpenSSL 3.0.17 1 Jul 2025". */
const char *digest_library(void);

/* Equal, in a time that does not depend on where they differ. */
bool digest_equal(const void *a, const void *b, size_t len);

#endif
