/* format.json: round trip, what is refused, what is on disk. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/format.h"

#include "../lib/tap.h"

static struct format
sample(void)
{
	struct format f = { .pool = 1, .set = 2, .slot = 3, .set_count = 4,
		.drive_count = 4, .generation = 5 };

	f.deployment = uuid_new();
	for (unsigned i = 0; i < f.drive_count; i++)
		f.drives[i] = uuid_new();
	f.drive = f.drives[f.slot];
	f.born_us[f.slot] = UINT64_C(1795365296393936);
	return f;
}

static bool
same(const struct format *a, const struct format *b)
{
	bool good = uuid_equal(&a->deployment, &b->deployment) &&
	    uuid_equal(&a->drive, &b->drive) && a->pool == b->pool &&
	    a->set == b->set && a->slot == b->slot &&
	    a->set_count == b->set_count && a->generation == b->generation &&
	    a->drive_count == b->drive_count && a->filling == b->filling;

	for (unsigned i = 0; good && i < a->drive_count; i++)
		good = uuid_equal(&a->drives[i], &b->drives[i]) &&
		    a->born_us[i] == b->born_us[i];
	return good;
}

static void
test_text(void)
{
	struct format f = sample(), g;
	char text[FORMAT_TEXT_MAX], *p;
	size_t len;
	unsigned good = 0;

	tap_is_u64(format_encode(text, sizeof text, &f), EC_OK, "encodes");
	len = strlen(text);
	tap_is_u64(format_decode(&g, text, len), EC_OK, "decodes");
	tap_ok(same(&f, &g), "comes back as it was");
	f.filling = true;
	format_encode(text, sizeof text, &f);
	len = strlen(text);
	tap_ok(format_decode(&g, text, len) == EC_OK && same(&f, &g),
	    "and so does one that is not filled");
	for (size_t n = 0; n < len - 2; n++)
		good += format_decode(&g, text, n) == EC_OK;
	tap_is_u64(good, 0, "no cut of it decodes");
	tap_is_u64(format_encode(text, 20, &f), EC_ELIMIT, "needs its room");
	f.slot = 0;
	tap_is_u64(format_encode(text, sizeof text, &f), EC_EINVAL,
	    "the slot must hold this drive's id");
	f.slot = 3;
	format_encode(text, sizeof text, &f);
	p = strstr(text, "\"format\": 1");
	p[10] = '2';
	tap_is_u64(format_decode(&g, text, len), EC_EFORMAT,
	    "a later version is refused");
	p[10] = '1';
	p = strstr(text, "\"slot\": 3");
	p[8] = '2';
	tap_is_u64(format_decode(&g, text, len), EC_EFORMAT,
	    "another slot is refused");
}

static void
test_disk(void)
{
	struct format f = sample(), g;
	char dir[] = "/tmp/ec-format.XXXXXX", path[64];
	struct stat st;
	int fd;

	if (mkdtemp(dir) == NULL)
		abort();
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tap_is_u64(format_read(&g, fd), EC_ENOTFOUND, "not formatted");
	tap_is_u64(format_write(fd, &f), EC_OK, "writes");
	tap_ok(format_read(&g, fd) == EC_OK && same(&f, &g), "reads it back");
	f.generation++;
	tap_is_u64(format_write(fd, &f), EC_OK, "replaces");
	tap_ok(format_read(&g, fd) == EC_OK && g.generation == 6, "reads 6");
	snprintf(path, sizeof path, "%s/.ec", dir);
	tap_ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700,
	    ".ec is the owner's only");
	snprintf(path, sizeof path, "%s/.ec/format.json", dir);
	if (truncate(path, 30) != 0)
		abort();
	tap_is_u64(format_read(&g, fd), EC_EFORMAT, "a damaged one is refused");
	unlink(path);
	if (symlink("/etc/passwd", path) != 0)
		abort();
	tap_ok(format_read(&g, fd) != EC_OK, "a link is no record");
	unlink(path);
	snprintf(path, sizeof path, "%s/.ec", dir);
	rmdir(path);
	rmdir(dir);
	close(fd);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	test_text();
	test_disk();
	return tap_done();
}
