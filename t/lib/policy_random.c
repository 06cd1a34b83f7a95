/* Random policies and requests, and how they are written. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "policy_model.h"

enum { EPOCH = 1795000000 };

#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))
#define ONE_OF(a) (a)[model_any(state, COUNT(a))]
#define ARN_USER "arn:aws:iam::000000000000:user/"

const char *const model_keys[MODEL_KEYS] = { "s3:prefix", "s3:max-keys",
	"aws:CurrentTime", "aws:SourceIp", "aws:SecureTransport",
	"aws:PrincipalArn", "s3:RequestObjectTagKeys" };

/* xorshift64* */
unsigned
model_any(uint64_t *state, unsigned n)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (unsigned)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

static const char *const words[] = { "a", "b", "A", "ab", "ann", "bob/",
	"else", "a/b", "*", "?", "${aws:username}" };

static void
text_random(struct model_text *t, uint64_t *state)
{
	static const char *const pieces[] = { "a", "*", "?", "b", "/", "ann",
		"a*b", "B" };
	unsigned n = 1 + model_any(state, MODEL_PARTS);

	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < n; i++) {
		t->part[i].kind = model_any(state, 3) > 0 ? PIECE_TEXT :
		    (enum model_piece)(PIECE_TEXT + model_any(state, 6));
		t->part[i].text = ONE_OF(pieces);
	}
}

static void
text_plain(struct model_text *t, const char *text)
{
	memset(t, 0, sizeof(*t));
	t->part[0].kind = PIECE_TEXT;
	t->part[0].text = text;
}

static void
resource_random(struct model_text *t, bool of_bucket, uint64_t *state)
{
	static const char *const begin[] = { "arn:aws:s3:::box/",
		"arn:aws:s3:::b*", "arn:aws:s3:::box", "arn:aws:s3:::b?x/",
		"*", "arn:aws:s3:::other/", "arn:aws:s3:::*/a" };
	static const char *const end[] = { "", "*", "a", "a*", "?", "ann" };

	text_plain(t, begin[model_any(state, of_bucket ? 4 : COUNT(begin))]);
	t->part[1].kind = model_any(state, 4) > 0 ? PIECE_TEXT :
	    (enum model_piece)(PIECE_TEXT + model_any(state, 6));
	t->part[1].text = ONE_OF(end);
	if (model_any(state, 4) == 0) {
		t->part[2].kind = PIECE_TEXT;
		t->part[2].text = ONE_OF(end);
	}
	/* What names a bucket must be plain. */
	if (strchr(t->part[0].text, '/') == NULL)
		t->part[1].kind = t->part[2].kind = PIECE_NONE;
}

/* What fits the type of the key. */
static enum model_operator
operator_random(enum model_key key, uint64_t *state)
{
	static const enum model_operator of_text[] = { OP_EQUALS,
		OP_EQUALS_FOLDED, OP_LIKE };

	if (model_any(state, 8) == 0)
		return OP_NULL;
	switch (key) {
	case KEY_MAX_KEYS:
		return OP_NUMBER;
	case KEY_TIME:
		return OP_DATE;
	case KEY_IP:
		return OP_IP;
	case KEY_SECURE:
		return OP_BOOL;
	case KEY_ARN:
		return model_any(state, 2) == 0 ? OP_ARN : OP_LIKE;
	default:
		return ONE_OF(of_text);
	}
}

static void
want_random(struct model_condition *c, unsigned w, uint64_t *state)
{
	static const char *const arns[] = { ARN_USER "ann", ARN_USER "*",
		"arn:*:iam::*:user/b?b", "arn:aws:iam::0*",
		"arn:aws:iam::000000000000:root", "*", "arn:*" };
	static const uint32_t nets[] = { 0x0a000000, 0x0a010203, 0xc0a80000,
		0 };
	static const unsigned bits[] = { 0, 4, 8, 15, 16, 24, 31, 32 };

	text_random(&c->want[w].text, state);
	if (c->key == KEY_ARN && model_any(state, 5) > 0)
		text_plain(&c->want[w].text, ONE_OF(arns));
	c->want[w].bits = ONE_OF(bits);
	if (c->op == OP_IP)
		c->want[w].v.address = ONE_OF(nets);
	else if (c->op == OP_NUMBER)
		c->want[w].v.number = model_any(state, 5) - INT64_C(1);
	else if (c->op == OP_DATE)
		c->want[w].v.number = EPOCH + model_any(state, 3) * 3600;
	else
		c->want[w].v.number = model_any(state, 2);
}

static void
condition_random(struct model_condition *c, uint64_t *state)
{
	memset(c, 0, sizeof(*c));
	c->key = (enum model_key)model_any(state, MODEL_KEYS);
	c->op = operator_random(c->key, state);
	if (c->op == OP_NUMBER || c->op == OP_DATE)
		c->relation = (enum model_relation)model_any(state, 6);
	else if (c->op != OP_BOOL && c->op != OP_NULL)
		c->relation = (enum model_relation)model_any(state, 2);
	if (c->op != OP_NULL && (c->key == KEY_TAGS ||
	    model_any(state, 6) == 0))
		c->set = model_any(state, 2) ? SET_FOR_ALL : SET_FOR_ANY;
	c->if_exists = c->op != OP_NULL && model_any(state, 4) == 0;
	c->n = 1 + model_any(state, c->op == OP_NULL ? 1 : MODEL_VALUES);
	for (unsigned w = 0; w < c->n; w++)
		want_random(c, w, state);
}

static void
statement_random(struct model_statement *s, bool of_bucket, uint64_t *state)
{
	static const char *const actions[] = { "s3:*", "s3:Get*", "*",
		"S3:getobject", "s3:GetObject", "s3:Put*", "s3:List*",
		"s3:*Bucket*", "s3:?etObject", "s3:DeleteObject" };

	memset(s, 0, sizeof(*s));
	s->allow = model_any(state, 3) > 0;
	s->not_who = !s->allow && model_any(state, 6) == 0;
	s->not_action = model_any(state, 8) == 0;
	s->not_resource = model_any(state, 8) == 0;
	s->whos = of_bucket ? 1 + model_any(state, MODEL_LIST) : 0;
	for (unsigned i = 0; i < s->whos; i++) {
		s->who[i].who = (enum model_who)model_any(state,
		    WHO_SERVICE + 1);
		s->who[i].user = (enum model_user)(1 + model_any(state,
		    MODEL_USERS - 1));
		if (s->who[i].who == WHO_ALL)	/* stands alone */
			s->whos = i = 1, s->who[0].who = WHO_ALL;
	}
	s->actions = 1 + model_any(state, MODEL_LIST);
	s->resources = 1 + model_any(state, MODEL_LIST);
	for (unsigned i = 0; i < MODEL_LIST; i++) {
		s->action[i] = ONE_OF(actions);
		resource_random(&s->resource[i], of_bucket, state);
	}
	s->conditions = model_any(state, 2) * model_any(state,
	    MODEL_CONDITIONS + 1);
	for (unsigned i = 0; i < s->conditions; i++)
		condition_random(&s->condition[i], state);
}

void
model_policy_random(struct model_policy *p, bool of_bucket, uint64_t *state)
{
	memset(p, 0, sizeof(*p));
	p->of_bucket = of_bucket;
	p->variables = model_any(state, 4) > 0;
	p->n = 1 + model_any(state, MODEL_STATEMENTS);
	for (unsigned i = 0; i < p->n; i++)
		statement_random(&p->statement[i], of_bucket, state);
}

void
model_request_random(struct model_request *rq, uint64_t *state)
{
	static const char *const actions[] = { "s3:GetObject", "s3:PutObject",
		"s3:ListBucket", "s3:DeleteObject", "s3:GetBucketPolicy" };
	static const char *const resources[] = { "arn:aws:s3:::box",
		"arn:aws:s3:::box/a", "arn:aws:s3:::box/ann",
		"arn:aws:s3:::box/*", "arn:aws:s3:::other/a" };
	static const char *const arns[] = { NULL,
		"arn:aws:iam::000000000000:root", ARN_USER "ann",
		ARN_USER "bob", ARN_USER "mel" };
	static const uint32_t hosts[] = { 0x0a010203, 0x0a020304, 0xc0a80101,
		0x08080808 };

	rq->user = (enum model_user)model_any(state, MODEL_USERS);
	rq->action = ONE_OF(actions);
	rq->resource = ONE_OF(resources);
	for (unsigned k = 0; k < MODEL_KEYS; k++)
		rq->count[k] = model_any(state, 4) > 0;
	rq->count[KEY_TAGS] = model_any(state, MODEL_VALUES + 1);
	rq->count[KEY_ARN] = rq->user != MODEL_ANONYMOUS;
	for (unsigned i = 0; i < MODEL_VALUES; i++) {
		rq->value[KEY_PREFIX][i].text = ONE_OF(words);
		rq->value[KEY_TAGS][i].text = ONE_OF(words);
		rq->value[KEY_ARN][i].text = arns[rq->user];
		rq->value[KEY_MAX_KEYS][i].number = model_any(state, 5);
		rq->value[KEY_TIME][i].number = EPOCH +
		    model_any(state, 3) * 3600;
		rq->value[KEY_SECURE][i].number = model_any(state, 2);
		rq->value[KEY_IP][i].address = ONE_OF(hosts);
	}
}

const char *
model_value_text(void *ctx, const char *key, unsigned i)
{
	static char mem[4][64];
	static unsigned turn;
	const struct model_request *rq = ctx;
	const union model_value *v;
	char *out = mem[turn++ % 4];
	time_t when;
	struct tm tm;
	unsigned k;

	if (strcasecmp(key, "aws:username") == 0)
		return i > 0 || rq->user == MODEL_ROOT ? NULL :
		    model_names[rq->user];
	for (k = 0; k < MODEL_KEYS; k++)
		if (strcasecmp(model_keys[k], key) == 0)
			break;
	if (k == MODEL_KEYS || i >= rq->count[k])
		return NULL;
	v = &rq->value[k][i];
	switch (k) {
	case KEY_MAX_KEYS:
		snprintf(out, 64, "%lld", (long long)v->number);
		return out;
	case KEY_TIME:
		when = (time_t)v->number;
		strftime(out, 64, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &tm));
		return out;
	case KEY_SECURE:
		return v->number ? "true" : "false";
	case KEY_IP:
		snprintf(out, 64, "%u.%u.%u.%u", v->address >> 24,
		    (v->address >> 16) & 255, (v->address >> 8) & 255,
		    v->address & 255);
		return out;
	default:
		return v->text;
	}
}
