#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base64.h"
#include "iam.h"
#include "iam_doc.h"

/* The SHA-256 of "ec": a canonical user id has that form. */
#define ROOT_ID \
	"1eb85f4d6a3234ce7acb8c51c75930f12e952517e2e389914a6ca8f89a881a0d"

struct named_policy {
	char *from;
	struct policy *policy;
};

struct iam {
	atomic_uint refs;
	json_t *doc;			/* names lead into it */
	uint8_t seal[SEAL_KEY_BYTES];
	struct iam_user *users;		/* root first, then by name */
	size_t user_count;
	struct iam_key *keys;		/* by id; root's is among them */
	size_t key_count;
	struct named_policy *policies;
	size_t policy_count, policy_max;
	char *root_user, *root_password;
};

static const struct {
	const char *name, *document;
} builtins[] = {
	{ "readonly", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
	    "\"Allow\",\"Action\":[\"s3:Get*\",\"s3:List*\"],\"Resource\":"
	    "\"arn:aws:s3:::*\"}]}" },
	{ "readwrite", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
	    "\"Allow\",\"Action\":\"s3:*\",\"Resource\":"
	    "\"arn:aws:s3:::*\"}]}" },
	{ "writeonly", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
	    "\"Allow\",\"Action\":\"s3:PutObject\",\"Resource\":"
	    "\"arn:aws:s3:::*\"}]}" },
};

const char *
iam_builtin(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return builtins[i].document;
	return NULL;
}

void
iam_seal_key(uint8_t out[SEAL_KEY_BYTES], const char *root_password)
{
	seal_key(out, root_password, strlen(root_password), "iam secrets 1");
}

static const char *
text_of(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* The policy, parsed once and kept with ${iam}; NULL if it is not good. */
static const struct policy *
keep_policy(struct iam *iam, const char *kind, const char *owner,
    const char *name, const char *text)
{
	struct buf from = BUF_INIT(1024);
	struct named_policy *p = &iam->policies[iam->policy_count];
	char why[POLICY_WHY_BYTES];

	if (iam->policy_count == iam->policy_max ||
	    buf_printf(&from, "%s%s%s%s", kind, owner, owner[0] != '\0' ? "/" :
	    "", name) != EC_OK || (p->from = strdup(buf_str(&from))) == NULL)
		goto out;
	if (policy_parse(&p->policy, POLICY_OF_IDENTITY, NULL, text,
	    strlen(text), why) != EC_OK) {
		log_error("policy %s: %s", p->from, why);
		free(p->from);
		p->from = NULL;
		goto out;
	}
	iam->policy_count++;
	buf_release(&from);
	return p->policy;
out:
	buf_release(&from);
	return NULL;
}

static bool
grant(struct iam *iam, struct iam_user *u, const struct policy *p)
{
	size_t i;

	if (p == NULL)
		return false;
	for (i = iam->policy_count; i-- > 0;)
		if (iam->policies[i].policy == p)
			u->grants[u->grant_count++] = (struct iam_grant){ p,
				iam->policies[i].from };
	return true;
}

/* A policy of its own or a built-in one; each is parsed once. */
static const struct policy *
find_policy(struct iam *iam, const char *name)
{
	const char *text = iam_builtin(name);
	json_t *own = json_object_get(json_object_get(iam->doc, "policies"),
	    name);
	const struct policy *p = NULL;
	char *dump = NULL;
	size_t i;

	for (i = 0; i < iam->policy_count; i++)
		if (strncmp(iam->policies[i].from, "policy ", 7) == 0 &&
		    strcmp(iam->policies[i].from + 7, name) == 0)
			return iam->policies[i].policy;
	if (own != NULL)
		text = dump = json_dumps(own, JSON_COMPACT);
	if (text != NULL)
		p = keep_policy(iam, "policy ", "", name, text);
	free(dump);
	return p;
}

/* All policies of a user's or group's object.  False: one is not good. */
static bool
grant_all(struct iam *iam, struct iam_user *u, const char *kind,
    const char *owner, json_t *object)
{
	json_t *attached = json_object_get(object, "attached"), *value;
	const char *name;
	bool good = true;
	size_t i;

	for (i = 0; i < json_array_size(attached); i++) {
		name = json_string_value(json_array_get(attached, i));
		good = good && name != NULL &&
		    grant(iam, u, find_policy(iam, name));
	}
	json_object_foreach(json_object_get(object, "inline"), name, value) {
		char *dump = json_dumps(value, JSON_COMPACT);

		good = good && dump != NULL && grant(iam, u,
		    keep_policy(iam, kind, owner, name, dump));
		free(dump);
	}
	return good;
}

static size_t
policies_of(json_t *object)
{
	return json_array_size(json_object_get(object, "attached")) +
	    json_object_size(json_object_get(object, "inline"));
}

static enum err
make_user(struct iam *iam, struct iam_user *u, const char *name, json_t *object)
{
	json_t *groups = json_object_get(object, "groups"), *all, *group;
	size_t i, max = policies_of(object);
	bool good;

	all = json_object_get(iam->doc, "groups");
	for (i = 0; i < json_array_size(groups); i++)
		max += policies_of(json_object_get(all, json_string_value(
		    json_array_get(groups, i))));
	u->name = name;
	u->id = text_of(object, "id");
	u->display = text_of(object, "display");
	u->email = text_of(object, "email");
	u->member = json_is_true(json_object_get(object, "member"));
	if ((u->grants = calloc(max + 1, sizeof(*u->grants))) == NULL)
		return EC_ENOMEM;
	good = u->id[0] != '\0' && grant_all(iam, u, "user ", name, object);
	for (i = 0; i < json_array_size(groups) && good; i++) {
		const char *of = json_string_value(json_array_get(groups, i));

		group = of != NULL ? json_object_get(all, of) : NULL;
		good = group != NULL && grant_all(iam, u, "group ", of, group);
	}
	if (!good)
		log_error("user %s is disabled: a policy of his cannot be used",
		    name);
	u->enabled = good && !json_is_false(json_object_get(object,
	    "enabled"));
	return EC_OK;
}

static int
user_cmp(const void *a, const void *b)
{
	const struct iam_user *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
key_cmp(const void *a, const void *b)
{
	const struct iam_key *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static size_t
count_policies(json_t *doc)
{
	size_t n = json_object_size(json_object_get(doc, "policies")) +
	    sizeof(builtins) / sizeof(builtins[0]);
	json_t *v, *groups = json_object_get(doc, "groups");
	const char *name;

	json_object_foreach(json_object_get(doc, "users"), name, v) {
		json_t *in = json_object_get(v, "groups");
		size_t i;

		n += policies_of(v);
		for (i = 0; i < json_array_size(in); i++)
			n += policies_of(json_object_get(groups,
			    json_string_value(json_array_get(in, i))));
	}
	return n;
}

static enum err
make_users(struct iam *iam)
{
	json_t *users = json_object_get(iam->doc, "users"), *v;
	struct iam_user *u;
	const char *name;
	enum err e;

	iam->policy_max = count_policies(iam->doc);
	iam->policies = calloc(iam->policy_max + 1, sizeof(*iam->policies));
	iam->users = calloc(json_object_size(users) + 1, sizeof(*u));
	if (iam->policies == NULL || iam->users == NULL)
		return EC_ENOMEM;
	u = &iam->users[iam->user_count++];
	*u = (struct iam_user){ .name = iam->root_user, .id = ROOT_ID,
		.display = "ec", .email = "", .root = true, .enabled = true };
	json_object_foreach(users, name, v) {
		u = &iam->users[iam->user_count++];
		if ((e = make_user(iam, u, name, v)) != EC_OK)
			return e;
	}
	qsort(iam->users + 1, iam->user_count - 1, sizeof(*u), user_cmp);
	return EC_OK;
}

enum err
iam_secret_open(struct buf *out, const uint8_t seal[SEAL_KEY_BYTES],
    const char *id, const char *text)
{
	uint8_t sealed[IAM_SECRET_MAX + SEAL_OVERHEAD];
	size_t len = strlen(text) / 4 * 3, i;

	for (i = strlen(text); i > 0 && text[i - 1] == '='; i--)
		len--;
	return len <= sizeof(sealed) &&
	    base64_decode(sealed, len, text) == EC_OK ?
	    seal_open(out, seal, id, sealed, len) : EC_ECORRUPT;
}

/* The secret of a key, opened; NULL when it cannot be. */
static char *
open_secret(struct iam *iam, const char *id, json_t *object)
{
	struct buf out = BUF_INIT(IAM_SECRET_MAX + 1);
	char *secret = NULL;

	if (iam_secret_open(&out, iam->seal, id, text_of(object, "secret")) ==
	    EC_OK)
		secret = strdup(buf_str(&out));
	else
		log_error("the secret of access key %s cannot be opened: it "
		    "was made under another root password", id);
	if (out.data != NULL)
		explicit_bzero(out.data, out.cap);
	buf_release(&out);
	return secret;
}

static enum err
make_key(struct iam *iam, struct iam_key *k, const char *id, json_t *object)
{
	json_t *policy = json_object_get(object, "policy");
	char why[POLICY_WHY_BYTES], *dump = NULL;
	enum err e = EC_OK;

	k->user = iam_user_find(iam, text_of(object, "user"));
	if (k->user == NULL || (k->secret = open_secret(iam, id, object)) ==
	    NULL)
		return EC_OK;
	k->id = id;
	k->expires_s = json_integer_value(json_object_get(object, "expires"));
	k->enabled = !json_is_false(json_object_get(object, "enabled"));
	if (policy != NULL) {
		if ((dump = json_dumps(policy, JSON_COMPACT)) == NULL)
			return EC_ENOMEM;
		e = policy_parse(&k->policy, POLICY_OF_IDENTITY, NULL, dump,
		    strlen(dump), why);
		if (e != EC_OK) {
			log_error("access key %s is disabled: %s", id, why);
			k->enabled = false;
		}
	}
	free(dump);
	return e == EC_ENOMEM ? e : EC_OK;
}

static enum err
make_keys(struct iam *iam)
{
	json_t *keys = json_object_get(iam->doc, "keys"), *v;
	const char *id;
	enum err e;

	iam->keys = calloc(json_object_size(keys) + 1, sizeof(*iam->keys));
	if (iam->keys == NULL)
		return EC_ENOMEM;
	iam->keys[iam->key_count++] = (struct iam_key){
		.id = iam->root_user, .secret = strdup(iam->root_password),
		.user = &iam->users[0], .enabled = true };
	if (iam->keys[0].secret == NULL)
		return EC_ENOMEM;
	json_object_foreach(keys, id, v) {
		struct iam_key *k = &iam->keys[iam->key_count];

		if (strcmp(id, iam->root_user) == 0)
			continue;
		if ((e = make_key(iam, k, id, v)) != EC_OK)
			return e;
		iam->key_count += k->id != NULL;
	}
	qsort(iam->keys, iam->key_count, sizeof(*iam->keys), key_cmp);
	return EC_OK;
}

enum err
iam_new(struct iam **out, const char *text, size_t len,
    const struct iam_root *root)
{
	struct iam *iam = calloc(1, sizeof(*iam));
	enum err e = EC_ENOMEM;

	if (iam == NULL)
		return EC_ENOMEM;
	atomic_init(&iam->refs, 1);
	iam_seal_key(iam->seal, root->password);
	if ((iam->root_user = strdup(root->user)) == NULL ||
	    (iam->root_password = strdup(root->password)) == NULL ||
	    (e = iam_doc_parse(&iam->doc, text, len)) != EC_OK ||
	    (e = make_users(iam)) != EC_OK || (e = make_keys(iam)) != EC_OK) {
		iam_unref(iam);
		return e;
	}
	*out = iam;
	return EC_OK;
}

struct iam *
iam_ref(struct iam *iam)
{
	atomic_fetch_add(&iam->refs, 1);
	return iam;
}

static void
wipe(const char *secret)
{
	char *s = (char *)(uintptr_t)secret;

	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

void
iam_unref(struct iam *iam)
{
	size_t i;

	if (iam == NULL || atomic_fetch_sub(&iam->refs, 1) > 1)
		return;
	for (i = 0; i < iam->user_count; i++)
		free(iam->users[i].grants);
	for (i = 0; i < iam->key_count; i++) {
		wipe(iam->keys[i].secret);
		policy_free(iam->keys[i].policy);
	}
	for (i = 0; i < iam->policy_count; i++) {
		policy_free(iam->policies[i].policy);
		free(iam->policies[i].from);
	}
	free(iam->policies);
	free(iam->users);
	free(iam->keys);
	free(iam->root_user);
	wipe(iam->root_password);
	explicit_bzero(iam->seal, sizeof(iam->seal));
	json_decref(iam->doc);
	free(iam);
}

const struct iam_key *
iam_key_find(const struct iam *iam, const char *id)
{
	const struct iam_key key = { .id = id };

	return bsearch(&key, iam->keys, iam->key_count, sizeof(key), key_cmp);
}

const struct iam_user *
iam_user_find(const struct iam *iam, const char *name)
{
	const struct iam_user user = { .name = name };

	if (strcmp(name, iam->users[0].name) == 0)
		return &iam->users[0];
	return bsearch(&user, iam->users + 1, iam->user_count - 1,
	    sizeof(user), user_cmp);
}

const struct iam_user *
iam_user_by_id(const struct iam *iam, const char *id)
{
	size_t i;

	for (i = 0; i < iam->user_count; i++)
		if (strcmp(iam->users[i].id, id) == 0)
			return &iam->users[i];
	return NULL;
}

const struct iam_user *
iam_user_by_email(const struct iam *iam, const char *email)
{
	size_t i;

	for (i = 0; i < iam->user_count && email[0] != '\0'; i++)
		if (strcasecmp(iam->users[i].email, email) == 0)
			return &iam->users[i];
	return NULL;
}

const struct iam_user *
iam_root_user(const struct iam *iam)
{
	return &iam->users[0];
}

const uint8_t *
iam_seal(const struct iam *iam)
{
	return iam->seal;
}
