#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigv4_canonical.h"

struct pair {
	const char *name, *value;	/* encoded */
};

static int
pair_cmp(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : strcmp(x->value, y->value);
}

/* Encoded texts go into one buffer; pointers are taken when it is complete. */
static enum err
query_sorted(struct buf *out, const struct request *rq)
{
	struct buf mem = BUF_INIT(SIGV4_CANONICAL_MAX);
	size_t at[REQUEST_QUERY_MAX][2];
	struct pair pairs[REQUEST_QUERY_MAX];
	unsigned i, n = 0;
	enum err e = EC_OK;

	for (i = 0; i < rq->query_count; i++) {
		const struct request_param *p = &rq->query[i];

		if (strcmp(p->name, "X-Amz-Signature") == 0)
			continue;
		at[n][0] = mem.len;
		if ((e = request_encode(&mem, p->name, false)) != EC_OK ||
		    (e = buf_add(&mem, "", 1)) != EC_OK)
			goto out;
		at[n][1] = mem.len;
		if ((e = request_encode(&mem, p->value, false)) != EC_OK ||
		    (e = buf_add(&mem, "", 1)) != EC_OK)
			goto out;
		n++;
	}
	for (i = 0; i < n; i++)
		pairs[i] = (struct pair){ (char *)mem.data + at[i][0],
			(char *)mem.data + at[i][1] };
	qsort(pairs, n, sizeof(pairs[0]), pair_cmp);
	for (i = 0; i < n && e == EC_OK; i++)
		e = buf_printf(out, "%s%s=%s", i > 0 ? "&" : "", pairs[i].name,
		    pairs[i].value);
out:
	buf_release(&mem);
	return e;
}

/* Blanks in a row count as one. */
static enum err
value_add(struct buf *out, const char *value)
{
	enum err e = EC_OK;
	size_t n;

	value += strspn(value, " ");
	while (*value != '\0' && e == EC_OK) {
		n = strcspn(value, " ");
		if ((e = buf_add(out, value, n)) != EC_OK)
			return e;
		value += n;
		n = strspn(value, " ");
		value += n;
		if (n > 0 && *value != '\0')
			e = buf_add(out, " ", 1);
	}
	return e;
}

static enum err
header_add(struct buf *out, const struct sigv4_request *in, const char *name,
    size_t len)
{
	bool first = true;
	unsigned i;
	enum err e;

	if ((e = buf_add(out, name, len)) != EC_OK ||
	    (e = buf_add(out, ":", 1)) != EC_OK)
		return e;
	for (i = 0; i < in->header_count; i++) {
		if (strlen(in->headers[i].name) != len ||
		    strncasecmp(in->headers[i].name, name, len) != 0)
			continue;
		if ((!first && (e = buf_add(out, ",", 1)) != EC_OK) ||
		    (e = value_add(out, in->headers[i].value)) != EC_OK)
			return e;
		first = false;
	}
	return buf_add(out, "\n", 1);
}

enum err
sigv4_canonical(struct buf *out, const struct sigv4_request *in,
    const char *signed_headers, const char *payload, enum sigv4_form form)
{
	const struct request *rq = in->rq;
	const char *p;
	size_t n;
	enum err e;

	if ((e = buf_printf(out, "%s\n", in->method)) != EC_OK ||
	    (e = form == SIGV4_BY_RULE ? request_encode(out, rq->path, true) :
	    buf_add_str(out, rq->raw_path)) != EC_OK ||
	    (e = buf_add(out, "\n", 1)) != EC_OK ||
	    (e = form == SIGV4_RAW_PATH_QUERY ?
	    buf_add_str(out, rq->raw_query) : query_sorted(out, rq)) != EC_OK ||
	    (e = buf_add(out, "\n", 1)) != EC_OK)
		return e;
	for (p = signed_headers; *p != '\0'; p += n + (p[n] == ';')) {
		n = strcspn(p, ";");
		if ((e = header_add(out, in, p, n)) != EC_OK)
			return e;
	}
	return buf_printf(out, "\n%s\n%s", signed_headers, payload);
}
