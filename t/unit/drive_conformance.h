/* drive_conformance: what every drive does, whatever is behind it.  Each
 * function wants a drive that is empty for it. */
#ifndef DRIVE_CONFORMANCE_H
#define DRIVE_CONFORMANCE_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "drive/drive.h"
#include "drive_kit.h"

static inline uint8_t
conform_byte(size_t i)
{
	return (uint8_t)(i * 167 + (i >> 8) * 13);
}

/* Write a shard of ${len} bytes in uneven pieces. */
static inline enum err
conform_write(struct drive *d, const struct uuid *data, unsigned index,
    size_t len, bool commit)
{
	struct drive_writer *w = NULL;
	uint8_t *bytes = malloc(len + 1);
	size_t done = 0, n = 1;
	enum err e;

	for (size_t i = 0; i < len; i++)
		bytes[i] = conform_byte(i);
	e = d->ops->shard_create(d, data, index, len, &w);
	for (; e == EC_OK && done < len; done += n, n = n * 3 + 1) {
		n = n < len - done ? n : len - done;
		e = d->ops->shard_write(w, bytes + done, n);
	}
	free(bytes);
	if (e == EC_OK && commit)
		return d->ops->shard_commit(w);
	if (w != NULL)
		d->ops->shard_abort(w);
	return e;
}

/* Is [off, off + len) of the shard what conform_write wrote? */
static inline enum err
conform_read(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t off, size_t len)
{
	struct drive_reader *r = NULL;
	uint8_t *bytes = malloc(len + 1);
	uint64_t size;
	enum err e;

	if ((e = d->ops->shard_open(d, data, index, &r, &size)) != EC_OK)
		goto out;
	e = d->ops->shard_pread(r, bytes, len, off);
	for (size_t i = 0; e == EC_OK && i < len; i++)
		if (bytes[i] != conform_byte(off + i))
			e = EC_EFAILED;
	d->ops->shard_close(r);
out:
	free(bytes);
	return e;
}

static inline enum err
conform_size(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t *size)
{
	struct drive_reader *r = NULL;
	enum err e;

	if ((e = d->ops->shard_open(d, data, index, &r, size)) == EC_OK)
		d->ops->shard_close(r);
	return e;
}

static inline void
conform_shard_files(struct drive *d)
{
	const size_t sizes[] = { 0, 1, 4095, 65536, 131072, 131073, 5000001 };
	struct uuid data = uuid_new(), none = uuid_new();
	uint64_t size = 0;
	enum err e;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		e = conform_write(d, &data, (unsigned)i, sizes[i], true);
		tap_ok(e == EC_OK && conform_size(d, &data, (unsigned)i,
		    &size) == EC_OK && size == sizes[i],
		    "a shard of %zu bytes: %s", sizes[i], err_name(e));
		tap_ok(conform_read(d, &data, (unsigned)i, 0, sizes[i]) ==
		    EC_OK, "reads back");
	}
	tap_ok(conform_read(d, &data, 6, 123457, 70001) == EC_OK &&
	    conform_read(d, &data, 6, 5000000, 1) == EC_OK, "ranges of it");
	tap_ok(conform_read(d, &data, 6, 4999999, 3) == EC_ECORRUPT,
	    "a range beyond its end");
	tap_ok(conform_size(d, &none, 0, &size) == EC_ENOTFOUND &&
	    conform_size(d, &data, 9, &size) == EC_ENOTFOUND,
	    "a shard that is not there");
	e = conform_write(d, &none, 0, 100000, false);
	/* Behind a network its begin and end need a moment to arrive. */
	usleep(100 * 1000);
	for (int i = 0; i < 2000 && conform_size(d, &none, 0, &size) !=
	    EC_ENOTFOUND; i++)
		usleep(1000);
	tap_ok(e == EC_OK && conform_size(d, &none, 0, &size) == EC_ENOTFOUND,
	    "an aborted one is not");
	tap_ok(conform_write(d, &data, 2, 5000, true) == EC_OK &&
	    conform_size(d, &data, 2, &size) == EC_OK && size == 5000,
	    "written anew");
	tap_ok(d->ops->shard_remove(d, &data, 2) == EC_OK &&
	    conform_size(d, &data, 2, &size) == EC_ENOTFOUND, "removed");
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (i != 2)
			d->ops->shard_remove(d, &data, i);
}

/* A file that was replaced, taken back, and purged. */
static inline void
conform_quarantine(struct drive *d)
{
	struct drive_shard_info got[4], which;
	struct uuid data = { { 7, 7, 7 } };
	struct drive_stats stats;
	uint64_t size = 0;
	uint8_t bytes[5000];
	unsigned n = 0;

	while (d->ops->kept_list(d, NULL, got, 4, &n) == EC_OK && n > 0)
		d->ops->kept_purge(d, &got[0]);
	tap_ok(conform_write(d, &data, 4, 5000, true) == EC_OK &&
	    conform_write(d, &data, 4, 4000, true) == EC_OK &&
	    conform_size(d, &data, 4, &size) == EC_OK && size == 4000,
	    "a file replaced by another");
	tap_ok(d->ops->kept_list(d, NULL, got, 4, &n) == EC_OK && n == 1 &&
	    uuid_equal(&got[0].data, &data) && got[0].index == 4 &&
	    got[0].bytes == 5000 && got[0].mtime_us > 0,
	    "the old one is in quarantine");
	tap_ok(d->ops->stats(d, &stats) == EC_OK && stats.kept_files == 1 &&
	    stats.kept_bytes == 5000, "and counted");
	which = got[0];
	tap_ok(d->ops->kept_read(d, &which, bytes, 4900, 100) == EC_OK &&
	    bytes[0] == conform_byte(100) && bytes[4899] ==
	    conform_byte(4999), "its bytes");
	tap_is_u64(d->ops->kept_read(d, &which, bytes, 4901, 100),
	    EC_ECORRUPT, "and no more of them");
	tap_ok(d->ops->kept_list(d, &data, got, 4, &n) == EC_OK && n == 0,
	    "none behind it");
	tap_ok(d->ops->kept_restore(d, &which) == EC_OK &&
	    conform_size(d, &data, 4, &size) == EC_OK && size == 5000 &&
	    d->ops->kept_list(d, NULL, got, 4, &n) == EC_OK && n == 1 &&
	    got[0].bytes == 4000, "restored, the other in its place");
	tap_ok(d->ops->kept_restore(d, &which) == EC_ENOTFOUND &&
	    d->ops->kept_purge(d, &which) == EC_ENOTFOUND &&
	    d->ops->kept_read(d, &which, bytes, 1, 0) == EC_ENOTFOUND,
	    "it is not there any more");
	which = got[0];
	tap_ok(d->ops->kept_purge(d, &which) == EC_OK &&
	    d->ops->kept_list(d, NULL, got, 4, &n) == EC_OK && n == 0 &&
	    d->ops->stats(d, &stats) == EC_OK && stats.kept_files == 0 &&
	    stats.kept_bytes == 0, "purged");
	d->ops->shard_remove(d, &data, 4);
}

static inline void
conform_shard_list(struct drive *d)
{
	enum { FILES = 25, PAGE = 10 };
	struct drive_shard_info got[PAGE];
	struct uuid after = { { 0 } }, data[FILES];
	unsigned n = PAGE, all = 0, found = 0;
	bool ordered = true;
	enum err e = EC_OK;

	for (unsigned i = 0; i < FILES; i++) {
		data[i] = uuid_new();
		conform_write(d, &data[i], i % 3, i, true);
	}
	while (e == EC_OK && n == PAGE) {
		e = d->ops->shard_list(d, all > 0 ? &after : NULL, got, PAGE,
		    &n);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			ordered = ordered && memcmp(after.b, got[i].data.b,
			    UUID_BYTES) < 0;
			after = got[i].data;
			for (unsigned k = 0; k < FILES; k++)
				found += uuid_equal(&data[k], &after) &&
				    got[i].index == k % 3 &&
				    got[i].bytes == k && got[i].mtime_us > 0;
		}
		all += n;
	}
	tap_ok(e == EC_OK && all == FILES && found == FILES, "lists all");
	tap_ok(ordered, "in order");
	for (unsigned i = 0; i < FILES; i++)
		d->ops->shard_remove(d, &data[i], i % 3);
}

/* Records: what is appended is found, in order, and by whom it is asked. */
static inline void
conform_versions(struct drive *d)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "cb",
	    .limit = 100, .want_inline = true, .want_parts = true };
	struct drive_append a;

	kit_put(d, kit_object("cb", "k", 2));
	kit_put2(d, kit_object("cb", "k", 1), kit_object("cb", "k/l", 5));
	kit_put(d, kit_object("cb", "\xc3\xbc %?#/..", 1));
	kit_put(d, kit_object("cc", "m", 1));
	tap_is_str(kit_query(d, &q), "cb/k@2 cb/k@1 cb/k/l@5 "
	    "cb/\xc3\xbc %?#/..@1", "a bucket in order");
	q.key = "k";
	tap_is_str(kit_query(d, &q), "cb/k@2 cb/k@1", "one key");
	q.target = (struct stamp){ 1, 1 };
	tap_is_str(kit_query(d, &q), "cb/k@1", "one version");
	q = (struct drive_query){ .table = DRIVE_VERSIONS, .bucket = "cb",
	    .prefix = "k", .after_key = "k", .after_stamp = { 2, 2 },
	    .limit = 2 };
	tap_is_str(kit_query(d, &q), "cb/k@1 cb/k/l@5", "within a key");
	q = (struct drive_query){ .table = DRIVE_VERSIONS, .limit = 1,
	    .after_bucket = "cb", .after_key = "\xc3\xbc %?#/.." };
	tap_is_str(kit_query(d, &q), "cc/m@1", "the next bucket");
	q.limit = 0;
	tap_is_str(kit_query(d, &q), "EC_EINVAL", "a limit is needed");
	kit_append(d, &a, kit_object("cb", "k", 1), DRIVE_APPEND_NEWEST);
	tap_ok(a.err == EC_ESTALE && a.hlc == 2, "an older one is refused");
	kit_append_free(&a);
	kit_put(d, kit_purge("cb", "k", 9, 2));
	q = (struct drive_query){ .table = DRIVE_VERSIONS, .bucket = "cb",
	    .key = "k", .limit = 9 };
	tap_is_str(kit_query(d, &q), "cb/k@1", "purged");
	for (const char *const *k = (const char *const[]){ "k", "k/l",
	    "\xc3\xbc %?#/..", NULL }; *k != NULL; k++)
		kit_put(d, kit_purge("cb", *k, 10, strcmp(*k, "k/l") == 0 ?
		    5 : 1));
	kit_put(d, kit_purge("cc", "m", 10, 1));
}

static inline void
conform_uploads(struct drive *d)
{
	struct drive_query q = { .table = DRIVE_PARTS, .bucket = "cu",
	    .key = "k", .target = { 1, 1 }, .limit = 100 };
	struct record up = { .kind = RECORD_UPLOAD, .bucket = "cu", .key = "k",
	    .etag = "", .stamp = { 1, 1 }, .target = { 1, 1 } };
	struct drive_append a;

	kit_put(d, up);
	kit_put(d, kit_part("cu", "k", 1, 2, 10));
	kit_put(d, kit_part("cu", "k", 1, 1, 11));
	tap_is_str(kit_query(d, &q), "cu/k@11 cu/k@10", "parts by number");
	up.flags = RECORD_GONE;
	up.stamp = (struct stamp){ 30, 30 };
	kit_put(d, up);
	tap_is_str(kit_query(d, &q), "", "an ended upload has none");
	kit_append(d, &a, kit_part("cu", "k", 1, 3, 40), 0);
	tap_is_u64(a.err, EC_ENOUPLOAD, "later ones are refused");
	kit_append_free(&a);
}

/* What is new is refused by a bucket that is closed or gone. */
static inline void
conform_closed(struct drive *d)
{
	static const unsigned flags[] = { 0, RECORD_CLOSED, RECORD_GONE, 0 };
	struct record b = { .kind = RECORD_BUCKET, .bucket = "cl", .key = "",
	    .etag = "" };
	struct record marker = { .kind = RECORD_MARKER, .bucket = "cl",
	    .key = "k", .etag = "" };
	struct record tomb = { .kind = RECORD_TOMBSTONE, .bucket = "cl",
	    .key = "k", .etag = "", .target = { 1, 1 } };
	struct drive_append a;
	unsigned good = 0;

	for (uint64_t i = 0; i < 4; i++) {
		b.flags = flags[i];
		b.stamp = (struct stamp){ i + 1, 1 };
		kit_put(d, b);
		marker.stamp = tomb.stamp = (struct stamp){ i + 1, 2 };
		kit_append(d, &a, marker, DRIVE_APPEND_NEWEST);
		good += a.err == (flags[i] == 0 ? EC_OK : EC_ENOBUCKET);
		kit_append_free(&a);
		kit_append(d, &a, tomb, DRIVE_APPEND_NEWEST);
		good += a.err == EC_OK;
		kit_append_free(&a);
	}
	marker.stamp.hlc = 2;
	b.flags = RECORD_GONE;
	b.stamp.hlc = 5;
	kit_put(d, b);
	kit_append(d, &a, marker, 0);
	good += a.err == EC_OK;
	kit_append_free(&a);
	tap_is_u64(good, 9, "a closed bucket takes what deletes, and heals");
}

/* ${f} is what the drive was formatted with. */
static inline void
conform_identity(struct drive *d, const struct format *f)
{
	struct format got, next = *f;
	struct drive_stats before, after;
	struct drive_space space = { 0, 0 };
	struct uuid data = uuid_new();
	uint64_t removed = 99;

	tap_ok(d->ops->probe(d, &got) == EC_OK &&
	    uuid_equal(&got.drive, &f->drive) && got.slot == f->slot &&
	    got.generation == f->generation, "says who it is");
	next.generation++;
	tap_ok(d->ops->reformat(d, &next) == EC_OK &&
	    d->ops->probe(d, &got) == EC_OK &&
	    got.generation == next.generation, "takes a new record");
	tap_ok(d->ops->space(d, &space) == EC_OK && space.total > 0 &&
	    space.free <= space.total, "knows its space");
	tap_ok(d->ops->stats(d, &before) == EC_OK, "counts");
	conform_write(d, &data, 0, 1000, true);
	conform_read(d, &data, 0, 0, 1000);
	tap_ok(d->ops->stats(d, &after) == EC_OK &&
	    after.shard_bytes_written == before.shard_bytes_written + 1000 &&
	    after.shard_bytes_read >= before.shard_bytes_read + 1000,
	    "bytes of shards");
	d->ops->shard_remove(d, &data, 0);
	tap_ok(d->ops->maintain(d, 10, 3600, &removed) == EC_OK &&
	    removed == 0, "maintains itself");
}

#endif
