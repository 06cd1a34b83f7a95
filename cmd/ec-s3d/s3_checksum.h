/* s3_checksum: the additional checksums of S3, computed while data streams,
 * as base64 texts in x-amz-checksum-* headers and trailers. */
#ifndef S3_CHECKSUM_H
#define S3_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

enum s3_checksum_kind {	/* these numbers are stored */
	S3_CHECKSUM_NONE,
	S3_CHECKSUM_CRC32,
	S3_CHECKSUM_CRC32C,
	S3_CHECKSUM_CRC64NVME,
	S3_CHECKSUM_SHA1,
	S3_CHECKSUM_SHA256,
	S3_CHECKSUM_SHA512,
	S3_CHECKSUM_MD5,
	S3_CHECKSUM_KINDS
};

enum { S3_CHECKSUM_BYTES_MAX = 64, S3_CHECKSUM_TEXT_BYTES = 89 };

struct s3_checksum {	/* one running checksum; one thread at a time */
	enum s3_checksum_kind kind;
	uint64_t crc;
	struct digest *digest;
};

/* What an object gets for which the client asked for none. */
#define S3_CHECKSUM_DEFAULT S3_CHECKSUM_CRC64NVME

/* "CRC32C", "ChecksumCRC32C", "x-amz-checksum-crc32c", raw bytes. */
const char *s3_checksum_name(enum s3_checksum_kind kind);
const char *s3_checksum_element(enum s3_checksum_kind kind);
const char *s3_checksum_header(enum s3_checksum_kind kind);
size_t s3_checksum_bytes(enum s3_checksum_kind kind);
bool s3_checksum_is_crc(enum s3_checksum_kind kind);

/* Any case; S3_CHECKSUM_NONE when unknown. */
enum s3_checksum_kind s3_checksum_by_name(const char *name);
enum s3_checksum_kind s3_checksum_by_header(const char *header);

/* Start one; s3_checksum_release it.  S3_CHECKSUM_NONE computes nothing.
 * Errors: EC_ENOMEM. */
enum err s3_checksum_init(struct s3_checksum *c, enum s3_checksum_kind kind);
void s3_checksum_release(struct s3_checksum *c);
void s3_checksum_update(struct s3_checksum *c, const void *buf, size_t len);

/* The checksum of all so far in base64; "" for NONE.  Ends it. */
void s3_checksum_final(struct s3_checksum *c,
    char out[S3_CHECKSUM_TEXT_BYTES]);

/* Is ${text} a well-formed value?  ${raw} (may be NULL) takes its bytes. */
bool s3_checksum_valid(enum s3_checksum_kind kind, const char *text,
    uint8_t raw[S3_CHECKSUM_BYTES_MAX]);

/* The CRC of two pieces one behind the other, from theirs and the length of
 * the second, as texts.  ${kind} is a CRC and both texts are valid. */
void s3_checksum_combine(enum s3_checksum_kind kind,
    char first[S3_CHECKSUM_TEXT_BYTES], const char *second,
    uint64_t second_len);

#endif
