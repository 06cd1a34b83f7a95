/* GetBucketVersioning, PutBucketVersioning. */
#include <string.h>

#include "bucket_config.h"
#include "handlers.h"
#include "object_lock.h"

enum { BODY_MAX = 64 * 1024 };

enum s3_error
handle_versioning_get(struct call *c)
{
	struct xml x = XML_INIT;
	const struct bucket *b;
	enum store_versioning v;
	enum s3_error e = call_bucket(c, &b);

	if (e != S3_OK)
		return e;
	v = store_bucket_versioning(b);
	xml_begin(&x, "VersioningConfiguration");
	if (v != STORE_VERSIONING_OFF)
		xml_text(&x, "Status", v == STORE_VERSIONING_ENABLED ?
		    "Enabled" : "Suspended");
	return call_answer_xml(c, &x, "VersioningConfiguration");
}

static enum s3_error
element(void *ctx, const char *path, const char *text)
{
	const char **status = ctx;

	if (strncmp(path, "/VersioningConfiguration", 24) != 0)
		return S3_MALFORMED_XML;
	if (text == NULL || strcmp(path + 24, "/Status") != 0)
		return S3_OK;
	if (strcmp(text, "Enabled") == 0)
		*status = "Enabled";
	else if (strcmp(text, "Suspended") == 0)
		*status = "Suspended";
	else
		return S3_MALFORMED_XML;
	return S3_OK;
}

enum s3_error
handle_versioning_put(struct call *c)
{
	const char *status = NULL;
	bool locked;
	enum s3_error e;

	if ((e = call_xml(c, BODY_MAX, CALL_XML_PLAIN, element, &status)) !=
	    S3_OK || (e = object_lock_bucket(c, &locked)) != S3_OK)
		return e;
	if (status == NULL)
		return S3_ILLEGAL_VERSIONING;
	if (locked && status[0] == 'S')
		return call_fail(c, S3_INVALID_BUCKET_STATE, "An Object Lock "
		    "configuration is present on this bucket, so the "
		    "versioning state cannot be changed.");
	e = bucket_config_set(c, CONFIG_VERSIONING, status, strlen(status));
	return e != S3_OK ? e : call_answer(c, 200);
}
