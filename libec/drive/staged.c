/* staged: see the header. */
#include "drive/staged.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/os_linux.h"

enum { COMPARE_BYTES = 64 * 1024 };

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

/* A file that cannot be read is not the same. */
static bool
same_bytes(int a_fd, const char *a_name, int b_fd, const char *b_name)
{
	int a = os_open_beneath(a_fd, a_name, O_RDONLY | O_NONBLOCK, 0);
	int b = os_open_beneath(b_fd, b_name, O_RDONLY | O_NONBLOCK, 0);
	uint8_t *buf = malloc(2 * COMPARE_BYTES);
	size_t got = 1, other = 1;
	bool same = a >= 0 && b >= 0 && buf != NULL;

	for (uint64_t at = 0; same && got > 0; at += got)
		same = io_pread_full(a, buf, COMPARE_BYTES, at, &got) ==
		    EC_OK && io_pread_full(b, buf + COMPARE_BYTES,
		    COMPARE_BYTES, at, &other) == EC_OK && got == other &&
		    memcmp(buf, buf + COMPARE_BYTES, got) == 0;
	free(buf);
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return same;
}

enum err
staged_replace(struct staged *s, struct quarantine *q, int to_fd,
    const char *name)
{
	enum err e;

	if (same_bytes(s->fd, s->name, to_fd, name))
		return EC_EEXIST;
	e = quarantine_keep(q, to_fd, name);
	if (e == EC_ENOSPC)
		log_warn("%s: no room in quarantine: the damaged shard file %s "
		    "is not kept", q->name, name);
	else if (e != EC_OK)
		return e;
	if (renameat(s->fd, s->name, to_fd, name) != 0)
		return err_from_errno(errno);
	s->name[0] = '\0';
	return EC_OK;
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
