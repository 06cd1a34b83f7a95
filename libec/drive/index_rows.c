/* index_rows: rows, and the shard files they name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drive/index_impl.h"

void
index_bind_stamp(sqlite3_stmt *st, int at, uint8_t room[STAMP_BYTES],
    const struct stamp *s)
{
	for (unsigned i = 0; i < 8; i++) {
		room[i] = (uint8_t)(s->hlc >> (56 - 8 * i));
		room[8 + i] = (uint8_t)(s->id >> (56 - 8 * i));
	}
	sqlite3_bind_blob(st, at, room, STAMP_BYTES, SQLITE_STATIC);
}

void
index_bind_bytes(sqlite3_stmt *st, int at, const char *s)
{
	sqlite3_bind_blob(st, at, s, (int)strlen(s), SQLITE_STATIC);
}

struct stamp
index_column_stamp(sqlite3_stmt *st, int col)
{
	struct stamp s = { 0, 0 };
	const uint8_t *p = sqlite3_column_blob(st, col);

	if (p == NULL || sqlite3_column_bytes(st, col) != STAMP_BYTES)
		return s;
	for (unsigned i = 0; i < 8; i++) {
		s.hlc = s.hlc << 8 | p[i];
		s.id = s.id << 8 | p[8 + i];
	}
	return s;
}

void
index_row_get(struct index_row *out, sqlite3_stmt *st)
{
	out->origin = (uint64_t)sqlite3_column_int64(st, 0);
	out->segment = (uint64_t)sqlite3_column_int64(st, 1);
	out->offset = (uint64_t)sqlite3_column_int64(st, 2);
	out->length = (uint32_t)sqlite3_column_int64(st, 3);
	out->files = (unsigned)sqlite3_column_int(st, 4);
	out->stamp = index_column_stamp(st, 5);
	out->gone = (sqlite3_column_int(st, 6) & RECORD_GONE) != 0;
	out->closed = (sqlite3_column_int(st, 6) & RECORD_CLOSED) != 0;
}

enum err
index_table_prepare(struct index *ix, int which, enum drive_table t,
    const char *before, const char *after)
{
	char sql[SQL_MAX];

	if (ix->st[which + (int)t] != NULL)
		return EC_OK;
	snprintf(sql, sizeof sql, "%s %s %s", before, index_tables[t], after);
	return index_prepare(ix, ix->db, &ix->st[which + (int)t], sql);
}

const char *const index_row_where[TABLES] = {
	"WHERE bucket=?1 AND key=?2 AND stamp=?3",
	"WHERE bucket=?1",
	"WHERE bucket=?1 AND key=?2 AND target=?4",
	"WHERE bucket=?1 AND key=?2 AND target=?4 AND number=?5 AND stamp=?3",
	"WHERE bucket=?1 AND key=?2 AND target=?4",
};

unsigned
index_part_number(const struct record *r)
{
	return r->kind == RECORD_PART && r->part_count > 0 ?
	    r->parts[0].number : 0;
}

void
index_bind_key(sqlite3_stmt *st, struct index_key_room *room,
    const struct record *r)
{
	enum drive_table t = drive_table_of(r->kind);

	index_bind_bytes(st, 1, r->bucket);
	if (t != DRIVE_BUCKETS)
		index_bind_bytes(st, 2, r->key);
	if (t == DRIVE_VERSIONS || t == DRIVE_PARTS)
		index_bind_stamp(st, 3, room->stamp, &r->stamp);
	if (t != DRIVE_VERSIONS && t != DRIVE_BUCKETS)
		index_bind_stamp(st, 4, room->target, &r->target);
	if (t == DRIVE_PARTS)
		sqlite3_bind_int64(st, 5, index_part_number(r));
}

enum err
index_row_find(struct index *ix, const struct record *r, struct index_row *out)
{
	enum drive_table t = drive_table_of(r->kind);
	struct index_key_room room;
	sqlite3_stmt *st;
	enum err e;
	int rc;

	if ((e = index_table_prepare(ix, ST_GET, t, "SELECT "
	    INDEX_ROW_COLUMNS " FROM", index_row_where[t])) != EC_OK)
		return e;
	st = ix->st[ST_GET + (int)t];
	index_bind_key(st, &room, r);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		index_row_get(out, st);
	e = rc == SQLITE_DONE ? EC_ENOTFOUND : index_err(ix, ix->db, rc);
	sqlite3_reset(st);
	return e;
}

static enum err
removed_add(struct index *ix, const struct uuid *data, unsigned index)
{
	size_t cap = ix->removed_cap > 0 ? 2 * ix->removed_cap : 16;
	struct index_shard *more;

	if (ix->removed_count == ix->removed_cap) {
		if ((more = mem_array(cap, sizeof *more)) == NULL)
			return EC_ENOMEM;
		if (ix->removed_count > 0)
			memcpy(more, ix->removed,
			    ix->removed_count * sizeof *more);
		free(ix->removed);
		ix->removed = more;
		ix->removed_cap = cap;
	}
	ix->removed[ix->removed_count++] =
	    (struct index_shard){ *data, index };
	return EC_OK;
}

static void
bind_shard(sqlite3_stmt *st, const struct uuid *data, unsigned index)
{
	sqlite3_bind_blob(st, 1, data->b, UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, index);
}

static enum err
shard_add(struct index *ix, const struct uuid *data, unsigned index)
{
	enum err e;

	if ((e = index_prepare(ix, ix->db, &ix->st[ST_SHARD_ADD],
	    "INSERT INTO shard VALUES(?1,?2,1) "
	    "ON CONFLICT DO UPDATE SET refs=refs+1")) != EC_OK)
		return e;
	bind_shard(ix->st[ST_SHARD_ADD], data, index);
	return index_done(ix, ix->st[ST_SHARD_ADD]);
}

static enum err
shard_sub(struct index *ix, const struct uuid *data, unsigned index)
{
	sqlite3_stmt *st;
	int rc;
	bool none;
	enum err e;

	if ((e = index_prepare(ix, ix->db, &ix->st[ST_SHARD_SUB],
	    "UPDATE shard SET refs=refs-1 WHERE data=?1 AND idx=?2 "
	    "RETURNING refs")) != EC_OK ||
	    (e = index_prepare(ix, ix->db, &ix->st[ST_SHARD_DROP],
	    "DELETE FROM shard WHERE data=?1 AND idx=?2")) != EC_OK)
		return e;
	st = ix->st[ST_SHARD_SUB];
	bind_shard(st, data, index);
	rc = sqlite3_step(st);
	none = rc == SQLITE_ROW && sqlite3_column_int(st, 0) <= 0;
	e = index_err(ix, ix->db, rc);
	sqlite3_reset(st);
	if (e != EC_OK || !none)
		return e;
	bind_shard(ix->st[ST_SHARD_DROP], data, index);
	if ((e = index_done(ix, ix->st[ST_SHARD_DROP])) != EC_OK)
		return e;
	return removed_add(ix, data, index);
}

/* Parts of ${r} whose shard is a file of its own. */
static unsigned
file_count(const struct record *r)
{
	return (r->flags & RECORD_INLINE) == 0 &&
	    (r->kind == RECORD_OBJECT || r->kind == RECORD_PART) ?
	    r->part_count : 0;
}

void
index_pending(struct index *ix, const struct journal_frame *f,
    const unsigned *n)
{
	ix->pending = f;
	ix->pending_count = n;
}

/* The record of a row, from the batch that is being made or the journal. */
static enum err
row_payload(struct index *ix, const struct index_row *row,
    const uint8_t **payload)
{
	for (unsigned i = 0; ix->pending != NULL && i < *ix->pending_count;
	    i++)
		if (ix->pending[i].segment == row->segment &&
		    ix->pending[i].offset == row->offset) {
			*payload = ix->pending[i].payload;
			return EC_OK;
		}
	return journal_read(ix->journal, row->segment, row->offset,
	    row->length, &ix->frame, payload);
}

/* Let go of the shard files of a row whose record is in the journal.  If that
 * cannot be read any more the files stay until the sweep. */
static enum err
row_files_drop(struct index *ix, const struct index_row *row)
{
	struct record_part *parts = NULL;
	const uint8_t *payload;
	struct record r;
	enum err e;

	if (row->files == 0)
		return EC_OK;
	e = row_payload(ix, row, &payload);
	if (e == EC_OK)
		e = record_decode(&r, &parts, payload, row->length);
	if (e == EC_ECORRUPT || e == EC_ENOTFOUND || e == EC_EFORMAT)
		return EC_OK;
	for (unsigned i = 0; e == EC_OK && i < r.part_count; i++)
		e = shard_sub(ix, &r.parts[i].data, r.index);
	free(parts);
	return e;
}

enum err
index_row_let_go(struct index *ix, const struct index_row *row)
{
	index_live_add(ix, row->segment,
	    -(int64_t)journal_frame_bytes(row->length), 0);
	return row_files_drop(ix, row);
}

enum err
index_row_put(struct index *ix, const struct record *r,
    const struct journal_frame *f)
{
	enum drive_table t = drive_table_of(r->kind);
	uint8_t stamp[STAMP_BYTES], target[STAMP_BYTES];
	uint8_t listed[RECORD_LISTED_MAX];
	size_t len;
	sqlite3_stmt *st;
	enum err e;

	if ((e = index_table_prepare(ix, ST_PUT, t, "INSERT OR REPLACE INTO",
	    "(" INDEX_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
	    "?,?)")) != EC_OK)
		return e;
	st = ix->st[ST_PUT + (int)t];
	index_bind_bytes(st, COL_BUCKET + 1, r->bucket);
	index_bind_bytes(st, COL_KEY + 1, r->key);
	index_bind_stamp(st, COL_STAMP + 1, stamp, &r->stamp);
	if (stamp_is_zero(&r->target) && r->kind != RECORD_HEAL &&
	    r->kind != RECORD_UPLOAD && r->kind != RECORD_PART)
		sqlite3_bind_null(st, COL_TARGET + 1);
	else
		index_bind_stamp(st, COL_TARGET + 1, target, &r->target);
	sqlite3_bind_int64(st, COL_NUMBER + 1, index_part_number(r));
	sqlite3_bind_int64(st, COL_KIND + 1, r->kind);
	sqlite3_bind_int64(st, COL_FLAGS + 1, r->flags);
	sqlite3_bind_int64(st, COL_MTIME + 1, (int64_t)r->mtime_us);
	sqlite3_bind_int64(st, COL_SIZE + 1, (int64_t)r->size);
	sqlite3_bind_text(st, COL_ETAG + 1, r->etag, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, COL_K + 1, r->k);
	sqlite3_bind_int64(st, COL_M + 1, r->m);
	sqlite3_bind_int64(st, COL_START + 1, r->start);
	sqlite3_bind_int64(st, COL_IDX + 1, r->index);
	sqlite3_bind_int64(st, COL_INLINE + 1, r->inline_len);
	sqlite3_bind_int64(st, COL_FILES + 1, file_count(r));
	sqlite3_bind_int64(st, COL_ORIGIN + 1, (int64_t)f->origin);
	sqlite3_bind_int64(st, COL_SEGMENT + 1, (int64_t)f->segment);
	sqlite3_bind_int64(st, COL_OFFSET + 1, (int64_t)f->offset);
	sqlite3_bind_int64(st, COL_LENGTH + 1, f->len);
	len = record_meta_listed(listed, r->meta, r->meta_len);
	if (len > 0)
		sqlite3_bind_blob(st, COL_LISTED + 1, listed, (int)len,
		    SQLITE_STATIC);
	else
		sqlite3_bind_null(st, COL_LISTED + 1);
	if ((e = index_done(ix, st)) != EC_OK)
		return e;
	index_live_add(ix, f->segment, (int64_t)journal_frame_bytes(f->len),
	    0);
	for (unsigned i = 0; e == EC_OK && i < file_count(r); i++)
		e = shard_add(ix, &r->parts[i].data, r->index);
	return e;
}

enum err
index_row_drop(struct index *ix, const struct record *key,
    const struct index_row *row)
{
	enum drive_table t = drive_table_of(key->kind);
	struct index_key_room room;
	enum err e;

	if ((e = index_table_prepare(ix, ST_DROP, t, "DELETE FROM",
	    index_row_where[t])) != EC_OK)
		return e;
	index_bind_key(ix->st[ST_DROP + (int)t], &room, key);
	if ((e = index_done(ix, ix->st[ST_DROP + (int)t])) != EC_OK)
		return e;
	return index_row_let_go(ix, row);
}

const struct index_shard *
index_removed(struct index *ix, size_t *n)
{
	*n = ix->removed_count;
	return ix->removed;
}

void
index_removed_clear(struct index *ix)
{
	ix->removed_count = 0;
}
