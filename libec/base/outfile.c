#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os_linux.h"

/* What the signal handler removes.  A slot is filled before the file is made
 * and emptied after it has gone, so that none is missed. */
static struct outfile *volatile live[OUTFILE_LIVE_MAX];

static void
live_set(struct outfile *from, struct outfile *to)
{
	for (unsigned i = 0; i < OUTFILE_LIVE_MAX; i++)
		if (live[i] == from) {
			live[i] = to;
			return;
		}
}

static enum err
fail(const struct outfile *o, int errnum)
{
	log_error("%s: %s", o->path, strerror(errnum));
	return err_from_errno(errnum);
}

/* Open the folder of o->path and take the last part as the name. */
static enum err
open_dir(struct outfile *o)
{
	const char *slash = strrchr(o->path, '/');
	const char *name = slash == NULL ? o->path : slash + 1;
	size_t dir_len = slash == NULL ? 0 : (size_t)(slash - o->path) + 1;
	char dir[PATH_MAX] = ".";

	if (dir_len >= sizeof(dir) || strlen(name) > NAME_MAX)
		return fail(o, ENAMETOOLONG);
	if (name[0] == '\0' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return fail(o, EISDIR);
	if (dir_len > 0) {
		memcpy(dir, o->path, dir_len);
		dir[dir_len] = '\0';
	}
	memcpy(o->name, name, strlen(name) + 1);
	o->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return o->dirfd < 0 ? fail(o, errno) : EC_OK;
}

/* May the final name be taken? */
static enum err
check_name(const struct outfile *o)
{
	struct stat st;

	if (fstatat(o->dirfd, o->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? EC_OK : fail(o, errno);
	if (!S_ISREG(st.st_mode)) {
		log_error("%s: exists and is not a regular file", o->path);
		return EC_EINVAL;
	}
	return o->replace ? EC_OK : fail(o, EEXIST);
}

enum err
outfile_open(struct outfile *o, const char *path, bool replace)
{
	uint32_t salt;
	enum err e;

	*o = (struct outfile)OUTFILE_INIT;
	o->path = path;
	o->replace = replace;
	if ((e = open_dir(o)) != EC_OK || (e = check_name(o)) != EC_OK)
		return e;
	os_random(&salt, sizeof(salt));
	(void)snprintf(o->temp, sizeof(o->temp), ".%.200s.ec.tmp.%08x",
	    o->name, salt);
	live_set(NULL, o);
	o->fd = openat(o->dirfd, o->temp, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0666);
	if (o->fd < 0) {
		live_set(o, NULL);
		return fail(o, errno);
	}
	o->named = true;
	return EC_OK;
}

enum err
outfile_sync(struct outfile *o)
{
	int fd = o->fd;

	if (fsync(fd) != 0)
		return fail(o, errno);
	o->fd = -1;
	return close(fd) == 0 ? EC_OK : fail(o, errno);
}

enum err
outfile_commit(struct outfile *o)
{
	int r = renameat2(o->dirfd, o->temp, o->dirfd, o->name,
	    o->replace ? 0 : RENAME_NOREPLACE);

	/* a file system that cannot refuse to replace (NFS) */
	if (r != 0 && errno == EINVAL && !o->replace) {
		enum err e = check_name(o);

		if (e != EC_OK)
			return e;
		r = renameat(o->dirfd, o->temp, o->dirfd, o->name);
	}
	if (r != 0)
		return fail(o, errno);
	o->named = false;
	o->placed = !o->replace;
	live_set(o, NULL);
	return fsync(o->dirfd) == 0 ? EC_OK : fail(o, errno);
}

void
outfile_revoke(struct outfile *o)
{
	if (o->placed)
		(void)unlinkat(o->dirfd, o->name, 0);
	o->placed = false;
}

void
outfile_release(struct outfile *o)
{
	if (o->fd >= 0)
		(void)close(o->fd);
	if (o->named) {
		(void)unlinkat(o->dirfd, o->temp, 0);
		live_set(o, NULL);
	}
	if (o->dirfd >= 0)
		(void)close(o->dirfd);
	*o = (struct outfile)OUTFILE_INIT;
}

static void
on_signal(int sig)
{
	for (unsigned i = 0; i < OUTFILE_LIVE_MAX; i++)
		if (live[i] != NULL)
			(void)unlinkat(live[i]->dirfd, live[i]->temp, 0);
	(void)raise(sig);	/* SA_RESETHAND: now it ends the process */
}

void
outfile_on_signals(void)
{
	static const int sigs[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
		SIGPIPE, SIGALRM, SIGXCPU, SIGXFSZ };
	struct sigaction sa = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND }, old;

	(void)sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)	/* nohup(1) stays as it is */
			(void)sigaction(sigs[i], &sa, NULL);
}
