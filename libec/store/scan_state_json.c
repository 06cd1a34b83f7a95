/* scan_state_json: how a scan's state is kept; the contracts are in
 * scan_state.h. */
#include "store/scan_state.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "store/notes.h"

#define STATE_NOTE "scan"
#define WANT_NOTE "scanwant"

static const char *const phase_text[] = {
	[SCAN_IDLE] = "idle", [SCAN_RUNNING] = "running",
	[SCAN_PAUSED] = "paused", [SCAN_FINISHED] = "finished",
	[SCAN_STOPPED] = "stopped",
};

const char *
scan_state_text(enum scan_phase p)
{
	return phase_text[p];
}

static enum scan_phase
phase_parse(const char *text)
{
	for (unsigned i = 0; i < sizeof phase_text / sizeof *phase_text; i++)
		if (text != NULL && strcmp(text, phase_text[i]) == 0)
			return (enum scan_phase)i;
	return SCAN_IDLE;
}

/* Names are kept in hex: what a note holds need not be UTF-8. */
static void
put_hex(json_t *o, const char *name, const char *text)
{
	char hex[2 * RECORD_KEY_MAX + 1];

	num_hex(hex, (const uint8_t *)text, strlen(text));
	json_object_set_new(o, name, json_string(hex));
}

static void
get_hex(char *out, size_t size, const json_t *o, const char *name)
{
	const char *hex = json_string_value(json_object_get(o, name));
	size_t len = hex != NULL ? strlen(hex) / 2 : 0;

	memset(out, 0, size);
	if (len >= size ||
	    num_unhex((uint8_t *)out, len, hex != NULL ? hex : "") != EC_OK)
		memset(out, 0, size);
}

static void
get_text(char *out, size_t size, const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	memset(out, 0, size);
	if (text != NULL && strlen(text) < size)
		memcpy(out, text, strlen(text));
}

/* The numbers of a state, by name. */
static const struct number {
	const char *name;
	size_t off;
} numbers[] = {
#define NUMBER(member) { #member, offsetof(struct scan_state, member) }
	NUMBER(only_pool), NUMBER(only_set), NUMBER(since_us),
	NUMBER(began_us), NUMBER(saved_us),
	NUMBER(active_us), NUMBER(finished_us), NUMBER(r.versions),
	NUMBER(r.bytes), NUMBER(r.degraded), NUMBER(r.damaged),
	NUMBER(r.lost), NUMBER(r.undecided), NUMBER(r.litter),
	NUMBER(r.drives), NUMBER(total),
#undef NUMBER
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static json_t *
encode(const struct scan_state *s)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:s}", "phase",
	    phase_text[s->phase], "reason", s->reason, "id", s->id, "host",
	    s->host, "deep", s->deep, "set", (int)s->set, "worst",
	    err_name(s->worst));

	for (unsigned i = 0; o != NULL && i < NUMBERS; i++) {
		uint64_t v;

		memcpy(&v, (const uint8_t *)s + numbers[i].off, sizeof v);
		json_object_set_new(o, numbers[i].name,
		    json_integer((json_int_t)v));
	}
	if (o == NULL)
		return NULL;
	put_hex(o, "bucket", s->bucket);
	put_hex(o, "prefix", s->prefix);
	put_hex(o, "drive", s->drive);
	put_hex(o, "at_bucket", s->r.at_bucket);
	put_hex(o, "at_key", s->r.at_key);
	return o;
}

static void
decode(struct scan_state *s, const json_t *o)
{
	const char *worst = json_string_value(json_object_get(o, "worst"));

	memset(s, 0, sizeof *s);
	s->phase = phase_parse(json_string_value(json_object_get(o, "phase")));
	s->deep = json_is_true(json_object_get(o, "deep"));
	s->set = (unsigned)json_integer_value(json_object_get(o, "set"));
	for (int e = 0; worst != NULL && e < EC_ERR_COUNT; e++)
		if (strcmp(worst, err_name((enum err)e)) == 0)
			s->worst = (enum err)e;
	for (unsigned i = 0; i < NUMBERS; i++) {
		const json_t *m = json_object_get(o, numbers[i].name);
		json_int_t n = json_integer_value(m);
		uint64_t v = n > 0 ? (uint64_t)n : 0;

		memcpy((uint8_t *)s + numbers[i].off, &v, sizeof v);
	}
	get_text(s->reason, sizeof s->reason, o, "reason");
	get_text(s->id, sizeof s->id, o, "id");
	get_text(s->host, sizeof s->host, o, "host");
	get_hex(s->bucket, sizeof s->bucket, o, "bucket");
	get_hex(s->prefix, sizeof s->prefix, o, "prefix");
	get_hex(s->drive, sizeof s->drive, o, "drive");
	get_hex(s->r.at_bucket, sizeof s->r.at_bucket, o, "at_bucket");
	get_hex(s->r.at_key, sizeof s->r.at_key, o, "at_key");
}

static void
newest(void *ctx, const char *text, size_t len)
{
	struct scan_state *best = ctx, s;
	json_t *o = json_loadb(text, len, 0, NULL);

	if (json_is_object(o)) {
		decode(&s, o);
		if (s.saved_us >= best->saved_us)
			*best = s;
	}
	json_decref(o);
}

enum err
scan_state_load(struct scan_state *out, struct store *st)
{
	enum err e;

	memset(out, 0, sizeof *out);
	if ((e = notes_get(st, STATE_NOTE, newest, out)) != EC_OK)
		return e;
	if (out->phase == SCAN_RUNNING && out->saved_us +
	    SCAN_STATE_SILENT_S * UINT64_C(1000000) < clock_real_us()) {
		out->phase = SCAN_PAUSED;
		memcpy(out->reason, "its process is gone", 20);
	}
	return EC_OK;
}

static enum err
note_object(struct store *st, const char *name, json_t *o)
{
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	enum err e = EC_ENOMEM;

	if (text != NULL)
		e = notes_put(st, name, text, strlen(text));
	free(text);
	json_decref(o);
	return e;
}

enum err
scan_state_save(struct scan_state *s, struct store *st)
{
	s->saved_us = clock_real_us();
	return note_object(st, STATE_NOTE, encode(s));
}

enum err
scan_state_want(struct store *st, const char *id, enum scan_phase want)
{
	return note_object(st, WANT_NOTE, json_pack("{s:s, s:s, s:I}", "id",
	    id, "want", phase_text[want], "at_us",
	    (json_int_t)clock_real_us()));
}

struct want {
	const char *id;
	json_int_t at_us;
	enum scan_phase phase;
};

static void
want_newest(void *ctx, const char *text, size_t len)
{
	struct want *w = ctx;
	json_t *o = json_loadb(text, len, 0, NULL);
	const char *id = json_string_value(json_object_get(o, "id"));
	json_int_t at = json_integer_value(json_object_get(o, "at_us"));

	if (id != NULL && strcmp(id, w->id) == 0 && at > w->at_us) {
		w->at_us = at;
		w->phase = phase_parse(json_string_value(json_object_get(o,
		    "want")));
	}
	json_decref(o);
}

enum scan_phase
scan_state_wanted(struct store *st, const char *id)
{
	struct want w = { id, 0, SCAN_RUNNING };

	/* When nobody answers there is nothing to obey. */
	notes_get(st, WANT_NOTE, want_newest, &w);
	return w.phase;
}
