/* index_segments: how much of each segment of the journal is needed. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drive/index_impl.h"

static struct index_segment *
segment_find(const struct index *ix, uint64_t number, size_t *at)
{
	size_t lo = 0, hi = ix->segment_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->segments[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	return lo < ix->segment_count && ix->segments[lo].number == number ?
	    &ix->segments[lo] : NULL;
}

/* The figures only steer compaction: without memory they are left wrong until
 * the index is opened again, on the side of keeping segments. */
void
index_live_add(struct index *ix, uint64_t segment, int64_t live, int64_t keep)
{
	size_t at, cap;
	struct index_segment *s = segment_find(ix, segment, &at), *more;

	if (s == NULL) {
		if (ix->segment_count == ix->segment_cap) {
			cap = ix->segment_cap > 0 ? 2 * ix->segment_cap : 64;
			if ((more = mem_array(cap, sizeof *more)) == NULL)
				return;
			if (ix->segment_count > 0)
				memcpy(more, ix->segments,
				    ix->segment_count * sizeof *more);
			free(ix->segments);
			ix->segments = more;
			ix->segment_cap = cap;
		}
		s = &ix->segments[at];
		memmove(s + 1, s, (ix->segment_count++ - at) * sizeof *s);
		*s = (struct index_segment){ .number = segment };
	}
	s->live += (uint64_t)live;
	s->keep += (uint64_t)keep;
	s->dirty = true;
}

void
index_segment(const struct index *ix, uint64_t segment, uint64_t *live,
    uint64_t *keep)
{
	size_t at;
	const struct index_segment *s = segment_find(ix, segment, &at);

	*live = s != NULL ? s->live : 0;
	*keep = s != NULL ? s->keep : 0;
}

void
index_forget_segment(struct index *ix, uint64_t segment)
{
	size_t at;
	struct index_segment *s = segment_find(ix, segment, &at);

	if (index_prepare(ix, ix->db, &ix->st[ST_SEGMENT_DROP],
	    "DELETE FROM segment WHERE number=?") == EC_OK) {
		sqlite3_bind_int64(ix->st[ST_SEGMENT_DROP], 1,
		    (int64_t)segment);
		index_done(ix, ix->st[ST_SEGMENT_DROP]);
	}
	if (s != NULL)
		memmove(s, s + 1, (--ix->segment_count - at) * sizeof *s);
}

enum err
index_segments_load(struct index *ix)
{
	sqlite3_stmt *st = NULL;
	enum err e;
	int rc;

	ix->segment_count = 0;
	if ((e = index_prepare(ix, ix->db, &st, "SELECT number, live, keep "
	    "FROM segment ORDER BY number")) != EC_OK)
		return e;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		index_live_add(ix, (uint64_t)sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2));
	for (size_t i = 0; i < ix->segment_count; i++)
		ix->segments[i].dirty = false;
	e = index_err(ix, ix->db, rc);
	sqlite3_finalize(st);
	return e;
}

enum err
index_segments_put(struct index *ix)
{
	sqlite3_stmt *st;
	enum err e;

	if ((e = index_prepare(ix, ix->db, &ix->st[ST_SEGMENT_PUT],
	    "INSERT OR REPLACE INTO segment VALUES(?,?,?)")) != EC_OK)
		return e;
	st = ix->st[ST_SEGMENT_PUT];
	for (size_t i = 0; i < ix->segment_count; i++) {
		struct index_segment *s = &ix->segments[i];

		if (!s->dirty)
			continue;
		sqlite3_bind_int64(st, 1, (int64_t)s->number);
		sqlite3_bind_int64(st, 2, (int64_t)s->live);
		sqlite3_bind_int64(st, 3, (int64_t)s->keep);
		if ((e = index_done(ix, st)) != EC_OK)
			return e;
		s->dirty = false;
	}
	return EC_OK;
}
