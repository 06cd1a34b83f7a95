/* Reading and writing the document. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "iam_doc.h"

enum { TRIES = 100 };

json_t *
iam_doc_new(void)
{
	return json_pack("{s:i,s:{},s:{},s:{},s:{}}", "format", 1, "users",
	    "groups", "policies", "keys");
}

/* Is every member of ${section} an object? */
static bool
section_good(json_t *doc, const char *section)
{
	json_t *all = json_object_get(doc, section), *v;
	const char *name;

	json_object_foreach(all, name, v)
		if (!json_is_object(v))
			return false;
	return json_is_object(all);
}

enum err
iam_doc_parse(json_t **out, const char *text, size_t len)
{
	json_error_t where;
	json_t *doc = len > 0 ? json_loadb(text, len, JSON_REJECT_DUPLICATES,
	    &where) : iam_doc_new();

	if (doc == NULL && len > 0)
		log_error("%s/%s: line %d: %s", SYSTEM_BUCKET, IAM_KEY,
		    where.line, where.text);
	if (doc == NULL)
		return len > 0 ? EC_EFORMAT : EC_ENOMEM;
	if (json_integer_value(json_object_get(doc, "format")) != 1 ||
	    !section_good(doc, "users") || !section_good(doc, "groups") ||
	    !section_good(doc, "policies") || !section_good(doc, "keys")) {
		log_error("%s/%s is not in a format this version knows",
		    SYSTEM_BUCKET, IAM_KEY);
		json_decref(doc);
		return EC_EFORMAT;
	}
	*out = doc;
	return EC_OK;
}

static enum err
look(struct store *st, struct get **g, struct object *o,
    char state[IAM_STATE_BYTES])
{
	enum err e = store_get_open(st, SYSTEM_BUCKET, IAM_KEY, NULL, g, o);

	state[0] = '\0';
	if (e == EC_OK)
		memcpy(state, o->etag, sizeof(o->etag));
	return e == EC_ENOTFOUND || e == EC_ENOBUCKET ? EC_OK : e;
}

enum err
iam_doc_state(struct store *st, char state[IAM_STATE_BYTES])
{
	struct object o = OBJECT_INIT;
	enum err e = look(st, NULL, &o, state);

	object_release(&o);
	return e;
}

enum err
iam_doc_read(struct store *st, struct buf *out, char state[IAM_STATE_BYTES])
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	uint8_t *to;
	enum err e;

	if ((e = look(st, &g, &o, state)) != EC_OK || state[0] == '\0')
		goto out;
	if (o.size > IAM_DOCUMENT_MAX) {
		e = EC_EFORMAT;
		goto out;
	}
	if ((e = buf_reserve(out, (size_t)o.size + 1, &to)) == EC_OK &&
	    (e = get_read(g, to, (size_t)o.size, 0)) == EC_OK)
		out->len += (size_t)o.size;
out:
	get_free(g);
	object_release(&o);
	return e;
}

static enum err
is_state(void *ctx, const struct object *now)
{
	return strcmp(now != NULL ? now->etag : "", ctx) == 0 ? EC_OK :
	    EC_ECONFLICT;
}

/* Unless it is not in ${state} any more: EC_ECONFLICT. */
static enum err
write_doc(struct store *st, const char *text, const char *state)
{
	struct put_params params = { .bucket = SYSTEM_BUCKET, .key = IAM_KEY,
		.parity = -1, .null_version = true, .size = strlen(text) };
	const struct store_condition condition = { is_state,
		(void *)(uintptr_t)state };
	struct store_put *p = NULL;
	struct object o = OBJECT_INIT;
	enum err e;

	if (params.size > IAM_DOCUMENT_MAX)
		return EC_ELIMIT;
	if ((e = system_bucket_put(st, &params, &p)) == EC_OK &&
	    (e = store_put_write(p, text, (size_t)params.size)) == EC_OK &&
	    (e = store_put_finish(p, NULL)) == EC_OK)
		e = store_put_commit(p, NULL, &condition, &o);
	store_put_free(p);
	object_release(&o);
	return e;
}

static enum err
change_once(struct store *st, enum err (*change)(void *ctx, json_t *doc),
    void *ctx)
{
	struct buf text = BUF_INIT(IAM_DOCUMENT_MAX + 1);
	char state[IAM_STATE_BYTES], *dump = NULL;
	json_t *doc = NULL;
	enum err e;

	if ((e = iam_doc_read(st, &text, state)) != EC_OK ||
	    (e = iam_doc_parse(&doc, buf_str(&text), text.len)) != EC_OK ||
	    (e = change(ctx, doc)) != EC_OK)
		goto out;
	dump = json_dumps(doc, JSON_INDENT(1) | JSON_SORT_KEYS);
	e = dump != NULL ? write_doc(st, dump, state) : EC_ENOMEM;
out:
	free(dump);
	json_decref(doc);
	buf_release(&text);
	return e;
}

enum err
iam_doc_change(struct store *st, enum err (*change)(void *ctx, json_t *doc),
    void *ctx)
{
	enum err e = EC_ECONFLICT;
	unsigned i;

	for (i = 0; i < TRIES && e == EC_ECONFLICT; i++)
		e = change_once(st, change, ctx);
	return e;
}
