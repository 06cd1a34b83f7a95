/* Policies of the model as JSON. */
#include <time.h>

#include "policy_model.h"

void
model_text_print(struct buf *out, const struct model_text *t)
{
	static const char *const written[] = { "", "", "${aws:username}",
		"${aws:username, 'else'}", "${*}", "${?}", "${$}" };

	for (unsigned i = 0; i < MODEL_PARTS; i++)
		buf_printf(out, "%s", t->part[i].kind == PIECE_TEXT ?
		    t->part[i].text : written[t->part[i].kind]);
}

/* Dates are written in each form that there is, by their value. */
static void
date_print(struct buf *out, int64_t seconds)
{
	time_t when = (time_t)(seconds + (seconds / 3600 % 3 == 0 ? 7200 : 0));
	struct tm tm;
	char text[64];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S",
	    gmtime_r(&when, &tm));
	if (seconds / 3600 % 3 == 0)
		buf_printf(out, "\"%s+02:00\"", text);
	else if (seconds / 3600 % 3 == 1)
		buf_printf(out, "\"%sZ\"", text);
	else
		buf_printf(out, "%lld", (long long)seconds);
}

static void
want_print(struct buf *out, const struct model_condition *c, unsigned w)
{
	uint32_t a = c->want[w].v.address;

	switch (c->op) {
	case OP_NUMBER:
		buf_printf(out, w % 2 ? "%lld" : "\"%lld\"",
		    (long long)c->want[w].v.number);
		break;
	case OP_DATE:
		date_print(out, c->want[w].v.number);
		break;
	case OP_BOOL:
	case OP_NULL:
		buf_printf(out, w % 2 ? "%s" : "\"%s\"",
		    c->want[w].v.number ? "true" : "false");
		break;
	case OP_IP:
		buf_printf(out, "\"%u.%u.%u.%u/%u\"", a >> 24, (a >> 16) & 255,
		    (a >> 8) & 255, a & 255, c->want[w].bits);
		break;
	default:
		buf_printf(out, "\"");
		model_text_print(out, &c->want[w].text);
		buf_printf(out, "\"");
	}
}

static void
operator_print(struct buf *out, const struct model_condition *c)
{
	static const char *const sets[] = { "", "ForAllValues:",
		"ForAnyValue:" };
	static const char *const families[] = { "String", "String", "String",
		"Numeric", "Date", "Bool", "", "Arn", "Null" };
	static const char *const relations[] = { "Equals", "NotEquals",
		"LessThan", "LessThanEquals", "GreaterThan",
		"GreaterThanEquals" };
	bool not = c->relation == REL_IS_NOT;
	const char *relation = relations[c->relation];

	if (c->op == OP_LIKE)
		relation = not ? "NotLike" : "Like";
	else if (c->op == OP_BOOL || c->op == OP_NULL)
		relation = "";
	else if (c->op == OP_IP)
		relation = not ? "NotIpAddress" : "IpAddress";
	buf_printf(out, "%s%s%s%s%s", sets[c->set], families[c->op], relation,
	    c->op == OP_EQUALS_FOLDED ? "IgnoreCase" : "",
	    c->if_exists ? "IfExists" : "");
}

/* The name of an operator may stand in an object once: the same once more, in
 * capitals or not, is another name for JSON. */
static void
conditions_print(struct buf *out, const struct model_statement *s)
{
	for (unsigned i = 0; i < s->conditions; i++) {
		const struct model_condition *c = &s->condition[i];
		size_t from;

		buf_printf(out, "%s\"", i > 0 ? "," : ",\"Condition\":{");
		from = out->len;
		operator_print(out, c);
		for (unsigned k = 0; k < i; k++)
			out->data[from + k] ^= 0x20;
		buf_printf(out, "\":{\"%s\":%s", model_keys[c->key],
		    c->n > 1 ? "[" : "");
		for (unsigned w = 0; w < c->n; w++) {
			buf_printf(out, "%s", w > 0 ? "," : "");
			want_print(out, c, w);
		}
		buf_printf(out, "%s}", c->n > 1 ? "]" : "");
	}
	buf_printf(out, "%s", s->conditions > 0 ? "}" : "");
}

static void
who_print(struct buf *out, const struct model_principal *p)
{
	const char *name = model_names[p->user], *id = model_ids[p->user];

	switch (p->who) {
	case WHO_USER:
		buf_printf(out, "arn:aws:iam::%s:user/%s",
		    p->user % 2 ? "" : "000000000000", name);
		break;
	case WHO_ACCOUNT:
		buf_printf(out, "000000000000");
		break;
	case WHO_ACCOUNT_ROOT:
		buf_printf(out, "arn:aws:iam::000000000000:root");
		break;
	case WHO_OWN_ROOT:
		buf_printf(out, "arn:aws:iam::%s:root", id);
		break;
	case WHO_CANONICAL:
		buf_printf(out, "%s", id);
		break;
	case WHO_SERVICE:
		buf_printf(out, "logging.s3.amazonaws.com");
		break;
	default:
		buf_printf(out, "*");
	}
}

/* Those of one kind; false: none. */
static bool
kind_print(struct buf *out, const struct model_statement *s, const char *kind,
    enum model_who least, enum model_who most, bool more)
{
	bool any = false;

	for (unsigned i = 0; i < s->whos; i++) {
		if (s->who[i].who < least || s->who[i].who > most)
			continue;
		if (any)
			buf_printf(out, ",");
		else
			buf_printf(out, "%s\"%s\":[", more ? "," : "", kind);
		buf_printf(out, "\"");
		who_print(out, &s->who[i]);
		buf_printf(out, "\"");
		any = true;
	}
	buf_printf(out, "%s", any ? "]" : "");
	return any || more;
}

static void
principal_print(struct buf *out, const struct model_statement *s)
{
	bool more = false;

	buf_printf(out, ",\"%sPrincipal\":", s->not_who ? "Not" : "");
	if (s->who[0].who == WHO_ALL) {
		buf_printf(out, "\"*\"");
		return;
	}
	buf_printf(out, "{");
	more = kind_print(out, s, "AWS", WHO_AWS_ALL, WHO_OWN_ROOT, more);
	more = kind_print(out, s, "CanonicalUser", WHO_CANONICAL,
	    WHO_CANONICAL, more);
	kind_print(out, s, "Service", WHO_SERVICE, WHO_SERVICE, more);
	buf_printf(out, "}");
}

static void
statement_print(struct buf *out, const struct model_statement *s)
{
	buf_printf(out, "{\"Effect\":\"%s\"", s->allow ? "Allow" : "Deny");
	if (s->whos > 0)
		principal_print(out, s);
	buf_printf(out, ",\"%sAction\":[", s->not_action ? "Not" : "");
	for (unsigned i = 0; i < s->actions; i++)
		buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", s->action[i]);
	buf_printf(out, "],\"%sResource\":[", s->not_resource ? "Not" : "");
	for (unsigned i = 0; i < s->resources; i++) {
		buf_printf(out, "%s\"", i > 0 ? "," : "");
		model_text_print(out, &s->resource[i]);
		buf_printf(out, "\"");
	}
	buf_printf(out, "]");
	conditions_print(out, s);
	buf_printf(out, "}");
}

void
model_print(struct buf *out, const struct model_policy *p)
{
	buf_printf(out, "{\"Version\":\"%s\",\"Statement\":[",
	    p->variables ? "2012-10-17" : "2008-10-17");
	for (unsigned i = 0; i < p->n; i++) {
		buf_printf(out, "%s", i > 0 ? "," : "");
		statement_print(out, &p->statement[i]);
	}
	buf_printf(out, "]}");
}
