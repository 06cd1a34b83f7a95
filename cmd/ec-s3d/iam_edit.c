/* Changes of the document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/os_linux.h"
#include "base64.h"
#include "iam_doc.h"

bool
iam_name_valid(const char *name)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
	    "nopqrstuvwxyz0123456789+=,.@-_$";
	size_t len = strlen(name);

	return len > 0 && len <= IAM_NAME_MAX && strspn(name, good) == len;
}

bool
iam_key_id_valid(const char *id)
{
	return iam_name_valid(id) && strlen(id) >= 3 &&
	    strpbrk(id, "=,") == NULL;
}

static enum err
lacking(const char *what, const char *name)
{
	log_error("there is no %s %s", what, name);
	return EC_ENOTFOUND;
}

/* Set a member; takes ${v} over, which may be NULL when memory ran out. */
static enum err
set(json_t *object, const char *name, json_t *v)
{
	return json_object_set_new(object, name, v) == 0 ? EC_OK : EC_ENOMEM;
}

static bool
text_good(const char *text, size_t max)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p != '\0'; p++)
		if (*p < ' ' || *p == 127)
			return false;
	return strlen(text) <= max;
}

/* Another user with this value; ids and addresses are those of one. */
static bool
taken(json_t *doc, const char *field, const char *value)
{
	json_t *v;
	const char *name;

	json_object_foreach(json_object_get(doc, "users"), name, v) {
		const char *has = json_string_value(json_object_get(v, field));

		if (value[0] != '\0' && has != NULL &&
		    strcasecmp(has, value) == 0)
			return true;
	}
	return false;
}

enum err
iam_doc_user_add(json_t *doc, const struct iam_doc_user *u)
{
	json_t *users = json_object_get(doc, "users");
	const char *display = u->display != NULL ? u->display : u->name;
	const char *email = u->email != NULL ? u->email : "";
	const char *id = u->id;
	uint8_t random[32];
	char made[2 * sizeof(random) + 1];

	if (id == NULL) {
		os_random(random, sizeof(random));
		num_hex(made, random, sizeof(random));
		id = made;
	}
	if (!iam_name_valid(u->name) || !iam_name_valid(id) ||
	    !text_good(display, IAM_TEXT_MAX) ||
	    !text_good(email, IAM_TEXT_MAX)) {
		log_error("user %s: not a name, id, display name or e-mail "
		    "address", u->name);
		return EC_EINVAL;
	}
	if (json_object_get(users, u->name) != NULL ||
	    taken(doc, "id", id) || taken(doc, "email", email)) {
		log_error("there is a user %s, or one with this id or e-mail "
		    "address", u->name);
		return EC_EEXIST;
	}
	return set(users, u->name, json_pack(
	    "{s:s,s:s,s:s,s:b,s:b,s:[],s:[],s:{}}", "id", id, "display",
	    display, "email", email, "enabled", 1, "member", (int)u->member,
	    "groups", "attached", "inline"));
}

static void
keys_of_user_remove(json_t *doc, const char *user)
{
	json_t *keys = json_object_get(doc, "keys"), *v;
	const char *id;
	void *tmp;

	json_object_foreach_safe(keys, tmp, id, v) {
		const char *of = json_string_value(json_object_get(v, "user"));

		if (of != NULL && strcmp(of, user) == 0)
			json_object_del(keys, id);
	}
}

enum err
iam_doc_user_remove(json_t *doc, const char *name)
{
	if (json_object_del(json_object_get(doc, "users"), name) != 0)
		return lacking("user", name);
	keys_of_user_remove(doc, name);
	return EC_OK;
}

enum err
iam_doc_group_add(json_t *doc, const char *name)
{
	json_t *groups = json_object_get(doc, "groups");

	if (!iam_name_valid(name)) {
		log_error("%s: not a name for a group", name);
		return EC_EINVAL;
	}
	if (json_object_get(groups, name) != NULL) {
		log_error("there is a group %s", name);
		return EC_EEXIST;
	}
	return set(groups, name, json_pack("{s:[],s:{}}", "attached",
	    "inline"));
}

/* Where ${text} stands in an array of texts; its size when it does not. */
static size_t
index_of(json_t *array, const char *text)
{
	size_t i;

	for (i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s != NULL && strcmp(s, text) == 0)
			break;
	}
	return i;
}

enum err
iam_doc_group_remove(json_t *doc, const char *name)
{
	json_t *v, *groups;
	const char *user;

	if (json_object_del(json_object_get(doc, "groups"), name) != 0)
		return lacking("group", name);
	json_object_foreach(json_object_get(doc, "users"), user, v) {
		groups = json_object_get(v, "groups");
		json_array_remove(groups, index_of(groups, name));
	}
	return EC_OK;
}

/* Put ${text} into an array or take it out; both may be so already. */
static enum err
member_set(json_t *array, const char *text, bool remove)
{
	size_t at = index_of(array, text);

	if (remove)
		json_array_remove(array, at);
	else if (at == json_array_size(array) &&
	    json_array_append_new(array, json_string(text)) != 0)
		return EC_ENOMEM;
	return EC_OK;
}

enum err
iam_doc_join(json_t *doc, const char *user, const char *group, bool leave)
{
	json_t *u = json_object_get(json_object_get(doc, "users"), user);

	if (u == NULL)
		return lacking("user", user);
	if (!leave && json_object_get(json_object_get(doc, "groups"),
	    group) == NULL)
		return lacking("group", group);
	return member_set(json_object_get(u, "groups"), group, leave);
}

static enum err
policy_check(json_t **out, const char *text, size_t len)
{
	struct policy *p = NULL;
	char why[POLICY_WHY_BYTES];
	enum err e = policy_parse(&p, POLICY_OF_IDENTITY, NULL, text, len,
	    why);

	policy_free(p);
	if (e != EC_OK) {
		log_error("the policy is refused: %s", why);
		return e;
	}
	*out = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	return *out != NULL ? EC_OK : EC_ENOMEM;
}

/* The secret in its sealed form, as text. */
static enum err
seal_text(char **out, const struct iam_doc_key *k,
    const uint8_t seal[SEAL_KEY_BYTES])
{
	struct buf sealed = BUF_INIT(IAM_SECRET_MAX + SEAL_OVERHEAD);
	enum err e = seal_close(&sealed, seal, k->id, k->secret,
	    strlen(k->secret));

	if (e == EC_OK && (*out = malloc(BASE64_TEXT_BYTES(sealed.len))) ==
	    NULL)
		e = EC_ENOMEM;
	if (e == EC_OK)
		base64_encode(*out, sealed.data, sealed.len);
	buf_release(&sealed);
	return e;
}

enum err
iam_doc_key_add(json_t *doc, const struct iam_doc_key *k,
    const char *root_user, const uint8_t seal[SEAL_KEY_BYTES])
{
	json_t *keys = json_object_get(doc, "keys"), *key = NULL;
	json_t *policy = NULL;
	char *sealed = NULL;
	enum err e;

	if (!iam_key_id_valid(k->id) || strlen(k->secret) < 8 ||
	    !text_good(k->secret, IAM_SECRET_MAX)) {
		log_error("an access key is 3 to %d characters, its secret 8 "
		    "to %d", IAM_NAME_MAX, IAM_SECRET_MAX);
		return EC_EINVAL;
	}
	if (strcmp(k->user, root_user) != 0 && json_object_get(
	    json_object_get(doc, "users"), k->user) == NULL)
		return lacking("user", k->user);
	if (json_object_get(keys, k->id) != NULL ||
	    strcmp(k->id, root_user) == 0) {
		log_error("there is an access key %s", k->id);
		return EC_EEXIST;
	}
	if ((k->policy != NULL && (e = policy_check(&policy, k->policy,
	    strlen(k->policy))) != EC_OK) ||
	    (e = seal_text(&sealed, k, seal)) != EC_OK)
		goto out;
	key = json_pack("{s:s,s:s,s:b,s:I}", "user", k->user, "secret", sealed,
	    "enabled", 1, "expires", (json_int_t)k->expires_s);
	if (key != NULL && policy != NULL &&
	    json_object_set(key, "policy", policy) != 0)
		e = EC_ENOMEM;
	if (e == EC_OK)
		e = set(keys, k->id, json_incref(key));
out:
	free(sealed);
	json_decref(key);
	json_decref(policy);
	return e;
}

static enum err
reseal(const char *id, json_t *key, const uint8_t old[SEAL_KEY_BYTES],
    const uint8_t seal[SEAL_KEY_BYTES])
{
	struct buf secret = BUF_INIT(IAM_SECRET_MAX + 1);
	struct iam_doc_key k = { .id = id };
	const char *text = json_string_value(json_object_get(key, "secret"));
	char *sealed = NULL;
	enum err e;

	if (text == NULL)
		text = "";
	if ((e = iam_secret_open(&secret, seal, id, text)) != EC_ECORRUPT)
		goto out;	/* by the new one already */
	if ((e = iam_secret_open(&secret, old, id, text)) != EC_OK) {
		if (e == EC_ECORRUPT) {
			log_error("the secret of access key %s was made under "
			    "neither password", id);
			e = EC_EINVAL;
		}
		goto out;
	}
	k.secret = buf_str(&secret);
	if ((e = seal_text(&sealed, &k, seal)) == EC_OK)
		e = set(key, "secret", json_string(sealed));
out:
	if (secret.data != NULL)
		explicit_bzero(secret.data, secret.cap);
	buf_release(&secret);
	free(sealed);
	return e;
}

enum err
iam_doc_reseal(json_t *doc, const uint8_t old[SEAL_KEY_BYTES],
    const uint8_t seal[SEAL_KEY_BYTES])
{
	json_t *key;
	const char *id;
	enum err e;

	json_object_foreach(json_object_get(doc, "keys"), id, key)
		if ((e = reseal(id, key, old, seal)) != EC_OK)
			return e;
	return EC_OK;
}

enum err
iam_doc_key_remove(json_t *doc, const char *id)
{
	return json_object_del(json_object_get(doc, "keys"), id) == 0 ?
	    EC_OK : lacking("access key", id);
}

static json_t *
find(json_t *doc, enum iam_doc_on on, const char *name)
{
	static const char *const sections[] = { "users", "groups", "keys" };

	return json_object_get(json_object_get(doc, sections[on]), name);
}

static enum err
lacking_on(enum iam_doc_on on, const char *name)
{
	static const char *const what[] = { "user", "group", "access key" };

	return lacking(what[on], name);
}

enum err
iam_doc_enable(json_t *doc, enum iam_doc_on on, const char *name, bool enabled)
{
	json_t *v = find(doc, on, name);

	return v == NULL ? lacking_on(on, name) :
	    set(v, "enabled", json_boolean(enabled));
}

enum err
iam_doc_policy_set(json_t *doc, const char *name, const char *text, size_t len)
{
	json_t *policy = NULL;
	enum err e;

	if (!iam_name_valid(name) || iam_builtin(name) != NULL) {
		log_error("%s: not a name for a policy, or that of a built-in "
		    "one", name);
		return EC_EINVAL;
	}
	e = policy_check(&policy, text, len);
	return e != EC_OK ? e : set(json_object_get(doc, "policies"), name,
	    policy);
}

/* Nobody may lose a Deny by its policy going away. */
enum err
iam_doc_policy_remove(json_t *doc, const char *name)
{
	static const char *const sections[] = { "users", "groups" };
	json_t *v, *attached;
	const char *who;
	size_t i;

	for (i = 0; i < 2; i++)
		json_object_foreach(json_object_get(doc, sections[i]), who,
		    v) {
			attached = json_object_get(v, "attached");
			if (index_of(attached, name) <
			    json_array_size(attached)) {
				log_error("policy %s is attached to %s", name,
				    who);
				return EC_ENOTEMPTY;
			}
		}
	return json_object_del(json_object_get(doc, "policies"), name) == 0 ?
	    EC_OK : lacking("policy", name);
}

enum err
iam_doc_attach(json_t *doc, enum iam_doc_on on, const char *name,
    const char *policy, bool detach)
{
	json_t *v = find(doc, on, name);

	if (v == NULL)
		return lacking_on(on, name);
	if (!detach && iam_builtin(policy) == NULL && json_object_get(
	    json_object_get(doc, "policies"), policy) == NULL)
		return lacking("policy", policy);
	return member_set(json_object_get(v, "attached"), policy, detach);
}

enum err
iam_doc_inline(json_t *doc, enum iam_doc_on on, const char *name,
    const char *policy, const char *text, size_t len)
{
	json_t *v = find(doc, on, name), *parsed = NULL, *all;
	enum err e;

	if (v == NULL)
		return lacking_on(on, name);
	all = json_object_get(v, "inline");
	if (text == NULL)
		return json_object_del(all, policy) == 0 ? EC_OK :
		    lacking("policy", policy);
	if (!iam_name_valid(policy)) {
		log_error("%s: not a name for a policy", policy);
		return EC_EINVAL;
	}
	e = policy_check(&parsed, text, len);
	return e != EC_OK ? e : set(all, policy, parsed);
}
