/* CopyObject. */
#include <string.h>
#include <strings.h>

#include "acl_request.h"
#include "copy_source.h"
#include "handlers.h"
#include "meta.h"
#include "object_lock.h"
#include "object_write.h"
#include "tags.h"
#include "write_condition.h"

/* The metadata of the copy: the request's, or the source's with what the
 * request says of the storage class. */
static enum s3_error
copy_meta(struct call *c, const struct copy_source *s, struct buf *meta)
{
	const char *directive = http_header(c->x, "x-amz-metadata-directive");
	const char *class = http_header(c->x, "x-amz-storage-class");
	enum s3_error e;

	if (directive != NULL && strcmp(directive, "REPLACE") == 0)
		return meta_from_request(c, meta);
	if (directive != NULL && strcmp(directive, "COPY") != 0)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Unknown metadata directive");
	if (class == NULL && s->version == NULL &&
	    strcmp(s->bucket, c->rq.bucket) == 0 &&
	    strcmp(s->key, c->rq.key) == 0)
		return call_fail(c, S3_INVALID_REQUEST,
		    "This copy request is illegal because it is trying to "
		    "copy an object to itself without changing the object's "
		    "metadata or storage class");
	if ((e = meta_copy(meta, &s->object.meta)) != S3_OK ||
	    (e = acl_request_object(c, meta)) != S3_OK || class == NULL)
		return e;
	return meta_add_class(meta, class);
}

/* The tags of the copy: the source's, or with x-amz-tagging-directive those of
 * the request. */
static enum s3_error
copy_tags(struct call *c, const struct copy_source *s, struct buf *meta)
{
	const char *directive = http_header(c->x, "x-amz-tagging-directive");
	const struct buf *from = &s->object.meta;
	const uint8_t *tags;
	size_t len;

	if (directive != NULL && strcmp(directive, "REPLACE") == 0)
		return tags_from_header(c, meta);
	if (directive != NULL && strcmp(directive, "COPY") != 0)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Unknown tagging directive");
	tags = record_meta_get(from->data, from->len, META_TAGGING, &len);
	return tags == NULL ? S3_OK : call_store(c, record_meta_set(meta,
	    META_TAGGING, tags, len));
}

/* The algorithm asked for, else that of the source, else the default. */
static enum s3_error
copy_checksum(struct call *c, const struct copy_source *s,
    enum s3_checksum_kind *kind)
{
	const char *name = http_header(c->x, "x-amz-checksum-algorithm");
	char value[S3_CHECKSUM_TEXT_BYTES + 8];

	if (name != NULL) {
		*kind = s3_checksum_by_name(name);
		return *kind != S3_CHECKSUM_NONE ? S3_OK : call_fail(c,
		    S3_INVALID_REQUEST,
		    "Checksum algorithm provided is unsupported");
	}
	*kind = meta_checksum(&s->object.meta, value, sizeof(value));
	if (*kind == S3_CHECKSUM_NONE)
		*kind = S3_CHECKSUM_DEFAULT;
	return S3_OK;
}

static enum s3_error
answer(struct call *c, const struct object *o, enum s3_checksum_kind kind,
    const char *sum)
{
	struct xml x = XML_INIT;

	xml_begin(&x, "CopyObjectResult");
	xml_time(&x, "LastModified", o->mtime_us);
	xml_etag(&x, "ETag", o->etag);
	if (kind != S3_CHECKSUM_NONE) {
		xml_text(&x, s3_checksum_element(kind), sum);
		xml_text(&x, "ChecksumType", "FULL_OBJECT");
	}
	return call_answer_xml(c, &x, "CopyObjectResult");
}

static enum s3_error
copy(struct call *c, const struct copy_source *s, const struct buf *meta,
    enum s3_checksum_kind kind, struct write_condition *w)
{
	struct put_params params = { .bucket = c->rq.bucket,
		.key = c->rq.key,
		.size = s->object.size,
		.meta = meta->data, .meta_len = meta->len };
	const struct store_condition condition = { write_condition_check, w };
	struct s3_checksum sum = { .kind = S3_CHECKSUM_NONE };
	struct buf extra = BUF_INIT(1024);
	struct object o = OBJECT_INIT;
	struct store_put *p = NULL;
	char text[S3_CHECKSUM_TEXT_BYTES];
	enum s3_error e;

	if ((e = object_params(c, meta, &params)) != S3_OK ||
	    (e = call_store(c, s3_checksum_init(&sum, kind))) != S3_OK ||
	    (e = call_store(c, store_put_open(c->server->store, &params,
	    &p))) != S3_OK ||
	    (e = object_transfer(c, s->get, 0, s->object.size, p, &sum)) !=
	    S3_OK)
		goto out;
	s3_checksum_final(&sum, text);
	if ((e = meta_add_checksum(&extra, kind, text, "FULL_OBJECT")) !=
	    S3_OK || (extra.len > 0 && (e = call_store(c, store_put_meta(p,
	    extra.data, extra.len))) != S3_OK) ||
	    (e = call_store(c, store_put_finish(p, NULL))) != S3_OK ||
	    (e = call_store(c, store_put_commit(p, NULL,
	    write_condition_any(w) ? &condition : NULL, &o))) != S3_OK)
		goto out;
	copy_source_headers(c, s);
	call_header_written(c, &o);
	e = answer(c, &o, kind, text);
out:
	store_put_free(p);
	s3_checksum_release(&sum);
	buf_release(&extra);
	object_release(&o);
	return e;
}

enum s3_error
handle_object_copy(struct call *c)
{
	struct copy_source s = COPY_SOURCE_INIT;
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	struct write_condition w;
	enum s3_checksum_kind kind;
	enum s3_error e;

	if ((e = write_condition_from(c, &w, false)) != S3_OK ||
	    (e = copy_source_open(c, &s)) != S3_OK ||
	    (e = copy_meta(c, &s, &meta)) != S3_OK ||
	    (e = copy_tags(c, &s, &meta)) != S3_OK ||
	    (e = object_lock_from_request(c, &meta)) != S3_OK ||
	    (e = copy_checksum(c, &s, &kind)) != S3_OK)
		goto out;
	e = s.object.size <= OBJECT_PUT_MAX ?
	    copy(c, &s, &meta, kind, &w) :
	    call_fail(c, S3_INVALID_REQUEST, "The specified copy source is "
	    "larger than the maximum allowable size for a copy source: "
	    "5368709120");
out:
	copy_source_release(&s);
	buf_release(&meta);
	return e;
}
