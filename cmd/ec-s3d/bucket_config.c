/* Settings of buckets and objects: what is fixed here is said, what cannot be
 * set is said not to be there.  Setting any of it is not implemented. */
#include <string.h>

#include "handlers.h"

/* S3_OK when the bucket is there. */
static enum s3_error
bucket_check(struct call *c)
{
	struct bucket b = BUCKET_INIT;
	enum s3_error e = call_store(c, store_bucket_get(c->server->store,
	    c->rq.bucket, &b));

	bucket_release(&b);
	return e;
}

/* S3_OK when the bucket, and the object if one is named, are there. */
static enum s3_error
target_check(struct call *c)
{
	struct object o = OBJECT_INIT;
	struct stamp mem;
	const struct stamp *version;
	enum s3_error e;

	if (c->rq.key[0] == '\0')
		return bucket_check(c);
	if ((e = call_version(c, request_query(&c->rq, "versionId"), &mem,
	    &version)) == S3_OK)
		e = call_store(c, store_get_open(c->server->store,
		    c->rq.bucket, c->rq.key, version, NULL, &o));
	object_release(&o);
	return e;
}

static enum s3_error
answer_empty(struct call *c, const char *root)
{
	struct xml x = XML_INIT;
	enum s3_error e = bucket_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, root);
	return call_answer_xml(c, &x, root);
}

static enum s3_error
answer_lacking(struct call *c, enum s3_error lacking)
{
	enum s3_error e = bucket_check(c);

	return e != S3_OK ? e : lacking;
}

/* us-east-1 is the empty one, for historical reasons of S3's. */
enum s3_error
handle_bucket_location(struct call *c)
{
	struct xml x = XML_INIT;
	enum s3_error e = bucket_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "LocationConstraint");
	if (strcmp(c->server->region, "us-east-1") != 0)
		xml_content(&x, c->server->region);
	return call_answer_xml(c, &x, "LocationConstraint");
}

enum s3_error
handle_bucket_versioning(struct call *c)
{
	return answer_empty(c, "VersioningConfiguration");
}

enum s3_error
handle_bucket_logging(struct call *c)
{
	return answer_empty(c, "BucketLoggingStatus");
}

enum s3_error
handle_bucket_accelerate(struct call *c)
{
	return answer_empty(c, "AccelerateConfiguration");
}

enum s3_error
handle_bucket_notification(struct call *c)
{
	return answer_empty(c, "NotificationConfiguration");
}

enum s3_error
handle_request_payment(struct call *c)
{
	struct xml x = XML_INIT;
	enum s3_error e = bucket_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "RequestPaymentConfiguration");
	xml_text(&x, "Payer", "BucketOwner");
	return call_answer_xml(c, &x, "RequestPaymentConfiguration");
}

enum s3_error
handle_bucket_ownership(struct call *c)
{
	struct xml x = XML_INIT;
	enum s3_error e = bucket_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "OwnershipControls");
	xml_open(&x, "Rule");
	xml_text(&x, "ObjectOwnership", "BucketOwnerEnforced");
	xml_close(&x, "Rule");
	return call_answer_xml(c, &x, "OwnershipControls");
}

/* Of a bucket or an object: the owner may do everything, others nothing. */
enum s3_error
handle_acl(struct call *c)
{
	struct xml x = XML_INIT;
	enum s3_error e = target_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "AccessControlPolicy");
	call_xml_owner(&x, "Owner");
	xml_open(&x, "AccessControlList");
	xml_open(&x, "Grant");
	call_xml_owner(&x, "Grantee xmlns:xsi=\"http://www.w3.org/2001/"
	    "XMLSchema-instance\" xsi:type=\"CanonicalUser\"");
	xml_text(&x, "Permission", "FULL_CONTROL");
	xml_close(&x, "Grant");
	xml_close(&x, "AccessControlList");
	return call_answer_xml(c, &x, "AccessControlPolicy");
}

/* Objects have no tags, which is an empty set of them. */
enum s3_error
handle_object_tags(struct call *c)
{
	struct xml x = XML_INIT;
	enum s3_error e = target_check(c);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "Tagging");
	xml_open(&x, "TagSet");
	xml_close(&x, "TagSet");
	return call_answer_xml(c, &x, "Tagging");
}

enum s3_error
handle_no_lifecycle(struct call *c)
{
	return answer_lacking(c, S3_NO_LIFECYCLE);
}

enum s3_error
handle_no_policy(struct call *c)
{
	return answer_lacking(c, S3_NO_POLICY);
}

enum s3_error
handle_no_cors(struct call *c)
{
	return answer_lacking(c, S3_NO_CORS);
}

enum s3_error
handle_no_tags(struct call *c)
{
	return answer_lacking(c, S3_NO_TAGS);
}

enum s3_error
handle_no_website(struct call *c)
{
	return answer_lacking(c, S3_NO_WEBSITE);
}

enum s3_error
handle_no_encryption(struct call *c)
{
	return answer_lacking(c, S3_NO_ENCRYPTION);
}

enum s3_error
handle_no_object_lock(struct call *c)
{
	return answer_lacking(c, S3_NO_OBJECT_LOCK);
}

enum s3_error
handle_no_replication(struct call *c)
{
	return answer_lacking(c, S3_NO_REPLICATION);
}

enum s3_error
handle_no_public_block(struct call *c)
{
	return answer_lacking(c, S3_NO_PUBLIC_BLOCK);
}
