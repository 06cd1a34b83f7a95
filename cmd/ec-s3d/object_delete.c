/* DeleteObject, DeleteObjects. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/workers.h"
#include "handlers.h"
#include "object_lock.h"
#include "s3_time.h"
#include "write_condition.h"

enum {
	DELETE_KEYS_MAX = 1000,
	DELETE_BODY_MAX = 8 * 1024 * 1024,	/* bytes of XML */
	DELETE_THREADS = 16,	/* so that deletes share flushes */
};

struct one {	/* to be deleted */
	const char *key;
	const struct stamp *version;	/* NULL: none was named */
	struct write_condition condition;
	bool bypass;		/* governance mode */
	bool nothing;		/* result: a condition and no object */
};

static enum err
check(void *ctx, const struct object *now)
{
	struct one *d = ctx;
	enum err e = write_condition_check(&d->condition, now);

	/* What should have been deleted is not there: as without condition. */
	d->nothing = e == EC_ENOTFOUND;
	if (e == EC_OK && d->version != NULL && now != NULL)
		e = object_lock_check(now, d->bypass,
		    (int64_t)(clock_real_us() / 1000000));
	return e;
}

/* Delete one key; what is not there counts as deleted. */
static enum s3_error
delete_one(struct call *c, struct one *d, struct store_deleted *did)
{
	const struct store_condition condition = { check, d };
	bool locked, look = write_condition_any(&d->condition);
	enum s3_error e;

	*did = (struct store_deleted){ .marker = false };
	if (d->version != NULL) {
		if ((e = object_lock_bucket(c, &locked)) != S3_OK)
			return e;
		look = look || locked;
	}
	e = call_store(c, store_delete(c->server->store, c->rq.bucket, d->key,
	    d->version, look ? &condition : NULL, did));
	if (e == S3_NO_SUCH_KEY && d->nothing)
		return S3_OK;
	return e == S3_ACCESS_DENIED ? call_fail(c, e,
	    "Access Denied because object protected by object lock.") : e;
}

enum s3_error
handle_object_delete(struct call *c)
{
	const char *id = request_query(&c->rq, "versionId");
	struct one d = { .key = c->rq.key, .bypass = object_lock_bypass(c) };
	struct store_deleted did;
	struct stamp mem;
	enum s3_error e;

	if ((e = call_version(c, id, &mem, &d.version)) != S3_OK ||
	    (e = write_condition_from(c, &d.condition, true)) != S3_OK ||
	    (e = delete_one(c, &d, &did)) != S3_OK)
		return e;
	if (did.marker)
		http_answer_header(c->x, "x-amz-delete-marker", "true");
	if (d.version != NULL)
		http_answer_header(c->x, "x-amz-version-id", id);
	else if (did.marker)
		call_header_version(c, &did.version, did.null_version);
	return call_answer(c, 204);
}

struct target {
	char *key, *version;		/* version NULL if none */
	char *etag;
	struct write_condition condition;
	struct store_deleted did;
	enum s3_error result;
	char *detail;			/* NULL: the table's text */
};

struct targets {
	struct target *v;
	unsigned n;
	bool quiet, bypass;
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
target_field(struct target *t, const char *name, const char *text)
{
	struct write_condition *w = &t->condition;

	if (strcmp(name, "Key") == 0)
		return target_text(&t->key, text);
	if (strcmp(name, "VersionId") == 0)
		return target_text(&t->version, text);
	if (strcmp(name, "ETag") == 0)
		return target_text(&t->etag, text);
	if (strcmp(name, "Size") == 0) {
		w->sized = true;
		return num_parse(&w->size, text, 0, UINT64_MAX) == EC_OK ?
		    S3_OK : S3_MALFORMED_XML;
	}
	if (strcmp(name, "LastModifiedTime") == 0) {
		w->timed = true;
		return s3_time_parse_http(&w->mtime, text) == EC_OK ||
		    s3_time_parse_iso(&w->mtime, text) == EC_OK ? S3_OK :
		    S3_MALFORMED_XML;
	}
	return S3_MALFORMED_XML;
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
	else if (strncmp(path, "/Object/", 8) == 0)
		return target_field(last, path + 8, text);
	return S3_OK;
}

static enum s3_error
delete_target(struct call *c, struct target *t, bool bypass)
{
	struct one d = { .key = t->key, .condition = t->condition,
		.bypass = bypass };
	size_t len = strlen(t->key);
	struct stamp mem;
	enum s3_error e;

	c->detail[0] = '\0';
	if (len > RECORD_KEY_MAX)
		return S3_KEY_TOO_LONG;
	if (len == 0)
		return call_fail(c, S3_INVALID_ARGUMENT, "an empty key");
	if ((e = caller_may(c, "DeleteObject", c->rq.bucket, t->key,
	    t->version != NULL, NULL)) != S3_OK)
		return e;
	d.condition.match = t->etag;
	if (t->version != NULL && t->version[0] != '\0' &&
	    (e = call_version(c, t->version, &mem, &d.version)) != S3_OK)
		return S3_NO_SUCH_VERSION;
	return delete_one(c, &d, &t->did);
}

/* Each thread takes the next one; a call of its own takes its error text.
 * The bucket was read before, so that the copies share it unchanged. */
static void
delete_some(void *ctx)
{
	struct targets *t = ctx;
	struct call c = *t->call;
	unsigned i;

	while ((i = atomic_fetch_add(&t->next, 1)) < t->n) {
		t->v[i].result = delete_target(&c, &t->v[i], t->bypass);
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

/* The delete marker that was added, or that the version was. */
static void
marker_xml(struct xml *x, const struct target *t)
{
	char id[STAMP_TEXT_BYTES] = "null";

	if (!t->did.null_version)
		stamp_text(id, &t->did.version);
	xml_bool(x, "DeleteMarker", true);
	xml_text(x, "DeleteMarkerVersionId", t->version != NULL ?
	    t->version : id);
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
	if (t->result == S3_OK && t->did.marker)
		marker_xml(x, t);
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
	struct targets t = { .v = calloc(DELETE_KEYS_MAX, sizeof(*t.v)),
		.bypass = object_lock_bypass(c) };
	const struct bucket *b;
	struct xml x = XML_INIT;
	unsigned i;
	enum s3_error e;

	if (t.v == NULL)
		return S3_SLOW_DOWN;
	if ((e = call_xml(c, DELETE_BODY_MAX, CALL_XML_DIGEST, delete_element,
	    &t)) != S3_OK || (e = call_bucket(c, &b)) != S3_OK)
		goto out;
	if (t.n == 0) {
		e = S3_MALFORMED_XML;
		goto out;
	}
	delete_all(c, &t);
	xml_begin(&x, "DeleteResult");
	for (i = 0; i < t.n; i++)
		result_xml(&x, &t.v[i], t.quiet);
	e = call_answer_xml(c, &x, "DeleteResult");
out:
	for (i = 0; i < t.n && i < DELETE_KEYS_MAX; i++) {
		free(t.v[i].key);
		free(t.v[i].version);
		free(t.v[i].etag);
		free(t.v[i].detail);
	}
	free(t.v);
	return e;
}
