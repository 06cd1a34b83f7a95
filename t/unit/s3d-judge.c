/* What the server says of random policies and requests, against a plain model
 * of AWS's rules: single policies, and whole judgements over identities,
 * sessions, bucket policies, lists, ownership and public access blocks.
 * EC_SEED and EC_ROUNDS from outside. */
#include <stdlib.h>

#include "../lib/policy_model.h"
#include "../lib/tap.h"
#include "ec-s3d/access.h"

enum { SHOWN = 3, GRANTS = 2 };

static uint64_t state = 1;
static unsigned rounds = 40000, wrong;

static unsigned
any(unsigned n)
{
	return model_any(&state, n);
}

static struct policy *
parse(const struct model_policy *m, struct buf *text)
{
	char why[POLICY_WHY_BYTES];
	struct policy *p = NULL;

	text->len = 0;
	model_print(text, m);
	if (policy_parse(&p, m->of_bucket ? POLICY_OF_BUCKET :
	    POLICY_OF_IDENTITY, m->of_bucket ? "box" : NULL, buf_str(text),
	    text->len, why) != EC_OK) {
		printf("# %s\n# %s\n", buf_str(text), why);
		abort();
	}
	return p;
}

static void
show(const struct model_request *rq, const char *text)
{
	if (wrong++ >= SHOWN)
		return;
	printf("# %s asks %s on %s\n# %s\n", rq->user == MODEL_ANONYMOUS ?
	    "anonymous" : model_names[rq->user], rq->action, rq->resource,
	    text);
	for (unsigned k = 0; k < MODEL_KEYS; k++)
		for (unsigned i = 0; i < rq->count[k]; i++)
			printf("# %s = %s\n", model_keys[k], model_value_text(
			    (void *)(uintptr_t)rq, model_keys[k], i));
}

static void
policies(void)
{
	struct buf text = BUF_INIT(POLICY_BYTES_MAX);
	unsigned allowed = 0, denied = 0;

	wrong = 0;
	for (unsigned i = 0; i < rounds; i++) {
		struct model_policy m;
		struct model_request rq;
		struct policy_request ask;
		struct policy *p;
		bool allows, denies;
		enum policy_effect got;

		model_policy_random(&m, any(2), &state);
		p = parse(&m, &text);
		if (m.of_bucket && policy_is_public(p) != model_is_public(&m))
			show(&rq, buf_str(&text));
		for (unsigned k = 0; k < 3; k++) {
			model_request_random(&rq, &state);
			ask = (struct policy_request){ .action = rq.action,
				.resource = rq.resource,
				.user = model_names[rq.user],
				.id = model_ids[rq.user],
				.root = rq.user == MODEL_ROOT,
				.value = model_value_text, .ctx = &rq };
			got = policy_evaluate(p, &ask, NULL);
			model_says(&m, &rq, &allows, &denies);
			if (got != (denies ? POLICY_DENY : allows ?
			    POLICY_ALLOW : POLICY_NONE))
				show(&rq, buf_str(&text));
			allowed += got == POLICY_ALLOW;
			denied += got == POLICY_DENY;
		}
		policy_free(p);
	}
	buf_release(&text);
	tap_is_u64(wrong, 0, "%u policies, three requests each", rounds);
	tap_ok(allowed > rounds / 10 && denied > rounds / 10, "allowed %u, "
	    "denied %u", allowed, denied);
}

/* All that a judgement looks at, beside its policies. */
struct scene {
	struct model_policy own[GRANTS], session[2], bucket;
	unsigned owns, sessions;
	bool has_bucket, has_object, enabled, versioned;
	enum access_ownership ownership;
	unsigned block;
	struct acl list, object;
	const struct action *action;
	struct model_request rq;
};

static void
list_random(struct acl *a, const char *owner)
{
	static const enum acl_permission permissions[] = { ACL_READ,
		ACL_WRITE, ACL_READ_ACP, ACL_WRITE_ACP, ACL_FULL_CONTROL };

	acl_private(a, owner);
	if (any(4) == 0)
		a->n = 0;
	for (unsigned n = any(3); n > 0; n--) {
		enum acl_who who = (enum acl_who)any(4);

		acl_add(a, who, who == ACL_USER ? model_ids[1 + any(4)] : "",
		    permissions[any(5)]);
	}
}

static void
scene_random(struct scene *s)
{
	static const char *const operations[] = { "GetObject", "PutObject",
		"ListObjectsV2", "DeleteObject", "GetObjectAcl",
		"PutBucketAcl", "GetBucketPolicy", "GetObjectTagging",
		"CreateBucket", "PutBucketVersioning" };
	bool object;

	s->action = action_find(operations[any(10)]);
	object = strstr(s->action->operation, "Bucket") == NULL &&
	    strstr(s->action->operation, "List") == NULL;
	model_request_random(&s->rq, &state);
	s->versioned = object && any(4) == 0;
	s->rq.action = s->versioned && s->action->versioned != NULL ?
	    s->action->versioned : s->action->name;
	s->rq.resource = object ? "arn:aws:s3:::box/a" : "arn:aws:s3:::box";
	s->owns = any(GRANTS + 1);
	s->sessions = s->rq.user == MODEL_ANONYMOUS ? 0 : any(3) / 2 * 2;
	for (unsigned i = 0; i < s->owns; i++)
		model_policy_random(&s->own[i], false, &state);
	for (unsigned i = 0; i < s->sessions; i++)
		model_policy_random(&s->session[i], false, &state);
	s->has_bucket = any(3) > 0;
	if (s->has_bucket)
		model_policy_random(&s->bucket, true, &state);
	s->has_object = object && any(4) > 0;
	s->enabled = any(20) > 0;
	s->ownership = (enum access_ownership)any(4);
	s->block = any(2) * any(16);
	list_random(&s->list, "ann-id");
	list_random(&s->object, any(2) ? "ann-id" : "bob-id");
}

/* The reference: AWS's order, put plainly. */
static bool
granted(const struct scene *s, const struct acl *a)
{
	enum model_user user = s->rq.user;
	const char *id = model_ids[user];
	unsigned need = s->action->permission;

	if (id != NULL && strcmp(id, a->owner) == 0 &&
	    (need == ACL_READ_ACP || need == ACL_WRITE_ACP))
		return true;
	for (unsigned i = 0; i < a->n; i++) {
		const struct acl_grant *g = &a->grant[i];
		bool meant = false;

		if (g->who == ACL_USER)
			meant = id != NULL && strcmp(id, g->id) == 0;
		else if ((s->block & IGNORE_PUBLIC_ACLS) == 0)
			meant = g->who == ACL_EVERYBODY ||
			    (g->who == ACL_AUTHENTICATED && id != NULL);
		if (meant && (need & ~(unsigned)g->permission) == 0)
			return true;
	}
	return false;
}

static enum access_answer
by_list_or_owner(const struct scene *s)
{
	enum model_user user = s->rq.user;
	bool person = user != MODEL_ANONYMOUS && user != MODEL_MEL;
	bool owner = user == MODEL_ANN;
	bool enforced = s->ownership == OWNERSHIP_ENFORCED;
	bool good;

	if (s->action->by == ACTION_USER)
		return person ? ACCESS_ALLOWED : ACCESS_DENIED;
	if (enforced || s->action->by == ACTION_OWNER) {
		if (owner)
			return ACCESS_ALLOWED;
		if (enforced || strcmp(s->rq.resource, "arn:aws:s3:::box") ==
		    0)
			return ACCESS_DENIED;
	}
	if (s->action->by == ACTION_BUCKET_ACL) {
		good = s->versioned && s->action->versioned != NULL && !owner ?
		    false : granted(s, &s->list);
		return good ? ACCESS_ALLOWED : ACCESS_DENIED;
	}
	if (!s->has_object)
		return ACCESS_ABSENT;
	good = s->action->by == ACTION_OBJECT_ACL ? granted(s, &s->object) :
	    person && strcmp(model_ids[user], s->object.owner) == 0;
	return good ? ACCESS_ALLOWED : ACCESS_DENIED;
}

static enum access_answer
reference(const struct scene *s)
{
	enum model_user user = s->rq.user;
	bool allows, denies, allowed = user == MODEL_ROOT;
	bool keeps = s->sessions == 0 && (user == MODEL_ROOT ||
	    user == MODEL_ANN) && strcmp(s->rq.action,
	    "s3:GetBucketPolicy") == 0;

	if (user != MODEL_ANONYMOUS && !s->enabled)
		return ACCESS_DENIED;
	for (unsigned i = 0; user != MODEL_ANONYMOUS && i < s->owns; i++) {
		model_says(&s->own[i], &s->rq, &allows, &denies);
		if (denies)
			return ACCESS_DENIED;
		allowed = allowed || allows;
	}
	for (unsigned i = 0; i < s->sessions; i++) {
		model_says(&s->session[i], &s->rq, &allows, &denies);
		if (denies || !allows)
			return ACCESS_DENIED;
	}
	if (s->has_bucket) {
		model_says(&s->bucket, &s->rq, &allows, &denies);
		if (denies && !keeps)
			return ACCESS_DENIED;
		allowed = allowed || (allows && !denies &&
		    ((s->block & RESTRICT_PUBLIC_BUCKETS) == 0 ||
		    !model_is_public(&s->bucket) || user == MODEL_ANN));
	}
	return allowed ? ACCESS_ALLOWED : by_list_or_owner(s);
}

static const struct scene *now;

static const struct acl *
object_list(void *ctx)
{
	(void)ctx;
	return now->has_object ? &now->object : NULL;
}

static enum access_answer
judge(const struct scene *s, struct buf *text)
{
	struct iam_grant grants[GRANTS];
	struct iam_user user = { .name = model_names[s->rq.user],
		.id = model_ids[s->rq.user], .enabled = s->enabled,
		.root = s->rq.user == MODEL_ROOT,
		.member = s->rq.user == MODEL_MEL, .grants = grants,
		.grant_count = s->owns };
	struct access_bucket of = { .acl = s->list, .ownership = s->ownership,
		.block = s->block };
	struct access a = { .action = s->action, .versioned = s->versioned,
		.bucket = "box", .of = &of, .object = object_list,
		.value = model_value_text, .ctx = (void *)(uintptr_t)&s->rq };
	struct policy *own[GRANTS] = { NULL }, *session[2] = { NULL };
	char why[ACCESS_WHY_BYTES];
	enum access_answer answer;

	for (unsigned i = 0; i < s->owns; i++)
		grants[i] = (struct iam_grant){ own[i] = parse(&s->own[i],
		    text), "own" };
	for (unsigned i = 0; i < s->sessions; i++)
		a.session[i] = session[i] = parse(&s->session[i], text);
	if (s->has_bucket)
		of.policy = parse(&s->bucket, text);
	if (s->rq.user != MODEL_ANONYMOUS)
		a.user = &user;
	if (strcmp(s->rq.resource, "arn:aws:s3:::box/a") == 0)
		a.key = "a";
	now = s;
	answer = access_judge(&a, why);
	access_bucket_release(&of);
	for (unsigned i = 0; i < 2; i++) {
		policy_free(own[i]);
		policy_free(session[i]);
	}
	return answer;
}

static void
judgements(void)
{
	static struct scene s;
	struct buf text = BUF_INIT(POLICY_BYTES_MAX);
	unsigned by_answer[3] = { 0 };

	wrong = 0;
	for (unsigned i = 0; i < rounds; i++) {
		enum access_answer want, got;

		scene_random(&s);
		want = reference(&s);
		got = judge(&s, &text);
		if (got != want) {
			show(&s.rq, buf_str(&text));
			printf("# %s: %u, not %u\n", s.action->operation, got,
			    want);
		}
		by_answer[got]++;
	}
	buf_release(&text);
	tap_is_u64(wrong, 0, "%u judgements", rounds);
	tap_ok(by_answer[ACCESS_ALLOWED] > rounds / 10 &&
	    by_answer[ACCESS_DENIED] > rounds / 10 &&
	    by_answer[ACCESS_ABSENT] > rounds / 1000, "allowed %u, denied %u, "
	    "absent %u", by_answer[ACCESS_ALLOWED], by_answer[ACCESS_DENIED],
	    by_answer[ACCESS_ABSENT]);
}

int
main(void)
{
	if (getenv("EC_SEED") != NULL)
		state = strtoull(getenv("EC_SEED"), NULL, 10) | 1;
	if (getenv("EC_ROUNDS") != NULL)
		rounds = (unsigned)strtoul(getenv("EC_ROUNDS"), NULL, 10);
	tap_note("seed %" PRIu64, state);
	policies();
	judgements();
	return tap_done();
}
