/* XML in and out. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "ec-s3d/xml.h"

static char seen[2 * XML_TEXT_MAX];
static size_t seen_len;

static enum s3_error
element(void *ctx, const char *path, const char *text)
{
	(void)ctx;
	if (text == NULL)
		return S3_OK;
	if (strcmp(text, "stop") == 0)
		return S3_INVALID_PART;
	seen_len += (size_t)snprintf(seen + seen_len, sizeof(seen) - seen_len,
	    "%s=%s;", path, text);
	return S3_OK;
}

static enum s3_error
read_steps(const char *text, size_t step)
{
	struct xml_reader *r = NULL;
	size_t at, n, len = strlen(text);
	enum s3_error e = S3_OK;

	seen[0] = '\0';
	seen_len = 0;
	if (xml_reader_new(&r, element, NULL) != S3_OK)
		abort();
	for (at = 0; at < len && e == S3_OK; at += n) {
		n = len - at < step ? len - at : step;
		e = xml_reader_feed(r, text + at, n, false);
	}
	if (e == S3_OK)
		e = xml_reader_feed(r, "", 0, true);
	xml_reader_free(r);
	return e;
}

static void
expect(const char *text, enum s3_error want, const char *result,
    const char *what)
{
	tap_ok(read_steps(text, 1) == want && read_steps(text, 1000) == want &&
	    (want != S3_OK || strcmp(seen, result) == 0), "%s", what);
	if (want == S3_OK && strcmp(seen, result) != 0)
		tap_note("%s", seen);
}

static void
nested(unsigned depth, enum s3_error want)
{
	struct buf b = BUF_INIT(1000);
	unsigned i;

	for (i = 0; i < depth; i++)
		buf_add_str(&b, "<a>");
	for (i = 0; i < depth; i++)
		buf_add_str(&b, "</a>");
	tap_ok(read_steps(buf_str(&b), 1000) == want, "%u deep", depth);
	buf_release(&b);
}

static void
long_text(size_t len, enum s3_error want)
{
	char *text = calloc(1, len + 32);

	if (text == NULL)
		abort();
	strcpy(text, "<a><b>");
	memset(text + 6, ' ', len);
	strcpy(text + 6 + len, "</b></a>");
	tap_ok(read_steps(text, 999) == want, "a text of %zu bytes", len);
	free(text);
}

/* A path of ${a} bytes and one below it of ${b} more. */
static void
long_path(size_t a, size_t b, enum s3_error want)
{
	struct buf x = BUF_INIT(100000);
	char *name = malloc(a + b);

	if (name == NULL)
		abort();
	memset(name, 'n', a + b);
	buf_printf(&x, "<%.*s><%.*s/></%.*s>", (int)a - 1, name, (int)b - 1,
	    name, (int)a - 1, name);
	tap_is_u64(read_steps(buf_str(&x), 1000), want,
	    "a path of %zu and %zu bytes", a, b);
	free(name);
	buf_release(&x);
}

static void
writing(void)
{
	struct xml x = XML_INIT;

	xml_begin(&x, "Error");
	xml_text(&x, "Key", "a<b>&\"'\x01\r\n\tz\xc3\xa4");
	xml_number(&x, "N", UINT64_MAX);
	xml_bool(&x, "B", true);
	xml_etag(&x, "ETag", "e");
	xml_time(&x, "T", UINT64_C(784111777123456));
	xml_open(&x, "G a=\"b\"");
	xml_close(&x, "G a=\"b\"");
	tap_ok(xml_end(&x, "Error") == EC_OK, "written");
	tap_is_str(buf_str(&x.buf),
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<Error><Key>a&lt;b&gt;&amp;\"'&#x1;&#xD;&#xA;&#x9;z\xc3\xa4"
	    "</Key><N>18446744073709551615</N><B>true</B><ETag>&quot;e&quot;"
	    "</ETag><T>1994-11-06T08:49:37.123Z</T><G a=\"b\"></G></Error>",
	    "a document");
	xml_release(&x);
}

int
main(void)
{
	expect("<D xmlns='x'><O><K>a&amp;b&#x20;</K></O><O/></D>", S3_OK,
	    "/D/O/K=a&b ;/D/O=;/D/O=;/D=;", "elements and their text");
	expect("<s:D xmlns:s='x'><s:K>a</s:K></s:D>", S3_OK, "/D/K=a;/D=;",
	    "prefixes are cut");
	expect("<D><K><![CDATA[<x>]]></K></D>", S3_OK, "/D/K=<x>;/D=;",
	    "CDATA");
	expect("<D><K>stop</K></D>", S3_INVALID_PART, "",
	    "an error of the caller");
	expect("", S3_MALFORMED_XML, "", "nothing");
	expect("<D>", S3_MALFORMED_XML, "", "half a document");
	expect("<D></E>", S3_MALFORMED_XML, "", "not well-formed");
	expect("<D/>x", S3_MALFORMED_XML, "", "something behind it");
	expect("<!DOCTYPE D [<!ENTITY a 'b'>]><D>&a;</D>", S3_MALFORMED_XML,
	    "", "a DTD");
	expect("<!DOCTYPE D SYSTEM 'file:///etc/passwd'><D/>",
	    S3_MALFORMED_XML, "", "a DTD elsewhere");
	expect("<D>&b;</D>", S3_MALFORMED_XML, "", "an unknown entity");
	expect("<D>\xff</D>", S3_MALFORMED_XML, "", "not UTF-8");
	long_path(100, XML_PATH_MAX - 101, S3_OK);
	for (size_t b = 1; b < 6; b++)
		long_path(XML_PATH_MAX - b, 1 + b, S3_MALFORMED_XML);
	long_path(XML_PATH_MAX - 1, 20000, S3_MALFORMED_XML);
	nested(XML_DEPTH_MAX, S3_OK);
	nested(XML_DEPTH_MAX + 1, S3_MALFORMED_XML);
	long_text(XML_TEXT_MAX - 1, S3_OK);
	long_text(XML_TEXT_MAX, S3_MALFORMED_XML);
	writing();
	return tap_done();
}
