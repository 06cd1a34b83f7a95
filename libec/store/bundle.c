#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "store/bundle.h"
#include "store/name.h"

enum { CHUNK_BYTES = 1024 * 1024, PAGE_ENTRIES = 1000 };

/* A member's name as the tail of a key: no absolute path, no "..", no NUL. */
static bool
member_ok(const char *name)
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

static const char *
member_tail(const char *name)
{
	while (name[0] == '.' && name[1] == '/')
		for (name += 2; name[0] == '/'; name++)
			;
	return name;
}

static enum err
copy_member(struct archive *ar, struct store_put *p, uint64_t *bytes)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	enum err e = chunk != NULL ? EC_OK : EC_ENOMEM;

	while (e == EC_OK) {
		la_ssize_t n = archive_read_data(ar, chunk, CHUNK_BYTES);

		if (n < 0) {
			log_error("archive: %s", archive_error_string(ar));
			e = EC_ECORRUPT;
		}
		if (n <= 0)
			break;
		e = store_put_write(p, chunk, (size_t)n);
		*bytes += (uint64_t)n;
	}
	free(chunk);
	return e;
}

static enum err
store_member(struct store *st, struct archive *ar, struct archive_entry *ent,
    const char *bucket, const char *key, struct bundle_result *r)
{
	struct put_params pp = { .bucket = bucket, .key = key, .parity = -1,
		.size = UINT64_MAX };
	struct store_put *p = NULL;
	struct object o = OBJECT_INIT;
	enum err e;

	if (archive_entry_size_is_set(ent))
		pp.size = (uint64_t)archive_entry_size(ent);
	if ((e = store_put_open(st, &pp, &p)) != EC_OK ||
	    (e = copy_member(ar, p, &r->bytes)) != EC_OK ||
	    (e = store_put_finish(p, NULL)) != EC_OK ||
	    (e = store_put_commit(p, NULL, NULL, &o)) != EC_OK)
		name_log_failure(key, e);
	else
		r->degraded += store_complaint()[0] != '\0';
	object_release(&o);
	store_put_free(p);
	return e;
}

/* One member: EC_EINVAL when its name is refused. */
static enum err
take(struct store *st, struct archive *ar, struct archive_entry *ent,
    const char *bucket, const char *prefix, struct bundle_result *r)
{
	const char *name = archive_entry_pathname(ent);
	struct buf key = BUF_INIT(RECORD_KEY_MAX);
	enum err e;

	if (!member_ok(name)) {
		log_error("archive member %.100s: name refused",
		    name != NULL ? name : "(not readable)");
		return EC_EINVAL;
	}
	if (archive_entry_filetype(ent) != AE_IFREG ||
	    archive_entry_hardlink(ent) != NULL) {
		r->skipped += archive_entry_filetype(ent) != AE_IFDIR;
		return EC_OK;
	}
	if (buf_add_str(&key, prefix) != EC_OK ||
	    buf_add_str(&key, member_tail(name)) != EC_OK ||
	    object_key_valid(buf_str(&key)) != EC_OK) {
		log_error("archive member %.100s: not a valid key", name);
		e = EC_EINVAL;
	} else {
		e = store_member(st, ar, ent, bucket, buf_str(&key), r);
		r->members += e == EC_OK;
	}
	buf_release(&key);
	return e;
}

enum err
bundle_extract(struct store *st, const char *bucket, const char *prefix,
    int fd, struct bundle_result *out)
{
	struct archive *ar = archive_read_new();
	struct archive_entry *ent = NULL;
	enum err e = EC_OK, refused = EC_OK;
	int got;

	if (ar == NULL)
		return EC_ENOMEM;
	archive_read_support_filter_all(ar);
	archive_read_support_format_tar(ar);
	archive_read_support_format_zip_streamable(ar);
	archive_read_support_format_cpio(ar);
	if (archive_read_open_fd(ar, fd, 64 * 1024) != ARCHIVE_OK) {
		log_error("archive: %s", archive_error_string(ar));
		e = EC_EFORMAT;
	}
	while (e == EC_OK && (got = archive_read_next_header(ar, &ent)) !=
	    ARCHIVE_EOF) {
		if (got < ARCHIVE_WARN) {
			log_error("archive: %s", archive_error_string(ar));
			e = EC_EFORMAT;
			break;
		}
		e = take(st, ar, ent, bucket, prefix, out);
		if (e == EC_EINVAL) {
			refused = e;
			e = EC_OK;
		}
	}
	archive_read_free(ar);
	return e != EC_OK ? e : refused;
}

/* "tar.zst" and so on: the format and the filter. */
static enum err
set_format(struct archive *ar, const char *format)
{
	static const struct {
		const char *name;
		int (*format)(struct archive *);
		int (*filter)(struct archive *);
	} table[] = {
		{ "tar", archive_write_set_format_pax_restricted,
		    archive_write_add_filter_none },
		{ "tar.gz", archive_write_set_format_pax_restricted,
		    archive_write_add_filter_gzip },
		{ "tar.xz", archive_write_set_format_pax_restricted,
		    archive_write_add_filter_xz },
		{ "tar.zst", archive_write_set_format_pax_restricted,
		    archive_write_add_filter_zstd },
		{ "zip", archive_write_set_format_zip,
		    archive_write_add_filter_none },
		{ "cpio", archive_write_set_format_cpio_newc,
		    archive_write_add_filter_none },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(format, table[i].name) == 0)
			return table[i].format(ar) == ARCHIVE_OK &&
			    table[i].filter(ar) == ARCHIVE_OK ? EC_OK :
			    EC_ENOMEM;
	log_error("archive format %s: not one of tar tar.gz tar.xz tar.zst "
	    "zip cpio", format);
	return EC_EINVAL;
}

static enum err
write_data(struct archive *ar, struct get *g, uint64_t size)
{
	uint8_t *chunk = size > 0 ? malloc(num_min(size, CHUNK_BYTES)) : NULL;
	enum err e = chunk != NULL || size == 0 ? EC_OK : EC_ENOMEM;

	for (uint64_t off = 0; off < size && e == EC_OK;) {
		size_t n = (size_t)num_min(size - off, CHUNK_BYTES);

		if ((e = get_read(g, chunk, n, off)) == EC_OK &&
		    archive_write_data(ar, chunk, n) != (la_ssize_t)n) {
			log_error("archive: %s", archive_error_string(ar));
			e = EC_EIO;
		}
		off += n;
	}
	free(chunk);
	return e;
}

static enum err
give(struct store *st, struct archive *ar, const char *bucket,
    const struct list_entry *le, struct bundle_result *r)
{
	struct archive_entry *ent = archive_entry_new();
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	enum err e = ent != NULL ? EC_OK : EC_ENOMEM;

	if (e == EC_OK)
		e = store_get_open(st, bucket, le->key, NULL, &g, &o);
	if (e != EC_OK)
		goto out;
	archive_entry_set_pathname_utf8(ent, le->key);
	archive_entry_set_size(ent, (la_int64_t)o.size);
	archive_entry_set_filetype(ent, AE_IFREG);
	archive_entry_set_perm(ent, 0644);
	archive_entry_set_mtime(ent, (time_t)(o.mtime_us / 1000000),
	    (long)(o.mtime_us % 1000000) * 1000);
	if (archive_write_header(ar, ent) < ARCHIVE_WARN) {
		log_error("archive: %s", archive_error_string(ar));
		e = EC_EIO;
	} else {
		e = write_data(ar, g, o.size);
	}
	if (e == EC_OK) {
		r->members++;
		r->bytes += o.size;
	}
out:
	/* Deleted since it was listed: not there, not an error. */
	if (e == EC_ENOTFOUND)
		e = EC_OK;
	get_free(g);
	object_release(&o);
	archive_entry_free(ent);
	return e;
}

static enum err
give_all(struct store *st, struct archive *ar, const char *bucket,
    const char *prefix, struct bundle_result *out)
{
	struct list_params p = { .bucket = bucket, .prefix = prefix,
		.limit = PAGE_ENTRIES };
	char after[RECORD_KEY_MAX + 1];
	bool more = true;
	enum err e = EC_OK;

	while (more && e == EC_OK) {
		struct list *page = NULL;
		unsigned n;

		if ((e = store_list(st, &p, &page, &more)) != EC_OK)
			break;
		n = list_count(page);
		for (unsigned i = 0; i < n && e == EC_OK; i++)
			e = give(st, ar, bucket, list_at(page, i), out);
		if (n > 0)
			strcpy(after, list_at(page, n - 1)->key);
		p.after = after;
		more = more && n > 0;
		list_free(page);
	}
	return e;
}

enum err
bundle_create(struct store *st, const char *bucket, const char *prefix,
    const char *format, int fd, struct bundle_result *out)
{
	struct archive *ar = archive_write_new();
	enum err e;

	if (ar == NULL)
		return EC_ENOMEM;
	if ((e = set_format(ar, format)) != EC_OK)
		goto out;
	archive_write_set_bytes_in_last_block(ar, 1);
	if (archive_write_open_fd(ar, fd) != ARCHIVE_OK) {
		log_error("archive: %s", archive_error_string(ar));
		e = EC_EIO;
		goto out;
	}
	e = give_all(st, ar, bucket, prefix, out);
	/* After a failure the archive stays without its end, as it is. */
	if (e != EC_OK)
		archive_write_fail(ar);
	else if (archive_write_close(ar) != ARCHIVE_OK) {
		log_error("archive: %s", archive_error_string(ar));
		e = EC_EIO;
	}
out:
	archive_write_free(ar);
	return e;
}
