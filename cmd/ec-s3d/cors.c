#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bucket_config.h"
#include "cors.h"
#include "cors_rules.h"
#include "handlers.h"

enum { BODY_MAX = 64 * 1024, HEADER_MAX = 8 * 1024 };

/* The bucket's rules; the caller frees them. */
static enum s3_error
rules_load(struct call *c, struct cors_rules **out)
{
	struct buf text = BUF_INIT(RECORD_META_MAX);
	struct cors_rules *r = NULL;
	struct xml_reader *x = NULL;
	enum s3_error e;

	if ((e = bucket_config_get(c, CONFIG_CORS, S3_NO_CORS, &text)) !=
	    S3_OK)
		goto out;
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		e = S3_SLOW_DOWN;
		goto out;
	}
	if ((e = xml_reader_new(&x, cors_rules_element, r)) == S3_OK)
		e = xml_reader_feed(x, text.data, text.len, true);
	*out = r;
out:
	xml_reader_free(x);
	buf_release(&text);
	return e;
}

static void
rules_free(struct cors_rules *r)
{
	if (r != NULL)
		cors_rules_release(r);
	free(r);
}

static void
join_header(struct call *c, const struct cors_rules *r, unsigned rule,
    enum cors_field field, const char *name)
{
	struct buf value = BUF_INIT(HEADER_MAX);

	if (cors_rules_join(r, rule, field, &value) == EC_OK && value.len > 0)
		http_answer_header(c->x, name, buf_str(&value));
	buf_release(&value);
}

static void
low_header(struct call *c, const char *name, const char *value)
{
	char *low = strdup(value), *p;

	for (p = low; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (low != NULL)
		http_answer_header(c->x, name, low);
	free(low);
}

/* What ${method}, and with ${preflight} these headers, are allowed: false when
 * they are not. */
static bool
allow(struct call *c, const struct cors_rules *r, const char *method,
    bool preflight)
{
	const char *origin = http_header(c->x, "Origin");
	const char *headers = preflight ? http_header(c->x,
	    "Access-Control-Request-Headers") : NULL;
	bool any;
	int rule = cors_rules_find(r, origin, method, headers, &any);

	if (rule < 0)
		return false;
	http_answer_header(c->x, "Access-Control-Allow-Origin",
	    any ? "*" : origin);
	if (!any)
		http_answer_header(c->x, "Access-Control-Allow-Credentials",
		    "true");
	join_header(c, r, (unsigned)rule, CORS_METHOD,
	    "Access-Control-Allow-Methods");
	join_header(c, r, (unsigned)rule, CORS_EXPOSE,
	    "Access-Control-Expose-Headers");
	if (headers != NULL)
		low_header(c, "Access-Control-Allow-Headers", headers);
	if (preflight)
		join_header(c, r, (unsigned)rule, CORS_MAX_AGE,
		    "Access-Control-Max-Age");
	http_answer_header(c->x, "Vary", "Origin, "
	    "Access-Control-Request-Headers, Access-Control-Request-Method");
	return true;
}

void
cors_headers(struct call *c)
{
	const char *method = http_header(c->x,
	    "Access-Control-Request-Method");
	struct cors_rules *r = NULL;

	if (http_header(c->x, "Origin") == NULL || c->rq.bucket[0] == '\0')
		return;
	if (rules_load(c, &r) == S3_OK)
		allow(c, r, method != NULL ? method : http_method(c->x),
		    false);
	rules_free(r);
}

enum s3_error
cors_preflight(struct call *c)
{
	const char *method = http_header(c->x,
	    "Access-Control-Request-Method");
	const char *origin = http_header(c->x, "Origin");
	struct cors_rules *r = NULL;
	enum s3_error e;

	if (c->rq.bucket[0] == '\0')
		return S3_METHOD_NOT_ALLOWED;
	if (origin == NULL || origin[0] == '\0')
		return call_fail(c, S3_BAD_REQUEST, "Insufficient information."
		    " Origin request header needed.");
	if (method == NULL || !cors_rules_method(method))
		return call_fail(c, S3_BAD_REQUEST, "Invalid "
		    "Access-Control-Request-Method: %.64s", method != NULL ?
		    method : "null");
	e = rules_load(c, &r);
	if (e == S3_NO_CORS)
		e = call_fail(c, S3_ACCESS_FORBIDDEN,
		    "CORSResponse: CORS is not enabled for this bucket.");
	else if (e == S3_OK && !allow(c, r, method, true))
		e = call_fail(c, S3_ACCESS_FORBIDDEN, "CORSResponse: This "
		    "CORS request is not allowed. This is usually because the "
		    "evalution of Origin, request method / "
		    "Access-Control-Request-Method or "
		    "Access-Control-Request-Headers are not whitelisted by "
		    "the resource's CORS spec.");
	rules_free(r);
	return e != S3_OK ? e : call_answer(c, 200);
}

enum s3_error
handle_cors_get(struct call *c)
{
	return bucket_config_answer(c, CONFIG_CORS, S3_NO_CORS,
	    "application/xml");
}

enum s3_error
handle_cors_put(struct call *c)
{
	struct cors_rules *r = calloc(1, sizeof(*r));
	struct xml x = XML_INIT;
	enum s3_error e;

	if (r == NULL)
		return S3_SLOW_DOWN;
	e = call_xml(c, BODY_MAX, CALL_XML_PLAIN, cors_rules_element, r);
	if (e == S3_INVALID_REQUEST && r->bad[0] != '\0')
		call_fail(c, e, "%s", r->bad);
	if (e == S3_OK) {
		xml_begin(&x, "CORSConfiguration");
		cors_rules_xml(r, &x);
		e = bucket_config_put_xml(c, CONFIG_CORS, &x,
		    "CORSConfiguration");
	}
	rules_free(r);
	return e;
}

enum s3_error
handle_cors_delete(struct call *c)
{
	return bucket_config_delete(c, CONFIG_CORS);
}
