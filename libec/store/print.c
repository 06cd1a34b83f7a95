#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "store/print.h"

enum { LINE_MAX_BYTES = 256 * 1024, TIME_BYTES = 40 };

/* Write the line to standard output. */
static enum err
flush_line(struct buf *line, enum err e, const char *end, size_t end_len)
{
	if (e == EC_OK && (fwrite(line->data, 1, line->len, stdout) !=
	    line->len || fwrite(end, 1, end_len, stdout) != end_len)) {
		log_error("standard output: cannot be written");
		e = EC_EIO;
	}
	buf_release(line);
	return e;
}

static enum err
print_name(const char *name)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	enum err e = buf_add_str(&line, name);

	return flush_line(&line, e, "", 1);
}

enum err
print_bucket(const struct bucket *b, bool json, bool nul)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	char created[TIME_BYTES];
	enum err e;

	if (nul)
		return print_name(b->name);
	clock_text(created, sizeof(created), b->created_us);
	if (!json) {
		e = buf_printf(&line, "%s\t%s", created, b->name);
		return flush_line(&line, e, "\n", 1);
	}
	json_open(&line, NULL);
	json_str(&line, "type", "bucket");
	json_str(&line, "bucket", b->name);
	json_str(&line, "created", created);
	e = json_close(&line);
	return flush_line(&line, e, "\n", 1);
}

static enum err
entry_json(struct buf *b, const struct list_entry *e, bool versions,
    const char *when, const char *version)
{
	json_open(b, NULL);
	json_str(b, "type", e->is_prefix ? "prefix" :
	    e->marker ? "marker" : "object");
	json_str(b, "key", e->key);
	if (!e->is_prefix) {
		json_u64(b, "size", e->size);
		json_str(b, "modified", when);
		json_str(b, "etag", e->etag);
	}
	if (!e->is_prefix && versions) {
		json_str(b, "version", version);
		json_bool(b, "newest", e->newest);
	}
	return json_close(b);
}

enum err
print_entry(const struct list_entry *e, bool versions, bool json, bool nul)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	char when[TIME_BYTES] = "", version[STAMP_TEXT_BYTES] = "null";
	enum err err;

	if (nul)
		return print_name(e->key);
	if (!e->is_prefix)
		clock_text(when, sizeof(when), e->mtime_us);
	if (!e->null_version)
		stamp_text(version, &e->version);
	if (json) {
		err = entry_json(&line, e, versions, when, version);
		return flush_line(&line, err, "\n", 1);
	}
	if (e->is_prefix)
		err = buf_add_str(&line, "-\t-\t");
	else
		err = buf_printf(&line, "%" PRIu64 "\t%s\t", e->size, when);
	if (err == EC_OK && versions)
		err = buf_printf(&line, "%s\t%s\t", e->is_prefix ? "-" :
		    version, e->marker ? "deleted" : e->newest ? "newest" :
		    "-");
	if (err == EC_OK)
		err = buf_add_escaped(&line, e->key);
	return flush_line(&line, err, "\n", 1);
}

static enum err
object_json(struct buf *b, const struct object *o, const char *when,
    const char *version)
{
	const char *name;
	const uint8_t *value;
	size_t name_len, value_len, pos = 0;

	json_open(b, NULL);
	json_str(b, "type", o->marker ? "marker" : "object");
	json_str(b, "bucket", o->bucket);
	json_str(b, "key", o->key);
	json_u64(b, "size", o->size);
	json_str(b, "modified", when);
	json_str(b, "etag", o->etag);
	json_str(b, "version", version);
	json_u64(b, "data_shards", o->k);
	json_u64(b, "parity_shards", o->m);
	json_u64(b, "parts", o->part_count);
	json_open(b, "meta");
	while (record_meta_next(o->meta.data, o->meta.len, &pos, &name,
	    &name_len, &value, &value_len)) {
		struct buf n = BUF_INIT(1024), v = BUF_INIT(RECORD_META_MAX);

		if (buf_add(&n, name, name_len) == EC_OK &&
		    buf_add(&v, value, value_len) == EC_OK)
			json_str(b, buf_str(&n), buf_str(&v));
		buf_release(&n);
		buf_release(&v);
	}
	json_close(b);
	return json_close(b);
}

static enum err
object_text(struct buf *b, const struct object *o, const char *when,
    const char *version)
{
	const char *name;
	const uint8_t *value;
	size_t name_len, value_len, pos = 0;
	enum err e;

	e = buf_printf(b, "size\t%" PRIu64 "\nmodified\t%s\netag\t%s\n"
	    "version\t%s%s\nshards\t%u+%u\nparts\t%u", o->size, when,
	    o->etag, version, o->marker ? " (deleted)" : "", o->k, o->m,
	    o->part_count);
	while (e == EC_OK && record_meta_next(o->meta.data, o->meta.len, &pos,
	    &name, &name_len, &value, &value_len)) {
		struct buf v = BUF_INIT(RECORD_META_MAX);

		e = buf_printf(b, "\n%.*s\t", (int)name_len, name);
		if (e == EC_OK && (e = buf_add(&v, value, value_len)) == EC_OK)
			e = buf_add_escaped(b, buf_str(&v));
		buf_release(&v);
	}
	return e;
}

enum err
print_object(const struct object *o, bool json)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	char when[TIME_BYTES], version[STAMP_TEXT_BYTES] = "null";
	enum err e;

	clock_text(when, sizeof(when), o->mtime_us);
	if (!o->null_version)
		stamp_text(version, &o->version);
	e = json ? object_json(&line, o, when, version) :
	    object_text(&line, o, when, version);
	return flush_line(&line, e, "\n", 1);
}
