#include <string.h>

#include "base/num.h"
#include "condition.h"
#include "s3_time.h"
#include "write_condition.h"

static enum s3_error
of_delete(struct call *c, struct write_condition *w)
{
	const char *size = http_header(c->x, "x-amz-if-match-size");
	const char *mtime = http_header(c->x,
	    "x-amz-if-match-last-modified-time");

	w->sized = size != NULL;
	w->timed = mtime != NULL;
	if (w->sized && num_parse(&w->size, size, 0, UINT64_MAX) != EC_OK)
		return S3_INVALID_ARGUMENT;
	if (w->timed && s3_time_parse_http(&w->mtime, mtime) != EC_OK &&
	    s3_time_parse_iso(&w->mtime, mtime) != EC_OK)
		return S3_INVALID_ARGUMENT;
	return S3_OK;
}

enum s3_error
write_condition_from(struct call *c, struct write_condition *w, bool delete)
{
	*w = (struct write_condition){
		.match = http_header(c->x, "If-Match"),
		.none = http_header(c->x, "If-None-Match"),
	};
	if (w->none != NULL && delete)
		return call_fail(c, S3_NOT_IMPLEMENTED,
		    "If-None-Match of a delete");
	return delete ? of_delete(c, w) : S3_OK;
}

enum err
write_condition_check(void *ctx, const struct object *now)
{
	const struct write_condition *w = ctx;

	if (now == NULL)
		return w->match != NULL || w->sized || w->timed ?
		    EC_ENOTFOUND : EC_OK;
	if ((w->none != NULL && condition_etag_in(w->none, now->etag)) ||
	    (w->match != NULL && !condition_etag_in(w->match, now->etag)) ||
	    (w->sized && w->size != now->size) ||
	    (w->timed && w->mtime != (int64_t)(now->mtime_us / 1000000)))
		return EC_ECONFLICT;
	return EC_OK;
}

bool
write_condition_any(const struct write_condition *w)
{
	return w->none != NULL || w->match != NULL || w->sized || w->timed;
}
