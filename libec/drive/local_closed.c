/* local_closed: did the last owner of a drive leave it in good order?
 *
 * Who does writes a CLOSED frame behind all others.  A process that was killed
 * did not, nor had it the time to queue what it left half done on other drives:
 * so the next owner queues that what was written in its last moments be
 * compared over all drives; all of it if the drive is not filled.  The index is
 * not brought past a CLOSED frame until something follows, or the drive is
 * served to others. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive/local_impl.h"

enum {
	UNDER_WAY_S = 30,	/* what may have been when it was killed */
	ENTRIES_MAX = 100,
};

static bool
same_pos(const struct journal_pos *a, const struct journal_pos *b)
{
	return a->segment == b->segment && a->offset == b->offset &&
	    a->seq == b->seq;
}

/* An entry that reaches back farther is noted anew instead of one more. */
static void
reach_back(struct local *l, struct stamp *since)
{
	const struct drive_query q = { .table = DRIVE_HEALS, .bucket = "",
		.key = "", .limit = ENTRIES_MAX };
	struct drive_records found = DRIVE_RECORDS_INIT;
	struct record_part *parts = NULL;
	const uint8_t *rec;
	struct record r;
	size_t pos = 0, len;

	if (index_query(l->index, &q, &found) != EC_OK)
		goto out;
	while (drive_records_next(&found, &pos, &rec, &len)) {
		if (record_decode(&r, &parts, rec, len) == EC_OK &&
		    (r.flags & RECORD_GONE) == 0 &&
		    stamp_cmp(&r.target, since) < 0)
			*since = r.target;
		free(parts);
		parts = NULL;
	}
out:
	buf_release(&found.buf);
}

/* Zero for all there is. */
static struct stamp
last_moments(uint64_t written_us)
{
	uint64_t slack_us = UNDER_WAY_S * UINT64_C(1000000);

	if (written_us <= slack_us)
		return (struct stamp){ 0, 0 };
	return (struct stamp){ (written_us - slack_us) << 12, 0 };
}

static enum err
note(struct local *l, const struct stamp *since)
{
	struct record r = { .kind = RECORD_HEAL, .stamp = stamp_new(),
		.bucket = "", .key = "", .etag = "",
		.target = *since, .mtime_us = clock_real_us() };
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { .flags = 0 };
	enum err e;

	if ((e = record_encode(&b, &r)) == EC_OK) {
		a.rec = b.data;
		a.len = b.len;
		e = local_append(&l->drive, &a, 1);
		e = e == EC_OK ? a.err : e;
	}
	buf_release(&b);
	return e;
}

/* Bring the index past the CLOSED frame, so that it is not met again. */
static void
reopen(struct local *l, const struct journal_pos *end)
{
	if (index_begin(l->index) == EC_OK)
		index_commit(l->index, end);
}

void
local_entered(struct local *l, uint64_t written_us, bool serves)
{
	struct journal_pos end = journal_end(l->journal);
	struct stamp since = { 0, 0 };
	enum err e;

	if (!l->format.filling && (l->closed || end.segment == 0)) {
		l->entered = end;
		index_applied(l->index, &l->applied);
		if (serves && end.segment > 0)
			reopen(l, &end);
		return;
	}
	if (!l->format.filling) {
		log_info("%s: was not closed; what was written last will be "
		    "compared", l->path);
		since = last_moments(written_us);
		reach_back(l, &since);
	}
	if ((e = note(l, &since)) != EC_OK)
		log_warn("%s: cannot queue that: %s", l->path, err_text(e));
}

void
local_leave(struct local *l)
{
	struct journal_frame f = { .type = JOURNAL_CLOSED,
		.payload = (const uint8_t *)"" };
	struct journal_pos at, end, applied;

	if (l->journal == NULL || l->index == NULL)
		return;
	end = journal_end(l->journal);
	index_applied(l->index, &applied);
	if (l->stale || journal_broken(l->journal) || end.segment == 0 ||
	    (same_pos(&end, &l->entered) && same_pos(&applied, &l->applied)) ||
	    journal_check(l->journal) != EC_OK)
		return;
	if (journal_plan(l->journal, journal_frame_bytes(0), 1, &at) != EC_OK)
		return;
	journal_place(&at, &f);
	journal_write(l->journal, &f, 1, false);
}
