#include "policy_model.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *const model_names[MODEL_USERS] = { NULL, "root", "ann", "bob",
	"mel" };
const char *const model_ids[MODEL_USERS] = { NULL, "root-id", "ann-id",
	"bob-id", "mel-id" };

enum { ANY_BYTES = 256, ONE_BYTE, TOKENS = 200 };

/* A pattern or a text without wildcards: bytes, or the two above. */
struct tokens {
	unsigned n;
	int at[TOKENS];
};

static void
add(struct tokens *t, int token)
{
	if (t->n == TOKENS)
		abort();
	t->at[t->n++] = token;
}

static void
add_text(struct tokens *t, const char *text, bool wild)
{
	for (; *text != '\0'; text++)
		add(t, wild && *text == '*' ? ANY_BYTES : wild &&
		    *text == '?' ? ONE_BYTE : (unsigned char)*text);
}

/* False: a variable has no value. */
static bool
expand(struct tokens *out, const struct model_text *t,
    const struct model_request *rq, bool variables, bool wild)
{
	const char *name = rq->user == MODEL_ROOT ? NULL :
	    model_names[rq->user];
	struct buf plain = BUF_INIT(1024);

	out->n = 0;
	if (!variables) {
		model_text_print(&plain, t);
		add_text(out, buf_str(&plain), wild);
		buf_release(&plain);
		return true;
	}
	for (unsigned i = 0; i < MODEL_PARTS; i++)
		switch (t->part[i].kind) {
		case PIECE_NONE:
			break;
		case PIECE_TEXT:
			add_text(out, t->part[i].text, wild);
			break;
		case PIECE_USERNAME:
			if (name == NULL)
				return false;
			add_text(out, name, false);
			break;
		case PIECE_USERNAME_OR_ELSE:
			add_text(out, name != NULL ? name : "else", false);
			break;
		case PIECE_STAR:
			add(out, '*');
			break;
		case PIECE_MARK:
			add(out, '?');
			break;
		case PIECE_DOLLAR:
			add(out, '$');
			break;
		}
	return true;
}

static int
folded(int c, bool fold)
{
	return fold && c < ANY_BYTES ? tolower(c) : c;
}

/* Every way of laying the pattern on the text, in a table. */
static bool
fits(const int *p, unsigned np, const int *t, unsigned nt, bool fold)
{
	static bool good[TOKENS + 1][TOKENS + 1];

	for (unsigned i = np + 1; i-- > 0;)
		for (unsigned j = nt + 1; j-- > 0;) {
			if (i == np)
				good[i][j] = j == nt;
			else if (p[i] == ANY_BYTES)
				good[i][j] = good[i + 1][j] ||
				    (j < nt && good[i][j + 1]);
			else
				good[i][j] = j < nt && good[i + 1][j + 1] &&
				    (p[i] == ONE_BYTE || folded(p[i], fold) ==
				    folded(t[j], fold));
		}
	return good[0][0];
}

static bool
fits_text(const struct tokens *p, const char *text, bool fold)
{
	struct tokens t = { .n = 0 };

	add_text(&t, text, false);
	return fits(p->at, p->n, t.at, t.n, fold);
}

/* Part by part between the first five colons. */
static bool
fits_arn(const struct tokens *p, const char *text)
{
	struct tokens t = { .n = 0 };
	unsigned from = 0, at = 0, to, end;

	if (p->n == 1 && p->at[0] == ANY_BYTES)
		return true;
	add_text(&t, text, false);
	for (unsigned i = 0; i < 5; i++, from = to + 1, at = end + 1) {
		for (to = from; to < p->n && p->at[to] != ':'; to++)
			;
		for (end = at; end < t.n && t.at[end] != ':'; end++)
			;
		if (to == p->n || end == t.n || !fits(p->at + from, to - from,
		    t.at + at, end - at, false))
			return false;
	}
	return fits(p->at + from, p->n - from, t.at + at, t.n - at, false);
}

static bool
compare(enum model_relation r, int64_t have, int64_t want)
{
	switch (r) {
	case REL_LESS:
		return have < want;
	case REL_LESS_OR_IS:
		return have <= want;
	case REL_MORE:
		return have > want;
	case REL_MORE_OR_IS:
		return have >= want;
	default:
		return have == want;
	}
}

/* Is one value of the request what one of the policy says, if it were not
 * negated? */
static bool
one_holds(const struct model_condition *c, unsigned w,
    const union model_value *have, const struct model_request *rq,
    bool variables)
{
	bool wild = c->op == OP_LIKE || c->op == OP_ARN;
	uint64_t span = UINT64_C(1) << (32 - c->want[w].bits);
	struct tokens t;

	switch (c->op) {
	case OP_EQUALS:
	case OP_EQUALS_FOLDED:
	case OP_LIKE:
	case OP_ARN:
		if (!expand(&t, &c->want[w].text, rq, variables, wild))
			return false;
		return c->op == OP_ARN ? fits_arn(&t, have->text) :
		    fits_text(&t, have->text, c->op == OP_EQUALS_FOLDED);
	case OP_IP:
		return have->address / span == c->want[w].v.address / span;
	default:
		return compare(c->relation, have->number,
		    c->want[w].v.number);
	}
}

static bool
condition_holds(const struct model_condition *c,
    const struct model_request *rq, bool variables)
{
	unsigned good = 0, n = rq->count[c->key];
	bool negated = c->relation == REL_IS_NOT;

	if (c->op == OP_NULL) {
		for (unsigned w = 0; w < c->n; w++)
			if (c->want[w].v.number == (n == 0))
				return true;
		return false;
	}
	if (n == 0)
		return c->if_exists || c->set == SET_FOR_ALL ||
		    (c->set == SET_ONE && negated);
	for (unsigned i = 0; i < n; i++) {
		bool any = false;

		for (unsigned w = 0; w < c->n; w++)
			any = any || one_holds(c, w, &rq->value[c->key][i],
			    rq, variables);
		good += any != negated;
	}
	return c->set == SET_FOR_ANY ? good > 0 : good == n;
}

static bool
is_who(const struct model_principal *p, enum model_user user)
{
	switch (p->who) {
	case WHO_ALL:
	case WHO_AWS_ALL:
		return true;
	case WHO_USER:
		return user == p->user && user != MODEL_ROOT;
	case WHO_ACCOUNT:
	case WHO_ACCOUNT_ROOT:
		return user != MODEL_ANONYMOUS;
	case WHO_OWN_ROOT:
	case WHO_CANONICAL:
		return user == p->user;
	case WHO_SERVICE:
		break;
	}
	return false;
}

static bool
applies(const struct model_policy *p, const struct model_statement *s,
    const struct model_request *rq)
{
	bool who = false, action = false, resource = false;
	struct tokens t;

	for (unsigned i = 0; i < s->whos; i++)
		who = who || is_who(&s->who[i], rq->user);
	for (unsigned i = 0; i < s->actions; i++) {
		t.n = 0;
		add_text(&t, s->action[i], true);
		action = action || fits_text(&t, rq->action, true);
	}
	for (unsigned i = 0; i < s->resources; i++)
		resource = resource || (expand(&t, &s->resource[i], rq,
		    p->variables, true) && fits_text(&t, rq->resource, false));
	if ((p->of_bucket && who == s->not_who) || action == s->not_action ||
	    resource == s->not_resource)
		return false;
	for (unsigned i = 0; i < s->conditions; i++)
		if (!condition_holds(&s->condition[i], rq, p->variables))
			return false;
	return true;
}

void
model_says(const struct model_policy *p, const struct model_request *rq,
    bool *allows, bool *denies)
{
	*allows = *denies = false;
	for (unsigned i = 0; i < p->n; i++) {
		const struct model_statement *s = &p->statement[i];

		if (!applies(p, s, rq))
			continue;
		*(s->allow ? allows : denies) = true;
	}
}

/* Does it fix who may ask: an address, a user? */
static bool
confines(const struct model_condition *c)
{
	if (c->if_exists || c->set == SET_FOR_ALL || c->relation != REL_IS ||
	    c->op == OP_NULL || (c->key != KEY_IP && c->key != KEY_ARN))
		return false;
	for (unsigned w = 0; w < c->n; w++) {
		if (c->key == KEY_IP && c->want[w].bits < 8)
			return false;
		for (unsigned i = 0; c->key == KEY_ARN && i < MODEL_PARTS; i++)
			if (c->want[w].text.part[i].kind > PIECE_TEXT ||
			    (c->want[w].text.part[i].kind == PIECE_TEXT &&
			    strpbrk(c->want[w].text.part[i].text, "*?") !=
			    NULL))
				return false;
	}
	return true;
}

bool
model_is_public(const struct model_policy *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct model_statement *s = &p->statement[i];
		bool all = false, confined = false;

		for (unsigned w = 0; w < s->whos; w++)
			all = all || s->who[w].who == WHO_ALL ||
			    s->who[w].who == WHO_AWS_ALL;
		for (unsigned c = 0; c < s->conditions; c++)
			confined = confined || confines(&s->condition[c]);
		if (s->allow && all && !confined)
			return true;
	}
	return false;
}
