/* ec-key: users, access keys, groups and policies of the S3 server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "change.h"
#include "show.h"
#include "store/tool.h"

static const struct command {
	const char *noun, *verb;
	unsigned min, max;		/* operands behind them */
	enum err (*change)(struct job *j, json_t *doc);
	enum err (*show)(struct job *j, json_t *doc, struct buf *out);
	bool makes_key;
} commands[] = {
	{ "user", "add", 1, 1, change_user_add, NULL, true },
	{ "user", "remove", 1, 1, change_user_remove, NULL, false },
	{ "user", "enable", 1, 1, change_enable, NULL, false },
	{ "user", "disable", 1, 1, change_enable, NULL, false },
	{ "user", "list", 0, 0, NULL, show_users, false },
	{ "key", "add", 1, 1, change_key_add, NULL, true },
	{ "key", "remove", 1, 1, change_key_remove, NULL, false },
	{ "key", "enable", 1, 1, change_enable, NULL, false },
	{ "key", "disable", 1, 1, change_enable, NULL, false },
	{ "key", "reseal", 1, 1, change_key_reseal, NULL, false },
	{ "key", "list", 0, 0, NULL, show_keys, false },
	{ "group", "add", 1, 1, change_group_add, NULL, false },
	{ "group", "remove", 1, 1, change_group_remove, NULL, false },
	{ "group", "join", 2, 2, change_group_join, NULL, false },
	{ "group", "leave", 2, 2, change_group_leave, NULL, false },
	{ "group", "list", 0, 0, NULL, show_groups, false },
	{ "policy", "set", 2, 2, change_policy_set, NULL, false },
	{ "policy", "remove", 1, 1, change_policy_remove, NULL, false },
	{ "policy", "attach", 1, 1, change_policy_attach, NULL, false },
	{ "policy", "detach", 1, 1, change_policy_detach, NULL, false },
	{ "policy", "show", 1, 1, NULL, show_policy, false },
	{ "policy", "list", 0, 0, NULL, show_policies, false },
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
	if (j->args->policy_file != NULL &&
	    (e = job_read_policy(j, j->args->policy_file)) != EC_OK)
		return e;
	if (c->change == change_policy_set &&
	    (e = job_read_policy(j, j->args->operand[1])) != EC_OK)
		return e;
	if (c->change == change_key_reseal &&
	    (e = job_read_secret(j, j->args->operand[0])) != EC_OK)
		return e;
	if (c->makes_key && (e = job_make_key(j)) != EC_OK)
		return e;
	if (c->change == NULL)
		return show_run(st, j);
	if ((e = iam_doc_change(st, change_doc, j)) != EC_OK ||
	    !c->makes_key || j->args->no_key)
		return e;
	printf("%s\t%s\n", job_key_id(j), j->secret);
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
