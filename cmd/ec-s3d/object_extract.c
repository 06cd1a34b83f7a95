/* PutObject of a tar whose files become objects. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/num.h"
#include "acl_request.h"
#include "handlers.h"
#include "meta.h"
#include "object_lock.h"
#include "object_write.h"
#include "spool.h"
#include "store/bundle.h"
#include "tags.h"

enum {
	MEMBERS_MAX = 1000000,
	RATIO_MAX = 100,	/* unpacked to packed, beyond UNPACKED_MIN */
};
#define UNPACKED_MIN (UINT64_C(1) << 30)

struct extraction {
	struct call *call;
	struct bundle_reader *from;
	struct buf meta;	/* of each object */
	int parity;
	bool go_on;		/* past what cannot be stored */
	enum s3_error denied, e;	/* of the last one; of all */
};

/* A header of it has two names, that of clients of MinIO and a short one. */
static const char *
option(struct call *c, const char *what)
{
	char name[64];
	const char *v;

	snprintf(name, sizeof(name), "x-amz-meta-snowball-%s", what);
	if ((v = http_header(c->x, name)) != NULL)
		return v;
	snprintf(name, sizeof(name), "x-amz-meta-minio-snowball-%s", what);
	return http_header(c->x, name);
}

static bool
option_set(struct call *c, const char *what)
{
	const char *v = option(c, what);

	return v != NULL && strcasecmp(v, "true") == 0;
}

/* What stands before all names, with a slash. */
static enum s3_error
prefix_make(struct call *c, struct buf *out)
{
	const char *v = option(c, "prefix");

	if (v == NULL || v[0] == '\0')
		return S3_OK;
	return buf_add_str(out, v) == EC_OK &&
	    (v[strlen(v) - 1] == '/' || buf_add_str(out, "/") == EC_OK) ?
	    S3_OK : S3_KEY_TOO_LONG;
}

/* Other headers are of the archive. */
static enum s3_error
meta_make(struct call *c, struct extraction *x)
{
	const char *class = http_header(c->x, "x-amz-storage-class");
	enum s3_error e = class != NULL ? meta_add_class(&x->meta, class) :
	    S3_OK;

	if (e == S3_OK && (e = acl_request_object(c, &x->meta)) == S3_OK &&
	    (e = tags_from_header(c, &x->meta)) == S3_OK &&
	    (e = object_lock_from_request(c, &x->meta)) == S3_OK)
		e = object_parity(c, &x->meta, &x->parity);
	return e;
}

static enum err
may(void *ctx, struct put_params *p)
{
	struct extraction *x = ctx;

	x->denied = caller_may(x->call, "PutObject", p->bucket, p->key, false,
	    NULL);
	if (x->denied != S3_OK)
		return EC_EDENIED;
	p->parity = x->parity;
	p->meta = x->meta.data;
	p->meta_len = x->meta.len;
	return EC_OK;
}

static enum err
failed(void *ctx, const char *key, enum err e)
{
	struct extraction *x = ctx;
	const char *why = bundle_reader_why(x->from);

	if (x->go_on && (e == EC_EINVAL || x->denied == S3_ACCESS_DENIED)) {
		log_debug("%s: %s not stored: %s", x->call->id,
		    key != NULL ? key : "a member", why);
		x->denied = S3_OK;
		return EC_OK;
	}
	if (x->denied != S3_OK)
		x->e = call_fail(x->call, x->denied, "%s: %.100s",
		    s3_error_text(x->denied), key);
	else if (e == EC_ELIMIT)
		x->e = call_fail(x->call, S3_ENTITY_TOO_LARGE, "%s", why);
	else if (e == EC_EINVAL || e == EC_EFORMAT)
		x->e = call_fail(x->call, S3_INVALID_ARGUMENT, "%s", why);
	else
		x->e = call_store(x->call, e);
	return e;
}

/* Once through the archive: with ${st} its files are stored. */
static enum s3_error
pass(struct extraction *x, struct spool *s, const char *prefix,
    struct store *st)
{
	struct bundle_reader_params rp = { .from = { s, spool_read },
		.prefix = prefix, .tar_only = true,
		.dirs = !option_set(x->call, "ignore-dirs"),
		.members_max = MEMBERS_MAX, .file_bytes_max = OBJECT_PUT_MAX,
		.bytes_max = s->o.size * RATIO_MAX };
	struct bundle_extract p = { .store = st, .bucket = x->call->rq.bucket,
		.ctx = x, .may = may, .failed = failed };
	struct bundle_result r = { 0 };
	enum err e;

	if (rp.bytes_max < UNPACKED_MIN)
		rp.bytes_max = UNPACKED_MIN;
	spool_rewind(s);
	if ((e = bundle_reader_new(&x->from, &rp)) != EC_OK) {
		failed(x, NULL, e);
	} else {
		p.from = x->from;
		bundle_extract(&p, &r);
	}
	bundle_reader_free(x->from);
	x->from = NULL;
	return x->e;
}

enum s3_error
handle_object_extract(struct call *c)
{
	struct extraction x = { .call = c, .meta = BUF_INIT(RECORD_META_MAX),
		.go_on = option_set(c, "ignore-errors") };
	struct buf prefix = BUF_INIT(RECORD_KEY_MAX);
	struct spool s = SPOOL_INIT;
	struct body b = BODY_INIT;
	enum s3_error e;

	if (!option_set(c, "auto-extract"))
		return handle_object_put(c);
	if (http_header(c->x, "If-Match") != NULL ||
	    http_header(c->x, "If-None-Match") != NULL)
		return call_fail(c, S3_NOT_IMPLEMENTED,
		    "Conditions on the objects of an archive");
	/* All is looked at before the first object is stored. */
	if ((e = call_body(c, &b, S3_CHECKSUM_NONE)) != S3_OK ||
	    (e = object_length(c, &b)) != S3_OK ||
	    (e = prefix_make(c, &prefix)) != S3_OK ||
	    (e = meta_make(c, &x)) != S3_OK ||
	    (e = spool_fill(c, &b, &s)) != S3_OK ||
	    (e = pass(&x, &s, buf_str(&prefix), NULL)) != S3_OK ||
	    (e = pass(&x, &s, buf_str(&prefix), c->server->store)) != S3_OK)
		goto out;
	call_header_etag(c, s.o.etag);
	e = call_answer(c, 200);
out:
	spool_release(&s);
	body_release(&b);
	buf_release(&prefix);
	buf_release(&x.meta);
	return e;
}
