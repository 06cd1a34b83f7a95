/* Buckets: list, create, head, delete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "acl_request.h"
#include "bucket_config.h"
#include "handlers.h"

enum {
	BUCKETS_PAGE = 1000,
	BUCKETS_MAX = 10000,		/* one answer */
	CONFIGURATION_MAX = 64 * 1024,	/* bytes of a request's XML */
};

static void
bucket_xml(struct xml *x, const struct bucket *b, const char *region)
{
	xml_open(x, "Bucket");
	xml_text(x, "Name", b->name);
	xml_time(x, "CreationDate", b->created_us);
	xml_text(x, "BucketRegion", region);
	xml_close(x, "Bucket");
}

static bool
is_owned(struct call *c, const struct bucket *b)
{
	const char *id = caller_owner_id(c);
	size_t len;
	const uint8_t *owner = record_meta_get(b->meta.data, b->meta.len,
	    ACCESS_OWNER, &len);

	return owner != NULL && len == strlen(id) &&
	    memcmp(owner, id, len) == 0;
}

/* Who has a policy that allows it sees all buckets, others their own.  Pages
 * of the store until ${max} fit; *${last} is the last one written. */
static enum s3_error
buckets_xml(struct call *c, struct xml *x, const char *prefix, unsigned max,
    char last[RECORD_BUCKET_MAX + 1], bool *more)
{
	struct bucket *page = NULL;
	unsigned n, i, count = 0;
	bool all = caller_may_also(c, "s3:ListAllMyBuckets");
	enum err e;

	*more = false;
	do {
		e = store_bucket_list(c->server->store,
		    last[0] != '\0' ? last : NULL, BUCKETS_PAGE, &page, &n);
		if (e != EC_OK)
			return call_store(c, e);
		for (i = 0; i < n; i++) {
			bool fits = page[i].name[0] != '.' &&
			    (all || is_owned(c, &page[i])) &&
			    strncmp(page[i].name, prefix, strlen(prefix)) == 0;

			*more = *more || (fits && count == max);
			if (fits && count < max) {
				bucket_xml(x, &page[i], c->server->region);
				count++;
			}
			if (!*more)
				strcpy(last, page[i].name);
			bucket_release(&page[i]);
		}
		free(page);
		page = NULL;
	} while (n == BUCKETS_PAGE && !*more);
	return S3_OK;
}

enum s3_error
handle_bucket_list(struct call *c)
{
	struct xml x = XML_INIT;
	const char *prefix = request_query(&c->rq, "prefix");
	const char *token = request_query(&c->rq, "continuation-token");
	char last[RECORD_BUCKET_MAX + 1] = "";
	uint64_t max;
	bool more;
	enum s3_error e;

	if ((e = call_number(c, "max-buckets", BUCKETS_MAX, BUCKETS_MAX,
	    &max)) != S3_OK)
		return e;
	if (token != NULL && token[0] != '\0') {
		if (object_bucket_valid(token) != EC_OK)
			return S3_INVALID_ARGUMENT;
		strcpy(last, token);
	}
	xml_begin(&x, "ListAllMyBucketsResult");
	call_xml_owner(c, &x, "Owner", caller_owner_id(c));
	xml_open(&x, "Buckets");
	e = buckets_xml(c, &x, prefix != NULL ? prefix : "", (unsigned)max,
	    last, &more);
	if (e != S3_OK) {
		xml_release(&x);
		return e;
	}
	xml_close(&x, "Buckets");
	if (prefix != NULL)
		xml_text(&x, "Prefix", prefix);
	if (more)
		xml_text(&x, "ContinuationToken", last);
	return call_answer_xml(c, &x, "ListAllMyBucketsResult");
}

struct create {
	const char *region;
	bool other;		/* asked for what is not here */
};

static enum s3_error
create_element(void *ctx, const char *path, const char *text)
{
	struct create *create = ctx;

	if (text == NULL)
		return strncmp(path, "/CreateBucketConfiguration", 26) == 0 &&
		    (path[26] == '\0' || path[26] == '/') ? S3_OK :
		    S3_MALFORMED_XML;
	if (strcmp(path, "/CreateBucketConfiguration") == 0)
		return S3_OK;
	if (strcmp(path, "/CreateBucketConfiguration/LocationConstraint") == 0)
		return text[0] == '\0' || strcmp(text, create->region) == 0 ?
		    S3_OK : S3_INVALID_LOCATION;
	create->other = true;
	return S3_OK;
}

static bool
has_same(const struct bucket *b, const struct buf *meta, const char *name)
{
	size_t have_len = 0, want_len = 0;
	const uint8_t *have = record_meta_get(b->meta.data, b->meta.len, name,
	    &have_len);
	const uint8_t *want = record_meta_get(meta->data, meta->len, name,
	    &want_len);

	return (have == NULL) == (want == NULL) && have_len == want_len &&
	    (have == NULL || memcmp(have, want, have_len) == 0);
}

/* The region that came first takes it well when an owner makes his bucket
 * again, but nothing is changed by it. */
static enum s3_error
existing(struct call *c, const struct buf *meta)
{
	const struct bucket *b;
	enum s3_error e = call_bucket(c, &b);

	if (e != S3_OK)
		return e;
	if (!is_owned(c, b) && (c->who.user == NULL || !c->who.user->root))
		return S3_BUCKET_TAKEN;
	if (strcmp(c->server->region, "us-east-1") != 0)
		return S3_BUCKET_EXISTS;
	return has_same(b, meta, ACCESS_ACL) &&
	    has_same(b, meta, CONFIG_OBJECT_LOCK) ? S3_OK : S3_BUCKET_TAKEN;
}

/* The labels of a new name begin and end with a letter or digit. */
static bool
labels_valid(const char *name)
{
	for (; *name != '\0'; name++)
		if ((name[0] == '.' && name[1] == '-') ||
		    (name[0] == '-' && name[1] == '.'))
			return false;
	return true;
}

enum s3_error
handle_bucket_create(struct call *c)
{
	const char *lock = http_header(c->x,
	    "x-amz-bucket-object-lock-enabled");
	struct create create = { c->server->region, false };
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	char location[RECORD_BUCKET_MAX + 2], arn[RECORD_BUCKET_MAX + 16];
	enum s3_error e;

	if (http_content_length(c->x) != 0 && (e = call_xml(c,
	    CONFIGURATION_MAX, CALL_XML_PLAIN, create_element, &create)) !=
	    S3_OK)
		return e;
	if (!labels_valid(c->rq.bucket))
		return S3_INVALID_BUCKET_NAME;
	if (create.other)
		return call_fail(c, S3_NOT_IMPLEMENTED,
		    "only LocationConstraint is implemented");
	if (lock != NULL && strcasecmp(lock, "true") == 0 &&
	    (record_meta_add(&meta, CONFIG_OBJECT_LOCK, "Enabled", 7) !=
	    EC_OK || record_meta_add(&meta, CONFIG_VERSIONING, "Enabled", 7) !=
	    EC_OK)) {
		buf_release(&meta);
		return S3_SLOW_DOWN;
	}
	if ((e = acl_request_bucket(c, &meta)) == S3_OK)
		e = call_store(c, store_bucket_create(c->server->store,
		    c->rq.bucket, meta.data, meta.len));
	if (e == S3_BUCKET_EXISTS)
		e = existing(c, &meta);
	buf_release(&meta);
	if (e != S3_OK)
		return e;
	snprintf(location, sizeof(location), "/%s", c->rq.bucket);
	http_answer_header(c->x, "Location", location);
	snprintf(arn, sizeof(arn), "arn:aws:s3:::%s", c->rq.bucket);
	http_answer_header(c->x, "x-amz-bucket-arn", arn);
	return call_answer(c, 200);
}

enum s3_error
handle_bucket_head(struct call *c)
{
	struct bucket b = BUCKET_INIT;
	enum s3_error e = call_store(c, store_bucket_get(c->server->store,
	    c->rq.bucket, &b));

	bucket_release(&b);
	if (e != S3_OK)
		return e;
	http_answer_header(c->x, "x-amz-bucket-region", c->server->region);
	return call_answer(c, 200);
}

enum s3_error
handle_bucket_delete(struct call *c)
{
	enum s3_error e = call_store(c, store_bucket_remove(c->server->store,
	    c->rq.bucket));

	return e != S3_OK ? e : call_answer(c, 204);
}
