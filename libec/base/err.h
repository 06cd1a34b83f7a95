/* err: the one list of results, with a text, an exit status and an HTTP status
 * for each.  Codes are compared and counted; strings and raw errno are not. */
#ifndef ERR_H
#define ERR_H

/* name, text, exit status of a tool (ux.md A2), HTTP status */
#define ERR_TABLE(X) \
	X(EC_OK, "ok", 0, 200) \
	X(EC_EINVAL, "invalid argument", 2, 400) \
	X(EC_EFAILED, "some of several items failed", 1, 500) \
	X(EC_EDEGRADED, "redundancy is reduced", 3, 200) \
	X(EC_ECORRUPT, "does not match its checksum", 3, 500) \
	X(EC_ELOST, "beyond repair: too few good shards", 4, 500) \
	X(EC_ENOTFOUND, "not found", 5, 404) \
	X(EC_ENOBUCKET, "no such bucket", 5, 404) \
	X(EC_ENOUPLOAD, "no such upload", 5, 404) \
	X(EC_EEXIST, "exists already", 6, 409) \
	X(EC_ECONFLICT, "precondition failed", 6, 412) \
	X(EC_ENOTEMPTY, "not empty", 6, 409) \
	X(EC_EOWNED, "owned by another process", 6, 409) \
	X(EC_ESTALE, "a newer version exists", 6, 409) \
	X(EC_EDENIED, "permission denied", 7, 403) \
	X(EC_EQUORUM, "too few drives for a quorum", 8, 503) \
	X(EC_ETIMEDOUT, "timed out", 8, 503) \
	X(EC_EOFFLINE, "drive is offline", 8, 503) \
	X(EC_EBUSY, "too busy, try again", 8, 503) \
	X(EC_EINUSE, "in use", 9, 500) \
	X(EC_EIO, "input/output error", 9, 500) \
	X(EC_ENOSPC, "no space left", 9, 507) \
	X(EC_EROFS, "read-only", 9, 500) \
	X(EC_ENOMEM, "out of memory", 9, 503) \
	X(EC_EFORMAT, "not in a format this version knows", 9, 500) \
	X(EC_EFOREIGN, "belongs to another deployment or slot", 9, 500) \
	X(EC_ELIMIT, "limit reached", 10, 400) \
	X(EC_ENOTIMPL, "not implemented", 1, 501) \
	X(EC_ECANCELED, "canceled", 1, 499)

#define ERR_ENUM(name, text, exit_status, http_status) name,
enum err { ERR_TABLE(ERR_ENUM) EC_ERR_COUNT };
#undef ERR_ENUM

/* The code's name ("EC_EIO"), text for people, exit status, HTTP status. */
const char *err_name(enum err e);
const char *err_text(enum err e);
int err_exit(enum err e);
int err_http(enum err e);

/* The code for an errno value; EC_EIO for those without one of their own. */
enum err err_from_errno(int errnum);

#endif
