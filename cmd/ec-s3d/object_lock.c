/* object_lock: see the header.  What holds for a version is in its metadata
 * under the names of its headers; amendments change it. */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "bucket_config.h"
#include "handlers.h"
#include "meta.h"
#include "object_lock.h"
#include "object_lock_rule.h"
#include "s3_time.h"

#define MODE "x-amz-object-lock-mode"
#define UNTIL "x-amz-object-lock-retain-until-date"
#define HOLD "x-amz-object-lock-legal-hold"

enum { BODY_MAX = 64 * 1024 };

static int64_t
now_s(void)
{
	return (int64_t)(clock_real_us() / 1000000);
}

static bool
mode_valid(const char *mode)
{
	return strcmp(mode, "GOVERNANCE") == 0 ||
	    strcmp(mode, "COMPLIANCE") == 0;
}

bool
object_lock_bypass(struct call *c)
{
	const char *v = http_header(c->x,
	    "x-amz-bypass-governance-retention");

	return v != NULL && strcasecmp(v, "true") == 0 &&
	    caller_may_also(c, "s3:BypassGovernanceRetention");
}

enum s3_error
object_lock_bucket(struct call *c, bool *on)
{
	struct buf value = BUF_INIT(RECORD_META_MAX);
	enum s3_error e = bucket_config_get(c, CONFIG_OBJECT_LOCK,
	    S3_NO_OBJECT_LOCK, &value);

	buf_release(&value);
	*on = e == S3_OK;
	return e == S3_NO_OBJECT_LOCK ? S3_OK : e;
}

/* S3_OK when the bucket has object lock. */
static enum s3_error
bucket_need(struct call *c)
{
	bool on;
	enum s3_error e = object_lock_bucket(c, &on);

	return e != S3_OK || on ? e : call_fail(c, S3_INVALID_REQUEST,
	    "Bucket is missing ObjectLockConfiguration");
}

static enum s3_error
set_text(struct call *c, struct buf *meta, const char *name, const char *text)
{
	return call_store(c, record_meta_set(meta, name, text,
	    strlen(text)));
}

static enum s3_error
set_until(struct call *c, struct buf *meta, const char *mode, int64_t until)
{
	char text[S3_TIME_TEXT_BYTES];
	enum s3_error e = set_text(c, meta, MODE, mode);

	return e != S3_OK ? e : set_text(c, meta, UNTIL, s3_time_iso(text,
	    until));
}

static enum s3_error
retention_from_request(struct call *c, struct buf *meta)
{
	const char *mode = http_header(c->x, MODE);
	const char *date = http_header(c->x, UNTIL);
	int64_t until;

	if (mode == NULL || date == NULL)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    UNTIL " and " MODE " must both be supplied");
	if (!mode_valid(mode))
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Unknown wormMode directive.");
	if (s3_time_parse_iso(&until, date) != EC_OK)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "The retain until date must be provided in ISO 8601 "
		    "format");
	if (until <= now_s())
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "The retain until date must be in the future!");
	return set_until(c, meta, mode, until);
}

static enum s3_error
bucket_default(struct call *c, struct buf *meta)
{
	struct buf value = BUF_INIT(RECORD_META_MAX);
	struct object_lock_rule rule;
	enum s3_error e = bucket_config_get(c, CONFIG_OBJECT_LOCK,
	    S3_NO_OBJECT_LOCK, &value);

	if (e == S3_OK && object_lock_rule_parse(&rule, buf_str(&value)))
		e = set_until(c, meta, rule.mode,
		    object_lock_rule_until(&rule, now_s()));
	buf_release(&value);
	return e == S3_NO_OBJECT_LOCK ? S3_OK : e;
}

enum s3_error
object_lock_from_request(struct call *c, struct buf *meta)
{
	const char *hold = http_header(c->x, HOLD);
	bool retain = http_header(c->x, MODE) != NULL ||
	    http_header(c->x, UNTIL) != NULL;
	enum s3_error e;

	if ((hold != NULL || retain) && (e = bucket_need(c)) != S3_OK)
		return e;
	if (hold != NULL && strcmp(hold, "ON") != 0 &&
	    strcmp(hold, "OFF") != 0)
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "Legal Hold must be either of 'ON' or 'OFF'");
	if (hold != NULL && (e = set_text(c, meta, HOLD, hold)) != S3_OK)
		return e;
	return retain ? retention_from_request(c, meta) :
	    bucket_default(c, meta);
}

struct retention {
	char mode[16], date[64];
	int64_t until;		/* 0: none */
};

static void
retention_of(const struct object *o, struct retention *r)
{
	*r = (struct retention){ .until = 0 };
	if (!meta_text(&o->meta, MODE, r->mode, sizeof(r->mode)) ||
	    !meta_text(&o->meta, UNTIL, r->date, sizeof(r->date)) ||
	    s3_time_parse_iso(&r->until, r->date) != EC_OK)
		*r = (struct retention){ .until = 0 };
}

enum err
object_lock_check(const struct object *o, bool bypass, int64_t now)
{
	struct retention r;
	char hold[4];

	retention_of(o, &r);
	if (meta_text(&o->meta, HOLD, hold, sizeof(hold)) &&
	    strcmp(hold, "ON") == 0)
		return EC_EDENIED;
	if (r.until <= now || (bypass && strcmp(r.mode, "GOVERNANCE") == 0))
		return EC_OK;
	return EC_EDENIED;
}

/* The version that the request names. */
static enum s3_error
version_open(struct call *c, struct object *o)
{
	enum s3_error e = call_object(c, o);

	return e != S3_OK ? e : bucket_need(c);
}

enum s3_error
handle_retention_get(struct call *c)
{
	struct object o = OBJECT_INIT;
	struct xml x = XML_INIT;
	struct retention r;
	enum s3_error e = version_open(c, &o);

	if (e != S3_OK)
		goto out;
	retention_of(&o, &r);
	if (r.until == 0) {
		e = S3_NO_RETENTION;
		goto out;
	}
	xml_begin(&x, "Retention");
	xml_text(&x, "Mode", r.mode);
	xml_text(&x, "RetainUntilDate", r.date);
	e = call_answer_xml(c, &x, "Retention");
out:
	object_release(&o);
	return e;
}

enum s3_error
handle_legal_hold_get(struct call *c)
{
	struct object o = OBJECT_INIT;
	struct xml x = XML_INIT;
	char hold[4];
	enum s3_error e = version_open(c, &o);

	if (e == S3_OK && !meta_text(&o.meta, HOLD, hold, sizeof(hold)))
		e = S3_NO_RETENTION;
	if (e == S3_OK) {
		xml_begin(&x, "LegalHold");
		xml_text(&x, "Status", hold);
		e = call_answer_xml(c, &x, "LegalHold");
	}
	object_release(&o);
	return e;
}

/* Change one version's lock; handlers' shared end. */
static enum s3_error
change(struct call *c, enum err (*change_meta)(void *ctx, struct object *o),
    void *ctx)
{
	struct object o = OBJECT_INIT;
	enum s3_error e = call_amend(c, change_meta, ctx, &o);

	object_release(&o);
	return e != S3_OK ? e : call_answer(c, 200);
}

struct wanted_lock {
	char mode[16], date[64], hold[4];
	int64_t until;
	bool bypass, empty;
};

static enum s3_error
keep(char *out, size_t size, const char *text)
{
	if (strlen(text) >= size)
		return S3_MALFORMED_XML;
	strcpy(out, text);
	return S3_OK;
}

static enum s3_error
retention_element(void *ctx, const char *path, const char *text)
{
	struct wanted_lock *w = ctx;

	if (strcmp(path, "/Retention") == 0)
		return S3_OK;
	if (strcmp(path, "/Retention/Mode") == 0)
		return text == NULL ? S3_OK : keep(w->mode, sizeof(w->mode),
		    text);
	if (strcmp(path, "/Retention/RetainUntilDate") == 0)
		return text == NULL ? S3_OK : keep(w->date, sizeof(w->date),
		    text);
	return S3_MALFORMED_XML;
}

/* Longer and stricter is always right; the rest only with a bypass of
 * governance mode, or when what was has run out. */
static enum err
retention_change(void *ctx, struct object *o)
{
	const struct wanted_lock *w = ctx;
	struct retention r;
	char text[S3_TIME_TEXT_BYTES];
	bool governance;
	enum err e;

	retention_of(o, &r);
	governance = strcmp(r.mode, "GOVERNANCE") == 0;
	if (r.until > now_s() && !(governance && w->bypass) &&
	    (w->empty || w->until < r.until || strcmp(w->mode, r.mode) != 0))
		return EC_EDENIED;
	if ((e = record_meta_set(&o->meta, MODE, w->empty ? NULL : w->mode,
	    strlen(w->mode))) != EC_OK)
		return e;
	s3_time_iso(text, w->until);
	return record_meta_set(&o->meta, UNTIL, w->empty ? NULL : text,
	    strlen(text));
}

enum s3_error
handle_retention_put(struct call *c)
{
	struct wanted_lock w = { .bypass = object_lock_bypass(c) };
	enum s3_error e;

	if ((e = call_xml(c, BODY_MAX, CALL_XML_PLAIN, retention_element,
	    &w)) != S3_OK)
		return e;
	w.empty = w.mode[0] == '\0' && w.date[0] == '\0';
	if (!w.empty && (!mode_valid(w.mode) ||
	    s3_time_parse_iso(&w.until, w.date) != EC_OK))
		return S3_MALFORMED_XML;
	if (!w.empty && w.until <= now_s())
		return call_fail(c, S3_INVALID_ARGUMENT,
		    "The retain until date must be in the future!");
	e = bucket_need(c);
	return e != S3_OK ? e : change(c, retention_change, &w);
}

static enum s3_error
hold_element(void *ctx, const char *path, const char *text)
{
	struct wanted_lock *w = ctx;

	if (strcmp(path, "/LegalHold") == 0)
		return S3_OK;
	if (strcmp(path, "/LegalHold/Status") != 0)
		return S3_MALFORMED_XML;
	return text == NULL ? S3_OK : keep(w->hold, sizeof(w->hold), text);
}

static enum err
hold_change(void *ctx, struct object *o)
{
	const struct wanted_lock *w = ctx;

	return record_meta_set(&o->meta, HOLD, w->hold, strlen(w->hold));
}

enum s3_error
handle_legal_hold_put(struct call *c)
{
	struct wanted_lock w = { .until = 0 };
	enum s3_error e;

	if ((e = call_xml(c, BODY_MAX, CALL_XML_PLAIN, hold_element, &w)) !=
	    S3_OK)
		return e;
	if (strcmp(w.hold, "ON") != 0 && strcmp(w.hold, "OFF") != 0)
		return S3_MALFORMED_XML;
	e = bucket_need(c);
	return e != S3_OK ? e : change(c, hold_change, &w);
}
