#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "store/bundle.h"

enum { CHUNK_BYTES = 1024 * 1024, PAGE_ENTRIES = 1000 };

static enum err
copy_file(struct bundle_reader *r, struct store_put *p, uint64_t *bytes)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	enum err e = chunk != NULL ? EC_OK : EC_ENOMEM;
	size_t got = 1;

	while (e == EC_OK && got > 0) {
		e = bundle_reader_data(r, chunk, CHUNK_BYTES, &got);
		if (e == EC_OK && got > 0)
			e = store_put_write(p, chunk, got);
		*bytes += got;
	}
	free(chunk);
	return e;
}

static enum err
store_file(const struct bundle_extract *x, const struct bundle_file *f,
    struct bundle_result *r)
{
	struct put_params pp = { .bucket = x->bucket, .key = f->key,
		.parity = -1, .size = f->size };
	struct store_put *p = NULL;
	struct object o = OBJECT_INIT;
	enum err e;

	if (x->may != NULL && (e = x->may(x->ctx, &pp)) != EC_OK)
		return e;
	if (x->store == NULL) {
		r->members++;
		return EC_OK;
	}
	if ((e = store_put_open(x->store, &pp, &p)) == EC_OK &&
	    (f->size == 0 ||
	    (e = copy_file(x->from, p, &r->bytes)) == EC_OK) &&
	    (e = store_put_finish(p, NULL)) == EC_OK &&
	    (e = store_put_commit(p, NULL, NULL, &o)) == EC_OK) {
		r->members++;
		r->degraded += store_complaint()[0] != '\0';
	}
	object_release(&o);
	store_put_free(p);
	return e;
}

enum err
bundle_extract(const struct bundle_extract *x, struct bundle_result *out)
{
	struct bundle_file f;
	enum err e;

	while ((e = bundle_reader_next(x->from, &f)) != EC_OK ||
	    f.key != NULL) {
		if (e == EC_OK)
			e = store_file(x, &f, out);
		if (e != EC_OK && (e = x->failed(x->ctx, f.key, e)) != EC_OK)
			break;
	}
	out->skipped = bundle_reader_skipped(x->from);
	return e;
}

static const struct bundle_format {
	const char *name;
	int (*format)(struct archive *);
	int (*filter)(struct archive *);
	bool pads;	/* a member that ends too early */
} formats[] = {
	{ "tar", archive_write_set_format_pax_restricted,
	    archive_write_add_filter_none, true },
	{ "tar.gz", archive_write_set_format_pax_restricted,
	    archive_write_add_filter_gzip, true },
	{ "tar.xz", archive_write_set_format_pax_restricted,
	    archive_write_add_filter_xz, true },
	{ "tar.zst", archive_write_set_format_pax_restricted,
	    archive_write_add_filter_zstd, true },
	{ "zip", archive_write_set_format_zip, archive_write_add_filter_none,
	    false },
	{ "cpio", archive_write_set_format_cpio_newc,
	    archive_write_add_filter_none, true },
};

static const struct bundle_format *
format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(name, formats[i].name) == 0)
			return &formats[i];
	return NULL;
}

bool
bundle_format_known(const char *name)
{
	return format_find(name) != NULL;
}

struct giver {	/* of what an archive is made */
	const struct bundle_create *c;
	const struct bundle_format *format;
	struct archive *ar;
	enum err failed;	/* nothing more is written */
};

/* archive_write_fail and, of zip, any error here leave memory that libarchive
 * never frees.  So it ends as after no error, into nothing; only what would pad
 * the rest of a member with zeros until then is told to stop. */
static la_ssize_t
give_bytes(struct archive *ar, void *ctx, const void *buf, size_t len)
{
	struct giver *g = ctx;

	if (g->failed == EC_OK)
		g->failed = g->c->write(g->c->ctx, buf, len);
	if (g->failed == EC_OK || !g->format->pads)
		return (la_ssize_t)len;
	archive_set_error(ar, EIO, "%s", err_text(g->failed));
	return -1;
}

static enum err
broken(const struct giver *g)
{
	if (g->failed != EC_OK)
		return g->failed;
	log_error("archive: %s", archive_error_string(g->ar));
	return EC_EIO;
}

static enum err
give_data(struct giver *g, struct get *from, uint64_t size)
{
	uint8_t *chunk = size > 0 ? malloc(num_min(size, CHUNK_BYTES)) : NULL;
	enum err e = chunk != NULL || size == 0 ? EC_OK : EC_ENOMEM;

	for (uint64_t off = 0; off < size && e == EC_OK;) {
		size_t n = (size_t)num_min(size - off, CHUNK_BYTES);

		if ((e = get_read(from, chunk, n, off)) == EC_OK &&
		    archive_write_data(g->ar, chunk, n) != (la_ssize_t)n)
			e = broken(g);
		if (e == EC_OK)
			e = g->failed;
		off += n;
	}
	free(chunk);
	return e;
}

static enum err
add_name(struct buf *out, const char *key)
{
	const char *p = key;
	enum err e = EC_OK;

	if (p[0] == '/' && (e = buf_add_str(out, "%2F")) == EC_OK)
		p++;
	while (*p != '\0' && e == EC_OK) {
		size_t n = strcspn(p, "/"), with = n + (p[n] == '/');

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			e = buf_add_str(out, "%2E%2E");
			p += n;
			with -= n;
		}
		if (e == EC_OK)
			e = buf_add(out, p, with);
		p += with;
	}
	return e;
}

static enum err
give_head(struct giver *g, const char *key, const struct object *o)
{
	struct archive_entry *ent = archive_entry_new();
	struct buf name = BUF_INIT(8 * RECORD_KEY_MAX);
	size_t len = strlen(key);
	bool dir = o->size == 0 && key[len - 1] == '/';
	enum err e = ent != NULL ? add_name(&name, key) : EC_ENOMEM;

	if (e != EC_OK)
		goto out;
	archive_entry_set_pathname_utf8(ent, buf_str(&name));
	archive_entry_set_size(ent, (la_int64_t)o->size);
	archive_entry_set_filetype(ent, dir ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(ent, dir ? 0755 : 0644);
	archive_entry_set_mtime(ent, (time_t)(o->mtime_us / 1000000),
	    (long)(o->mtime_us % 1000000) * 1000);
	if (archive_write_header(g->ar, ent) < ARCHIVE_WARN)
		e = broken(g);
out:
	archive_entry_free(ent);
	buf_release(&name);
	return e;
}

static enum err
give(struct giver *g, const char *key, struct bundle_result *r)
{
	const struct bundle_create *c = g->c;
	struct object o = OBJECT_INIT;
	struct get *from = NULL;
	enum err e = store_get_open(c->store, c->bucket, key, NULL, &from, &o);

	/* Deleted since it was listed: not there, not an error. */
	if (e == EC_ENOTFOUND) {
		e = EC_OK;
		goto out;
	}
	if (e == EC_OK && c->may != NULL)
		e = c->may(c->ctx, key, &o);
	if (e != EC_OK || (e = give_head(g, key, &o)) != EC_OK ||
	    (e = give_data(g, from, o.size)) != EC_OK)
		goto out;
	r->members++;
	r->bytes += o.size;
out:
	get_free(from);
	object_release(&o);
	return e;
}

static enum err
give_all(struct giver *g, struct bundle_result *out)
{
	struct list_params p = { .bucket = g->c->bucket,
		.prefix = g->c->prefix, .limit = PAGE_ENTRIES };
	char after[RECORD_KEY_MAX + 1];
	bool more = true;
	enum err e = EC_OK;

	while (more && e == EC_OK) {
		struct list *page = NULL;
		unsigned n;

		if ((e = store_list(g->c->store, &p, &page, &more)) != EC_OK)
			break;
		n = list_count(page);
		for (unsigned i = 0; i < n && e == EC_OK; i++)
			e = give(g, list_at(page, i)->key, out);
		if (n > 0)
			strcpy(after, list_at(page, n - 1)->key);
		p.after = after;
		more = more && n > 0;
		list_free(page);
	}
	return e;
}

enum err
bundle_create(const struct bundle_create *c, struct bundle_result *out)
{
	const struct bundle_format *f = format_find(c->format);
	struct giver g = { c, f, archive_write_new(), EC_OK };
	enum err e = EC_OK;

	if (f == NULL || g.ar == NULL) {
		e = f == NULL ? EC_EINVAL : EC_ENOMEM;
		goto out;
	}
	if (f->format(g.ar) != ARCHIVE_OK || f->filter(g.ar) != ARCHIVE_OK) {
		e = EC_ENOMEM;
		goto out;
	}
	archive_write_set_bytes_per_block(g.ar, 128 * 1024);
	archive_write_set_bytes_in_last_block(g.ar, 1);
	if (archive_write_open(g.ar, &g, NULL, give_bytes, NULL) !=
	    ARCHIVE_OK) {
		e = broken(&g);
		goto out;
	}
	e = give_all(&g, out);
	/* After a failure the archive stays without its end, as it is. */
	if (e != EC_OK)
		g.failed = e;
	else if (archive_write_close(g.ar) != ARCHIVE_OK)
		e = broken(&g);
	else
		e = g.failed;
out:
	archive_write_free(g.ar);
	return e;
}
