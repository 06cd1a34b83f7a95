/* client: see the header. */
#include "client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "memory_set.h"
#include "set/delete.h"
#include "set/heal.h"
#include "set/list.h"
#include "set/multipart.h"

#define MS UINT64_C(1000000)

struct clients clients;

/* A value is its number: what it looks like follows from that. */
#define NOTHING 0u

const char *
client_key(unsigned key)
{
	static const char *const names[WORLD_KEYS_MAX] = { "a", "a/b", "c",
		"d" };

	return names[key];
}

void
client_wrong(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "sim: seed %s ", clients.prefix);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	clients.wrong++;
}

static size_t
value_len(unsigned value)
{
	struct dice d = { value };
	uint64_t roll = dice_below(&d, 64);

	if (roll < 4)
		return (world.n - world.m) * (size_t)140000;	/* in files */
	if (roll < 10)
		return 40000 + dice_below(&d, 9000);
	return dice_below(&d, 2000);
}

static uint8_t *
value_bytes(unsigned value)
{
	size_t len = value_len(value);
	uint8_t *p = malloc(len + 1);

	if (p == NULL)
		turn_give_up("no memory");
	memory_set_fill(p, len, value);
	return p;
}

static void
value_text(char out[24], unsigned value)
{
	if (value == NOTHING)
		strcpy(out, "null");
	else
		snprintf(out, 24, "\"%u\"", value);
}

/* A line; ${end} 0: it was not answered.  ${match}: UINT_MAX: none. */
static void
record(const char *op, unsigned key, unsigned value, uint64_t start,
    uint64_t end, const unsigned *match, bool refused)
{
	char text[24];

	value_text(text, value);
	fprintf(clients.history, "{\"op\": \"%s\", \"key\": \"%s%s\", ", op,
	    clients.prefix, client_key(key));
	if (strcmp(op, "delete") != 0)
		fprintf(clients.history, "\"value\": %s, ", text);
	if (match != NULL) {
		value_text(text, *match);
		fprintf(clients.history, "\"match\": %s, ", text);
	}
	if (refused)
		fputs("\"refused\": true, ", clients.history);
	fprintf(clients.history, "\"start\": %" PRIu64 ", \"end\": ", start);
	if (end == 0)
		fputs("null}\n", clients.history);
	else
		fprintf(clients.history, "%" PRIu64 "}\n", end);
	turn_trace(start << 32 | end << 16 | value);
}

static unsigned
value_of(const struct object *o)
{
	return (unsigned)strtoul(o->etag, NULL, 10);
}

/* What the key holds, with ${bytes} read and compared. */
static enum err
look(struct life *l, unsigned key, bool bytes, unsigned *value)
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	uint8_t *got = NULL, *want = NULL;
	enum err e;

	*value = NOTHING;
	e = get_open(bytes ? &g : NULL, &o, l->set, CLIENT_BUCKET,
	    client_key(key), NULL);
	if (e == EC_ENOTFOUND || (e == EC_OK && o.marker)) {
		e = EC_OK;
		goto out;
	}
	if (e != EC_OK)
		goto out;
	*value = value_of(&o);
	if (!bytes)
		goto out;
	want = value_bytes(*value);
	if ((got = malloc((size_t)o.size + 1)) == NULL)
		turn_give_up("no memory");
	if ((e = get_read(g, got, (size_t)o.size, 0)) == EC_OK &&
	    (o.size != value_len(*value) ||
	    memcmp(got, want, (size_t)o.size) != 0))
		client_wrong("%s: other bytes than those of %u",
		    client_key(key), *value);
out:
	free(got);
	free(want);
	get_free(g);
	object_release(&o);
	return e;
}

/* Write ${len} bytes of an object or, with ${upload}, of a part of it.  All but
 * the commit of an object is done before its lock is taken. */
static enum err
put_begin(struct put **out, struct life *l, unsigned key, const uint8_t *data,
    size_t len, const struct stamp *upload, uint32_t part)
{
	struct put_params p = { .bucket = CLIENT_BUCKET,
		.key = client_key(key), .size = len, .parity = -1,
		.null_version = !world.versioned, .part = part };
	enum err e;

	if (upload != NULL)
		p.upload = *upload;
	if ((e = put_open(out, l->set, &p)) == EC_OK &&
	    (e = put_write(*out, data, len)) == EC_OK)
		e = put_finish(*out, NULL);
	return e;
}

/* One value under way. */
struct writing {
	struct put *put;	/* in one piece */
	struct stamp upload;	/* in parts */
	struct upload_part *parts;
	unsigned n;
};

static enum err
parts_begin(struct writing *w, struct life *l, unsigned key,
    const uint8_t *data, size_t len)
{
	size_t cut = len / 3;
	bool more;
	enum err e = multipart_create(l->set, CLIENT_BUCKET, client_key(key),
	    NULL, 0, &w->upload);

	for (uint32_t i = 0; i < 2 && e == EC_OK; i++) {
		struct put *put = NULL;

		e = put_begin(&put, l, key, data + (i > 0 ? cut : 0),
		    i > 0 ? len - cut : cut, &w->upload, i + 1);
		if (e == EC_OK)
			e = put_commit(put, NULL, NULL);
		put_free(put);
	}
	if (e == EC_OK)
		e = multipart_parts(l->set, CLIENT_BUCKET, client_key(key),
		    &w->upload, 0, 10, &w->parts, &w->n, &more);
	return e;
}

static enum err
writing_begin(struct writing *w, struct life *l, unsigned key, unsigned value)
{
	size_t len = value_len(value);
	uint8_t *data;
	enum err e;

	*w = (struct writing){ .put = NULL };
	if (value == NOTHING)
		return EC_OK;
	data = value_bytes(value);
	e = value % 4 == 0 && len > 3 ? parts_begin(w, l, key, data, len) :
	    put_begin(&w->put, l, key, data, len, NULL, 0);
	free(data);
	return e;
}

static enum err
writing_commit(struct writing *w, struct life *l, unsigned key, unsigned value)
{
	char etag[24];

	snprintf(etag, sizeof(etag), "%u", value);
	if (value == NOTHING && world.versioned)
		return delete_marker(l->set, CLIENT_BUCKET, client_key(key),
		    false, NULL);
	if (value == NOTHING)
		return delete_null(l->set, CLIENT_BUCKET, client_key(key));
	if (w->put != NULL)
		return put_commit(w->put, etag, NULL);
	return multipart_complete(l->set, CLIENT_BUCKET, client_key(key),
	    &w->upload, w->parts, w->n, etag, !world.versioned, NULL, 0, NULL);
}

/* ${done}: nothing is to be taken back. */
static void
writing_end(struct writing *w, struct life *l, unsigned key, bool done)
{
	if (w->put == NULL && w->upload.hlc != 0 && !done)
		(void)multipart_abort(l->set, CLIENT_BUCKET, client_key(key),
		    &w->upload);
	put_free(w->put);
	for (unsigned i = 0; i < w->n; i++)
		buf_release(&w->parts[i].meta);
	free(w->parts);
}

/* Whether what is read could be completed if need be.  Who sees half of the
 * drives or fewer may be shown a failed write that others are not (set.h): what
 * such a node says is not judged. */
static bool
could_complete(const struct life *l)
{
	unsigned up = 0;

	for (unsigned i = 0; i < world.n; i++)
		up += lane_state(set_lane(l->set, i)) == LANE_ONLINE &&
		    !world.place[i].full;
	return up > world.n / 2;
}

/* Overwrite, or delete (NOTHING), under the key's lock; with ${match} only if
 * it holds that. */
static void
write_key(struct life *l, unsigned key, unsigned value, const unsigned *match)
{
	const char *op = value == NOTHING ? "delete" : "put";
	uint64_t start = ++clients.ticks, owner, end = 0;
	unsigned now = NOTHING;
	struct writing w;
	bool tried = false;
	enum err e;

	if ((e = writing_begin(&w, l, key, value)) != EC_OK ||
	    !world_lock(l, key, &owner))
		goto out;
	if (match != NULL)
		e = look(l, key, false, &now);
	if (e != EC_OK || (match != NULL && now != *match)) {
		(void)world_unlock(l, key, owner);
		if (e == EC_OK && !l->over && could_complete(l))
			record(op, key, value, start, ++clients.ticks, match,
			    true);
		goto out;
	}
	if (match != NULL)	/* time for others to come between */
		turn_sleep_ns(dice_below(&world.fate, 20 * MS));
	tried = true;
	e = writing_commit(&w, l, key, value);
	turn_tell("%s %s %u: %s %s", op, client_key(key), value, err_text(e),
	    e != EC_OK ? set_complaint() : "");
	if (world_unlock(l, key, owner) && e == EC_OK)
		end = ++clients.ticks;
	clients.done += end != 0;
	clients.failed += end == 0;
	record(op, key, value, start, end, match, false);
out:
	writing_end(&w, l, key, tried && e == EC_OK);
}

static void
read_key(struct life *l, unsigned key, bool must)
{
	uint64_t start = ++clients.ticks;
	bool judged = could_complete(l);
	unsigned value;
	enum err e = look(l, key, true, &value);

	turn_tell("get %s: %s %u", client_key(key), err_text(e), value);
	if (e == EC_OK && !l->over) {
		clients.done++;
		if (judged && could_complete(l))
			record("get", key, value, start, ++clients.ticks,
			    NULL, false);
	} else if (must) {
		client_wrong("%s cannot be read in a calm: %s",
		    client_key(key), err_text(e));
	} else {
		clients.failed++;
	}
}

static void
list_keys(struct life *l, bool must)
{
	struct list_params p = { .bucket = CLIENT_BUCKET, .limit = 10 };
	uint64_t start = ++clients.ticks;
	struct list *list = NULL;
	bool more;
	enum err e = list_page(&list, l->set, &p, &more);

	if (e != EC_OK || l->over) {
		if (must)
			client_wrong("no list in a calm: %s", err_text(e));
		list_free(list);
		return;
	}
	clients.done++;
	if (!must) {
		list_free(list);
		return;
	}
	fprintf(clients.history, "{\"op\": \"list\", \"prefix\": \"%s\", "
	    "\"keys\": {", clients.prefix);
	for (unsigned i = 0; i < list_count(list); i++) {
		const struct list_entry *t = list_at(list, i);

		fprintf(clients.history, "%s\"%s%s\": \"%s\"", i > 0 ? ", " :
		    "", clients.prefix, t->key, t->etag);
	}
	fprintf(clients.history, "}, \"start\": %" PRIu64 ", \"end\": %"
	    PRIu64 "}\n", start, ++clients.ticks);
	list_free(list);
}

static void
operation(struct client *c, struct life *l)
{
	unsigned key = (unsigned)dice_below(&c->dice, world.keys), match;

	switch (dice_below(&c->dice, 12)) {
	case 0: case 1: case 2:
		write_key(l, key, ++clients.values, NULL);
		break;
	case 3:
		write_key(l, key, NOTHING, NULL);
		break;
	case 4: case 5: case 6:
		if (look(l, key, false, &match) == EC_OK)
			write_key(l, key, ++clients.values, &match);
		break;
	case 7:
		list_keys(l, false);
		break;
	default:
		read_key(l, key, false);
		break;
	}
}

void *
client_main(void *arg)
{
	struct client *c = arg;
	struct life *l;

	turn_node_set(c->node);
	for (unsigned i = 0; i < c->ops; i++) {
		turn_sleep_ns(dice_below(&c->dice, 30 * MS));
		if ((l = world_hold(c->node)) == NULL)
			continue;
		operation(c, l);
		world_put(l);
	}
	return NULL;
}

void *
healer_main(void *arg)
{
	struct client *c = arg;
	struct life *l;

	turn_node_set(c->node);
	while (!clients.stop) {
		turn_sleep_ns(dice_below(&c->dice, 500 * MS));
		if ((l = world_hold(c->node)) == NULL)
			continue;
		(void)heal_key(l->set, CLIENT_BUCKET, client_key(
		    (unsigned)dice_below(&c->dice, world.keys)), NULL, 0, NULL);
		world_put(l);
	}
	return NULL;
}

void
client_read_all(struct life *l, bool must)
{
	for (unsigned i = 0; i < world.keys; i++)
		read_key(l, i, must);
	list_keys(l, must);
}
