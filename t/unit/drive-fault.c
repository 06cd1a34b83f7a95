/* A drive whose calls of the system fail, or whose process dies, at each point
 * in turn: what was acknowledged is there afterwards, what was purged is not,
 * what failed is whole or absent, and the drive works again.
 *
 * Calls of libec and of SQLite are met by functions of the same name here. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/local.h"

#include "../lib/tap.h"
#include "drive_scenario.h"

enum call { PWRITE, PWRITEV, FDATASYNC, FSYNC, FTRUNCATE, UNLINKAT, MALLOC,
	CALLS };
static const char *const call_names[CALLS] = { "pwrite", "pwritev",
	"fdatasync", "fsync", "ftruncate", "unlinkat", "malloc" };

static struct {
	bool armed, met, kill, torn;
	enum call call;
	unsigned left;
	int err;
} fault;

static bool
fails(enum call c)
{
	if (!fault.armed || fault.call != c || --fault.left > 0)
		return false;
	fault.met = true;
	fault.armed = false;
	if (fault.kill && !fault.torn)
		_exit(77);
	errno = fault.err;
	return true;
}

EXPORT ssize_t
pwrite(int fd, const void *buf, size_t n, off_t off)
{
	if (fails(PWRITE)) {
		syscall(SYS_pwrite64, fd, buf, n / 2, off);
		if (fault.kill)
			_exit(77);
		return -1;
	}
	return syscall(SYS_pwrite64, fd, buf, n, off);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	if (fails(PWRITEV)) {
		syscall(SYS_pwritev, fd, iov, (n + 1) / 2, off, 0);
		if (fault.kill)
			_exit(77);
		return -1;
	}
	return syscall(SYS_pwritev, fd, iov, n, off, 0);
}

EXPORT int
fdatasync(int fd)
{
	(void)fd;	/* takes no time here */
	return fails(FDATASYNC) ? -1 : 0;
}

EXPORT int
fsync(int fd)
{
	(void)fd;
	return fails(FSYNC) ? -1 : 0;
}

EXPORT int
ftruncate(int fd, off_t len)
{
	return fails(FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

EXPORT int
unlinkat(int fd, const char *name, int flags)
{
	return fails(UNLINKAT) ? -1 :
	    (int)syscall(SYS_unlinkat, fd, name, flags);
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
EXPORT void *
malloc(size_t n)
{
	return fails(MALLOC) ? NULL : __libc_malloc(n);
}

EXPORT void *
calloc(size_t n, size_t size)
{
	return fails(MALLOC) ? NULL : __libc_calloc(n, size);
}
#endif

static void
scenario_own(bool own)
{
	static bool armed;

	if (own)
		armed = fault.armed;
	fault.armed = own ? false : armed;
}

static void
arm(enum call c, unsigned n, int err, bool do_kill)
{
	fault.call = c;
	fault.left = n;
	fault.err = err;
	fault.kill = do_kill;
	fault.torn = do_kill && (c == PWRITE || c == PWRITEV);
	fault.met = false;
	fault.armed = true;
}

/* The scenario with the nth call failing; false when there was none. */
static bool
run(enum call c, unsigned n, int err)
{
	fresh();
	arm(c, n, err, false);
	scenario();
	fault.armed = false;
	return fault.met;
}

static bool
run_killed(enum call c, unsigned n)
{
	int status;
	pid_t pid;

	fresh();
	fflush(stdout);
	if ((pid = fork()) == 0) {
		arm(c, n, 0, true);
		scenario();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) && WEXITSTATUS(status) == 77;
}

/* Every ${step}th point; all when EC_FAULT_FULL is set. */
static void
loop(enum call c, unsigned step, int err, bool do_kill)
{
	unsigned wrong = 0, n, first = 0, runs = 0;
	const char *what = do_kill ? "killed at" : "failing";

	if (getenv("EC_FAULT_FULL") != NULL)
		step = 1;
	for (n = 1; do_kill ? run_killed(c, n) : run(c, n, err); n += step) {
		unsigned w = check();

		if (w > 0 && first == 0)
			first = n;
		wrong += w;
		runs++;
	}
	tap_ok(wrong == 0 && runs > 0, "%s %s: %u points", what,
	    call_names[c], runs);
	if (first > 0)
		tap_note("first at %u: %u wrong in all", first, wrong);
}

int
main(void)
{
	char cmd[128];

	log_level_set(LOG_LEVEL_ERROR);
	if (freopen("/dev/null", "w", stderr) == NULL ||
	    mkdtemp(strcpy(dir, "/tmp/ec-fault.XXXXXX")) == NULL)
		abort();
	/* Shared with a child that is killed. */
	acked = mmap(NULL, sizeof *acked, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (acked == MAP_FAILED)
		abort();
	memset(big, 0x5a, sizeof big);
	fresh();
	scenario();
	tap_ok(check() == 0, "nothing fails: nothing is wrong");
	loop(PWRITEV, 1, EIO, false);
	loop(PWRITEV, 3, ENOSPC, false);
	loop(FDATASYNC, 3, EIO, false);
	loop(FSYNC, 1, EIO, false);
	loop(FTRUNCATE, 1, EIO, false);
	loop(UNLINKAT, 1, EIO, false);
	loop(PWRITE, 17, EIO, false);
	loop(PWRITE, 17, ENOSPC, false);
	loop(PWRITEV, 2, 0, true);
	loop(FDATASYNC, 3, 0, true);
	loop(FSYNC, 1, 0, true);
	loop(UNLINKAT, 1, 0, true);
	loop(PWRITE, 17, 0, true);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	loop(MALLOC, 97, ENOMEM, false);
#endif
	kit_release();
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0 || tap_done();
}
