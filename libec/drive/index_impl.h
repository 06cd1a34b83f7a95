/* index_impl: what the files of index share; for index*.c only. */
#ifndef INDEX_IMPL_H
#define INDEX_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include <sqlite3.h>

#include "drive/index.h"

enum {
	INDEX_FORMAT = 2,	/* PRAGMA user_version */
	STAMP_BYTES = 16,	/* big-endian, so that memcmp orders them */
	SQL_MAX = 1024,
	READERS_KEPT = 8,
};

/* Tables of rows, numbered as enum drive_table. */
enum { TABLES = DRIVE_HEALS + 1 };
extern const char *const index_tables[TABLES];

/* Columns of every table of rows, in this order. */
#define INDEX_COLUMNS \
	"bucket,key,stamp,target,number,kind,flags,mtime,size,etag,k,m," \
	"start,idx,inline,files,origin,segment,offset,length,listed"
/* What queries give, behind the bucket, which most of them know.  What they do
 * not want is NULL: each column of a row costs. */
#define INDEX_COLUMNS_SHOWN \
	"key,stamp,target,NULL,kind,flags,mtime,size,etag,k,m," \
	"start,idx,inline,NULL,NULL,segment,offset,length,listed"
/* The same, with only what it takes to find the record itself. */
#define INDEX_COLUMNS_PLACE \
	"key,stamp,target,NULL,kind,flags,NULL,NULL,NULL,NULL,NULL," \
	"NULL,NULL,NULL,NULL,NULL,segment,offset,length,NULL"
enum { COL_BUCKET, COL_KEY, COL_STAMP, COL_TARGET, COL_NUMBER, COL_KIND,
	COL_FLAGS, COL_MTIME, COL_SIZE, COL_ETAG, COL_K, COL_M, COL_START,
	COL_IDX, COL_INLINE, COL_FILES, COL_ORIGIN, COL_SEGMENT, COL_OFFSET,
	COL_LENGTH, COL_LISTED, COLS };

/* Statements of the one that changes, first those for each table. */
enum {
	ST_PUT,				/* + table */
	ST_GET = ST_PUT + TABLES,
	ST_DROP = ST_GET + TABLES,
	ST_MOVE = ST_DROP + TABLES,
	ST_EXPIRED = ST_MOVE + TABLES,
	ST_BEGIN = ST_EXPIRED + TABLES,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_APPLIED,
	ST_NEWEST,
	ST_OLDER_NULL,
	ST_PURGE_OLDER,
	ST_VERSION_OF,		/* by stamp */
	ST_PART_OF,		/* by stamp */
	ST_PART_NEWEST,
	ST_UPLOAD_PARTS,
	ST_SHARD_ADD,
	ST_SHARD_SUB,
	ST_SHARD_DROP,
	ST_SEGMENT_PUT,
	ST_SEGMENT_DROP,
	ST_COUNT
};

/* Statements of index_look. */
enum { LOOK_BEGIN, LOOK_END, LOOK_BUCKET, LOOK_VERSIONS, LOOK_COUNT };

/* One connection that queries; used by one thread at a time. */
struct index_reader {
	sqlite3 *db;
	sqlite3_stmt *st[2][TABLES * 8];	/* [1]: INDEX_COLUMNS_PLACE */
	sqlite3_stmt *names;
	sqlite3_stmt *look[LOOK_COUNT];
	struct journal_ahead ahead;	/* records read */
	struct index_reader *next;
};

void index_reader_free(struct index_reader *r);
enum err index_reader_get(struct index *ix, struct index_reader **out);
void index_reader_put(struct index *ix, struct index_reader *r);

struct index_segment {
	uint64_t number, live, keep;
	bool dirty;
};

struct index {
	char *path;
	const char *name;
	struct journal *journal;
	sqlite3 *db;		/* the one that changes */
	sqlite3_stmt *st[ST_COUNT];
	bool building;		/* made anew: unsafe until index_built */
	bool has_applied;
	struct journal_pos applied;
	struct index_segment *segments;	/* by number */
	size_t segment_count, segment_cap;
	struct index_shard *removed;
	size_t removed_count, removed_cap;
	struct buf frame;
	const struct journal_frame *pending;
	const unsigned *pending_count;
	atomic_bool corrupt;
	atomic_uint backlog;
	pthread_mutex_t mutex;	/* guards readers */
	struct index_reader *readers;
	unsigned readers_kept;
	pthread_mutex_t checkpoint_mutex;	/* guards checkpoint_db */
	sqlite3 *checkpoint_db;
};

/* The code for a result of ${db}; unexpected ones are logged. */
enum err index_err(struct index *ix, sqlite3 *db, int rc);
enum err index_connect(struct index *ix, sqlite3 **db, bool reader);
/* Prepare ${sql} once into *${st}. */
enum err index_prepare(struct index *ix, sqlite3 *db, sqlite3_stmt **st,
    const char *sql);
/* Step a statement that gives no row, and reset it. */
enum err index_done(struct index *ix, sqlite3_stmt *st);

/* What is needed of a row that may go. */
struct index_row {
	uint64_t origin, segment, offset;
	uint32_t length;
	unsigned files;		/* parts whose shard is a file */
	struct stamp stamp;
	bool gone, closed;
};
#define INDEX_ROW_COLUMNS "origin, segment, offset, length, files, stamp, flags"

/* WHERE clauses that name the one row of a record, and their values: bucket,
 * key, stamp (?3), target (?4), number (?5). */
extern const char *const index_row_where[TABLES];
struct index_key_room {
	uint8_t stamp[STAMP_BYTES], target[STAMP_BYTES];
};
void index_bind_key(sqlite3_stmt *st, struct index_key_room *room,
    const struct record *r);
unsigned index_part_number(const struct record *r);
/* A statement for one table, its text made of both halves and the name. */
enum err index_table_prepare(struct index *ix, int which, enum drive_table t,
    const char *before, const char *after);
void index_row_get(struct index_row *out, sqlite3_stmt *st);
/* The row a record stands for.  Errors: EC_ENOTFOUND. */
enum err index_row_find(struct index *ix, const struct record *r,
    struct index_row *out);
enum err index_row_put(struct index *ix, const struct record *r,
    const struct journal_frame *f);
/* Drop the row of these keys. */
enum err index_row_drop(struct index *ix, const struct record *key,
    const struct index_row *row);
/* The row's frame is no longer needed for it, nor are its shard files. */
enum err index_row_let_go(struct index *ix, const struct index_row *row);

void index_bind_stamp(sqlite3_stmt *st, int at, uint8_t room[STAMP_BYTES],
    const struct stamp *s);
void index_bind_bytes(sqlite3_stmt *st, int at, const char *s);
struct stamp index_column_stamp(sqlite3_stmt *st, int col);
/* The figures of segments, from and to their table. */
enum err index_segments_load(struct index *ix);
enum err index_segments_put(struct index *ix);
void index_live_add(struct index *ix, uint64_t segment, int64_t live,
    int64_t keep);

#endif
