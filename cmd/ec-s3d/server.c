#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/os_linux.h"
#include "access_log.h"
#include "call.h"
#include "cors.h"
#include "handlers.h"
#include "health.h"
#include "object_post.h"
#include "route.h"
#include "server.h"

enum err
server_new(struct server **out, struct store *store,
    const struct server_params *p)
{
	struct server *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL)
		return EC_ENOMEM;
	s->store = store;
	s->region = p->region;
	s->domain = p->domain;
	s->sigv2 = p->sigv2;
	s->fast_etag = p->fast_etag;
	s->started_us = clock_mono_us();
	if ((e = iam_cache_new(&s->iam, store, p->root)) != EC_OK ||
	    (e = access_cache_new(&s->access)) != EC_OK ||
	    (e = sigv4_cache_new(&s->keys)) != EC_OK ||
	    (e = mem_pool_new(&s->buffers, SERVER_BUFFER_BYTES,
	    SERVER_BUFFERS_BYTES)) != EC_OK) {
		server_free(s);
		return e;
	}
	*out = s;
	return EC_OK;
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	iam_cache_free(s->iam);
	access_cache_free(s->access);
	sigv4_cache_free(s->keys);
	mem_pool_free(s->buffers);
	free(s);
}

/* What changes something must not be asked with a parameter nobody reads. */
static enum s3_error
parameters_check(struct call *c)
{
	static const char *const known[] = { "x-id", "versionId", "uploadId",
		"partNumber" };
	static const char *const v2[] = { "AWSAccessKeyId", "Expires",
		"Signature" };
	const char *method = http_method(c->x);
	unsigned i, k;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return S3_OK;
	for (i = 0; i < c->rq.query_count; i++) {
		const char *name = c->rq.query[i].name;
		bool good = strncasecmp(name, "X-Amz-", 6) == 0 ||
		    (c->route->query != NULL &&
		    strcmp(c->route->query, name) == 0);

		for (k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			good = good || strcmp(known[k], name) == 0;
		for (k = 0; c->auth.v2 && k < sizeof(v2) / sizeof(v2[0]); k++)
			good = good || strcmp(v2[k], name) == 0;
		if (!good)
			return call_fail(c, S3_NOT_IMPLEMENTED,
			    "the parameter '%.64s' is not implemented", name);
	}
	return S3_OK;
}

/* Request headers that ask for what is not done here. */
static enum s3_error
headers_check(struct call *c)
{
	static const char *const lacking[] = {
		"x-amz-server-side-encryption",
		"x-amz-website-redirect-location",
		"x-amz-copy-source-server-side-encryption-",
		"x-amz-write-offset-bytes",
	};
	const struct http_header *h;
	unsigned i, k, n = http_headers(c->x, &h);

	for (i = 0; i < n; i++)
		for (k = 0; k < sizeof(lacking) / sizeof(lacking[0]); k++)
			if (strncasecmp(h[i].name, lacking[k],
			    strlen(lacking[k])) == 0)
				return call_fail(c, S3_NOT_IMPLEMENTED,
				    "the header '%.64s' is not implemented",
				    h[i].name);
	return S3_OK;
}

static enum s3_error
serve(struct call *c)
{
	const struct http_header *headers;
	unsigned n = http_headers(c->x, &headers);
	enum s3_error e;

	bool status;

	e = request_parse(&c->rq, http_target(c->x),
	    http_header(c->x, "Host"), c->server->domain);
	/* "ec" is too short for a bucket, so this is nobody's key. */
	status = e == S3_INVALID_BUCKET_NAME &&
	    strcmp(c->rq.path, "/ec/status") == 0;
	if (e != S3_OK && !status)
		return e;
	if (strcmp(http_method(c->x), "OPTIONS") == 0)
		return cors_preflight(c);
	cors_headers(c);
	c->who.iam = iam_cache_get(c->server->iam);
	if (object_post_asked(c)) {
		c->route = route_find(&c->rq, "POST", headers, n);
		return handle_object_post(c);
	}
	if ((e = caller_authenticate(c)) != S3_OK)
		return e;
	if (status)
		return c->who.user != NULL && c->who.user->root ?
		    health_status(c) : S3_ACCESS_DENIED;
	c->route = route_find(&c->rq, http_method(c->x), headers, n);
	if (c->route == NULL)
		return S3_METHOD_NOT_ALLOWED;
	if (c->route->handle == handle_assume_role && c->who.user != NULL &&
	    (c->route = sts_route(c)) == NULL)
		return call_fail(c, S3_NOT_IMPLEMENTED, "of STS only "
		    "AssumeRole, GetSessionToken and GetCallerIdentity are "
		    "implemented");
	if ((e = caller_authorize(c)) != S3_OK)
		return e;
	if (c->route->handle != handle_not_implemented &&
	    ((e = parameters_check(c)) != S3_OK ||
	    (e = headers_check(c)) != S3_OK))
		return e;
	e = c->route->handle(c);
	/* Whoever may not list does not learn what is there. */
	if (e == S3_NO_SUCH_KEY && c->route->on == ROUTE_OBJECT &&
	    !caller_may_list(c))
		e = call_fail(c, S3_ACCESS_DENIED, "%s",
		    s3_error_text(S3_ACCESS_DENIED));
	return e;
}

void
server_handle(void *ctx, struct http_exchange *x)
{
	struct server *s = ctx;
	struct call c = { .server = s, .x = x, .bucket = BUCKET_INIT };
	uint64_t start = clock_mono_us();
	uint8_t id[8];
	enum s3_error e;

	os_random(id, sizeof(id));
	num_hex(c.id, id, sizeof(id));
	http_answer_header(x, "x-amz-request-id", c.id);
	http_answer_header(x, "x-amz-id-2", c.id);
	http_answer_header(x, "Server", "ec");
	if (!health_answer(s, x)) {
		e = serve(&c);
		if (e != S3_OK && http_status(x) == 0)
			call_answer_error(&c, e);
		access_log(&c, e, clock_mono_us() - start);
	}
	atomic_fetch_add(&s->requests, 1);
	if (http_status(x) >= 500)
		atomic_fetch_add(&s->errors, 1);
	caller_release(&c.who);
	bucket_release(&c.bucket);
	request_release(&c.rq);
}
