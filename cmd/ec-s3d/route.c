#include <string.h>
#include <strings.h>

#include "handlers.h"
#include "route.h"

/* An operation that is known and not done. */
#define NONE(name, method, on, query) \
	{ name, method, ROUTE_##on, query, NULL, handle_not_implemented }
#define ROW(name, method, on, query, handle) \
	{ name, method, ROUTE_##on, query, NULL, handle }

/* The first row that fits counts: rows with a parameter stand before those
 * without. */
static const struct route table[] = {
	ROW("ListBuckets", "GET", SERVICE, NULL, handle_bucket_list),
	ROW("AssumeRole", "POST", SERVICE, NULL, handle_assume_role),
	ROW("GetBucketLocation", "GET", BUCKET, "location",
	    handle_bucket_location),
	ROW("GetBucketVersioning", "GET", BUCKET, "versioning",
	    handle_versioning_get),
	ROW("GetBucketAcl", "GET", BUCKET, "acl", handle_bucket_acl_get),
	ROW("GetBucketOwnershipControls", "GET", BUCKET, "ownershipControls",
	    handle_ownership_get),
	ROW("GetBucketRequestPayment", "GET", BUCKET, "requestPayment",
	    handle_request_payment),
	ROW("GetBucketLogging", "GET", BUCKET, "logging",
	    handle_bucket_logging),
	ROW("GetBucketAccelerateConfiguration", "GET", BUCKET, "accelerate",
	    handle_bucket_accelerate),
	ROW("GetBucketNotificationConfiguration", "GET", BUCKET, "notification",
	    handle_bucket_notification),
	ROW("GetBucketLifecycleConfiguration", "GET", BUCKET, "lifecycle",
	    handle_no_lifecycle),
	ROW("GetBucketPolicyStatus", "GET", BUCKET, "policyStatus",
	    handle_policy_status),
	ROW("GetBucketPolicy", "GET", BUCKET, "policy", handle_policy_get),
	ROW("GetBucketCors", "GET", BUCKET, "cors", handle_cors_get),
	ROW("GetBucketTagging", "GET", BUCKET, "tagging",
	    handle_bucket_tags_get),
	ROW("GetBucketWebsite", "GET", BUCKET, "website", handle_no_website),
	ROW("GetBucketEncryption", "GET", BUCKET, "encryption",
	    handle_no_encryption),
	ROW("GetObjectLockConfiguration", "GET", BUCKET, "object-lock",
	    handle_object_lock_get),
	ROW("GetBucketReplication", "GET", BUCKET, "replication",
	    handle_no_replication),
	ROW("GetPublicAccessBlock", "GET", BUCKET, "publicAccessBlock",
	    handle_public_block_get),
	NONE("GetBucketAnalyticsConfiguration", "GET", BUCKET, "analytics"),
	NONE("GetBucketIntelligentTieringConfiguration", "GET", BUCKET,
	    "intelligent-tiering"),
	NONE("GetBucketInventoryConfiguration", "GET", BUCKET, "inventory"),
	NONE("GetBucketMetricsConfiguration", "GET", BUCKET, "metrics"),
	NONE("GetBucketMetadataTableConfiguration", "GET", BUCKET,
	    "metadataTable"),
	NONE("GetBucketMetadataConfiguration", "GET", BUCKET,
	    "metadataConfiguration"),
	NONE("CreateSession", "GET", BUCKET, "session"),
	NONE("GetBucketAbac", "GET", BUCKET, "abac"),
	ROW("GetBucketArchive", "GET", BUCKET, "archive",
	    handle_bucket_archive),
	ROW("ListMultipartUploads", "GET", BUCKET, "uploads", handle_uploads),
	ROW("ListObjectVersions", "GET", BUCKET, "versions",
	    handle_list_versions),
	ROW("ListObjectsV2", "GET", BUCKET, "list-type", handle_list_v2),
	ROW("ListObjects", "GET", BUCKET, NULL, handle_list_v1),
	ROW("HeadBucket", "HEAD", BUCKET, NULL, handle_bucket_head),
	ROW("PutBucketVersioning", "PUT", BUCKET, "versioning",
	    handle_versioning_put),
	ROW("PutBucketAcl", "PUT", BUCKET, "acl", handle_bucket_acl_put),
	ROW("PutBucketOwnershipControls", "PUT", BUCKET, "ownershipControls",
	    handle_ownership_put),
	NONE("PutBucketRequestPayment", "PUT", BUCKET, "requestPayment"),
	NONE("PutBucketLogging", "PUT", BUCKET, "logging"),
	NONE("PutBucketAccelerateConfiguration", "PUT", BUCKET, "accelerate"),
	NONE("PutBucketNotificationConfiguration", "PUT", BUCKET,
	    "notification"),
	NONE("PutBucketLifecycleConfiguration", "PUT", BUCKET, "lifecycle"),
	ROW("PutBucketPolicy", "PUT", BUCKET, "policy", handle_policy_put),
	ROW("PutBucketCors", "PUT", BUCKET, "cors", handle_cors_put),
	ROW("PutBucketTagging", "PUT", BUCKET, "tagging",
	    handle_bucket_tags_put),
	NONE("PutBucketWebsite", "PUT", BUCKET, "website"),
	NONE("PutBucketEncryption", "PUT", BUCKET, "encryption"),
	ROW("PutObjectLockConfiguration", "PUT", BUCKET, "object-lock",
	    handle_object_lock_put),
	NONE("PutBucketReplication", "PUT", BUCKET, "replication"),
	ROW("PutPublicAccessBlock", "PUT", BUCKET, "publicAccessBlock",
	    handle_public_block_put),
	NONE("PutBucketAnalyticsConfiguration", "PUT", BUCKET, "analytics"),
	NONE("PutBucketIntelligentTieringConfiguration", "PUT", BUCKET,
	    "intelligent-tiering"),
	NONE("PutBucketInventoryConfiguration", "PUT", BUCKET, "inventory"),
	NONE("PutBucketMetricsConfiguration", "PUT", BUCKET, "metrics"),
	NONE("PutBucketMetadataTableConfiguration", "PUT", BUCKET,
	    "metadataTable"),
	NONE("PutBucketMetadataConfiguration", "PUT", BUCKET,
	    "metadataConfiguration"),
	NONE("PutBucketAbac", "PUT", BUCKET, "abac"),
	NONE("UpdateBucketMetadataJournalTable", "PUT", BUCKET,
	    "metadataJournalTable"),
	NONE("UpdateBucketMetadataInventoryTable", "PUT", BUCKET,
	    "metadataInventoryTable"),
	ROW("CreateBucket", "PUT", BUCKET, NULL, handle_bucket_create),
	ROW("DeleteBucketOwnershipControls", "DELETE", BUCKET,
	    "ownershipControls", handle_ownership_delete),
	NONE("DeleteBucketLifecycleConfiguration", "DELETE", BUCKET,
	    "lifecycle"),
	ROW("DeleteBucketPolicy", "DELETE", BUCKET, "policy",
	    handle_policy_delete),
	ROW("DeleteBucketCors", "DELETE", BUCKET, "cors", handle_cors_delete),
	ROW("DeleteBucketTagging", "DELETE", BUCKET, "tagging",
	    handle_bucket_tags_delete),
	NONE("DeleteBucketWebsite", "DELETE", BUCKET, "website"),
	NONE("DeleteBucketEncryption", "DELETE", BUCKET, "encryption"),
	NONE("DeleteBucketReplication", "DELETE", BUCKET, "replication"),
	ROW("DeletePublicAccessBlock", "DELETE", BUCKET, "publicAccessBlock",
	    handle_public_block_delete),
	NONE("DeleteBucketAnalyticsConfiguration", "DELETE", BUCKET,
	    "analytics"),
	NONE("DeleteBucketIntelligentTieringConfiguration", "DELETE", BUCKET,
	    "intelligent-tiering"),
	NONE("DeleteBucketInventoryConfiguration", "DELETE", BUCKET,
	    "inventory"),
	NONE("DeleteBucketMetricsConfiguration", "DELETE", BUCKET, "metrics"),
	NONE("DeleteBucketMetadataTableConfiguration", "DELETE", BUCKET,
	    "metadataTable"),
	NONE("DeleteBucketMetadataConfiguration", "DELETE", BUCKET,
	    "metadataConfiguration"),
	NONE("DeleteBucketAbac", "DELETE", BUCKET, "abac"),
	ROW("DeleteBucket", "DELETE", BUCKET, NULL, handle_bucket_delete),
	ROW("DeleteObjects", "POST", BUCKET, "delete", handle_objects_delete),
	NONE("CreateBucketMetadataTable", "POST", BUCKET, "metadataTable"),
	NONE("CreateBucketMetadataConfiguration", "POST", BUCKET,
	    "metadataConfiguration"),
	ROW("PostObject", "POST", BUCKET, NULL, handle_object_post),
	ROW("ListParts", "GET", OBJECT, "uploadId", handle_upload_parts),
	ROW("GetObjectAcl", "GET", OBJECT, "acl", handle_object_acl_get),
	ROW("GetObjectTagging", "GET", OBJECT, "tagging",
	    handle_object_tags_get),
	ROW("GetObjectAttributes", "GET", OBJECT, "attributes",
	    handle_object_attributes),
	ROW("GetObjectRetention", "GET", OBJECT, "retention",
	    handle_retention_get),
	ROW("GetObjectLegalHold", "GET", OBJECT, "legal-hold",
	    handle_legal_hold_get),
	NONE("GetObjectTorrent", "GET", OBJECT, "torrent"),
	ROW("GetObject", "GET", OBJECT, NULL, handle_object_get),
	ROW("HeadObject", "HEAD", OBJECT, NULL, handle_object_head),
	{ "UploadPartCopy", "PUT", ROUTE_OBJECT, "uploadId",
	    "x-amz-copy-source", handle_upload_part_copy },
	ROW("UploadPart", "PUT", OBJECT, "uploadId", handle_upload_part),
	ROW("PutObjectAcl", "PUT", OBJECT, "acl", handle_object_acl_put),
	ROW("PutObjectTagging", "PUT", OBJECT, "tagging",
	    handle_object_tags_put),
	ROW("PutObjectRetention", "PUT", OBJECT, "retention",
	    handle_retention_put),
	ROW("PutObjectLegalHold", "PUT", OBJECT, "legal-hold",
	    handle_legal_hold_put),
	NONE("RenameObject", "PUT", OBJECT, "renameObject"),
	NONE("UpdateObjectEncryption", "PUT", OBJECT, "encryption"),
	{ "CopyObject", "PUT", ROUTE_OBJECT, NULL, "x-amz-copy-source",
	    handle_object_copy },
	{ "PutObjectExtract", "PUT", ROUTE_OBJECT, NULL,
	    "x-amz-meta-snowball-auto-extract", handle_object_extract },
	ROW("PutObject", "PUT", OBJECT, NULL, handle_object_put),
	ROW("CreateMultipartUpload", "POST", OBJECT, "uploads",
	    handle_upload_create),
	ROW("CompleteMultipartUpload", "POST", OBJECT, "uploadId",
	    handle_upload_complete),
	NONE("SelectObjectContent", "POST", OBJECT, "select"),
	NONE("RestoreObject", "POST", OBJECT, "restore"),
	NONE("PostObject", "POST", OBJECT, NULL),
	ROW("AbortMultipartUpload", "DELETE", OBJECT, "uploadId",
	    handle_upload_abort),
	ROW("DeleteObjectTagging", "DELETE", OBJECT, "tagging",
	    handle_object_tags_delete),
	ROW("DeleteObject", "DELETE", OBJECT, NULL, handle_object_delete),
};

enum { ROUTES = sizeof(table) / sizeof(table[0]) };

enum s3_error
handle_not_implemented(struct call *c)
{
	return call_fail(c, S3_NOT_IMPLEMENTED, "%s is not implemented",
	    c->route->name);
}

static bool
header_there(const char *name, const struct http_header *headers,
    unsigned header_count)
{
	unsigned i;

	for (i = 0; i < header_count; i++)
		if (strcasecmp(headers[i].name, name) == 0)
			return true;
	return false;
}

const struct route *
route_find(const struct request *rq, const char *method,
    const struct http_header *headers, unsigned header_count)
{
	enum route_on on = rq->key[0] != '\0' ? ROUTE_OBJECT :
	    rq->bucket[0] != '\0' ? ROUTE_BUCKET : ROUTE_SERVICE;
	unsigned i;

	for (i = 0; i < ROUTES; i++) {
		const struct route *r = &table[i];

		if (r->on == on && strcmp(r->method, method) == 0 &&
		    (r->query == NULL || request_query(rq, r->query) != NULL) &&
		    (r->header == NULL ||
		    header_there(r->header, headers, header_count)))
			return r;
	}
	return NULL;
}

const struct route *
route_table(unsigned *n)
{
	*n = ROUTES;
	return table;
}
