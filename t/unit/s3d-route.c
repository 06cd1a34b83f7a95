/* The table of operations: every row can be reached, and only by what it
 * says. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "ec-s3d/route.h"

static const struct route *
find(const char *method, const char *target, const char *header)
{
	const struct http_header headers[] = { { "Host", "h" },
		{ header != NULL ? header : "X", "v" } };
	struct request rq;
	const struct route *r;

	if (request_parse(&rq, target, NULL, NULL) != S3_OK)
		abort();
	r = route_find(&rq, method, headers, 2);
	request_release(&rq);
	return r;
}

static void
every_row(void)
{
	static const char *const paths[] = { "/", "/bucket", "/bucket/key" };
	const struct route *table, *r;
	unsigned n, i, missed = 0;
	char target[128];

	table = route_table(&n);
	for (i = 0; i < n; i++) {
		r = &table[i];
		snprintf(target, sizeof(target), "%s%s%s", paths[r->on],
		    r->query != NULL ? "?" : "",
		    r->query != NULL ? r->query : "");
		if (find(r->method, target, r->header) == r)
			continue;
		missed++;
		tap_note("%s %s does not reach %s", r->method, target, r->name);
	}
	tap_ok(n > 80 && missed == 0, "%u rows can be reached", n);
}

static void
is(const char *method, const char *target, const char *header,
    const char *name)
{
	const struct route *r = find(method, target, header);

	tap_is_str(r != NULL ? r->name : "none", name, "%s %s%s%s", method,
	    target, header != NULL ? " with " : "",
	    header != NULL ? header : "");
}

int
main(void)
{
	every_row();
	is("GET", "/", NULL, "ListBuckets");
	is("PUT", "/bucket/key", NULL, "PutObject");
	is("PUT", "/bucket/key?x-id=PutObject", NULL, "PutObject");
	is("PUT", "/bucket/key", "X-Amz-Copy-Source", "CopyObject");
	is("PUT", "/bucket/key?partNumber=1&uploadId=u", NULL, "UploadPart");
	is("PUT", "/bucket/key?partNumber=1&uploadId=u", "x-amz-copy-source",
	    "UploadPartCopy");
	is("GET", "/bucket?list-type=2&prefix=a", NULL, "ListObjectsV2");
	is("GET", "/bucket?prefix=a", NULL, "ListObjects");
	is("GET", "/bucket?uploads&prefix=a", NULL, "ListMultipartUploads");
	is("DELETE", "/bucket?policy", NULL, "DeleteBucketPolicy");
	is("DELETE", "/bucket/key?uploadId=u", NULL, "AbortMultipartUpload");
	is("POST", "/bucket/key?uploads", NULL, "CreateMultipartUpload");
	is("POST", "/bucket/key?uploadId=u", NULL, "CompleteMultipartUpload");
	is("POST", "/bucket", NULL, "PostObject");
	is("PATCH", "/bucket/key", NULL, "none");
	is("DELETE", "/", NULL, "none");
	is("get", "/", NULL, "none");
	return tap_done();
}
