/* staged: see the header. */
#include "drive/staged.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os_linux.h"

static int
folder_open(int drive_fd, const char *name)
{
	return os_open_beneath(drive_fd, name, O_RDONLY | O_DIRECTORY, 0);
}

enum err
staged_init(int drive_fd)
{
	const struct dirent *d;
	DIR *dir;
	int fd;

	if (mkdirat(drive_fd, ".ec/staged", 0700) != 0 && errno != EEXIST)
		return err_from_errno(errno);
	if ((fd = folder_open(drive_fd, ".ec/staged")) < 0)
		return err_from_errno(errno);
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return EC_ENOMEM;
	}
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			unlinkat(fd, d->d_name, 0);
	closedir(dir);
	return EC_OK;
}

enum err
staged_create(struct staged *s, int drive_fd, const char *name, int *file_fd)
{
	uint64_t id;

	os_random(&id, sizeof id);
	snprintf(s->name, sizeof s->name, "%s.%016llx", name,
	    (unsigned long long)id);
	if ((s->fd = folder_open(drive_fd, ".ec/staged")) < 0 ||
	    (*file_fd = os_open_beneath(s->fd, s->name,
	    O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0)
		return err_from_errno(errno);
	return EC_OK;
}

enum err
staged_replace(struct staged *s, int drive_fd, int to_fd, const char *name)
{
	char kept[STAGED_NAME_BYTES];
	enum err e = EC_OK;
	int fd;

	snprintf(kept, sizeof kept, "%s.%llu", name,
	    (unsigned long long)clock_real_us());
	if ((fd = folder_open(drive_fd, ".ec/quarantine")) < 0)
		return err_from_errno(errno);
	if ((linkat(to_fd, name, fd, kept, 0) != 0 && errno != ENOENT) ||
	    fsync(fd) != 0 || renameat(s->fd, s->name, to_fd, name) != 0) {
		e = err_from_errno(errno);
	} else {
		s->name[0] = '\0';
		log_info("shard file %s was replaced, the old one is in "
		    "quarantine", name);
	}
	close(fd);
	return e;
}

void
staged_release(struct staged *s)
{
	if (s->fd < 0)
		return;
	if (s->name[0] != '\0')
		unlinkat(s->fd, s->name, 0);
	close(s->fd);
	s->fd = -1;
}
