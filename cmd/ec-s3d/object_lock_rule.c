/* GetObjectLockConfiguration, PutObjectLockConfiguration. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "bucket_config.h"
#include "handlers.h"
#include "object_lock_rule.h"

enum {
	BODY_MAX = 64 * 1024,
	DAY_S = 86400,
	DAYS_MAX = 36500,
	YEARS_MAX = 100,
};

bool
object_lock_rule_parse(struct object_lock_rule *out, const char *text)
{
	char unit[8];
	unsigned n;

	*out = (struct object_lock_rule){ .days = 0 };
	if (sscanf(text, "Enabled %15s %u %7s", out->mode, &n, unit) != 3)
		return false;
	if (strcmp(unit, "Years") == 0)
		out->years = n;
	else
		out->days = n;
	return true;
}

int64_t
object_lock_rule_until(const struct object_lock_rule *r, int64_t now_s)
{
	return now_s + (int64_t)(r->days + r->years * 365) * DAY_S;
}

enum s3_error
handle_object_lock_get(struct call *c)
{
	struct buf value = BUF_INIT(RECORD_META_MAX);
	struct object_lock_rule r;
	struct xml x = XML_INIT;
	enum s3_error e = bucket_config_get(c, CONFIG_OBJECT_LOCK,
	    S3_NO_OBJECT_LOCK, &value);

	if (e != S3_OK)
		goto out;
	xml_begin(&x, "ObjectLockConfiguration");
	xml_text(&x, "ObjectLockEnabled", "Enabled");
	if (object_lock_rule_parse(&r, buf_str(&value))) {
		xml_open(&x, "Rule");
		xml_open(&x, "DefaultRetention");
		xml_text(&x, "Mode", r.mode);
		xml_number(&x, r.years > 0 ? "Years" : "Days",
		    r.years > 0 ? r.years : r.days);
		xml_close(&x, "DefaultRetention");
		xml_close(&x, "Rule");
	}
	e = call_answer_xml(c, &x, "ObjectLockConfiguration");
out:
	buf_release(&value);
	return e;
}

struct wanted {
	bool enabled, rule, days, years;
	struct object_lock_rule r;
};

static enum s3_error
period(const char *text, unsigned max, bool *there, unsigned *out)
{
	uint64_t n;

	*there = true;
	if (num_parse(&n, text, 1, max) != EC_OK)
		return S3_INVALID_RETENTION;
	*out = (unsigned)n;
	return S3_OK;
}

static enum s3_error
element(void *ctx, const char *path, const char *text)
{
	static const char root[] = "/ObjectLockConfiguration";
	struct wanted *w = ctx;

	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return S3_MALFORMED_XML;
	path += sizeof(root) - 1;
	if (path[0] == '\0' || text == NULL || strcmp(path, "/Rule") == 0)
		return S3_OK;
	if (strcmp(path, "/ObjectLockEnabled") == 0) {
		w->enabled = strcmp(text, "Enabled") == 0;
		return w->enabled ? S3_OK : S3_MALFORMED_XML;
	}
	if (strcmp(path, "/Rule/DefaultRetention") == 0) {
		w->rule = true;
		return S3_OK;
	}
	if (strcmp(path, "/Rule/DefaultRetention/Mode") == 0) {
		if (strcmp(text, "GOVERNANCE") != 0 &&
		    strcmp(text, "COMPLIANCE") != 0)
			return S3_MALFORMED_XML;
		strcpy(w->r.mode, text);
		return S3_OK;
	}
	if (strcmp(path, "/Rule/DefaultRetention/Days") == 0)
		return period(text, DAYS_MAX, &w->days, &w->r.days);
	if (strcmp(path, "/Rule/DefaultRetention/Years") == 0)
		return period(text, YEARS_MAX, &w->years, &w->r.years);
	return S3_MALFORMED_XML;
}

enum s3_error
handle_object_lock_put(struct call *c)
{
	struct wanted w = { .enabled = false };
	const struct bucket *b;
	char text[64] = "Enabled";
	enum s3_error e;

	if ((e = call_bucket(c, &b)) != S3_OK || (e = call_xml(c, BODY_MAX,
	    CALL_XML_PLAIN, element, &w)) != S3_OK)
		return e;
	if (!w.enabled || (w.rule &&
	    (w.r.mode[0] == '\0' || w.days == w.years)))
		return S3_MALFORMED_XML;
	if (store_bucket_versioning(b) != STORE_VERSIONING_ENABLED)
		return call_fail(c, S3_INVALID_BUCKET_STATE,
		    "Versioning must be 'Enabled' on the bucket to apply a "
		    "Object Lock configuration");
	if (w.rule)
		snprintf(text, sizeof(text), "Enabled %s %u %s", w.r.mode,
		    w.years ? w.r.years : w.r.days,
		    w.years ? "Years" : "Days");
	e = bucket_config_set(c, CONFIG_OBJECT_LOCK, text, strlen(text));
	return e != S3_OK ? e : call_answer(c, 200);
}
