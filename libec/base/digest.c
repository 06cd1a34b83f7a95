/* The hash functions of libcrypto are called without its EVP layer: those
 * allocate and may fail at each step, these cannot, and both end in the same
 * assembly.  Deprecated since 3.0, still there. */
#define OPENSSL_API_COMPAT 10100
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct digest {
	enum digest_kind kind;
	union {
		MD5_CTX md5;
		SHA_CTX sha1;
		SHA256_CTX sha256;
		SHA512_CTX sha512;
	} u;
};

static void
start(struct digest *d)
{
	switch (d->kind) {
	case DIGEST_MD5:
		MD5_Init(&d->u.md5);
		break;
	case DIGEST_SHA1:
		SHA1_Init(&d->u.sha1);
		break;
	case DIGEST_SHA256:
		SHA256_Init(&d->u.sha256);
		break;
	case DIGEST_SHA512:
		SHA512_Init(&d->u.sha512);
		break;
	}
}

enum err
digest_new(struct digest **out, enum digest_kind kind)
{
	struct digest *d;

	if ((d = mem_array(1, sizeof(*d))) == NULL)
		return EC_ENOMEM;
	d->kind = kind;
	start(d);
	*out = d;
	return EC_OK;
}

void
digest_free(struct digest *d)
{
	free(d);
}

void
digest_update(struct digest *d, const void *buf, size_t len)
{
	if (len == 0)
		return;
	switch (d->kind) {
	case DIGEST_MD5:
		MD5_Update(&d->u.md5, buf, len);
		break;
	case DIGEST_SHA1:
		SHA1_Update(&d->u.sha1, buf, len);
		break;
	case DIGEST_SHA256:
		SHA256_Update(&d->u.sha256, buf, len);
		break;
	case DIGEST_SHA512:
		SHA512_Update(&d->u.sha512, buf, len);
		break;
	}
}

void
digest_final(struct digest *d, uint8_t out[])
{
	switch (d->kind) {
	case DIGEST_MD5:
		MD5_Final(out, &d->u.md5);
		break;
	case DIGEST_SHA1:
		SHA1_Final(out, &d->u.sha1);
		break;
	case DIGEST_SHA256:
		SHA256_Final(out, &d->u.sha256);
		break;
	case DIGEST_SHA512:
		SHA512_Final(out, &d->u.sha512);
		break;
	}
	start(d);
}

size_t
digest_bytes(enum digest_kind kind)
{
	switch (kind) {
	case DIGEST_MD5:
		return DIGEST_MD5_BYTES;
	case DIGEST_SHA1:
		return DIGEST_SHA1_BYTES;
	case DIGEST_SHA512:
		return DIGEST_SHA512_BYTES;
	case DIGEST_SHA256:
		break;
	}
	return DIGEST_SHA256_BYTES;
}

void
digest_once(enum digest_kind kind, const void *buf, size_t len,
    uint8_t out[])
{
	struct digest d = { .kind = kind };

	start(&d);
	digest_update(&d, buf, len);
	digest_final(&d, out);
}

void
digest_md5_start(uint32_t state[4])
{
	MD5_CTX c;

	MD5_Init(&c);
	state[0] = c.A;
	state[1] = c.B;
	state[2] = c.C;
	state[3] = c.D;
}

void
digest_md5_blocks(uint32_t state[4], const void *buf, size_t blocks)
{
	MD5_CTX c;

	MD5_Init(&c);
	c.A = state[0];
	c.B = state[1];
	c.C = state[2];
	c.D = state[3];
	MD5_Update(&c, buf, blocks * MD5_CBLOCK);
	state[0] = c.A;
	state[1] = c.B;
	state[2] = c.C;
	state[3] = c.D;
}

/* RFC 2104; all digests here work on blocks of 64 bytes. */
static void
hmac(enum digest_kind kind, const void *key, size_t key_len, const void *buf,
    size_t len, uint8_t out[])
{
	uint8_t pad[SHA256_CBLOCK] = { 0 }, inner[DIGEST_BYTES_MAX];
	struct digest d = { .kind = kind };
	size_t i;

	if (key_len > sizeof(pad))
		digest_once(kind, key, key_len, pad);
	else if (key_len > 0)
		memcpy(pad, key, key_len);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	start(&d);
	digest_update(&d, pad, sizeof(pad));
	digest_update(&d, buf, len);
	digest_final(&d, inner);

	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	digest_update(&d, pad, sizeof(pad));
	digest_update(&d, inner, digest_bytes(kind));
	digest_final(&d, out);
	OPENSSL_cleanse(pad, sizeof(pad));
	OPENSSL_cleanse(&d, sizeof(d));
}

void
digest_hmac_sha256(const void *key, size_t key_len, const void *buf,
    size_t len, uint8_t out[DIGEST_SHA256_BYTES])
{
	hmac(DIGEST_SHA256, key, key_len, buf, len, out);
}

void
digest_hmac_sha1(const void *key, size_t key_len, const void *buf,
    size_t len, uint8_t out[DIGEST_SHA1_BYTES])
{
	hmac(DIGEST_SHA1, key, key_len, buf, len, out);
}

bool
digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

const char *
digest_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
