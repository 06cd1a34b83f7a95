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
#include "drive_kit.h"

#define EXPORT __attribute__((visibility("default")))

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
pwrite64(int fd, const void *buf, size_t n, off_t off)
{
	return pwrite(fd, buf, n, off);
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
ftruncate64(int fd, off_t len)
{
	return ftruncate(fd, len);
}

EXPORT int
unlinkat(int fd, const char *name, int flags)
{
	return fails(UNLINKAT) ? -1 :
	    (int)syscall(SYS_unlinkat, fd, name, flags);
}

/* A drive of 64 MiB, for small segments. */
EXPORT int
fstatvfs(int fd, struct statvfs *st)
{
	(void)fd;
	*st = (struct statvfs){ .f_frsize = 4096, .f_blocks = 16384,
		.f_bavail = 12000, .f_favail = 1000 };
	return 0;
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

enum { KEYS = 24 };
enum { ABSENT, MAYBE, THERE, PURGE_MAYBE, PURGED };

/* What was acknowledged; shared with a child that is killed. */
static struct {
	unsigned char object[KEYS], shard[KEYS];
} *acked;

static char dir[] = "/tmp/ec-fault.XXXXXX";
static uint8_t big[100 * 1024];

/* ABSENT -> MAYBE -> THERE, THERE -> PURGE_MAYBE -> PURGED. */
static bool
append(struct drive *d, struct record r, unsigned i, unsigned maybe)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { .flags = 0 };
	bool armed = fault.armed, good;

	fault.armed = false;	/* this is not the drive's */
	if (record_encode(&b, &r) != EC_OK)
		abort();
	fault.armed = armed;
	a.rec = b.data;
	a.len = b.len;
	acked->object[i] = (unsigned char)maybe;
	good = d->ops->append(d, &a, 1) == EC_OK && a.err == EC_OK;
	if (good)
		acked->object[i] = (unsigned char)(maybe + 1);
	free(b.data);
	return good;
}

static struct record
object(unsigned i, struct record_part *part)
{
	static char key[KEYS][8];
	struct record r;

	snprintf(key[i], sizeof key[i], "k%02u", i);
	r = kit_object("b", key[i], i + 1);
	r.inline_data = big;
	r.inline_len = sizeof big;
	if (i % 6 != 0)
		return r;
	*part = (struct record_part){ .number = 1, .size = 10, .k = 2, .m = 2,
		.unit = 4096, .data = { { (uint8_t)(i + 1), 9 } } };
	r.flags = 0;
	r.inline_data = NULL;
	r.inline_len = 0;
	r.parts = part;
	r.part_count = 1;
	return r;
}

/* Some of all there is; whatever fails is gone on from. */
static void
scenario(void)
{
	struct drive *d = NULL;
	struct record_part part;
	struct format f;
	uint64_t removed;

	if (local_open(&d, dir, "", NULL) != EC_OK)
		return;
	for (unsigned i = 0; i < KEYS; i++) {
		struct record r = object(i, &part);

		if (r.part_count > 0 && kit_shard(d, &part.data, 0, "shard",
		    5) != EC_OK)
			continue;
		if (!append(d, r, i, MAYBE))
			d->ops->probe(d, &f);	/* as a lane does */
		if (i >= 8 && acked->object[i - 8] == THERE && i % 4 != 0) {
			r = kit_purge("b", "", 1000 + i, i - 7);
			r.key = object(i - 8, &part).key;
			append(d, r, i - 8, PURGE_MAYBE);
		}
		if (i % 8 == 7)
			d->ops->maintain(d, 1000, 3600, &removed);
	}
	drive_close(d);
}

static unsigned
check_key(struct drive *d, unsigned i)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "b",
		.limit = 10, .want_parts = true, .want_inline = true };
	struct drive_records l = DRIVE_RECORDS_INIT;
	struct record_part part, *parts = NULL;
	struct record r, want = object(i, &part);
	const uint8_t *rec;
	size_t pos = 0, len;
	bool there;
	unsigned wrong;

	q.key = want.key;
	if (d->ops->query(d, &q, &l) != EC_OK)
		return 1;
	there = drive_records_next(&l, &pos, &rec, &len);
	wrong = (acked->object[i] == THERE && !there) ||
	    ((acked->object[i] == ABSENT || acked->object[i] == PURGED) &&
	    there);
	if (there) {
		wrong |= record_decode(&r, &parts, rec, len) != EC_OK ||
		    record_identity(&r) != record_identity(&want) ||
		    (want.inline_len > 0 && (r.inline_data == NULL ||
		    memcmp(r.inline_data, big, sizeof big) != 0));
		wrong |= want.part_count > 0 && strcmp(kit_shard_text(d,
		    &part.data, 0), "shard") != 0;
		free(parts);
	}
	buf_release(&l.buf);
	return wrong;
}

/* Open, look, use, and look again with an index made anew. */
static unsigned
check(void)
{
	struct drive *d = NULL;
	struct record_part part;
	uint64_t removed;
	unsigned wrong = 0;
	char path[64];

	if (local_open(&d, dir, "", NULL) != EC_OK)
		return 1;
	for (unsigned i = 0; i < KEYS; i++)
		wrong += check_key(d, i);
	wrong += d->ops->maintain(d, 1000, 0, &removed) != EC_OK;
	if (acked->object[1] == ABSENT)
		append(d, object(1, &part), 1, MAYBE);
	drive_close(d);
	snprintf(path, sizeof path, "%s/.ec/index.db", dir);
	unlink(path);
	if (local_open(&d, dir, "", NULL) != EC_OK)
		return wrong + 1;
	for (unsigned i = 0; i < KEYS; i++)
		wrong += check_key(d, i);
	drive_close(d);
	return wrong;
}

static void
fresh(void)
{
	struct format f = kit_format();
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf %s && mkdir %s", dir, dir);
	if (system(cmd) != 0 || local_format(dir, &f) != EC_OK)
		abort();
	memset(acked, 0, sizeof *acked);
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
	char cmd[64];

	log_level_set(LOG_LEVEL_ERROR);
	if (freopen("/dev/null", "w", stderr) == NULL || mkdtemp(dir) == NULL)
		abort();
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
