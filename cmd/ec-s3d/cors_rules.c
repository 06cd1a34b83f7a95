#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "cors_rules.h"

static const char *const names[CORS_FIELDS] = { "ID", "AllowedMethod",
	"AllowedOrigin", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds" };

void
cors_rules_release(struct cors_rules *r)
{
	while (r->n > 0)
		free(r->item[--r->n].text);
}

static bool
has(const struct cors_rules *r, unsigned rule, enum cors_field field)
{
	for (unsigned i = r->n; i-- > 0 && r->item[i].rule == rule;)
		if (r->item[i].field == field)
			return true;
	return false;
}

bool
cors_rules_method(const char *text)
{
	static const char *const methods[] = { "GET", "PUT", "HEAD", "POST",
		"DELETE" };

	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(text, methods[i]) == 0)
			return true;
	return false;
}

static enum s3_error
bad(struct cors_rules *r, const char *why, const char *text)
{
	snprintf(r->bad, sizeof(r->bad), "%s: %.128s", why, text);
	return S3_INVALID_REQUEST;
}

static enum s3_error
item_check(struct cors_rules *r, enum cors_field field, const char *text)
{
	const char *star = strchr(text, '*');
	uint64_t n;

	if (field == CORS_METHOD && !cors_rules_method(text))
		return bad(r, "Found unsupported HTTP method in CORS config. "
		    "Unsupported method is", text);
	if ((field == CORS_ORIGIN || field == CORS_HEADER) && star != NULL &&
	    strchr(star + 1, '*') != NULL)
		return bad(r, "There can not be more than one wildcard in",
		    text);
	if (field == CORS_EXPOSE && star != NULL)
		return bad(r, "An ExposeHeader can not contain a wildcard",
		    text);
	if (field == CORS_MAX_AGE && num_parse(&n, text, 0, INT32_MAX) !=
	    EC_OK)
		return S3_MALFORMED_XML;
	return S3_OK;
}

static enum s3_error
item_add(struct cors_rules *r, enum cors_field field, const char *text)
{
	enum s3_error e = item_check(r, field, text);

	if (e != S3_OK)
		return e;
	if (r->n == CORS_ITEMS_MAX)
		return S3_MALFORMED_XML;
	r->item[r->n] = (struct cors_item){ r->rules - 1, field,
		strdup(text) };
	if (r->item[r->n].text == NULL)
		return S3_SLOW_DOWN;
	r->n++;
	return S3_OK;
}

enum s3_error
cors_rules_element(void *ctx, const char *path, const char *text)
{
	struct cors_rules *r = ctx;

	if (strncmp(path, "/CORSConfiguration", 18) != 0)
		return S3_MALFORMED_XML;
	path += 18;
	if (path[0] == '\0')
		return text == NULL || r->rules > 0 ? S3_OK :
		    S3_MALFORMED_XML;
	if (strncmp(path, "/CORSRule", 9) != 0)
		return S3_MALFORMED_XML;
	path += 9;
	if (path[0] == '\0' && text == NULL)
		return r->rules++ < CORS_RULES_MAX ? S3_OK : S3_MALFORMED_XML;
	if (path[0] == '\0')
		return has(r, r->rules - 1, CORS_METHOD) &&
		    has(r, r->rules - 1, CORS_ORIGIN) ? S3_OK :
		    S3_MALFORMED_XML;
	for (unsigned i = 0; path[0] == '/' && i < CORS_FIELDS; i++)
		if (strcmp(path + 1, names[i]) == 0)
			return text == NULL ? S3_OK : item_add(r,
			    (enum cors_field)i, text);
	return S3_MALFORMED_XML;
}

void
cors_rules_xml(const struct cors_rules *r, struct xml *x)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (i == 0 || r->item[i].rule != r->item[i - 1].rule)
			xml_open(x, "CORSRule");
		xml_text(x, names[r->item[i].field], r->item[i].text);
		if (i + 1 == r->n || r->item[i].rule != r->item[i + 1].rule)
			xml_close(x, "CORSRule");
	}
}

/* Does ${len} bytes of text match a pattern with at most one '*'? */
static bool
matches(const char *pattern, const char *text, size_t len, bool fold)
{
	int (*cmp)(const char *, const char *, size_t) = fold ? strncasecmp :
	    strncmp;
	const char *star = strchr(pattern, '*');
	size_t head, tail;

	if (star == NULL)
		return strlen(pattern) == len && cmp(pattern, text, len) == 0;
	head = (size_t)(star - pattern);
	tail = strlen(star + 1);
	return len >= head + tail && cmp(pattern, text, head) == 0 &&
	    cmp(star + 1, text + len - tail, tail) == 0;
}

/* Is one of the items of that field a match? */
static const char *
match(const struct cors_rules *r, unsigned rule, enum cors_field field,
    const char *text, size_t len)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->item[i].rule == rule && r->item[i].field == field &&
		    matches(r->item[i].text, text, len, field == CORS_HEADER))
			return r->item[i].text;
	return NULL;
}

static bool
headers_match(const struct cors_rules *r, unsigned rule, const char *list)
{
	size_t n, len;

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ',')) {
		list += strspn(list, " \t");
		n = len = strcspn(list, ",");
		while (len > 0 && (list[len - 1] == ' ' ||
		    list[len - 1] == '\t'))
			len--;
		if (len > 0 && match(r, rule, CORS_HEADER, list, len) == NULL)
			return false;
	}
	return true;
}

int
cors_rules_find(const struct cors_rules *r, const char *origin,
    const char *method, const char *headers, bool *any)
{
	for (unsigned i = 0; i < r->rules; i++) {
		const char *by = match(r, i, CORS_ORIGIN, origin,
		    strlen(origin));

		if (by == NULL || match(r, i, CORS_METHOD, method,
		    strlen(method)) == NULL || !headers_match(r, i, headers))
			continue;
		*any = strcmp(by, "*") == 0;
		return (int)i;
	}
	return -1;
}

enum err
cors_rules_join(const struct cors_rules *r, unsigned rule,
    enum cors_field field, struct buf *out)
{
	enum err e = EC_OK;

	out->len = 0;
	for (unsigned i = 0; i < r->n && e == EC_OK; i++) {
		if (r->item[i].rule != rule || r->item[i].field != field)
			continue;
		if (out->len > 0)
			e = buf_add_str(out, ", ");
		if (e == EC_OK)
			e = buf_add_str(out, r->item[i].text);
	}
	return e;
}
