/* heal_version: data first, then records.
 *
 * 1. A record is appended to a drive only when all data that it names is
 *    durable there.
 * 2. It is appended with its old stamp, so it can hide nothing newer, and
 *    twice is as good as once. */
#include "set/heal_version.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "set/heal_inline.h"
#include "set/heal_outbox.h"
#include "set/heal_shard.h"
#include "set/placement.h"

struct work {
	struct set *set;
	const struct heal_census *census;
	const struct heal_version *v;
	unsigned n;
	bool dry, deep;
	int only;		/* deep of this slot's files; -1: of all */
	const struct heal_watch *watch;
	struct heal_report *report;
	enum heal_state found[SET_DRIVES_MAX];	/* by drive: before ... */
	bool data[SET_DRIVES_MAX];	/* ... and whether all its data is good
					 * now (dry: was) */
	bool recorded[SET_DRIVES_MAX];	/* its record likewise */
	struct heal_pieces pieces;	/* of an inline object */
};

/* The worst of what was found counts. */
static void
work_found(struct work *w, unsigned drive, enum heal_state s)
{
	static const unsigned rank[] = {
		[HEAL_OK] = 0, [HEAL_STALE] = 1, [HEAL_MISSING] = 2,
		[HEAL_CORRUPT] = 3, [HEAL_OFFLINE] = 4,
	};

	if (rank[s] > rank[w->found[drive]])
		w->found[drive] = s;
}

static enum heal_state
state_of(enum err e)
{
	switch (e) {
	case EC_OK:
		return HEAL_OK;
	case EC_ENOTFOUND:
		return HEAL_MISSING;
	case EC_ECORRUPT:
	case EC_EFORMAT:
		return HEAL_CORRUPT;
	default:
		return HEAL_OFFLINE;
	}
}

static void
work_records(struct work *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		w->recorded[i] = heal_version_recorded(w->v, i, w->n);
		w->data[i] = w->census->answered[i];
		if (!w->census->answered[i])
			w->found[i] = HEAL_OFFLINE;
		else if (!w->recorded[i])
			w->found[i] = w->v->on[i] != NULL ? HEAL_STALE :
			    HEAL_MISSING;
	}
}

/* Every record says k + m == n, because every drive holds a shard. */
static bool
geometry_fits(const struct record *r, unsigned n)
{
	if ((unsigned)r->k + r->m != n || r->start >= n)
		return false;
	for (uint32_t i = 0; i < r->part_count; i++)
		if ((unsigned)r->parts[i].k + r->parts[i].m != n)
			return false;
	return true;
}

/* Shard errors to drive states; true when all is good. */
static bool
work_shards(struct work *w, const enum err err[])
{
	bool whole = true;

	for (unsigned i = 0; i < w->n; i++) {
		unsigned drive = placement_drive(w->v->best->start, i, w->n);

		work_found(w, drive, state_of(err[i]));
		whole = whole && err[i] == EC_OK;
	}
	return whole;
}

static void
work_data(struct work *w, const enum err err[])
{
	for (unsigned i = 0; i < w->n; i++)
		if (err[i] != EC_OK)
			w->data[placement_drive(w->v->best->start, i,
			    w->n)] = false;
}

/* Lost, or only not now: drives that did not tell may have what it takes. */
static enum err
too_few(unsigned usable, unsigned silent, unsigned k)
{
	return silent > 0 && usable + silent >= k ? EC_EQUORUM : EC_ELOST;
}

static enum err
work_part(struct work *w, const struct record_part *part)
{
	struct heal_shards h;
	enum err e, before[SET_DRIVES_MAX];

	e = heal_shards_open(&h, w->set, part, w->v->best->start,
	    w->census->answered);
	h.watch = w->watch;
	if (e == EC_OK && w->deep)
		e = heal_shards_verify(&h, w->only < 0 ? -1 :
		    (int)placement_shard(w->v->best->start, (unsigned)w->only,
		    w->n));
	if (e != EC_OK)
		goto out;
	memcpy(before, h.err, sizeof before);
	if (!work_shards(w, before)) {
		/* With fewer than k whole ones only a decoder can tell whether
		 * the good bytes of all together are enough. */
		if (!w->dry || heal_shards_good(&h) < part->k)
			e = heal_shards_rebuild(&h, w->dry);
		work_shards(w, h.found);	/* more, on the way */
		if (e != EC_ECANCELED && e != EC_EOWNED && (e == EC_ELOST ||
		    heal_shards_usable(&h) < part->k))
			e = too_few(heal_shards_usable(&h),
			    heal_shards_silent(&h), part->k);
	}
	work_data(w, w->dry ? before : h.err);
out:
	w->report->bytes += h.bytes_written;
	w->report->bytes_read += h.bytes_read;
	heal_shards_release(&h);
	return e;
}

/* Whether the records, without their data, look whole. */
static bool
inline_looks_whole(const struct work *w)
{
	size_t bytes = heal_piece_bytes(w->v->best);

	for (unsigned i = 0; i < w->n; i++)
		if (!w->recorded[i] || w->v->on[i]->inline_len != bytes)
			return false;
	return true;
}

static enum err
work_inline(struct work *w)
{
	const struct record *r = w->v->best;
	unsigned silent = 0;
	enum err e;

	if (!w->deep && inline_looks_whole(w))
		return EC_OK;
	e = heal_pieces_fetch(&w->pieces, w->set, w->census, w->v,
	    !w->dry);
	w->report->bytes_read += w->pieces.bytes_read;
	if (e == EC_ENOMEM)
		return e;
	work_shards(w, w->pieces.err);
	work_data(w, w->pieces.err);
	for (unsigned i = 0; i < w->n; i++) {
		unsigned drive = placement_drive(r->start, i, w->n);

		bool gone = heal_shard_is_gone(w->pieces.err[i]);

		silent += w->pieces.err[i] != EC_OK && !gone;
		if (gone && e == EC_OK && !w->dry &&
		    w->census->answered[drive]) {
			w->recorded[drive] = false;	/* written anew */
			w->data[drive] = true;
		}
	}
	return e == EC_ELOST ? too_few(w->pieces.good, silent, r->k) : e;
}

static enum err
work_object(struct work *w)
{
	const struct record *r = w->v->best;
	enum err e, worst = EC_OK;

	if (r->kind != RECORD_OBJECT && r->kind != RECORD_PART)
		return EC_OK;
	if (!geometry_fits(r, w->n)) {
		log_error("%s/%s: of %u + %u shards in a set of %u drives",
		    r->bucket, r->key, r->k, r->m, w->n);
		return EC_EFORMAT;
	}
	if ((r->flags & RECORD_INLINE) != 0)
		return work_inline(w);
	for (uint32_t i = 0; i < r->part_count; i++) {
		e = work_part(w, &r->parts[i]);
		if (e == EC_ENOMEM || e == EC_ECANCELED || e == EC_ELOST)
			return e;
		if (e != EC_OK)
			worst = e;
	}
	return worst;
}

/* The record as this drive should have it. */
static struct record
record_for(const struct work *w, unsigned drive)
{
	struct record r = *w->v->best;

	r.segment = r.offset = 0;
	if (r.k > 0)
		r.index = (uint8_t)placement_shard(r.start, drive, w->n);
	if ((r.flags & RECORD_INLINE) != 0) {
		r.inline_data = w->pieces.bytes +
		    r.index * w->pieces.piece_bytes;
		r.inline_len = (uint32_t)w->pieces.piece_bytes;
		memcpy(r.inline_sum, w->pieces.sum[r.index],
		    sizeof r.inline_sum);
	}
	return r;
}

static enum err
append_start(struct work *w, unsigned drive, struct gather *g,
    struct lane_call **out)
{
	const struct record r = record_for(w, drive);
	struct drive_append a = { 0 };
	struct buf rec = BUF_INIT(RECORD_BYTES_MAX);
	enum err e;

	if ((e = record_encode(&rec, &r)) != EC_OK)
		goto out;
	a.rec = rec.data;
	a.len = rec.len;
	e = lane_append(set_lane(w->set, drive), g, &a, 1, out);
out:
	buf_release(&rec);
	return e;
}

static bool
append_done(struct lane_call *c)
{
	const struct drive_append *a;
	unsigned n;
	enum err e;

	if (!lane_call_done(c, &e) || e != EC_OK)
		return false;
	a = lane_call_appends(c, &n);
	return n == 1 && a[0].err == EC_OK;
}

static bool
to_append(const struct work *w, unsigned drive)
{
	return w->census->answered[drive] && w->data[drive] &&
	    !w->recorded[drive];
}

static void
work_appended(struct work *w, unsigned drive)
{
	w->recorded[drive] = true;
	if ((w->v->best->flags & RECORD_INLINE) != 0)
		w->report->bytes += w->pieces.piece_bytes;
}

/* The record for each drive that lacks it and has the data, by and by. */
static enum err
work_post(struct work *w)
{
	struct record r;
	enum err e;

	for (unsigned i = 0; i < w->n; i++) {
		if (!to_append(w, i))
			continue;
		r = record_for(w, i);
		if ((e = heal_outbox_add(w->watch->outbox, i, &r)) != EC_OK)
			return e;
		work_appended(w, i);
	}
	return EC_OK;
}

/* The same, now. */
static enum err
work_append(struct work *w)
{
	uint64_t until = clock_mono_us() + (uint64_t)SET_WAIT_MS * 1000;
	struct lane_call *call[SET_DRIVES_MAX] = { NULL };
	struct gather *g = NULL;
	enum err e;

	if ((e = gather_new(&g)) != EC_OK)
		return e;
	for (unsigned i = 0; i < w->n; i++)
		if (to_append(w, i) &&
		    (e = append_start(w, i, g, &call[i])) != EC_OK)
			goto out;
	gather_wait(g, w->n, until);
	for (unsigned i = 0; i < w->n; i++) {
		if (call[i] != NULL && append_done(call[i]))
			work_appended(w, i);
	}
out:
	for (unsigned i = 0; i < w->n; i++)
		lane_call_put(call[i]);
	gather_free(g);
	return e;
}

static void
report_begin(struct heal_report *r, struct set *s,
    const struct heal_census *c, const struct heal_version *v)
{
	const struct record *rec = v->best;

	memset(r, 0, sizeof *r);
	r->set = s;
	memcpy(r->bucket, rec->bucket, strlen(rec->bucket) + 1);
	memcpy(r->key, rec->key, strlen(rec->key) + 1);
	r->version = rec->stamp;
	r->null_version = (rec->flags & RECORD_NULL) != 0;
	r->drives = c->drives;
	if (rec->kind == RECORD_OBJECT || rec->kind == RECORD_PART)
		r->k = rec->k;
	if (rec->kind == RECORD_UPLOAD || rec->kind == RECORD_PART)
		r->upload = rec->target;
	if (rec->kind == RECORD_PART && rec->part_count > 0)
		r->part = rec->parts[0].number;
}

/* The result of it all, from where every drive stands. */
static enum err
report_end(struct work *w, enum err e)
{
	bool whole = true;

	for (unsigned i = 0; i < w->n; i++) {
		bool good = w->recorded[i] && w->data[i];

		w->report->before[i] = w->found[i];
		w->report->after[i] = w->found[i];
		if (!w->dry && good)
			w->report->after[i] = HEAL_OK;
		whole = whole && w->report->after[i] == HEAL_OK;
	}
	w->report->lost = e == EC_ELOST;
	w->report->undecided = e == EC_EQUORUM;
	if (e == EC_OK && !whole)
		e = EC_EDEGRADED;
	return e;
}

enum err
heal_version(struct set *s, const struct heal_census *c,
    const struct heal_version *v, unsigned flags,
    const struct heal_watch *watch, struct heal_report *r)
{
	struct work w = {
		.set = s, .census = c, .v = v, .n = c->drives, .report = r,
		.watch = watch,
		.dry = (flags & HEAL_DRY) != 0,
		.deep = (flags & HEAL_DEEP) != 0,
		.only = (int)(flags / HEAL_ONE) - 1,
	};
	enum err e;

	report_begin(r, s, c, v);
	work_records(&w);
	e = work_object(&w);
	if (e == EC_OK && !w.dry)
		e = watch != NULL && watch->outbox != NULL ?
		    work_post(&w) : work_append(&w);
	e = report_end(&w, e);
	heal_pieces_release(&w.pieces);
	return e;
}

void
heal_version_left(struct set *s, const struct heal_census *c,
    const struct heal_version *v, bool lost, struct heal_report *r)
{
	report_begin(r, s, c, v);
	r->lost = lost;
	r->undecided = !lost;
	for (unsigned i = 0; i < c->drives; i++) {
		if (!c->answered[i])
			r->before[i] = HEAL_OFFLINE;
		else if (!heal_version_recorded(v, i, c->drives))
			r->before[i] = HEAL_MISSING;
		r->after[i] = r->before[i];
	}
}
