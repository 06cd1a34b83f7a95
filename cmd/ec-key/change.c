#include "change.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"

static enum err
add_key(struct job *j, json_t *doc, const char *user)
{
	const struct args *a = j->args;
	struct iam_doc_key k = { .id = job_key_id(j), .secret = j->secret,
		.user = user };
	uint64_t seconds;

	if (a->policy_file != NULL)
		k.policy = buf_str(&j->policy);
	if (a->expires != NULL) {
		if (num_parse(&seconds, a->expires, 1, UINT32_MAX) != EC_OK)
			return EC_EINVAL;
		k.expires_s = (int64_t)time(NULL) + (int64_t)seconds;
	}
	return iam_doc_key_add(doc, &k, j->root.user, j->seal);
}

enum err
change_user_add(struct job *j, json_t *doc)
{
	const struct args *a = j->args;
	const struct iam_doc_user u = { .name = a->operand[0], .id = a->id,
		.display = a->display, .email = a->email,
		.member = a->member };
	enum err e;

	if (strcmp(u.name, j->root.user) == 0) {
		log_error("%s is the root user", u.name);
		return EC_EEXIST;
	}
	if ((e = iam_doc_user_add(doc, &u)) != EC_OK)
		return e;
	if (a->policy != NULL && (e = iam_doc_attach(doc, IAM_ON_USER, u.name,
	    a->policy, false)) != EC_OK)
		return e;
	return a->no_key ? EC_OK : add_key(j, doc, u.name);
}

enum err
change_user_remove(struct job *j, json_t *doc)
{
	return iam_doc_user_remove(doc, j->args->operand[0]);
}

enum err
change_enable(struct job *j, json_t *doc)
{
	return iam_doc_enable(doc, strcmp(j->noun, "key") == 0 ? IAM_ON_KEY :
	    IAM_ON_USER, j->args->operand[0], strcmp(j->verb, "enable") == 0);
}

enum err
change_key_add(struct job *j, json_t *doc)
{
	return add_key(j, doc, j->args->operand[0]);
}

enum err
change_key_remove(struct job *j, json_t *doc)
{
	return iam_doc_key_remove(doc, j->args->operand[0]);
}

enum err
change_key_reseal(struct job *j, json_t *doc)
{
	uint8_t old[SEAL_KEY_BYTES];
	enum err e;

	iam_seal_key(old, j->secret);
	e = iam_doc_reseal(doc, old, j->seal);
	explicit_bzero(old, sizeof(old));
	return e;
}

enum err
change_group_add(struct job *j, json_t *doc)
{
	return iam_doc_group_add(doc, j->args->operand[0]);
}

enum err
change_group_remove(struct job *j, json_t *doc)
{
	return iam_doc_group_remove(doc, j->args->operand[0]);
}

enum err
change_group_join(struct job *j, json_t *doc)
{
	return iam_doc_join(doc, j->args->operand[1], j->args->operand[0],
	    false);
}

enum err
change_group_leave(struct job *j, json_t *doc)
{
	return iam_doc_join(doc, j->args->operand[1], j->args->operand[0],
	    true);
}

enum err
change_policy_set(struct job *j, json_t *doc)
{
	const struct args *a = j->args;
	enum iam_doc_on on;
	const char *who = job_whose(j, &on);

	return who == NULL ? iam_doc_policy_set(doc, a->operand[0],
	    buf_str(&j->policy), j->policy.len) : iam_doc_inline(doc, on, who,
	    a->operand[0], buf_str(&j->policy), j->policy.len);
}

enum err
change_policy_remove(struct job *j, json_t *doc)
{
	const struct args *a = j->args;
	enum iam_doc_on on;
	const char *who = job_whose(j, &on);

	return who == NULL ? iam_doc_policy_remove(doc, a->operand[0]) :
	    iam_doc_inline(doc, on, who, a->operand[0], NULL, 0);
}

static enum err
attach(struct job *j, json_t *doc, bool detach)
{
	enum iam_doc_on on;
	const char *who = job_whose(j, &on);

	if (who == NULL)
		opt_misuse("--user or --group is needed");
	return iam_doc_attach(doc, on, who, j->args->operand[0], detach);
}

enum err
change_policy_attach(struct job *j, json_t *doc)
{
	return attach(j, doc, false);
}

enum err
change_policy_detach(struct job *j, json_t *doc)
{
	return attach(j, doc, true);
}
