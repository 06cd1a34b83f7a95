#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "xml.h"

struct xml_reader {
	XML_Parser parser;
	xml_element *element;
	void *ctx;
	enum s3_error failed;
	unsigned depth;
	char path[XML_PATH_MAX];
	char text[XML_TEXT_MAX];
	size_t text_len;
};

static void
stop(struct xml_reader *r, enum s3_error e)
{
	if (r->failed == S3_OK)
		r->failed = e;
	XML_StopParser(r->parser, XML_FALSE);
}

static void
on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct xml_reader *r = ctx;
	const char *colon = strrchr(name, ':');
	size_t len = strlen(r->path), n;
	enum s3_error e;

	(void)attributes;
	name = colon != NULL ? colon + 1 : name;
	n = strlen(name);
	if (++r->depth > XML_DEPTH_MAX || len + 1 + n >= sizeof(r->path)) {
		stop(r, S3_MALFORMED_XML);
		return;
	}
	r->path[len] = '/';
	memcpy(r->path + len + 1, name, n + 1);
	r->text_len = 0;
	if ((e = r->element(r->ctx, r->path, NULL)) != S3_OK)
		stop(r, e);
}

static void
on_end(void *ctx, const XML_Char *name)
{
	struct xml_reader *r = ctx;
	enum s3_error e;

	(void)name;
	if (r->failed != S3_OK)
		return;
	r->text[r->text_len] = '\0';
	if ((e = r->element(r->ctx, r->path, r->text)) != S3_OK)
		stop(r, e);
	r->text_len = 0;
	r->depth--;
	*strrchr(r->path, '/') = '\0';
}

static void
on_text(void *ctx, const XML_Char *text, int len)
{
	struct xml_reader *r = ctx;

	if ((size_t)len >= sizeof(r->text) - r->text_len) {
		stop(r, S3_MALFORMED_XML);
		return;
	}
	memcpy(r->text + r->text_len, text, (size_t)len);
	r->text_len += (size_t)len;
}

/* No DTD: no entities, no files, no expansion. */
static void
on_doctype(void *ctx, const XML_Char *name, const XML_Char *system,
    const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(ctx, S3_MALFORMED_XML);
}

enum s3_error
xml_reader_new(struct xml_reader **out, xml_element *element, void *ctx)
{
	struct xml_reader *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->parser = XML_ParserCreate(NULL)) == NULL) {
		free(r);
		return S3_SLOW_DOWN;
	}
	r->element = element;
	r->ctx = ctx;
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	*out = r;
	return S3_OK;
}

void
xml_reader_free(struct xml_reader *r)
{
	if (r == NULL)
		return;
	XML_ParserFree(r->parser);
	free(r);
}

enum s3_error
xml_reader_feed(struct xml_reader *r, const void *buf, size_t len, bool last)
{
	enum XML_Status status;

	if (r->failed != S3_OK)
		return r->failed;
	status = XML_Parse(r->parser, buf, (int)len, last);
	if (r->failed == S3_OK && status != XML_STATUS_OK)
		r->failed = XML_GetErrorCode(r->parser) ==
		    XML_ERROR_NO_MEMORY ? S3_SLOW_DOWN : S3_MALFORMED_XML;
	return r->failed;
}
