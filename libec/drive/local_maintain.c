/* local_maintain: compaction and the sweep.
 *
 * Compaction.  A segment that is mostly dead is walked; each frame that a row
 * stands on, or that is kept, is written again at the end under its old origin
 * and the row is pointed there.  When none is left, a COMPACTED frame is made
 * durable, the index is synced, and only then the segment goes.
 *
 * What removes must outlive what it removed: an index made anew replays all
 * segments, and would bring back what a purge took if the record was still in
 * an older one.  So frames without a row that remove (purges; records with
 * RECORD_GONE whose row has expired) are kept by copying, and dropped only with
 * the oldest segment, when nothing older is left. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "drive/local_impl.h"

enum {
	COPY_BYTES = 512 * 1024,	/* and frames, of one batch */
	COPY_FRAMES = 256,
	SWEEP_FILES = 1000,
	EXPIRE_ROWS = 1000,
	HEAL_GONE_S = 120,		/* rows of healed entries */
	GONE_S = 7 * 24 * 3600,		/* other rows with RECORD_GONE */
};

struct compaction {
	struct local *l;
	uint64_t segment, deadline_us;
	bool oldest;
	struct buf bytes;	/* payloads of the batch */
	struct journal_frame frames[COPY_FRAMES];	/* payload: set late */
	size_t at[COPY_FRAMES];
	unsigned n;
};

/* Place and point one frame to its copy; with the lock held. */
static enum err
copy_one(struct compaction *c, const struct journal_frame *from,
    struct journal_pos *at, struct journal_frame *out, unsigned *n)
{
	struct index *ix = c->l->index;
	struct record_part *parts = NULL;
	enum index_life life;
	struct record r;
	enum err e;

	if ((e = record_decode(&r, &parts, from->payload, from->len)) !=
	    EC_OK)
		return e == EC_ENOMEM ? e : EC_OK;
	if ((e = index_life(ix, &r, from, &life)) != EC_OK ||
	    life == INDEX_DEAD || (life == INDEX_KEEP && c->oldest))
		goto out;
	out[*n] = *from;
	journal_place(at, &out[*n]);
	e = index_move(ix, &r, from, &out[*n], life);
	++*n;
out:
	free(parts);
	return e;
}

static enum err
copy_batch_locked(struct compaction *c)
{
	struct local *l = c->l;
	struct journal_frame *out;
	struct journal_pos at, end;
	uint64_t bytes = 0;
	unsigned n = 0;
	enum err e;

	if ((out = calloc(COPY_FRAMES, sizeof *out)) == NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < c->n; i++) {
		c->frames[i].payload = c->bytes.data + c->at[i];
		bytes += journal_frame_bytes(c->frames[i].len);
	}
	if ((e = journal_plan(l->journal, bytes, c->n, &at)) != EC_OK ||
	    (e = index_begin(l->index)) != EC_OK)
		goto out;
	for (unsigned i = 0; e == EC_OK && i < c->n; i++)
		e = copy_one(c, &c->frames[i], &at, out, &n);
	if (e != EC_OK || n == 0 ||
	    (e = journal_write(l->journal, out, n, true)) != EC_OK) {
		index_rollback(l->index);
		goto out;
	}
	end = journal_end(l->journal);
	if ((e = index_commit(l->index, &end)) != EC_OK)
		l->stale = true;
out:
	free(out);
	return e;
}

static enum err
copy_batch(struct compaction *c)
{
	enum err e;

	if (c->n == 0)
		return EC_OK;
	pthread_mutex_lock(&c->l->append);
	if ((e = local_change_begin(c->l)) == EC_OK) {
		e = copy_batch_locked(c);
		local_change_end(c->l);
	}
	pthread_mutex_unlock(&c->l->append);
	c->n = 0;
	c->bytes.len = 0;
	return e;
}

static enum err
compact_frame(void *ctx, const struct journal_frame *f)
{
	struct compaction *c = ctx;
	enum err e;

	if (f->type != JOURNAL_RECORD)
		return EC_OK;
	c->frames[c->n] = *f;
	c->at[c->n++] = c->bytes.len;
	if ((e = buf_add(&c->bytes, f->payload, f->len)) != EC_OK)
		return e;
	if (c->n < COPY_FRAMES && c->bytes.len < COPY_BYTES)
		return EC_OK;
	if ((e = copy_batch(c)) != EC_OK)
		return e;
	return clock_mono_us() < c->deadline_us ? EC_OK : EC_ECANCELED;
}

/* All that lives was copied: let the segment go.  With the append lock. */
static enum err
retire(struct local *l, uint64_t segment)
{
	uint8_t payload[8];
	struct journal_frame f = { .type = JOURNAL_COMPACTED,
		.payload = payload, .len = sizeof payload };
	struct journal_pos at, end;
	enum err e;

	le64_put(payload, segment);
	if ((e = journal_plan(l->journal, journal_frame_bytes(f.len), 1,
	    &at)) != EC_OK)
		return e;
	journal_place(&at, &f);
	if ((e = journal_write(l->journal, &f, 1, true)) != EC_OK ||
	    (e = index_begin(l->index)) != EC_OK)
		return e;
	index_forget_segment(l->index, segment);
	end = journal_end(l->journal);
	if ((e = index_commit_sync(l->index, &end)) != EC_OK) {
		l->stale = true;
		return e;
	}
	if (pthread_rwlock_trywrlock(&l->removal) != 0)
		return EC_EBUSY;	/* the next time */
	e = journal_remove(l->journal, segment);
	pthread_rwlock_unlock(&l->removal);
	return e;
}

static enum err
compact(struct local *l, uint64_t segment, bool oldest, uint64_t deadline_us)
{
	struct compaction *c = calloc(1, sizeof *c);
	uint64_t live, keep;
	enum err e;

	if (c == NULL)
		return EC_ENOMEM;
	c->l = l;
	c->segment = segment;
	c->oldest = oldest;
	c->deadline_us = deadline_us;
	c->bytes.max = COPY_BYTES + JOURNAL_PAYLOAD_MAX;
	e = journal_walk(l->journal, segment, compact_frame, c);
	if (e == EC_OK)
		e = copy_batch(c);
	buf_release(&c->bytes);
	free(c);
	if (e != EC_OK)
		return e;
	pthread_mutex_lock(&l->append);
	if ((e = local_change_begin(l)) != EC_OK)
		goto out;
	index_segment(l->index, segment, &live, &keep);
	if (live > 0)	/* rows stand on frames that do not hold */
		e = EC_ECORRUPT;
	else
		e = retire(l, segment);
	local_change_end(l);
out:
	pthread_mutex_unlock(&l->append);
	return e;
}

static bool
skipped(const struct local *l, uint64_t segment)
{
	for (unsigned i = 0; i < l->skip_count; i++)
		if (l->skip[i] == segment)
			return true;
	return false;
}

/* The segment with the least alive, if less than half of it is. */
static bool
choose(struct local *l, uint64_t *segment, bool *oldest)
{
	uint64_t number, bytes, next, next_bytes, live, keep, best = UINT64_MAX;
	bool found = false;

	pthread_mutex_lock(&l->apply);
	for (size_t i = 0; journal_segment(l->journal, i, &number, &bytes) &&
	    journal_segment(l->journal, i + 1, &next, &next_bytes); i++) {
		index_segment(l->index, number, &live, &keep);
		if (i > 0)
			live += keep;
		if (2 * live >= bytes || live >= best || skipped(l, number))
			continue;
		best = live;
		*segment = number;
		*oldest = i == 0;
		found = true;
	}
	pthread_mutex_unlock(&l->apply);
	return found;
}

/* End the last segment when it is mostly dead and large, or space is short, so
 * that it can be compacted. */
static void
roll_if_dead(struct local *l)
{
	uint64_t live, keep, bytes, number;
	struct journal_pos end;
	size_t i = 0;

	pthread_mutex_lock(&l->append);
	end = journal_end(l->journal);
	pthread_mutex_lock(&l->apply);
	index_segment(l->index, end.segment, &live, &keep);
	pthread_mutex_unlock(&l->apply);
	while (journal_segment(l->journal, i, &number, &bytes))
		i++;
	if (end.segment != 0 && 2 * (live + (i > 1 ? keep : 0)) < end.offset &&
	    (end.offset >= l->segment_bytes / 4 ||
	    (end.offset >= COPY_BYTES && shards_full(&l->shards, 0))))
		journal_roll(l->journal);
	pthread_mutex_unlock(&l->append);
}

static enum err
compact_some(struct local *l, uint64_t deadline_us)
{
	uint64_t segment = 0;
	bool oldest = false;
	enum err e = EC_OK;

	roll_if_dead(l);
	while (clock_mono_us() < deadline_us && choose(l, &segment, &oldest)) {
		e = compact(l, segment, oldest, deadline_us);
		if (e == EC_ECANCELED || e == EC_EBUSY)
			return EC_OK;
		if (e == EC_ECORRUPT && l->skip_count < LOCAL_SKIP_MAX) {
			l->skip[l->skip_count++] = segment;
			log_warn("%s: journal segment %016llx is damaged and "
			    "stays", l->path, (unsigned long long)segment);
		} else if (e != EC_OK) {
			return e;
		}
	}
	return EC_OK;
}

static enum err
expire(struct local *l)
{
	uint64_t now = clock_real_us();
	struct journal_pos end;
	enum err e;

	pthread_mutex_lock(&l->append);
	if ((e = local_change_begin(l)) != EC_OK)
		goto unlock;
	if ((e = index_begin(l->index)) != EC_OK)
		goto out;
	e = index_expire(l->index, (now - HEAL_GONE_S * 1000000ull) << 12,
	    (now - GONE_S * 1000000ull) << 12, EXPIRE_ROWS);
	end = journal_end(l->journal);
	if (e != EC_OK)
		index_rollback(l->index);
	else
		e = index_commit(l->index, &end);
out:
	local_change_end(l);
unlock:
	pthread_mutex_unlock(&l->append);
	return e;
}

/* Shard files without a row are litter once they are older than any write that
 * may still be on its way. */
static enum err
sweep(struct local *l, unsigned grace_s, uint64_t deadline_us,
    uint64_t *removed)
{
	struct drive_shard_info *v = calloc(SWEEP_FILES, sizeof *v);
	uint64_t now = clock_real_us(), grace = grace_s * 1000000ull;
	unsigned n = 0;
	bool named;
	enum err e = EC_OK;

	if (v == NULL)
		return EC_ENOMEM;
	do {
		if ((e = shards_list(&l->shards, &l->swept, v, SWEEP_FILES,
		    &n)) != EC_OK || (e = local_settle(l)) != EC_OK)
			break;
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			if (v[i].mtime_us + grace >= now)
				continue;
			e = index_names(l->index, &v[i].data, v[i].index,
			    &named);
			if (e == EC_OK && !named && shards_remove(&l->shards,
			    &v[i].data, v[i].index) == EC_OK)
				++*removed;
		}
		if (n > 0)
			l->swept = v[n - 1].data;
		else
			memset(&l->swept, 0, sizeof l->swept);
	} while (e == EC_OK && n > 0 && clock_mono_us() < deadline_us);
	free(v);
	return e;
}

enum err
local_maintain(struct drive *d, unsigned budget_ms, unsigned grace_s,
    uint64_t *removed)
{
	struct local *l = (struct local *)d;
	uint64_t deadline = clock_mono_us() + (uint64_t)budget_ms * 1000;
	enum err e;

	*removed = 0;
	if ((e = local_there(l)) != EC_OK)
		return e;
	pthread_mutex_lock(&l->maintain);
	if (shards_full(&l->shards, 0))
		local_checkpoint_full(l);
	if ((e = expire(l)) == EC_OK && (e = compact_some(l, deadline)) ==
	    EC_OK && (e = sweep(l, grace_s, deadline, removed)) == EC_OK)
		e = index_checkpoint(l->index, false);
	pthread_mutex_unlock(&l->maintain);
	return e;
}
