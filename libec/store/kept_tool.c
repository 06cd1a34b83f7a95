/* kept_tool: see the header. */
#include "store/kept_tool.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "store/kept.h"
#include "store/tool.h"

enum { LINE_BYTES_MAX = 64 * 1024 };

struct kept_run {
	const struct kept_tool *t;
	bool *met;		/* each of the names */
	enum err failed;	/* the last file that could not be handled */
};

static bool
named(struct kept_run *r, const char *name)
{
	bool found = false;

	for (unsigned i = 0; i < r->t->name_count; i++)
		if (strcmp(r->t->names[i], name) == 0)
			found = r->met[i] = true;
	return found;
}

static enum err
damage_text(struct buf *b, const struct kept_look *l)
{
	if (!l->header)
		return buf_add_str(b, "its header does not hold");
	if (!l->tail)
		return buf_add_str(b, "its end does not hold");
	if (l->bad == 0)
		return buf_add_str(b, "all of its hashes hold");
	return buf_printf(b, "damaged at byte %llu: of %llu leaves %llu do "
	    "not hold", (unsigned long long)l->bad_off,
	    (unsigned long long)l->leaves, (unsigned long long)l->bad);
}

static enum err
look_json(struct buf *b, const struct kept_look *l)
{
	struct buf text = BUF_INIT(256);
	enum err e;

	if (l->header) {
		json_u64(b, "shard", l->head.index);
		json_u64(b, "data", l->head.stripe.k);
		json_u64(b, "parity", l->head.stripe.m);
		json_u64(b, "part", l->head.part);
	}
	if (l->tail) {
		json_str(b, "bucket", l->bucket);
		json_str(b, "key", l->key);
		json_u64(b, "leaves", l->leaves);
		json_u64(b, "bad_leaves", l->bad);
	}
	if ((e = damage_text(&text, l)) == EC_OK)
		e = json_str(b, "damage", buf_str(&text));
	buf_release(&text);
	return e;
}

static enum err
look_text(struct buf *b, const struct kept_look *l)
{
	enum err e;

	if ((e = buf_add_str(b, l->tail ? "\t" : "\t-")) != EC_OK)
		return e;
	if (l->tail && ((e = buf_add_str(b, l->bucket)) != EC_OK ||
	    (e = buf_add(b, "/", 1)) != EC_OK ||
	    (e = buf_add_escaped(b, l->key)) != EC_OK))
		return e;
	e = !l->header ? buf_add_str(b, "\t-\t") :
	    buf_printf(b, "\tpart %u, shard %u of %u+%u\t", l->head.part,
	    l->head.index, l->head.stripe.k, l->head.stripe.m);
	return e == EC_OK ? damage_text(b, l) : e;
}

/* ${l} NULL: without what is in it. */
static enum err
print_file(const struct kept_file *f, const struct kept_look *l, bool json)
{
	struct buf b = BUF_INIT(LINE_BYTES_MAX);
	char when[32];

	clock_text(when, sizeof when, f->info.mtime_us);
	if (json) {
		json_open(&b, NULL);
		json_str(&b, "type", "quarantine");
		json_str(&b, "drive", lane_name(f->lane));
		json_str(&b, "name", f->name);
		json_u64(&b, "bytes", f->info.bytes);
		json_str(&b, "since", when);
		if (l != NULL)
			look_json(&b, l);
		json_close(&b);
	} else {
		buf_printf(&b, "%s\t%s\t%llu\t%s", lane_name(f->lane),
		    f->name, (unsigned long long)f->info.bytes, when);
		if (l != NULL)
			look_text(&b, l);
	}
	buf_add(&b, "\n", 1);
	return tool_put(&b);
}

static enum err
handle(struct kept_run *r, const struct kept_file *f)
{
	struct kept_look look;
	enum err e = EC_OK;

	if (strcmp(r->t->verb, "show") == 0) {
		if ((e = kept_look(&look, f)) == EC_OK)
			return print_file(f, &look, r->t->json);
	} else if (strcmp(r->t->verb, "restore") == 0) {
		e = kept_restore(f);
	} else if (strcmp(r->t->verb, "purge") == 0) {
		e = kept_purge(f);
	}
	if (e == EC_OK)
		return print_file(f, NULL, r->t->json);
	log_error("%s: %s: %s", lane_name(f->lane), f->name, err_text(e));
	r->failed = e;
	return EC_OK;
}

static enum err
each(void *ctx, const struct kept_file *f)
{
	struct kept_run *r = ctx;

	return r->t->name_count == 0 || named(r, f->name) ? handle(r, f) :
	    EC_OK;
}

enum err
kept_tool_run(struct store *st, const struct kept_tool *t)
{
	struct kept_run r = { .t = t, .failed = EC_OK };
	enum err e;

	if ((r.met = calloc(t->name_count + 1, sizeof *r.met)) == NULL)
		return EC_ENOMEM;
	e = kept_walk(st, each, &r);
	for (unsigned i = 0; i < t->name_count; i++) {
		if (r.met[i])
			continue;
		log_error("%s: in no quarantine", t->names[i]);
		r.failed = EC_ENOTFOUND;
	}
	free(r.met);
	return r.failed != EC_OK ? r.failed : e;
}
