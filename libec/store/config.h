/* config: settings by name, from the environment or a file.
 *
 * EC_CONFIG names the file; else $XDG_CONFIG_HOME/ec/config (or
 * ~/.config/ec/config) if it is there, else /etc/ec/ec.conf.  Lines are
 * NAME=VALUE as in systemd's EnvironmentFile: # comments, quotes "..." or
 * '...', no expansion.  The environment wins.  NAME_FILE names a file whose
 * first line is the value. */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/err.h"

/* The value of ${name}, to free(); NULL in *${out} when it is not set.
 * Errors: EC_EINVAL (the file has a line that cannot be read; logged with its
 * number), EC_EDENIED, EC_ENOMEM. */
enum err config_get(const char *name, char **out);

/* The file's name, for messages. */
const char *config_path(void);

#endif
