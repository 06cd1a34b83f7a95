/* index: SQLite over the journal, for lookups and listings.  The only user of
 * sqlite3 is index*.c.  ec-drive(5) has the tables.
 *
 * The index follows: rows go in after they are in the journal, in one
 * transaction with the place up to which the journal was applied, unsynced.  It
 * can be thrown away: replaying the journal makes it anew.  One thread at a
 * time may change it (begin .. commit); any number may query. */
#ifndef INDEX_H
#define INDEX_H

#include "drive/drive.h"
#include "drive/journal.h"

struct index;

/* A shard file that no row names any more. */
struct index_shard {
	struct uuid data;
	unsigned index;
};

/* Open or make the index in the file ${path}; ${name} is for messages and, as
 * ${j}, outlives it.  Errors: EC_ECORRUPT (not ours, of another version or
 * drive, or damaged: delete it and open anew), EC_ENOMEM, EC_EIO. */
enum err index_open(struct index **out, const char *path,
    const struct uuid *drive, struct journal *j, const char *name);
void index_close(struct index *ix);	/* deletes a damaged one */
void index_delete(const char *path);

/* A new index is filled fast and unsafely; when all is applied, make it safe
 * and valid.  One that is not new is left as it is.  Errors: as changes. */
enum err index_built(struct index *ix);

/* Where the journal was applied up to; false: nothing of it. */
bool index_applied(const struct index *ix, struct journal_pos *out);

/* Changes.  Errors: EC_EIO, EC_ENOSPC, EC_ENOMEM, logged. */
enum err index_begin(struct index *ix);
enum err index_commit(struct index *ix, const struct journal_pos *applied);
void index_rollback(struct index *ix);
/* Commit so that it survives power loss. */
enum err index_commit_sync(struct index *ix, const struct journal_pos *applied);

/* Frames that rows may stand on though they are not written yet: *${n} at
 * ${f}, which grow while records are applied.  NULL: none any more. */
void index_pending(struct index *ix, const struct journal_frame *f,
    const unsigned *n);

/* May ${r} be appended?  EC_ESTALE and EC_ENOBUCKET as DRIVE_APPEND_NEWEST
 * says, if ${newest}: *${hlc} is the newest one's.  EC_ENOUPLOAD: a part of an
 * ended upload. */
enum err index_check(struct index *ix, const struct record *r, bool newest,
    uint64_t *hlc);

/* What the rows of the last commit say of the versions of a key, without a
 * change being under way: between index_look_begin and _end, of one thread. */
struct index_look {
	bool closed;		/* its bucket is, or gone */
	struct stamp newest;	/* zero: there is none */
	bool older_null;	/* ${r} is a null version, and there is an
				 * older one */
};
struct index_reader;
enum err index_look_begin(struct index *ix, struct index_reader **out);
enum err index_look(struct index *ix, struct index_reader *reader,
    const struct record *r, bool bucket, struct index_look *out);
void index_look_end(struct index *ix, struct index_reader *reader);

/* Apply the record of frame ${f} by the rules of record.h.  *${superseded} (may
 * be NULL): an older null version is there. */
enum err index_apply(struct index *ix, const struct record *r,
    const struct journal_frame *f, bool *superseded);

/* Is this frame what a row stands on (LIVE), of no row but needed as long as
 * older segments are there (KEEP), or DEAD? */
enum index_life { INDEX_DEAD, INDEX_KEEP, INDEX_LIVE };
enum err index_life(struct index *ix, const struct record *r,
    const struct journal_frame *f, enum index_life *out);

/* Point a row, or a kept record, to its copy ${to} in the journal. */
enum err index_move(struct index *ix, const struct record *r,
    const struct journal_frame *from, const struct journal_frame *to,
    enum index_life life);
void index_forget_segment(struct index *ix, uint64_t segment);

/* Drop rows with RECORD_GONE of stamps before ${heal_hlc} (heal entries) or
 * ${hlc} (others); their records are kept in the journal.  At most ${max}. */
enum err index_expire(struct index *ix, uint64_t heal_hlc, uint64_t hlc,
    unsigned max);

/* Bytes of a segment's frames that rows stand on, and that are kept. */
void index_segment(const struct index *ix, uint64_t segment, uint64_t *live,
    uint64_t *keep);

/* Shard files that lost their last row since the last call, after a commit. */
const struct index_shard *index_removed(struct index *ix, size_t *n);
void index_removed_clear(struct index *ix);

/* Does a row name this shard file?  Any thread. */
enum err index_names(struct index *ix, const struct uuid *data, unsigned index,
    bool *named);

/* Records that match; see drive.h.  Those whose frame in the journal does not
 * hold are left out (the journal counts them). */
enum err index_query(struct index *ix, const struct drive_query *q,
    struct drive_records *out);

/* Bring the write-ahead log into the database file, synced; any thread.  With
 * ${empty} wait a little for readers and make its file empty. */
enum err index_checkpoint(struct index *ix, bool empty);
/* Pages in the write-ahead log as of the last commit. */
unsigned index_backlog(const struct index *ix);

#endif
