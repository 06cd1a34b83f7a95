#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "codec/shardset.h"

/* More than a line needs but for its names, and how many bytes one byte of
 * a name may take. */
enum { LINE_BYTES = 1024, NAME_GROWTH = 6 };

/* A name from outside: what could move a cursor or end a line is shown as
 * \\ooo. */
static void
add_name(struct buf *b, const char *name)
{
	for (const char *p = name; *p != '\0'; p++) {
		uint8_t c = (uint8_t)*p;

		if (c < 0x20 || c == 0x7f || c == '\\')
			buf_printf(b, "\\%03o", c);
		else
			buf_add(b, p, 1);
	}
}

static void
add_field(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s\t", name);
	add_name(b, value);
	buf_printf(b, "\n");
}

static void
print_file(struct buf *b, const struct shardset_file *f, bool json)
{
	bool placed = f->state == SHARDSET_GOOD ||
	    f->state == SHARDSET_DAMAGED || f->state == SHARDSET_DUPLICATE ||
	    f->state == SHARDSET_REPAIRED;

	if (!json) {
		buf_printf(b, "shard\t");
		if (placed)
			buf_printf(b, "%u", f->index);
		else
			buf_printf(b, "-");
		buf_printf(b, "\t%s\t", shardset_state_text(f->state));
		add_name(b, f->path);
		if (f->state == SHARDSET_DAMAGED)
			buf_printf(b, "\tat byte %" PRIu64, f->bad_off);
		buf_printf(b, "\n");
		return;
	}
	json_open(b, NULL);
	json_str(b, "type", "item");
	json_str(b, "schema", "ec-decode/1");
	if (placed)
		json_u64(b, "shard", f->index);
	json_str(b, "state", shardset_state_text(f->state));
	json_str(b, "path", f->path);
	if (f->state == SHARDSET_DAMAGED)
		json_u64(b, "offset", f->bad_off);
	json_close(b);
	buf_printf(b, "\n");
}

static void
print_head(struct buf *b, const struct shardset *s,
    const struct shard_tail *t)
{
	const struct stripe *g = &s->header.stripe;
	char id[UUID_TEXT_BYTES];

	uuid_text(id, &s->header.id);
	buf_printf(b, "id\t%s\npart\t%u\ndata\t%u\nparity\t%u\nunit\t%u\n",
	    id, s->header.part, g->k, g->m, g->unit);
	if (t == NULL)
		return;
	buf_printf(b, "size\t%" PRIu64 "\nshard bytes\t%" PRIu64 "\n",
	    t->size, stripe_shard_bytes(g, t->size));
	if (t->bucket[0] != '\0')
		add_field(b, "bucket", t->bucket);
	if (t->key[0] != '\0')
		add_field(b, "key", t->key);
}

static void
print_summary(struct buf *b, const struct shardset *s,
    const struct shard_tail *t, const char *what, enum err e, bool json)
{
	const struct stripe *g = &s->header.stripe;
	const char *state = e == EC_OK ? "ok" : e == EC_EDEGRADED ?
	    "degraded" : e == EC_ELOST ? "lost" : "failed";
	char id[UUID_TEXT_BYTES];

	if (!json) {
		buf_printf(b, "good\t%u of %u\nstate\t%s\n", s->good,
		    g->k + g->m, state);
		return;
	}
	uuid_text(id, &s->header.id);
	json_open(b, NULL);
	json_str(b, "type", "summary");
	json_str(b, "schema", "ec-decode/1");
	json_str(b, "op", what);
	json_str(b, "id", id);
	json_u64(b, "part", s->header.part);
	json_u64(b, "k", g->k);
	json_u64(b, "m", g->m);
	json_u64(b, "unit", g->unit);
	if (t != NULL) {
		json_u64(b, "size", t->size);
		json_u64(b, "shard_bytes", stripe_shard_bytes(g, t->size));
		json_str(b, "bucket", t->bucket);
		json_str(b, "key", t->key);
	}
	json_u64(b, "good", s->good);
	json_str(b, "state", state);
	json_u64(b, "exit", (uint64_t)err_exit(e));
	json_close(b);
	buf_printf(b, "\n");
}

enum err
shardset_print(struct buf *b, const struct shardset *s,
    const struct shard_tail *t, const char *what, enum err e, bool json)
{
	size_t need = LINE_BYTES + NAME_GROWTH * (t == NULL ? 0 :
	    strlen(t->bucket) + strlen(t->key));
	uint8_t *room;
	enum err failed;

	/* room for all at once: nothing below can fail half way */
	for (size_t j = 0; j < s->n; j++)
		need += LINE_BYTES + NAME_GROWTH * strlen(s->files[j].path);
	if ((failed = buf_reserve(b, need, &room)) != EC_OK)
		return failed;
	if (!json)
		print_head(b, s, t);
	for (size_t j = 0; j < s->n; j++)
		print_file(b, &s->files[j], json);
	print_summary(b, s, t, what, e, json);
	return EC_OK;
}
