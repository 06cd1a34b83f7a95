#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "drive/record.h"
#include "set/set.h"
#include "store/bundle_reader.h"

enum { MAGIC_BYTES = 6 };

struct bundle_reader {
	struct bundle_reader_params p;
	struct archive *ar;
	struct buf key;
	uint64_t members, bytes, skipped, file_bytes;
	uint64_t announced;	/* the sizes of all files so far */
	enum err failed;	/* of the source */
	char why[256];
	size_t have;		/* bytes in chunk that are not given yet */
	uint8_t chunk[64 * 1024];
};

__attribute__((format(printf, 3, 4))) static enum err
fail(struct bundle_reader *r, enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return e;
}

/* What libarchive could not do. */
static enum err
broken(struct bundle_reader *r)
{
	const char *text = archive_error_string(r->ar);

	if (r->failed != EC_OK)
		return fail(r, r->failed, "%s", err_text(r->failed));
	return fail(r, EC_EFORMAT, "the archive cannot be read: %s",
	    text != NULL ? text : "no memory");
}

static la_ssize_t
give(struct archive *ar, void *ctx, const void **out)
{
	struct bundle_reader *r = ctx;
	size_t got = r->have;

	*out = r->chunk;
	r->have = 0;
	if (got == 0 && (r->failed = r->p.from.read(r->p.from.ctx, r->chunk,
	    sizeof(r->chunk), &got)) != EC_OK) {
		archive_set_error(ar, EIO, "%s",
		    err_text(r->failed));
		return -1;
	}
	return (la_ssize_t)got;
}

static enum err
first_bytes(struct bundle_reader *r)
{
	size_t got = 1;
	enum err e = EC_OK;

	while (r->have < MAGIC_BYTES && got > 0 && e == EC_OK) {
		e = r->p.from.read(r->p.from.ctx, r->chunk + r->have,
		    sizeof(r->chunk) - r->have, &got);
		if (e == EC_OK)
			r->have += got;
	}
	return e;
}

/* libarchive would unpack a gzip in a gzip in a gzip by itself, and start
 * programs for what it does not know. */
static int
set_filter(struct bundle_reader *r)
{
	static const struct {
		int filter;
		size_t len;
		const char *magic;
	} table[] = {
		{ ARCHIVE_FILTER_GZIP, 3, "\x1f\x8b\x08" },
		{ ARCHIVE_FILTER_BZIP2, 3, "BZh" },
		{ ARCHIVE_FILTER_XZ, 6, "\xfd" "7zXZ" },
		{ ARCHIVE_FILTER_ZSTD, 4, "\x28\xb5\x2f\xfd" },
		{ ARCHIVE_FILTER_LZ4, 4, "\x04\x22\x4d\x18" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (r->have >= table[i].len && memcmp(r->chunk,
		    table[i].magic, table[i].len) == 0)
			return archive_read_append_filter(r->ar,
			    table[i].filter);
	return ARCHIVE_OK;
}

static enum err
open_archive(struct bundle_reader *r)
{
	enum err e;

	if ((r->ar = archive_read_new()) == NULL)
		return EC_ENOMEM;
	if ((e = first_bytes(r)) != EC_OK)
		return fail(r, e, "%s", err_text(e));
	if (archive_read_support_format_tar(r->ar) != ARCHIVE_OK ||
	    (!r->p.tar_only &&
	    (archive_read_support_format_zip_streamable(r->ar) != ARCHIVE_OK ||
	    archive_read_support_format_cpio(r->ar) != ARCHIVE_OK)))
		return EC_ENOMEM;
	if (set_filter(r) < ARCHIVE_WARN ||
	    archive_read_open(r->ar, r, NULL, give, NULL) != ARCHIVE_OK)
		return broken(r);
	return EC_OK;
}

enum err
bundle_reader_new(struct bundle_reader **out,
    const struct bundle_reader_params *p)
{
	struct bundle_reader *r = calloc(1, sizeof(*r));

	*out = r;
	if (r == NULL)
		return EC_ENOMEM;
	r->p = *p;
	r->key = (struct buf)BUF_INIT(RECORD_KEY_MAX);
	return open_archive(r);
}

void
bundle_reader_free(struct bundle_reader *r)
{
	if (r == NULL)
		return;
	archive_read_free(r->ar);
	buf_release(&r->key);
	free(r);
}

/* A member's name as the tail of a key: no absolute path, no "..". */
static bool
name_ok(const char *name)
{
	const char *p = name;

	if (name == NULL || name[0] == '\0' || name[0] == '/')
		return false;
	while (*p != '\0') {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
		p += n + (p[n] == '/');
	}
	return true;
}

/* Without "./" before it. */
static const char *
name_tail(const char *name)
{
	while (name[0] == '.' && name[1] == '/')
		for (name += 2; name[0] == '/'; name++)
			;
	return name[0] == '.' && name[1] == '\0' ? name + 1 : name;
}

static enum err
make_key(struct bundle_reader *r, const char *name, bool dir)
{
	const char *tail = name_tail(name);
	size_t len = strlen(tail);

	r->key.len = 0;
	if (buf_add_str(&r->key, r->p.prefix) != EC_OK ||
	    buf_add(&r->key, tail, len) != EC_OK ||
	    (dir && len > 0 && tail[len - 1] != '/' &&
	    buf_add(&r->key, "/", 1) != EC_OK) ||
	    object_key_valid(buf_str(&r->key)) != EC_OK)
		return fail(r, EC_EINVAL, "the member %.100s: no valid key",
		    name);
	return EC_OK;
}

/* Is it what the caller wants? */
static enum err
take(struct bundle_reader *r, struct archive_entry *ent,
    struct bundle_file *out)
{
	const char *name = archive_entry_pathname_utf8(ent);
	bool dir = archive_entry_filetype(ent) == AE_IFDIR;
	enum err e;

	if (!name_ok(name))
		return fail(r, EC_EINVAL, "the member %.100s: name refused",
		    name != NULL ? name : "(not UTF-8)");
	if (dir && (!r->p.dirs || name_tail(name)[0] == '\0'))
		return EC_OK;
	if (!dir && (archive_entry_filetype(ent) != AE_IFREG ||
	    archive_entry_hardlink(ent) != NULL)) {
		r->skipped++;
		return EC_OK;
	}
	if ((e = make_key(r, name, dir)) != EC_OK)
		return e;
	out->size = dir ? 0 : UINT64_MAX;
	if (!dir && archive_entry_size_is_set(ent))
		out->size = (uint64_t)archive_entry_size(ent);
	if (out->size != UINT64_MAX) {
		if (out->size > r->p.file_bytes_max ||
		    out->size > r->p.bytes_max - r->announced)
			return fail(r, EC_ELIMIT, "the member %.100s: too "
			    "large", name);
		r->announced += out->size;
	}
	out->key = buf_str(&r->key);
	return EC_OK;
}

/* What was not read of a member counts too, for it is unpacked. */
static enum err
drain(struct bundle_reader *r)
{
	const void *data;
	la_int64_t off;
	size_t n;
	int got;

	while ((got = archive_read_data_block(r->ar, &data, &n, &off)) ==
	    ARCHIVE_OK) {
		r->bytes += n;
		if (r->bytes > r->p.bytes_max)
			return fail(r, EC_ELIMIT, "the archive is too large");
	}
	return got >= ARCHIVE_WARN ? EC_OK : broken(r);
}

enum err
bundle_reader_next(struct bundle_reader *r, struct bundle_file *out)
{
	struct archive_entry *ent = NULL;
	enum err e = EC_OK;
	int got;

	out->key = NULL;
	while (e == EC_OK && out->key == NULL) {
		if (r->members > 0 && (e = drain(r)) != EC_OK)
			break;
		got = archive_read_next_header(r->ar, &ent);
		if (got == ARCHIVE_EOF)
			break;
		if (got < ARCHIVE_WARN)
			return broken(r);
		r->file_bytes = 0;
		if (r->members++ >= r->p.members_max)
			return fail(r, EC_ELIMIT, "too many members");
		e = take(r, ent, out);
	}
	return e;
}

enum err
bundle_reader_data(struct bundle_reader *r, void *buf, size_t max, size_t *got)
{
	la_ssize_t n = archive_read_data(r->ar, buf, max);

	*got = 0;
	if (n < 0)
		return broken(r);
	*got = (size_t)n;
	r->file_bytes += *got;
	r->bytes += *got;
	if (r->file_bytes > r->p.file_bytes_max || r->bytes > r->p.bytes_max)
		return fail(r, EC_ELIMIT, "the archive is too large");
	return EC_OK;
}

const char *
bundle_reader_why(const struct bundle_reader *r)
{
	return r != NULL ? r->why : "";
}

uint64_t
bundle_reader_skipped(const struct bundle_reader *r)
{
	return r->skipped;
}
