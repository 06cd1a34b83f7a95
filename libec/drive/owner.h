/* owner: DRIVE/.ec/owner, locked by the process that has the drive open, and
 * where to reach it: "pid N" and "address PATH", a line each.
 *
 * The lock belongs to the open file: it ends with the process, however that
 * ends.  What the file says means nothing while it is not locked. */
#ifndef OWNER_H
#define OWNER_H

#include "base/err.h"

enum { OWNER_ADDRESS_MAX = 1024 };

/* Become the owner: *${fd} is the lock, ended by close.
 * Errors: EC_EOWNED (*${address}, if not NULL, is where its owner said to be,
 * to free()), EC_EINVAL (an address with a newline or too long), by errno. */
enum err owner_take(int *fd, int ec_fd, const char *my_address,
    char **address);

#endif
