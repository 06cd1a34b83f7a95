/* Tags of buckets. */
#include "bucket_config.h"
#include "handlers.h"
#include "tags.h"

enum s3_error
handle_bucket_tags_get(struct call *c)
{
	struct buf text = BUF_INIT(RECORD_META_MAX);
	struct tags t = { .max = TAGS_BUCKET_MAX };
	enum s3_error e;

	if ((e = bucket_config_get(c, CONFIG_TAGGING, S3_NO_TAGS, &text)) ==
	    S3_OK && (e = tags_from_query(&t, buf_str(&text))) == S3_OK)
		e = tags_answer(c, &t);
	tags_release(&t);
	buf_release(&text);
	return e;
}

enum s3_error
handle_bucket_tags_put(struct call *c)
{
	struct buf text = BUF_INIT(TAGS_TEXT_MAX);
	struct tags t = { .max = TAGS_BUCKET_MAX };
	enum s3_error e;

	if ((e = tags_from_body(c, &t)) == S3_OK &&
	    (e = tags_to_query(&t, &text)) == S3_OK &&
	    (e = bucket_config_set(c, CONFIG_TAGGING, t.n > 0 ? text.data :
	    NULL, text.len)) == S3_OK)
		e = call_answer(c, 204);
	tags_release(&t);
	buf_release(&text);
	return e;
}

enum s3_error
handle_bucket_tags_delete(struct call *c)
{
	return bucket_config_delete(c, CONFIG_TAGGING);
}
