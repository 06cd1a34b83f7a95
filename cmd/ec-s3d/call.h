/* call: one S3 request on its way: who asks, for what, and the answer. */
#ifndef CALL_H
#define CALL_H

#include "body.h"
#include "caller.h"
#include "request.h"
#include "server.h"
#include "xml.h"

enum { CALL_ID_BYTES = 17, CALL_DETAIL_BYTES = 512 };

struct route;

struct call {
	struct server *server;
	struct http_exchange *x;
	struct request rq;
	struct sigv4 auth;
	struct caller who;
	const struct route *route;
	struct bucket bucket;			/* see call_bucket */
	char id[CALL_ID_BYTES];			/* x-amz-request-id */
	char detail[CALL_DETAIL_BYTES];		/* "": the table's text */
};

/* Handlers answer and return S3_OK, or return an error for call_answer_error.
 * An error behind the beginning of an answer cuts the connection. */
typedef enum s3_error call_handler(struct call *c);

/* Returns ${e} and notes what is to be said of it. */
enum s3_error call_fail(struct call *c, enum s3_error e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a result of the store, with its complaint. */
enum s3_error call_store(struct call *c, enum err e);

/* The bucket that the request names, as it was at most half a second ago; read
 * once in a request.  Errors: S3_NO_SUCH_BUCKET, those of the store. */
enum s3_error call_bucket(struct call *c, const struct bucket **out);

/* The parameter ${name} as a number; ${none} when it is missing or empty.
 * Errors: S3_INVALID_ARGUMENT (not a number of 0 .. max). */
enum s3_error call_number(struct call *c, const char *name, uint64_t max,
    uint64_t none, uint64_t *out);

/* The versionId parameter: *${out} is NULL (none, or empty), &get_null_version
 * or ${mem}.  Errors: S3_INVALID_ARGUMENT (not like an id of any server). */
enum s3_error call_version(struct call *c, const char *text,
    struct stamp *mem, const struct stamp **out);

/* Look at the version that the request names, which is no delete marker; ${o}
 * is OBJECT_INIT and to be released in every case.  Errors: S3_NO_SUCH_KEY,
 * S3_NO_SUCH_VERSION, S3_METHOD_NOT_ALLOWED (a marker), those of the store. */
enum s3_error call_object(struct call *c, struct object *o);
/* Change its metadata (store_amend), likewise; EC_EDENIED of ${change} is
 * S3_ACCESS_DENIED. */
enum s3_error call_amend(struct call *c,
    enum err (*change)(void *ctx, struct object *o), void *ctx,
    struct object *o);

/* Open the body of the request (body_open); body_release in every case. */
enum s3_error call_body(struct call *c, struct body *b,
    enum s3_checksum_kind extra);

/* Read all of a body of at most ${max} bytes as XML.  Errors: those of
 * body_read and of xml_reader_feed, S3_MALFORMED_XML (too long). */
enum call_xml {
	CALL_XML_PLAIN,
	CALL_XML_DIGEST,	/* Content-MD5 or a checksum must come with it:
				 * S3_INVALID_REQUEST */
	CALL_XML_OF_OBJECT,	/* checksum headers are not those of the body */
};
enum s3_error call_xml(struct call *c, size_t max, enum call_xml kind,
    xml_element *element, void *ctx);

/* A buffer of SERVER_BUFFER_BYTES.  Errors: S3_SLOW_DOWN. */
enum s3_error call_buffer(struct call *c, uint8_t **out);
void call_buffer_put(struct call *c, uint8_t *buf);

/* Answers. */
enum s3_error call_answer(struct call *c, unsigned status);
/* Ends ${x} and sends it; releases it. */
enum s3_error call_answer_xml(struct call *c, struct xml *x,
    const char *root);
enum s3_error call_answer_xml_as(struct call *c, unsigned status,
    struct xml *x, const char *root);
void call_answer_error(struct call *c, enum s3_error e);
/* x-amz-version-id, in a bucket that keeps versions or did so. */
void call_header_version(struct call *c, const struct stamp *version,
    bool null_version);
/* The same of a version that was just written: the null version has none. */
void call_header_written(struct call *c, const struct object *o);
/* Last-Modified. */
void call_header_time(struct call *c, const struct object *o);
/* A user by canonical id, as <Owner>; ${name} may have attributes. */
void call_xml_owner(struct call *c, struct xml *x, const char *name,
    const char *id);
/* The owner of something in the request's bucket, by its metadata. */
void call_xml_owner_of(struct call *c, struct xml *x, const char *name,
    const uint8_t *meta, size_t meta_len);
/* Append "https://host:port", as the client calls this server. */
enum err call_origin(struct call *c, struct buf *out);
/* ETag: "${etag}", with the quotes. */
void call_header_etag(struct call *c, const char *etag);

#endif
