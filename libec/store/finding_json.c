/* finding_json: findings as JSON objects. */
#include "store/finding_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Each drive's share, before and, of a heal, after. */
static json_t *
drives_json(const struct heal_report *r, bool healed)
{
	json_t *list = json_array();

	for (unsigned i = 0; list != NULL && i < r->drives; i++) {
		const char *name = lane_name(set_lane(r->set, i));
		const char *before = heal_state_text(r->before[i]);

		json_array_append_new(list, healed ?
		    json_pack("{s:s, s:s, s:s}", "drive", name, "before",
		    before, "after", heal_state_text(r->after[i])) :
		    json_pack("{s:s, s:s}", "drive", name, "state", before));
	}
	return list;
}

static void
report_members(json_t *o, const struct heal_report *r)
{
	char text[STAMP_TEXT_BYTES];

	json_object_set_new(o, "bucket", json_string(r->bucket));
	json_object_set_new(o, "key", json_string(r->key));
	stamp_text(text, &r->version);
	json_object_set_new(o, "version", json_string(text));
	json_object_set_new(o, "null", json_boolean(r->null_version));
	if (!stamp_is_zero(&r->upload)) {
		stamp_text(text, &r->upload);
		json_object_set_new(o, "upload", json_string(text));
		json_object_set_new(o, "part", json_integer(r->part));
	}
}

/* One line of it; ${o} is freed. */
static enum err
add_object(struct buf *out, json_t *o)
{
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	enum err e = EC_ENOMEM;

	if (text != NULL && (e = buf_add_str(out, text)) == EC_OK)
		e = buf_add(out, "\n", 1);
	free(text);
	json_decref(o);
	return e;
}

enum err
finding_json_format(struct buf *out, const struct scan_finding *f)
{
	json_t *o = json_pack("{s:s, s:s}", "type", "item", "what",
	    scan_what_text(f->what));

	if (f->drive != NULL) {
		json_object_set_new(o, "drive", json_string(f->drive));
	} else {
		report_members(o, &f->report);
		json_object_set_new(o, "drives",
		    drives_json(&f->report, false));
	}
	json_object_set_new(o, "text", json_string(f->text));
	return add_object(out, o);
}

enum err
finding_json_healed(struct buf *out, const struct heal_report *r, bool dry)
{
	json_t *o = json_pack("{s:s, s:s}", "type", "item", "result",
	    finding_result(r, dry));

	report_members(o, r);
	json_object_set_new(o, "drives", drives_json(r, true));
	json_object_set_new(o, "bytes_written",
	    json_integer((json_int_t)r->bytes));
	return add_object(out, o);
}

/* A member's text in ${out} of ${size} bytes; "" when there is none. */
static enum err
json_text(char *out, size_t size, const json_t *o, const char *member)
{
	const char *s = json_string_value(json_object_get(o, member));
	size_t len = s != NULL ? strlen(s) : 0;

	if (len >= size)
		return EC_EINVAL;
	memcpy(out, s != NULL ? s : "", len);
	out[len] = '\0';
	return EC_OK;
}

enum err
finding_json_parse(struct finding *f, const char *line, size_t len)
{
	char what[16], version[STAMP_TEXT_BYTES];
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	enum err e = EC_EINVAL;

	if (o == NULL)
		return EC_EINVAL;
	if (json_object_get(o, "what") == NULL) {
		e = EC_ENOTFOUND;
		goto out;
	}
	if (json_text(what, sizeof what, o, "what") != EC_OK ||
	    !scan_what_parse(&f->what, what) ||
	    json_text(f->bucket, sizeof f->bucket, o, "bucket") != EC_OK ||
	    json_text(f->key, sizeof f->key, o, "key") != EC_OK ||
	    json_text(version, sizeof version, o, "version") != EC_OK)
		goto out;
	e = EC_OK;
	if (f->what == SCAN_LITTER || f->what == SCAN_DRIVE)
		goto out;
	e = finding_check(f);
	if (e == EC_OK && f->key[0] != '\0' &&
	    json_object_get(o, "upload") == NULL)
		e = stamp_parse(&f->version, version);
out:
	json_decref(o);
	return e;
}
