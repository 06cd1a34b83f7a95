#include <string.h>
#include <strings.h>

#include "base/checksum.h"
#include "base64.h"
#include "s3_checksum.h"

#define PREFIX "x-amz-checksum-"

/* The polynomials are reflected, as the checksums are. */
static const struct {
	const char *name, *element, *header;
	size_t bytes;
	uint64_t polynomial;
} kinds[S3_CHECKSUM_KINDS] = {
	[S3_CHECKSUM_NONE] = { "", "", "", 0, 0 },
	[S3_CHECKSUM_CRC32] = { "CRC32", "ChecksumCRC32", PREFIX "crc32", 4,
	    0xedb88320 },
	[S3_CHECKSUM_CRC32C] = { "CRC32C", "ChecksumCRC32C", PREFIX "crc32c",
	    4, 0x82f63b78 },
	[S3_CHECKSUM_CRC64NVME] = { "CRC64NVME", "ChecksumCRC64NVME",
	    PREFIX "crc64nvme", 8, 0x9a6c9329ac4bc9b5 },
	[S3_CHECKSUM_SHA1] = { "SHA1", "ChecksumSHA1", PREFIX "sha1", 20, 0 },
	[S3_CHECKSUM_SHA256] = { "SHA256", "ChecksumSHA256", PREFIX "sha256",
	    32, 0 },
	[S3_CHECKSUM_SHA512] = { "SHA512", "ChecksumSHA512", PREFIX "sha512",
	    64, 0 },
	[S3_CHECKSUM_MD5] = { "MD5", "ChecksumMD5", PREFIX "md5", 16, 0 },
};

const char *
s3_checksum_name(enum s3_checksum_kind kind)
{
	return kinds[kind].name;
}

const char *
s3_checksum_element(enum s3_checksum_kind kind)
{
	return kinds[kind].element;
}

const char *
s3_checksum_header(enum s3_checksum_kind kind)
{
	return kinds[kind].header;
}

size_t
s3_checksum_bytes(enum s3_checksum_kind kind)
{
	return kinds[kind].bytes;
}

bool
s3_checksum_is_crc(enum s3_checksum_kind kind)
{
	return kinds[kind].polynomial != 0;
}

enum s3_checksum_kind
s3_checksum_by_name(const char *name)
{
	unsigned i;

	for (i = 1; i < S3_CHECKSUM_KINDS; i++)
		if (strcasecmp(kinds[i].name, name) == 0)
			return (enum s3_checksum_kind)i;
	return S3_CHECKSUM_NONE;
}

enum s3_checksum_kind
s3_checksum_by_header(const char *header)
{
	return strncasecmp(header, PREFIX, sizeof(PREFIX) - 1) == 0 ?
	    s3_checksum_by_name(header + sizeof(PREFIX) - 1) :
	    S3_CHECKSUM_NONE;
}

enum err
s3_checksum_init(struct s3_checksum *c, enum s3_checksum_kind kind)
{
	*c = (struct s3_checksum){ .kind = kind };
	if (kind == S3_CHECKSUM_SHA1)
		return digest_new(&c->digest, DIGEST_SHA1);
	if (kind == S3_CHECKSUM_SHA256)
		return digest_new(&c->digest, DIGEST_SHA256);
	if (kind == S3_CHECKSUM_SHA512)
		return digest_new(&c->digest, DIGEST_SHA512);
	if (kind == S3_CHECKSUM_MD5)
		return digest_new(&c->digest, DIGEST_MD5);
	return EC_OK;
}

void
s3_checksum_release(struct s3_checksum *c)
{
	digest_free(c->digest);
	*c = (struct s3_checksum){ .kind = S3_CHECKSUM_NONE };
}

void
s3_checksum_update(struct s3_checksum *c, const void *buf, size_t len)
{
	if (c->kind == S3_CHECKSUM_CRC32)
		c->crc = checksum_crc32((uint32_t)c->crc, buf, len);
	else if (c->kind == S3_CHECKSUM_CRC32C)
		c->crc = checksum_crc32c((uint32_t)c->crc, buf, len);
	else if (c->kind == S3_CHECKSUM_CRC64NVME)
		c->crc = checksum_crc64nvme(c->crc, buf, len);
	else if (c->digest != NULL)
		digest_update(c->digest, buf, len);
}

static void
crc_text(char *out, uint64_t crc, size_t bytes)
{
	uint8_t raw[8];
	size_t i;

	for (i = 0; i < bytes; i++)
		raw[i] = (uint8_t)(crc >> 8 * (bytes - 1 - i));
	base64_encode(out, raw, bytes);
}

static uint64_t
crc_value(const char *text, size_t bytes)
{
	uint8_t raw[8] = { 0 };
	uint64_t v = 0;
	size_t i;

	if (base64_decode(raw, bytes, text) != EC_OK)
		return 0;
	for (i = 0; i < bytes; i++)
		v = v << 8 | raw[i];
	return v;
}

void
s3_checksum_final(struct s3_checksum *c, char out[S3_CHECKSUM_TEXT_BYTES])
{
	uint8_t raw[DIGEST_BYTES_MAX];

	out[0] = '\0';
	if (s3_checksum_is_crc(c->kind)) {
		crc_text(out, c->crc, kinds[c->kind].bytes);
	} else if (c->digest != NULL) {
		digest_final(c->digest, raw);
		base64_encode(out, raw, kinds[c->kind].bytes);
	}
}

bool
s3_checksum_valid(enum s3_checksum_kind kind, const char *text,
    uint8_t raw[S3_CHECKSUM_BYTES_MAX])
{
	uint8_t scratch[S3_CHECKSUM_BYTES_MAX];

	return kind != S3_CHECKSUM_NONE && base64_decode(raw != NULL ? raw :
	    scratch, kinds[kind].bytes, text) == EC_OK;
}

/* Multiply two residues modulo the polynomial; in the reflected order bit 0 is
 * the highest power, and one is the top bit of ${bits}. */
static uint64_t
multiply(uint64_t a, uint64_t b, uint64_t polynomial, unsigned bits)
{
	uint64_t product = 0, mask;

	for (mask = UINT64_C(1) << (bits - 1); mask != 0; mask >>= 1) {
		if (a & mask)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? polynomial : 0);
	}
	return product;
}

/* crc(AB) = crc(A) * x^(8 len B) + crc(B): the inversions before and after
 * cancel out. */
void
s3_checksum_combine(enum s3_checksum_kind kind,
    char first[S3_CHECKSUM_TEXT_BYTES], const char *second,
    uint64_t second_len)
{
	unsigned bits = (unsigned)kinds[kind].bytes * 8;
	uint64_t polynomial = kinds[kind].polynomial;
	uint64_t power = UINT64_C(1) << (bits - 1);		/* one */
	uint64_t square = UINT64_C(1) << (bits - 1 - 8);	/* x^8 */
	uint64_t crc = crc_value(first, bits / 8);

	for (; second_len != 0; second_len >>= 1) {
		if (second_len & 1)
			power = multiply(power, square, polynomial, bits);
		square = multiply(square, square, polynomial, bits);
	}
	crc = multiply(crc, power, polynomial, bits) ^
	    crc_value(second, bits / 8);
	crc_text(first, crc, bits / 8);
}
