/* index_look: what rows say of the keys of records to be appended, on a
 * connection that only reads: one transaction for a batch. */
#include "drive/index_impl.h"

enum err
index_look_begin(struct index *ix, struct index_reader **out)
{
	struct index_reader *r = NULL;
	enum err e;

	if ((e = index_reader_get(ix, &r)) != EC_OK)
		return e;
	if ((e = index_prepare(ix, r->db, &r->look[LOOK_BEGIN], "BEGIN")) ==
	    EC_OK && (e = index_prepare(ix, r->db, &r->look[LOOK_END],
	    "COMMIT")) == EC_OK)
		e = index_done(ix, r->look[LOOK_BEGIN]);
	if (e == EC_OK)
		*out = r;
	else
		index_reader_put(ix, r);
	return e;
}

void
index_look_end(struct index *ix, struct index_reader *r)
{
	index_done(ix, r->look[LOOK_END]);
	index_reader_put(ix, r);
}

static enum err
look_bucket(struct index *ix, struct index_reader *reader,
    const struct record *r, bool *closed)
{
	sqlite3_stmt *st;
	enum err e;
	int rc;

	if ((e = index_prepare(ix, reader->db, &reader->look[LOOK_BUCKET],
	    "SELECT flags FROM bucket WHERE bucket=?1")) != EC_OK)
		return e;
	st = reader->look[LOOK_BUCKET];
	index_bind_bytes(st, 1, r->bucket);
	rc = sqlite3_step(st);
	*closed = rc == SQLITE_ROW && (sqlite3_column_int(st, 0) &
	    (RECORD_GONE | RECORD_CLOSED)) != 0;
	e = index_err(ix, reader->db, rc);
	sqlite3_reset(st);
	return e;
}

enum err
index_look(struct index *ix, struct index_reader *reader,
    const struct record *r, bool bucket, struct index_look *out)
{
	bool null = (r->flags & RECORD_NULL) != 0;
	struct stamp s;
	sqlite3_stmt *st;
	enum err e;
	int rc;

	*out = (struct index_look){ .closed = false };
	if (bucket && (e = look_bucket(ix, reader, r, &out->closed)) != EC_OK)
		return e;
	if ((e = index_prepare(ix, reader->db, &reader->look[LOOK_VERSIONS],
	    "SELECT stamp, flags FROM version WHERE bucket=?1 AND key=?2 "
	    "ORDER BY stamp DESC")) != EC_OK)
		return e;
	st = reader->look[LOOK_VERSIONS];
	index_bind_bytes(st, 1, r->bucket);
	index_bind_bytes(st, 2, r->key);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		s = index_column_stamp(st, 0);
		if (stamp_is_zero(&out->newest))
			out->newest = s;
		out->older_null = null && stamp_cmp(&s, &r->stamp) < 0 &&
		    (sqlite3_column_int(st, 1) & RECORD_NULL) != 0;
		if (!null || out->older_null)
			break;
	}
	e = index_err(ix, reader->db, rc);
	sqlite3_reset(st);
	return e;
}
