/* form: a multipart/form-data body (RFC 7578) whose last part of interest is
 * "file": its fields first, then the file's bytes as they come. */
#ifndef FORM_H
#define FORM_H

#include "net/http_server.h"
#include "s3_error.h"

enum {
	FORM_FIELDS_MAX = 100,
	FORM_BYTES_MAX = 64 * 1024,	/* of all fields, with their names */
	FORM_BUFFER_MIN = 16 * 1024,
};

struct form {
	struct http_exchange *x;
	uint8_t *buf;			/* the caller's */
	size_t size, at, end;		/* unread: buf[at .. end) */
	char delimiter[80];		/* CR LF -- boundary */
	size_t delimiter_len, bytes;
	bool ended;			/* the file, or the body */
	struct http_header field[FORM_FIELDS_MAX];	/* names as sent */
	unsigned fields;
	char *filename;			/* of the file; NULL if none */
};

/* Read all fields before the file.  ${buf} of ${size} bytes is used until
 * form_release, which is to be called in every case.
 * Errors: S3_MALFORMED_POST, S3_INVALID_ARGUMENT (there is no file),
 * S3_INCOMPLETE_BODY. */
enum s3_error form_open(struct form *f, struct http_exchange *x, uint8_t *buf,
    size_t size);
void form_release(struct form *f);

/* The value of a field, any case; NULL if there is none. */
const char *form_get(const struct form *f, const char *name);

/* Some bytes of the file: *${out} leads into the buffer until the next call;
 * *${len} 0 at its end.  Errors: as form_open. */
enum s3_error form_read(struct form *f, const uint8_t **out, size_t *len);

#endif
