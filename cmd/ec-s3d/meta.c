#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "acl_request.h"
#include "meta.h"

#define USER "x-amz-meta-"
#define STORAGE_CLASS "x-amz-storage-class"
#define CHECKSUM "x-amz-checksum-"
#define LOCK "x-amz-object-lock-"

static const char *const content_headers[] = { "cache-control",
	"content-disposition", "content-encoding", "content-language",
	"content-type", "expires" };
enum { PARITY_MAX = 8 };	/* of half of 16 drives */
enum { CONTENT_HEADERS = sizeof(content_headers) / sizeof(char *) };

static enum s3_error
add(struct buf *meta, const char *name, const char *value, size_t len)
{
	return record_meta_add(meta, name, value, len) == EC_OK ? S3_OK :
	    S3_METADATA_TOO_LARGE;
}

/* The coding "aws-chunked" is the request's, not the object's. */
static enum s3_error
add_encoding(struct buf *meta, const char *value)
{
	char kept[256];
	size_t n = 0, len;

	for (; *value != '\0'; value += len + (value[len] == ',')) {
		value += strspn(value, " ");
		len = strcspn(value, ",");
		if (len == 11 && strncasecmp(value, "aws-chunked", len) == 0)
			continue;
		if (n + len + 3 > sizeof(kept))
			return S3_METADATA_TOO_LARGE;
		if (n > 0) {
			kept[n++] = ',';
			kept[n++] = ' ';
		}
		memcpy(kept + n, value, len);
		n += len;
	}
	return n > 0 ? add(meta, "content-encoding", kept, n) : S3_OK;
}

/* All x-amz-meta-* of one name make one value, joined by commas. */
static enum s3_error
add_user(struct buf *meta, const struct http_header *h, unsigned n, unsigned i,
    size_t *total)
{
	struct buf value = BUF_INIT(META_USER_MAX);
	char name[META_USER_MAX + sizeof(USER)];
	enum s3_error e = S3_METADATA_TOO_LARGE;
	size_t len = strlen(h[i].name), k;
	unsigned other;

	for (other = 0; other < i; other++)
		if (strcasecmp(h[other].name, h[i].name) == 0)
			return S3_OK;	/* was in the first one's */
	if (len >= sizeof(name))
		return e;
	for (k = 0; k <= len; k++)
		name[k] = (char)tolower((unsigned char)h[i].name[k]);
	for (other = i; other < n; other++)
		if (strcasecmp(h[other].name, h[i].name) == 0 &&
		    ((other > i && buf_add(&value, ",", 1) != EC_OK) ||
		    buf_add_str(&value, h[other].value) != EC_OK))
			goto out;
	*total += len - strlen(USER) + value.len;
	if (*total <= META_USER_MAX)
		e = add(meta, name, buf_str(&value), value.len);
out:
	buf_release(&value);
	return e;
}

/* "EC:m" with 0 <= m <= PARITY_MAX. */
static bool
class_parity(const char *class, int *out)
{
	if (strncmp(class, "EC:", 3) != 0 || class[3] < '0' ||
	    class[3] > '0' + PARITY_MAX || class[4] != '\0')
		return false;
	*out = class[3] - '0';
	return true;
}

enum s3_error
meta_add_class(struct buf *meta, const char *class)
{
	int parity;

	if (strcmp(class, "STANDARD") == 0)
		return S3_OK;
	if (strcmp(class, "REDUCED_REDUNDANCY") != 0 &&
	    !class_parity(class, &parity))
		return S3_INVALID_STORAGE_CLASS;
	return record_meta_set(meta, STORAGE_CLASS, class, strlen(class)) ==
	    EC_OK ? S3_OK : S3_METADATA_TOO_LARGE;
}

static enum s3_error
add_header(struct buf *meta, const struct http_header *h, unsigned n,
    unsigned i, size_t *user)
{
	const char *name = h[i].name, *value = h[i].value;
	unsigned k;

	if (strncasecmp(name, USER, strlen(USER)) == 0)
		return add_user(meta, h, n, i, user);
	if (strcasecmp(name, STORAGE_CLASS) == 0)
		return meta_add_class(meta, value);
	if (strcasecmp(name, "content-encoding") == 0)
		return add_encoding(meta, value);
	for (k = 0; k < CONTENT_HEADERS; k++)
		if (strcasecmp(name, content_headers[k]) == 0)
			return add(meta, content_headers[k], value,
			    strlen(value));
	return S3_OK;
}

enum s3_error
meta_from_headers(const struct http_header *h, unsigned n, struct buf *meta)
{
	size_t user = 0;
	unsigned i;
	enum s3_error e = S3_OK;

	for (i = 0; i < n && e == S3_OK; i++)
		e = add_header(meta, h, n, i, &user);
	return e;
}

enum s3_error
meta_from_request(struct call *c, struct buf *meta)
{
	const struct http_header *h;
	unsigned n = http_headers(c->x, &h);
	enum s3_error e = meta_from_headers(h, n, meta);

	return e == S3_OK ? acl_request_object(c, meta) : e;
}

enum s3_error
meta_add_checksum(struct buf *meta, enum s3_checksum_kind kind,
    const char *value, const char *type)
{
	const char sum[2] = { (char)kind, type[0] };
	enum s3_error e;

	if (kind == S3_CHECKSUM_NONE)
		return S3_OK;
	if ((e = add(meta, s3_checksum_header(kind), value, strlen(value))) !=
	    S3_OK ||
	    (e = add(meta, RECORD_META_SUM, sum, sizeof(sum))) != S3_OK)
		return e;
	return add(meta, "x-amz-checksum-type", type, strlen(type));
}

bool
meta_listed_sum(const uint8_t *meta, size_t len, const char **algorithm,
    const char **type)
{
	size_t n = 0;
	const uint8_t *sum = record_meta_get(meta, len, RECORD_META_SUM, &n);

	if (sum == NULL || n != 2 || sum[0] == S3_CHECKSUM_NONE ||
	    sum[0] >= S3_CHECKSUM_KINDS)
		return false;
	*algorithm = s3_checksum_name((enum s3_checksum_kind)sum[0]);
	*type = sum[1] == 'C' ? "COMPOSITE" : "FULL_OBJECT";
	return true;
}

bool
meta_text(const struct buf *meta, const char *name, char *out, size_t size)
{
	size_t len = 0;
	const uint8_t *p = record_meta_get(meta->data, meta->len, name, &len);

	if (p == NULL)
		return false;
	if (len >= size)
		len = size - 1;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

enum s3_checksum_kind
meta_checksum(const struct buf *meta, char *value, size_t size)
{
	unsigned i;

	for (i = 1; i < S3_CHECKSUM_KINDS; i++)
		if (meta_text(meta, s3_checksum_header(
		    (enum s3_checksum_kind)i), value, size))
			return (enum s3_checksum_kind)i;
	return S3_CHECKSUM_NONE;
}

int
meta_parity(const struct buf *meta)
{
	char class[32];
	int parity;

	if (!meta_text(meta, STORAGE_CLASS, class, sizeof(class)))
		return -1;
	return class_parity(class, &parity) ? parity : 1;
}

/* response-content-type and so on take the place of what is stored. */
static const char *
override(struct call *c, const char *name)
{
	char parameter[META_USER_MAX + 32];

	snprintf(parameter, sizeof(parameter), "response-%s", name);
	return request_query(&c->rq, parameter);
}

static enum s3_error
answer_overrides(struct call *c)
{
	unsigned k;

	for (k = 0; k < CONTENT_HEADERS; k++) {
		const char *v = override(c, content_headers[k]);

		if (v != NULL && c->who.user == NULL)
			return call_fail(c, S3_INVALID_REQUEST, "Request "
			    "specific response headers cannot be used for "
			    "anonymous GET requests.");
		if (v != NULL && http_answer_header(c->x, content_headers[k],
		    v) != EC_OK)
			return S3_INVALID_ARGUMENT;
	}
	return S3_OK;
}

/* x-amz-tagging-count: how many pairs there are. */
static enum s3_error
answer_tag_count(struct call *c, const struct buf *meta)
{
	size_t len, i;
	const uint8_t *tags = record_meta_get(meta->data, meta->len,
	    META_TAGGING, &len);
	unsigned n = 1;
	char text[16];

	if (tags == NULL || len == 0)
		return S3_OK;
	for (i = 0; i < len; i++)
		n += tags[i] == '&';
	snprintf(text, sizeof(text), "%u", n);
	return http_answer_header(c->x, "x-amz-tagging-count", text) ==
	    EC_OK ? S3_OK : S3_SLOW_DOWN;
}

enum s3_error
meta_answer(struct call *c, const struct buf *meta, bool checksum)
{
	struct buf value = BUF_INIT(RECORD_META_MAX);
	char name[META_USER_MAX + sizeof(USER)];
	const char *p;
	const uint8_t *v;
	size_t pos = 0, name_len, len;
	enum s3_error e = answer_overrides(c);
	bool typed = override(c, "content-type") != NULL;

	while (e == S3_OK && record_meta_next(meta->data, meta->len, &pos, &p,
	    &name_len, &v, &len)) {
		if (name_len >= sizeof(name))
			continue;
		memcpy(name, p, name_len);
		name[name_len] = '\0';
		if (name[0] == '.' || override(c, name) != NULL || (!checksum &&
		    strncmp(name, CHECKSUM, strlen(CHECKSUM)) == 0))
			continue;
		typed = typed || strcmp(name, "content-type") == 0;
		value.len = 0;
		if (buf_add(&value, v, len) != EC_OK ||
		    http_answer_header(c->x, name, buf_str(&value)) != EC_OK)
			e = S3_SLOW_DOWN;
	}
	if (e == S3_OK)
		e = answer_tag_count(c, meta);
	if (e == S3_OK && !typed && http_answer_header(c->x, "content-type",
	    "binary/octet-stream") != EC_OK)
		e = S3_SLOW_DOWN;
	buf_release(&value);
	return e;
}

enum s3_error
meta_copy(struct buf *to, const struct buf *from)
{
	char name[META_USER_MAX + sizeof(USER)];
	const char *p;
	const uint8_t *v;
	size_t pos = 0, name_len, len;
	enum s3_error e = S3_OK;

	while (e == S3_OK && record_meta_next(from->data, from->len, &pos, &p,
	    &name_len, &v, &len)) {
		if (name_len >= sizeof(name))
			continue;
		memcpy(name, p, name_len);
		name[name_len] = '\0';
		if (name[0] == '.' ||
		    strncmp(name, CHECKSUM, strlen(CHECKSUM)) == 0 ||
		    strcmp(name, STORAGE_CLASS) == 0 ||
		    strncmp(name, LOCK, strlen(LOCK)) == 0)
			continue;
		e = add(to, name, (const char *)v, len);
	}
	return e;
}
