/* local_impl: what the files of local share; for local*.c only.
 *
 * Lock order: append, apply, removal; pending_mutex last.  Queries hold removal
 * shared, so that no segment goes between finding a row and reading its frame.
 */
#ifndef LOCAL_IMPL_H
#define LOCAL_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "drive/index.h"
#include "drive/journal.h"
#include "drive/local.h"
#include "drive/pending.h"
#include "drive/shards.h"

enum { LOCAL_SKIP_MAX = 16, LOCAL_RESERVE_MIN = 16 * 1024 * 1024 };

struct local {
	struct drive drive;
	char *path;
	int fd, ec_fd, owner_fd;
	dev_t dev;		/* of fd */
	ino_t ino;
	uint64_t segment_bytes;
	struct shards shards;

	pthread_mutex_t append;	/* guards changes of the journal */
	struct journal *journal;
	char bucket_open[RECORD_BUCKET_MAX + 1];	/* takes objects */
	pthread_mutex_t apply;	/* guards changes of the index */
	struct index *index;
	bool follows;		/* it has a place in the journal */
	pthread_mutex_t pending_mutex;	/* guards what it does not have: */
	struct pending pending;
	struct journal_pos pending_end;
	uint64_t pending_bytes;	/* of the journal */
	struct format format;
	bool stale;		/* the index missed what is in the journal */
	bool closed;		/* the journal ended so when it was caught up */
	struct journal_pos entered, applied;	/* then; else zeros */

	pthread_rwlock_t removal;
	atomic_ullong appends, append_bytes, looked_us;
	atomic_bool there;

	pthread_mutex_t background;	/* guards the following */
	pthread_cond_t wake;
	pthread_t thread;
	bool started, closing;
	bool checkpoint_due, pending_due;
	bool pending_soon;

	pthread_mutex_t maintain;	/* guards the following */
	struct uuid swept;		/* the sweep is behind this one */
	uint64_t skip[LOCAL_SKIP_MAX];	/* damaged segments */
	unsigned skip_count;
};

/* EC_EOFFLINE when the directory is no longer where it was. */
enum err local_there(struct local *l);

/* local_format.c and local.c.  EC_EOFFLINE: there is no directory. */
enum err local_open_dir(int *fd, const char *path);

/* local_closed.c */
/* The drive was opened; its journal was last written at ${written_us}.  If its
 * last owner did not leave it in good order, an entry of the heal queue says
 * since when drives are to be compared; all, if it is not filled.  Who
 * ${serves} must say so when it leaves, though it changed nothing here: it may
 * have on other drives. */
void local_entered(struct local *l, uint64_t written_us, bool serves);
/* Say that it is left in good order, if anything was changed. */
void local_leave(struct local *l);

/* local_append.c */
enum err local_append(struct drive *d, struct drive_append *a, unsigned n);

/* local_follow.c */
/* Replay what the index lacks, whatever it is; with append and apply held.
 * EC_ESTALE: it is of another journal. */
enum err local_catch_up(struct local *l);
/* Apply what is pending, without a lock: all, or if ${q} is about it. */
enum err local_settle(struct local *l);
enum err local_settle_for(struct local *l, const struct drive_query *q);
/* With append held: the same, and the index is the caller's to change or to
 * look at as it changes, until _end, which unlinks the shard files that no row
 * names any more. */
enum err local_change_begin(struct local *l);
void local_change_end(struct local *l);

/* local_note.c */
enum err local_note_put(struct drive *d, const char *name, const void *text,
    size_t len);
enum err local_note_get(struct drive *d, const char *name, struct buf *out);

/* local_maintain.c */
enum err local_maintain(struct drive *d, unsigned budget_ms, unsigned grace_s,
    uint64_t *removed);

/* local_background.c */
/* Something was appended: what is pending is applied soon, at once if it is
 * much, and the index's backlog is written to its file if it is large; in the
 * background, or, when the drive is full, at once, making the backlog's file
 * empty. */
void local_background_if_due(struct local *l);
void local_background_stop(struct local *l);
/* How much is pending: from 1 on it is to be applied, from 2 on whoever appends
 * does so, from 3 on it seems that it cannot be done. */
unsigned local_pressure(struct local *l, bool *any);
void local_checkpoint_full(struct local *l);

#endif
