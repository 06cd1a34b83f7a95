/* s3_error: the S3 error codes this server answers with. */
#ifndef S3_ERROR_H
#define S3_ERROR_H

#include "base/err.h"

/* name, code, HTTP status, message */
#define S3_ERROR_TABLE(X) \
	X(S3_OK, "", 200, "") \
	X(S3_ACCESS_DENIED, "AccessDenied", 403, "Access Denied") \
	X(S3_ACL_UNSUPPORTED, "AccessControlListNotSupported", 400, \
	    "The bucket does not allow ACLs") \
	X(S3_ACL_OWNERSHIP, "InvalidBucketAclWithObjectOwnership", 400, \
	    "Bucket cannot have ACLs set with ObjectOwnership's " \
	    "BucketOwnerEnforced setting") \
	X(S3_AUTH_MALFORMED, "AuthorizationHeaderMalformed", 400, \
	    "The authorization header is malformed") \
	X(S3_AUTH_QUERY, "AuthorizationQueryParametersError", 400, \
	    "The authorization query parameters are malformed") \
	X(S3_ACCESS_FORBIDDEN, "AccessForbidden", 403, "Access Forbidden") \
	X(S3_BAD_REQUEST, "BadRequest", 400, "Bad Request") \
	X(S3_BAD_DIGEST, "BadDigest", 400, \
	    "The Content-MD5 or checksum value that you specified did not " \
	    "match what the server received") \
	X(S3_BUCKET_EXISTS, "BucketAlreadyOwnedByYou", 409, \
	    "The bucket exists already and you own it") \
	X(S3_BUCKET_NOT_EMPTY, "BucketNotEmpty", 409, \
	    "The bucket you tried to delete is not empty") \
	X(S3_BUCKET_TAKEN, "BucketAlreadyExists", 409, \
	    "The requested bucket name is not available: another user has " \
	    "it") \
	X(S3_CONFLICT, "ConditionalRequestConflict", 409, \
	    "The conditional request cannot succeed due to a conflicting " \
	    "operation against this resource") \
	X(S3_CONTENT_SHA256_MISMATCH, "XAmzContentSHA256Mismatch", 400, \
	    "The provided 'x-amz-content-sha256' header does not match what " \
	    "was computed") \
	X(S3_ENTITY_TOO_LARGE, "EntityTooLarge", 400, \
	    "Your proposed upload exceeds the maximum allowed object size") \
	X(S3_ENTITY_TOO_SMALL, "EntityTooSmall", 400, \
	    "Your proposed upload is smaller than the minimum allowed object " \
	    "size") \
	X(S3_EXPIRED_TOKEN, "ExpiredToken", 400, \
	    "The provided token has expired") \
	X(S3_INCOMPLETE_BODY, "IncompleteBody", 400, \
	    "You did not provide the number of bytes specified by the " \
	    "Content-Length header") \
	X(S3_INTERNAL, "InternalError", 500, \
	    "We encountered an internal error. Please try again.") \
	X(S3_ILLEGAL_VERSIONING, "IllegalVersioningConfigurationException", \
	    400, "The versioning configuration specified in the request is " \
	    "invalid") \
	X(S3_INVALID_ARGUMENT, "InvalidArgument", 400, "Invalid argument") \
	X(S3_INVALID_BUCKET_NAME, "InvalidBucketName", 400, \
	    "The specified bucket is not valid") \
	X(S3_INVALID_BUCKET_STATE, "InvalidBucketState", 409, \
	    "The request is not valid with the current state of the bucket") \
	X(S3_INVALID_DIGEST, "InvalidDigest", 400, \
	    "The Content-MD5 or checksum value you specified is not valid") \
	X(S3_INVALID_LOCATION, "IllegalLocationConstraintException", 400, \
	    "The specified location constraint is not this server's region") \
	X(S3_INVALID_PART, "InvalidPart", 400, \
	    "One or more of the specified parts could not be found or its " \
	    "entity tag did not match") \
	X(S3_INVALID_PART_ORDER, "InvalidPartOrder", 400, \
	    "The list of parts was not in ascending order") \
	X(S3_INVALID_PART_NUMBER, "InvalidPartNumber", 416, \
	    "The requested partnumber is not satisfiable") \
	X(S3_INVALID_POLICY, "InvalidPolicyDocument", 400, \
	    "The content of the form does not meet the conditions specified " \
	    "in the policy document") \
	X(S3_INVALID_RANGE, "InvalidRange", 416, \
	    "The requested range is not satisfiable") \
	X(S3_INVALID_REQUEST, "InvalidRequest", 400, "Invalid request") \
	X(S3_INVALID_RETENTION, "InvalidRetentionPeriod", 400, \
	    "Default retention period must be a positive integer value") \
	X(S3_INVALID_STORAGE_CLASS, "InvalidStorageClass", 400, \
	    "The storage class you specified is not valid") \
	X(S3_INVALID_TAG, "InvalidTag", 400, \
	    "The tags are too many, too long, there twice or not valid") \
	X(S3_INVALID_TOKEN, "InvalidToken", 400, \
	    "The provided token is malformed or otherwise invalid") \
	X(S3_INVALID_URI, "InvalidURI", 400, \
	    "Couldn't parse the specified URI") \
	X(S3_KEY_TOO_LONG, "KeyTooLongError", 400, "Your key is too long") \
	X(S3_MALFORMED_ACL, "MalformedACLError", 400, \
	    "The XML you provided was not well-formed or did not validate " \
	    "against our published schema") \
	X(S3_MALFORMED_POLICY, "MalformedPolicy", 400, \
	    "Policy has invalid content") \
	X(S3_MALFORMED_DOCUMENT, "MalformedPolicyDocument", 400, \
	    "The policy document is malformed") \
	X(S3_MALFORMED_POST, "MalformedPOSTRequest", 400, \
	    "The body of your POST request is not well-formed " \
	    "multipart/form-data") \
	X(S3_MALFORMED_TRAILER, "MalformedTrailerError", 400, \
	    "The request contained trailing data that was not well-formed") \
	X(S3_MALFORMED_XML, "MalformedXML", 400, \
	    "The XML you provided was not well-formed or did not validate " \
	    "against our published schema") \
	X(S3_METADATA_TOO_LARGE, "MetadataTooLarge", 400, \
	    "Your metadata headers exceed the maximum allowed metadata size") \
	X(S3_METHOD_NOT_ALLOWED, "MethodNotAllowed", 405, \
	    "The specified method is not allowed against this resource") \
	X(S3_MISSING_LENGTH, "MissingContentLength", 411, \
	    "You must provide the Content-Length HTTP header") \
	X(S3_MISSING_SECURITY_HEADER, "MissingSecurityHeader", 400, \
	    "Your request was missing a required header") \
	X(S3_NO_SUCH_BUCKET, "NoSuchBucket", 404, \
	    "The specified bucket does not exist") \
	X(S3_NO_SUCH_KEY, "NoSuchKey", 404, \
	    "The specified key does not exist") \
	X(S3_NO_SUCH_UPLOAD, "NoSuchUpload", 404, \
	    "The specified multipart upload does not exist") \
	X(S3_NO_SUCH_VERSION, "NoSuchVersion", 404, \
	    "The specified version does not exist") \
	X(S3_NO_LIFECYCLE, "NoSuchLifecycleConfiguration", 404, \
	    "The lifecycle configuration does not exist") \
	X(S3_NO_POLICY, "NoSuchBucketPolicy", 404, \
	    "The bucket policy does not exist") \
	X(S3_NO_CORS, "NoSuchCORSConfiguration", 404, \
	    "The CORS configuration does not exist") \
	X(S3_NO_TAGS, "NoSuchTagSet", 404, "The TagSet does not exist") \
	X(S3_NO_WEBSITE, "NoSuchWebsiteConfiguration", 404, \
	    "The specified bucket does not have a website configuration") \
	X(S3_NO_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError", \
	    404, "The server side encryption configuration was not found") \
	X(S3_NO_OBJECT_LOCK, "ObjectLockConfigurationNotFoundError", 404, \
	    "Object Lock configuration does not exist for this bucket") \
	X(S3_NO_RETENTION, "NoSuchObjectLockConfiguration", 404, \
	    "The specified object does not have a ObjectLock configuration") \
	X(S3_NO_REPLICATION, "ReplicationConfigurationNotFoundError", 404, \
	    "The replication configuration was not found") \
	X(S3_NO_PUBLIC_BLOCK, "NoSuchPublicAccessBlockConfiguration", 404, \
	    "The public access block configuration was not found") \
	X(S3_NO_OWNERSHIP, "OwnershipControlsNotFoundError", 404, \
	    "The bucket ownership controls were not found") \
	X(S3_VALIDATION, "ValidationError", 400, \
	    "The request does not satisfy the constraints of the service") \
	X(S3_NOT_IMPLEMENTED, "NotImplemented", 501, \
	    "A header or query you provided implies functionality that is " \
	    "not implemented") \
	X(S3_NOT_MODIFIED, "NotModified", 304, "Not Modified") \
	X(S3_PRECONDITION_FAILED, "PreconditionFailed", 412, \
	    "At least one of the preconditions you specified did not hold") \
	X(S3_REQUEST_EXPIRED, "AccessDenied", 403, "Request has expired") \
	X(S3_REQUEST_TIMEOUT, "RequestTimeout", 400, \
	    "Your socket connection to the server was not read from or " \
	    "written to within the timeout period") \
	X(S3_SERVICE_UNAVAILABLE, "ServiceUnavailable", 503, \
	    "Too few drives are available to serve the request") \
	X(S3_SIGNATURE, "SignatureDoesNotMatch", 403, \
	    "The access key is not known here or the signature does not " \
	    "match. Check your key and signing method.") \
	X(S3_SLOW_DOWN, "SlowDown", 503, "Please reduce your request rate") \
	X(S3_STORAGE_FULL, "InsufficientStorage", 507, \
	    "The drives have reached their minimum free space") \
	X(S3_TIME_SKEW, "RequestTimeTooSkewed", 403, \
	    "The difference between the request time and the current time " \
	    "is too large") \
	X(S3_UNEXPECTED_CONTENT, "UnexpectedContent", 400, \
	    "This request does not support content") \
	X(S3_UNRESOLVABLE_EMAIL, "UnresolvableGrantByEmailAddress", 400, \
	    "The e-mail address you provided does not match any account on " \
	    "record")

#define S3_ERROR_ENUM(name, code, status, message) name,
enum s3_error { S3_ERROR_TABLE(S3_ERROR_ENUM) S3_ERROR_COUNT };
#undef S3_ERROR_ENUM

const char *s3_error_code(enum s3_error e);	/* "NoSuchKey" */
unsigned s3_error_status(enum s3_error e);	/* HTTP */
const char *s3_error_text(enum s3_error e);	/* for people */

/* What a result of the store means to a client. */
enum s3_error s3_error_from(enum err e);

#endif
