/* bucket_config: the settings of buckets, kept in the bucket's record under
 * quorum: one value for each name, the document that a client is given (XML,
 * JSON) or a word.  All together at most RECORD_META_MAX bytes.
 *
 * A request sees settings that are at most half a second old; its own process'
 * changes at once. */
#ifndef BUCKET_CONFIG_H
#define BUCKET_CONFIG_H

#include "call.h"

/* The names, which are on disk. */
#define CONFIG_TAGGING "tagging"		/* as tags_to_query has it */
#define CONFIG_VERSIONING STORE_VERSIONING
#define CONFIG_OBJECT_LOCK "object-lock"	/* object_lock_rule.h */
#define CONFIG_CORS "cors"			/* XML */

/* The value ${name} of the request's bucket into ${out}, which is BUF_INIT(
 * RECORD_META_MAX) and the caller's to release.  Errors: ${lacking} when it is
 * not set, S3_NO_SUCH_BUCKET. */
enum s3_error bucket_config_get(struct call *c, const char *name,
    enum s3_error lacking, struct buf *out);

/* Set it, durable on return; ${value} NULL removes it, which is also S3_OK
 * when it is not there.  Errors: S3_NO_SUCH_BUCKET, S3_INVALID_REQUEST (too
 * large together with the others). */
enum s3_error bucket_config_set(struct call *c, const char *name,
    const void *value, size_t len);

/* Answer GET with the value, which is a document of type ${type}; DELETE by
 * removing it and 204. */
enum s3_error bucket_config_answer(struct call *c, const char *name,
    enum s3_error lacking, const char *type);
enum s3_error bucket_config_delete(struct call *c, const char *name);

/* Set ${name} to a document that is made with xml_begin and xml_open ..., and
 * answer 200.  Ends ${x} and releases it in every case. */
enum s3_error bucket_config_put_xml(struct call *c, const char *name,
    struct xml *x, const char *root);

#endif
