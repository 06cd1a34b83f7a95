/* local_format: directories that become drives, and what stands in others. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/os_linux.h"
#include "drive/local_impl.h"

/* Nothing but what mkfs makes, or a format that did not come to its end? */
static enum err
check_empty(int dir_fd)
{
	const struct dirent *d;
	enum err e = EC_OK;
	DIR *dir;
	int fd;

	if (faccessat(dir_fd, ".ec/index.db", F_OK, 0) == 0)
		return EC_ENOTEMPTY;
	if ((fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) < 0)
		return err_from_errno(errno);
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return EC_ENOMEM;
	}
	while (e == EC_OK && (errno = 0, d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0 &&
		    strcmp(d->d_name, ".ec") != 0 &&
		    strcmp(d->d_name, "shard") != 0 &&
		    strcmp(d->d_name, "lost+found") != 0)
			e = EC_ENOTEMPTY;
	if (e == EC_OK && errno != 0)
		e = err_from_errno(errno);
	closedir(dir);
	return e;
}

/* An empty directory that cannot become a drive: EC_EROFS, EC_ENOSPC, by
 * errno; else EC_ENOTFOUND. */
static enum err
why_empty(int fd)
{
	struct os_space s;
	enum err e;

	if (faccessat(fd, ".", W_OK, 0) != 0)
		return err_from_errno(errno);
	if ((e = os_space(&s, fd)) != EC_OK)
		return e;
	return s.free < num_min(LOCAL_RESERVE_MIN, s.total / 8) ? EC_ENOSPC :
	    EC_ENOTFOUND;
}

enum err
local_peek(struct format *f, const char *path)
{
	int fd;
	enum err e;

	if ((e = local_open_dir(&fd, path)) != EC_OK)
		return e;
	if ((e = format_read(f, fd)) == EC_ENOTFOUND)
		e = check_empty(fd) == EC_ENOTEMPTY ? EC_ENOTEMPTY :
		    why_empty(fd);
	close(fd);
	return e;
}

enum err
local_format(const char *path, const struct format *f)
{
	struct format old;
	struct shards shards;
	int fd = -1;
	enum err e;

	if ((e = local_open_dir(&fd, path)) != EC_OK)
		return e;
	e = format_read(&old, fd);
	if (e != EC_ENOTFOUND) {
		e = e == EC_OK || e == EC_EFORMAT ? EC_EEXIST : e;
		goto out;
	}
	if ((e = check_empty(fd)) != EC_OK)
		goto out;
	if ((mkdirat(fd, ".ec", 0700) != 0 && errno != EEXIST) ||
	    (mkdirat(fd, ".ec/journal", 0700) != 0 && errno != EEXIST)) {
		e = err_from_errno(errno);
		goto out;
	}
	if ((e = shards_init(&shards, fd, path, 0)) == EC_OK)
		e = format_write(fd, f);	/* last; syncs .ec */
out:
	close(fd);
	return e;
}

enum err
local_reformat(const char *path, const struct format *f)
{
	struct format old;
	int fd = -1;
	enum err e;

	if ((e = local_open_dir(&fd, path)) != EC_OK)
		return e;
	if ((e = format_read(&old, fd)) == EC_OK)
		e = format_write(fd, f);
	close(fd);
	return e;
}
