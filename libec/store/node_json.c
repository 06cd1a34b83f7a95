#include "store/node_json.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct node_list {
	json_t *json;
};

static enum err
format_to_json(json_t **out, const struct format *f)
{
	char text[FORMAT_TEXT_MAX];
	enum err e;

	if ((e = format_encode(text, sizeof(text), f)) != EC_OK)
		return e;
	*out = json_string(text);
	return *out != NULL ? EC_OK : EC_ENOMEM;
}

static enum err
format_from_json(struct format *f, const json_t *v)
{
	return json_is_string(v) ? format_decode(f, json_string_value(v),
	    json_string_length(v)) : EC_EFORMAT;
}

static enum err
encode(const json_t *json, struct buf *out)
{
	char *text = json_dumps(json, JSON_COMPACT);
	enum err e = text != NULL ? buf_add_str(out, text) : EC_ENOMEM;

	free(text);
	return e;
}

enum err
node_list_new(struct node_list **out, uint32_t sum)
{
	struct node_list *l = calloc(1, sizeof(*l));

	if (l == NULL || (l->json = json_pack("{s:I, s:[]}", "drives_sum",
	    (json_int_t)sum, "drives")) == NULL) {
		free(l);
		return EC_ENOMEM;
	}
	*out = l;
	return EC_OK;
}

void
node_list_free(struct node_list *l)
{
	if (l == NULL)
		return;
	json_decref(l->json);
	free(l);
}

enum err
node_list_add(struct node_list *l, const char *path,
    const struct node_drive *d)
{
	json_t *o = json_pack("{s:s%, s:s, s:b}", "path", path, strlen(path),
	    "state", err_name(d->state), "begun", d->begun), *f = NULL;
	enum err e = EC_ENOMEM;

	if (o == NULL)
		return EC_EFORMAT;	/* a path that is not UTF-8 */
	if (d->state == EC_OK || d->begun) {
		if ((e = format_to_json(&f, &d->format)) != EC_OK)
			goto out;
		if (json_object_set_new(o, "format", f) != 0) {
			e = EC_ENOMEM;
			goto out;
		}
	}
	e = json_array_append(json_object_get(l->json, "drives"), o) == 0 ?
	    EC_OK : EC_ENOMEM;
out:
	json_decref(o);
	return e;
}

enum err
node_list_encode(const struct node_list *l, struct buf *out)
{
	return encode(l->json, out);
}

enum err
node_list_decode(struct node_list **out, const void *text, size_t len)
{
	struct node_list *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return EC_ENOMEM;
	l->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_integer(json_object_get(l->json, "drives_sum")) ||
	    !json_is_array(json_object_get(l->json, "drives"))) {
		node_list_free(l);
		return EC_EFORMAT;
	}
	*out = l;
	return EC_OK;
}

uint32_t
node_list_sum(const struct node_list *l)
{
	return (uint32_t)json_integer_value(json_object_get(l->json,
	    "drives_sum"));
}

static enum err
state_of(const char *name)
{
	for (int e = 0; name != NULL && e < EC_ERR_COUNT; e++)
		if (strcmp(err_name((enum err)e), name) == 0)
			return (enum err)e;
	return EC_EIO;
}

enum err
node_list_find(const struct node_list *l, const char *path,
    struct node_drive *d)
{
	const json_t *drives = json_object_get(l->json, "drives"), *o;
	const char *is;
	size_t i;

	for (i = 0; i < json_array_size(drives); i++) {
		o = json_array_get(drives, i);
		is = json_string_value(json_object_get(o, "path"));
		if (is == NULL || strcmp(is, path) != 0)
			continue;
		*d = (struct node_drive){ .state = state_of(
		    json_string_value(json_object_get(o, "state"))),
		    .begun = json_is_true(json_object_get(o, "begun")) };
		if (d->state == EC_OK || d->begun)
			return format_from_json(&d->format,
			    json_object_get(o, "format"));
		return EC_OK;
	}
	return EC_ENOTFOUND;
}

enum err
node_order_encode(struct buf *out, const char *path, const struct format *f)
{
	json_t *format = NULL, *o = NULL;
	enum err e;

	if ((e = format_to_json(&format, f)) != EC_OK)
		return e;
	o = json_pack("{s:s, s:o}", "path", path, "format", format);
	e = o != NULL ? encode(o, out) : EC_ENOMEM;
	json_decref(o);
	return e;
}

enum err
node_order_decode(char *path, size_t path_max, struct format *f,
    const void *text, size_t len)
{
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *is = json_string_value(json_object_get(o, "path"));
	enum err e = EC_EFORMAT;

	if (is != NULL && strlen(is) < path_max) {
		strcpy(path, is);
		e = format_from_json(f, json_object_get(o, "format"));
	}
	json_decref(o);
	return e;
}
