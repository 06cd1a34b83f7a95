#include "net/lock_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/os_linux.h"
#include "net/lock_state.h"

enum { FILE_MAX = 4096 };

struct lock_keep {
	char *path;
	int fd;				/* of the file with the lock */
	uint64_t ceiling;
	unsigned lease_s;
};

static enum err
lock_file(struct lock_keep *k)
{
	char *name = NULL;
	enum err e;

	if (asprintf(&name, "%s.lock", k->path) == -1)
		return EC_ENOMEM;
	k->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	e = k->fd == -1 ? err_from_errno(errno) : os_lock(k->fd);
	if (e == EC_EOWNED)
		log_error("%s: another ec-lockd is running with it", k->path);
	else if (e != EC_OK)
		log_error("%s: %s", name, k->fd == -1 ? strerror(errno) :
		    err_text(e));
	free(name);
	return e;
}

static enum err
keep_write(struct lock_keep *k, bool idle)
{
	char text[256];
	int n;

	n = snprintf(text, sizeof(text), "ec-lockd 1\nceiling %" PRIu64
	    "\nlease %u\nidle %d\n", k->ceiling, k->lease_s, idle);
	return io_replace(AT_FDCWD, k->path, text, (size_t)n, 0600);
}

static enum err
keep_read(struct lock_keep *k, unsigned *grace_s)
{
	unsigned lease, idle;
	char *text = NULL;
	int end = -1;
	size_t len;
	enum err e;

	e = io_slurp(AT_FDCWD, k->path, FILE_MAX, &text, &len);
	if (e == EC_ENOTFOUND) {	/* so nothing was granted */
		*grace_s = 0;
		return EC_OK;
	}
	if (e != EC_OK) {
		log_error("%s: %s", k->path, err_text(e));
		return e;
	}
	if (sscanf(text, "ec-lockd 1\nceiling %" SCNu64 "\nlease %u\n"
	    "idle %u\n%n", &k->ceiling, &lease, &idle, &end) != 3 ||
	    end < 0 || (size_t)end != len || idle > 1 || lease > 3600 ||
	    k->ceiling > LOCK_STAMP_MAX) {
		log_error("%s: not a state file of ec-lockd: move it away to "
		    "start without it, after one lease (%u s)", k->path,
		    k->lease_s);
		e = EC_EFORMAT;
	} else {
		*grace_s = idle ? 0 : lease;
	}
	free(text);
	return e;
}

enum err
lock_keep_open(struct lock_keep **out, const char *path, unsigned lease_s,
    uint64_t *floor, unsigned *grace_s)
{
	struct lock_keep *k;
	enum err e;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return EC_ENOMEM;
	k->fd = -1;
	k->lease_s = lease_s;
	if ((k->path = strdup(path)) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	if ((e = lock_file(k)) != EC_OK ||
	    (e = keep_read(k, grace_s)) != EC_OK)
		goto out;
	*floor = k->ceiling;
	/* A crash before the next write needs the longer of both leases. */
	if (*grace_s > k->lease_s)
		k->lease_s = *grace_s;
	if ((e = keep_write(k, false)) != EC_OK)
		goto out;
	k->lease_s = lease_s;
	*out = k;
	k = NULL;
out:
	if (k != NULL) {
		if (k->fd != -1)
			close(k->fd);
		free(k->path);
		free(k);
	}
	return e;
}

enum err
lock_keep_raise(struct lock_keep *k, uint64_t ceiling)
{
	uint64_t old = k->ceiling;
	enum err e;

	k->ceiling = ceiling;
	if ((e = keep_write(k, false)) != EC_OK)
		k->ceiling = old;
	return e;
}

void
lock_keep_close(struct lock_keep *k, bool idle)
{
	if (k == NULL)
		return;
	if (idle)
		(void)keep_write(k, true);	/* if not, a start waits */
	close(k->fd);
	free(k->path);
	free(k);
}
