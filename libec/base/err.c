#include "base/err.h"

#include <errno.h>

struct row {
	const char *name, *text;
	int exit_status, http_status;
};

#define ROW(name, text, exit_status, http_status) \
	[name] = { #name, text, exit_status, http_status },
static const struct row rows[EC_ERR_COUNT] = { ERR_TABLE(ROW) };
#undef ROW

static const struct row *
row_of(enum err e)
{
	static const struct row unknown = { "EC_?", "unknown error", 1, 500 };

	return (unsigned)e < EC_ERR_COUNT ? &rows[e] : &unknown;
}

const char *
err_name(enum err e)
{
	return row_of(e)->name;
}

const char *
err_text(enum err e)
{
	return row_of(e)->text;
}

int
err_exit(enum err e)
{
	return row_of(e)->exit_status;
}

int
err_http(enum err e)
{
	return row_of(e)->http_status;
}

enum err
err_from_errno(int errnum)
{
	switch (errnum) {
	case EINVAL:
	case ENAMETOOLONG:
	case EISDIR:
	case ENOTDIR:
	case EBADF:
		return EC_EINVAL;
	case ENOENT:
		return EC_ENOTFOUND;
	case EEXIST:
		return EC_EEXIST;
	case ENOTEMPTY:
		return EC_ENOTEMPTY;
	case EACCES:
	case EPERM:
	case ELOOP:	/* a link where none may be followed */
	case EXDEV:	/* a path out of its directory */
		return EC_EDENIED;
	case ETIMEDOUT:
		return EC_ETIMEDOUT;
	case ENODEV:
	case ENXIO:
	case ENOTCONN:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return EC_EOFFLINE;
	case EAGAIN:
	case EBUSY:
	case EMFILE:
	case ENFILE:
		return EC_EBUSY;
	case EADDRINUSE:
		return EC_EINUSE;
	case ENOSPC:
	case EDQUOT:
		return EC_ENOSPC;
	case EROFS:
		return EC_EROFS;
	case ENOMEM:
		return EC_ENOMEM;
	case EFBIG:
	case EOVERFLOW:
		return EC_ELIMIT;
	case ENOSYS:
	case EOPNOTSUPP:
		return EC_ENOTIMPL;
	case ECANCELED:
		return EC_ECANCELED;
	default:
		return EC_EIO;
	}
}
