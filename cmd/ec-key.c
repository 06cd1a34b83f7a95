/* ec-key: users, access keys, groups and policies of the S3 server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "base/log.h"
#include "base/num.h"
#include "ec-s3d/credentials.h"
#include "ec-s3d/explain.h"
#include "ec-s3d/iam_doc.h"
#include "ec-s3d/session.h"
#include "store/tool.h"

enum { OUT_MAX = 64 * 1024 * 1024, KEY_CHARS = 20, SECRET_CHARS = 40 };

struct args {
	struct opt_list drives, values;
	const char *id, *display, *email, *access_key, *secret, *secret_file;
	const char *policy, *policy_file, *user, *group, *expires;
	bool member, no_key;
	const char *operand[4];		/* behind the command */
	unsigned operands;
};

/* What a command works with. */
struct job {
	const struct args *args;
	struct credentials root;
	uint8_t seal[SEAL_KEY_BYTES];
	struct buf policy;		/* of --policy-file or an operand */
	char key_id[KEY_CHARS + 1], secret[IAM_SECRET_MAX + 1];
	const char *noun, *verb;	/* the command */
	enum err (*change)(struct job *j, json_t *doc);
	enum err (*show)(struct job *j, json_t *doc, struct buf *out);
};

static enum err
read_file(struct buf *out, const char *name)
{
	FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	char part[4096];
	size_t n;
	enum err e = EC_OK;

	if (f == NULL) {
		log_error("%s: %m", name);
		return EC_ENOTFOUND;
	}
	while (e == EC_OK && (n = fread(part, 1, sizeof(part), f)) > 0)
		e = buf_add(out, part, n);
	if (e == EC_OK && ferror(f))
		e = EC_EIO;
	if (f != stdin)
		fclose(f);
	if (e != EC_OK)
		log_error("%s: %s", name, err_text(e));
	return e;
}

/* The secret given, in a file's first line, or a new one. */
static enum err
make_key(struct job *j)
{
	const struct args *a = j->args;
	struct buf text = BUF_INIT(4096);
	const char *secret = a->secret;
	enum err e = EC_OK;

	memcpy(j->key_id, "AKIA", 4);
	session_random(j->key_id + 4, KEY_CHARS - 4);
	session_random(j->secret, SECRET_CHARS);
	if (a->secret_file != NULL) {
		if ((e = read_file(&text, a->secret_file)) != EC_OK)
			goto out;
		secret = buf_str(&text);
	}
	if (secret != NULL) {
		size_t len = strcspn(secret, "\r\n");

		if (len > IAM_SECRET_MAX) {
			e = EC_EINVAL;
			goto out;
		}
		memcpy(j->secret, secret, len);
		j->secret[len] = '\0';
	}
out:
	buf_release(&text);
	return e;
}

static const char *
key_id(const struct job *j)
{
	return j->args->access_key != NULL ? j->args->access_key : j->key_id;
}

static enum err
add_key(struct job *j, json_t *doc, const char *user)
{
	const struct args *a = j->args;
	struct iam_doc_key k = { .id = key_id(j), .secret = j->secret,
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

static enum err
user_add(struct job *j, json_t *doc)
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

static enum err
user_remove(struct job *j, json_t *doc)
{
	return iam_doc_user_remove(doc, j->args->operand[0]);
}

/* Or disable. */
static enum err
enable(struct job *j, json_t *doc)
{
	return iam_doc_enable(doc, strcmp(j->noun, "key") == 0 ? IAM_ON_KEY :
	    IAM_ON_USER, j->args->operand[0], strcmp(j->verb, "enable") == 0);
}

static enum err
key_add(struct job *j, json_t *doc)
{
	return add_key(j, doc, j->args->operand[0]);
}

static enum err
key_remove(struct job *j, json_t *doc)
{
	return iam_doc_key_remove(doc, j->args->operand[0]);
}

static enum err
group_add(struct job *j, json_t *doc)
{
	return iam_doc_group_add(doc, j->args->operand[0]);
}

static enum err
group_remove(struct job *j, json_t *doc)
{
	return iam_doc_group_remove(doc, j->args->operand[0]);
}

static enum err
group_join(struct job *j, json_t *doc)
{
	return iam_doc_join(doc, j->args->operand[1], j->args->operand[0],
	    false);
}

static enum err
group_leave(struct job *j, json_t *doc)
{
	return iam_doc_join(doc, j->args->operand[1], j->args->operand[0],
	    true);
}

/* Whose, by --user and --group; NULL: nobody's, a policy of its own. */
static const char *
whose(const struct args *a, enum iam_doc_on *on)
{
	*on = a->group != NULL ? IAM_ON_GROUP : IAM_ON_USER;
	return a->group != NULL ? a->group : a->user;
}

static enum err
policy_set(struct job *j, json_t *doc)
{
	const struct args *a = j->args;
	enum iam_doc_on on;
	const char *who = whose(a, &on);

	return who == NULL ? iam_doc_policy_set(doc, a->operand[0],
	    buf_str(&j->policy), j->policy.len) : iam_doc_inline(doc, on, who,
	    a->operand[0], buf_str(&j->policy), j->policy.len);
}

static enum err
policy_remove(struct job *j, json_t *doc)
{
	const struct args *a = j->args;
	enum iam_doc_on on;
	const char *who = whose(a, &on);

	return who == NULL ? iam_doc_policy_remove(doc, a->operand[0]) :
	    iam_doc_inline(doc, on, who, a->operand[0], NULL, 0);
}

static enum err
attach(struct job *j, json_t *doc, bool detach)
{
	enum iam_doc_on on;
	const char *who = whose(j->args, &on);

	if (who == NULL)
		opt_misuse("--user or --group is needed");
	return iam_doc_attach(doc, on, who, j->args->operand[0], detach);
}

static enum err
policy_attach(struct job *j, json_t *doc)
{
	return attach(j, doc, false);
}

static enum err
policy_detach(struct job *j, json_t *doc)
{
	return attach(j, doc, true);
}

static const char *
text_of(json_t *v, const char *name)
{
	const char *text = json_string_value(json_object_get(v, name));

	return text != NULL ? text : "";
}

/* Names, separated by commas. */
static enum err
add_names(struct buf *out, json_t *array, json_t *object)
{
	const char *name, *comma = "";
	json_t *v;
	size_t i;
	enum err e = EC_OK;

	for (i = 0; i < json_array_size(array) && e == EC_OK; i++) {
		name = json_string_value(json_array_get(array, i));
		e = buf_printf(out, "%s%s", comma, name != NULL ? name : "");
		comma = ",";
	}
	json_object_foreach(object, name, v) {
		if (e == EC_OK)
			e = buf_printf(out, "%s%s", comma, name);
		comma = ",";
	}
	return e == EC_OK && comma[0] == '\0' ? buf_add_str(out, "-") : e;
}

static enum err
user_list(struct job *j, json_t *doc, struct buf *out)
{
	const char *name;
	json_t *v;
	enum err e = EC_OK;

	(void)j;
	json_object_foreach(json_object_get(doc, "users"), name, v) {
		if (e != EC_OK || (e = buf_printf(out, "%s\t%s\t%s\t%s\t%s\t",
		    name, json_is_true(json_object_get(v, "enabled")) ?
		    json_is_true(json_object_get(v, "member")) ? "member" :
		    "user" : "disabled", text_of(v, "id"),
		    text_of(v, "display"), text_of(v, "email"))) != EC_OK ||
		    (e = add_names(out, json_object_get(v, "groups"), NULL)) !=
		    EC_OK || (e = buf_add_str(out, "\t")) != EC_OK ||
		    (e = add_names(out, json_object_get(v, "attached"),
		    json_object_get(v, "inline"))) != EC_OK)
			break;
		e = buf_add_str(out, "\n");
	}
	return e;
}

static enum err
key_list(struct job *j, json_t *doc, struct buf *out)
{
	const char *id;
	json_t *v;
	enum err e = EC_OK;

	(void)j;
	json_object_foreach(json_object_get(doc, "keys"), id, v) {
		long long expires = json_integer_value(json_object_get(v,
		    "expires"));

		if (e != EC_OK)
			break;
		e = buf_printf(out, "%s\t%s\t%s\t%lld\t%s\n", id,
		    text_of(v, "user"), !json_is_true(json_object_get(v,
		    "enabled")) ? "disabled" : expires != 0 &&
		    expires <= (long long)time(NULL) ? "expired" : "enabled",
		    expires, json_object_get(v, "policy") != NULL ?
		    "narrowed" : "-");
	}
	return e;
}

static enum err
group_list(struct job *j, json_t *doc, struct buf *out)
{
	const char *name;
	json_t *v;
	enum err e = EC_OK;

	(void)j;
	json_object_foreach(json_object_get(doc, "groups"), name, v) {
		if (e != EC_OK || (e = buf_printf(out, "%s\t", name)) !=
		    EC_OK || (e = add_names(out, json_object_get(v,
		    "attached"), json_object_get(v, "inline"))) != EC_OK)
			break;
		e = buf_add_str(out, "\n");
	}
	return e;
}

static enum err
policy_list(struct job *j, json_t *doc, struct buf *out)
{
	const char *name;
	json_t *v;
	enum err e = buf_add_str(out, "readonly\nreadwrite\nwriteonly\n");

	(void)j;
	json_object_foreach(json_object_get(doc, "policies"), name, v)
		if (e == EC_OK)
			e = buf_printf(out, "%s\n", name);
	return e;
}

static enum err
policy_show(struct job *j, json_t *doc, struct buf *out)
{
	enum iam_doc_on on;
	const char *who = whose(j->args, &on), *name = j->args->operand[0];
	json_t *v = who == NULL ? json_object_get(doc, "policies") :
	    json_object_get(json_object_get(json_object_get(doc, on ==
	    IAM_ON_USER ? "users" : "groups"), who), "inline");
	const char *text = who == NULL ? iam_builtin(name) : NULL;
	char *dump = NULL;
	enum err e;

	if (text == NULL && (v = json_object_get(v, name)) != NULL)
		text = dump = json_dumps(v, JSON_INDENT(2));
	if (text == NULL) {
		log_error("there is no policy %s", name);
		return EC_ENOTFOUND;
	}
	e = buf_printf(out, "%s\n", text);
	free(dump);
	return e;
}

/* "key=value" items of --value. */
static const char *
given_value(void *ctx, const char *key, unsigned i)
{
	const struct args *a = ctx;
	size_t n, len = strlen(key);

	for (n = 0; n < a->values.len; n++)
		if (strncasecmp(a->values.v[n], key, len) == 0 &&
		    a->values.v[n][len] == '=' && i-- == 0)
			return a->values.v[n] + len + 1;
	return NULL;
}

/* USER OPERATION [BUCKET[/KEY]]. */
static enum err
say_explained(struct store *st, struct job *j, const struct iam *iam)
{
	const struct args *a = j->args;
	const struct explain what = { .user = a->operand[0],
		.operation = a->operand[1],
		.target = a->operands > 2 ? a->operand[2] : "",
		.value = given_value, .ctx = (void *)(uintptr_t)a };
	char why[ACCESS_WHY_BYTES];
	bool allowed;
	enum err e = explain(st, iam, &what, &allowed, why);

	if (e != EC_OK)
		return e;
	printf("%s\t%s\n", allowed ? "allowed" : "denied", why);
	if (fflush(stdout) != 0)
		return EC_EIO;
	return allowed ? EC_OK : EC_EDENIED;
}

static const struct command {
	const char *noun, *verb;
	unsigned min, max;		/* operands behind them */
	enum err (*change)(struct job *j, json_t *doc);
	enum err (*show)(struct job *j, json_t *doc, struct buf *out);
	bool makes_key;
} commands[] = {
	{ "user", "add", 1, 1, user_add, NULL, true },
	{ "user", "remove", 1, 1, user_remove, NULL, false },
	{ "user", "enable", 1, 1, enable, NULL, false },
	{ "user", "disable", 1, 1, enable, NULL, false },
	{ "user", "list", 0, 0, NULL, user_list, false },
	{ "key", "add", 1, 1, key_add, NULL, true },
	{ "key", "remove", 1, 1, key_remove, NULL, false },
	{ "key", "enable", 1, 1, enable, NULL, false },
	{ "key", "disable", 1, 1, enable, NULL, false },
	{ "key", "list", 0, 0, NULL, key_list, false },
	{ "group", "add", 1, 1, group_add, NULL, false },
	{ "group", "remove", 1, 1, group_remove, NULL, false },
	{ "group", "join", 2, 2, group_join, NULL, false },
	{ "group", "leave", 2, 2, group_leave, NULL, false },
	{ "group", "list", 0, 0, NULL, group_list, false },
	{ "policy", "set", 2, 2, policy_set, NULL, false },
	{ "policy", "remove", 1, 1, policy_remove, NULL, false },
	{ "policy", "attach", 1, 1, policy_attach, NULL, false },
	{ "policy", "detach", 1, 1, policy_detach, NULL, false },
	{ "policy", "show", 1, 1, NULL, policy_show, false },
	{ "policy", "list", 0, 0, NULL, policy_list, false },
	{ "explain", NULL, 2, 3, NULL, NULL, false },
};

static const struct command *
find_command(int argc, char *argv[])
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];
		int words = c->verb != NULL ? 2 : 1;

		if (argc >= words && strcmp(argv[0], c->noun) == 0 &&
		    (c->verb == NULL || strcmp(argv[1], c->verb) == 0))
			return argc - words >= (int)c->min &&
			    argc - words <= (int)c->max ? c : NULL;
	}
	return NULL;
}

static enum err
change_doc(void *ctx, json_t *doc)
{
	struct job *j = ctx;

	return j->change(j, doc);
}

static enum err
show(struct store *st, struct job *j)
{
	struct buf text = BUF_INIT(IAM_DOCUMENT_MAX + 1);
	struct buf out = BUF_INIT(OUT_MAX);
	const struct iam_root root = { j->root.user, j->root.password };
	char state[IAM_STATE_BYTES];
	struct iam *iam = NULL;
	json_t *doc = NULL;
	enum err e;

	if ((e = iam_doc_read(st, &text, state)) != EC_OK ||
	    (e = iam_doc_parse(&doc, buf_str(&text), text.len)) != EC_OK)
		goto out;
	if (j->show == NULL) {
		if ((e = iam_new(&iam, buf_str(&text), text.len, &root)) ==
		    EC_OK)
			e = say_explained(st, j, iam);
	} else if ((e = j->show(j, doc, &out)) == EC_OK) {
		e = tool_put(&out);
	}
out:
	iam_unref(iam);
	json_decref(doc);
	buf_release(&text);
	buf_release(&out);
	return e;
}

static enum err
run(struct store *st, struct job *j, const struct command *c)
{
	enum err e;

	j->noun = c->noun;
	j->verb = c->verb;
	j->change = c->change;
	j->show = c->show;
	if ((e = credentials_load(&j->root)) != EC_OK)
		return e;
	iam_seal_key(j->seal, j->root.password);
	if (j->args->policy_file != NULL && (e = read_file(&j->policy,
	    j->args->policy_file)) != EC_OK)
		return e;
	if (c->change == policy_set && (e = read_file(&j->policy,
	    j->args->operand[1])) != EC_OK)
		return e;
	if (c->makes_key && (e = make_key(j)) != EC_OK)
		return e;
	if (c->change == NULL)
		return show(st, j);
	if ((e = iam_doc_change(st, change_doc, j)) != EC_OK ||
	    !c->makes_key || j->args->no_key)
		return e;
	printf("%s\t%s\n", key_id(j), j->secret);
	return fflush(stdout) == 0 ? EC_OK : EC_EIO;
}

int
main(int argc, char *argv[])
{
	struct args a = { .operands = 0 };
	const struct opt opts[] = {
		OPT_LIST('d', "drives", &a.drives, "pattern",
		    "the drives, as /mnt/d{1...4}; may be repeated "
		    "(default: EC_VOLUMES)"),
		OPT_STR('i', "id", &a.id, "id",
		    "user add: canonical user id (default: random)"),
		OPT_STR('n', "display", &a.display, "name",
		    "user add: name in answers (default: that of the user)"),
		OPT_STR('e', "email", &a.email, "address",
		    "user add: e-mail address, for grants"),
		OPT_FLAG('m', "member", &a.member, "user add: owns nothing, "
		    "has only what policies give"),
		OPT_FLAG('K', "no-key", &a.no_key,
		    "user add: without an access key"),
		OPT_STR('a', "access-key", &a.access_key, "id",
		    "user add, key add: the access key's id (default: random)"),
		OPT_STR('s', "secret", &a.secret, "secret",
		    "likewise: its secret (default: random)"),
		OPT_STR('S', "secret-file", &a.secret_file, "file",
		    "likewise: its secret is the first line; - is standard "
		    "input"),
		OPT_STR('x', "expires", &a.expires, "seconds",
		    "likewise: how long the key is good"),
		OPT_STR('P', "policy-file", &a.policy_file, "file",
		    "likewise: a policy that narrows what the key may do"),
		OPT_STR('p', "policy", &a.policy, "name",
		    "user add: attach this policy"),
		OPT_STR('u', "user", &a.user, "name",
		    "policy: attached to, or in line of, this user"),
		OPT_STR('g', "group", &a.group, "name",
		    "policy: likewise of this group"),
		OPT_LIST('v', "value", &a.values, "key=value",
		    "explain: a condition key of the request; may be repeated"),
		OPT_END("command [operand ...]"),
	};
	struct job j = { .args = &a, .root = CREDENTIALS_INIT,
		.policy = BUF_INIT(POLICY_BYTES_MAX) };
	const struct command *c;
	struct store *st = NULL;
	enum err e;
	int i, words;

	log_init(argv[0]);
	opt_parse(opts, &argc, &argv);
	if ((c = find_command(argc, argv)) == NULL)
		opt_misuse("not a command: see ec-key(1)");
	if (a.user != NULL && a.group != NULL)
		opt_misuse("--user and --group exclude each other");
	if (a.secret != NULL && a.secret_file != NULL)
		opt_misuse("--secret and --secret-file exclude each other");
	words = c->verb != NULL ? 2 : 1;
	for (i = words; i < argc; i++)
		a.operand[a.operands++] = argv[i];
	if ((e = tool_open(&st, &a.drives, false, 0, argv)) == EC_OK)
		e = run(st, &j, c);
	store_close(st);
	explicit_bzero(j.secret, sizeof(j.secret));
	explicit_bzero(j.seal, sizeof(j.seal));
	credentials_release(&j.root);
	buf_release(&j.policy);
	free(a.drives.v);
	free(a.values.v);
	return err_exit(e);
}
