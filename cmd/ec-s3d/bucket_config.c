/* bucket_config: see the header.  Behind it: what is fixed here is said, what
 * cannot be set is said not to be there. */
#include <string.h>

#include "bucket_config.h"
#include "handlers.h"

enum s3_error
bucket_config_get(struct call *c, const char *name, enum s3_error lacking,
    struct buf *out)
{
	const struct bucket *b;
	const uint8_t *value;
	size_t len;
	enum s3_error e;

	if ((e = call_bucket(c, &b)) != S3_OK)
		return e;
	value = record_meta_get(b->meta.data, b->meta.len, name, &len);
	if (value == NULL)
		return lacking;
	out->len = 0;
	return call_store(c, buf_add(out, value, len));
}

struct change {
	const char *name;
	const void *value;
	size_t len;
};

static enum err
change_one(void *ctx, struct bucket *b)
{
	const struct change *ch = ctx;

	return record_meta_set(&b->meta, ch->name, ch->value, ch->len);
}

enum s3_error
bucket_config_set(struct call *c, const char *name, const void *value,
    size_t len)
{
	struct change ch = { name, value, len };
	enum err e = store_bucket_update(c->server->store, c->rq.bucket,
	    change_one, &ch);

	return e == EC_ELIMIT ? call_fail(c, S3_INVALID_REQUEST,
	    "The settings of a bucket are limited to %d bytes in all",
	    RECORD_META_MAX) : call_store(c, e);
}

enum s3_error
bucket_config_answer(struct call *c, const char *name, enum s3_error lacking,
    const char *type)
{
	struct buf value = BUF_INIT(RECORD_META_MAX);
	enum s3_error e = bucket_config_get(c, name, lacking, &value);

	if (e == S3_OK) {
		http_answer_header(c->x, "Content-Type", type);
		http_answer(c->x, 200, value.data, value.len);
	}
	buf_release(&value);
	return e;
}

enum s3_error
bucket_config_delete(struct call *c, const char *name)
{
	enum s3_error e = bucket_config_set(c, name, NULL, 0);

	return e != S3_OK ? e : call_answer(c, 204);
}

enum s3_error
bucket_config_put_xml(struct call *c, const char *name, struct xml *x,
    const char *root)
{
	enum s3_error e = s3_error_from(xml_end(x, root));

	if (e == S3_OK)
		e = bucket_config_set(c, name, x->buf.data, x->buf.len);
	xml_release(x);
	return e != S3_OK ? e : call_answer(c, 200);
}

/* S3_OK when the bucket is there. */
static enum s3_error
bucket_check(struct call *c)
{
	const struct bucket *b;

	return call_bucket(c, &b);
}

static enum s3_error
answer_empty(struct call *c, const char *root)
{
	struct xml x = XML_INIT;
	enum s3_error e = bucket_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, root);
	return call_answer_xml(c, &x, root);
}

static enum s3_error
answer_lacking(struct call *c, enum s3_error lacking)
{
	enum s3_error e = bucket_check(c);

	return e != S3_OK ? e : lacking;
}

/* us-east-1 is the empty one, for historical reasons of S3's. */
enum s3_error
handle_bucket_location(struct call *c)
{
	struct xml x = XML_INIT;
	enum s3_error e = bucket_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "LocationConstraint");
	if (strcmp(c->server->region, "us-east-1") != 0)
		xml_content(&x, c->server->region);
	return call_answer_xml(c, &x, "LocationConstraint");
}

enum s3_error
handle_bucket_logging(struct call *c)
{
	return answer_empty(c, "BucketLoggingStatus");
}

enum s3_error
handle_bucket_accelerate(struct call *c)
{
	return answer_empty(c, "AccelerateConfiguration");
}

enum s3_error
handle_bucket_notification(struct call *c)
{
	return answer_empty(c, "NotificationConfiguration");
}

enum s3_error
handle_request_payment(struct call *c)
{
	struct xml x = XML_INIT;
	enum s3_error e = bucket_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "RequestPaymentConfiguration");
	xml_text(&x, "Payer", "BucketOwner");
	return call_answer_xml(c, &x, "RequestPaymentConfiguration");
}

enum s3_error
handle_no_lifecycle(struct call *c)
{
	return answer_lacking(c, S3_NO_LIFECYCLE);
}

enum s3_error
handle_no_website(struct call *c)
{
	return answer_lacking(c, S3_NO_WEBSITE);
}

enum s3_error
handle_no_encryption(struct call *c)
{
	return answer_lacking(c, S3_NO_ENCRYPTION);
}

enum s3_error
handle_no_replication(struct call *c)
{
	return answer_lacking(c, S3_NO_REPLICATION);
}
