/* What the maker of a request may do. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "call.h"
#include "route.h"

enum s3_error
caller_bucket(struct call *c, const struct access_bucket **out)
{
	const struct bucket *b;
	enum s3_error e;

	if (c->who.of == NULL) {
		if ((e = call_bucket(c, &b)) != S3_OK ||
		    (e = call_store(c, access_cache_get(c->server->access, b,
		    iam_root_user(c->who.iam)->id, &c->who.kept))) != S3_OK)
			return e;
		c->who.of = access_kept_of(c->who.kept);
	}
	*out = c->who.of;
	return S3_OK;
}

const char *
caller_owner_id(const struct call *c)
{
	/* The canonical id that AWS gives to what anonymous users make. */
	if (c->who.user == NULL)
		return "65a011a29cdf8ec533ec3d1ccaae921c";
	return c->who.user->member ? iam_root_user(c->who.iam)->id :
	    c->who.user->id;
}

static enum s3_error
keep_tags(struct call *c, const struct buf *meta)
{
	size_t len;
	const uint8_t *tags = record_meta_get(meta->data, meta->len,
	    CALLER_META_TAGS, &len);

	if (tags == NULL)
		return S3_OK;
	c->who.tags = strndup((const char *)tags, len);
	return c->who.tags != NULL ? S3_OK : S3_SLOW_DOWN;
}

/* The list of the object that the request names, read once. */
static const struct acl *
object_list(void *ctx)
{
	struct call *c = ctx;
	struct object o = OBJECT_INIT;
	struct upload u = UPLOAD_INIT;
	const char *upload = request_query(&c->rq, "uploadId");
	const struct stamp *version;
	struct stamp mem;
	struct acl *list;
	enum s3_error e;

	if (c->who.object != NULL || c->who.object_error != S3_OK)
		return c->who.object;
	if ((list = malloc(sizeof(*list))) == NULL) {
		c->who.object_error = S3_SLOW_DOWN;
		return NULL;
	}
	if (upload != NULL)
		e = stamp_parse(&mem, upload) != EC_OK ? S3_NO_SUCH_UPLOAD :
		    call_store(c, store_upload_get(c->server->store,
		    c->rq.bucket, c->rq.key, &mem, &u));
	else if ((e = call_version(c, request_query(&c->rq, "versionId"), &mem,
	    &version)) == S3_OK)
		e = call_store(c, store_get_open(c->server->store,
		    c->rq.bucket, c->rq.key, version, NULL, &o));
	if (e == S3_OK && access_object_acl(list, upload != NULL ? &u.meta :
	    &o.meta, c->who.of) != EC_OK)
		e = S3_ACCESS_DENIED;
	if (e == S3_OK && upload == NULL)
		e = keep_tags(c, &o.meta);
	c->who.object_error = e;
	if (e == S3_OK)
		c->who.object = list;
	else
		free(list);
	object_release(&o);
	upload_release(&u);
	return c->who.object;
}

const char *
caller_object_tags(struct call *c)
{
	if (c->who.of != NULL && c->rq.key[0] != '\0' && !c->who.other)
		object_list(c);
	return c->who.tags;
}

static void
ask(struct call *c, const struct action *action, struct access *out)
{
	*out = (struct access){ .action = action, .user = c->who.user,
		.bucket = c->rq.bucket[0] != '\0' ? c->rq.bucket : NULL,
		.key = c->rq.key[0] != '\0' ? c->rq.key : NULL,
		.of = c->who.of, .object = object_list,
		.value = caller_value, .ctx = c,
		.versioned = request_query(&c->rq, "versionId") != NULL };
	if (c->who.key != NULL && c->who.user != NULL)
		out->session[0] = c->who.key->policy;
	if (c->who.has_session)
		out->session[1] = c->who.session.policy;
}

static enum s3_error
denied(struct call *c, const char *why)
{
	c->detail[0] = '\0';
	log_debug("%s %s: denied: %s", c->id, c->rq.path, why);
	return S3_ACCESS_DENIED;
}

bool
caller_may_list(struct call *c)
{
	char why[ACCESS_WHY_BYTES];
	struct access a;

	ask(c, action_find("ListObjects"), &a);
	a.key = NULL;
	a.versioned = false;
	return c->who.of != NULL && access_judge(&a, why) == ACCESS_ALLOWED;
}

/* What a PUT sets besides must not be denied. */
static bool
denied_besides(struct call *c, const struct access *a)
{
	const struct http_header *h;
	unsigned i, n = http_headers(c->x, &h);
	bool list = false, tags = false;

	if (strcmp(a->action->name, "s3:PutObject") != 0)
		return false;
	for (i = 0; i < n; i++) {
		list = list || strcasecmp(h[i].name, "x-amz-acl") == 0 ||
		    strncasecmp(h[i].name, "x-amz-grant-", 12) == 0;
		tags = tags || strcasecmp(h[i].name, "x-amz-tagging") == 0;
	}
	return (list && access_denies(a, "s3:PutObjectAcl")) ||
	    (tags && access_denies(a, "s3:PutObjectTagging"));
}

bool
caller_owner_expected(const char *want, const struct access_bucket *of)
{
	return want == NULL || of == NULL ||
	    strcmp(want, POLICY_ACCOUNT) == 0 ||
	    strcmp(want, of->acl.owner) == 0;
}

enum s3_error
caller_authorize(struct call *c)
{
	const struct action *action = action_find(c->route->name);
	const struct access_bucket *of;
	char why[ACCESS_WHY_BYTES];
	struct access a;
	enum s3_error e;

	if (action == NULL)
		return denied(c, "no row in action.c");
	if (c->route->on != ROUTE_SERVICE && action->by != ACTION_USER &&
	    (e = caller_bucket(c, &of)) != S3_OK)
		return e;
	if (!caller_owner_expected(http_header(c->x,
	    "x-amz-expected-bucket-owner"), c->who.of))
		return denied(c, "the bucket is of another owner");
	if (action->by == ACTION_EACH)
		return S3_OK;
	ask(c, action, &a);
	switch (access_judge(&a, why)) {
	case ACCESS_ALLOWED:
		return denied_besides(c, &a) ? denied(c, "a policy denies "
		    "what it sets besides") : S3_OK;
	case ACCESS_ABSENT:
		if (c->who.object_error == S3_NO_SUCH_UPLOAD ||
		    s3_error_status(c->who.object_error) >= 500)
			return c->who.object_error;
		if (caller_may_list(c))
			return S3_OK;	/* the handler says what is not there */
		break;
	case ACCESS_DENIED:
		break;
	}
	return denied(c, why);
}

struct other {
	struct call *c;
	struct acl list;
};

static const struct acl *
other_list(void *ctx)
{
	const struct other *o = ctx;

	return &o->list;
}

static const char *
other_value(void *ctx, const char *key, unsigned i)
{
	const struct other *o = ctx;

	return caller_value(o->c, key, i);
}

static enum s3_error
judge_other(struct call *c, struct access *a, const struct buf *meta)
{
	struct other *other = malloc(sizeof(*other));
	char why[ACCESS_WHY_BYTES], *tags = c->who.tags;
	enum s3_error e;

	if (other == NULL)
		return S3_SLOW_DOWN;
	c->who.tags = NULL;
	c->who.other = true;
	if (meta != NULL && (e = keep_tags(c, meta)) != S3_OK)
		goto out;
	other->c = c;
	a->ctx = other;
	a->value = other_value;
	a->object = NULL;
	if (meta != NULL && access_object_acl(&other->list, meta, a->of) ==
	    EC_OK)
		a->object = other_list;
	e = access_judge(a, why) != ACCESS_ALLOWED ? denied(c, why) :
	    denied_besides(c, a) ? denied(c, "a policy denies what it sets "
	    "besides") : S3_OK;
out:
	free(c->who.tags);
	c->who.tags = tags;
	c->who.other = false;
	free(other);
	return e;
}

/* Only copies have a source; the header says nothing of other requests. */
static bool
source_expected(struct call *c, const struct access_bucket *of)
{
	return http_header(c->x, "x-amz-copy-source") == NULL ||
	    caller_owner_expected(http_header(c->x,
	    "x-amz-source-expected-bucket-owner"), of);
}

/* In a bucket other than that of the request. */
static enum s3_error
judge_elsewhere(struct call *c, struct access *a, const struct buf *meta)
{
	struct bucket b = BUCKET_INIT;
	struct access_bucket *of = malloc(sizeof(*of));
	enum s3_error e = of == NULL ? S3_SLOW_DOWN : call_store(c,
	    store_bucket_look(c->server->store, a->bucket, &b));

	if (e == S3_OK) {
		access_bucket_load(of, &b, iam_root_user(c->who.iam)->id);
		a->of = of;
		e = source_expected(c, of) ? judge_other(c, a, meta) :
		    denied(c, "the source's bucket is of another owner");
		access_bucket_release(of);
	}
	free(of);
	bucket_release(&b);
	return e;
}

enum s3_error
caller_may(struct call *c, const char *operation, const char *bucket,
    const char *key, bool versioned, const struct buf *meta)
{
	struct access a;

	ask(c, action_find(operation), &a);
	a.bucket = bucket;
	a.key = key;
	a.versioned = versioned;
	if (c->who.of == NULL || strcmp(bucket, c->rq.bucket) != 0)
		return judge_elsewhere(c, &a, meta);
	return source_expected(c, c->who.of) ? judge_other(c, &a, meta) :
	    denied(c, "the source's bucket is of another owner");
}

bool
caller_may_also(struct call *c, const char *name)
{
	const struct action action = { .operation = "", .name = name,
		.by = ACTION_OWNER };
	char why[ACCESS_WHY_BYTES];
	struct access a;

	ask(c, &action, &a);
	a.object = NULL;
	return access_judge(&a, why) == ACCESS_ALLOWED;
}
