/* journal_replay: frames from where to where they stand. */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/journal_impl.h"

/* More than the frames of an unreadable segment. */
enum { SEQ_SKIP = JOURNAL_SEGMENT_MAX / JOURNAL_FRAME_BYTES + 1 };

/* Do all frames from here to the end belong to the batch that begins by
 * ${first}?  Then it was torn: nobody was told that it is durable. */
static enum err
torn_batch(const struct segment_reader *r, uint64_t batch, uint64_t first,
    bool *torn)
{
	struct segment_reader ahead;
	struct journal_frame f;
	enum err e = EC_OK;
	bool gap;

	segment_reader_init(&ahead, r->fd, r->salt, r->at, r->end, r->seq);
	while (batch <= first &&
	    (e = segment_next(&ahead, &f, &gap, &batch)) == EC_OK)
		;
	segment_reader_release(&ahead);
	*torn = e == EC_ENOTFOUND;
	return *torn || e == EC_OK ? EC_OK : e;
}

/* Visit a pinned segment's frames behind ${at}, which moves along. */
static enum err
walk_frames(struct journal *j, const struct segment *s, bool is_last,
    struct journal_pos *at, journal_visit *visit, void *ctx)
{
	struct segment_reader r;
	struct journal_frame f = { .segment = s->h.number };
	uint64_t batch;
	bool gap, torn = false;
	enum err e;

	segment_reader_init(&r, s->fd, s->h.salt, at->offset, s->end, at->seq);
	while ((e = segment_next(&r, &f, &gap, &batch)) == EC_OK) {
		if (gap && is_last)
			e = torn_batch(&r, batch, at->seq + 1, &torn);
		if (torn || e != EC_OK)
			break;
		if (gap)
			journal_damage(j, s->h.number, at->offset,
			    "frames do not hold");
		at->offset = r.at;
		at->seq = f.seq;
		if ((e = visit(ctx, &f)) != EC_OK)
			break;
	}
	if (e == EC_ENOTFOUND) {
		if (!is_last && at->offset < s->end)
			journal_damage(j, s->h.number, at->offset,
			    "frames do not hold");
		e = EC_OK;
	}
	segment_reader_release(&r);
	return e;
}

static enum err
walk(struct journal *j, bool is_last, struct journal_pos *at,
    journal_visit *visit, void *ctx)
{
	uint64_t number = at->segment;
	struct segment s;
	enum err e;

	if ((e = journal_pin(j, number, &s)) != EC_OK)
		return e;
	e = walk_frames(j, &s, is_last, at, visit, ctx);
	journal_unpin(j, number);
	return e;
}

static enum err
cut(struct journal *j, struct segment *s, uint64_t end)
{
	if (s->end > end) {
		log_warn("%s: journal segment %016llx: cut %llu bytes of a "
		    "torn batch", j->name, (unsigned long long)s->h.number,
		    (unsigned long long)(s->end - end));
		if (ftruncate(s->fd, (off_t)end) != 0)
			return err_from_errno(errno);
	}
	s->end = end;
	return EC_OK;
}

/* Is ${p} behind a frame, or at a segment's begin? */
static enum err
check_place(struct journal *j, const struct journal_pos *p)
{
	struct segment *s = journal_find(j, p->segment);

	if (s == NULL || s->damaged || p->offset > s->end ||
	    p->offset < JOURNAL_HEADER_BYTES || p->offset % 8 != 0)
		return EC_ESTALE;
	return p->seq + 1 < s->h.first_seq ? EC_ESTALE : EC_OK;
}

enum err
journal_replay(struct journal *j, const struct journal_pos *from,
    journal_visit *visit, void *ctx)
{
	struct journal_pos at = { 0, 0, 0 };
	size_t i = 0;
	enum err e;

	if (from != NULL) {
		if ((e = check_place(j, from)) != EC_OK)
			return e;
		i = (size_t)(journal_find(j, from->segment) - j->segments);
		at = *from;
	}
	for (; i < j->count; i++) {
		struct segment *s = &j->segments[i];
		bool is_last = i == j->count - 1;

		if (s->damaged)
			continue;
		if (from == NULL || s->h.number != from->segment) {
			at.offset = JOURNAL_HEADER_BYTES;
			if (at.seq + 1 < s->h.first_seq)
				at.seq = s->h.first_seq - 1;
		}
		at.segment = s->h.number;
		if ((e = walk(j, is_last, &at, visit, ctx)) != EC_OK ||
		    (is_last && (e = cut(j, s, at.offset)) != EC_OK))
			return e;
	}
	if (j->count > 0 && journal_last(j)->damaged)
		at.seq += SEQ_SKIP;
	if (j->next_seq < at.seq + 1)
		j->next_seq = at.seq + 1;
	return EC_OK;
}

/* To the begin of the next segment; false: there is none. */
static bool
next_segment(struct journal *j, struct journal_pos *at)
{
	const struct segment *s = NULL;

	pthread_mutex_lock(&j->mutex);
	for (size_t i = j->count; i-- > 0 &&
	    j->segments[i].h.number > at->segment;)
		s = &j->segments[i];
	if (s != NULL) {
		at->segment = s->h.number;
		at->offset = JOURNAL_HEADER_BYTES;
		if (at->seq + 1 < s->h.first_seq)
			at->seq = s->h.first_seq - 1;
	}
	pthread_mutex_unlock(&j->mutex);
	return s != NULL;
}

enum err
journal_follow(struct journal *j, const struct journal_pos *from,
    const struct journal_pos *to, journal_visit *visit, void *ctx)
{
	struct journal_pos at = *from;
	struct segment s;
	enum err e;

	do {
		uint64_t number = at.segment;

		if ((e = journal_pin(j, number, &s)) != EC_OK)
			return e;
		if (number == to->segment)
			s.end = to->offset;
		e = walk_frames(j, &s, false, &at, visit, ctx);
		journal_unpin(j, number);
	} while (e == EC_OK && at.segment != to->segment &&
	    next_segment(j, &at));
	return e;
}

enum err
journal_walk(struct journal *j, uint64_t segment, journal_visit *visit,
    void *ctx)
{
	struct journal_pos at = { segment, JOURNAL_HEADER_BYTES, 0 };

	return walk(j, false, &at, visit, ctx);
}
