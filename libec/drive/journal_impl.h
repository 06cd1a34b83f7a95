/* journal_impl: what the files of journal share; for journal*.c only.
 *
 * 1. The last segment is written at its end; bytes behind it are of no batch
 *    that stands.  No seq is given twice, so stale bytes behind a new frame
 *    have a smaller one and are known.
 * 2. A failed write is cut off.  A failed flush is final for its segment: the
 *    next one's header says that it ends where the last good batch did, and
 *    before that one is removed the file is cut there.
 * 3. A segment's directory entry and header are durable before any batch in it,
 *    and all of the one before.
 * 4. A batch lies in one segment. */
#ifndef JOURNAL_IMPL_H
#define JOURNAL_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "drive/journal.h"
#include "drive/segment.h"

enum { JOURNAL_NAME_BYTES = 21 };	/* "%016x.seg" and a NUL */

struct segment {
	struct segment_header h;
	uint64_t end;		/* of what stands in it */
	int fd;			/* -1: not open */
	unsigned readers;
	bool damaged;		/* its header does not hold */
};

struct journal {
	int dir_fd;
	struct uuid drive;
	uint64_t segment_bytes;
	const char *name;
	pthread_mutex_t mutex;	/* guards segments; in them, fd and readers */
	struct segment *segments;
	size_t count, cap, open_count;
	uint64_t next_seq;
	bool broken;		/* nothing more goes to the last segment */
	bool unflushed;		/* its end may not be durable */
	atomic_ullong damaged, flushes;
};

void journal_segment_name(char out[JOURNAL_NAME_BYTES], uint64_t number);
/* NULL: there is none. */
struct segment *journal_find(struct journal *j, uint64_t number);
struct segment *journal_last(const struct journal *j);
enum err journal_reserve(struct journal *j);	/* room for one more */

enum err journal_segment_open(struct journal *j, struct segment *s);
void journal_segment_close(struct journal *j, struct segment *s);
/* A copy of a segment, open; the segment stays, and open, until unpin. */
enum err journal_pin(struct journal *j, uint64_t number, struct segment *copy);
void journal_unpin(struct journal *j, uint64_t number);

/* Count and log it. */
void journal_damage(struct journal *j, uint64_t number, uint64_t at,
    const char *what);

#endif
