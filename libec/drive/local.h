/* local: a drive that is a directory of this host; ec-drive(5) has the tree. */
#ifndef LOCAL_H
#define LOCAL_H

#include "base/err.h"
#include "drive/drive.h"

/* Open the drive at ${path} and become its owner: takes the lock in .ec/owner
 * and writes ${address} there (where others may reach this process: the path
 * of a Unix socket; "" if nowhere).  Brings the index up to the journal's end.
 * Errors, each but EC_EOWNED logged with the path: EC_EOFFLINE (not there, or
 * not a directory), EC_ENOTFOUND (not formatted), EC_EOWNED (another process
 * has it; *${owner} is its address, to free()), EC_EFORMAT, EC_EIO, ... */
enum err local_open(struct drive **out, const char *path, const char *address,
    char **owner);

/* What stands at ${path}, without opening it: *${f} when formatted.
 * Errors: EC_EOFFLINE, EC_ENOTFOUND (an empty directory), EC_EROFS, EC_ENOSPC
 * (an empty one that cannot be written to), EC_ENOTEMPTY (not formatted, but
 * has other files), EC_EFORMAT, EC_EIO. */
enum err local_peek(struct format *f, const char *path);

/* Make ${path}, an existing directory that holds no drive, a drive.
 * Errors: EC_EEXIST (formatted already), EC_ENOTEMPTY (has other files),
 * EC_EOFFLINE, EC_EROFS, EC_ENOSPC, EC_EIO. */
enum err local_format(const char *path, const struct format *f);

/* Replace the record of a drive that is formatted, open or not.
 * Errors: EC_ENOTFOUND, EC_EROFS, EC_ENOSPC, EC_EIO. */
enum err local_reformat(const char *path, const struct format *f);

#endif
