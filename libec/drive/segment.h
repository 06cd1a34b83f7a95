/* segment: the bytes of one segment file of the journal, read from anywhere.
 * Any content is expected; nothing is trusted before its checksum held. */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "drive/journal.h"

struct segment_header {
	struct uuid drive;
	uint64_t number;
	uint64_t first_seq;
	uint64_t prev_end;	/* bytes of the segment before that stand */
	uint64_t salt;		/* random; marks this segment's frames */
};

void segment_header_put(uint8_t out[JOURNAL_HEADER_BYTES],
    const struct segment_header *h);
/* Errors: EC_ECORRUPT (neither copy holds), EC_EFORMAT (a later format). */
enum err segment_header_get(struct segment_header *out,
    const uint8_t in[JOURNAL_HEADER_BYTES]);

/* The head of a frame, ${ordinal}th of its batch. */
void segment_frame_put(uint8_t out[JOURNAL_FRAME_BYTES],
    const struct journal_frame *f, unsigned ordinal, uint64_t salt);
/* ${len} bytes at ${in} as a frame; sets type, payload, len, seq, origin.
 * *${ordinal} may be NULL.  Errors: EC_ECORRUPT. */
enum err segment_frame_get(struct journal_frame *f, unsigned *ordinal,
    const uint8_t *in, size_t len, uint64_t salt);

/* Reading through a file. */
struct segment_reader {
	int fd;
	uint64_t salt;
	uint64_t end;		/* no frame reaches beyond */
	uint64_t at;		/* next byte to look at */
	uint64_t seq;		/* frames up to this one are old */
	uint8_t *window;	/* bytes [base, base + have) of the file */
	uint64_t base;
	size_t have, cap;
};
void segment_reader_init(struct segment_reader *r, int fd, uint64_t salt,
    uint64_t at, uint64_t end, uint64_t seq);
void segment_reader_release(struct segment_reader *r);

/* The next frame that holds.  *${gap}: bytes before it did not;
 * ${f}->offset is where it begins, *${batch} the seq its batch begins with.
 * r->at is behind it afterwards.
 * Errors: EC_ENOTFOUND (no further frame; r->at is behind the last one),
 * EC_ENOMEM, by errno. */
enum err segment_next(struct segment_reader *r, struct journal_frame *f,
    bool *gap, uint64_t *batch);

#endif
