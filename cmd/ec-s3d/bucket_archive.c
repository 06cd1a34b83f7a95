/* GET ?archive=zip&prefix=p/: what is below a prefix, as one archive. */
#include <stdio.h>
#include <string.h>

#include "handlers.h"
#include "store/bundle.h"

struct archiving {
	struct call *call;
	const char *format, *type;
	bool begun;
	enum s3_error denied;
};

/* What a client may ask for: compressing by others takes too long. */
static const char *
type_of(const char *format)
{
	static const char *const types[][2] = {
		{ "zip", "application/zip" },
		{ "tar", "application/x-tar" },
		{ "tar.gz", "application/gzip" },
		{ "tar.zst", "application/zstd" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i][0], format) == 0)
			return types[i][1];
	return NULL;
}

static enum err
give(void *ctx, const void *buf, size_t len)
{
	struct archiving *a = ctx;
	struct call *c = a->call;
	char name[128];

	if (!a->begun) {
		snprintf(name, sizeof(name), "attachment; filename=\"%s.%s\"",
		    c->rq.bucket, a->format);
		http_answer_header(c->x, "Content-Type", a->type);
		http_answer_header(c->x, "Content-Disposition", name);
		http_answer_start(c->x, 200, UINT64_MAX);
		a->begun = true;
	}
	return http_write(c->x, buf, len);
}

static enum err
may(void *ctx, const char *key, const struct object *o)
{
	struct archiving *a = ctx;
	struct call *c = a->call;

	a->denied = caller_may(c, "GetObject", c->rq.bucket, key, false,
	    &o->meta);
	return a->denied == S3_OK ? EC_OK : EC_EDENIED;
}

enum s3_error
handle_bucket_archive(struct call *c)
{
	const char *prefix = request_query(&c->rq, "prefix");
	struct archiving a = { .call = c,
		.format = request_query(&c->rq, "archive") };
	const struct bundle_create p = { .store = c->server->store,
		.bucket = c->rq.bucket, .prefix = prefix != NULL ? prefix : "",
		.format = a.format, .ctx = &a, .write = give, .may = may };
	struct bundle_result r = { 0 };
	enum err e;

	if ((a.type = type_of(a.format)) == NULL)
		return call_fail(c, S3_INVALID_ARGUMENT, "archive must be one "
		    "of zip, tar, tar.gz, tar.zst");
	e = bundle_create(&p, &r);
	if (e == EC_OK)
		e = http_answer_end(c->x);
	return a.denied != S3_OK ? a.denied : call_store(c, e);
}
