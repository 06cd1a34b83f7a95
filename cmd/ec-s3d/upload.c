/* CreateMultipartUpload, UploadPart, UploadPartCopy, AbortMultipartUpload. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "condition.h"
#include "copy_source.h"
#include "handlers.h"
#include "meta.h"
#include "object_lock.h"
#include "object_write.h"
#include "tags.h"
#include "upload.h"

/* How the object's checksum is to be made; see meta.h on the dot. */
#define ALGORITHM ".checksum-algorithm"
#define COMPOSITE ".checksum-composite"

enum s3_error
upload_id_parse(const char *text, struct stamp *out)
{
	return text != NULL && stamp_parse(out, text) == EC_OK ? S3_OK :
	    S3_NO_SUCH_UPLOAD;
}

enum s3_error
upload_call_open(struct call *c, struct upload_call *u)
{
	char name[16];
	enum s3_error e;

	if ((e = upload_id_parse(request_query(&c->rq, "uploadId"), &u->id)) !=
	    S3_OK || (e = call_store(c, store_upload_get(c->server->store,
	    c->rq.bucket, c->rq.key, &u->id, &u->upload))) != S3_OK)
		return e;
	u->implied = !meta_text(&u->upload.meta, ALGORITHM, name,
	    sizeof(name));
	u->kind = u->implied ? S3_CHECKSUM_DEFAULT : s3_checksum_by_name(name);
	u->composite = meta_text(&u->upload.meta, COMPOSITE, name,
	    sizeof(name));
	return S3_OK;
}

void
upload_call_release(struct upload_call *u)
{
	upload_release(&u->upload);
}

enum s3_checksum_kind
upload_part_checksum(const struct upload_part *p, char *value, size_t size)
{
	return meta_checksum(&p->meta, value, size);
}

void
upload_parts_free(struct upload_part *parts, unsigned n)
{
	while (n > 0)
		buf_release(&parts[--n].meta);
	free(parts);
}

/* x-amz-checksum-algorithm and -type into the upload's metadata. */
static enum s3_error
create_checksum(struct call *c, struct buf *meta)
{
	const char *name = http_header(c->x, "x-amz-checksum-algorithm");
	const char *type = http_header(c->x, "x-amz-checksum-type");
	enum s3_checksum_kind kind;
	bool composite;

	if (name == NULL)
		return type == NULL ? S3_OK : S3_INVALID_REQUEST;
	if ((kind = s3_checksum_by_name(name)) == S3_CHECKSUM_NONE)
		return call_fail(c, S3_INVALID_REQUEST,
		    "Checksum algorithm provided is unsupported");
	composite = type != NULL ? strcmp(type, "COMPOSITE") == 0 :
	    kind != S3_CHECKSUM_CRC64NVME;
	if ((type != NULL && !composite && strcmp(type, "FULL_OBJECT") != 0) ||
	    (composite && kind == S3_CHECKSUM_CRC64NVME) ||
	    (!composite && !s3_checksum_is_crc(kind)))
		return call_fail(c, S3_INVALID_REQUEST,
		    "The checksum type cannot be used with this algorithm");
	http_answer_header(c->x, "x-amz-checksum-algorithm",
	    s3_checksum_name(kind));
	http_answer_header(c->x, "x-amz-checksum-type", composite ?
	    "COMPOSITE" : "FULL_OBJECT");
	name = s3_checksum_name(kind);
	return call_store(c, record_meta_add(meta, ALGORITHM, name,
	    strlen(name))) == S3_OK && (!composite ||
	    record_meta_add(meta, COMPOSITE, "1", 1) == EC_OK) ? S3_OK :
	    S3_METADATA_TOO_LARGE;
}

enum s3_error
handle_upload_create(struct call *c)
{
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	struct xml x = XML_INIT;
	struct stamp id;
	char text[STAMP_TEXT_BYTES];
	enum s3_error e;
	int parity;

	if ((e = meta_from_request(c, &meta)) != S3_OK ||
	    (e = object_parity(c, &meta, &parity)) != S3_OK ||
	    (e = tags_from_header(c, &meta)) != S3_OK ||
	    (e = object_lock_from_request(c, &meta)) != S3_OK ||
	    (e = create_checksum(c, &meta)) != S3_OK ||
	    (e = call_store(c, store_upload_create(c->server->store,
	    c->rq.bucket, c->rq.key, meta.data, meta.len, &id))) != S3_OK)
		goto out;
	stamp_text(text, &id);
	xml_begin(&x, "InitiateMultipartUploadResult");
	xml_text(&x, "Bucket", c->rq.bucket);
	xml_text(&x, "Key", c->rq.key);
	xml_text(&x, "UploadId", text);
	e = call_answer_xml(c, &x, "InitiateMultipartUploadResult");
out:
	buf_release(&meta);
	return e;
}

static enum s3_error
part_number(struct call *c, uint32_t *out)
{
	uint64_t n;
	const char *text = request_query(&c->rq, "partNumber");

	if (text == NULL || num_parse(&n, text, 1, RECORD_PARTS_MAX) != EC_OK)
		return call_fail(c, S3_INVALID_ARGUMENT, "Part number must be "
		    "an integer between 1 and 10000, inclusive");
	*out = (uint32_t)n;
	return S3_OK;
}

/* Finish and commit a part. */
static enum s3_error
part_commit(struct call *c, struct store_put *p, enum s3_checksum_kind kind,
    const char *sum, struct object *o)
{
	struct buf meta = BUF_INIT(1024);
	enum s3_error e;

	if ((e = meta_add_checksum(&meta, kind, sum, "FULL_OBJECT")) !=
	    S3_OK ||
	    (meta.len > 0 && (e = call_store(c, store_put_meta(p, meta.data,
	    meta.len))) != S3_OK) ||
	    (e = call_store(c, store_put_finish(p, NULL))) != S3_OK)
		goto out;
	e = call_store(c, store_put_commit(p, NULL, NULL, o));
out:
	buf_release(&meta);
	return e;
}

enum s3_error
handle_upload_part(struct call *c)
{
	struct put_params params = { .bucket = c->rq.bucket,
		.key = c->rq.key };
	struct upload_call u = UPLOAD_CALL_INIT;
	struct object o = OBJECT_INIT;
	struct body b = BODY_INIT;
	struct store_put *p = NULL;
	enum s3_error e;

	if ((e = part_number(c, &params.part)) != S3_OK ||
	    (e = upload_call_open(c, &u)) != S3_OK ||
	    (e = call_body(c, &b, u.kind)) != S3_OK ||
	    (e = object_length(c, &b)) != S3_OK)
		goto out;
	if (!u.implied && b.sum.kind != u.kind) {
		e = call_fail(c, S3_INVALID_REQUEST, "Checksum Type mismatch "
		    "occurred, expected checksum Type: %s, actual checksum "
		    "Type: %s", s3_checksum_name(u.kind),
		    s3_checksum_name(b.sum.kind));
		goto out;
	}
	params.upload = u.id;
	params.size = b.length;
	if ((e = object_params(c, &u.upload.meta, &params)) != S3_OK ||
	    (e = call_store(c, store_put_open(c->server->store, &params,
	    &p))) != S3_OK ||
	    (e = object_receive(c, &b, p)) != S3_OK ||
	    (e = part_commit(c, p, b.sum.kind, b.checksum, &o)) != S3_OK)
		goto out;
	call_header_etag(c, o.etag);
	http_answer_header(c->x, s3_checksum_header(b.sum.kind), b.checksum);
	e = call_answer(c, 200);
out:
	store_put_free(p);
	body_release(&b);
	upload_call_release(&u);
	object_release(&o);
	return e;
}

static enum s3_error
outside(struct call *c, uint64_t size)
{
	return call_fail(c, S3_INVALID_ARGUMENT, "Range specified is not valid "
	    "for source object of size: %" PRIu64, size);
}

/* x-amz-copy-source-range: "bytes=a-b", both ends given and inside. */
static enum s3_error
copy_range(struct call *c, uint64_t size, uint64_t *start, uint64_t *len)
{
	const char *range = http_header(c->x, "x-amz-copy-source-range");
	const char *dash;
	uint64_t last;
	bool partial;
	enum s3_error e;

	e = condition_range(range, size, &partial, start, len);
	if (e == S3_INVALID_RANGE)
		return outside(c, size);
	if (range == NULL || e != S3_OK)
		return e;
	dash = strchr(range, '-');
	if (!partial || dash == NULL ||
	    num_parse(&last, dash + 1, *start, UINT64_MAX) != EC_OK)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "The x-amz-copy-source-range value must be of the form "
		    "bytes=first-last");
	return last < size ? S3_OK : outside(c, size);
}

static enum s3_error
copy_answer(struct call *c, const struct object *o,
    enum s3_checksum_kind kind, const char *sum)
{
	struct xml x = XML_INIT;

	xml_begin(&x, "CopyPartResult");
	xml_time(&x, "LastModified", o->mtime_us);
	xml_etag(&x, "ETag", o->etag);
	xml_text(&x, s3_checksum_element(kind), sum);
	return call_answer_xml(c, &x, "CopyPartResult");
}

enum s3_error
handle_upload_part_copy(struct call *c)
{
	struct put_params params = { .bucket = c->rq.bucket,
		.key = c->rq.key };
	struct upload_call u = UPLOAD_CALL_INIT;
	struct copy_source s = COPY_SOURCE_INIT;
	struct s3_checksum sum = { .kind = S3_CHECKSUM_NONE };
	struct object o = OBJECT_INIT;
	struct store_put *p = NULL;
	char text[S3_CHECKSUM_TEXT_BYTES];
	uint64_t start, len;
	enum s3_error e;

	if ((e = part_number(c, &params.part)) != S3_OK ||
	    (e = upload_call_open(c, &u)) != S3_OK ||
	    (e = copy_source_open(c, &s)) != S3_OK ||
	    (e = copy_range(c, s.object.size, &start, &len)) != S3_OK ||
	    (e = call_store(c, s3_checksum_init(&sum, u.kind))) != S3_OK)
		goto out;
	if (len > OBJECT_PUT_MAX) {
		e = S3_ENTITY_TOO_LARGE;
		goto out;
	}
	params.upload = u.id;
	params.size = len;
	if ((e = object_params(c, &u.upload.meta, &params)) != S3_OK ||
	    (e = call_store(c, store_put_open(c->server->store, &params,
	    &p))) != S3_OK ||
	    (e = object_transfer(c, s.get, start, len, p, &sum)) != S3_OK)
		goto out;
	s3_checksum_final(&sum, text);
	copy_source_headers(c, &s);
	if ((e = part_commit(c, p, u.kind, text, &o)) == S3_OK)
		e = copy_answer(c, &o, u.kind, text);
out:
	store_put_free(p);
	s3_checksum_release(&sum);
	copy_source_release(&s);
	upload_call_release(&u);
	object_release(&o);
	return e;
}

enum s3_error
handle_upload_abort(struct call *c)
{
	struct stamp id;
	enum s3_error e = upload_id_parse(request_query(&c->rq, "uploadId"),
	    &id);

	if (e == S3_OK)
		e = call_store(c, store_upload_abort(c->server->store,
		    c->rq.bucket, c->rq.key, &id));
	return e != S3_OK ? e : call_answer(c, 204);
}
