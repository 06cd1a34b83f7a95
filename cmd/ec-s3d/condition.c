#include <string.h>

#include "base/num.h"
#include "condition.h"
#include "s3_time.h"

bool
condition_etag_in(const char *list, const char *etag)
{
	size_t len = strlen(etag), n;

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		list += strspn(list, " \t");
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		n = strcspn(list, ",");
		if (*list == '*' && n == 1)
			return true;
		/* Some clients leave the quotes out. */
		if (n >= len + 2 && list[0] == '"' && list[len + 1] == '"' &&
		    strncmp(list + 1, etag, len) == 0)
			return true;
		if (n == len && strncmp(list, etag, len) == 0)
			return true;
	}
	return false;
}

enum s3_error
condition_check(const struct condition *c, const char *etag,
    uint64_t mtime_us)
{
	int64_t mtime = (int64_t)(mtime_us / 1000000), t;

	if (c->match != NULL) {
		if (!condition_etag_in(c->match, etag))
			return S3_PRECONDITION_FAILED;
	} else if (c->unmodified_since != NULL &&
	    s3_time_parse_http(&t, c->unmodified_since) == EC_OK && mtime > t) {
		return S3_PRECONDITION_FAILED;
	}
	if (c->none_match != NULL) {
		if (condition_etag_in(c->none_match, etag))
			return S3_NOT_MODIFIED;
	} else if (c->modified_since != NULL &&
	    s3_time_parse_http(&t, c->modified_since) == EC_OK && mtime <= t) {
		return S3_NOT_MODIFIED;
	}
	return S3_OK;
}

/* ${len} digits; UINT64_MAX when too large, which is no error in a range. */
static bool
digits(const char *p, size_t len, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v > (UINT64_MAX - 9) / 10 ? UINT64_MAX / 10 * 10 :
		    v * 10 + (uint64_t)(p[i] - '0');
	}
	*out = v;
	return len > 0;
}

enum s3_error
condition_range(const char *header, uint64_t size, bool *partial,
    uint64_t *start, uint64_t *len)
{
	const char *dash;
	uint64_t first, last = UINT64_MAX;

	*partial = false;
	*start = 0;
	*len = size;
	if (header == NULL || strncmp(header, "bytes=", 6) != 0)
		return S3_OK;
	header += 6;
	dash = strchr(header, '-');
	if (dash == NULL || (dash[1] != '\0' &&
	    !digits(dash + 1, strlen(dash + 1), &last)))
		return S3_OK;
	if (dash == header) {		/* the last bytes */
		if (dash[1] == '\0')
			return S3_OK;
		if (last == 0 || size == 0)
			return S3_INVALID_RANGE;
		*len = num_min(last, size);
		*start = size - *len;
		*partial = true;
		return S3_OK;
	}
	if (!digits(header, (size_t)(dash - header), &first) || last < first)
		return S3_OK;
	if (first >= size)
		return S3_INVALID_RANGE;
	*start = first;
	*len = num_min(last, size - 1) - first + 1;
	*partial = true;
	return S3_OK;
}

bool
condition_if_range(const char *header, const char *etag, uint64_t mtime_us)
{
	int64_t t;

	if (header == NULL)
		return true;
	if (s3_time_parse_http(&t, header) == EC_OK)
		return t == (int64_t)(mtime_us / 1000000);
	return header[0] == '"' && condition_etag_in(header, etag);
}
