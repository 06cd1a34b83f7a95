#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "explain.h"

struct question {
	const struct explain *what;
	struct access access;
	struct access_bucket of;
	struct acl list;
	bool has_list;
	char bucket[RECORD_BUCKET_MAX + 1];
};

static const char *
value(void *ctx, const char *key, unsigned i)
{
	const struct question *q = ctx;

	return q->what->value(q->what->ctx, key, i);
}

static const struct acl *
list(void *ctx)
{
	const struct question *q = ctx;

	return q->has_list ? &q->list : NULL;
}

static enum err
find_user(struct access *a, const struct iam *iam, const char *name)
{
	const struct iam_key *key = iam_key_find(iam, name);

	a->user = key != NULL ? key->user : iam_user_find(iam, name);
	if (key != NULL)
		a->session[0] = key->policy;
	if (a->user != NULL || strcmp(name, "anonymous") == 0)
		return EC_OK;
	log_error("there is no user and no access key %s", name);
	return EC_ENOTFOUND;
}

static enum err
find_target(struct question *q, const char *target)
{
	size_t len = strcspn(target, "/");

	if (len >= sizeof(q->bucket)) {
		log_error("%s: not a bucket's name", target);
		return EC_EINVAL;
	}
	memcpy(q->bucket, target, len);
	q->access.bucket = len > 0 ? q->bucket : NULL;
	q->access.key = target[len] == '/' && target[len + 1] != '\0' ?
	    target + len + 1 : NULL;
	return EC_OK;
}

/* Bucket and object as they are. */
static enum err
look(struct question *q, struct store *st, const struct iam *iam)
{
	struct bucket b = BUCKET_INIT;
	struct object o = OBJECT_INIT;
	enum err e;

	if ((e = store_bucket_get(st, q->bucket, &b)) != EC_OK) {
		log_error("%s: %s", q->bucket, err_text(e));
		goto out;
	}
	access_bucket_load(&q->of, &b, iam_root_user(iam)->id);
	q->access.of = &q->of;
	q->has_list = q->access.key != NULL && store_get_open(st, q->bucket,
	    q->access.key, NULL, NULL, &o) == EC_OK &&
	    access_object_acl(&q->list, &o.meta, &q->of) == EC_OK;
out:
	bucket_release(&b);
	object_release(&o);
	return e;
}

enum err
explain(struct store *st, const struct iam *iam, const struct explain *what,
    bool *allowed, char why[ACCESS_WHY_BYTES])
{
	struct question *q = calloc(1, sizeof(*q));
	enum err e;

	if (q == NULL)
		return EC_ENOMEM;
	q->what = what;
	q->access = (struct access){ .value = value, .object = list,
		.ctx = q, .action = action_find(what->operation) };
	if (q->access.action == NULL) {
		log_error("%s is not an operation, as GetObject is",
		    what->operation);
		e = EC_EINVAL;
		goto out;
	}
	if ((e = find_user(&q->access, iam, what->user)) != EC_OK ||
	    (e = find_target(q, what->target)) != EC_OK ||
	    (q->access.bucket != NULL && q->access.action->by !=
	    ACTION_USER && (e = look(q, st, iam)) != EC_OK))
		goto out;
	*allowed = access_judge(&q->access, why) == ACCESS_ALLOWED;
out:
	access_bucket_release(&q->of);
	free(q);
	return e;
}
