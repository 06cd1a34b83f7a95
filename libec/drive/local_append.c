/* local_append: batches into the journal and the index.
 *
 * Records of versions: judge each -> write and flush -> pending; the index gets
 * them later (local_follow.c).  Batches with others, or of which only the index
 * can say whether they may be appended: begin -> check and apply each -> write
 * and flush -> commit.  There a record sees those before it in the batch.
 * Readers see none before all are durable.  When the commit fails after the
 * flush, the index is stale and catches up from the journal before the next
 * batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drive/local_impl.h"

struct batch {
	struct local *l;
	struct drive_append *a;
	unsigned n;
	struct record *records;
	struct record_part **parts;
	struct journal_frame *frames;
	struct pending_key *pending;	/* what the index does not have of each
					 * one's key */
	uint32_t *hashes;
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
	free(b->pending);
	free(b->hashes);
}

/* Decode all; those that do not hold are refused one by one. */
static enum err
batch_decode(struct batch *b)
{
	enum err e;

	if ((b->records = mem_array(b->n, sizeof *b->records)) == NULL ||
	    (b->parts = mem_array(b->n, sizeof *b->parts)) == NULL ||
	    (b->frames = mem_array(b->n, sizeof *b->frames)) == NULL ||
	    (b->pending = mem_array(b->n, sizeof *b->pending)) == NULL ||
	    (b->hashes = mem_array(b->n, sizeof *b->hashes)) == NULL)
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
		b->hashes[i] = 0;
		if (e == EC_OK) {
			b->bytes += journal_frame_bytes((uint32_t)a->len);
			b->hashes[i] = record_name_crc(b->records[i].bucket,
			    b->records[i].key);
		}
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

static bool
may_fill(const struct record *r)
{
	return r->kind == RECORD_OBJECT || r->kind == RECORD_MARKER;
}

/* Can all of it be judged without being applied: records of versions, of a key
 * each, but for what purges without a look? */
static bool
is_plain(const struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct record *r = &b->records[i];

		if (b->a[i].err != EC_OK)
			continue;
		if (r->kind == RECORD_PURGE && (r->flags & RECORD_NULL) == 0)
			return false;	/* it may be of a part */
		if (drive_table_of(r->kind) != DRIVE_VERSIONS)
			return false;
		for (unsigned j = 0; r->kind != RECORD_PURGE && j < i; j++)
			if (b->hashes[j] == b->hashes[i])
				return false;
	}
	return true;
}

/* EC_ESTALE for all: only the index can say. */
static enum err
judge_one(struct batch *b, unsigned i, struct index_reader *reader)
{
	struct drive_append *a = &b->a[i];
	const struct pending_key *p = &b->pending[i];
	const struct record *r = &b->records[i];
	bool newest = (a->flags & DRIVE_APPEND_NEWEST) != 0;
	bool bucket = newest && may_fill(r) &&
	    strcmp(b->l->bucket_open, r->bucket) != 0;
	struct index_look look;
	enum err e;

	if (a->err != EC_OK || r->kind == RECORD_PURGE)
		return EC_OK;
	if ((e = index_look(b->l->index, reader, r, bucket, &look)) != EC_OK)
		return e;
	if (bucket && !look.closed)
		snprintf(b->l->bucket_open, sizeof b->l->bucket_open, "%s",
		    r->bucket);
	if (look.closed) {
		a->err = EC_ENOBUCKET;
	} else if (newest && stamp_cmp(&look.newest, &r->stamp) > 0) {
		if (p->seq > 0)
			return EC_ESTALE;
		a->hlc = look.newest.hlc;
		a->err = EC_ESTALE;
	} else if (newest && stamp_cmp(&p->newest, &r->stamp) > 0) {
		return EC_ESTALE;
	}
	/* What is pending may be gone: one purge too many, which is nothing. */
	a->superseded = a->err == EC_OK && (look.older_null ||
	    ((r->flags & RECORD_NULL) != 0 &&
	    !stamp_is_zero(&p->oldest_null) &&
	    stamp_cmp(&p->oldest_null, &r->stamp) < 0));
	return EC_OK;
}

/* What is not pending now is in the index when it is asked afterwards. */
static enum err
judge(struct batch *b)
{
	struct local *l = b->l;
	struct index_reader *reader;
	enum err e;

	pthread_mutex_lock(&l->pending_mutex);
	for (unsigned i = 0; i < b->n; i++)
		pending_find(&l->pending, b->hashes[i], &b->pending[i]);
	pthread_mutex_unlock(&l->pending_mutex);
	if ((e = index_look_begin(l->index, &reader)) != EC_OK)
		return e;
	for (unsigned i = 0; e == EC_OK && i < b->n; i++)
		e = judge_one(b, i, reader);
	index_look_end(l->index, reader);
	return e;
}

static enum err
plain_write(struct batch *b)
{
	struct local *l = b->l;
	struct journal_pos at;
	enum err e;

	if ((e = journal_plan(l->journal, b->bytes, b->n, &at)) != EC_OK)
		return e;
	for (unsigned i = 0; i < b->n; i++) {
		const struct drive_append *a = &b->a[i];
		struct journal_frame f = { .type = JOURNAL_RECORD,
			.payload = a->rec, .len = (uint32_t)a->len };

		if (a->err != EC_OK)
			continue;
		journal_place(&at, &f);
		b->frames[b->frame_count++] = f;
		b->flush |= (a->flags & DRIVE_APPEND_LAZY) == 0;
	}
	if (b->frame_count == 0 || (e = journal_write(l->journal, b->frames,
	    b->frame_count, b->flush)) != EC_OK)
		return e;
	pthread_mutex_lock(&l->pending_mutex);
	e = pending_reserve(&l->pending, b->frame_count);
	for (unsigned i = 0, f = 0; e == EC_OK && i < b->n; i++)
		if (b->a[i].err == EC_OK)
			pending_add(&l->pending, &b->records[i],
			    b->frames[f++].seq);
	l->pending_end = journal_end(l->journal);
	l->pending_bytes += b->bytes;
	pthread_mutex_unlock(&l->pending_mutex);
	l->stale = e != EC_OK;
	return e != EC_OK ? EC_EIO : EC_OK;
}

/* Into the journal alone.  Errors are those for all, and EC_ESTALE: as a
 * change of the index it may go. */
static enum err
append_plain(struct batch *b)
{
	struct local *l = b->l;
	bool any;
	enum err e;

	if (l->stale || !l->follows || !is_plain(b) ||
	    shards_full(&l->shards, 0) || local_pressure(l, &any) > 2)
		return EC_ESTALE;
	if ((e = judge(b)) != EC_OK)
		return e;
	return plain_write(b);
}

/* As a change of the index. */
static enum err
append_change(struct batch *b)
{
	struct local *l = b->l;
	struct journal_pos end;
	enum err e;

	l->bucket_open[0] = '\0';
	if (local_change_begin(l) != EC_OK)
		return EC_EIO;
	if ((e = index_begin(l->index)) != EC_OK)
		goto out;
	index_pending(l->index, b->frames, &b->frame_count);
	e = batch_apply(b, shards_full(&l->shards, 0));
	index_pending(l->index, NULL, NULL);
	if (e != EC_OK || b->frame_count == 0 ||
	    (e = journal_write(l->journal, b->frames, b->frame_count,
	    b->flush)) != EC_OK) {
		index_rollback(l->index);
		goto out;
	}
	end = journal_end(l->journal);
	if (index_commit(l->index, &end) != EC_OK) {
		l->stale = true;
		e = EC_EIO;
	} else {
		l->follows = true;
	}
out:
	local_change_end(l);
	return e;
}

/* With the lock held. */
static enum err
batch_append(struct batch *b)
{
	enum err e = append_plain(b);

	if (e != EC_ESTALE)
		return e;
	for (unsigned i = 0; i < b->n; i++)	/* judged anew */
		if (b->a[i].err == EC_ESTALE || b->a[i].err == EC_ENOBUCKET) {
			b->a[i].err = EC_OK;
			b->a[i].hlc = 0;
		}
	return append_change(b);
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
		local_background_if_due(l);
	}
out:
	for (unsigned i = 0; e != EC_OK && i < n; i++)
		a[i].err = e;
	batch_release(&b);
	return e;
}
