/* drive: the operations of a drive.  Local drives (local.h), drives behind
 * another process or host (net/remote_drive.h) and those that inject faults
 * (t/fault) implement the same table; nothing above can tell them apart.
 *
 * Calls block, and any number of threads may call at once.  Sets do not call
 * these directly but through a lane (lane.h), which gives them threads, a
 * deadline and one flush for many appends. */
#ifndef DRIVE_H
#define DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"
#include "drive/format.h"
#include "drive/record.h"

/* A list of encoded records: le32 length, record, and so on. */
struct drive_records {
	struct buf buf;
};
#define DRIVE_RECORDS_INIT { BUF_INIT(64u << 20) }
/* Next record: *${pos} starts at 0.  false at the end. */
bool drive_records_next(const struct drive_records *l, size_t *pos,
    const uint8_t **rec, size_t *len);
enum err drive_records_add(struct drive_records *l, const void *rec,
    size_t len);

/* One record to append. */
struct drive_append {
	const void *rec;	/* encoded */
	size_t len;
	enum {
		/* Refuse with EC_ESTALE when a row of a greater stamp is there:
		 * for versions of this key, for others of the same bucket,
		 * upload, part number or heal target.  And with EC_ENOBUCKET
		 * a version, a part or an upload that begins when the bucket's
		 * row says RECORD_GONE or RECORD_CLOSED (not when there is
		 * none); what deletes is taken. */
		DRIVE_APPEND_NEWEST = 1,
		/* Need not be durable on return. */
		DRIVE_APPEND_LAZY = 2,
	} flags;
	enum err err;		/* result */
	bool superseded;	/* result: an older null version is there */
	uint64_t hlc;		/* result with EC_ESTALE: the newest one's */
};

enum drive_table { DRIVE_VERSIONS, DRIVE_BUCKETS, DRIVE_UPLOADS, DRIVE_PARTS,
	DRIVE_HEALS };
/* Where records of a kind are: tombstones and amendments beside versions. */
enum drive_table drive_table_of(enum record_kind kind);

/* Which records.  Order within DRIVE_VERSIONS: bucket, key (bytes), stamp
 * descending; DRIVE_BUCKETS: name; DRIVE_UPLOADS: bucket, key, upload;
 * DRIVE_PARTS: bucket, key, upload, number, stamp descending; DRIVE_HEALS:
 * stamp.  RECORD_GONE rows are given like others. */
struct drive_query {
	enum drive_table table;
	const char *bucket;	/* NULL: all, of all buckets in order */
	const char *key;	/* exactly this key; NULL: all */
	const char *prefix;	/* keys that begin so; NULL: all */
	const char *after_bucket;	/* with bucket NULL: resume point */
	const char *after_key;	/* keys greater than this; or NULL */
	struct stamp after_stamp;	/* not zero: those of after_key behind
					 * this stamp (versions: older; uploads:
					 * greater upload); heals of whatever
					 * key: with a greater stamp */
	struct stamp target;	/* not zero.  Versions: of this stamp, and
				 * tombstones and amendments whose target it
				 * is; uploads and parts: of this upload;
				 * heals: of this */
	uint64_t since_hlc;	/* of rows with a lesser stamp only some are
				 * wanted: a few are given, so that a page ends
				 * in bounded time */
	bool null_only;		/* only RECORD_NULL */
	bool newest_only;	/* per key only the newest few (at most 4) */
	bool want_inline;	/* with the inline data; else inline_len only,
				 * inline_data NULL (encoded so) */
	bool want_parts;	/* with parts and metadata; else columns of the
				 * index only: parts 0, of the metadata what
				 * record_meta_listed gives */
	unsigned limit;		/* records at most, 1 .. 10,000 */
};

struct drive_space {
	uint64_t total, free;	/* bytes of its file system */
};

struct drive_stats {	/* since open */
	uint64_t appends, append_bytes, flushes, shard_bytes_written,
	    shard_bytes_read, shard_flushes;
	uint64_t journal_damaged;	/* places of it that did not hold */
	uint64_t kept_files, kept_bytes;	/* in quarantine, now */
};

/* One shard file being written or read. */
struct drive_writer;
struct drive_reader;

struct drive_shard_info {
	struct uuid data;
	unsigned index;
	uint64_t bytes;
	uint64_t mtime_us;
};

enum { DRIVE_NOTE_NAME_MAX = 15, DRIVE_NOTE_BYTES_MAX = 64 * 1024,
	DRIVE_JOBS_MAX = 16 };

struct drive;

/* Records to append to a drive, or a question to it, beside those for others of
 * its host. */
struct drive_job {
	struct drive *d;
	struct drive_append *a;	/* as for append; NULL: a query */
	unsigned n;
	const struct drive_query *q;
	struct drive_records *out;
};

/* The job ${i} has ended.  ${more}: so has another, which follows at once. */
typedef void drive_job_done(void *ctx, unsigned i, enum err e, bool more);

struct drive_ops {
	/* Append ${n} records, all before this returns EC_OK durable (unless
	 * lazy); the result of each is in it.  Applied to the index in order.
	 * Errors for all: EC_EIO, EC_ENOSPC, EC_EROFS, EC_EOFFLINE: then
	 * nothing is durable and nothing was applied. */
	enum err (*append)(struct drive *d, struct drive_append *a, unsigned n);

	/* Records that match, in order, added to ${out}. */
	enum err (*query)(struct drive *d, const struct drive_query *q,
	    struct drive_records *out);

	/* Write a shard file: create, write in order, then commit: on EC_OK it
	 * and its directory entry survive power loss.  abort removes it.  Both
	 * end the writer.  ${bytes_hint} 0: unknown.
	 * A file of that name may be there (a heal writes a bad one anew): it
	 * stays, and can be read, until commit has made the new one durable,
	 * puts that in its place and the old one into quarantine; EC_EEXIST
	 * if it has the same bytes: then it stays.
	 * A file has one writer at a time, so that of two heals one leaves it
	 * to the other: create, or a call after it, gives EC_EOWNED. */
	enum err (*shard_create)(struct drive *d, const struct uuid *data,
	    unsigned index, uint64_t bytes_hint, struct drive_writer **out);
	enum err (*shard_write)(struct drive_writer *w, const void *buf,
	    size_t len);
	enum err (*shard_commit)(struct drive_writer *w);
	void (*shard_abort)(struct drive_writer *w);

	/* Read a shard file; *${bytes} is its length.
	 * Errors: EC_ENOTFOUND, EC_EIO, EC_EOFFLINE. */
	enum err (*shard_open)(struct drive *d, const struct uuid *data,
	    unsigned index, struct drive_reader **out, uint64_t *bytes);
	enum err (*shard_pread)(struct drive_reader *r, void *buf, size_t len,
	    uint64_t off);	/* exactly len, else EC_ECORRUPT */
	/* The same if it is in memory: then at once, and true.  Any thread,
	 * also beside a pread.  NULL: never. */
	bool (*shard_peek)(struct drive_reader *r, void *buf, size_t len,
	    uint64_t off);
	/* What is read from ${from} to ${until} is read in order, and nothing
	 * else.  NULL: that makes no difference. */
	void (*shard_expect)(struct drive_reader *r, uint64_t from,
	    uint64_t until);
	void (*shard_close)(struct drive_reader *r);

	enum err (*shard_remove)(struct drive *d, const struct uuid *data,
	    unsigned index);
	/* Shard files in order of id behind ${after}, at most ${max}. */
	enum err (*shard_list)(struct drive *d, const struct uuid *after,
	    struct drive_shard_info *out, unsigned max, unsigned *n);

	/* Quarantine: the damaged shard files that others took the place of.
	 * Nothing removes them but purge.  list: as shard_list, with the time
	 * each came there as mtime_us; that, the id and the index name a file.
	 * read: exactly len, else EC_ECORRUPT.  restore puts it back, whatever
	 * it is, and the one that is there now into quarantine (EC_ENOSPC if
	 * there is no room).  Durable on return.  Errors: EC_ENOTFOUND. */
	enum err (*kept_list)(struct drive *d, const struct uuid *after,
	    struct drive_shard_info *out, unsigned max, unsigned *n);
	enum err (*kept_read)(struct drive *d,
	    const struct drive_shard_info *which, void *buf, size_t len,
	    uint64_t off);
	enum err (*kept_restore)(struct drive *d,
	    const struct drive_shard_info *which);
	enum err (*kept_purge)(struct drive *d,
	    const struct drive_shard_info *which);

	/* Is it there, and who is it: reads and checks format.json anew.
	 * Errors: EC_EOFFLINE, EC_EFORMAT, EC_EFOREIGN. */
	enum err (*probe)(struct drive *d, struct format *out);
	/* Replace its format record (a slot was given a new drive). */
	enum err (*reformat)(struct drive *d, const struct format *f);
	enum err (*space)(struct drive *d, struct drive_space *out);
	enum err (*stats)(struct drive *d, struct drive_stats *out);
	/* Background work, about ${budget_ms} of it: compaction, checkpoint,
	 * sweep of shard files without a record that are older than ${grace_s}.
	 * *${removed} counts swept files. */
	enum err (*maintain)(struct drive *d, unsigned budget_ms,
	    unsigned grace_s, uint64_t *removed);
	/* A small text that tools keep on the drive under a name of a to z:
	 * replaced as a whole; put is durable on return, and added to ${out}
	 * by get.  NULL: it keeps none.  Errors: EC_ENOTFOUND, EC_ELIMIT,
	 * EC_EINVAL (name). */
	enum err (*note_put)(struct drive *d, const char *name,
	    const void *text, size_t len);
	enum err (*note_get)(struct drive *d, const char *name,
	    struct buf *out);
	/* 1 to DRIVE_JOBS_MAX of append and query on drives that all have this
	 * host, in one message; ${done} is called for each as it ends, so a
	 * slow drive holds up no other.  NULL: the drive has no host. */
	void (*together)(const struct drive_job jobs[], unsigned n,
	    drive_job_done *done, void *ctx);
	void (*close)(struct drive *d);
};

/* Implementations embed it first. */
struct drive {
	const struct drive_ops *ops;
	const char *name;	/* its path or URL, for messages */
	bool local;		/* no network between */
	const void *host;	/* what it shares with others that can be called
				 * together; NULL: nothing */
};

void drive_close(struct drive *d);	/* d->ops->close; NULL is fine */

#endif
