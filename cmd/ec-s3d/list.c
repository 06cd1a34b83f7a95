/* Listings of a bucket: ListObjects, ListObjectsV2, ListObjectVersions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "handlers.h"
#include "list_query.h"
#include "meta.h"

enum { KEYS_MAX = 1000 };

enum s3_error
list_query_parse(struct call *c, struct list_query *q)
{
	const char *encoding = request_query(&c->rq, "encoding-type");

	memset(q, 0, sizeof(*q));
	q->call = c;
	q->prefix = request_query(&c->rq, "prefix");
	q->delimiter = request_query(&c->rq, "delimiter");
	if (q->prefix == NULL)
		q->prefix = "";
	if (q->delimiter != NULL && q->delimiter[0] == '\0')
		q->delimiter = NULL;
	q->parity = set_parity(store_set(c->server->store, 0));
	q->url = encoding != NULL && strcmp(encoding, "url") == 0;
	if (encoding != NULL && encoding[0] != '\0' && !q->url)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Invalid Encoding Method specified in Request");
	return S3_OK;
}

void
list_query_text(struct xml *x, const struct list_query *q, const char *name,
    const char *text)
{
	struct buf encoded = BUF_INIT(3 * 1024 * 16 + 1);

	if (!q->url) {
		xml_text(x, name, text);
		return;
	}
	if (request_encode(&encoded, text, true) != EC_OK)
		x->failed = EC_ENOMEM;
	xml_text(x, name, buf_str(&encoded));
	buf_release(&encoded);
}

/* What all listings say of their request. */
static void
head_xml(struct call *c, struct xml *x, const struct list_query *q,
    uint64_t max)
{
	xml_text(x, "Name", c->rq.bucket);
	list_query_text(x, q, "Prefix", q->prefix);
	if (q->delimiter != NULL)
		list_query_text(x, q, "Delimiter", q->delimiter);
	xml_number(x, "MaxKeys", max);
	if (q->url)
		xml_text(x, "EncodingType", "url");
}

static void
sum_xml(struct xml *x, const struct list_entry *entry)
{
	const char *algorithm, *type;

	if (!meta_listed_sum(entry->listed, entry->listed_len, &algorithm,
	    &type))
		return;
	xml_text(x, "ChecksumAlgorithm", algorithm);
	xml_text(x, "ChecksumType", type);
}

/* By its parity: what is less than usual was asked for. */
static void
class_xml(struct xml *x, const struct list_query *q,
    const struct list_entry *entry)
{
	char text[24] = "STANDARD";

	if (entry->m < q->parity && entry->k > 0)
		snprintf(text, sizeof(text), "EC:%u", entry->m);
	if (entry->m < q->parity && entry->m == 1)
		strcpy(text, "REDUCED_REDUNDANCY");
	xml_text(x, "StorageClass", text);
}

static void
entry_xml(struct xml *x, const struct list_query *q,
    const struct list_entry *entry, bool owner)
{
	xml_open(x, "Contents");
	list_query_text(x, q, "Key", entry->key);
	xml_time(x, "LastModified", entry->mtime_us);
	xml_etag(x, "ETag", entry->etag);
	sum_xml(x, entry);
	xml_number(x, "Size", entry->size);
	if (owner)
		call_xml_owner_of(q->call, x, "Owner", entry->listed,
		    entry->listed_len);
	class_xml(x, q, entry);
	xml_close(x, "Contents");
}

static void
prefixes_xml(struct xml *x, const struct list_query *q, const struct list *l)
{
	unsigned i;

	for (i = 0; l != NULL && i < list_count(l); i++) {
		if (!list_at(l, i)->is_prefix)
			continue;
		xml_open(x, "CommonPrefixes");
		list_query_text(x, q, "Prefix", list_at(l, i)->key);
		xml_close(x, "CommonPrefixes");
	}
}

/* One page; with ${max} 0 there is none, and the bucket must be there. */
static enum s3_error
page(struct call *c, const struct list_query *q, const char *after,
    const struct stamp *after_version, bool versions, uint64_t max,
    struct list **out, bool *more)
{
	struct list_params p = {
		.bucket = c->rq.bucket,
		.prefix = q->prefix,
		.delimiter = q->delimiter,
		.after = after != NULL && after[0] != '\0' ? after : NULL,
		.versions = versions,
		.limit = max > KEYS_MAX ? KEYS_MAX : (unsigned)max,
	};
	struct bucket b = BUCKET_INIT;
	enum err e;

	if (after_version != NULL)
		p.after_version = *after_version;
	*more = false;
	if (max > 0)
		return call_store(c, store_list(c->server->store, &p, out,
		    more));
	e = store_bucket_get(c->server->store, c->rq.bucket, &b);
	bucket_release(&b);
	return call_store(c, e);
}

static unsigned
count(const struct list *l)
{
	return l != NULL ? list_count(l) : 0;
}

static const char *
last_key(const struct list *l)
{
	return count(l) > 0 ? list_at(l, count(l) - 1)->key : "";
}

enum s3_error
handle_list_v1(struct call *c)
{
	struct xml x = XML_INIT;
	struct list_query q;
	struct list *l = NULL;
	const char *marker = request_query(&c->rq, "marker");
	uint64_t max;
	unsigned i;
	bool more;
	enum s3_error e;

	if ((e = list_query_parse(c, &q)) != S3_OK ||
	    (e = call_number(c, "max-keys", INT32_MAX, KEYS_MAX, &max)) !=
	    S3_OK ||
	    (e = page(c, &q, marker, NULL, false, max, &l, &more)) != S3_OK)
		return e;
	xml_begin(&x, "ListBucketResult");
	head_xml(c, &x, &q, max > KEYS_MAX ? KEYS_MAX : max);
	list_query_text(&x, &q, "Marker", marker != NULL ? marker : "");
	xml_bool(&x, "IsTruncated", more);
	if (more)
		list_query_text(&x, &q, "NextMarker", last_key(l));
	for (i = 0; i < count(l); i++)
		if (!list_at(l, i)->is_prefix)
			entry_xml(&x, &q, list_at(l, i), true);
	prefixes_xml(&x, &q, l);
	list_free(l);
	return call_answer_xml(c, &x, "ListBucketResult");
}

/* The token is the last key in hex: opaque to clients, and safe in XML
 * whatever the key. */
static void
token_xml(struct xml *x, const char *key)
{
	char hex[2 * RECORD_KEY_MAX + 1];
	size_t len = strlen(key);

	if (len > RECORD_KEY_MAX)
		len = RECORD_KEY_MAX;
	num_hex(hex, (const uint8_t *)key, len);
	xml_text(x, "NextContinuationToken", hex);
}

static enum s3_error
token_parse(struct call *c, const char *token, char out[RECORD_KEY_MAX + 1])
{
	size_t len = strlen(token);

	if (len % 2 != 0 || len > 2 * RECORD_KEY_MAX ||
	    num_unhex((uint8_t *)out, len / 2, token) != EC_OK ||
	    memchr(out, '\0', len / 2) != NULL)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "The continuation token provided is incorrect");
	out[len / 2] = '\0';
	return S3_OK;
}

enum s3_error
handle_list_v2(struct call *c)
{
	struct xml x = XML_INIT;
	struct list_query q;
	struct list *l = NULL;
	const char *token = request_query(&c->rq, "continuation-token");
	const char *start = request_query(&c->rq, "start-after");
	const char *owner = request_query(&c->rq, "fetch-owner");
	char after[RECORD_KEY_MAX + 1];
	uint64_t max;
	unsigned i;
	bool more;
	enum s3_error e;

	if (strcmp(request_query(&c->rq, "list-type"), "2") != 0)
		return handle_list_v1(c);
	if ((e = list_query_parse(c, &q)) != S3_OK ||
	    (token != NULL && (e = token_parse(c, token, after)) != S3_OK) ||
	    (e = call_number(c, "max-keys", INT32_MAX, KEYS_MAX, &max)) !=
	    S3_OK ||
	    (e = page(c, &q, token != NULL ? after : start, NULL, false, max,
	    &l, &more)) != S3_OK)
		return e;
	xml_begin(&x, "ListBucketResult");
	head_xml(c, &x, &q, max > KEYS_MAX ? KEYS_MAX : max);
	if (token != NULL)
		xml_text(&x, "ContinuationToken", token);
	if (start != NULL)
		list_query_text(&x, &q, "StartAfter", start);
	xml_number(&x, "KeyCount", count(l));
	xml_bool(&x, "IsTruncated", more);
	if (more)
		token_xml(&x, last_key(l));
	for (i = 0; i < count(l); i++)
		if (!list_at(l, i)->is_prefix)
			entry_xml(&x, &q, list_at(l, i),
			    owner != NULL && strcmp(owner, "true") == 0);
	prefixes_xml(&x, &q, l);
	list_free(l);
	return call_answer_xml(c, &x, "ListBucketResult");
}

static void
version_xml(struct xml *x, const struct list_query *q,
    const struct list_entry *v)
{
	const char *name = v->marker ? "DeleteMarker" : "Version";
	char id[STAMP_TEXT_BYTES] = "null";

	if (!v->null_version)
		stamp_text(id, &v->version);
	xml_open(x, name);
	list_query_text(x, q, "Key", v->key);
	xml_text(x, "VersionId", id);
	xml_bool(x, "IsLatest", v->newest);
	xml_time(x, "LastModified", v->mtime_us);
	if (!v->marker) {
		xml_etag(x, "ETag", v->etag);
		sum_xml(x, v);
		xml_number(x, "Size", v->size);
		class_xml(x, q, v);
	}
	call_xml_owner_of(q->call, x, "Owner", v->listed, v->listed_len);
	xml_close(x, name);
}

/* The marker of a version is its stamp, of a null version too. */
static void
next_version_xml(struct xml *x, const struct list_query *q,
    const struct list *l)
{
	const struct list_entry *last = list_at(l, count(l) - 1);
	char id[STAMP_TEXT_BYTES];

	list_query_text(x, q, "NextKeyMarker", last->key);
	if (last->is_prefix)
		return;
	stamp_text(id, &last->version);
	xml_text(x, "NextVersionIdMarker", id);
}

/* Behind which version of ${key} the page begins: by its stamp; "null" stands
 * for what the null version has. */
static enum s3_error
version_mark(struct call *c, const char *key, const char *id,
    struct stamp *mark)
{
	struct object o = OBJECT_INIT;
	enum s3_error e = S3_OK;

	if (id == NULL)
		return S3_OK;
	if (key == NULL || key[0] == '\0')
		return call_fail(c, S3_INVALID_ARGUMENT, "A version-id marker "
		    "cannot be specified without a key marker.");
	if (id[0] == '\0')
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "A version-id marker cannot be empty.");
	if (strcmp(id, "null") == 0) {
		e = call_store(c, store_get_open(c->server->store,
		    c->rq.bucket, key, &get_null_version, NULL, &o));
		*mark = o.version;
		object_release(&o);
		return e == S3_NO_SUCH_KEY ? S3_OK : e;
	}
	return stamp_parse(mark, id) == EC_OK ? S3_OK :
	    call_fail(c, S3_INVALID_ARGUMENT,
	    "Invalid version id specified");
}

enum s3_error
handle_list_versions(struct call *c)
{
	struct xml x = XML_INIT;
	struct list_query q;
	struct list *l = NULL;
	const char *key = request_query(&c->rq, "key-marker");
	const char *id = request_query(&c->rq, "version-id-marker");
	struct stamp mark = { 0, 0 };
	uint64_t max;
	unsigned i;
	bool more;
	enum s3_error e;

	if ((e = list_query_parse(c, &q)) != S3_OK ||
	    (e = version_mark(c, key, id, &mark)) != S3_OK ||
	    (e = call_number(c, "max-keys", INT32_MAX, KEYS_MAX, &max)) !=
	    S3_OK ||
	    (e = page(c, &q, key, &mark, true, max, &l, &more)) != S3_OK)
		return e;
	xml_begin(&x, "ListVersionsResult");
	head_xml(c, &x, &q, max > KEYS_MAX ? KEYS_MAX : max);
	list_query_text(&x, &q, "KeyMarker", key != NULL ? key : "");
	xml_text(&x, "VersionIdMarker", id != NULL ? id : "");
	xml_bool(&x, "IsTruncated", more);
	if (more && count(l) > 0)
		next_version_xml(&x, &q, l);
	for (i = 0; i < count(l); i++)
		if (!list_at(l, i)->is_prefix)
			version_xml(&x, &q, list_at(l, i));
	prefixes_xml(&x, &q, l);
	list_free(l);
	return call_answer_xml(c, &x, "ListVersionsResult");
}
