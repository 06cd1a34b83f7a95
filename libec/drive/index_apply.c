/* index_apply: what a record does to the rows.
 *
 * Replaying must give what appending gave, though compaction has moved frames
 * to where later ones were.  So rows and removals go by origin, the seq of a
 * frame when it was first written: a removal reaches only rows of a smaller
 * origin, and of one row the greater origin stands. */
#include "drive/index_impl.h"

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
	struct index_row row;
	sqlite3_stmt *st;
	enum err e;
	int rc;

	if ((e = index_prepare(ix, ix->db, &ix->st[which], stamp != NULL ?
	    "SELECT " INDEX_ROW_COLUMNS ", target, number FROM part "
	    "WHERE bucket=?1 AND key=?2 AND stamp=?3 AND origin<?4 LIMIT 1" :
	    "SELECT " INDEX_ROW_COLUMNS ", target, number FROM part "
	    "WHERE bucket=?1 AND key=?2 AND target=?3 AND origin<?4 "
	    "LIMIT 1")) != EC_OK)
		return e;
	st = ix->st[which];
	for (;;) {	/* one at a time: the rows change under way */
		index_bind_bytes(st, 1, r->bucket);
		index_bind_bytes(st, 2, r->key);
		index_bind_stamp(st, 3, room, stamp != NULL ? stamp :
		    &r->target);
		sqlite3_bind_int64(st, 4, (int64_t)before);
		if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			index_row_get(&row, st);
			key.stamp = row.stamp;
			key.target = index_column_stamp(st, 7);
			part.number = (uint32_t)sqlite3_column_int64(st, 8);
		}
		e = index_err(ix, ix->db, rc);
		sqlite3_reset(st);
		if (e != EC_OK || rc != SQLITE_ROW)
			return e;
		if ((e = index_row_drop(ix, &key, &row)) != EC_OK)
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
	struct index_row row;
	enum err e;
	int rc;

	if ((e = index_prepare(ix, ix->db, &ix->st[ST_PURGE_OLDER], "SELECT "
	    INDEX_ROW_COLUMNS " FROM version WHERE bucket=?1 AND key=?2 AND "
	    "stamp<?3 AND flags&1 AND origin<?4 LIMIT 1")) != EC_OK)
		return e;
	st = ix->st[ST_PURGE_OLDER];
	for (;;) {	/* one at a time: the rows change under way */
		index_bind_bytes(st, 1, r->bucket);
		index_bind_bytes(st, 2, r->key);
		index_bind_stamp(st, 3, room, &r->target);
		sqlite3_bind_int64(st, 4, (int64_t)before);
		if ((rc = sqlite3_step(st)) == SQLITE_ROW)
			index_row_get(&row, st);
		e = index_err(ix, ix->db, rc);
		sqlite3_reset(st);
		if (e != EC_OK || rc != SQLITE_ROW)
			return e;
		key.stamp = row.stamp;
		if ((e = index_row_drop(ix, &key, &row)) != EC_OK)
			return e;
	}
}

static enum err
purge(struct index *ix, const struct record *r, const struct journal_frame *f)
{
	struct record key = { .kind = RECORD_OBJECT, .bucket = r->bucket,
		.key = r->key, .stamp = r->target };
	struct index_row row;
	enum err e;

	index_live_add(ix, f->segment, 0,
	    (int64_t)journal_frame_bytes(f->len));
	if ((r->flags & RECORD_NULL) != 0)
		return purge_older(ix, r, f->origin);
	e = index_row_find(ix, &key, &row);
	if (e == EC_OK && row.origin < f->origin)
		e = index_row_drop(ix, &key, &row);
	if (e != EC_OK && e != EC_ENOTFOUND)
		return e;
	return parts_drop(ix, r, &r->target, f->origin);
}

/* One row's newest stamp by a statement of bucket, key and more. */
static enum err
newest(struct index *ix, int which, const char *sql, const struct record *r,
    struct stamp *out)
{
	struct index_key_room room;
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
		sqlite3_bind_int64(st, 4, index_part_number(r));
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
	struct index_row row;
	enum err e;

	switch (drive_table_of(r->kind)) {
	case DRIVE_VERSIONS:
		return newest(ix, ST_NEWEST, "SELECT stamp FROM version WHERE "
		    "bucket=?1 AND key=?2 ORDER BY stamp DESC LIMIT 1", r, out);
	case DRIVE_PARTS:
		return newest(ix, ST_PART_NEWEST, "SELECT stamp FROM part "
		    "WHERE bucket=?1 AND key=?2 AND target=?3 AND number=?4 "
		    "ORDER BY stamp DESC LIMIT 1", r, out);
	default:
		if ((e = index_row_find(ix, r, &row)) == EC_OK)
			*out = row.stamp;
		return e;
	}
}

/* What makes a bucket not empty. */
static bool
fills(const struct record *r)
{
	return r->kind == RECORD_OBJECT || r->kind == RECORD_MARKER ||
	    r->kind == RECORD_PART ||
	    (r->kind == RECORD_UPLOAD && (r->flags & RECORD_GONE) == 0);
}

static enum err
check_bucket(struct index *ix, const struct record *r)
{
	const struct record bucket = { .kind = RECORD_BUCKET,
		.bucket = r->bucket, .key = "" };
	struct index_row row;
	enum err e;

	if ((e = index_row_find(ix, &bucket, &row)) == EC_OK)
		return row.gone || row.closed ? EC_ENOBUCKET : EC_OK;
	return e == EC_ENOTFOUND ? EC_OK : e;
}

enum err
index_check(struct index *ix, const struct record *r, bool want_newest,
    uint64_t *hlc)
{
	struct record upload = { .kind = RECORD_UPLOAD, .bucket = r->bucket,
		.key = r->key, .target = r->target };
	struct stamp s;
	struct index_row row;
	enum err e;

	if (r->kind == RECORD_PART) {
		e = index_row_find(ix, &upload, &row);
		if (e == EC_OK && row.gone)
			return EC_ENOUPLOAD;
		if (e != EC_OK && e != EC_ENOTFOUND)
			return e;
	}
	if (!want_newest || r->kind == RECORD_PURGE)
		return EC_OK;
	if (fills(r) && (e = check_bucket(ix, r)) != EC_OK)
		return e;
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
	    drive_table_of(r->kind) != DRIVE_VERSIONS)
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
	enum drive_table t = drive_table_of(r->kind);
	struct index_row old;
	bool had;
	enum err e;

	if (superseded != NULL && (e = older_null(ix, r, superseded)) != EC_OK)
		return e;
	if (r->kind == RECORD_PURGE)
		return purge(ix, r, f);
	e = index_row_find(ix, r, &old);
	if (e != EC_OK && e != EC_ENOTFOUND)
		return e;
	if ((had = e == EC_OK)) {
		int order = t == DRIVE_VERSIONS || t == DRIVE_PARTS ? 0 :
		    stamp_cmp(&old.stamp, &r->stamp);

		if (order > 0 || (order == 0 && old.origin > f->origin))
			return EC_OK;
	}
	/* New references first, so that shared files never have none. */
	if ((e = index_row_put(ix, r, f)) != EC_OK ||
	    (had && (e = index_row_let_go(ix, &old)) != EC_OK))
		return e;
	if (r->kind == RECORD_UPLOAD && (r->flags & RECORD_GONE) != 0)
		return parts_drop(ix, r, NULL, f->origin);
	return EC_OK;
}
