/* CompleteMultipartUpload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base64.h"
#include "handlers.h"
#include "meta.h"
#include "object_write.h"
#include "upload.h"
#include "write_condition.h"

enum {
	COMPLETE_BODY_MAX = 8 * 1024 * 1024,	/* bytes of XML */
	PARTS_PAGE = 1000,
	PART_SUMS_MAX = 40 * 1024,	/* bytes kept of the parts' checksums */
	COMPOSITE_TEXT_BYTES = S3_CHECKSUM_TEXT_BYTES + 8,	/* "sum-N" */
};

struct asked {		/* one part as the client names it */
	uint32_t number;
	char etag[RECORD_ETAG_MAX + 1];
	enum s3_checksum_kind kind;
	char sum[S3_CHECKSUM_TEXT_BYTES];
};

struct complete {
	struct asked *asked;
	unsigned n;
	struct upload_part *parts;	/* ${n}, as they are stored */
	uint64_t size;
};

static enum s3_error
part_field(struct asked *a, const char *name, const char *text)
{
	uint64_t number;
	size_t len = strlen(text);
	unsigned i;

	if (strcmp(name, "PartNumber") == 0) {
		if (num_parse(&number, text, 1, RECORD_PARTS_MAX) != EC_OK)
			return S3_INVALID_ARGUMENT;
		a->number = (uint32_t)number;
	} else if (strcmp(name, "ETag") == 0) {
		if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
			text++;
			len -= 2;
		}
		if (len > RECORD_ETAG_MAX)
			return S3_INVALID_PART;
		memcpy(a->etag, text, len);
		a->etag[len] = '\0';
	}
	for (i = 1; i < S3_CHECKSUM_KINDS; i++)
		if (strcmp(name, s3_checksum_element(
		    (enum s3_checksum_kind)i)) == 0) {
			if (a->kind != S3_CHECKSUM_NONE || !s3_checksum_valid(
			    (enum s3_checksum_kind)i, text, NULL))
				return S3_INVALID_ARGUMENT;
			a->kind = (enum s3_checksum_kind)i;
			memcpy(a->sum, text, len + 1);
		}
	return S3_OK;
}

static enum s3_error
complete_element(void *ctx, const char *path, const char *text)
{
	static const char root[] = "/CompleteMultipartUpload";
	struct complete *c = ctx;
	const struct asked *a;

	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return S3_MALFORMED_XML;
	path += sizeof(root) - 1;
	if (path[0] == '\0')
		return S3_OK;
	if (strcmp(path, "/Part") == 0 && text == NULL)
		return c->n++ < RECORD_PARTS_MAX ? S3_OK : S3_MALFORMED_XML;
	if (strcmp(path, "/Part") == 0) {
		a = &c->asked[c->n - 1];
		if (a->number == 0 || a->etag[0] == '\0')
			return S3_MALFORMED_XML;
		return c->n > 1 && a[-1].number >= a->number ?
		    S3_INVALID_PART_ORDER : S3_OK;
	}
	if (strncmp(path, "/Part/", 6) != 0)
		return S3_MALFORMED_XML;
	return text == NULL ? S3_OK : part_field(&c->asked[c->n - 1], path + 6,
	    text);
}

static bool
part_matches(const struct asked *a, const struct upload_part *p)
{
	char sum[S3_CHECKSUM_TEXT_BYTES];

	if (strcmp(a->etag, p->etag) != 0)
		return false;
	return a->kind == S3_CHECKSUM_NONE ||
	    (upload_part_checksum(p, sum, sizeof(sum)) == a->kind &&
	    strcmp(sum, a->sum) == 0);
}

/* An upload with a checksum of its parts' checksums names each of them. */
static enum s3_error
sums_named(struct call *c, const struct upload_call *u,
    const struct complete *co)
{
	unsigned i;

	for (i = 0; u->composite && i < co->n; i++)
		if (co->asked[i].kind == S3_CHECKSUM_NONE)
			return call_fail(c, S3_INVALID_REQUEST, "The upload "
			    "was created using a %s checksum. The complete "
			    "request must include the checksum for each part. "
			    "It was missing for part %u in the request.",
			    s3_checksum_header(u->kind) +
			    sizeof("x-amz-checksum"), co->asked[i].number);
	return S3_OK;
}

/* Take the parts asked for out of those stored; both are in order. */
static enum s3_error
parts_find(struct call *c, const struct upload_call *u, struct complete *co)
{
	struct upload_part *page = NULL;
	unsigned n = 0, i, found = 0, after = 0;
	bool more = true;
	enum err e;

	while (more && found < co->n) {
		if ((e = store_upload_parts(c->server->store, c->rq.bucket,
		    c->rq.key, &u->id, after, PARTS_PAGE, &page, &n, &more)) !=
		    EC_OK)
			return call_store(c, e);
		for (i = 0; i < n; i++) {
			after = page[i].number;
			if (found < co->n && co->asked[found].number == after &&
			    part_matches(&co->asked[found], &page[i])) {
				co->parts[found++] = page[i];
				page[i].meta = (struct buf)BUF_INIT(0);
			}
		}
		upload_parts_free(page, n);
		page = NULL;
	}
	return found == co->n ? S3_OK : S3_INVALID_PART;
}

static enum s3_error
sizes_check(struct call *c, struct complete *co)
{
	const char *said = http_header(c->x, "x-amz-mp-object-size");
	uint64_t size;
	unsigned i;

	for (i = 0; i < co->n; i++) {
		if (i + 1 < co->n && co->parts[i].size < UPLOAD_PART_MIN)
			return S3_ENTITY_TOO_SMALL;
		co->size += co->parts[i].size;
	}
	if (co->size > UPLOAD_OBJECT_MAX)
		return S3_ENTITY_TOO_LARGE;
	if (said != NULL && (num_parse(&size, said, 0, UINT64_MAX) != EC_OK ||
	    size != co->size))
		return call_fail(c, S3_INVALID_REQUEST,
		    "x-amz-mp-object-size is not the size of the parts");
	return S3_OK;
}

/* The MD5 of the parts' MD5s, which the first 32 digits of their etags are (or
 * another number, ec-s3d --etag), and how many they are. */
static enum s3_error
etag_make(const struct complete *co, char out[RECORD_ETAG_MAX + 1])
{
	struct digest *d = NULL;
	uint8_t md5[DIGEST_MD5_BYTES];
	char hex[2 * DIGEST_MD5_BYTES + 1];
	enum s3_error e = S3_OK;
	unsigned i;

	if (digest_new(&d, DIGEST_MD5) != EC_OK)
		return S3_SLOW_DOWN;
	for (i = 0; i < co->n && e == S3_OK; i++) {
		snprintf(hex, sizeof(hex), "%.32s", co->asked[i].etag);
		if (num_unhex(md5, sizeof(md5), hex) != EC_OK)
			e = S3_INVALID_PART;
		digest_update(d, md5, sizeof(md5));
	}
	digest_final(d, md5);
	digest_free(d);
	num_hex(hex, md5, sizeof(md5));
	snprintf(out, RECORD_ETAG_MAX + 1, "%s-%u", hex, co->n);
	return e;
}

/* The checksum of the parts' checksums, or of all the data; "" when the
 * upload asked for none and parts came with others than the default. */
static enum s3_error
checksum_make(const struct upload_call *u, const struct complete *co,
    char out[COMPOSITE_TEXT_BYTES])
{
	struct s3_checksum whole = { .kind = S3_CHECKSUM_NONE };
	char sum[S3_CHECKSUM_TEXT_BYTES];
	uint8_t raw[S3_CHECKSUM_BYTES_MAX];
	unsigned i;
	size_t len;

	out[0] = '\0';
	if (s3_checksum_init(&whole, u->kind) != EC_OK)
		return S3_SLOW_DOWN;
	for (i = 0; i < co->n; i++) {
		if (upload_part_checksum(&co->parts[i], sum, sizeof(sum)) !=
		    u->kind || !s3_checksum_valid(u->kind, sum, raw)) {
			s3_checksum_release(&whole);
			out[0] = '\0';
			return u->implied ? S3_OK : S3_INVALID_PART;
		}
		if (u->composite)
			s3_checksum_update(&whole, raw,
			    s3_checksum_bytes(u->kind));
		else if (i == 0)
			memcpy(out, sum, sizeof(sum));
		else
			s3_checksum_combine(u->kind, out, sum,
			    co->parts[i].size);
	}
	if (u->composite) {
		s3_checksum_final(&whole, out);
		len = strlen(out);
		snprintf(out + len, COMPOSITE_TEXT_BYTES - len, "-%u", co->n);
	}
	s3_checksum_release(&whole);
	return S3_OK;
}

/* What the client says the whole is must be what was computed. */
static enum s3_error
checksum_check(struct call *c, const struct upload_call *u, const char *sum)
{
	const char *said = http_header(c->x, s3_checksum_header(u->kind));
	const char *type = http_header(c->x, "x-amz-checksum-type");

	if (sum[0] == '\0')
		return S3_OK;
	if (type != NULL && !u->implied && strcmp(type, u->composite ?
	    "COMPOSITE" : "FULL_OBJECT") != 0)
		return call_fail(c, S3_INVALID_REQUEST,
		    "The upload was created using another checksum type");
	/* The number of parts behind a composite one may be left out. */
	if (said == NULL || strcmp(said, sum) == 0 || (u->composite &&
	    strncmp(said, sum, strlen(said)) == 0 && sum[strlen(said)] == '-'))
		return S3_OK;
	return S3_BAD_DIGEST;
}

/* The parts' checksums, for those who ask about parts later. */
static enum s3_error
part_sums_add(const struct upload_call *u, const struct complete *co,
    struct buf *meta)
{
	struct buf sums = BUF_INIT(PART_SUMS_MAX);
	size_t bytes = s3_checksum_bytes(u->kind);
	char sum[S3_CHECKSUM_TEXT_BYTES];
	uint8_t raw[S3_CHECKSUM_BYTES_MAX];
	enum err e = EC_OK;
	unsigned i;

	for (i = 0; i < co->n && e == EC_OK; i++) {
		upload_part_checksum(&co->parts[i], sum, sizeof(sum));
		s3_checksum_valid(u->kind, sum, raw);
		e = buf_add(&sums, raw, bytes);
	}
	if (e == EC_OK && sums.len > 0)
		e = record_meta_set(meta, META_PART_SUMS, sums.data,
		    sums.len);
	buf_release(&sums);
	return e == EC_ELIMIT ? S3_OK : s3_error_from(e);
}

static enum s3_error
answer(struct call *c, const struct upload_call *u, const char *etag,
    const char *sum)
{
	struct xml x = XML_INIT;
	struct buf location = BUF_INIT(64 * 1024);
	enum s3_error e = S3_SLOW_DOWN;

	if (call_origin(c, &location) != EC_OK ||
	    buf_add_str(&location, c->rq.raw_path) != EC_OK)
		goto out;
	xml_begin(&x, "CompleteMultipartUploadResult");
	xml_text(&x, "Location", buf_str(&location));
	xml_text(&x, "Bucket", c->rq.bucket);
	xml_text(&x, "Key", c->rq.key);
	xml_etag(&x, "ETag", etag);
	if (sum[0] != '\0') {
		xml_text(&x, s3_checksum_element(u->kind), sum);
		xml_text(&x, "ChecksumType", u->composite ? "COMPOSITE" :
		    "FULL_OBJECT");
	}
	e = call_answer_xml(c, &x, "CompleteMultipartUploadResult");
out:
	buf_release(&location);
	return e;
}

static enum s3_error
complete(struct call *c, const struct upload_call *u, struct complete *co)
{
	struct write_condition w;
	const struct store_condition condition = { write_condition_check, &w };
	struct buf extra = BUF_INIT(PART_SUMS_MAX + 1024);
	struct object o = OBJECT_INIT;
	char etag[RECORD_ETAG_MAX + 1];
	char sum[COMPOSITE_TEXT_BYTES];
	enum s3_error e;

	if ((e = write_condition_from(c, &w, false)) != S3_OK ||
	    (e = sums_named(c, u, co)) != S3_OK ||
	    (e = parts_find(c, u, co)) != S3_OK ||
	    (e = sizes_check(c, co)) != S3_OK ||
	    (e = etag_make(co, etag)) != S3_OK ||
	    (e = checksum_make(u, co, sum)) != S3_OK ||
	    (e = checksum_check(c, u, sum)) != S3_OK ||
	    (sum[0] != '\0' && ((e = meta_add_checksum(&extra, u->kind, sum,
	    u->composite ? "COMPOSITE" : "FULL_OBJECT")) != S3_OK ||
	    (e = part_sums_add(u, co, &extra)) != S3_OK)) ||
	    (e = call_store(c, store_upload_complete(c->server->store,
	    c->rq.bucket, c->rq.key, &u->id, co->parts, co->n, etag,
	    write_condition_any(&w) ? &condition : NULL, extra.data,
	    extra.len, &o))) != S3_OK)
		goto out;
	call_header_written(c, &o);
	e = answer(c, u, etag, sum);
out:
	buf_release(&extra);
	object_release(&o);
	return e;
}

/* The checksum headers are of the object, not of this request's body. */
static enum s3_error
read_parts(struct call *c, struct complete *co)
{
	enum s3_error e;

	co->asked = mem_array(RECORD_PARTS_MAX, sizeof(*co->asked));
	if (co->asked == NULL)
		return S3_SLOW_DOWN;
	if ((e = call_xml(c, COMPLETE_BODY_MAX, CALL_XML_OF_OBJECT,
	    complete_element, co)) != S3_OK)
		return e;
	if (co->n == 0)
		return S3_MALFORMED_XML;
	co->parts = mem_array(co->n, sizeof(*co->parts));
	return co->parts != NULL ? S3_OK : S3_SLOW_DOWN;
}

/* The upload is gone.  When the object is just what these parts make, this is
 * the request once more of a client that did not get the first answer. */
static enum s3_error
repeated(struct call *c, struct upload_call *u, const struct complete *co)
{
	struct object o = OBJECT_INIT;
	char etag[RECORD_ETAG_MAX + 1], sum[COMPOSITE_TEXT_BYTES], type[16];
	enum s3_error e;

	if ((e = etag_make(co, etag)) != S3_OK)
		return e;
	e = s3_error_from(store_get_open(c->server->store, c->rq.bucket,
	    c->rq.key, NULL, NULL, &o));
	if (e == S3_NO_SUCH_KEY || (e == S3_OK && strcmp(etag, o.etag) != 0))
		e = S3_NO_SUCH_UPLOAD;
	if (e == S3_OK) {
		u->kind = meta_checksum(&o.meta, sum, sizeof(sum));
		if (u->kind == S3_CHECKSUM_NONE)
			sum[0] = '\0';
		u->composite = meta_text(&o.meta, "x-amz-checksum-type", type,
		    sizeof(type)) && strcmp(type, "COMPOSITE") == 0;
		e = answer(c, u, etag, sum);
	}
	object_release(&o);
	return e;
}

enum s3_error
handle_upload_complete(struct call *c)
{
	struct upload_call u = UPLOAD_CALL_INIT;
	struct complete co = { NULL, 0, NULL, 0 };
	enum s3_error e = upload_call_open(c, &u), read;

	if (e == S3_OK || e == S3_NO_SUCH_UPLOAD) {
		read = read_parts(c, &co);
		if (read != S3_OK)
			e = read;
		else
			e = e == S3_OK ? complete(c, &u, &co) :
			    repeated(c, &u, &co);
	}
	if (co.parts != NULL)
		upload_parts_free(co.parts, co.n);
	free(co.asked);
	upload_call_release(&u);
	return e;
}
