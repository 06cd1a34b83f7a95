/* replace: a drive that still works, but is to go, copied to the one that takes
 * its place (ec-heal replace). */
#ifndef REPLACE_H
#define REPLACE_H

#include "store/store.h"

/* Whether ${path} is one of the drives.  Errors: EC_ENOTFOUND (logged). */
enum err replace_find(struct store *st, const char *path);

/* Copy drive ${from} to the empty directory ${to} and put that in its place; a
 * server may have it.  What it lacks is healed like that of a new drive.  The
 * user is told how far it is, unless ${quiet}.
 * Errors, logged: EC_EDEGRADED (it was copied, but only who mounts file systems
 * can put it there), EC_EINVAL (a mount was forgotten), as clone_drive. */
enum err replace_drive(const char *from, const char *to, bool quiet);

#endif
