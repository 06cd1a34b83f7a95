/* GetObject, HeadObject. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "condition.h"
#include "handlers.h"
#include "meta.h"
#include "s3_time.h"

struct span {	/* the part of an object that was asked for */
	bool partial;
	uint64_t start, len;
	unsigned parts;		/* of a multipart object, with partNumber */
};

/* Open the version that the request names. */
static enum s3_error
open_object(struct call *c, struct get **g, struct object *o)
{
	const char *id = request_query(&c->rq, "versionId");
	struct stamp mem;
	const struct stamp *version;
	enum s3_error e;

	if ((e = call_version(c, id, &mem, &version)) != S3_OK)
		return e;
	e = call_store(c, store_get_open(c->server->store, c->rq.bucket,
	    c->rq.key, version, g, o));
	if (o->marker)
		http_answer_header(c->x, "x-amz-delete-marker", "true");
	if (o->marker || e == S3_OK)
		call_header_version(c, &o->version, o->null_version);
	if (e == S3_NO_SUCH_KEY && version != NULL)
		return S3_NO_SUCH_VERSION;
	if (e != S3_OK || !o->marker)
		return e;
	call_header_time(c, o);
	http_answer_header(c->x, "Allow", "DELETE");
	return S3_METHOD_NOT_ALLOWED;
}

/* ?partNumber=n: where part n of the object lies. */
static enum s3_error
part_span(const struct object *o, uint64_t number, struct span *s)
{
	uint32_t i;

	s->partial = true;
	s->start = 0;
	if (o->part_count == 0 && number == 1)	/* an empty object */
		return S3_OK;
	for (i = 0; i < o->part_count; i++) {
		if (i + 1 == number) {
			s->len = o->parts[i].size;
			s->parts = strchr(o->etag, '-') != NULL ?
			    o->part_count : 0;
			return S3_OK;
		}
		s->start += o->parts[i].size;
	}
	return S3_INVALID_PART_NUMBER;
}

static enum s3_error
span_find(struct call *c, const struct object *o, struct span *s)
{
	const char *range = http_header(c->x, "Range");
	uint64_t part;

	*s = (struct span){ .len = o->size };
	if (call_number(c, "partNumber", RECORD_PARTS_MAX, 0, &part) == S3_OK &&
	    part != 0)
		return part_span(o, part, s);
	if (range != NULL && !condition_if_range(http_header(c->x,
	    "If-Range"), o->etag, o->mtime_us))
		range = NULL;
	return condition_range(range, o->size, &s->partial, &s->start,
	    &s->len);
}

/* What is wrong whatever the object is. */
static enum s3_error
request_check(struct call *c)
{
	const char *part = request_query(&c->rq, "partNumber");
	uint64_t n;

	if (part == NULL)
		return S3_OK;
	if (num_parse(&n, part, 1, RECORD_PARTS_MAX) != EC_OK)
		return call_fail(c, S3_INVALID_ARGUMENT, "Part number must be "
		    "an integer between 1 and 10000, inclusive");
	return http_header(c->x, "Range") == NULL ? S3_OK : call_fail(c,
	    S3_INVALID_REQUEST, "Cannot specify both Range header and "
	    "partNumber query parameter");
}

static enum s3_error
conditions(struct call *c, const struct object *o)
{
	const struct condition want = {
		http_header(c->x, "If-Match"),
		http_header(c->x, "If-None-Match"),
		http_header(c->x, "If-Modified-Since"),
		http_header(c->x, "If-Unmodified-Since"),
	};

	return condition_check(&want, o->etag, o->mtime_us);
}

static enum s3_error
object_headers(struct call *c, const struct object *o, const struct span *s)
{
	const char *mode = http_header(c->x, "x-amz-checksum-mode");
	char text[96];

	http_answer_header(c->x, "Accept-Ranges", "bytes");
	if (s->partial && s->len > 0) {
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64
		    "/%" PRIu64, s->start, s->start + s->len - 1, o->size);
		http_answer_header(c->x, "Content-Range", text);
	}
	if (s->parts > 0) {
		snprintf(text, sizeof(text), "%u", s->parts);
		http_answer_header(c->x, "x-amz-mp-parts-count", text);
	}
	/* A checksum is of the whole object, never of a range. */
	return meta_answer(c, &o->meta, mode != NULL && s->len == o->size &&
	    strcmp(mode, "ENABLED") == 0);
}

static enum s3_error
send_object(struct call *c, struct get *g, const struct span *s)
{
	uint64_t at = s->start, end = s->start + s->len;
	enum s3_error e = S3_OK;
	const uint8_t *buf;
	bool begun = false;
	enum err r;
	size_t n;

	while (at < end) {
		if ((r = get_view(g, &buf, &n, at, end)) != EC_OK) {
			e = call_store(c, r);
			break;
		}
		/* The head waits for the first bytes to be good. */
		if (!begun)
			http_answer_start(c->x, s->partial ? 206 : 200,
			    s->len);
		begun = true;
		if (http_write(c->x, buf, n) != EC_OK)
			break;
		at += n;
	}
	if (e == S3_OK && !begun)
		http_answer_start(c->x, s->partial && s->len > 0 ? 206 : 200,
		    0);
	if (e == S3_OK && at == end)
		http_answer_end(c->x);
	return e;
}

static enum s3_error
get_or_head(struct call *c, bool head)
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	struct span s;
	enum s3_error e;

	if ((e = request_check(c)) != S3_OK ||
	    (e = open_object(c, head ? NULL : &g, &o)) != S3_OK)
		goto out;
	call_header_etag(c, o.etag);
	call_header_time(c, &o);
	if ((e = conditions(c, &o)) != S3_OK ||
	    (e = span_find(c, &o, &s)) != S3_OK ||
	    (e = object_headers(c, &o, &s)) != S3_OK)
		goto out;
	if (head) {
		http_answer_start(c->x, s.partial && s.len > 0 ? 206 : 200,
		    s.len);
		http_answer_end(c->x);
	} else {
		e = send_object(c, g, &s);
	}
out:
	get_free(g);
	object_release(&o);
	return e;
}

enum s3_error
handle_object_get(struct call *c)
{
	return get_or_head(c, false);
}

enum s3_error
handle_object_head(struct call *c)
{
	return get_or_head(c, true);
}
