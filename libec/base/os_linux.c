#include "base/os_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

void
os_random(void *buf, size_t len)
{
	uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			abort();	/* ids and keys must never repeat */
		p += n;
		len -= (size_t)n;
	}
}

int
os_open_beneath(int dirfd, const char *path, int flags, unsigned mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	if (flags & (O_CREAT | __O_TMPFILE))
		how.mode = mode;
	do {	/* EAGAIN: a rename ran beside the walk */
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

enum err
os_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return EC_OK;
	if (errno == EAGAIN || errno == EACCES)
		return EC_EOWNED;
	return err_from_errno(errno);
}

bool
os_is_mount(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, 0, STATX_TYPE, &st) == 0 &&
	    (st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
	    (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

enum err
os_space(struct os_space *out, int fd)
{
	struct statvfs st;

	if (fstatvfs(fd, &st) != 0)
		return err_from_errno(errno);
	out->total = (uint64_t)st.f_blocks * st.f_frsize;
	out->free = (uint64_t)st.f_bavail * st.f_frsize;
	out->inodes_free = st.f_favail;
	return EC_OK;
}

enum err
os_direct(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && fcntl(fd, F_SETFL,
	    on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0)
		return EC_OK;
	return err_from_errno(errno);
}

void
os_write_behind(int fd, uint64_t off, uint64_t len)
{
	(void)sync_file_range(fd, (off_t)off, (off_t)len,
	    SYNC_FILE_RANGE_WRITE);
}

enum err
os_write_settle(int fd, uint64_t off, uint64_t len)
{
	if (sync_file_range(fd, (off_t)off, (off_t)len,
	    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
	    SYNC_FILE_RANGE_WAIT_AFTER) == 0 || errno == ESPIPE ||
	    errno == EINVAL || errno == ENOSYS)
		return EC_OK;
	return err_from_errno(errno);
}

void
os_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')	/* the abstract name space */
		to.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	/* If it fails, the manager will time out and say so. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, (socklen_t)
	    (offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void
os_die_with_parent(int sig, int parent)
{
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)sig) == 0 &&
	    getppid() != parent)
		raise(sig);
}

bool
os_child_ended(int pid, int timeout_ms)
{
	struct pollfd p = { .events = POLLIN };
	bool ended;

	if ((p.fd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0)
		return true;	/* so that it is waited for */
	ended = poll(&p, 1, timeout_ms) > 0;
	close(p.fd);
	return ended;
}

void
os_few_heaps(void)
{
#ifdef M_ARENA_MAX
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n > 0)
		mallopt(M_ARENA_MAX, (int)(2 * n));
#endif
}

void
os_trim_heaps(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void
os_keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
#endif
}

uint64_t
os_rss_anon(void)
{
	unsigned long long size, resident, shared;
	long page = sysconf(_SC_PAGESIZE);
	FILE *f;
	int n;

	if ((f = fopen("/proc/self/statm", "re")) == NULL)
		return 0;
	n = fscanf(f, "%llu %llu %llu", &size, &resident, &shared);
	fclose(f);
	if (n != 3 || page <= 0 || resident < shared)
		return 0;
	return (resident - shared) * (uint64_t)page;
}
