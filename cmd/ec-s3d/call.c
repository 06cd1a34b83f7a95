#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "call.h"
#include "route.h"
#include "s3_time.h"

/* Version ids are opaque: what looks like one of another server (a UUID, a
 * ULID, those of AWS) is one of a version that is not there. */
enum { FOREIGN_ID_MIN = 20 };
#define ID_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789-_."

enum s3_error
call_fail(struct call *c, enum s3_error e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
	return e;
}

enum s3_error
call_store(struct call *c, enum err e)
{
	enum s3_error s = s3_error_from(e);

	if (s == S3_OK)
		return s;
	if (s3_error_status(s) >= 500) {
		log_warn("%s %s: %s: %s", c->id, c->rq.path, err_text(e),
		    store_complaint());
		if (store_complaint()[0] != '\0')
			return call_fail(c, s, "%s: %s", s3_error_text(s),
			    store_complaint());
	}
	return s;
}

enum s3_error
call_bucket(struct call *c, const struct bucket **out)
{
	*out = &c->bucket;
	return c->bucket.name[0] != '\0' ? S3_OK : call_store(c,
	    store_bucket_look(c->server->store, c->rq.bucket, &c->bucket));
}

enum s3_error
call_number(struct call *c, const char *name, uint64_t max, uint64_t none,
    uint64_t *out)
{
	const char *text = request_query(&c->rq, name);

	*out = none;
	if (text == NULL || text[0] == '\0')
		return S3_OK;
	return num_parse(out, text, 0, max) == EC_OK ? S3_OK :
	    call_fail(c, S3_INVALID_ARGUMENT,
	    "%s must be a number from 0 to %llu", name,
	    (unsigned long long)max);
}

enum s3_error
call_version(struct call *c, const char *text, struct stamp *mem,
    const struct stamp **out)
{
	*out = NULL;
	if (text == NULL || text[0] == '\0')
		return S3_OK;
	if (strcmp(text, "null") == 0) {
		*out = &get_null_version;
		return S3_OK;
	}
	*out = mem;
	if (stamp_parse(mem, text) == EC_OK)
		return S3_OK;
	/* No version has this stamp. */
	*mem = (struct stamp){ UINT64_MAX, UINT64_MAX };
	return strlen(text) >= FOREIGN_ID_MIN && text[strspn(text, ID_CHARS)]
	    == '\0' ? S3_OK : call_fail(c, S3_INVALID_ARGUMENT,
	    "Invalid version id specified");
}

/* What a result of the store means for the version that was named. */
static enum s3_error
named_result(struct call *c, enum err e, const struct stamp *version,
    const struct object *o)
{
	if (o->marker && (e == EC_OK || e == EC_ECONFLICT))
		return S3_METHOD_NOT_ALLOWED;
	return e == EC_ENOTFOUND && version != NULL ? S3_NO_SUCH_VERSION :
	    call_store(c, e);
}

enum s3_error
call_object(struct call *c, struct object *o)
{
	struct stamp mem;
	const struct stamp *version;
	enum s3_error e = call_version(c, request_query(&c->rq, "versionId"),
	    &mem, &version);

	return e != S3_OK ? e : named_result(c, store_get_open(
	    c->server->store, c->rq.bucket, c->rq.key, version, NULL, o),
	    version, o);
}

enum s3_error
call_amend(struct call *c, enum err (*change)(void *ctx, struct object *o),
    void *ctx, struct object *o)
{
	struct stamp mem;
	const struct stamp *version;
	enum s3_error e = call_version(c, request_query(&c->rq, "versionId"),
	    &mem, &version);

	return e != S3_OK ? e : named_result(c, store_amend(c->server->store,
	    c->rq.bucket, c->rq.key, version, change, ctx, o), version, o);
}

static enum err
exchange_read(void *ctx, void *buf, size_t max, size_t *got)
{
	return http_read(ctx, buf, max, got);
}

static enum s3_error
open_body(struct call *c, struct body *b, enum s3_checksum_kind extra,
    bool of_object)
{
	struct body_source source = { c->x, exchange_read };
	struct body_head head = {
		.content_length = http_content_length(c->x),
		.auth = &c->auth,
		.no_checksum = of_object,
	};

	head.header_count = http_headers(c->x, &head.headers);
	return body_open(b, &head, &source, extra);
}

enum s3_error
call_body(struct call *c, struct body *b, enum s3_checksum_kind extra)
{
	return open_body(c, b, extra, false);
}

enum s3_error
call_xml(struct call *c, size_t max, enum call_xml kind, xml_element *element,
    void *ctx)
{
	struct body b = BODY_INIT;
	struct xml_reader *r = NULL;
	uint8_t *buf = NULL;
	size_t got;
	enum s3_error e;

	if ((e = open_body(c, &b, S3_CHECKSUM_NONE,
	    kind == CALL_XML_OF_OBJECT)) != S3_OK ||
	    (e = call_buffer(c, &buf)) != S3_OK ||
	    (e = xml_reader_new(&r, element, ctx)) != S3_OK)
		goto out;
	if (kind == CALL_XML_DIGEST && !body_has_digest(&b)) {
		e = call_fail(c, S3_INVALID_REQUEST,
		    "Missing required header for this request: Content-MD5 "
		    "or x-amz-checksum-*");
		goto out;
	}
	do {
		if ((e = body_read(&b, buf, SERVER_BUFFER_BYTES, &got)) !=
		    S3_OK)
			break;
		if (b.received > max) {
			e = S3_MALFORMED_XML;
			break;
		}
		e = xml_reader_feed(r, buf, got, got == 0);
	} while (e == S3_OK && got > 0);
out:
	xml_reader_free(r);
	call_buffer_put(c, buf);
	body_release(&b);
	return e;
}

enum s3_error
call_buffer(struct call *c, uint8_t **out)
{
	return mem_pool_get(c->server->buffers, out, SERVER_BUFFER_WAIT_MS) ==
	    EC_OK ? S3_OK : S3_SLOW_DOWN;
}

void
call_buffer_put(struct call *c, uint8_t *buf)
{
	if (buf != NULL)
		mem_pool_put(c->server->buffers, buf);
}

enum s3_error
call_answer(struct call *c, unsigned status)
{
	http_answer(c->x, status, NULL, 0);
	return S3_OK;
}

enum s3_error
call_answer_xml(struct call *c, struct xml *x, const char *root)
{
	return call_answer_xml_as(c, 200, x, root);
}

enum s3_error
call_answer_xml_as(struct call *c, unsigned status, struct xml *x,
    const char *root)
{
	enum err e = xml_end(x, root);

	if (e == EC_OK)
		e = http_answer_header(c->x, "Content-Type",
		    "application/xml");
	if (e == EC_OK)
		http_answer(c->x, status, x->buf.data, x->buf.len);
	xml_release(x);
	return s3_error_from(e);
}

/* Error answers to HEAD, and 304, have no body. */
void
call_answer_error(struct call *c, enum s3_error e)
{
	struct xml x = XML_INIT;
	bool sts = c->rq.bucket != NULL && c->rq.bucket[0] == '\0' &&
	    strcmp(http_method(c->x), "POST") == 0;
	const char *root = sts ? "ErrorResponse" : "Error";

	if (sts) {
		xml_begin_sts(&x, root);
		xml_open(&x, "Error");
		xml_text(&x, "Type", s3_error_status(e) < 500 ? "Sender" :
		    "Receiver");
	} else {
		xml_begin(&x, root);
	}
	xml_text(&x, "Code", s3_error_code(e));
	xml_text(&x, "Message", c->detail[0] != '\0' ? c->detail :
	    s3_error_text(e));
	if (e == S3_AUTH_MALFORMED)
		xml_text(&x, "Region", c->server->region);
	if (c->rq.key != NULL && c->rq.key[0] != '\0')
		xml_text(&x, "Key", c->rq.key);
	if (c->rq.bucket != NULL && c->rq.bucket[0] != '\0')
		xml_text(&x, "BucketName", c->rq.bucket);
	xml_text(&x, "Resource", c->rq.path != NULL ? c->rq.path : "");
	xml_text(&x, "RequestId", c->id);
	xml_text(&x, "HostId", c->id);
	if (sts) {
		xml_close(&x, "Error");
		xml_text(&x, "RequestId", c->id);
	}
	if (xml_end(&x, root) != EC_OK)
		x.buf.len = 0;
	if (e != S3_NOT_MODIFIED)
		http_answer_header(c->x, "Content-Type", "application/xml");
	if (e == S3_SLOW_DOWN || e == S3_SERVICE_UNAVAILABLE)
		http_answer_header(c->x, "Retry-After", "1");
	http_answer(c->x, s3_error_status(e), x.buf.data, x.buf.len);
	xml_release(&x);
}

void
call_xml_owner(struct call *c, struct xml *x, const char *name, const char *id)
{
	const struct iam_user *user = iam_user_by_id(c->who.iam, id);

	xml_open(x, name);
	xml_text(x, "ID", id);
	if (user != NULL)
		xml_text(x, "DisplayName", user->display);
	xml_close(x, name);
}

void
call_header_version(struct call *c, const struct stamp *version,
    bool null_version)
{
	char text[STAMP_TEXT_BYTES] = "null";
	const struct bucket *b;

	if (null_version && (call_bucket(c, &b) != S3_OK ||
	    store_bucket_versioning(b) == STORE_VERSIONING_OFF))
		return;
	if (!null_version)
		stamp_text(text, version);
	http_answer_header(c->x, "x-amz-version-id", text);
}

void
call_header_written(struct call *c, const struct object *o)
{
	if (!o->null_version)
		call_header_version(c, &o->version, false);
}

void
call_header_time(struct call *c, const struct object *o)
{
	char text[S3_TIME_TEXT_BYTES];

	http_answer_header(c->x, "Last-Modified", s3_time_http(text,
	    o->mtime_us));
}

void
call_xml_owner_of(struct call *c, struct xml *x, const char *name,
    const uint8_t *meta, size_t meta_len)
{
	const struct access_bucket *of;
	const uint8_t *id = NULL;
	char text[IAM_ID_MAX + 1];
	size_t len = 0;

	if (caller_bucket(c, &of) != S3_OK)
		return;
	if (meta != NULL && of->ownership != OWNERSHIP_ENFORCED)
		id = record_meta_get(meta, meta_len, ACCESS_OBJECT_OWNER,
		    &len);
	if (id != NULL && len <= IAM_ID_MAX) {
		memcpy(text, id, len);
		text[len] = '\0';
	}
	call_xml_owner(c, x, name, id != NULL ? text : of->acl.owner);
}

enum err
call_origin(struct call *c, struct buf *out)
{
	const char *host = http_header(c->x, "Host");

	return buf_printf(out, "%s://%s", http_secure(c->x) ? "https" : "http",
	    host != NULL ? host : "");
}

void
call_header_etag(struct call *c, const char *etag)
{
	char text[RECORD_ETAG_MAX + 3];

	snprintf(text, sizeof(text), "\"%s\"", etag);
	http_answer_header(c->x, "ETag", text);
}
