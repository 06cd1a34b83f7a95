#include "show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "ec-s3d/explain.h"
#include "store/tool.h"

enum { OUT_MAX = 64 * 1024 * 1024 };

static const char *
text_of(json_t *v, const char *name)
{
	const char *text = json_string_value(json_object_get(v, name));

	return text != NULL ? text : "";
}

/* Names, separated by commas. */
static enum err
add_names(struct buf *out, json_t *array, json_t *object)
{
	const char *name, *comma = "";
	json_t *v;
	size_t i;
	enum err e = EC_OK;

	for (i = 0; i < json_array_size(array) && e == EC_OK; i++) {
		name = json_string_value(json_array_get(array, i));
		e = buf_printf(out, "%s%s", comma, name != NULL ? name : "");
		comma = ",";
	}
	json_object_foreach(object, name, v) {
		if (e == EC_OK)
			e = buf_printf(out, "%s%s", comma, name);
		comma = ",";
	}
	return e == EC_OK && comma[0] == '\0' ? buf_add_str(out, "-") : e;
}

enum err
show_users(struct job *j, json_t *doc, struct buf *out)
{
	const char *name;
	json_t *v;
	enum err e = EC_OK;

	(void)j;
	json_object_foreach(json_object_get(doc, "users"), name, v) {
		if (e != EC_OK || (e = buf_printf(out, "%s\t%s\t%s\t%s\t%s\t",
		    name, json_is_true(json_object_get(v, "enabled")) ?
		    json_is_true(json_object_get(v, "member")) ? "member" :
		    "user" : "disabled", text_of(v, "id"),
		    text_of(v, "display"), text_of(v, "email"))) != EC_OK ||
		    (e = add_names(out, json_object_get(v, "groups"), NULL)) !=
		    EC_OK || (e = buf_add_str(out, "\t")) != EC_OK ||
		    (e = add_names(out, json_object_get(v, "attached"),
		    json_object_get(v, "inline"))) != EC_OK)
			break;
		e = buf_add_str(out, "\n");
	}
	return e;
}

enum err
show_keys(struct job *j, json_t *doc, struct buf *out)
{
	const char *id;
	json_t *v;
	enum err e = EC_OK;

	(void)j;
	json_object_foreach(json_object_get(doc, "keys"), id, v) {
		long long expires = json_integer_value(json_object_get(v,
		    "expires"));

		if (e != EC_OK)
			break;
		e = buf_printf(out, "%s\t%s\t%s\t%lld\t%s\n", id,
		    text_of(v, "user"), !json_is_true(json_object_get(v,
		    "enabled")) ? "disabled" : expires != 0 &&
		    expires <= (long long)time(NULL) ? "expired" : "enabled",
		    expires, json_object_get(v, "policy") != NULL ?
		    "narrowed" : "-");
	}
	return e;
}

enum err
show_groups(struct job *j, json_t *doc, struct buf *out)
{
	const char *name;
	json_t *v;
	enum err e = EC_OK;

	(void)j;
	json_object_foreach(json_object_get(doc, "groups"), name, v) {
		if (e != EC_OK || (e = buf_printf(out, "%s\t", name)) !=
		    EC_OK || (e = add_names(out, json_object_get(v,
		    "attached"), json_object_get(v, "inline"))) != EC_OK)
			break;
		e = buf_add_str(out, "\n");
	}
	return e;
}

enum err
show_policies(struct job *j, json_t *doc, struct buf *out)
{
	const char *name;
	json_t *v;
	enum err e = buf_add_str(out, "readonly\nreadwrite\nwriteonly\n");

	(void)j;
	json_object_foreach(json_object_get(doc, "policies"), name, v)
		if (e == EC_OK)
			e = buf_printf(out, "%s\n", name);
	return e;
}

enum err
show_policy(struct job *j, json_t *doc, struct buf *out)
{
	enum iam_doc_on on;
	const char *who = job_whose(j, &on), *name = j->args->operand[0];
	json_t *v = who == NULL ? json_object_get(doc, "policies") :
	    json_object_get(json_object_get(json_object_get(doc, on ==
	    IAM_ON_USER ? "users" : "groups"), who), "inline");
	const char *text = who == NULL ? iam_builtin(name) : NULL;
	char *dump = NULL;
	enum err e;

	if (text == NULL && (v = json_object_get(v, name)) != NULL)
		text = dump = json_dumps(v, JSON_INDENT(2));
	if (text == NULL) {
		log_error("there is no policy %s", name);
		return EC_ENOTFOUND;
	}
	e = buf_printf(out, "%s\n", text);
	free(dump);
	return e;
}

/* "key=value" items of --value. */
static const char *
given_value(void *ctx, const char *key, unsigned i)
{
	const struct args *a = ctx;
	size_t n, len = strlen(key);

	for (n = 0; n < a->values.len; n++)
		if (strncasecmp(a->values.v[n], key, len) == 0 &&
		    a->values.v[n][len] == '=' && i-- == 0)
			return a->values.v[n] + len + 1;
	return NULL;
}

/* USER OPERATION [BUCKET[/KEY]]. */
static enum err
say_explained(struct store *st, struct job *j, const struct iam *iam)
{
	const struct args *a = j->args;
	const struct explain what = { .user = a->operand[0],
		.operation = a->operand[1],
		.target = a->operands > 2 ? a->operand[2] : "",
		.value = given_value, .ctx = (void *)(uintptr_t)a };
	char why[ACCESS_WHY_BYTES];
	bool allowed;
	enum err e = explain(st, iam, &what, &allowed, why);

	if (e != EC_OK)
		return e;
	printf("%s\t%s\n", allowed ? "allowed" : "denied", why);
	if (fflush(stdout) != 0)
		return EC_EIO;
	return allowed ? EC_OK : EC_EDENIED;
}

enum err
show_run(struct store *st, struct job *j)
{
	struct buf text = BUF_INIT(IAM_DOCUMENT_MAX + 1);
	struct buf out = BUF_INIT(OUT_MAX);
	const struct iam_root root = { j->root.user, j->root.password };
	char state[IAM_STATE_BYTES];
	struct iam *iam = NULL;
	json_t *doc = NULL;
	enum err e;

	if ((e = iam_doc_read(st, &text, state)) != EC_OK ||
	    (e = iam_doc_parse(&doc, buf_str(&text), text.len)) != EC_OK)
		goto out;
	if (j->show == NULL) {
		if ((e = iam_new(&iam, buf_str(&text), text.len, &root)) ==
		    EC_OK)
			e = say_explained(st, j, iam);
	} else if ((e = j->show(j, doc, &out)) == EC_OK) {
		e = tool_put(&out);
	}
out:
	iam_unref(iam);
	json_decref(doc);
	buf_release(&text);
	buf_release(&out);
	return e;
}
