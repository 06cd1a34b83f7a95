/* job: what a command of ec-key works with. */
#ifndef JOB_H
#define JOB_H

#include "base/opt.h"
#include "ec-s3d/credentials.h"
#include "ec-s3d/iam_doc.h"

enum { KEY_CHARS = 20, SECRET_CHARS = 40 };

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

/* The policy in file ${name}, "-": standard input, added to j->policy.
 * Errors, logged: EC_ENOTFOUND, EC_EIO, EC_ELIMIT, EC_ENOMEM. */
enum err job_read_policy(struct job *j, const char *name);

/* An id for a new key; and its secret: the one given, or the first line of the
 * file given, or a new one.  Errors: EC_EINVAL (too long), of the file. */
enum err job_make_key(struct job *j);
/* The first line of file ${name}, "-": standard input, becomes j->secret.
 * Errors: EC_EINVAL (too long), as job_read_policy. */
enum err job_read_secret(struct job *j, const char *name);
/* The id given, or else that made. */
const char *job_key_id(const struct job *j);

/* Whose policy, by --user and --group; NULL: nobody's, a policy of its own. */
const char *job_whose(const struct job *j, enum iam_doc_on *on);

#endif
