#include "base/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/digest.h"
#include "base/os_linux.h"

enum { NONCE = 12, TAG = 16 };

void
seal_key(uint8_t out[SEAL_KEY_BYTES], const void *secret, size_t secret_len,
    const char *purpose)
{
	struct buf info = BUF_INIT(1024);
	uint8_t extracted[DIGEST_SHA256_BYTES];

	digest_hmac_sha256("ec", 2, secret, secret_len, extracted);
	buf_printf(&info, "%s\001", purpose);
	digest_hmac_sha256(extracted, sizeof(extracted), info.data, info.len,
	    out);
	explicit_bzero(extracted, sizeof(extracted));
	buf_release(&info);
}

enum err
seal_close(struct buf *out, const uint8_t key[SEAL_KEY_BYTES],
    const char *bound, const void *in, size_t len)
{
	EVP_CIPHER_CTX *ctx = NULL;
	uint8_t *to;
	int n;
	enum err e;

	if (len > INT_MAX / 2)
		return EC_ELIMIT;
	if ((e = buf_reserve(out, len + SEAL_OVERHEAD, &to)) != EC_OK)
		return e;
	os_random(to, NONCE);
	e = EC_ENOMEM;
	if ((ctx = EVP_CIPHER_CTX_new()) == NULL ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, to) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)bound,
	    (int)strlen(bound)) != 1 ||
	    EVP_EncryptUpdate(ctx, to + NONCE, &n, in, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(ctx, to + NONCE + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG,
	    to + NONCE + len) != 1)
		goto out;
	out->len += len + SEAL_OVERHEAD;
	e = EC_OK;
out:
	EVP_CIPHER_CTX_free(ctx);
	return e;
}

enum err
seal_open(struct buf *out, const uint8_t key[SEAL_KEY_BYTES],
    const char *bound, const void *in, size_t len)
{
	const uint8_t *from = in;
	EVP_CIPHER_CTX *ctx = NULL;
	uint8_t *to, tag[TAG];
	int n;
	enum err e;

	if (len < SEAL_OVERHEAD || len > INT_MAX / 2)
		return EC_ECORRUPT;
	len -= SEAL_OVERHEAD;
	if ((e = buf_reserve(out, len + 1, &to)) != EC_OK)
		return e;
	memcpy(tag, from + NONCE + len, TAG);
	if ((ctx = EVP_CIPHER_CTX_new()) == NULL)
		return EC_ENOMEM;
	e = EC_ECORRUPT;
	if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, from) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)bound,
	    (int)strlen(bound)) != 1 ||
	    EVP_DecryptUpdate(ctx, to, &n, from + NONCE, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(ctx, to + len, &n) != 1)
		goto out;
	out->len += len;
	e = EC_OK;
out:
	EVP_CIPHER_CTX_free(ctx);
	return e;
}
