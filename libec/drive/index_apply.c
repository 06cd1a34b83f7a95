/* index_apply: what a record does to the rows.
 *
 * Replaying must give what appending gave, though compaction has moved frames
 * to where later ones were.  So rows and removals go by origin, the seq of a
 * frame when it was first written: a removal reaches only rows of a smaller
 * origin, and of one row the greater origin stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drive/index_impl.h"

/* What is needed of a row that may go. */
struct row {
	uint64_t origin, segment, offset;
	uint32_t length;
	unsigned files;		/* parts whose shard is a file */
	struct stamp stamp;
	bool gone;
};
#define ROW_COLUMNS "origin, segment, offset, length, files, stamp, flags"

enum drive_table
index_table(enum record_kind kind)
{
	switch (kind) {
	case RECORD_BUCKET:
		return DRIVE_BUCKETS;
	case RECORD_UPLOAD:
		return DRIVE_UPLOADS;
	case RECORD_PART:
		return DRIVE_PARTS;
	case RECORD_HEAL:
		return DRIVE_HEALS;
	default:
		return DRIVE_VERSIONS;
	}
}

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

static void
row_get(struct row *out, sqlite3_stmt *st)
{
	out->origin = (uint64_t)sqlite3_column_int64(st, 0);
	out->segment = (uint64_t)sqlite3_column_int64(st, 1);
	out->offset = (uint64_t)sqlite3_column_int64(st, 2);
	out->length = (uint32_t)sqlite3_column_int64(st, 3);
	out->files = (unsigned)sqlite3_column_int(st, 4);
	out->stamp = index_column_stamp(st, 5);
	out->gone = (sqlite3_column_int(st, 6) & RECORD_GONE) != 0;
}

/* A statement for one table, its text made from a format with the name. */
static enum err
table_prepare(struct index *ix, int which, enum drive_table t,
    const char *before, const char *after)
{
	char sql[SQL_MAX];

	if (ix->st[which + (int)t] != NULL)
		return EC_OK;
	snprintf(sql, sizeof sql, "%s %s %s", before, index_tables[t], after);
	return index_prepare(ix, ix->db, &ix->st[which + (int)t], sql);
}

/* WHERE clauses that name the one row of a record, and their values: bucket,
 * key, stamp (?3), target (?4), number (?5). */
static const char *const row_where[TABLES] = {
	"WHERE bucket=?1 AND key=?2 AND stamp=?3",
	"WHERE bucket=?1",
	"WHERE bucket=?1 AND key=?2 AND target=?4",
	"WHERE bucket=?1 AND key=?2 AND target=?4 AND number=?5 AND stamp=?3",
	"WHERE bucket=?1 AND key=?2 AND target=?4",
};

struct key_room {
	uint8_t stamp[STAMP_BYTES], target[STAMP_BYTES];
};

static unsigned
part_number(const struct record *r)
{
	return r->kind == RECORD_PART && r->part_count > 0 ?
	    r->parts[0].number : 0;
}

static void
bind_key(sqlite3_stmt *st, struct key_room *room, const struct record *r)
{
	enum drive_table t = index_table(r->kind);

	index_bind_bytes(st, 1, r->bucket);
	if (t != DRIVE_BUCKETS)
		index_bind_bytes(st, 2, r->key);
	if (t == DRIVE_VERSIONS || t == DRIVE_PARTS)
		index_bind_stamp(st, 3, room->stamp, &r->stamp);
	if (t != DRIVE_VERSIONS && t != DRIVE_BUCKETS)
		index_bind_stamp(st, 4, room->target, &r->target);
	if (t == DRIVE_PARTS)
		sqlite3_bind_int64(st, 5, part_number(r));
}

/* The row a record stands for.  Errors: EC_ENOTFOUND. */
static enum err
row_find(struct index *ix, const struct record *r, struct row *out)
{
	enum drive_table t = index_table(r->kind);
	struct key_room room;
	sqlite3_stmt *st;
	enum err e;
	int rc;

	if ((e = table_prepare(ix, ST_GET, t, "SELECT " ROW_COLUMNS " FROM",
	    row_where[t])) != EC_OK)
		return e;
	st = ix->st[ST_GET + (int)t];
	bind_key(st, &room, r);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		row_get(out, st);
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
row_payload(struct index *ix, const struct row *row, const uint8_t **payload)
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
row_files_drop(struct index *ix, const struct row *row)
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

/* The row's frame is no longer needed for it. */
static enum err
row_let_go(struct index *ix, const struct row *row)
{
	index_live_add(ix, row->segment,
	    -(int64_t)journal_frame_bytes(row->length), 0);
	return row_files_drop(ix, row);
}

static enum err
row_put(struct index *ix, const struct record *r, const struct journal_frame *f)
{
	enum drive_table t = index_table(r->kind);
	uint8_t stamp[STAMP_BYTES], target[STAMP_BYTES];
	sqlite3_stmt *st;
	enum err e;

	if ((e = table_prepare(ix, ST_PUT, t, "INSERT OR REPLACE INTO",
	    "(" INDEX_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
	    "?)")) != EC_OK)
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
	sqlite3_bind_int64(st, COL_NUMBER + 1, part_number(r));
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
	if ((e = index_done(ix, st)) != EC_OK)
		return e;
	index_live_add(ix, f->segment, (int64_t)journal_frame_bytes(f->len),
	    0);
	for (unsigned i = 0; e == EC_OK && i < file_count(r); i++)
		e = shard_add(ix, &r->parts[i].data, r->index);
	return e;
}

/* Drop the row of these keys. */
static enum err
row_drop(struct index *ix, const struct record *key, const struct row *row)
{
	enum drive_table t = index_table(key->kind);
	struct key_room room;
	enum err e;

	if ((e = table_prepare(ix, ST_DROP, t, "DELETE FROM",
	    row_where[t])) != EC_OK)
		return e;
	bind_key(ix->st[ST_DROP + (int)t], &room, key);
	if ((e = index_done(ix, ix->st[ST_DROP + (int)t])) != EC_OK)
		return e;
	return row_let_go(ix, row);
}

/* Drop part rows of a key older than origin ${before}: of upload ${target}, or,
 * with ${stamp}, those of that stamp. */
static enum err
parts_drop(struct index *ix, const struct record *r, const struct stamp *stamp,
    uint64_t before)
{
	int which = stamp != NULL ? ST_PART_OF : ST_UPLOAD_PARTS;
	uint8_t room[STAMP_BYTES];
	struct record_part part = { .number = 0 };
	struct record key = { .kind = RECORD_PART, .bucket = r->bucket,
		.key = r->key, .parts = &part, .part_count = 1 };
	struct row row;
	sqlite3_stmt *st;
	enum err e;
	int rc;

	if ((e = index_prepare(ix, ix->db, &ix->st[which], stamp != NULL ?
	    "SELECT " ROW_COLUMNS ", target, number FROM part WHERE bucket=?1 "
	    "AND key=?2 AND stamp=?3 AND origin<?4 LIMIT 1" :
	    "SELECT " ROW_COLUMNS ", target, number FROM part WHERE bucket=?1 "
	    "AND key=?2 AND target=?3 AND origin<?4 LIMIT 1")) != EC_OK)
		return e;
	st = ix->st[which];
	for (;;) {	/* one at a time: the rows change under way */
		index_bind_bytes(st, 1, r->bucket);
		index_bind_bytes(st, 2, r->key);
		index_bind_stamp(st, 3, room, stamp != NULL ? stamp :
		    &r->target);
		sqlite3_bind_int64(st, 4, (int64_t)before);
		if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			row_get(&row, st);
			key.stamp = row.stamp;
			key.target = index_column_stamp(st, 7);
			part.number = (uint32_t)sqlite3_column_int64(st, 8);
		}
		e = index_err(ix, ix->db, rc);
		sqlite3_reset(st);
		if (e != EC_OK || rc != SQLITE_ROW)
			return e;
		if ((e = row_drop(ix, &key, &row)) != EC_OK)
			return e;
	}
}

/* Drop the null versions of a key older than the target. */
static enum err
purge_older(struct index *ix, const struct record *r, uint64_t before)
{
	struct record key = { .kind = RECORD_OBJECT, .bucket = r->bucket,
		.key = r->key };
	uint8_t room[STAMP_BYTES];
	sqlite3_stmt *st;
	struct row row;
	enum err e;
	int rc;

	if ((e = index_prepare(ix, ix->db, &ix->st[ST_PURGE_OLDER], "SELECT "
	    ROW_COLUMNS " FROM version WHERE bucket=?1 AND key=?2 AND "
	    "stamp<?3 AND flags&1 AND origin<?4 LIMIT 1")) != EC_OK)
		return e;
	st = ix->st[ST_PURGE_OLDER];
	for (;;) {	/* one at a time: the rows change under way */
		index_bind_bytes(st, 1, r->bucket);
		index_bind_bytes(st, 2, r->key);
		index_bind_stamp(st, 3, room, &r->target);
		sqlite3_bind_int64(st, 4, (int64_t)before);
		if ((rc = sqlite3_step(st)) == SQLITE_ROW)
			row_get(&row, st);
		e = index_err(ix, ix->db, rc);
		sqlite3_reset(st);
		if (e != EC_OK || rc != SQLITE_ROW)
			return e;
		key.stamp = row.stamp;
		if ((e = row_drop(ix, &key, &row)) != EC_OK)
			return e;
	}
}

static enum err
purge(struct index *ix, const struct record *r, const struct journal_frame *f)
{
	struct record key = { .kind = RECORD_OBJECT, .bucket = r->bucket,
		.key = r->key, .stamp = r->target };
	struct row row;
	enum err e;

	index_live_add(ix, f->segment, 0,
	    (int64_t)journal_frame_bytes(f->len));
	if ((r->flags & RECORD_NULL) != 0)
		return purge_older(ix, r, f->origin);
	e = row_find(ix, &key, &row);
	if (e == EC_OK && row.origin < f->origin)
		e = row_drop(ix, &key, &row);
	if (e != EC_OK && e != EC_ENOTFOUND)
		return e;
	return parts_drop(ix, r, &r->target, f->origin);
}

/* One row's newest stamp by a statement of bucket, key and more. */
static enum err
newest(struct index *ix, int which, const char *sql, const struct record *r,
    struct stamp *out)
{
	struct key_room room;
	sqlite3_stmt *st;
	enum err e;
	int rc;

	if ((e = index_prepare(ix, ix->db, &ix->st[which], sql)) != EC_OK)
		return e;
	st = ix->st[which];
	index_bind_bytes(st, 1, r->bucket);
	index_bind_bytes(st, 2, r->key);
	if (which == ST_PART_NEWEST) {
		index_bind_stamp(st, 3, room.target, &r->target);
		sqlite3_bind_int64(st, 4, part_number(r));
	} else if (which == ST_OLDER_NULL) {
		index_bind_stamp(st, 3, room.stamp, &r->stamp);
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = index_column_stamp(st, 0);
	e = rc == SQLITE_DONE ? EC_ENOTFOUND : index_err(ix, ix->db, rc);
	sqlite3_reset(st);
	return e;
}

static enum err
newest_of(struct index *ix, const struct record *r, struct stamp *out)
{
	struct row row;
	enum err e;

	switch (index_table(r->kind)) {
	case DRIVE_VERSIONS:
		return newest(ix, ST_NEWEST, "SELECT stamp FROM version WHERE "
		    "bucket=?1 AND key=?2 ORDER BY stamp DESC LIMIT 1", r, out);
	case DRIVE_PARTS:
		return newest(ix, ST_PART_NEWEST, "SELECT stamp FROM part WHERE "
		    "bucket=?1 AND key=?2 AND target=?3 AND number=?4 "
		    "ORDER BY stamp DESC LIMIT 1", r, out);
	default:
		if ((e = row_find(ix, r, &row)) == EC_OK)
			*out = row.stamp;
		return e;
	}
}

enum err
index_check(struct index *ix, const struct record *r, bool want_newest,
    uint64_t *hlc)
{
	struct record upload = { .kind = RECORD_UPLOAD, .bucket = r->bucket,
		.key = r->key, .target = r->target };
	struct stamp s;
	struct row row;
	enum err e;

	if (r->kind == RECORD_PART) {
		e = row_find(ix, &upload, &row);
		if (e == EC_OK && row.gone)
			return EC_ENOUPLOAD;
		if (e != EC_OK && e != EC_ENOTFOUND)
			return e;
	}
	if (!want_newest || r->kind == RECORD_PURGE)
		return EC_OK;
	if ((e = newest_of(ix, r, &s)) != EC_OK)
		return e == EC_ENOTFOUND ? EC_OK : e;
	if (stamp_cmp(&s, &r->stamp) <= 0)
		return EC_OK;
	*hlc = s.hlc;
	return EC_ESTALE;
}

static enum err
older_null(struct index *ix, const struct record *r, bool *superseded)
{
	struct stamp s;
	enum err e;

	*superseded = false;
	if ((r->flags & RECORD_NULL) == 0 || r->kind == RECORD_PURGE ||
	    index_table(r->kind) != DRIVE_VERSIONS)
		return EC_OK;
	e = newest(ix, ST_OLDER_NULL, "SELECT stamp FROM version WHERE "
	    "bucket=?1 AND key=?2 AND stamp<?3 AND flags&1 LIMIT 1", r, &s);
	*superseded = e == EC_OK;
	return e == EC_ENOTFOUND ? EC_OK : e;
}

enum err
index_apply(struct index *ix, const struct record *r,
    const struct journal_frame *f, bool *superseded)
{
	enum drive_table t = index_table(r->kind);
	struct row old;
	bool had;
	enum err e;

	if (superseded != NULL && (e = older_null(ix, r, superseded)) != EC_OK)
		return e;
	if (r->kind == RECORD_PURGE)
		return purge(ix, r, f);
	e = row_find(ix, r, &old);
	if (e != EC_OK && e != EC_ENOTFOUND)
		return e;
	if ((had = e == EC_OK)) {
		int order = t == DRIVE_VERSIONS || t == DRIVE_PARTS ? 0 :
		    stamp_cmp(&old.stamp, &r->stamp);

		if (order > 0 || (order == 0 && old.origin > f->origin))
			return EC_OK;
	}
	/* New references first, so that shared files never have none. */
	if ((e = row_put(ix, r, f)) != EC_OK ||
	    (had && (e = row_let_go(ix, &old)) != EC_OK))
		return e;
	if (r->kind == RECORD_UPLOAD && (r->flags & RECORD_GONE) != 0)
		return parts_drop(ix, r, NULL, f->origin);
	return EC_OK;
}

enum err
index_life(struct index *ix, const struct record *r,
    const struct journal_frame *f, enum index_life *out)
{
	struct row row;
	enum err e = EC_OK;

	*out = INDEX_KEEP;
	if (r->kind == RECORD_PURGE)
		return EC_OK;
	e = row_find(ix, r, &row);
	if (e == EC_OK)
		*out = row.segment == f->segment && row.offset == f->offset ?
		    INDEX_LIVE : INDEX_DEAD;
	else if (e == EC_ENOTFOUND && (r->flags & RECORD_GONE) == 0)
		*out = INDEX_DEAD;
	return e == EC_ENOTFOUND ? EC_OK : e;
}

enum err
index_move(struct index *ix, const struct record *r,
    const struct journal_frame *from, const struct journal_frame *to,
    enum index_life life)
{
	enum drive_table t = index_table(r->kind);
	int64_t bytes = (int64_t)journal_frame_bytes(from->len);
	struct key_room room;
	sqlite3_stmt *st;
	enum err e;

	if (life == INDEX_KEEP) {
		index_live_add(ix, from->segment, 0, -bytes);
		index_live_add(ix, to->segment, 0, bytes);
		return EC_OK;
	}
	if ((e = table_prepare(ix, ST_MOVE, t, "UPDATE", t == DRIVE_VERSIONS ?
	    "SET segment=?6, offset=?7 WHERE bucket=?1 AND key=?2 AND stamp=?3" :
	    t == DRIVE_BUCKETS ? "SET segment=?6, offset=?7 WHERE bucket=?1" :
	    t == DRIVE_PARTS ? "SET segment=?6, offset=?7 WHERE bucket=?1 AND "
	    "key=?2 AND target=?4 AND number=?5 AND stamp=?3" :
	    "SET segment=?6, offset=?7 WHERE bucket=?1 AND key=?2 AND "
	    "target=?4")) != EC_OK)
		return e;
	st = ix->st[ST_MOVE + (int)t];
	bind_key(st, &room, r);
	sqlite3_bind_int64(st, 6, (int64_t)to->segment);
	sqlite3_bind_int64(st, 7, (int64_t)to->offset);
	if ((e = index_done(ix, st)) != EC_OK)
		return e;
	index_live_add(ix, from->segment, -bytes, 0);
	index_live_add(ix, to->segment, bytes, 0);
	return EC_OK;
}

/* Drop one expired row of the table.  Errors: EC_ENOTFOUND (no more). */
static enum err
expire_one(struct index *ix, enum drive_table t, const struct stamp *before)
{
	uint8_t room[STAMP_BYTES];
	sqlite3_stmt *st;
	int64_t bytes = 0;
	uint64_t segment = 0;
	enum err e;
	int rc;

	if ((e = table_prepare(ix, ST_EXPIRED, t, "DELETE FROM",
	    t == DRIVE_BUCKETS ? "WHERE bucket=(SELECT bucket FROM bucket "
	    "WHERE flags&2 AND stamp<?1 LIMIT 1) RETURNING segment, length" :
	    t == DRIVE_UPLOADS ? "WHERE (bucket,key,target)=(SELECT bucket, "
	    "key, target FROM upload WHERE flags&2 AND stamp<?1 LIMIT 1) "
	    "RETURNING segment, length" :
	    "WHERE (bucket,key,target)=(SELECT bucket, key, target FROM heal "
	    "WHERE flags&2 AND stamp<?1 ORDER BY stamp LIMIT 1) RETURNING "
	    "segment, length")) != EC_OK)
		return e;
	st = ix->st[ST_EXPIRED + (int)t];
	index_bind_stamp(st, 1, room, before);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		segment = (uint64_t)sqlite3_column_int64(st, 0);
		bytes = (int64_t)journal_frame_bytes(
		    (uint32_t)sqlite3_column_int64(st, 1));
	}
	e = rc == SQLITE_DONE ? EC_ENOTFOUND : index_err(ix, ix->db, rc);
	sqlite3_reset(st);
	if (e == EC_OK)
		index_live_add(ix, segment, -bytes, bytes);
	return e;
}

enum err
index_expire(struct index *ix, uint64_t heal_hlc, uint64_t hlc, unsigned max)
{
	static const enum drive_table tables[] = { DRIVE_BUCKETS,
		DRIVE_UPLOADS, DRIVE_HEALS };
	struct stamp before;
	enum err e = EC_OK;

	for (unsigned i = 0; i < 3 && max > 0; i++) {
		before = (struct stamp){ tables[i] == DRIVE_HEALS ? heal_hlc :
		    hlc, 0 };
		while (max > 0 && (e = expire_one(ix, tables[i], &before)) ==
		    EC_OK)
			max--;
		if (e != EC_OK && e != EC_ENOTFOUND)
			return e;
	}
	return EC_OK;
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
