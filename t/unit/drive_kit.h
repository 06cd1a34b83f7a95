/* drive_kit: records and queries for tests of drives.  Stamp n is (n, n). */
#ifndef DRIVE_KIT_H
#define DRIVE_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive/drive.h"

static struct buf kit_text = BUF_INIT(1u << 20);
static struct record_part kit_one_part;
static uint8_t kit_data[64];

static inline void
kit_release(void)
{
	buf_release(&kit_text);
}

static inline struct format
kit_format(void)
{
	struct format f = { .set_count = 1, .drive_count = 1,
		.generation = 1 };

	f.deployment = uuid_new();
	f.drive = f.drives[0] = uuid_new();
	return f;
}

/* An object with its shard inline. */
static inline struct record
kit_object(const char *bucket, const char *key, uint64_t stamp)
{
	return (struct record){ .kind = RECORD_OBJECT, .flags = RECORD_INLINE,
		.stamp = { stamp, stamp }, .bucket = bucket, .key = key,
		.etag = "e", .size = sizeof kit_data * 2, .k = 2, .m = 2,
		.inline_data = kit_data, .inline_len = sizeof kit_data };
}

static inline struct record
kit_purge(const char *bucket, const char *key, uint64_t stamp, uint64_t target)
{
	return (struct record){ .kind = RECORD_PURGE,
		.stamp = { stamp, stamp }, .target = { target, target },
		.bucket = bucket, .key = key, .etag = "" };
}

static inline struct record
kit_part(const char *bucket, const char *key, uint64_t upload, uint32_t number,
    uint64_t stamp)
{
	kit_one_part = (struct record_part){ .number = number, .size = 10,
		.data = { { 0x77, (uint8_t)stamp } }, .k = 2, .m = 2,
		.unit = 4096 };
	return (struct record){ .kind = RECORD_PART,
		.stamp = { stamp, stamp }, .target = { upload, upload },
		.bucket = bucket, .key = key, .etag = "e", .k = 2, .m = 2,
		.parts = &kit_one_part, .part_count = 1 };
}

static inline void
kit_encode(struct drive_append *a, struct record r)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);

	if (record_encode(&b, &r) != EC_OK)
		abort();
	*a = (struct drive_append){ .rec = b.data, .len = b.len };
}

static inline void
kit_append_free(struct drive_append *a)
{
	uintptr_t p = (uintptr_t)a->rec;

	free((void *)p);
}

static inline enum err
kit_append(struct drive *d, struct drive_append *a, struct record r,
    unsigned flags)
{
	kit_encode(a, r);
	a->flags = flags;
	return d->ops->append(d, a, 1);
}

/* Append, and it must be taken. */
static inline void
kit_put(struct drive *d, struct record r)
{
	struct drive_append a;

	if (kit_append(d, &a, r, 0) != EC_OK || a.err != EC_OK) {
		fprintf(stderr, "kit_put: %s\n", err_name(a.err));
		abort();
	}
	kit_append_free(&a);
}

static inline void
kit_put2(struct drive *d, struct record r, struct record s)
{
	struct drive_append a[2];

	kit_encode(&a[0], r);
	kit_encode(&a[1], s);
	if (d->ops->append(d, a, 2) != EC_OK || a[0].err != EC_OK ||
	    a[1].err != EC_OK)
		abort();
	kit_append_free(&a[0]);
	kit_append_free(&a[1]);
}

/* "bucket/key@stamp ..." of what a query gives, or the error's name. */
static inline const char *
kit_query(struct drive *d, const struct drive_query *q)
{
	struct drive_records l = DRIVE_RECORDS_INIT;
	struct record_part *parts;
	struct record r;
	const uint8_t *rec;
	size_t pos = 0, len;
	enum err e;

	kit_text.len = 0;
	e = d->ops->query(d, q, &l);
	while (e == EC_OK && drive_records_next(&l, &pos, &rec, &len)) {
		if (record_decode(&r, &parts, rec, len) != EC_OK)
			abort();
		if (q->want_inline && (r.flags & RECORD_INLINE) != 0 &&
		    (r.inline_data == NULL || memcmp(r.inline_data, kit_data,
		    r.inline_len) != 0))
			buf_add_str(&kit_text, "BAD-DATA ");
		buf_printf(&kit_text, "%s%s/%s@%u", kit_text.len > 0 ? " " :
		    "", r.bucket, r.key, (unsigned)r.stamp.hlc);
		free(parts);
	}
	buf_release(&l.buf);
	return e != EC_OK ? err_name(e) : buf_str(&kit_text);
}

static inline enum err
kit_shard(struct drive *d, const struct uuid *data, unsigned index,
    const char *bytes, size_t len)
{
	struct drive_writer *w;
	enum err e;

	if ((e = d->ops->shard_create(d, data, index, len, &w)) != EC_OK)
		return e;
	if ((e = d->ops->shard_write(w, bytes, len)) != EC_OK) {
		d->ops->shard_abort(w);
		return e;
	}
	return d->ops->shard_commit(w);
}

/* What a shard file holds, or the error's name. */
static inline const char *
kit_shard_text(struct drive *d, const struct uuid *data, unsigned index)
{
	struct drive_reader *r;
	uint64_t bytes;
	enum err e;

	if ((e = d->ops->shard_open(d, data, index, &r, &bytes)) != EC_OK)
		return err_name(e);
	kit_text.len = 0;
	if (bytes < 100 && buf_add(&kit_text, "0123456789012345678901234567890"
	    "12345678901234567890123456789012345678901234567890123456789"
	    "0123456789", (size_t)bytes) == EC_OK)
		e = d->ops->shard_pread(r, kit_text.data, (size_t)bytes, 0);
	d->ops->shard_close(r);
	return e != EC_OK ? err_name(e) : buf_str(&kit_text);
}

#endif
