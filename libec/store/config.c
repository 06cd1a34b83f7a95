#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "store/config.h"

enum { CONFIG_BYTES_MAX = 64 * 1024, NAME_MAX_BYTES = 128 };

const char *
config_path(void)
{
	static _Thread_local char path[4096];
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *given = getenv("EC_CONFIG");

	if (given != NULL)
		return given;
	if (xdg != NULL && xdg[0] != '\0')
		snprintf(path, sizeof(path), "%s/ec/config", xdg);
	else
		snprintf(path, sizeof(path), "%s/.config/ec/config",
		    home != NULL ? home : "");
	return access(path, F_OK) == 0 ? path : "/etc/ec/ec.conf";
}

/* The value in ${line} behind "NAME=", unquoted in place. */
static enum err
unquote(char *v)
{
	size_t len = strlen(v);

	while (len > 0 && strchr(" \t\r", v[len - 1]) != NULL)
		v[--len] = '\0';
	if (v[0] != '"' && v[0] != '\'')
		return EC_OK;
	if (len < 2 || v[len - 1] != v[0] ||
	    memchr(v + 1, v[0], len - 2) != NULL)
		return EC_EINVAL;
	memmove(v, v + 1, len - 2);
	v[len - 2] = '\0';
	return EC_OK;
}

static bool
name_valid(const char *s)
{
	return s[0] != '\0' && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	    "0123456789") == strlen(s) && strlen(s) < NAME_MAX_BYTES;
}

/* Find ${name} in ${text}, which is cut up; every line is checked. */
static enum err
find(char *text, const char *name, const char **value)
{
	char *rest = text, *line;
	unsigned n = 0;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *eq;

		n++;
		line += strspn(line, " \t\r");
		if (*line == '\0' || *line == '#')
			continue;
		if ((eq = strchr(line, '=')) != NULL)
			*eq = '\0';
		if (eq == NULL || !name_valid(line) ||
		    unquote(eq + 1) != EC_OK) {
			log_error("%s: line %u is not NAME=VALUE",
			    config_path(), n);
			return EC_EINVAL;
		}
		if (strcmp(line, name) == 0)
			*value = eq + 1;
	}
	return EC_OK;
}

static enum err
from_file(const char *name, char **out)
{
	char *text = NULL;
	const char *value = NULL;
	size_t len;
	enum err e;

	*out = NULL;
	e = io_slurp(AT_FDCWD, config_path(), CONFIG_BYTES_MAX, &text, &len);
	if (e == EC_ENOTFOUND && getenv("EC_CONFIG") == NULL)
		return EC_OK;
	if (e != EC_OK) {
		log_error("%s: %s", config_path(), err_text(e));
		return e;
	}
	if (strlen(text) != len) {
		log_error("%s: has a NUL byte", config_path());
		e = EC_EINVAL;
	} else {
		e = find(text, name, &value);
	}
	if (e == EC_OK && value != NULL && (*out = strdup(value)) == NULL)
		e = EC_ENOMEM;
	free(text);
	return e;
}

static enum err
one(const char *name, char **out)
{
	const char *env = getenv(name);

	if (env == NULL)
		return from_file(name, out);
	*out = strdup(env);
	return *out != NULL ? EC_OK : EC_ENOMEM;
}

enum err
config_get(const char *name, char **out)
{
	char by_file[NAME_MAX_BYTES + 8], *path = NULL;
	size_t len;
	enum err e;

	if ((e = one(name, out)) != EC_OK || *out != NULL)
		return e;
	snprintf(by_file, sizeof(by_file), "%s_FILE", name);
	if ((e = one(by_file, &path)) != EC_OK || path == NULL)
		return e;
	e = io_slurp(AT_FDCWD, path, CONFIG_BYTES_MAX, out, &len);
	if (e == EC_OK)
		(*out)[strcspn(*out, "\r\n")] = '\0';
	else
		log_error("%s: %s: %s", by_file, path, err_text(e));
	free(path);
	return e;
}
