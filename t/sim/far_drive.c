/* far_drive: drive operations on a disk in memory, with what lies between. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define MS UINT64_C(1000000)

struct far {
	struct drive drive;
	struct drive *disk;
	struct life *life;
	unsigned slot;
};

struct drive_writer {
	struct far *far;
	struct drive_writer *on_disk;
	uint64_t life;		/* of the drive it was begun in */
};

struct drive_reader {
	struct far *far;
	struct drive_reader *on_disk;
	uint64_t life;
};

static struct place *
place(const struct far *f)
{
	return &world.place[f->slot];
}

static void
late(void)
{
	uint64_t roll = dice_below(&world.fate, 1000), ns = 20000;

	if (world.nodes > 1 || (world.harm & HARM_LATE) != 0)
		ns = dice_below(&world.fate, 300000);
	if (world.storm && (world.harm & HARM_LATE) != 0) {
		if (roll < 100)
			ns = dice_below(&world.fate, 5 * MS);
		else if (roll < 110)
			ns = dice_below(&world.fate, 6000 * MS);
	}
	turn_sleep_ns(ns);
}

static bool
lost(void)
{
	return world.storm && (world.harm & HARM_LOST) != 0 &&
	    dice_one_in(&world.fate, 150);
}

/* The way there.  From a node that has died: what was sent may arrive, if
 * there is a network to be late in. */
static enum err
there(struct far *f)
{
	struct place *p = place(f);

	if (f->life->over)
		return EC_EOFFLINE;
	late();
	while (turn_now_ns() < p->hung_until_ns)
		turn_sleep_ns(p->hung_until_ns - turn_now_ns());
	if (f->life->over && (world.nodes == 1 ||
	    dice_one_in(&world.fate, 2)))
		return EC_EOFFLINE;
	if (p->down || world.cut[f->life->node][f->slot] || lost()) {
		turn_tell("node %u drive %u: question lost", f->life->node,
		    f->slot);
		return EC_EOFFLINE;
	}
	return EC_OK;
}

static enum err
back(struct far *f, enum err e, unsigned op)
{
	turn_tell("node %u drive %u op %u: %s", f->life->node, f->slot, op,
	    err_text(e));
	turn_trace((uint64_t)f->life->node << 40 | f->slot << 24 | op << 8 |
	    (unsigned)e);
	late();
	if (f->life->over || world.cut[f->life->node][f->slot] || lost()) {
		turn_tell("node %u drive %u: answer lost", f->life->node,
		    f->slot);
		return EC_EOFFLINE;
	}
	return e;
}

#define ASK(f, op, call) \
	enum err e = there(f); \
	return e == EC_OK ? back((f), (call), (op)) : e

static struct far *
far_of(struct drive *d)
{
	return (struct far *)d;
}

static enum err
op_append(struct drive *d, struct drive_append *a, unsigned n)
{
	struct far *f = far_of(d);
	struct place *p = place(f);
	enum err e = there(f);
	bool lazy = true;

	if (e == EC_OK && p->full)
		e = EC_ENOSPC;
	if (e != EC_OK)
		return e;
	for (unsigned i = 0; i < n; i++)
		lazy = lazy && (a[i].flags & DRIVE_APPEND_LAZY) != 0;
	if (lazy && world.storm && (world.harm & HARM_DRIVE) != 0 &&
	    dice_one_in(&world.fate, 20)) {
		/* It will die before the next flush. */
		p->life++;
		for (unsigned i = 0; i < n; i++)
			a[i].err = EC_OK;
		return back(f, EC_OK, 1);
	}
	return back(f, f->disk->ops->append(f->disk, a, n), 2);
}

static enum err
op_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out)
{
	struct far *f = far_of(d);

	ASK(f, 3, f->disk->ops->query(f->disk, q, out));
}

static enum err
op_shard_create(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t bytes_hint, struct drive_writer **out)
{
	struct far *f = far_of(d);
	struct drive_writer *w;
	enum err e = there(f);

	if (e == EC_OK && place(f)->full)
		e = EC_ENOSPC;
	if (e != EC_OK)
		return e;
	if ((w = malloc(sizeof(*w))) == NULL)
		return EC_ENOMEM;
	*w = (struct drive_writer){ .far = f, .life = place(f)->life };
	e = f->disk->ops->shard_create(f->disk, data, index, bytes_hint,
	    &w->on_disk);
	if (e == EC_OK && (e = back(f, e, 4)) != EC_OK)
		f->disk->ops->shard_abort(w->on_disk);
	if (e == EC_OK)
		*out = w;
	else
		free(w);
	return e;
}

static enum err
op_shard_write(struct drive_writer *w, const void *buf, size_t len)
{
	struct far *f = w->far;
	enum err e = there(f);

	if (e == EC_OK && w->life != place(f)->life)
		e = EC_EOFFLINE;
	if (e == EC_OK && place(f)->full)
		e = EC_ENOSPC;
	if (e != EC_OK)
		return e;
	return back(f, f->disk->ops->shard_write(w->on_disk, buf, len), 5);
}

static enum err
op_shard_commit(struct drive_writer *w)
{
	struct far *f = w->far;
	enum err e = there(f);

	if (e == EC_OK && w->life != place(f)->life)
		e = EC_EOFFLINE;
	if (e == EC_OK)
		e = back(f, f->disk->ops->shard_commit(w->on_disk), 6);
	else
		f->disk->ops->shard_abort(w->on_disk);
	free(w);
	return e;
}

static void
op_shard_abort(struct drive_writer *w)
{
	w->far->disk->ops->shard_abort(w->on_disk);
	free(w);
}

static enum err
op_shard_open(struct drive *d, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes)
{
	struct far *f = far_of(d);
	struct drive_reader *r;
	enum err e = there(f);

	if (e != EC_OK)
		return e;
	if ((r = malloc(sizeof(*r))) == NULL)
		return EC_ENOMEM;
	*r = (struct drive_reader){ .far = f, .life = place(f)->life };
	e = f->disk->ops->shard_open(f->disk, data, index, &r->on_disk, bytes);
	if (e == EC_OK && (e = back(f, e, 7)) != EC_OK)
		f->disk->ops->shard_close(r->on_disk);
	if (e == EC_OK)
		*out = r;
	else
		free(r);
	return e;
}

static enum err
op_shard_pread(struct drive_reader *r, void *buf, size_t len, uint64_t off)
{
	struct far *f = r->far;
	enum err e = there(f);

	if (e == EC_OK && r->life != place(f)->life)
		e = EC_EOFFLINE;
	if (e != EC_OK)
		return e;
	return back(f, f->disk->ops->shard_pread(r->on_disk, buf, len, off), 8);
}

static void
op_shard_close(struct drive_reader *r)
{
	r->far->disk->ops->shard_close(r->on_disk);
	free(r);
}

static enum err
op_shard_remove(struct drive *d, const struct uuid *data, unsigned index)
{
	struct far *f = far_of(d);

	ASK(f, 9, f->disk->ops->shard_remove(f->disk, data, index));
}

static enum err
op_shard_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct far *f = far_of(d);

	ASK(f, 11, f->disk->ops->shard_list(f->disk, after, out, max, n));
}

static enum err
op_probe(struct drive *d, struct format *out)
{
	struct far *f = far_of(d);

	ASK(f, 12, f->disk->ops->probe(f->disk, out));
}

static enum err
op_reformat(struct drive *d, const struct format *format)
{
	struct far *f = far_of(d);

	ASK(f, 13, f->disk->ops->reformat(f->disk, format));
}

static enum err
op_space(struct drive *d, struct drive_space *out)
{
	struct far *f = far_of(d);

	ASK(f, 14, f->disk->ops->space(f->disk, out));
}

static enum err
op_stats(struct drive *d, struct drive_stats *out)
{
	struct far *f = far_of(d);

	ASK(f, 15, f->disk->ops->stats(f->disk, out));
}

static enum err
op_maintain(struct drive *d, unsigned budget_ms, unsigned grace_s,
    uint64_t *removed)
{
	struct far *f = far_of(d);

	ASK(f, 16, f->disk->ops->maintain(f->disk, budget_ms, grace_s,
	    removed));
}

static void
op_close(struct drive *d)
{
	struct far *f = far_of(d);

	drive_close(f->disk);
	if (--f->life->drives == 0)
		free(f->life);
	free(f);
}

static const struct drive_ops ops = {
	.append = op_append,
	.query = op_query,
	.shard_create = op_shard_create,
	.shard_write = op_shard_write,
	.shard_commit = op_shard_commit,
	.shard_abort = op_shard_abort,
	.shard_open = op_shard_open,
	.shard_pread = op_shard_pread,
	.shard_close = op_shard_close,
	.shard_remove = op_shard_remove,
	.shard_list = op_shard_list,
	.probe = op_probe,
	.reformat = op_reformat,
	.space = op_space,
	.stats = op_stats,
	.maintain = op_maintain,
	.close = op_close,
};

struct drive *
far_drive_new(struct life *l, unsigned slot)
{
	struct far *f = calloc(1, sizeof(*f));

	if (f == NULL ||
	    (f->disk = memory_disk_drive(world.place[slot].disk)) == NULL)
		turn_give_up("no memory");
	l->drives++;
	f->life = l;
	f->slot = slot;
	f->drive = (struct drive){ .ops = &ops, .name = f->disk->name,
		.local = world.nodes == 1 };
	return &f->drive;
}
