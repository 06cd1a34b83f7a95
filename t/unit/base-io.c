/* Checks of io, os_linux, mem and workers. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/os_linux.h"
#include "base/workers.h"

static void
check_files(int dir)
{
	struct iovec iov[3] = { { (void *)(uintptr_t)"ab", 2 },
		{ (void *)(uintptr_t)"", 0 }, { (void *)(uintptr_t)"cde", 3 } };
	char *text = NULL, back[8];
	size_t len = 0;
	int fd;

	mkdirat(dir, "sub", 0700);
	tap_ok(io_replace(dir, "sub/f", "first", 5, 0600) == EC_OK, "create");
	tap_ok(io_replace(dir, "sub/f", "2nd", 3, 0600) == EC_OK, "replace");
	tap_ok(io_slurp(dir, "sub/f", 3, &text, &len) == EC_OK && len == 3 &&
	    strcmp(text, "2nd") == 0, "slurp up to the limit");
	free(text);
	tap_ok(io_slurp(dir, "sub/f", 2, &text, &len) == EC_ELIMIT, "limit");
	tap_ok(io_slurp(dir, "no", 2, &text, &len) == EC_ENOTFOUND, "absent");
	tap_ok(io_replace(dir, "no/f", "x", 1, 0600) == EC_ENOTFOUND,
	    "no directory, no file");
	tap_ok(unlinkat(dir, "sub/f", 0) == 0 &&
	    unlinkat(dir, "sub", AT_REMOVEDIR) == 0, "no temporary is left");

	fd = openat(dir, "v", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	tap_ok(io_pwritev_full(fd, iov, 3, 1) == EC_OK, "pwritev");
	tap_ok(io_pread_full(fd, back, sizeof(back), 1, &len) == EC_OK &&
	    len == 5 && memcmp(back, "abcde", 5) == 0, "pread to the end");
	tap_ok(os_lock(fd) == EC_OK, "lock");
	{
		int fd2 = openat(dir, "v", O_RDWR | O_CLOEXEC);

		tap_ok(os_lock(fd2) == EC_EOWNED, "a second descriptor waits");
		close(fd2);
	}
	close(fd);
	tap_ok(io_write_full(-1, "x", 1) != EC_OK, "a bad descriptor");
}

static void
check_beneath(int dir)
{
	struct os_space space;
	int fd;

	tap_ok(symlinkat("v", dir, "link") == 0, "a link");
	tap_ok((fd = os_open_beneath(dir, "v", O_RDONLY, 0)) >= 0, "beneath");
	close(fd);
	tap_ok(os_open_beneath(dir, "link", O_RDONLY, 0) < 0 &&
	    errno == ELOOP, "follows no link");
	tap_ok(os_open_beneath(dir, "../etc", O_RDONLY, 0) < 0 &&
	    errno == EXDEV, "does not leave");
	tap_ok(os_open_beneath(dir, "/etc/passwd", O_RDONLY, 0) < 0,
	    "no absolute path");
	fd = os_open_beneath(dir, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	tap_ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "creates");
	close(fd);
	tap_ok(os_space(&space, dir) == EC_OK && space.total >= space.free,
	    "space");
	tap_ok(os_rss_anon() > 4096, "rss");
}

static void
check_pool(void)
{
	struct mem_pool *p;
	uint8_t *a, *b, *c;

	tap_ok(mem_array(SIZE_MAX / 2, 4) == NULL, "overflow is no memory");
	tap_ok(mem_pool_new(&p, 8192, 20000) == EC_OK, "pool");
	tap_ok(mem_pool_get(p, &a, 0) == EC_OK &&
	    mem_pool_get(p, &b, 0) == EC_OK && a != b, "two fit");
	tap_ok(((uintptr_t)a & 4095) == 0, "aligned");
	tap_ok(mem_pool_get(p, &c, 0) == EC_EBUSY, "not three");
	tap_ok(mem_pool_get(p, &c, 20) == EC_EBUSY, "not after a while");
	mem_pool_put(p, a);
	tap_ok(mem_pool_get(p, &c, 0) == EC_OK && c == a, "used again");
	mem_pool_put(p, b);
	mem_pool_put(p, c);
	tap_ok(mem_pool_get(p, &a, 0) == EC_OK, "one is out");
	mem_pool_free(p);	/* when that is back */
	mem_pool_put(p, a);
}

struct job {
	struct workers *w;
	atomic_uint *count;
	unsigned more;
};

static void
run(void *arg)
{
	struct job *j = arg;

	atomic_fetch_add(j->count, 1);
	if (j->more > 0) {
		j->more--;
		if (workers_submit(j->w, run, j) == EC_OK)
			return;
	}
	free(j);
}

static void
check_workers(void)
{
	struct workers *w;
	atomic_uint count = 0;
	struct job *j;
	unsigned i;

	tap_ok(workers_new(&w, 0) == EC_EINVAL, "no threads");
	tap_ok(workers_new(&w, 4) == EC_OK, "workers");
	for (i = 0; i < 1000; i++) {
		if ((j = malloc(sizeof(*j))) == NULL)
			break;
		*j = (struct job){ w, &count, 9 };
		if (workers_submit(w, run, j) != EC_OK) {
			free(j);
			break;
		}
	}
	workers_free(w);
	tap_is_u64(count, 10000, "free waits for jobs and their jobs");
}

int
main(void)
{
	char path[] = "/tmp/ec-base-io.XXXXXX";
	int dir;

	if (mkdtemp(path) == NULL ||
	    (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return 1;
	check_files(dir);
	check_beneath(dir);
	check_pool();
	check_workers();
	unlinkat(dir, "v", 0);
	unlinkat(dir, "link", 0);
	unlinkat(dir, "new", 0);
	close(dir);
	tap_ok(rmdir(path) == 0, "no litter");
	return tap_done();
}
