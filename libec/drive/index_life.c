/* index_life: which frames of the journal are needed, and where they went. */
#include "drive/index_impl.h"

enum err
index_life(struct index *ix, const struct record *r,
    const struct journal_frame *f, enum index_life *out)
{
	struct index_row row;
	enum err e = EC_OK;

	*out = INDEX_KEEP;
	if (r->kind == RECORD_PURGE)
		return EC_OK;
	e = index_row_find(ix, r, &row);
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
	enum drive_table t = drive_table_of(r->kind);
	int64_t bytes = (int64_t)journal_frame_bytes(from->len);
	struct index_key_room room;
	sqlite3_stmt *st;
	enum err e;

	if (life == INDEX_KEEP) {
		index_live_add(ix, from->segment, 0, -bytes);
		index_live_add(ix, to->segment, 0, bytes);
		return EC_OK;
	}
	if ((e = index_table_prepare(ix, ST_MOVE, t, "UPDATE",
	    t == DRIVE_VERSIONS ? "SET segment=?6, offset=?7 WHERE bucket=?1 "
	    "AND key=?2 AND stamp=?3" :
	    t == DRIVE_BUCKETS ? "SET segment=?6, offset=?7 WHERE bucket=?1" :
	    t == DRIVE_PARTS ? "SET segment=?6, offset=?7 WHERE bucket=?1 AND "
	    "key=?2 AND target=?4 AND number=?5 AND stamp=?3" :
	    "SET segment=?6, offset=?7 WHERE bucket=?1 AND key=?2 AND "
	    "target=?4")) != EC_OK)
		return e;
	st = ix->st[ST_MOVE + (int)t];
	index_bind_key(st, &room, r);
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

	if ((e = index_table_prepare(ix, ST_EXPIRED, t, "DELETE FROM",
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
