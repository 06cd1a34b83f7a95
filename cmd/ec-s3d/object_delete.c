/* DeleteObject, DeleteObjects. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/workers.h"
#include "handlers.h"

enum {
	DELETE_KEYS_MAX = 1000,
	DELETE_BODY_MAX = 8 * 1024 * 1024,	/* bytes of XML */
	DELETE_THREADS = 16,	/* so that deletes share flushes */
};

/* Delete one key; what is not there counts as deleted. */
static enum s3_error
delete_one(struct call *c, const char *key, const char *id)
{
	struct stamp mem;
	const struct stamp *version;
	enum s3_error e = call_version(c, id, &mem, &version);

	if (e != S3_OK)
		return e;
	if (version == &get_null_version)
		version = NULL;		/* the only one there is */
	return call_store(c, store_delete(c->server->store, c->rq.bucket, key,
	    version));
}

enum s3_error
handle_object_delete(struct call *c)
{
	enum s3_error e;

	if (http_header(c->x, "If-Match") != NULL ||
	    http_header(c->x, "x-amz-if-match-last-modified-time") != NULL ||
	    http_header(c->x, "x-amz-if-match-size") != NULL)
		return call_fail(c, S3_NOT_IMPLEMENTED,
		    "conditional deletes are not implemented");
	e = delete_one(c, c->rq.key, request_query(&c->rq, "versionId"));
	return e != S3_OK ? e : call_answer(c, 204);
}

struct target {
	char *key, *version;		/* version NULL if none */
	enum s3_error result;
	char *detail;			/* NULL: the table's text */
};

struct targets {
	struct target *v;
	unsigned n;
	bool quiet, conditional;
	struct call *call;
	atomic_uint next;		/* to be deleted */
};

static enum s3_error
target_text(char **out, const char *text)
{
	free(*out);
	*out = strdup(text);
	return *out != NULL ? S3_OK : S3_SLOW_DOWN;
}

static enum s3_error
delete_element(void *ctx, const char *path, const char *text)
{
	struct targets *t = ctx;
	struct target *last = t->n > 0 ? &t->v[t->n - 1] : NULL;

	if (strncmp(path, "/Delete", 7) != 0)
		return S3_MALFORMED_XML;
	path += 7;
	if (strcmp(path, "/Object") == 0) {
		if (text == NULL)
			return t->n++ < DELETE_KEYS_MAX ? S3_OK :
			    S3_MALFORMED_XML;
		return last->key != NULL ? S3_OK : S3_MALFORMED_XML;
	}
	if (text == NULL || path[0] == '\0')
		return path[0] == '\0' || path[0] == '/' ? S3_OK :
		    S3_MALFORMED_XML;
	if (strcmp(path, "/Quiet") == 0)
		t->quiet = strcmp(text, "true") == 0;
	else if (strcmp(path, "/Object/Key") == 0)
		return target_text(&last->key, text);
	else if (strcmp(path, "/Object/VersionId") == 0)
		return target_text(&last->version, text);
	else if (strncmp(path, "/Object/", 8) == 0)
		t->conditional = true;	/* ETag, Size, LastModifiedTime */
	return S3_OK;
}

static enum s3_error
delete_target(struct call *c, const struct target *t)
{
	size_t len = strlen(t->key);

	c->detail[0] = '\0';
	if (len > RECORD_KEY_MAX)
		return S3_KEY_TOO_LONG;
	if (len == 0)
		return call_fail(c, S3_INVALID_ARGUMENT, "an empty key");
	return delete_one(c, t->key, t->version);
}

/* Each thread takes the next one; a call of its own takes its error text. */
static void
delete_some(void *ctx)
{
	struct targets *t = ctx;
	struct call c = *t->call;
	unsigned i;

	while ((i = atomic_fetch_add(&t->next, 1)) < t->n) {
		t->v[i].result = delete_target(&c, &t->v[i]);
		if (c.detail[0] != '\0')
			t->v[i].detail = strdup(c.detail);
	}
}

static void
delete_all(struct call *c, struct targets *t)
{
	struct workers *w = NULL;
	unsigned i;

	t->call = c;
	if (t->n > 1 && workers_new(&w, DELETE_THREADS) == EC_OK)
		for (i = 1; i < t->n && i < DELETE_THREADS; i++)
			if (workers_submit(w, delete_some, t) != EC_OK)
				break;
	delete_some(t);
	if (w != NULL)
		workers_free(w);
}

static void
result_xml(struct xml *x, const struct target *t, bool quiet)
{
	const char *name = t->result == S3_OK ? "Deleted" : "Error";

	if (t->result == S3_OK && quiet)
		return;
	xml_open(x, name);
	xml_text(x, "Key", t->key);
	if (t->version != NULL)
		xml_text(x, "VersionId", t->version);
	if (t->result != S3_OK) {
		xml_text(x, "Code", s3_error_code(t->result));
		xml_text(x, "Message", t->detail != NULL ? t->detail :
		    s3_error_text(t->result));
	}
	xml_close(x, name);
}

enum s3_error
handle_objects_delete(struct call *c)
{
	struct targets t = { .v = calloc(DELETE_KEYS_MAX, sizeof(*t.v)) };
	struct bucket b = BUCKET_INIT;
	struct xml x = XML_INIT;
	unsigned i;
	enum s3_error e;

	if (t.v == NULL)
		return S3_SLOW_DOWN;
	if ((e = call_xml(c, DELETE_BODY_MAX, CALL_XML_DIGEST, delete_element,
	    &t)) != S3_OK || (e = call_store(c, store_bucket_get(
	    c->server->store, c->rq.bucket, &b))) != S3_OK)
		goto out;
	if (t.n == 0) {
		e = S3_MALFORMED_XML;
		goto out;
	}
	if (t.conditional) {
		e = call_fail(c, S3_NOT_IMPLEMENTED,
		    "conditional deletes are not implemented");
		goto out;
	}
	delete_all(c, &t);
	xml_begin(&x, "DeleteResult");
	for (i = 0; i < t.n; i++)
		result_xml(&x, &t.v[i], t.quiet);
	e = call_answer_xml(c, &x, "DeleteResult");
out:
	bucket_release(&b);
	for (i = 0; i < t.n && i < DELETE_KEYS_MAX; i++) {
		free(t.v[i].key);
		free(t.v[i].version);
		free(t.v[i].detail);
	}
	free(t.v);
	return e;
}
