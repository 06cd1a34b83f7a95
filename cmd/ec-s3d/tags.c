#include <stdlib.h>
#include <string.h>

#include "meta.h"
#include "tags.h"

enum { BODY_MAX = 256 * 1024 };

void
tags_release(struct tags *t)
{
	while (t->n > 0) {
		struct tag *tag = &t->v[--t->n];

		free(tag->key);
		free(tag->value);
		*tag = (struct tag){ NULL, NULL };
	}
}

/* Characters, not bytes; the text is UTF-8. */
static size_t
characters(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* The last one is whole: may it stand there? */
static enum s3_error
last_check(const struct tags *t)
{
	const struct tag *last = &t->v[t->n - 1];

	if (last->key == NULL || last->value == NULL)
		return S3_MALFORMED_XML;
	if (last->key[0] == '\0' || strncmp(last->key, "aws:", 4) == 0 ||
	    characters(last->key) > TAGS_KEY_MAX ||
	    characters(last->value) > TAGS_VALUE_MAX)
		return S3_INVALID_TAG;
	for (unsigned i = 0; i + 1 < t->n; i++)
		if (strcmp(t->v[i].key, last->key) == 0)
			return S3_INVALID_TAG;
	return S3_OK;
}

static enum s3_error
pair_add(struct tags *t, const char *text, size_t len)
{
	size_t key = strcspn(text, "=&"), value = key < len ? key + 1 : key;
	struct tag *tag = &t->v[t->n];
	enum s3_error e;

	if (t->n == t->max)
		return S3_INVALID_TAG;
	t->n++;
	tag->key = malloc(key + 1);
	tag->value = malloc(len - value + 1);
	if (tag->key == NULL || tag->value == NULL)
		return S3_SLOW_DOWN;
	tag->key[0] = tag->value[0] = '\0';
	if (request_decode(tag->key, text, key, true) != S3_OK ||
	    request_decode(tag->value, text + value, len - value, true) !=
	    S3_OK)
		return S3_INVALID_ARGUMENT;
	e = last_check(t);
	return e;
}

enum s3_error
tags_from_query(struct tags *t, const char *text)
{
	enum s3_error e = S3_OK;
	size_t len;

	for (; *text != '\0' && e == S3_OK; text += len + (text[len] == '&')) {
		len = strcspn(text, "&");
		if (len > 0)
			e = pair_add(t, text, len);
	}
	return e;
}

static enum s3_error
text_set(char **out, const char *text)
{
	if (*out != NULL)
		return S3_MALFORMED_XML;
	*out = strdup(text);
	return *out != NULL ? S3_OK : S3_SLOW_DOWN;
}

static enum s3_error
element(void *ctx, const char *path, const char *text)
{
	struct tags *t = ctx;
	struct tag *last = t->n > 0 ? &t->v[t->n - 1] : NULL;

	if (strcmp(path, "/Tagging") == 0 ||
	    strcmp(path, "/Tagging/TagSet") == 0)
		return S3_OK;
	if (strncmp(path, "/Tagging/TagSet/Tag", 19) != 0)
		return S3_MALFORMED_XML;
	path += 19;
	if (path[0] == '\0') {
		if (text != NULL)
			return last_check(t);
		return t->n == t->max ? S3_INVALID_TAG : (t->n++, S3_OK);
	}
	if (strcmp(path, "/Key") == 0)
		return text == NULL ? S3_OK : text_set(&last->key, text);
	if (strcmp(path, "/Value") == 0)
		return text == NULL ? S3_OK : text_set(&last->value, text);
	return S3_MALFORMED_XML;
}

enum s3_error
tags_from_body(struct call *c, struct tags *t)
{
	return call_xml(c, BODY_MAX, CALL_XML_PLAIN, element, t);
}

enum s3_error
tags_to_query(const struct tags *t, struct buf *out)
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < t->n && e == EC_OK; i++)
		if ((i > 0 && (e = buf_add_str(out, "&")) != EC_OK) ||
		    (e = request_encode(out, t->v[i].key, false)) != EC_OK ||
		    (e = buf_add_str(out, "=")) != EC_OK)
			break;
		else
			e = request_encode(out, t->v[i].value, false);
	return e == EC_ELIMIT ? S3_INVALID_TAG : s3_error_from(e);
}

enum s3_error
tags_answer(struct call *c, const struct tags *t)
{
	struct xml x = XML_INIT;

	xml_begin(&x, "Tagging");
	xml_open(&x, "TagSet");
	for (unsigned i = 0; i < t->n; i++) {
		xml_open(&x, "Tag");
		xml_text(&x, "Key", t->v[i].key);
		xml_text(&x, "Value", t->v[i].value);
		xml_close(&x, "Tag");
	}
	xml_close(&x, "TagSet");
	return call_answer_xml(c, &x, "Tagging");
}

static enum s3_error
store(const struct tags *t, struct buf *meta)
{
	struct buf text = BUF_INIT(TAGS_TEXT_MAX);
	enum s3_error e = tags_to_query(t, &text);

	if (e == S3_OK && text.len > 0)
		e = s3_error_from(record_meta_set(meta, META_TAGGING,
		    text.data, text.len));
	buf_release(&text);
	return e;
}

enum s3_error
tags_from_text(struct tags *t, const char *xml, struct buf *meta)
{
	struct xml_reader *r = NULL;
	enum s3_error e;

	if ((e = xml_reader_new(&r, element, t)) == S3_OK &&
	    (e = xml_reader_feed(r, xml, strlen(xml), true)) == S3_OK)
		e = store(t, meta);
	xml_reader_free(r);
	return e;
}

static int
by_key(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;

	return strcmp(x->key != NULL ? x->key : "",
	    y->key != NULL ? y->key : "");
}

/* A query string has no order of its own. */
enum s3_error
tags_from_header(struct call *c, struct buf *meta)
{
	const char *header = http_header(c->x, "x-amz-tagging");
	struct tags t = { .max = TAGS_OBJECT_MAX };
	enum s3_error e;

	if (header == NULL)
		return S3_OK;
	e = tags_from_query(&t, header);
	qsort(t.v, t.n, sizeof(t.v[0]), by_key);
	if (e == S3_INVALID_ARGUMENT)
		call_fail(c, e, "The header 'x-amz-tagging' shall be encoded "
		    "as UTF-8 then URLEncoded URL query parameters without "
		    "tag name duplicates.");
	if (e == S3_OK)
		e = store(&t, meta);
	tags_release(&t);
	return e;
}
