/* memory_query: what a disk in memory answers to a query of drive.h. */
#include "memory_disk.h"

#include <string.h>

static bool
has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool
query_behind(const struct drive_query *q, const struct record *r)
{
	int c = 1;

	if (q->table == DRIVE_HEALS)
		return stamp_cmp(&r->stamp, &q->after_stamp) > 0;
	if (q->bucket == NULL && q->after_bucket != NULL)
		c = strcmp(r->bucket, q->after_bucket);
	if (c != 0 && q->bucket == NULL && q->after_bucket != NULL)
		return c > 0;
	if (q->after_key == NULL)
		return true;
	if ((c = strcmp(r->key, q->after_key)) != 0)
		return c > 0;
	if (stamp_is_zero(&q->after_stamp))
		return false;
	if (q->table == DRIVE_UPLOADS)
		return stamp_cmp(&r->target, &q->after_stamp) > 0;
	return stamp_cmp(&r->stamp, &q->after_stamp) < 0;
}

static bool
query_match(const struct drive_query *q, const struct record *r)
{
	if (q->table == DRIVE_BUCKETS) {
		if (q->bucket != NULL)
			return strcmp(q->bucket, r->bucket) == 0;
		return q->after_bucket == NULL ||
		    strcmp(r->bucket, q->after_bucket) > 0;
	}
	if ((q->bucket != NULL && strcmp(q->bucket, r->bucket) != 0) ||
	    (q->key != NULL && strcmp(q->key, r->key) != 0) ||
	    (q->prefix != NULL && !has_prefix(r->key, q->prefix)))
		return false;
	if (!query_behind(q, r))
		return false;
	if (r->stamp.hlc < q->since_hlc ||
	    (q->null_only && (r->flags & RECORD_NULL) == 0))
		return false;
	if (stamp_is_zero(&q->target))
		return true;
	if (q->table == DRIVE_VERSIONS)
		return stamp_cmp(&r->stamp, &q->target) == 0 ||
		    ((r->kind == RECORD_TOMBSTONE ||
		    r->kind == RECORD_AMEND) &&
		    stamp_cmp(&r->target, &q->target) == 0);
	return stamp_cmp(&r->target, &q->target) == 0;
}

static enum err
query_add(const struct drive_query *q, const struct memory_row *row,
    struct drive_records *out)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct record r = row->rec;
	uint8_t listed[RECORD_LISTED_MAX];
	enum err e;

	if (!q->want_inline)
		r.inline_data = NULL;
	if (!q->want_parts) {
		r.parts = NULL;
		r.part_count = 0;
		r.meta_len = (uint32_t)record_meta_listed(listed, r.meta,
		    r.meta_len);
		r.meta = listed;
	}
	if ((e = record_encode(&b, &r)) == EC_OK)
		e = drive_records_add(out, b.data, b.len);
	buf_release(&b);
	return e;
}

/* The first row that may match. */
static size_t
query_start(struct memory_disk *m, const struct drive_query *q)
{
	struct record at = { .bucket = "", .key = "", .etag = "",
		.stamp = { UINT64_MAX, UINT64_MAX } };
	bool found;

	if (q->table == DRIVE_HEALS)
		at.stamp = (struct stamp){ 0, 0 };
	if (q->bucket != NULL)
		at.bucket = q->bucket;
	if (q->bucket != NULL && q->table != DRIVE_BUCKETS) {
		if (q->key != NULL)
			at.key = q->key;
		else if (q->after_key != NULL && (q->prefix == NULL ||
		    strcmp(q->after_key, q->prefix) > 0))
			at.key = q->after_key;
		else if (q->prefix != NULL)
			at.key = q->prefix;
	}
	return memory_row_find(m, q->table, &at, &found);
}

enum err
memory_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out)
{
	struct memory_disk *m = memory_disk_of(d);
	const char *last = NULL;
	unsigned count = 0, of_key = 0;
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_QUERY, &late)) != EC_OK)
		return e;
	for (size_t i = query_start(m, q);
	    i < m->row_count && count < q->limit && e == EC_OK; i++) {
		const struct memory_row *row = m->rows[i];

		if (row->table != q->table)
			break;
		if (q->bucket != NULL && q->table != DRIVE_HEALS &&
		    strcmp(row->rec.bucket, q->bucket) > 0)
			break;
		if (!query_match(q, &row->rec))
			continue;
		of_key = last != NULL && strcmp(last, row->rec.key) == 0 ?
		    of_key + 1 : 1;
		last = row->rec.key;
		if (q->newest_only && of_key > 4)
			continue;
		e = query_add(q, row, out);
		count++;
	}
	return memory_end(m, e, late);
}
