/* index_query: rows to records, on connections that only read.
 *
 * A query is one to three ranges of one table's primary key, read in order:
 * the rest of a key, the rest of a bucket, the buckets behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "drive/index_impl.h"

enum {
	NEWEST_FEW = 4,		/* drive.h: newest_only */
	OLD_FEW = 256,		/* ... since_hlc: one in so many is given */
};

/* Ranges, each a statement per table. */
enum range { RANGE_KEY, RANGE_BEHIND, RANGE_UPLOAD, RANGE_KEYS, RANGE_BUCKETS,
	RANGE_BUCKET, RANGE_STAMPS };

struct scan {
	struct index *ix;
	struct index_reader *r;
	const struct drive_query *q;
	struct drive_records *out;
	unsigned count;
	char bucket[RECORD_BUCKET_MAX + 1], key[RECORD_KEY_MAX + 1];
	unsigned of_key;	/* rows given of this key */
	unsigned old;		/* rows met that were not asked for */
};

enum err
index_reader_get(struct index *ix, struct index_reader **out)
{
	struct index_reader *r;
	enum err e;

	pthread_mutex_lock(&ix->mutex);
	if ((r = ix->readers) != NULL) {
		ix->readers = r->next;
		ix->readers_kept--;
	}
	pthread_mutex_unlock(&ix->mutex);
	if (r == NULL) {
		if ((r = calloc(1, sizeof *r)) == NULL)
			return EC_ENOMEM;
		r->ahead = (struct journal_ahead)JOURNAL_AHEAD_INIT;
		if ((e = index_connect(ix, &r->db, true)) != EC_OK) {
			sqlite3_close(r->db);
			free(r);
			return e;
		}
	}
	*out = r;
	return EC_OK;
}

void
index_reader_put(struct index *ix, struct index_reader *r)
{
	bool keep;

	pthread_mutex_lock(&ix->mutex);
	if ((keep = ix->readers_kept < READERS_KEPT)) {
		r->next = ix->readers;
		ix->readers = r;
		ix->readers_kept++;
	}
	pthread_mutex_unlock(&ix->mutex);
	if (keep)
		return;
	index_reader_free(r);
}

static const char *
range_where(enum drive_table t, enum range range)
{
	switch (range) {
	case RANGE_KEY:
		return "bucket=?1 AND key=?2";
	case RANGE_BEHIND:
		return t == DRIVE_VERSIONS ?
		    "bucket=?1 AND key=?2 AND stamp<?3" :
		    "bucket=?1 AND key=?2 AND target>?3";
	case RANGE_UPLOAD:
		return "bucket=?1 AND key=?2 AND target=?3";
	case RANGE_KEYS:
		return "bucket=?1 AND key>=?2 AND key<?3";
	case RANGE_BUCKETS:
		return "bucket>?1";
	case RANGE_BUCKET:
		return "bucket=?1";
	default:
		return "stamp>?3";
	}
}

static const char *
table_order(enum drive_table t, enum range range)
{
	static const char *const order[TABLES] = {
		"bucket, key, stamp DESC", "bucket", "bucket, key, target",
		"bucket, key, target, number, stamp DESC",
		"bucket, key, target",
	};

	return range == RANGE_STAMPS ? "stamp" : order[t];
}

/* The rows are all of one bucket, which the caller names. */
static bool
one_bucket(enum range range)
{
	return range != RANGE_BUCKETS && range != RANGE_STAMPS;
}

static enum err
range_statement(struct scan *s, enum range range, sqlite3_stmt **out)
{
	enum drive_table t = s->q->table;
	bool place = s->q->want_parts;
	sqlite3_stmt **st = &s->r->st[place][(int)t * 8 + (int)range];
	char sql[SQL_MAX];
	enum err e;

	if (*st == NULL) {
		snprintf(sql, sizeof sql, "SELECT %s,%s FROM %s WHERE %s "
		    "ORDER BY %s", one_bucket(range) ? "NULL" : "bucket",
		    place ? INDEX_COLUMNS_PLACE : INDEX_COLUMNS_SHOWN,
		    index_tables[t], range_where(t, range),
		    table_order(t, range));
		if ((e = index_prepare(s->ix, s->r->db, st, sql)) != EC_OK)
			return e;
	}
	*out = *st;
	return EC_OK;
}

static void
column_text(char *out, size_t room, sqlite3_stmt *st, int col)
{
	const void *p = sqlite3_column_blob(st, col);
	size_t len = (size_t)sqlite3_column_bytes(st, col);

	if (p == NULL || len >= room)
		len = 0;
	if (len > 0)
		memcpy(out, p, len);
	out[len] = '\0';
}

static bool
column_is(sqlite3_stmt *st, int col, const char *s)
{
	const void *p = sqlite3_column_blob(st, col);
	size_t len = (size_t)sqlite3_column_bytes(st, col);

	return len == strlen(s) && (len == 0 || memcmp(p, s, len) == 0);
}

static void
row_record(struct record *r, char etag[RECORD_ETAG_MAX + 1],
    const struct scan *s, sqlite3_stmt *st)
{
	column_text(etag, RECORD_ETAG_MAX + 1, st, COL_ETAG);
	*r = (struct record){
		.kind = (enum record_kind)sqlite3_column_int(st, COL_KIND),
		.flags = (unsigned)sqlite3_column_int(st, COL_FLAGS),
		.stamp = index_column_stamp(st, COL_STAMP),
		.target = index_column_stamp(st, COL_TARGET),
		.bucket = s->bucket,
		.key = s->key,
		.mtime_us = (uint64_t)sqlite3_column_int64(st, COL_MTIME),
		.size = (uint64_t)sqlite3_column_int64(st, COL_SIZE),
		.etag = etag,
		.k = (uint8_t)sqlite3_column_int(st, COL_K),
		.m = (uint8_t)sqlite3_column_int(st, COL_M),
		.start = (uint8_t)sqlite3_column_int(st, COL_START),
		.index = (uint8_t)sqlite3_column_int(st, COL_IDX),
		.inline_len = (uint32_t)sqlite3_column_int64(st, COL_INLINE),
		.segment = (uint64_t)sqlite3_column_int64(st, COL_SEGMENT),
		.offset = (uint64_t)sqlite3_column_int64(st, COL_OFFSET),
		.meta = sqlite3_column_blob(st, COL_LISTED),
		.meta_len = (uint32_t)sqlite3_column_bytes(st, COL_LISTED),
	};
}

/* Add what ${encode} makes, led by its length. */
static enum err
add_columns(struct scan *s, sqlite3_stmt *st)
{
	char etag[RECORD_ETAG_MAX + 1];
	struct buf *b = &s->out->buf;
	size_t begin = b->len;
	struct record r;
	uint8_t *p;
	enum err e;

	row_record(&r, etag, s, st);
	if ((e = buf_reserve(b, 4, &p)) != EC_OK)
		return e;
	b->len += 4;
	if ((e = record_encode(b, &r)) != EC_OK) {
		b->len = begin;
		return e;
	}
	le32_put(b->data + begin, (uint32_t)(b->len - begin - 4));
	return EC_OK;
}

static enum err
add_frame(struct scan *s, sqlite3_stmt *st)
{
	uint64_t segment = (uint64_t)sqlite3_column_int64(st, COL_SEGMENT);
	uint64_t offset = (uint64_t)sqlite3_column_int64(st, COL_OFFSET);
	uint32_t len = (uint32_t)sqlite3_column_int64(st, COL_LENGTH);
	uint8_t *rec;
	enum err e;

	if ((e = journal_read_ahead(s->ix->journal, &s->r->ahead, segment,
	    offset, len, &rec)) != EC_OK)
		return e;
	return drive_records_add(s->out, rec, record_place(rec, len, segment,
	    offset, s->q->want_inline));
}

static bool
matches(const struct scan *s, sqlite3_stmt *st)
{
	const struct drive_query *q = s->q;
	struct stamp stamp, target;
	int kind;

	if (q->null_only &&
	    (sqlite3_column_int(st, COL_FLAGS) & RECORD_NULL) == 0)
		return false;
	if (q->table == DRIVE_HEALS &&
	    ((q->bucket != NULL && strcmp(q->bucket, s->bucket) != 0) ||
	    (q->key != NULL && strcmp(q->key, s->key) != 0)))
		return false;
	if (q->prefix != NULL &&
	    strncmp(s->key, q->prefix, strlen(q->prefix)) != 0)
		return false;
	if (stamp_is_zero(&q->target))
		return true;
	stamp = index_column_stamp(st, COL_STAMP);
	target = index_column_stamp(st, COL_TARGET);
	if (q->table != DRIVE_VERSIONS)
		return stamp_cmp(&target, &q->target) == 0;
	kind = sqlite3_column_int(st, COL_KIND);
	return stamp_cmp(&stamp, &q->target) == 0 ||
	    (stamp_cmp(&target, &q->target) == 0 &&
	    (kind == RECORD_TOMBSTONE || kind == RECORD_AMEND));
}

static bool
too_old(struct scan *s, sqlite3_stmt *st)
{
	return s->q->since_hlc > 0 &&
	    index_column_stamp(st, COL_STAMP).hlc < s->q->since_hlc &&
	    ++s->old % OLD_FEW != 0;
}

/* Take in one row.  *${full}: of this key no more are wanted. */
static enum err
take(struct scan *s, enum range range, sqlite3_stmt *st, bool *full)
{
	const struct drive_query *q = s->q;
	bool columns_do, other;
	enum err e;

	*full = false;
	if (too_old(s, st))
		return EC_OK;
	other = !column_is(st, COL_KEY, s->key);
	if (other)
		column_text(s->key, sizeof s->key, st, COL_KEY);
	if (!one_bucket(range) && !column_is(st, COL_BUCKET, s->bucket)) {
		column_text(s->bucket, sizeof s->bucket, st, COL_BUCKET);
		other = true;
	}
	if (other)
		s->of_key = 0;
	*full = q->newest_only && s->of_key >= NEWEST_FEW;
	if (*full || !matches(s, st))
		return EC_OK;
	columns_do = !q->want_parts && !(q->want_inline &&
	    (sqlite3_column_int(st, COL_FLAGS) & RECORD_INLINE) != 0);
	e = columns_do ? add_columns(s, st) : add_frame(s, st);
	if (e == EC_ECORRUPT || e == EC_ENOTFOUND)
		return EC_OK;
	s->of_key++;
	s->count += e == EC_OK;
	return e;
}

static enum err
bind_range(sqlite3_stmt *st, uint8_t room[STAMP_BYTES], const char *bucket,
    const char *key, const struct stamp *behind, const char *below)
{
	sqlite3_clear_bindings(st);
	if (bucket != NULL)
		index_bind_bytes(st, 1, bucket);
	if (key != NULL)
		index_bind_bytes(st, 2, key);
	if (behind != NULL)
		index_bind_stamp(st, 3, room, behind);
	else if (below != NULL)
		index_bind_bytes(st, 3, below);
	return EC_OK;
}

/* All rows of a range, up to the limit.  *${full} when it stopped because of
 * a key with more versions than wanted. */
static enum err
scan_range(struct scan *s, enum range range, const char *bucket,
    const char *key, size_t key_len, const struct stamp *behind,
    const char *below, bool *full)
{
	uint8_t room[STAMP_BYTES];
	sqlite3_stmt *st;
	int rc = SQLITE_DONE;
	enum err e;

	*full = false;
	if ((e = range_statement(s, range, &st)) != EC_OK)
		return e;
	if (one_bucket(range))
		snprintf(s->bucket, sizeof s->bucket, "%s", bucket);
	bind_range(st, room, bucket, key, behind, below);
	if (key != NULL)
		sqlite3_bind_blob(st, 2, key, (int)key_len, SQLITE_STATIC);
	while (e == EC_OK && s->count < s->q->limit &&
	    (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = take(s, range, st, full);
		if (*full && range == RANGE_KEYS)
			break;
	}
	if (e == EC_OK)
		e = index_err(s->ix, s->r->db, rc);
	sqlite3_reset(st);
	return e;
}

/* The first key behind all that begin with ${prefix}; a byte that no key of
 * UTF-8 has if there is none. */
static void
prefix_end(char out[RECORD_KEY_MAX + 1], const char *prefix)
{
	size_t n = prefix != NULL ? strnlen(prefix, RECORD_KEY_MAX) : 0;

	if (n > 0)
		memcpy(out, prefix, n);
	while (n > 0 && (uint8_t)out[n - 1] == 0xff)
		n--;
	if (n == 0)
		out[n++] = (char)0xff;
	else
		out[n - 1]++;
	out[n] = '\0';
}

/* Keys of a bucket from ${from} (of ${len} bytes, which may end in a NUL). */
static enum err
scan_keys(struct scan *s, const char *bucket, const char *from, size_t len)
{
	char below[RECORD_KEY_MAX + 1], next[RECORD_KEY_MAX + 2];
	bool full;
	enum err e;

	prefix_end(below, s->q->prefix);
	if (s->q->prefix != NULL && strcmp(from, s->q->prefix) < 0) {
		from = s->q->prefix;
		len = strlen(from);
	}
	for (;;) {
		if ((e = scan_range(s, RANGE_KEYS, bucket, from, len, NULL,
		    below, &full)) != EC_OK || !full)
			return e;
		len = strlen(s->key) + 1;	/* with its NUL: behind it */
		memcpy(next, s->key, len);
		from = next;
	}
}

/* Versions, uploads, parts: in the order of the primary key. */
static enum err
scan_by_key(struct scan *s)
{
	const struct drive_query *q = s->q;
	const char *bucket = q->bucket != NULL ? q->bucket : q->after_bucket;
	bool behind = !stamp_is_zero(&q->after_stamp), full;
	const char *after = q->after_key != NULL ? q->after_key :
	    behind ? q->key : NULL;
	enum err e = EC_OK;

	if (q->key != NULL && q->table == DRIVE_PARTS &&
	    !stamp_is_zero(&q->target))
		return scan_range(s, RANGE_UPLOAD, bucket, q->key,
		    strlen(q->key), &q->target, NULL, &full);
	if (q->key != NULL && !behind)
		return scan_range(s, RANGE_KEY, bucket, q->key,
		    strlen(q->key), NULL, NULL, &full);
	if (bucket != NULL && after != NULL && behind)
		e = scan_range(s, RANGE_BEHIND, bucket, after, strlen(after),
		    &q->after_stamp, NULL, &full);
	if (e != EC_OK || q->key != NULL)
		return e;
	if (bucket != NULL && (q->bucket != NULL || after != NULL))
		e = scan_keys(s, bucket, after != NULL ? after : "",
		    after != NULL ? strlen(after) + 1 : 0);
	if (e != EC_OK || q->bucket != NULL)
		return e;
	return scan_range(s, RANGE_BUCKETS, bucket != NULL ? bucket : "",
	    NULL, 0, NULL, NULL, &full);
}

static enum err
scan(struct scan *s)
{
	const struct drive_query *q = s->q;
	const char *after = q->after_bucket != NULL ? q->after_bucket :
	    q->after_key;
	bool full;

	switch (q->table) {
	case DRIVE_BUCKETS:
		if (q->bucket != NULL)
			return scan_range(s, RANGE_BUCKET, q->bucket, NULL, 0,
			    NULL, NULL, &full);
		return scan_range(s, RANGE_BUCKETS, after != NULL ? after : "",
		    NULL, 0, NULL, NULL, &full);
	case DRIVE_HEALS:
		if (q->bucket != NULL && q->key != NULL)
			return scan_range(s, RANGE_KEY, q->bucket, q->key,
			    strlen(q->key), NULL, NULL, &full);
		return scan_range(s, RANGE_STAMPS, NULL, NULL, 0,
		    &q->after_stamp, NULL, &full);
	default:
		if (q->key != NULL && q->bucket == NULL)
			return EC_EINVAL;
		return scan_by_key(s);
	}
}

static bool
query_valid(const struct drive_query *q)
{
	const char *const keys[] = { q->key, q->prefix, q->after_key };

	for (unsigned i = 0; i < 3; i++)
		if (keys[i] != NULL && strlen(keys[i]) > RECORD_KEY_MAX)
			return false;
	return (unsigned)q->table < TABLES && q->limit >= 1 &&
	    q->limit <= 10000;
}

enum err
index_query(struct index *ix, const struct drive_query *q,
    struct drive_records *out)
{
	struct scan s = { .ix = ix, .q = q, .out = out };
	enum err e;

	if (!query_valid(q))
		return EC_EINVAL;
	if ((e = index_reader_get(ix, &s.r)) != EC_OK)
		return e;
	e = scan(&s);
	journal_ahead_reset(&s.r->ahead);
	index_reader_put(ix, s.r);
	return e;
}

enum err
index_names(struct index *ix, const struct uuid *data, unsigned index,
    bool *named)
{
	struct index_reader *r;
	sqlite3_stmt *st;
	int rc;
	enum err e;

	if ((e = index_reader_get(ix, &r)) != EC_OK)
		return e;
	if ((e = index_prepare(ix, r->db, &r->names,
	    "SELECT 1 FROM shard WHERE data=? AND idx=?")) == EC_OK) {
		st = r->names;
		sqlite3_bind_blob(st, 1, data->b, UUID_BYTES, SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, index);
		rc = sqlite3_step(st);
		*named = rc == SQLITE_ROW;
		e = index_err(ix, r->db, rc);
		sqlite3_reset(st);
	}
	index_reader_put(ix, r);
	return e;
}
