/* local_append: batches into the journal and the index.
 *
 * begin -> check and apply each -> write and flush -> commit.  A record sees
 * those before it in the batch; readers see none before all are durable.  When
 * the commit fails after the flush, the index is stale and catches up from the
 * journal before the next batch. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "drive/local_impl.h"

enum { REPLAY_BATCH = 10000 };	/* frames in one transaction */

struct batch {
	struct local *l;
	struct drive_append *a;
	unsigned n;
	struct record *records;
	struct record_part **parts;
	struct journal_frame *frames;
	unsigned frame_count;
	uint64_t bytes;
	bool flush;
};

static void
batch_release(struct batch *b)
{
	for (unsigned i = 0; b->parts != NULL && i < b->n; i++)
		free(b->parts[i]);
	free(b->parts);
	free(b->records);
	free(b->frames);
}

/* Decode all; those that do not hold are refused one by one. */
static enum err
batch_decode(struct batch *b)
{
	enum err e;

	if ((b->records = mem_array(b->n, sizeof *b->records)) == NULL ||
	    (b->parts = mem_array(b->n, sizeof *b->parts)) == NULL ||
	    (b->frames = mem_array(b->n, sizeof *b->frames)) == NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < b->n; i++) {
		struct drive_append *a = &b->a[i];

		a->superseded = false;
		a->hlc = 0;
		e = a->len > RECORD_BYTES_MAX ? EC_EINVAL :
		    record_decode(&b->records[i], &b->parts[i], a->rec,
		    a->len);
		if (e == EC_ENOMEM)
			return e;
		a->err = e != EC_OK ? EC_EINVAL : EC_OK;
		if (e == EC_OK)
			b->bytes += journal_frame_bytes((uint32_t)a->len);
	}
	return EC_OK;
}

/* What must go through on a full drive: all that frees or marks. */
static bool
essential(const struct record *r)
{
	return r->kind == RECORD_PURGE || r->kind == RECORD_TOMBSTONE ||
	    r->kind == RECORD_MARKER || r->kind == RECORD_HEAL ||
	    (r->flags & RECORD_GONE) != 0;
}

static enum err
batch_apply(struct batch *b, bool full)
{
	struct index *ix = b->l->index;
	struct journal_pos at;
	enum err e;

	if ((e = journal_plan(b->l->journal, b->bytes, b->n, &at)) != EC_OK)
		return e;
	for (unsigned i = 0; i < b->n; i++) {
		struct drive_append *a = &b->a[i];
		struct journal_frame f = { .type = JOURNAL_RECORD,
			.payload = a->rec, .len = (uint32_t)a->len };

		if (a->err != EC_OK)
			continue;
		if (full && !essential(&b->records[i])) {
			a->err = EC_ENOSPC;
			continue;
		}
		e = index_check(ix, &b->records[i],
		    (a->flags & DRIVE_APPEND_NEWEST) != 0, &a->hlc);
		if (e == EC_ESTALE || e == EC_ENOUPLOAD || e == EC_ENOBUCKET) {
			a->err = e;
			continue;
		}
		if (e != EC_OK)
			return e;
		journal_place(&at, &f);
		if ((e = index_apply(ix, &b->records[i], &f,
		    &a->superseded)) != EC_OK)
			return e;
		b->frames[b->frame_count++] = f;
		b->flush |= (a->flags & DRIVE_APPEND_LAZY) == 0;
	}
	return EC_OK;
}

void
local_remove_shards(struct local *l)
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

/* With the lock held.  Errors are those for all. */
static enum err
batch_append(struct batch *b)
{
	struct local *l = b->l;
	struct journal_pos end;
	enum err e;

	if (l->stale && (e = local_catch_up(l)) != EC_OK)
		return EC_EIO;
	if ((e = index_begin(l->index)) != EC_OK)
		return e;
	index_pending(l->index, b->frames, &b->frame_count);
	e = batch_apply(b, shards_full(&l->shards, 0));
	index_pending(l->index, NULL, NULL);
	if (e != EC_OK || b->frame_count == 0 ||
	    (e = journal_write(l->journal, b->frames, b->frame_count,
	    b->flush)) != EC_OK) {
		index_rollback(l->index);
		return e;
	}
	end = journal_end(l->journal);
	if (index_commit(l->index, &end) != EC_OK) {
		l->stale = true;
		return EC_EIO;
	}
	local_remove_shards(l);
	return EC_OK;
}

enum err
local_append(struct drive *d, struct drive_append *a, unsigned n)
{
	struct local *l = (struct local *)d;
	struct batch b = { .l = l, .a = a, .n = n };
	enum err e;

	if (n == 0)
		return EC_OK;
	if ((e = local_there(l)) != EC_OK ||
	    (e = batch_decode(&b)) != EC_OK)
		goto out;
	pthread_mutex_lock(&l->append);
	if ((e = journal_check(l->journal)) == EC_OK)
		e = batch_append(&b);
	pthread_mutex_unlock(&l->append);
	if (e == EC_OK) {
		atomic_fetch_add(&l->appends, b.frame_count);
		atomic_fetch_add(&l->append_bytes, b.bytes);
		local_checkpoint_if_due(l);
	}
out:
	for (unsigned i = 0; e != EC_OK && i < n; i++)
		a[i].err = e;
	batch_release(&b);
	return e;
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
	local_remove_shards(l);
	return EC_OK;
}
