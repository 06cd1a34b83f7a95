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

/* The first line of ${text} is the secret. */
static enum err
take_secret(struct job *j, const char *text)
{
	size_t len = strcspn(text, "\r\n");

	if (len > IAM_SECRET_MAX)
		return EC_EINVAL;
	memcpy(j->secret, text, len);
	j->secret[len] = '\0';
	return EC_OK;
}

enum err
job_read_secret(struct job *j, const char *name)
{
	struct buf text = BUF_INIT(4096);
	enum err e = read_file(&text, name);

	if (e == EC_OK)
		e = take_secret(j, buf_str(&text));
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buf_release(&text);
	return e;
}

enum err
job_make_key(struct job *j)
{
	const struct args *a = j->args;

	memcpy(j->key_id, "AKIA", 4);
	session_random(j->key_id + 4, KEY_CHARS - 4);
	session_random(j->secret, SECRET_CHARS);
	if (a->secret_file != NULL)
		return job_read_secret(j, a->secret_file);
	return a->secret != NULL ? take_secret(j, a->secret) : EC_OK;
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
