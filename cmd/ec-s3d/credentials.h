/* credentials: the root user's, from the environment, files or the
 * configuration file; there is no default pair. */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include "sigv4.h"

struct credentials {
	char *user, *password;
};
#define CREDENTIALS_INIT { NULL, NULL }

/* EC_ROOT_USER and EC_ROOT_PASSWORD, or the files that EC_ROOT_USER_FILE and
 * EC_ROOT_PASSWORD_FILE name (config.h).  Errors, logged: EC_EINVAL (none, too
 * short, well known), EC_ENOMEM, by errno. */
enum err credentials_load(struct credentials *c);
void credentials_release(struct credentials *c);

/* Why a pair is refused; NULL if it is good. */
const char *credentials_refuse(const char *user, const char *password);

#endif
