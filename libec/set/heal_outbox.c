/* heal_outbox: see the header. */
#include "set/heal_outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
	REPORTS_MAX = LANE_BATCH_MAX,
	BYTES_FULL = 4 * 1024 * 1024,	/* for one drive */
};

struct outbox_drive {
	struct drive_append append[REPORTS_MAX];
	unsigned report[REPORTS_MAX];	/* whose record it is */
	unsigned n;
	struct buf bytes;		/* all records, one behind the other */
	struct lane_call *call;
};

struct heal_outbox {
	struct set *set;
	void (*each)(void *ctx, const struct heal_report *r);
	void *ctx;
	struct outbox_drive drive[SET_DRIVES_MAX];
	struct heal_report report[REPORTS_MAX];
	unsigned reports;
};

enum err
heal_outbox_new(struct heal_outbox **out, struct set *s,
    void (*each)(void *ctx, const struct heal_report *r), void *ctx)
{
	struct heal_outbox *o = calloc(1, sizeof *o);

	if (o == NULL)
		return EC_ENOMEM;
	o->set = s;
	o->each = each;
	o->ctx = ctx;
	for (unsigned i = 0; i < SET_DRIVES_MAX; i++)
		o->drive[i].bytes = (struct buf)BUF_INIT(BYTES_FULL +
		    RECORD_BYTES_MAX);
	*out = o;
	return EC_OK;
}

void
heal_outbox_free(struct heal_outbox *o)
{
	if (o == NULL)
		return;
	for (unsigned i = 0; i < SET_DRIVES_MAX; i++)
		buf_release(&o->drive[i].bytes);
	free(o);
}

enum err
heal_outbox_add(struct heal_outbox *o, unsigned slot, const struct record *r)
{
	struct outbox_drive *d = &o->drive[slot];
	size_t before = d->bytes.len;
	enum err e;

	if ((e = record_encode(&d->bytes, r)) != EC_OK)
		return e;
	d->append[d->n] = (struct drive_append){
		.len = d->bytes.len - before,
	};
	d->report[d->n++] = o->reports;
	return EC_OK;
}

void
heal_outbox_put(struct heal_outbox *o, const struct heal_report *r)
{
	o->report[o->reports++] = *r;
}

bool
heal_outbox_room(const struct heal_outbox *o, unsigned versions)
{
	for (unsigned i = 0; i < set_drives(o->set); i++)
		if (o->drive[i].bytes.len > BYTES_FULL)
			return false;
	return versions <= HEAL_OUTBOX_KEY &&
	    o->reports + versions <= REPORTS_MAX;
}

/* The buffer does not move any more. */
static enum err
drive_start(struct heal_outbox *o, unsigned slot, struct gather *g)
{
	struct outbox_drive *d = &o->drive[slot];
	const uint8_t *at = d->bytes.data;

	for (unsigned i = 0; i < d->n; i++) {
		d->append[i].rec = at;
		at += d->append[i].len;
	}
	return lane_append(set_lane(o->set, slot), g, d->append, d->n,
	    &d->call);
}

/* What the drive did not take is there as it was before. */
static enum err
drive_end(struct heal_outbox *o, unsigned slot)
{
	struct outbox_drive *d = &o->drive[slot];
	const struct drive_append *a = NULL;
	enum err e, worst = EC_OK;
	unsigned n;

	if (d->call != NULL && lane_call_done(d->call, &e) && e == EC_OK)
		a = lane_call_appends(d->call, &n);
	for (unsigned i = 0; i < d->n; i++) {
		struct heal_report *r = &o->report[d->report[i]];

		if (a != NULL && i < n && a[i].err == EC_OK)
			continue;
		r->after[slot] = r->before[slot];
		worst = EC_EDEGRADED;
	}
	lane_call_put(d->call);
	d->call = NULL;
	d->n = 0;
	d->bytes.len = 0;
	return worst;
}

enum err
heal_outbox_send(struct heal_outbox *o)
{
	uint64_t until = clock_mono_us() + (uint64_t)SET_WAIT_MS * 1000;
	struct gather *g = NULL;
	enum err e = gather_new(&g);

	for (unsigned i = 0; i < set_drives(o->set) && e == EC_OK; i++)
		if (o->drive[i].n > 0)
			e = drive_start(o, i, g);
	if (g != NULL)
		gather_wait(g, set_drives(o->set), until);
	for (unsigned i = 0; i < set_drives(o->set); i++)
		e = heal_worse(e, drive_end(o, i));
	gather_free(g);
	for (unsigned i = 0; i < o->reports; i++)
		o->each(o->ctx, &o->report[i]);
	o->reports = 0;
	return e;
}
