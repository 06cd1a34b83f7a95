#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "credentials.h"
#include "store/config.h"

enum { USER_MIN = 3, PASSWORD_MIN = 8, PASSWORD_MAX = 256 };

const char *
credentials_refuse(const char *user, const char *password)
{
	/* What servers of this kind were shipped with, and what people type. */
	static const char *const known[] = { "minioadmin", "minio123",
		"minio12345", "rustfsadmin", "seaweedfs", "garageadmin",
		"ecadmin", "ecadmin123", "password", "password1",
		"password123", "changeme", "changeit", "secretkey",
		"12345678", "123456789", "1234567890", "adminadmin",
		"administrator" };
	size_t i;

	if (strlen(user) < USER_MIN || strlen(user) > SIGV4_KEY_ID_MAX)
		return "EC_ROOT_USER must have 3 to 128 characters";
	for (i = 0; user[i] != '\0'; i++)
		if (user[i] <= ' ' || user[i] > '~' ||
		    strchr("/,=\"", user[i]) != NULL)
			return "EC_ROOT_USER must be printable ASCII without "
			    "blanks and any of / , = \"";
	if (strlen(password) < PASSWORD_MIN || strlen(password) > PASSWORD_MAX)
		return "EC_ROOT_PASSWORD must have 8 to 256 characters";
	if (strcasecmp(user, password) == 0)
		return "EC_ROOT_PASSWORD must not be EC_ROOT_USER";
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(password, known[i]) == 0)
			return "EC_ROOT_PASSWORD is a well-known one";
	return NULL;
}

static enum err
get(const char *name, char **out)
{
	enum err e = config_get(name, out);

	if (e != EC_OK) {
		log_error("%s: %s", name, err_text(e));
		return e;
	}
	if (*out != NULL)
		return EC_OK;
	log_error("%s is not set: give it or %s_FILE in the environment or "
	    "in %s; there is no default", name, name, config_path());
	return EC_EINVAL;
}

enum err
credentials_load(struct credentials *c)
{
	const char *why;
	enum err e;

	if ((e = get("EC_ROOT_USER", &c->user)) != EC_OK ||
	    (e = get("EC_ROOT_PASSWORD", &c->password)) != EC_OK)
		return e;
	if ((why = credentials_refuse(c->user, c->password)) == NULL)
		return EC_OK;
	log_error("%s", why);
	return EC_EINVAL;
}

void
credentials_release(struct credentials *c)
{
	if (c->password != NULL)
		explicit_bzero(c->password, strlen(c->password));
	free(c->user);
	free(c->password);
	c->user = c->password = NULL;
}
