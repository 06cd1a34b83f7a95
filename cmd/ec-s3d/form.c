#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "form.h"

enum { PART_HEAD_MAX = 4096 };

/* More of the body behind what is unread.  false at its end. */
static enum s3_error
fill(struct form *f, bool *more)
{
	size_t got;
	enum err e;

	if (f->at > 0)
		memmove(f->buf, f->buf + f->at, f->end - f->at);
	f->end -= f->at;
	f->at = 0;
	*more = false;
	if (f->end == f->size)
		return S3_MALFORMED_POST;
	e = http_read(f->x, f->buf + f->end, f->size - f->end, &got);
	if (e != EC_OK)
		return e == EC_ETIMEDOUT ? S3_REQUEST_TIMEOUT :
		    S3_INCOMPLETE_BODY;
	f->end += got;
	*more = got > 0;
	return S3_OK;
}

/* Have at least ${n} unread bytes. */
static enum s3_error
need(struct form *f, size_t n)
{
	enum s3_error e = S3_OK;
	bool more;

	while (f->end - f->at < n) {
		if ((e = fill(f, &more)) != S3_OK)
			return e;
		if (!more)
			return S3_MALFORMED_POST;
	}
	return S3_OK;
}

static enum s3_error
boundary_find(struct form *f)
{
	static const char kind[] = "multipart/form-data";
	const char *type = http_header(f->x, "Content-Type");
	const char *at;
	size_t len;

	if (type == NULL || strncasecmp(type, kind, sizeof(kind) - 1) != 0 ||
	    (at = strcasestr(type, "boundary=")) == NULL)
		return S3_MALFORMED_POST;
	at += 9;
	len = at[0] == '"' ? strcspn(++at, "\"") : strcspn(at, "; ");
	if (len < 1 || len > 70)
		return S3_MALFORMED_POST;
	memcpy(f->delimiter, "\r\n--", 4);
	memcpy(f->delimiter + 4, at, len);
	f->delimiter_len = len + 4;
	return S3_OK;
}

/* A parameter of Content-Disposition, in memory of its own. */
static char *
parameter(const char *head, const char *name)
{
	const char *line = strcasestr(head, "content-disposition:");
	size_t len = strlen(name), eol, n;
	const char *at;

	if (line == NULL)
		return NULL;
	eol = strcspn(line, "\r\n");
	for (at = line; (at = strchr(at, ';')) != NULL && at < line + eol;) {
		at += 1 + strspn(at + 1, " ");
		if (strncasecmp(at, name, len) != 0 || at[len] != '=')
			continue;
		at += len + 1;
		n = at[0] == '"' ? strcspn(++at, "\"\r\n") :
		    strcspn(at, ";\r\n");
		return strndup(at, n);
	}
	return NULL;
}

/* The head of the next part, or the end of the body. */
static enum s3_error
part_head(struct form *f, char head[PART_HEAD_MAX], bool *last)
{
	const uint8_t *stop = NULL;
	size_t len;
	bool more;
	enum s3_error e = need(f, 2);

	if (e != S3_OK)
		return e;
	*last = memcmp(f->buf + f->at, "--", 2) == 0;
	while (!*last && (stop = memmem(f->buf + f->at, f->end - f->at,
	    "\r\n\r\n", 4)) == NULL) {
		if (f->end - f->at >= PART_HEAD_MAX)
			return S3_MALFORMED_POST;
		if ((e = fill(f, &more)) != S3_OK || !more)
			return e != S3_OK ? e : S3_MALFORMED_POST;
	}
	if (*last)
		return S3_OK;
	len = (size_t)(stop - (f->buf + f->at));
	if (len >= PART_HEAD_MAX || memchr(f->buf + f->at, '\0', len) != NULL)
		return S3_MALFORMED_POST;
	memcpy(head, f->buf + f->at, len);
	head[len] = '\0';
	f->at += len + 4;
	return S3_OK;
}

enum s3_error
form_read(struct form *f, const uint8_t **out, size_t *len)
{
	const uint8_t *stop;
	bool more;
	enum s3_error e;

	*len = 0;
	while (!f->ended) {
		stop = memmem(f->buf + f->at, f->end - f->at, f->delimiter,
		    f->delimiter_len);
		*out = f->buf + f->at;
		if (stop != NULL) {
			*len = (size_t)(stop - *out);
			f->at += *len + f->delimiter_len;
			f->ended = true;
			return S3_OK;
		}
		if (f->end - f->at > f->delimiter_len) {
			*len = f->end - f->at - f->delimiter_len;
			f->at += *len;
			return S3_OK;
		}
		if ((e = fill(f, &more)) != S3_OK || !more)
			return e != S3_OK ? e : S3_INCOMPLETE_BODY;
	}
	return S3_OK;
}

static enum s3_error
field_take(struct form *f, char *name)
{
	struct http_header *h = &f->field[f->fields];
	char *value = NULL, *grown;
	const uint8_t *p;
	size_t used = 0, len;
	enum s3_error e;

	f->ended = false;
	do {
		if ((e = form_read(f, &p, &len)) != S3_OK)
			break;
		f->bytes += len;
		if (f->bytes > FORM_BYTES_MAX ||
		    (len > 0 && memchr(p, '\0', len) != NULL)) {
			e = S3_MALFORMED_POST;
			break;
		}
		if ((grown = realloc(value, used + len + 1)) == NULL) {
			e = S3_SLOW_DOWN;
			break;
		}
		value = grown;
		if (len > 0)
			memcpy(value + used, p, len);
		used += len;
		value[used] = '\0';
	} while (!f->ended);
	if (e != S3_OK) {
		free(value);
		free(name);
		return e;
	}
	*h = (struct http_header){ name, value };
	f->fields++;
	return S3_OK;
}

enum s3_error
form_open(struct form *f, struct http_exchange *x, uint8_t *buf, size_t size)
{
	char head[PART_HEAD_MAX], *name;
	const uint8_t *p;
	size_t len;
	bool last;
	enum s3_error e;

	*f = (struct form){ .x = x, .buf = buf, .size = size };
	if ((e = boundary_find(f)) != S3_OK)
		return e;
	memcpy(f->buf, "\r\n", 2);	/* before the first boundary */
	f->end = 2;
	do {
		e = form_read(f, &p, &len);
	} while (e == S3_OK && !f->ended);
	while (e == S3_OK && (e = part_head(f, head, &last)) == S3_OK) {
		if (last)
			return S3_INVALID_ARGUMENT;
		name = parameter(head, "name");
		f->bytes += strlen(head);
		if (name == NULL || f->fields == FORM_FIELDS_MAX) {
			free(name);
			return S3_MALFORMED_POST;
		}
		if (strcasecmp(name, "file") == 0) {
			free(name);
			f->filename = parameter(head, "filename");
			f->ended = false;
			return S3_OK;
		}
		e = field_take(f, name);
	}
	return e;
}

void
form_release(struct form *f)
{
	while (f->fields > 0) {
		struct http_header *h = &f->field[--f->fields];

		free((void *)(uintptr_t)h->name);
		free((void *)(uintptr_t)h->value);
	}
	free(f->filename);
	f->filename = NULL;
}

const char *
form_get(const struct form *f, const char *name)
{
	for (unsigned i = 0; i < f->fields; i++)
		if (strcasecmp(f->field[i].name, name) == 0)
			return f->field[i].value;
	return NULL;
}
