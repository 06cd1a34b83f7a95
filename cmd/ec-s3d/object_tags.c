/* Tags of objects. */
#include "handlers.h"
#include "meta.h"
#include "tags.h"

/* The tags of a version. */
static enum s3_error
tags_of(struct tags *t, const struct object *o)
{
	char text[TAGS_TEXT_MAX];

	return meta_text(&o->meta, META_TAGGING, text, sizeof(text)) ?
	    tags_from_query(t, text) : S3_OK;
}

enum s3_error
handle_object_tags_get(struct call *c)
{
	struct tags t = { .max = TAGS_OBJECT_MAX };
	struct object o = OBJECT_INIT;
	enum s3_error e;

	if ((e = call_object(c, &o)) == S3_OK &&
	    (e = tags_of(&t, &o)) == S3_OK) {
		call_header_version(c, &o.version, o.null_version);
		e = tags_answer(c, &t);
	}
	tags_release(&t);
	object_release(&o);
	return e;
}

static enum err
change(void *ctx, struct object *o)
{
	const struct buf *text = ctx;

	return record_meta_set(&o->meta, META_TAGGING, text->data, text->len);
}

static enum s3_error
set(struct call *c, struct buf *text, unsigned status)
{
	struct object o = OBJECT_INIT;
	enum s3_error e = call_amend(c, change, text, &o);

	if (e == S3_OK) {
		call_header_version(c, &o.version, o.null_version);
		e = call_answer(c, status);
	}
	object_release(&o);
	return e;
}

enum s3_error
handle_object_tags_put(struct call *c)
{
	struct buf text = BUF_INIT(TAGS_TEXT_MAX);
	struct tags t = { .max = TAGS_OBJECT_MAX };
	enum s3_error e;

	if ((e = tags_from_body(c, &t)) == S3_OK &&
	    (e = tags_to_query(&t, &text)) == S3_OK)
		e = set(c, &text, 200);
	tags_release(&t);
	buf_release(&text);
	return e;
}

enum s3_error
handle_object_tags_delete(struct call *c)
{
	struct buf none = BUF_INIT(1);

	return set(c, &none, 204);
}
