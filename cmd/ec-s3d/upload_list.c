/* ListParts, ListMultipartUploads. */
#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "list_query.h"
#include "upload.h"

enum { LIST_MAX = 1000 };

static void
part_xml(struct xml *x, const struct upload_part *p)
{
	char sum[S3_CHECKSUM_TEXT_BYTES];
	enum s3_checksum_kind kind = upload_part_checksum(p, sum,
	    sizeof(sum));

	xml_open(x, "Part");
	xml_number(x, "PartNumber", p->number);
	xml_time(x, "LastModified", p->mtime_us);
	xml_etag(x, "ETag", p->etag);
	xml_number(x, "Size", p->size);
	if (kind != S3_CHECKSUM_NONE)
		xml_text(x, s3_checksum_element(kind), sum);
	xml_close(x, "Part");
}

static void
parts_xml(struct call *c, struct xml *x, const struct upload_call *u,
    const struct upload_part *parts, unsigned n)
{
	unsigned i;

	call_xml_owner_of(c, x, "Initiator", u->upload.meta.data,
	    u->upload.meta.len);
	call_xml_owner_of(c, x, "Owner", u->upload.meta.data,
	    u->upload.meta.len);
	xml_text(x, "StorageClass", "STANDARD");
	if (!u->implied) {
		xml_text(x, "ChecksumAlgorithm", s3_checksum_name(u->kind));
		xml_text(x, "ChecksumType", u->composite ? "COMPOSITE" :
		    "FULL_OBJECT");
	}
	for (i = 0; i < n; i++)
		part_xml(x, &parts[i]);
}

enum s3_error
handle_upload_parts(struct call *c)
{
	struct upload_call u = UPLOAD_CALL_INIT;
	struct upload_part *parts = NULL;
	struct xml x = XML_INIT;
	uint64_t after, max;
	unsigned n = 0;
	bool more = false;
	enum s3_error e;

	if ((e = call_number(c, "part-number-marker", RECORD_PARTS_MAX, 0,
	    &after)) != S3_OK ||
	    (e = call_number(c, "max-parts", INT32_MAX, LIST_MAX, &max)) !=
	    S3_OK || (e = upload_call_open(c, &u)) != S3_OK)
		goto out;
	max = max > LIST_MAX ? LIST_MAX : max;
	if (max > 0 && (e = call_store(c, store_upload_parts(c->server->store,
	    c->rq.bucket, c->rq.key, &u.id, (unsigned)after, (unsigned)max,
	    &parts, &n, &more))) != S3_OK)
		goto out;
	xml_begin(&x, "ListPartsResult");
	xml_text(&x, "Bucket", c->rq.bucket);
	xml_text(&x, "Key", c->rq.key);
	xml_text(&x, "UploadId", request_query(&c->rq, "uploadId"));
	xml_number(&x, "PartNumberMarker", after);
	xml_number(&x, "MaxParts", max);
	xml_bool(&x, "IsTruncated", more);
	if (more && n > 0)
		xml_number(&x, "NextPartNumberMarker", parts[n - 1].number);
	parts_xml(c, &x, &u, parts, n);
	e = call_answer_xml(c, &x, "ListPartsResult");
out:
	upload_parts_free(parts, n);
	upload_call_release(&u);
	return e;
}

struct uploads {
	struct xml entries, prefixes;
	unsigned n;
	char last_key[RECORD_KEY_MAX + 1];
	struct stamp last_id;
	char last_prefix[RECORD_KEY_MAX + 1];
	bool more;
};

/* The common prefix of a key: up to and with the first delimiter behind the
 * prefix asked for; 0 if there is none. */
static size_t
common_prefix(const struct list_query *q, const char *key)
{
	const char *at;

	if (q->delimiter == NULL)
		return 0;
	at = strstr(key + strlen(q->prefix), q->delimiter);
	return at == NULL ? 0 : (size_t)(at - key) + strlen(q->delimiter);
}

static void
upload_xml(struct xml *x, const struct list_query *q, const struct upload *u)
{
	char id[STAMP_TEXT_BYTES];

	stamp_text(id, &u->id);
	xml_open(x, "Upload");
	list_query_text(x, q, "Key", u->key);
	xml_text(x, "UploadId", id);
	call_xml_owner_of(q->call, x, "Initiator", u->meta.data,
	    u->meta.len);
	call_xml_owner_of(q->call, x, "Owner", u->meta.data,
	    u->meta.len);
	xml_text(x, "StorageClass", "STANDARD");
	xml_time(x, "Initiated", u->started_us);
	xml_close(x, "Upload");
}

static void
uploads_add(struct uploads *l, const struct list_query *q,
    const struct upload *u, unsigned max)
{
	size_t prefix = common_prefix(q, u->key);

	if (prefix > 0 && strncmp(l->last_prefix, u->key, prefix) == 0 &&
	    l->last_prefix[prefix] == '\0') {
		memcpy(l->last_key, u->key, sizeof(l->last_key));
		l->last_id = u->id;
		return;
	}
	if (l->n == max) {
		l->more = true;
		return;
	}
	l->n++;
	memcpy(l->last_key, u->key, sizeof(l->last_key));
	l->last_id = u->id;
	if (prefix == 0) {
		upload_xml(&l->entries, q, u);
		return;
	}
	memcpy(l->last_prefix, u->key, prefix);
	l->last_prefix[prefix] = '\0';
	xml_open(&l->prefixes, "CommonPrefixes");
	list_query_text(&l->prefixes, q, "Prefix", l->last_prefix);
	xml_close(&l->prefixes, "CommonPrefixes");
}

static enum s3_error
uploads_collect(struct call *c, struct uploads *l, const struct list_query *q,
    unsigned max)
{
	struct upload *page = NULL;
	unsigned n, i;
	bool left = true;
	enum err e;

	while (left && !l->more) {
		if ((e = store_upload_list(c->server->store, c->rq.bucket,
		    q->prefix, l->last_key, &l->last_id, LIST_MAX, &page, &n,
		    &left)) != EC_OK)
			return call_store(c, e);
		for (i = 0; i < n; i++) {
			if (!l->more)
				uploads_add(l, q, &page[i], max);
			upload_release(&page[i]);
		}
		free(page);
		page = NULL;
	}
	return S3_OK;
}

static void
uploads_xml(struct call *c, struct xml *x, const struct uploads *l,
    const struct list_query *q, unsigned max)
{
	const char *key = request_query(&c->rq, "key-marker");
	const char *id = request_query(&c->rq, "upload-id-marker");
	char text[STAMP_TEXT_BYTES];

	xml_text(x, "Bucket", c->rq.bucket);
	list_query_text(x, q, "KeyMarker", key != NULL ? key : "");
	xml_text(x, "UploadIdMarker", id != NULL ? id : "");
	list_query_text(x, q, "Prefix", q->prefix);
	if (q->delimiter != NULL)
		list_query_text(x, q, "Delimiter", q->delimiter);
	if (q->url)
		xml_text(x, "EncodingType", "url");
	xml_number(x, "MaxUploads", max);
	xml_bool(x, "IsTruncated", l->more);
	if (l->more) {
		stamp_text(text, &l->last_id);
		list_query_text(x, q, "NextKeyMarker", l->last_key);
		xml_text(x, "NextUploadIdMarker", text);
	}
	xml_raw(x, &l->entries);
	xml_raw(x, &l->prefixes);
}

enum s3_error
handle_uploads(struct call *c)
{
	const char *key = request_query(&c->rq, "key-marker");
	const char *id = request_query(&c->rq, "upload-id-marker");
	struct uploads l = { .entries = XML_INIT, .prefixes = XML_INIT };
	struct xml x = XML_INIT;
	struct list_query q;
	uint64_t max;
	enum s3_error e;

	if ((e = list_query_parse(c, &q)) != S3_OK ||
	    (e = call_number(c, "max-uploads", INT32_MAX, LIST_MAX, &max)) !=
	    S3_OK)
		return e;
	max = max > LIST_MAX ? LIST_MAX : max;
	if (key != NULL && strlen(key) <= RECORD_KEY_MAX)
		strcpy(l.last_key, key);
	/* Without an id all uploads of the marker's key are behind us. */
	l.last_id = (struct stamp){ UINT64_MAX, UINT64_MAX };
	if (l.last_key[0] == '\0')
		l.last_id = (struct stamp){ 0, 0 };
	else if (id != NULL && id[0] != '\0' &&
	    (e = upload_id_parse(id, &l.last_id)) != S3_OK)
		return e;
	if ((e = uploads_collect(c, &l, &q, (unsigned)max)) == S3_OK) {
		xml_begin(&x, "ListMultipartUploadsResult");
		uploads_xml(c, &x, &l, &q, (unsigned)max);
		e = call_answer_xml(c, &x, "ListMultipartUploadsResult");
	}
	xml_release(&l.entries);
	xml_release(&l.prefixes);
	return e;
}
