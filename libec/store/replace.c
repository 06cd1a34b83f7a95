/* replace: see the header. */
#include "store/replace.h"

#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/os_linux.h"
#include "base/progress.h"
#include "drive/clone.h"

enum err
replace_find(struct store *st, const char *path)
{
	struct store_drive_status d;
	size_t len = strlen(path), have;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (unsigned i = 0; i < store_drive_count(st); i++) {
		store_drive_status(st, i, &d);
		have = strlen(d.path);
		if (have >= len && strncmp(d.path + have - len, path, len) ==
		    0 && (have == len || path[0] == '/'))
			return EC_OK;
	}
	log_error("%s: none of these drives", path);
	return EC_ENOTFOUND;
}

static void
copy_progress(void *ctx, uint64_t files, uint64_t bytes)
{
	progress_show(ctx, files, bytes);
}

enum err
replace_drive(const char *from, const char *to, bool quiet)
{
	struct progress p;
	struct clone c = { .progress = copy_progress, .ctx = &p };
	char bytes[16];
	enum err e;

	if (os_is_mount(from) && !os_is_mount(to)) {
		log_error("%s: no file system of its own, as %s is", to, from);
		return EC_EINVAL;
	}
	progress_init(&p, "files", quiet);
	e = clone_drive(&c, from, to);
	progress_wipe(&p);
	if (e != EC_OK)
		return e;
	if (!quiet)
		log_info("%s: %llu files, %s copied to %s, %llu not", from,
		    (unsigned long long)c.files, num_size_text(bytes,
		    sizeof bytes, c.bytes), to, (unsigned long long)c.unread);
	e = clone_exchange(from, to);
	if (e == EC_EDENIED || e == EC_EBUSY) {
		log_warn("%s is a copy of %s and cannot be moved there: mount "
		    "it there instead, then run ec-heal --wait", to, from);
		return EC_EDEGRADED;
	}
	if (e != EC_OK)
		log_error("%s: cannot exchange it for %s: %s", from, to,
		    err_text(e));
	return e;
}
