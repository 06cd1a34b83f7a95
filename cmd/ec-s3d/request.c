#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "drive/record.h"
#include "request.h"
#include "set/set.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool
utf8_valid(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned n, i;
	uint32_t c;

	while (*p != '\0') {
		if (*p < 0x80) {
			p++;
			continue;
		}
		n = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
		if (*p < 0xc2 || *p > 0xf4)
			return false;
		c = *p++ & (0x3fU >> n);
		for (i = 0; i < n; i++, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*p & 0x3fU);
		}
		if ((n == 2 && c < 0x800) || (n == 3 && c < 0x10000) ||
		    (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
			return false;
	}
	return true;
}

enum s3_error
request_decode(char *out, const char *in, size_t len, bool plus)
{
	char *start = out;
	size_t i;
	int hi, lo;

	for (i = 0; i < len; i++) {
		if (in[i] == '+' && plus) {
			*out++ = ' ';
			continue;
		}
		if (in[i] != '%') {
			*out++ = in[i];
			continue;
		}
		if (len - i < 3 || (hi = hex_value(in[i + 1])) < 0 ||
		    (lo = hex_value(in[i + 2])) < 0 || hi + lo == 0)
			return S3_INVALID_URI;
		*out++ = (char)(hi << 4 | lo);
		i += 2;
	}
	*out = '\0';
	return utf8_valid(start) ? S3_OK : S3_INVALID_URI;
}

enum err
request_encode(struct buf *out, const char *text, bool slash)
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t *to;
	size_t n = 0;
	enum err e = buf_reserve(out, 3 * strlen(text) + 1, &to);

	if (e != EC_OK)
		return e;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.' || c == '~' || (c == '/' && slash)) {
			to[n++] = c;
			continue;
		}
		to[n++] = '%';
		to[n++] = (uint8_t)hex[c >> 4];
		to[n++] = (uint8_t)hex[c & 15];
	}
	to[n] = '\0';
	out->len += n;
	return EC_OK;
}

static enum s3_error
names_check(const char *bucket, const char *key)
{
	if (bucket[0] == '.' || (bucket[0] != '\0' &&
	    object_bucket_valid(bucket) != EC_OK))
		return S3_INVALID_BUCKET_NAME;
	if (strlen(key) > RECORD_KEY_MAX)
		return S3_KEY_TOO_LONG;
	return S3_OK;
}

enum s3_error
request_split(char *text, const char **bucket, const char **key)
{
	char *slash;

	if (text[0] == '/')
		text++;
	slash = strchr(text, '/');
	if (slash == NULL || slash == text || slash[1] == '\0')
		return S3_INVALID_ARGUMENT;
	*slash = '\0';
	*bucket = text;
	*key = slash + 1;
	return names_check(*bucket, *key);
}

/* The part of Host before ".domain", in ${out}; "" when it is not there. */
static void
host_bucket(char out[RECORD_BUCKET_MAX + 1], const char *host,
    const char *domain)
{
	size_t n, d, i;

	out[0] = '\0';
	if (host == NULL || domain == NULL || domain[0] == '\0')
		return;
	n = strcspn(host, ":");
	d = strlen(domain);
	if (n < d + 2 || strncasecmp(host + n - d, domain, d) != 0 ||
	    host[n - d - 1] != '.')
		return;
	n -= d + 1;
	if (n > RECORD_BUCKET_MAX)
		return;
	for (i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)host[i]);
	out[n] = '\0';
}

static enum s3_error
query_parse(struct request *r, const char *raw, char *mem)
{
	enum s3_error e;
	size_t len, name_len;

	for (; *raw != '\0'; raw += len + (raw[len] == '&')) {
		struct request_param *p = &r->query[r->query_count];

		len = strcspn(raw, "&");
		if (len == 0)
			continue;
		if (r->query_count == REQUEST_QUERY_MAX)
			return S3_INVALID_ARGUMENT;
		name_len = strcspn(raw, "=&");
		p->name = mem;
		if ((e = request_decode(mem, raw, name_len, true)) != S3_OK)
			return e;
		mem += name_len + 1;
		p->value = mem;
		*mem = '\0';
		if (name_len < len && (e = request_decode(mem,
		    raw + name_len + 1, len - name_len - 1, true)) != S3_OK)
			return e;
		mem += len - name_len + 1;
		r->query_count++;
	}
	return S3_OK;
}

enum s3_error
request_parse(struct request *out, const char *target, const char *host,
    const char *domain)
{
	size_t len = strlen(target), path_len = strcspn(target, "?");
	enum s3_error e;
	char *mem, *bucket, *slash, *query;

	memset(out, 0, sizeof(*out));
	out->bucket = out->key = out->path = out->raw_path = "";
	out->raw_query = "";
	if (target[0] != '/')
		return S3_INVALID_URI;
	/* Raw target, path, bucket with key, query: each at most its raw
	 * length, a NUL for each, and two more for each parameter. */
	mem = calloc(1, 4 * (len + 1) + RECORD_BUCKET_MAX + 2 +
	    2 * REQUEST_QUERY_MAX);
	if (mem == NULL)
		return S3_SLOW_DOWN;
	out->mem = mem;
	memcpy(mem, target, len);
	mem[path_len] = '\0';
	out->raw_path = mem;
	out->raw_query = path_len < len ? mem + path_len + 1 : "";
	mem += len + 1;

	if ((e = request_decode(mem, target, path_len, false)) != S3_OK)
		return e;
	out->path = mem;
	mem += path_len + 1;

	bucket = mem;
	host_bucket(bucket, host, domain);
	out->virtual_host = bucket[0] != '\0';
	if (out->virtual_host) {
		out->key = out->path + 1;
		query = bucket + strlen(bucket) + 1;
	} else {
		strcpy(bucket, out->path + 1);
		if ((slash = strchr(bucket, '/')) != NULL) {
			*slash = '\0';
			out->key = slash + 1;
		}
		query = bucket + path_len + 1;
	}
	out->bucket = bucket;
	if ((e = query_parse(out, out->raw_query, query)) != S3_OK)
		return e;
	return names_check(out->bucket, out->key);
}

void
request_release(struct request *r)
{
	free(r->mem);
	memset(r, 0, sizeof(*r));
}

const char *
request_query(const struct request *r, const char *name)
{
	unsigned i;

	for (i = 0; i < r->query_count; i++)
		if (strcmp(r->query[i].name, name) == 0)
			return r->query[i].value;
	return NULL;
}

unsigned
request_query_count(const struct request *r, const char *name)
{
	unsigned i, n = 0;

	for (i = 0; i < r->query_count; i++)
		n += strcmp(r->query[i].name, name) == 0;
	return n;
}
