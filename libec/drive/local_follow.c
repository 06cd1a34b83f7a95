/* local_follow: the index follows the journal.
 *
 * Records of versions are not applied when they are appended: the thread of the
 * background does that for many at a time, or whoever asks for what they may
 * concern (pending.h), before it asks.  All other changes of the index begin by
 * applying what is pending, so that it is never applied out of order. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "drive/local_impl.h"

enum { REPLAY_BATCH = 10000 };	/* frames in one transaction */

/* Unlink the shard files that no row names any more. */
static void
remove_shards(struct local *l)
{
	const struct index_shard *s;
	bool named;
	size_t n;
	enum err e;

	s = index_removed(l->index, &n);
	for (size_t i = 0; i < n; i++) {
		/* A later record of a replay may name it again. */
		if (index_names(l->index, &s[i].data, s[i].index, &named) !=
		    EC_OK || named)
			continue;
		e = shards_remove(&l->shards, &s[i].data, s[i].index);
		if (e != EC_OK && e != EC_ENOTFOUND)
			log_warn("%s: shard file: cannot remove: %s", l->path,
			    err_text(e));
	}
	index_removed_clear(l->index);
}

static void
forget_pending(struct local *l, uint64_t seq, uint64_t bytes)
{
	pthread_mutex_lock(&l->pending_mutex);
	pending_drop(&l->pending, seq);
	l->pending_bytes -= num_min(bytes, l->pending_bytes);
	pthread_mutex_unlock(&l->pending_mutex);
}

struct replay {
	struct local *l;
	bool whole;		/* from the first segment on */
	bool closed;		/* the last frame says so; it begins at end */
	struct journal_pos end;
	unsigned frames;	/* in this transaction */
	uint64_t total;
};

static enum err
replay_record(struct replay *r, const struct journal_frame *f)
{
	struct record_part *parts = NULL;
	struct record rec;
	enum err e;

	e = record_decode(&rec, &parts, f->payload, f->len);
	if (e == EC_OK) {
		clock_hlc_observe(rec.stamp.hlc);
		e = index_apply(r->l->index, &rec, f, NULL);
	} else if (e != EC_ENOMEM) {
		log_error("%s: journal segment %016llx at %llu: a record "
		    "%s", r->l->path, (unsigned long long)f->segment,
		    (unsigned long long)f->offset, err_text(e));
		e = EC_OK;
	}
	free(parts);
	return e;
}

static enum err
replay_frame(void *ctx, const struct journal_frame *f)
{
	struct replay *r = ctx;
	struct journal_pos at = { f->segment,
		f->offset + journal_frame_bytes(f->len), f->seq };
	enum err e = EC_OK;

	r->closed = f->type == JOURNAL_CLOSED;
	if (r->closed) {
		r->end = (struct journal_pos){ f->segment, f->offset,
			f->seq - 1 };
		return EC_OK;
	}
	if (f->type == JOURNAL_RECORD)
		e = replay_record(r, f);
	else if (f->type == JOURNAL_COMPACTED && f->len == 8 && !r->whole &&
	    !journal_has(r->l->journal, le64_get(f->payload)))
		return EC_ESTALE;	/* the index is older than that */
	if (e != EC_OK)
		return e;
	r->total++;
	if (++r->frames < REPLAY_BATCH)
		return EC_OK;
	r->frames = 0;
	if ((e = index_commit(r->l->index, &at)) != EC_OK)
		return e;
	return index_begin(r->l->index);
}

enum err
local_catch_up(struct local *l)
{
	struct replay r = { .l = l };
	struct journal_pos from, end;
	enum err e;

	r.whole = !index_applied(l->index, &from);
	if ((e = index_begin(l->index)) != EC_OK)
		return e;
	if ((e = journal_replay(l->journal, r.whole ? NULL : &from,
	    replay_frame, &r)) != EC_OK) {
		index_rollback(l->index);
		return e;
	}
	/* So that it is met again if nothing more is written. */
	end = r.closed ? r.end : journal_end(l->journal);
	l->closed = r.closed;
	if (r.total == 0 && !r.whole)
		index_rollback(l->index);
	else if ((e = index_commit(l->index, &end)) != EC_OK)
		return e;
	if ((e = index_built(l->index)) != EC_OK)
		return e;
	if (r.total > 0)
		log_info("%s: applied %llu records of the journal", l->path,
		    (unsigned long long)r.total);
	l->stale = false;
	forget_pending(l, UINT64_MAX, UINT64_MAX);
	remove_shards(l);
	return EC_OK;
}

static enum err
apply_pending(struct local *l)
{
	struct replay r = { .l = l };
	struct journal_pos from, to;
	uint64_t bytes;
	bool any;
	enum err e;

	pthread_mutex_lock(&l->pending_mutex);
	to = l->pending_end;
	any = l->pending.count > 0;
	bytes = l->pending_bytes;
	pthread_mutex_unlock(&l->pending_mutex);
	if (!any)
		return EC_OK;
	index_applied(l->index, &from);
	if ((e = index_begin(l->index)) != EC_OK)
		return e;
	if ((e = journal_follow(l->journal, &from, &to, replay_frame, &r)) !=
	    EC_OK) {
		index_rollback(l->index);
		return e;
	}
	if ((e = index_commit(l->index, &to)) == EC_OK)
		forget_pending(l, to.seq, bytes);
	return e;
}

enum err
local_change_begin(struct local *l)
{
	enum err e;

	pthread_mutex_lock(&l->apply);
	e = l->stale ? local_catch_up(l) : apply_pending(l);
	if (e != EC_OK)
		pthread_mutex_unlock(&l->apply);
	return e;
}

void
local_change_end(struct local *l)
{
	remove_shards(l);
	pthread_mutex_unlock(&l->apply);
}

enum err
local_settle(struct local *l)
{
	size_t litter;
	enum err e;

	pthread_mutex_lock(&l->apply);
	e = apply_pending(l);
	index_removed(l->index, &litter);
	pthread_mutex_unlock(&l->apply);
	if (e != EC_OK || litter == 0)
		return e;
	/* No record that names one of those files may come in meanwhile. */
	pthread_mutex_lock(&l->append);
	if ((e = local_change_begin(l)) == EC_OK)
		local_change_end(l);
	pthread_mutex_unlock(&l->append);
	return e;
}

enum err
local_settle_for(struct local *l, const struct drive_query *q)
{
	struct pending_key k = { .seq = 0 };
	bool any;

	if (q->table != DRIVE_VERSIONS)
		return EC_OK;
	pthread_mutex_lock(&l->pending_mutex);
	any = l->pending.count > 0;
	if (any && q->key != NULL && q->bucket != NULL) {
		pending_find(&l->pending, record_name_crc(q->bucket, q->key),
		    &k);
		any = k.seq > 0;
	}
	pthread_mutex_unlock(&l->pending_mutex);
	return any ? local_settle(l) : EC_OK;
}
