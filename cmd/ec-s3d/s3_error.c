#include "s3_error.h"

#define S3_ERROR_ROW(name, code, status, message) \
	[name] = { code, message, status },
static const struct {
	const char *code, *text;
	unsigned status;
} table[S3_ERROR_COUNT] = { S3_ERROR_TABLE(S3_ERROR_ROW) };
#undef S3_ERROR_ROW

const char *
s3_error_code(enum s3_error e)
{
	return table[e].code;
}

unsigned
s3_error_status(enum s3_error e)
{
	return table[e].status;
}

const char *
s3_error_text(enum s3_error e)
{
	return table[e].text;
}

enum s3_error
s3_error_from(enum err e)
{
	switch (e) {
	case EC_OK:
		return S3_OK;
	case EC_EINVAL:
		return S3_INVALID_ARGUMENT;
	case EC_ENOTFOUND:
		return S3_NO_SUCH_KEY;
	case EC_ENOBUCKET:
		return S3_NO_SUCH_BUCKET;
	case EC_ENOUPLOAD:
		return S3_NO_SUCH_UPLOAD;
	case EC_EEXIST:
		return S3_BUCKET_EXISTS;
	case EC_ENOTEMPTY:
		return S3_BUCKET_NOT_EMPTY;
	case EC_ECONFLICT:
		return S3_PRECONDITION_FAILED;
	case EC_ESTALE:
		return S3_CONFLICT;
	case EC_EDENIED:
		return S3_ACCESS_DENIED;
	case EC_EQUORUM:
	case EC_EOFFLINE:
	case EC_ETIMEDOUT:
		return S3_SERVICE_UNAVAILABLE;
	case EC_EBUSY:
	case EC_ENOMEM:
		return S3_SLOW_DOWN;
	case EC_ENOSPC:
		return S3_STORAGE_FULL;
	case EC_ENOTIMPL:
		return S3_NOT_IMPLEMENTED;
	default:
		return S3_INTERNAL;
	}
}
