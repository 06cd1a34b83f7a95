/* journal: append-only segments of frames: a drive's truth.  ec-drive(5) has
 * the bytes.
 *
 * One thread at a time may plan, write and replay; any number may read beside
 * it.  What was written is found again after a power cut if and only if it was
 * flushed.  A batch whose write or flush failed is out of the journal: the next
 * batch goes to a new segment, whose header says where the one before ends, so
 * that bytes behind that never come to life.  Only when the process ends before
 * that is it unknown whether a failed batch stands. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"

enum {
	JOURNAL_FORMAT = 1,
	JOURNAL_SEGMENT_MIN = 1024 * 1024,
	JOURNAL_SEGMENT_MAX = 64 * 1024 * 1024,
	JOURNAL_BATCH_BYTES = 32 * 1024 * 1024,	/* frames of one batch */
	JOURNAL_BATCH_MAX = 4096,		/* and how many */
	JOURNAL_HEADER_BYTES = 128,
	JOURNAL_FRAME_BYTES = 32,	/* before the payload */
	JOURNAL_PAYLOAD_MAX = 4 * 1024 * 1024,
};

enum journal_type {
	JOURNAL_RECORD = 1,	/* a record (record.h) */
	JOURNAL_COMPACTED,	/* le64: a segment whose frames were copied */
	JOURNAL_CLOSED,		/* nothing: its owner left in good order */
};

/* A place behind a frame. */
struct journal_pos {
	uint64_t segment, offset, seq;
};

struct journal_frame {
	enum journal_type type;
	const uint8_t *payload;
	uint32_t len;
	uint64_t seq;		/* grows from frame to frame */
	uint64_t origin;	/* its first seq; a copy keeps it */
	uint64_t segment, offset;	/* where it begins */
};

/* Bytes a frame takes up in its segment. */
static inline uint64_t
journal_frame_bytes(uint32_t payload_len)
{
	return (JOURNAL_FRAME_BYTES + (uint64_t)payload_len + 7) & ~7ull;
}

struct journal;

/* Open the segments in ${dir_fd} (a copy of it is kept) of drive ${drive}; a
 * new segment is begun when a batch would make one larger than
 * ${segment_bytes}.  ${name} is for messages and outlives the journal.  Replay
 * before anything else.  Errors: EC_ENOMEM, by errno. */
enum err journal_open(struct journal **out, int dir_fd,
    const struct uuid *drive, uint64_t segment_bytes, const char *name);
void journal_close(struct journal *j);

/* Visit all frames behind ${from} (NULL: all), in order.  An error of the
 * visitor ends it and is returned.  Then the end is known: a torn batch
 * behind it is cut off.  Damage, frames that do not hold with others behind
 * them, is kept, skipped, logged and counted.
 * Errors: EC_ESTALE (${from} is no place in this journal), EC_ENOMEM, by
 * errno. */
typedef enum err journal_visit(void *ctx, const struct journal_frame *f);
enum err journal_replay(struct journal *j, const struct journal_pos *from,
    journal_visit *visit, void *ctx);
uint64_t journal_damaged(const struct journal *j);	/* frames or gaps */

/* Visit the frames behind ${from} up to ${to}, places that were an end of this
 * journal while it was open, or from which it was replayed; any thread, beside
 * others that write.  Errors: the visitor's, EC_ENOMEM, by errno. */
enum err journal_follow(struct journal *j, const struct journal_pos *from,
    const struct journal_pos *to, journal_visit *visit, void *ctx);

/* Visit the frames of one segment. */
enum err journal_walk(struct journal *j, uint64_t segment,
    journal_visit *visit, void *ctx);

/* Make room for a batch of ${n} frames of ${bytes} (journal_frame_bytes) in
 * all: *${at} is where the first one will begin.  Opens a new segment when need
 * be.
 * Errors: EC_ELIMIT (JOURNAL_BATCH_*), EC_ENOMEM, by errno. */
enum err journal_plan(struct journal *j, uint64_t bytes, unsigned n,
    struct journal_pos *at);

/* Place the next frame of the batch: sets seq, segment, offset, and origin if
 * it is 0; moves ${at} behind it. */
void journal_place(struct journal_pos *at, struct journal_frame *f);

/* Write the frames that were placed; with ${flush} they survive power loss on
 * return.
 * Errors: by errno, logged; see above for what becomes of the frames. */
enum err journal_write(struct journal *j, const struct journal_frame *f,
    unsigned n, bool flush);

/* The place behind the last frame. */
struct journal_pos journal_end(const struct journal *j);

/* When the last segment was last written, real time; 0: not known. */
uint64_t journal_written_us(const struct journal *j);

/* Read a frame's payload: ${buf} is emptied first; *${payload} points into it.
 * Errors: EC_ENOTFOUND (no such segment), EC_ECORRUPT, EC_ENOMEM, by errno. */
enum err journal_read(struct journal *j, uint64_t segment, uint64_t offset,
    uint32_t len, struct buf *buf, const uint8_t **payload);

/* Frames that lie behind each other, read in larger pieces.  Of one thread, and
 * not for long: release it before what it read may be compacted away. */
struct journal_ahead {
	uint64_t segment, base;	/* bytes.len bytes of it from there */
	uint64_t salt;		/* the segment's */
	uint64_t next;		/* behind the last frame asked for */
	struct buf bytes;
};
#define JOURNAL_AHEAD_INIT { .bytes = BUF_INIT(2 * JOURNAL_PAYLOAD_MAX) }

/* As journal_read; *${payload} points into ${a} until the next call, and may be
 * written to if this frame is not asked for again. */
enum err journal_read_ahead(struct journal *j, struct journal_ahead *a,
    uint64_t segment, uint64_t offset, uint32_t len, uint8_t **payload);
/* Forget what was read; its memory is kept for the next. */
void journal_ahead_reset(struct journal_ahead *a);

/* Segments in order: the ${i}th one's number and bytes; false behind the last,
 * which is the one being written. */
bool journal_segment(struct journal *j, size_t i, uint64_t *number,
    uint64_t *bytes);
bool journal_has(struct journal *j, uint64_t segment);

/* Remove a segment other than the last.  Errors: EC_EINVAL, by errno. */
enum err journal_remove(struct journal *j, uint64_t segment);

/* End the last segment: the next batch goes to a new one.  After a failed flush
 * that is what mends the journal.  Errors: by errno. */
enum err journal_roll(struct journal *j);
bool journal_broken(const struct journal *j);

/* Is what was written still there: EC_EOFFLINE when the files were removed. */
enum err journal_check(struct journal *j);

/* Flushes since open. */
uint64_t journal_flushes(const struct journal *j);

#endif
