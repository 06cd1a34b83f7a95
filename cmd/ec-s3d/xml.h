/* xml: reading and writing the documents of S3.  The only user of expat. */
#ifndef XML_H
#define XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "s3_error.h"

enum {
	XML_DEPTH_MAX = 16,
	XML_PATH_MAX = 256,
	XML_TEXT_MAX = 8 * 1024,	/* bytes of one element's text */
};

/* Called at the start of each element with ${text} NULL and at its end with
 * its own text.  ${path} is "/Delete/Object/Key", without name space prefixes.
 * A result other than S3_OK stops the reading. */
typedef enum s3_error xml_element(void *ctx, const char *path,
    const char *text);

struct xml_reader;

/* Errors: S3_SLOW_DOWN (memory). */
enum s3_error xml_reader_new(struct xml_reader **out, xml_element *element,
    void *ctx);
void xml_reader_free(struct xml_reader *r);

/* Feed ${len} bytes; ${last} with or behind the last ones.  Errors:
 * S3_MALFORMED_XML (not well-formed, a DTD, too deep or too long), what
 * ${element} returned; final. */
enum s3_error xml_reader_feed(struct xml_reader *r, const void *buf,
    size_t len, bool last);

/* Writing: text is escaped; errors stick and xml_end gives the first. */
enum { XML_DOCUMENT_MAX = 64 * 1024 * 1024 };

struct xml {
	struct buf buf;
	enum err failed;
};
#define XML_INIT { BUF_INIT(XML_DOCUMENT_MAX), EC_OK }

void xml_release(struct xml *x);
/* The declaration and the root element, with the name space of S3. */
void xml_begin(struct xml *x, const char *root);
/* The same in the name space of STS, for answers at POST /. */
void xml_begin_sts(struct xml *x, const char *root);
void xml_open(struct xml *x, const char *name);
/* ${name} may carry attributes ("Grantee a=\"b\""); only the name is closed. */
void xml_close(struct xml *x, const char *name);
void xml_content(struct xml *x, const char *text);
void xml_text(struct xml *x, const char *name, const char *text);
void xml_number(struct xml *x, const char *name, uint64_t n);
void xml_bool(struct xml *x, const char *name, bool v);
/* "2026-11-22T13:01:07.123Z" */
void xml_time(struct xml *x, const char *name, uint64_t real_us);
/* "&quot;etag&quot;" */
void xml_etag(struct xml *x, const char *name, const char *etag);
/* All of another one written without xml_begin. */
void xml_raw(struct xml *x, const struct xml *other);
enum err xml_end(struct xml *x, const char *root);

#endif
