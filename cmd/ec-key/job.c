#include "job.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ec-s3d/session.h"

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

enum err
job_make_key(struct job *j)
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

const char *
job_key_id(const struct job *j)
{
	return j->args->access_key != NULL ? j->args->access_key : j->key_id;
}

enum err
job_read_policy(struct job *j, const char *name)
{
	return read_file(&j->policy, name);
}

const char *
job_whose(const struct job *j, enum iam_doc_on *on)
{
	const struct args *a = j->args;

	*on = a->group != NULL ? IAM_ON_GROUP : IAM_ON_USER;
	return a->group != NULL ? a->group : a->user;
}
