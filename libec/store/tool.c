/* tool: see the header. */
#include "store/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/os_linux.h"

enum err
tool_open(struct store **out, const struct opt_list *drives, bool brief,
    int argc, char *argv[])
{
	struct store_params p = { .parity = -1, .may_share = true,
		.serve = !brief, .linger = !brief };
	const char **volumes;
	enum err e;

	os_keep_memory();
	volumes = calloc(drives->len + (size_t)argc + 1, sizeof *volumes);
	if (volumes == NULL)
		return EC_ENOMEM;
	for (size_t i = 0; i < drives->len; i++)
		volumes[p.volume_count++] = drives->v[i];
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "-") != 0)
			volumes[p.volume_count++] = argv[i];
	p.volumes = volumes;
	e = store_open(out, &p);
	free(volumes);
	return e;
}

enum err
tool_scope_parse(struct tool_scope *out, const char *text)
{
	const char *slash;
	size_t len;

	memset(out, 0, sizeof *out);
	if (text == NULL)
		return EC_OK;
	slash = strchr(text, '/');
	len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	if (len > RECORD_BUCKET_MAX)
		return EC_EINVAL;
	memcpy(out->name, text, len);
	out->bucket = out->name;
	out->prefix = slash != NULL ? slash + 1 : NULL;
	return object_bucket_valid(out->name);
}

uint64_t
tool_count(struct store *st, const struct tool_scope *scope)
{
	uint64_t total = 0, n;

	for (unsigned i = 0; i < store_sets(st); i++) {
		if (scan_count(store_set(st, i), scope->bucket, scope->prefix,
		    &n) != EC_OK)
			return 0;
		total += n;
	}
	return total;
}

enum err
tool_put(struct buf *b)
{
	enum err e = EC_OK;

	if (b->len > 0 && (fwrite(b->data, 1, b->len, stdout) != b->len ||
	    fflush(stdout) != 0)) {
		log_error("standard output: cannot be written");
		e = EC_EIO;
	}
	buf_release(b);
	return e;
}
