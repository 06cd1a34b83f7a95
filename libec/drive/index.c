/* index: the file, its tables, transactions and checkpoints. */
#include "drive/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os_linux.h"
#include "drive/index_impl.h"

enum { SHARED_BYTES = 64 * 1024 };	/* SQLite takes so much at a time */

const char *const index_tables[TABLES] = { "version", "bucket", "upload",
	"part", "heal" };

static const char *const primary_keys[TABLES] = {
	"bucket, key, stamp DESC",
	"bucket",
	"bucket, key, target",
	"bucket, key, target, number, stamp DESC",
	"bucket, key, target",
};

static void
configure(void)
{
	/* Counting memory takes a lock that all connections share. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_initialize();
}

/* Nothing is free where the index is: SQLite says "disk I/O error", too, when
 * that is why it cannot extend the memory that its connections share. */
static bool
is_full(const struct index *ix)
{
	struct os_space s = { .free = UINT64_MAX };
	int fd = open(ix->path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && os_space(&s, fd) != EC_OK)
		s.free = UINT64_MAX;
	if (fd >= 0)
		close(fd);
	return s.free < SHARED_BYTES;
}

enum err
index_err(struct index *ix, sqlite3 *db, int rc)
{
	enum err e;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return EC_OK;
	case SQLITE_NOMEM:
		return EC_ENOMEM;
	case SQLITE_FULL:
		e = EC_ENOSPC;
		break;
	case SQLITE_READONLY:
		e = EC_EROFS;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		atomic_store(&ix->corrupt, true);
		e = EC_ECORRUPT;
		break;
	default:
		e = is_full(ix) ? EC_ENOSPC : EC_EIO;
	}
	log_error("%s: index: %s", ix->name, e == EC_ENOSPC ? err_text(e) :
	    db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	return e;
}

enum err
index_prepare(struct index *ix, sqlite3 *db, sqlite3_stmt **st,
    const char *sql)
{
	if (*st != NULL)
		return EC_OK;
	return index_err(ix, db, sqlite3_prepare_v3(db, sql, -1,
	    SQLITE_PREPARE_PERSISTENT, st, NULL));
}

enum err
index_done(struct index *ix, sqlite3_stmt *st)
{
	enum err e = index_err(ix, sqlite3_db_handle(st), sqlite3_step(st));

	sqlite3_reset(st);
	return e;
}

static enum err
run(struct index *ix, sqlite3 *db, const char *sql)
{
	return index_err(ix, db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

enum err
index_connect(struct index *ix, sqlite3 **db, bool reader)
{
	enum err e;

	if ((e = index_err(ix, NULL, sqlite3_open_v2(ix->path, db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    (reader ? 0 : SQLITE_OPEN_CREATE), NULL))) != EC_OK)
		return e;
	sqlite3_busy_timeout(*db, 10000);
	return run(ix, *db, reader ? "PRAGMA query_only=1;"
	    "PRAGMA cache_size=-2048" :
	    "PRAGMA page_size=4096; PRAGMA journal_mode=WAL;"
	    "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
	    "PRAGMA journal_size_limit=8388608; PRAGMA cache_size=-16384");
}

static int
committed(void *arg, sqlite3 *db, const char *schema, int pages)
{
	struct index *ix = arg;

	(void)db;
	(void)schema;
	atomic_store(&ix->backlog, (unsigned)pages);
	return SQLITE_OK;
}

unsigned
index_backlog(const struct index *ix)
{
	return atomic_load(&ix->backlog);
}

static enum err
make_tables(struct index *ix, const struct uuid *drive)
{
	char sql[SQL_MAX], id[UUID_TEXT_BYTES];
	enum err e;

	uuid_text(id, drive);
	if ((e = run(ix, ix->db, "BEGIN")) != EC_OK)
		return e;
	for (unsigned t = 0; e == EC_OK && t < TABLES; t++) {
		snprintf(sql, sizeof sql, "CREATE TABLE %s(bucket BLOB, key "
		    "BLOB, stamp BLOB, target BLOB, number INT, kind INT, "
		    "flags INT, mtime INT, size INT, etag TEXT, k INT, "
		    "m INT, start INT, idx INT, inline INT, files INT, origin "
		    "INT, segment INT, offset INT, length INT, listed BLOB, "
		    "PRIMARY KEY(%s)) WITHOUT ROWID", index_tables[t],
		    primary_keys[t]);
		e = run(ix, ix->db, sql);
	}
	if (e != EC_OK)
		return e;
	snprintf(sql, sizeof sql, "CREATE INDEX heal_stamp ON heal(stamp);"
	    "CREATE TABLE shard(data BLOB, idx INT, refs INT, "
	    "PRIMARY KEY(data, idx)) WITHOUT ROWID;"
	    "CREATE TABLE segment(number INTEGER PRIMARY KEY, live INT, "
	    "keep INT);"
	    "CREATE TABLE meta(drive TEXT, segment INT, offset INT, seq INT);"
	    "INSERT INTO meta VALUES('%s', 0, 0, 0); COMMIT", id);
	return run(ix, ix->db, sql);
}

/* Without a journal of its own: should the process end, the tables are there
 * but user_version is not, and the next one begins anew. */
static enum err
build(struct index *ix, const struct uuid *drive)
{
	enum err e;

	ix->building = true;
	if ((e = run(ix, ix->db, "PRAGMA journal_mode=OFF;"
	    "PRAGMA synchronous=OFF; PRAGMA cache_size=-131072")) != EC_OK)
		return e;
	return make_tables(ix, drive);
}

enum err
index_built(struct index *ix)
{
	char sql[SQL_MAX];
	int fd;
	enum err e = EC_OK;

	if (!ix->building)
		return EC_OK;
	/* All must be on the drive before anything says so. */
	if ((fd = open(ix->path, O_RDONLY | O_CLOEXEC)) < 0)
		return err_from_errno(errno);
	if (fsync(fd) != 0)
		e = err_from_errno(errno);
	close(fd);
	snprintf(sql, sizeof sql, "PRAGMA synchronous=FULL;"
	    "PRAGMA user_version=%d; PRAGMA journal_mode=WAL;"
	    "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384",
	    INDEX_FORMAT);
	if (e == EC_OK && (e = run(ix, ix->db, sql)) == EC_OK)
		ix->building = false;
	return e;
}

/* One row of integers (or text in column 0 compared with ${text}). */
static enum err
load_meta(struct index *ix, const struct uuid *drive)
{
	char id[UUID_TEXT_BYTES];
	sqlite3_stmt *st = NULL;
	enum err e;

	uuid_text(id, drive);
	if ((e = index_prepare(ix, ix->db, &st,
	    "SELECT drive, segment, offset, seq FROM meta")) != EC_OK)
		goto out;
	if (sqlite3_step(st) != SQLITE_ROW ||
	    sqlite3_column_type(st, 0) != SQLITE_TEXT ||
	    strcmp((const char *)sqlite3_column_text(st, 0), id) != 0) {
		e = EC_ECORRUPT;
		goto out;
	}
	ix->applied.segment = (uint64_t)sqlite3_column_int64(st, 1);
	ix->applied.offset = (uint64_t)sqlite3_column_int64(st, 2);
	ix->applied.seq = (uint64_t)sqlite3_column_int64(st, 3);
	ix->has_applied = ix->applied.segment != 0;
out:
	sqlite3_finalize(st);
	return e;
}

static enum err
user_version(struct index *ix, int *out)
{
	sqlite3_stmt *st = NULL;
	enum err e;

	if ((e = index_prepare(ix, ix->db, &st, "PRAGMA user_version")) ==
	    EC_OK && sqlite3_step(st) == SQLITE_ROW)
		*out = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return e;
}

enum err
index_open(struct index **out, const char *path, const struct uuid *drive,
    struct journal *j, const char *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct index *ix = calloc(1, sizeof *ix);
	int version = -1;
	enum err e;

	if (ix == NULL)
		return EC_ENOMEM;
	pthread_once(&once, configure);
	pthread_mutex_init(&ix->mutex, NULL);
	pthread_mutex_init(&ix->checkpoint_mutex, NULL);
	ix->frame.max = 2 * (size_t)JOURNAL_PAYLOAD_MAX;
	ix->name = name;
	ix->journal = j;
	if ((ix->path = strdup(path)) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	if ((e = index_connect(ix, &ix->db, false)) != EC_OK ||
	    (e = user_version(ix, &version)) != EC_OK)
		goto out;
	if (version != 0 && version != INDEX_FORMAT) {
		e = EC_ECORRUPT;
		goto out;
	}
	if ((version == 0 && (e = build(ix, drive)) != EC_OK) ||
	    (e = load_meta(ix, drive)) != EC_OK ||
	    (e = index_segments_load(ix)) != EC_OK)
		goto out;
	sqlite3_wal_hook(ix->db, committed, ix);
	*out = ix;
	ix = NULL;
out:
	index_close(ix);
	/* A table that is not as it should be is an error of SQL; and a full
	 * drive may have room for a new index without the log of the old. */
	return e == EC_EIO || e == EC_ENOSPC ? EC_ECORRUPT : e;
}

void
index_reader_free(struct index_reader *r)
{
	for (size_t i = 0; i < sizeof r->st[0] / sizeof *r->st[0]; i++) {
		sqlite3_finalize(r->st[0][i]);
		sqlite3_finalize(r->st[1][i]);
	}
	sqlite3_finalize(r->names);
	for (unsigned i = 0; i < LOOK_COUNT; i++)
		sqlite3_finalize(r->look[i]);
	sqlite3_close(r->db);
	buf_release(&r->ahead.bytes);
	free(r);
}

void
index_close(struct index *ix)
{
	struct index_reader *r;

	if (ix == NULL)
		return;
	while ((r = ix->readers) != NULL) {
		ix->readers = r->next;
		index_reader_free(r);
	}
	for (unsigned i = 0; i < ST_COUNT; i++)
		sqlite3_finalize(ix->st[i]);
	sqlite3_close(ix->checkpoint_db);
	sqlite3_close(ix->db);
	if (ix->path != NULL && atomic_load(&ix->corrupt))
		index_delete(ix->path);
	free(ix->segments);
	free(ix->removed);
	buf_release(&ix->frame);
	pthread_mutex_destroy(&ix->mutex);
	pthread_mutex_destroy(&ix->checkpoint_mutex);
	free(ix->path);
	free(ix);
}

void
index_delete(const char *path)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	struct buf b = BUF_INIT(65536);

	for (unsigned i = 0; i < 3; i++) {
		b.len = 0;
		if (buf_printf(&b, "%s%s", path, suffix[i]) == EC_OK)
			unlink(buf_str(&b));
	}
	buf_release(&b);
}

bool
index_applied(const struct index *ix, struct journal_pos *out)
{
	*out = ix->applied;
	return ix->has_applied;
}

enum err
index_begin(struct index *ix)
{
	enum err e;

	if (atomic_load(&ix->corrupt))
		return EC_EIO;
	if ((e = index_prepare(ix, ix->db, &ix->st[ST_BEGIN],
	    "BEGIN IMMEDIATE")) != EC_OK)
		return e;
	return index_done(ix, ix->st[ST_BEGIN]);
}

void
index_rollback(struct index *ix)
{
	if (index_prepare(ix, ix->db, &ix->st[ST_ROLLBACK], "ROLLBACK") ==
	    EC_OK && !sqlite3_get_autocommit(ix->db))
		index_done(ix, ix->st[ST_ROLLBACK]);
	ix->removed_count = 0;
	index_segments_load(ix);
}

enum err
index_commit(struct index *ix, const struct journal_pos *applied)
{
	sqlite3_stmt *st;
	enum err e;

	if ((e = index_segments_put(ix)) != EC_OK ||
	    (e = index_prepare(ix, ix->db, &ix->st[ST_APPLIED],
	    "UPDATE meta SET segment=?, offset=?, seq=?")) != EC_OK ||
	    (e = index_prepare(ix, ix->db, &ix->st[ST_COMMIT],
	    "COMMIT")) != EC_OK)
		goto out;
	st = ix->st[ST_APPLIED];
	sqlite3_bind_int64(st, 1, (int64_t)applied->segment);
	sqlite3_bind_int64(st, 2, (int64_t)applied->offset);
	sqlite3_bind_int64(st, 3, (int64_t)applied->seq);
	if ((e = index_done(ix, st)) != EC_OK ||
	    (e = index_done(ix, ix->st[ST_COMMIT])) != EC_OK)
		goto out;
	ix->applied = *applied;
	ix->has_applied = applied->segment != 0;
out:
	if (e != EC_OK)
		index_rollback(ix);
	return e;
}

enum err
index_commit_sync(struct index *ix, const struct journal_pos *applied)
{
	enum err e, back;

	/* synchronous cannot change within a transaction. */
	if ((e = index_commit(ix, applied)) != EC_OK ||
	    (e = run(ix, ix->db, "PRAGMA synchronous=FULL")) != EC_OK)
		return e;
	if ((e = index_begin(ix)) == EC_OK)
		e = index_commit(ix, applied);
	back = run(ix, ix->db, "PRAGMA synchronous=NORMAL");
	return e != EC_OK ? e : back;
}

enum err
index_checkpoint(struct index *ix, bool empty)
{
	int rc;
	enum err e = EC_OK;

	pthread_mutex_lock(&ix->checkpoint_mutex);
	if (ix->checkpoint_db == NULL &&
	    (e = index_connect(ix, &ix->checkpoint_db, false)) == EC_OK)
		sqlite3_busy_timeout(ix->checkpoint_db, 100);
	if (e == EC_OK) {
		rc = sqlite3_wal_checkpoint_v2(ix->checkpoint_db, NULL, empty ?
		    SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
		    NULL, NULL);
		if (rc == SQLITE_OK && empty)
			atomic_store(&ix->backlog, 0);
		if (rc != SQLITE_BUSY)
			e = index_err(ix, ix->checkpoint_db, rc);
	}
	pthread_mutex_unlock(&ix->checkpoint_mutex);
	return e;
}
