/* memory_append: a record is appended to a disk in memory, by the rules of
 * drive/record.h. */
#include "memory_disk.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool
row_is_version(const struct record *r)
{
	return r->kind == RECORD_OBJECT || r->kind == RECORD_MARKER ||
	    r->kind == RECORD_TOMBSTONE || r->kind == RECORD_AMEND;
}

static bool
purge_hits(const struct record *purge, const struct record *r)
{
	if ((purge->flags & RECORD_NULL) != 0)
		return row_is_version(r) && (r->flags & RECORD_NULL) != 0 &&
		    stamp_cmp(&r->stamp, &purge->target) < 0;
	return stamp_cmp(&r->stamp, &purge->target) == 0;
}

static void
apply_purge(struct memory_disk *m, const struct record *r)
{
	for (size_t i = m->row_count; i-- > 0;) {
		const struct memory_row *row = m->rows[i];

		if ((row->table == DRIVE_VERSIONS ||
		    row->table == DRIVE_PARTS) &&
		    strcmp(row->rec.bucket, r->bucket) == 0 &&
		    strcmp(row->rec.key, r->key) == 0 &&
		    purge_hits(r, &row->rec))
			memory_row_remove(m, i);
	}
}

/* Look at what is there of the same thing: the newest stamp, and whether an
 * older null version is among it. */
static void
row_survey(struct memory_disk *m, const struct record *r, struct stamp *newest,
    bool *older_null, bool *upload_gone)
{
	*newest = (struct stamp){ 0, 0 };
	*older_null = *upload_gone = false;
	for (size_t i = 0; i < m->row_count; i++) {
		const struct record *o = &m->rows[i]->rec;

		if (r->kind == RECORD_PART && o->kind == RECORD_UPLOAD &&
		    (o->flags & RECORD_GONE) != 0 &&
		    stamp_cmp(&o->target, &r->target) == 0 &&
		    strcmp(o->bucket, r->bucket) == 0 &&
		    strcmp(o->key, r->key) == 0)
			*upload_gone = true;
		if (!memory_row_same_thing(o, r))
			continue;
		if (stamp_cmp(&o->stamp, newest) > 0)
			*newest = o->stamp;
		if (row_is_version(o) && (o->flags & RECORD_NULL) != 0 &&
		    stamp_cmp(&o->stamp, &r->stamp) < 0)
			*older_null = true;
	}
}

/* Rows of which only the greatest stamp stands: drop the older one. */
static void
row_supersede(struct memory_disk *m, const struct record *r)
{
	for (size_t i = m->row_count; i-- > 0;)
		if (memory_row_same_thing(&m->rows[i]->rec, r))
			memory_row_remove(m, i);
	if (r->kind != RECORD_UPLOAD || (r->flags & RECORD_GONE) == 0)
		return;
	for (size_t i = m->row_count; i-- > 0;) {
		const struct record *p = &m->rows[i]->rec;

		if (p->kind == RECORD_PART &&
		    stamp_cmp(&p->target, &r->target) == 0 &&
		    strcmp(p->bucket, r->bucket) == 0 &&
		    strcmp(p->key, r->key) == 0)
			memory_row_remove(m, i);
	}
}

/* Is ${r} something new in a bucket that takes nothing any more? */
static bool
bucket_closed(const struct memory_disk *m, const struct record *r)
{
	if (r->kind != RECORD_OBJECT && r->kind != RECORD_MARKER &&
	    r->kind != RECORD_PART && (r->kind != RECORD_UPLOAD ||
	    (r->flags & RECORD_GONE) != 0))
		return false;
	for (size_t i = 0; i < m->row_count; i++) {
		const struct record *o = &m->rows[i]->rec;

		if (o->kind == RECORD_BUCKET &&
		    strcmp(o->bucket, r->bucket) == 0)
			return (o->flags & (RECORD_GONE | RECORD_CLOSED)) != 0;
	}
	return false;
}

static enum err
apply(struct memory_disk *m, struct memory_row *row, struct drive_append *a,
    bool *kept)
{
	const struct record *r = &row->rec;
	bool older_null, upload_gone;
	struct stamp newest;
	enum err e;

	*kept = false;
	if (r->kind == RECORD_PURGE) {
		apply_purge(m, r);
		return EC_OK;
	}
	row_survey(m, r, &newest, &older_null, &upload_gone);
	if (upload_gone)
		return EC_ENOUPLOAD;
	if ((a->flags & DRIVE_APPEND_NEWEST) != 0 && bucket_closed(m, r))
		return EC_ENOBUCKET;
	if (stamp_cmp(&newest, &r->stamp) > 0) {
		a->hlc = newest.hlc;
		if ((a->flags & DRIVE_APPEND_NEWEST) != 0)
			return EC_ESTALE;
	}
	if (row->table != DRIVE_VERSIONS && row->table != DRIVE_PARTS) {
		if (stamp_cmp(&newest, &r->stamp) > 0)
			return EC_OK;
		row_supersede(m, r);
	}
	a->superseded = row_is_version(r) && (r->flags & RECORD_NULL) != 0 &&
	    older_null;
	e = memory_row_insert(m, row);
	*kept = e == EC_OK;
	return e;
}

static enum err
append_one(struct memory_disk *m, struct drive_append *a)
{
	struct memory_row *row = mem_array(1, sizeof(*row));
	bool kept = false;
	enum err e = EC_ENOMEM;

	a->superseded = false;
	if (row == NULL || (row->bytes = malloc(a->len)) == NULL)
		goto out;
	memcpy(row->bytes, a->rec, a->len);
	row->len = a->len;
	if ((e = record_decode(&row->rec, &row->parts, row->bytes,
	    row->len)) != EC_OK)
		goto out;
	row->table = drive_table_of(row->rec.kind);
	e = apply(m, row, a, &kept);
out:
	if (!kept)
		memory_row_free(row);
	return e;
}

enum err
memory_append(struct drive *d, struct drive_append *a, unsigned n)
{
	struct memory_disk *m = memory_disk_of(d);
	bool lazy = true;
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_APPEND, &late)) != EC_OK)
		return e;
	for (unsigned i = 0; i < n; i++) {
		a[i].err = append_one(m, &a[i]);
		m->stats.appends++;
		m->stats.append_bytes += a[i].len;
		lazy = lazy && (a[i].flags & DRIVE_APPEND_LAZY) != 0;
	}
	m->stats.flushes += !lazy;
	return memory_end(m, EC_OK, late);
}
