#include <arpa/inet.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/num.h"
#include "policy_condition.h"
#include "policy_match.h"

enum form { FORM_STRING, FORM_FOLDED, FORM_LIKE, FORM_NUMBER, FORM_DATE,
	FORM_BOOL, FORM_IP, FORM_ARN, FORM_NULL };
/* As the sign of (value of the request - value of the policy). */
enum relation { IS_EQUAL, IS_LESS, IS_NOT_ABOVE, IS_ABOVE, IS_NOT_BELOW };

static const struct comparison {
	const char *name;
	enum form form;
	enum relation relation;
	bool negated;
} comparisons[] = {
	{ "StringEquals", FORM_STRING, IS_EQUAL, false },
	{ "StringNotEquals", FORM_STRING, IS_EQUAL, true },
	{ "StringEqualsIgnoreCase", FORM_FOLDED, IS_EQUAL, false },
	{ "StringNotEqualsIgnoreCase", FORM_FOLDED, IS_EQUAL, true },
	{ "StringLike", FORM_LIKE, IS_EQUAL, false },
	{ "StringNotLike", FORM_LIKE, IS_EQUAL, true },
	{ "BinaryEquals", FORM_STRING, IS_EQUAL, false },
	{ "NumericEquals", FORM_NUMBER, IS_EQUAL, false },
	{ "NumericNotEquals", FORM_NUMBER, IS_EQUAL, true },
	{ "NumericLessThan", FORM_NUMBER, IS_LESS, false },
	{ "NumericLessThanEquals", FORM_NUMBER, IS_NOT_ABOVE, false },
	{ "NumericGreaterThan", FORM_NUMBER, IS_ABOVE, false },
	{ "NumericGreaterThanEquals", FORM_NUMBER, IS_NOT_BELOW, false },
	{ "DateEquals", FORM_DATE, IS_EQUAL, false },
	{ "DateNotEquals", FORM_DATE, IS_EQUAL, true },
	{ "DateLessThan", FORM_DATE, IS_LESS, false },
	{ "DateLessThanEquals", FORM_DATE, IS_NOT_ABOVE, false },
	{ "DateGreaterThan", FORM_DATE, IS_ABOVE, false },
	{ "DateGreaterThanEquals", FORM_DATE, IS_NOT_BELOW, false },
	{ "Bool", FORM_BOOL, IS_EQUAL, false },
	{ "IpAddress", FORM_IP, IS_EQUAL, false },
	{ "NotIpAddress", FORM_IP, IS_EQUAL, true },
	{ "ArnEquals", FORM_ARN, IS_EQUAL, false },
	{ "ArnLike", FORM_ARN, IS_EQUAL, false },
	{ "ArnNotEquals", FORM_ARN, IS_EQUAL, true },
	{ "ArnNotLike", FORM_ARN, IS_EQUAL, true },
	{ "Null", FORM_NULL, IS_EQUAL, false },
};

enum set_prefix { SET_NONE, SET_ALL, SET_ANY };

/* "ForAnyValue:StringLikeIfExists" taken apart; NULL if it is none. */
static const struct comparison *
operator_find(const char *name, enum set_prefix *set, bool *if_exists)
{
	size_t i, len;

	*set = SET_NONE;
	if (strncasecmp(name, "ForAllValues:", 13) == 0) {
		*set = SET_ALL;
		name += 13;
	} else if (strncasecmp(name, "ForAnyValue:", 12) == 0) {
		*set = SET_ANY;
		name += 12;
	}
	len = strlen(name);
	*if_exists = len > 8 && strcasecmp(name + len - 8, "IfExists") == 0;
	if (*if_exists)
		len -= 8;
	for (i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (strlen(comparisons[i].name) == len &&
		    strncasecmp(comparisons[i].name, name, len) == 0)
			return *if_exists && comparisons[i].form == FORM_NULL ?
			    NULL : &comparisons[i];
	return NULL;
}

/* A value of a policy as text; numbers and booleans may stand bare. */
static const char *
value_text(const json_t *v, char mem[32])
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	if (json_is_integer(v))
		snprintf(mem, 32, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(mem, 32, "%.15g", json_real_value(v));
	else
		return NULL;
	return mem;
}

static bool
number_parse(double *out, const char *text)
{
	char *end;

	if (text[0] == '\0' || strlen(text) > 64 ||
	    strspn(text, "+-.0123456789eE") != strlen(text))
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && isfinite(*out);
}

/* ISO 8601 in UTC or with an offset, a day alone, or seconds since 1970. */
static bool
date_parse(double *out, const char *text)
{
	struct tm tm = { .tm_mday = 1 };
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	unsigned hours, minutes;
	int used = 0;
	double fraction = 0;

	if (p == NULL && strchr(text, '-') == NULL)
		return number_parse(out, text);
	if (p == NULL) {
		memset(&tm, 0, sizeof(tm));
		p = strptime(text, "%Y-%m-%d", &tm);
		if (p == NULL || *p != '\0')
			return false;
		*out = (double)timegm(&tm);
		return true;
	}
	if (*p == '.') {
		char *end;

		fraction = strtod(p, &end);
		p = end;
	}
	*out = (double)timegm(&tm) + fraction;
	if (*p == '\0' || strcmp(p, "Z") == 0)
		return true;
	if ((*p != '+' && *p != '-') || sscanf(p + 1, "%2u:%2u%n", &hours,
	    &minutes, &used) != 2 || p[1 + used] != '\0')
		return false;
	*out += (*p == '+' ? -1.0 : 1.0) * (hours * 3600.0 + minutes * 60.0);
	return true;
}

struct address {
	uint8_t byte[16];
	unsigned bits;		/* of all: 32 or 128 */
};

static bool
address_parse(struct address *out, const char *text)
{
	if (inet_pton(AF_INET, text, out->byte) == 1) {
		out->bits = 32;
		return true;
	}
	out->bits = 128;
	if (inet_pton(AF_INET6, text, out->byte) != 1)
		return false;
	if (memcmp(out->byte, "\0\0\0\0\0\0\0\0\0\0\377\377", 12) == 0) {
		memmove(out->byte, out->byte + 12, 4);
		out->bits = 32;
	}
	return true;
}

/* Is ${text} in ${range}, "10.0.0.0/8"? */
static bool
address_in(const char *range, const char *text)
{
	char net[64];
	struct address a, b;
	uint64_t bits = 0;
	const char *slash = strchr(range, '/');
	size_t len = slash != NULL ? (size_t)(slash - range) : strlen(range);
	unsigned i;

	if (len >= sizeof(net))
		return false;
	memcpy(net, range, len);
	net[len] = '\0';
	if (!address_parse(&a, net) || !address_parse(&b, text) ||
	    a.bits != b.bits)
		return false;
	bits = a.bits;
	if (slash != NULL &&
	    num_parse(&bits, slash + 1, 0, a.bits) != EC_OK)
		return false;
	for (i = 0; i < bits; i++)
		if (((a.byte[i / 8] ^ b.byte[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	return true;
}

static bool
relation_holds(enum relation r, double have, double want)
{
	switch (r) {
	case IS_LESS:
		return have < want;
	case IS_NOT_ABOVE:
		return have <= want;
	case IS_ABOVE:
		return have > want;
	case IS_NOT_BELOW:
		return have >= want;
	case IS_EQUAL:
		break;
	}
	return !(have < want) && !(have > want);
}

/* ${want} is of the policy, with variables replaced. */
static bool
value_matches(const struct comparison *op, const char *want, const char *have)
{
	double a, b;

	switch (op->form) {
	case FORM_STRING:
		return strcmp(want, have) == 0;
	case FORM_FOLDED:
	case FORM_BOOL:
		return strcasecmp(want, have) == 0;
	case FORM_LIKE:
		return policy_match(want, have, false);
	case FORM_ARN:
		return policy_match_arn(want, have);
	case FORM_NUMBER:
		return number_parse(&a, have) && number_parse(&b, want) &&
		    relation_holds(op->relation, a, b);
	case FORM_DATE:
		return date_parse(&a, have) && date_parse(&b, want) &&
		    relation_holds(op->relation, a, b);
	case FORM_IP:
		return address_in(want, have);
	case FORM_NULL:
		break;
	}
	return false;
}

static bool
expanded_matches(const struct comparison *op, const char *want,
    const char *have, const struct policy_request *rq)
{
	struct buf text = BUF_INIT(POLICY_PATTERN_MAX);
	bool plain = op->form != FORM_LIKE && op->form != FORM_ARN;
	bool good = policy_expand(&text, want, rq, plain) == EC_OK &&
	    value_matches(op, buf_str(&text), have);

	buf_release(&text);
	return good;
}

/* Does one value of the request match any of the policy's? */
static bool
any_matches(const struct comparison *op, json_t *wanted, const char *have,
    const struct policy_request *rq, bool variables)
{
	size_t n = json_is_array(wanted) ? json_array_size(wanted) : 1, i;
	char mem[32];

	for (i = 0; i < n; i++) {
		const char *want = value_text(json_is_array(wanted) ?
		    json_array_get(wanted, i) : wanted, mem);

		if (want == NULL)
			continue;
		if (variables && strstr(want, "${") != NULL ?
		    expanded_matches(op, want, have, rq) :
		    value_matches(op, want, have))
			return true;
	}
	return false;
}

static bool
null_holds(json_t *wanted, bool there)
{
	size_t n = json_is_array(wanted) ? json_array_size(wanted) : 1, i;
	char mem[32];

	for (i = 0; i < n; i++) {
		const char *want = value_text(json_is_array(wanted) ?
		    json_array_get(wanted, i) : wanted, mem);

		if (want != NULL && strcasecmp(want, there ? "false" :
		    "true") == 0)
			return true;
	}
	return false;
}

static bool
key_holds(const char *name, const char *key, json_t *wanted,
    const struct policy_request *rq, bool variables)
{
	enum set_prefix set;
	bool if_exists, any = false, all = true, one;
	const struct comparison *op = operator_find(name, &set, &if_exists);
	const char *have;
	unsigned i;

	if (op == NULL)
		return false;
	for (i = 0; rq->value != NULL &&
	    (have = rq->value(rq->ctx, key, i)) != NULL; i++) {
		if (op->form == FORM_NULL)
			return null_holds(wanted, true);
		one = any_matches(op, wanted, have, rq, variables);
		if (set != SET_NONE && op->negated)
			one = !one;
		any = any || one;
		all = all && one;
	}
	if (op->form == FORM_NULL)
		return null_holds(wanted, false);
	if (i == 0)
		return if_exists || set == SET_ALL ||
		    (set == SET_NONE && op->negated);
	if (set == SET_NONE)
		return op->negated ? !any : any;
	return set == SET_ALL ? all : any;
}

bool
policy_condition_holds(json_t *block, const struct policy_request *rq,
    bool variables)
{
	const char *name, *key;
	json_t *keys, *wanted;
	bool good = true;

	json_object_foreach(block, name, keys)
		json_object_foreach(keys, key, wanted)
			good = good && key_holds(name, key, wanted, rq,
			    variables);
	return good;
}

static bool
values_good(const struct comparison *op, json_t *wanted)
{
	size_t n = json_is_array(wanted) ? json_array_size(wanted) : 1, i;
	char mem[32];
	double number;

	for (i = 0; i < n; i++) {
		const char *v = value_text(json_is_array(wanted) ?
		    json_array_get(wanted, i) : wanted, mem);

		if (v == NULL)
			return false;
		if (strstr(v, "${") != NULL)
			continue;
		if ((op->form == FORM_NUMBER && !number_parse(&number, v)) ||
		    (op->form == FORM_DATE && !date_parse(&number, v)) ||
		    (op->form == FORM_IP && !address_in(v, v) &&
		    strchr(v, '/') == NULL) ||
		    ((op->form == FORM_BOOL || op->form == FORM_NULL) &&
		    strcasecmp(v, "true") != 0 && strcasecmp(v, "false") != 0))
			return false;
	}
	return true;
}

enum err
policy_condition_check(json_t *block, char why[POLICY_WHY_BYTES])
{
	const struct comparison *op;
	const char *name, *key;
	json_t *keys, *wanted;
	enum set_prefix set;
	bool if_exists;

	if (!json_is_object(block)) {
		snprintf(why, POLICY_WHY_BYTES, "Condition is not an object");
		return EC_EINVAL;
	}
	json_object_foreach(block, name, keys) {
		op = operator_find(name, &set, &if_exists);
		if (op == NULL || !json_is_object(keys)) {
			snprintf(why, POLICY_WHY_BYTES,
			    "Invalid Condition type : %.64s", name);
			return EC_EINVAL;
		}
		json_object_foreach(keys, key, wanted)
			if (key[0] == '\0' || strchr(key, ':') == NULL ||
			    !values_good(op, wanted)) {
				snprintf(why, POLICY_WHY_BYTES, "Policy has an "
				    "invalid condition key or value: %.64s",
				    key);
				return EC_EINVAL;
			}
	}
	return EC_OK;
}

/* A range of addresses so wide that it stands for everybody. */
static bool
is_wide(const char *range)
{
	const char *slash = strchr(range, '/');
	unsigned least = strchr(range, ':') != NULL ? 32 : 8;

	return slash != NULL && strtoul(slash + 1, NULL, 10) < least;
}

static bool
key_confines(const struct comparison *op, const char *key, json_t *wanted)
{
	static const char *const keys[] = { "aws:SourceIp", "aws:SourceArn",
		"aws:SourceVpc", "aws:SourceVpce", "aws:SourceOwner",
		"aws:SourceAccount", "aws:userid", "aws:username",
		"aws:PrincipalArn", "aws:PrincipalAccount",
		"aws:PrincipalOrgID", "s3:DataAccessPointArn",
		"s3:DataAccessPointAccount",
		"s3:x-amz-server-side-encryption-aws-kms-key-id" };
	size_t n = json_is_array(wanted) ? json_array_size(wanted) : 1, i;
	bool known = false;
	char mem[32];

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		known = known || strcasecmp(key, keys[i]) == 0;
	for (i = 0; i < n && known; i++) {
		const char *v = value_text(json_is_array(wanted) ?
		    json_array_get(wanted, i) : wanted, mem);

		known = v != NULL && strpbrk(v, "*?$") == NULL &&
		    (op->form != FORM_IP || !is_wide(v));
	}
	return known;
}

bool
policy_condition_confines(json_t *block)
{
	const struct comparison *op;
	const char *name, *key;
	json_t *keys, *wanted;
	enum set_prefix set;
	bool if_exists;

	json_object_foreach(block, name, keys) {
		op = operator_find(name, &set, &if_exists);
		if (op == NULL || op->negated || if_exists || set == SET_ALL ||
		    op->relation != IS_EQUAL || op->form == FORM_NULL)
			continue;
		json_object_foreach(keys, key, wanted)
			if (key_confines(op, key, wanted))
				return true;
	}
	return false;
}
