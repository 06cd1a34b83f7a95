#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "copy_source.h"

/* "/bucket/key" or "bucket/key", escaped, then "?versionId=ID". */
static enum s3_error
parse(struct call *c, struct copy_source *s)
{
	const char *header = http_header(c->x, "x-amz-copy-source");
	const char *query = strchr(header, '?');
	size_t len = query != NULL ? (size_t)(query - header) : strlen(header);
	enum s3_error e;

	if ((s->text = malloc(len + 1)) == NULL)
		return S3_SLOW_DOWN;
	if (request_decode(s->text, header, len, false) != S3_OK ||
	    (e = request_split(s->text, &s->bucket, &s->key)) ==
	    S3_INVALID_ARGUMENT)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Copy Source must mention the source bucket and key: "
		    "sourcebucket/sourcekey");
	if (e != S3_OK || query == NULL)
		return e;
	if (strncmp(query, "?versionId=", 11) != 0)
		return S3_INVALID_ARGUMENT;
	return call_version(c, query + 11, &s->stamp, &s->version);
}

enum s3_error
copy_source_open(struct call *c, struct copy_source *s)
{
	const struct condition want = {
		http_header(c->x, "x-amz-copy-source-if-match"),
		http_header(c->x, "x-amz-copy-source-if-none-match"),
		http_header(c->x, "x-amz-copy-source-if-modified-since"),
		http_header(c->x, "x-amz-copy-source-if-unmodified-since"),
	};
	enum s3_error e, may;

	if ((e = parse(c, s)) != S3_OK)
		return e;
	e = call_store(c, store_get_open(c->server->store, s->bucket, s->key,
	    s->version, &s->get, &s->object));
	if (e != S3_OK && e != S3_NO_SUCH_KEY)
		return e;
	if ((may = caller_may(c, "GetObject", s->bucket, s->key, s->version !=
	    NULL, e == S3_OK ? &s->object.meta : NULL)) != S3_OK)
		return may;
	if (e != S3_OK)
		return s->version != NULL ? S3_NO_SUCH_VERSION : e;
	if (s->object.marker)
		return call_fail(c, S3_INVALID_REQUEST,
		    "The source of a copy request may not be a delete marker");
	return condition_check(&want, s->object.etag, s->object.mtime_us) ==
	    S3_OK ? S3_OK : S3_PRECONDITION_FAILED;
}

void
copy_source_headers(struct call *c, const struct copy_source *s)
{
	char text[STAMP_TEXT_BYTES] = "null";

	if (s->object.null_version && s->version == NULL)
		return;
	if (!s->object.null_version)
		stamp_text(text, &s->object.version);
	http_answer_header(c->x, "x-amz-copy-source-version-id", text);
}

void
copy_source_release(struct copy_source *s)
{
	get_free(s->get);
	object_release(&s->object);
	free(s->text);
}
