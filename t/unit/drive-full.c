/* A drive whose file system is full: writes are refused early, reads, deletes
 * and compaction still work and make room again.  On a tmpfs of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/local.h"

#include "../lib/tap.h"
#include "drive_kit.h"

static struct drive *d;
static uint8_t big[RECORD_INLINE_MAX];

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	return close(fd) == 0 && good;
}

/* A mount name space of our own, as root or not. */
static bool
own_mounts(void)
{
	char map[64];
	uid_t uid = getuid();

	if (uid == 0)
		return unshare(CLONE_NEWNS) == 0 &&
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
	return write_file("/proc/self/uid_map", map);
}

static enum err
put_big(unsigned i)
{
	char key[16];
	struct drive_append a;
	struct record r;
	enum err e;

	snprintf(key, sizeof key, "big%04u", i);
	r = kit_object("b", key, 1 + i);
	r.inline_data = big;
	r.inline_len = sizeof big;
	e = kit_append(d, &a, r, 0);
	e = e != EC_OK ? e : a.err;
	kit_append_free(&a);
	return e;
}

static uint64_t
space_free(void)
{
	struct drive_space s = { 0, 0 };

	d->ops->space(d, &s);
	return s.free;
}

static void
test_full(void)
{
	struct uuid data = { { 7 } };
	struct drive_writer *w;
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "b",
		.key = "big0000", .limit = 10, .want_parts = true };
	uint64_t before, removed;
	unsigned n = 0;
	enum err e;

	while ((e = put_big(n)) == EC_OK && n < 10000)
		n++;
	tap_is_u64(e, EC_ENOSPC, "%u records, then it is full", n);
	tap_is_u64(space_free(), 0, "and says so");
	tap_is_u64(d->ops->shard_create(d, &data, 0, 100, &w), EC_ENOSPC,
	    "no shard file either");
	tap_is_str(kit_query(d, &q), "b/big0000@1", "reads work");
	before = space_free();
	for (unsigned i = 0; i < n; i++) {
		char key[16];

		snprintf(key, sizeof key, "big%04u", i);
		if (i % 10 != 9)
			kit_put(d, kit_purge("b", key, 20000 + i, 1 + i));
	}
	tap_is_str(kit_query(d, &q), "", "purges work");
	/* Some, when the log of the index was made empty. */
	for (n = 0; (e = put_big(9000 + n)) == EC_OK && n < 20; n++)
		;
	tap_is_u64(e, EC_ENOSPC, "there is hardly any room yet");
	e = d->ops->maintain(d, 10000, 3600, &removed);
	tap_is_u64(e, EC_OK, "compaction works");
	tap_ok(space_free() > before + (10u << 20), "and makes room");
	tap_is_u64(put_big(9999), EC_OK, "for new records");
	q.key = "big0009";
	tap_is_str(kit_query(d, &q), "b/big0009@10", "what stayed is there");
}

static void
test_shard_full(void)
{
	struct uuid data = { { 8 } };
	struct drive_writer *w = NULL;
	uint64_t written = 0;
	enum err e;

	e = d->ops->shard_create(d, &data, 0, 0, &w);
	while (e == EC_OK && (e = d->ops->shard_write(w, big, sizeof big)) ==
	    EC_OK)
		written += sizeof big;
	tap_is_u64(e, EC_ENOSPC, "a shard file of %u MiB fills the drive",
	    (unsigned)(written >> 20));
	kit_put(d, kit_purge("b", "none", 50000, 1));
	tap_ok(true, "a purge works beside it");
	d->ops->shard_abort(w);
	tap_ok(space_free() > 0, "aborted: there is room");
	tap_is_str(kit_shard_text(d, &data, 0), "EC_ENOTFOUND", "no litter");
}

/* Others may fill the file system to the last byte. */
static void
test_really_full(const char *dir)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "b",
		.key = "big0009", .limit = 10 };
	struct drive_append a;
	char path[64];
	int fd;
	enum err e;

	snprintf(path, sizeof path, "%s/other", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, big, sizeof big) > 0)
		;
	while (write(fd, big, 1) > 0)
		;
	close(fd);
	e = kit_append(d, &a, kit_purge("b", "big0009", 60000, 10), 0);
	kit_append_free(&a);
	tap_ok(e == EC_OK || e == EC_ENOSPC || e == EC_EIO,
	    "no byte left: a purge is done or fails (%s)", err_name(e));
	tap_ok(strncmp(kit_query(d, &q), "EC_", 3) != 0, "reads work");
	unlink(path);
	{
		struct format f;

		tap_is_u64(d->ops->probe(d, &f), EC_OK, "with room it mends");
	}
	tap_is_u64(put_big(9998), EC_OK, "and takes records");
}

int
main(void)
{
	char dir[] = "/tmp/ec-full.XXXXXX";
	struct format f = kit_format();

	log_level_set(LOG_LEVEL_ERROR);
	if (!own_mounts()) {
		tap_skip("no mount name space: %s", strerror(errno));
		return tap_done();
	}
	if (mkdtemp(dir) == NULL)
		abort();
	if (mount("tmpfs", dir, "tmpfs", 0, "size=64m") != 0) {
		tap_skip("no tmpfs: %s", strerror(errno));
		rmdir(dir);
		return tap_done();
	}
	if (local_format(dir, &f) != EC_OK ||
	    local_open(&d, dir, "", NULL) != EC_OK)
		abort();
	test_full();
	test_shard_full();
	test_really_full(dir);
	drive_close(d);
	if (local_open(&d, dir, "", NULL) != EC_OK)
		abort();
	tap_is_str(kit_query(d, &(struct drive_query){ .limit = 1,
	    .table = DRIVE_VERSIONS, .bucket = "b", .key = "big9998" }),
	    "b/big9998@9999", "opened again");
	drive_close(d);
	kit_release();
	umount(dir);
	rmdir(dir);
	return tap_done();
}
