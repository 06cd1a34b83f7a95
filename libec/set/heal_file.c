/* heal_file: calls in a series.
 *
 * 1. What a call works on is in its argument: the box (reference-counted, with
 *    the drive's handle) and bytes of its own.  A call that was left behind may
 *    still use both.
 * 2. The handle is closed by the series' last call, so on the drive's thread
 *    and never before or beside another call of the series. */
#include "set/heal_file.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "set/set.h"

enum {
	WRITE_BYTES = 512 * 1024,	/* at once */
	PAGE_BYTES = 4096,	/* so lies what is to go past the cache */
};

struct box {
	atomic_uint refs;
	const struct drive_ops *ops;
	struct drive_reader *reader;
	struct drive_writer *writer;
	struct uuid data;
	unsigned index;
	uint64_t bytes;
	uint8_t tail[HEAL_FILE_TAIL_BYTES];
};

struct step {		/* the argument of a call */
	struct box *box;
	uint64_t off;
	size_t len;
	uint8_t *bytes;		/* in the same memory */
};

struct heal_file {
	struct lane_series *series;
	struct box *box;
	struct gather *own;		/* of writes and commit */
	unsigned own_started;
	uint64_t written;
	struct step *fill;		/* to be written when it is full */
	struct lane_call *call, *before;	/* the last two */
	enum err err;			/* the first */
};

static void
box_put(void *vb)
{
	struct box *b = vb;

	if (atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

static struct step *
step_init(struct step *s, size_t head, struct box *b, size_t len, uint64_t off)
{
	if (s == NULL)
		return NULL;
	atomic_fetch_add(&b->refs, 1);
	*s = (struct step){ b, off, len, (uint8_t *)s + head };
	return s;
}

static struct step *
step_new(struct box *b, size_t len, uint64_t off)
{
	return step_init(malloc(sizeof(struct step) + len),
	    sizeof(struct step), b, len, off);
}

/* To be filled, at whole pages of memory. */
static struct step *
step_new_write(struct box *b)
{
	return step_init(mem_aligned(PAGE_BYTES + WRITE_BYTES, PAGE_BYTES),
	    PAGE_BYTES, b, 0, 0);
}

static void
step_drop(void *vs)
{
	struct step *s = vs;

	box_put(s->box);
	free(s);
}

static enum err
open_run(struct drive *d, void *vs)
{
	struct box *b = ((struct step *)vs)->box;
	enum err e;

	b->ops = d->ops;
	e = d->ops->shard_open(d, &b->data, b->index, &b->reader, &b->bytes);
	if (e != EC_OK || b->bytes < sizeof b->tail)
		return e;
	return d->ops->shard_pread(b->reader, b->tail, sizeof b->tail,
	    b->bytes - sizeof b->tail);
}

static enum err
create_run(struct drive *d, void *vs)
{
	struct box *b = ((struct step *)vs)->box;

	b->ops = d->ops;
	return d->ops->shard_create(d, &b->data, b->index, 0, &b->writer);
}

static enum err
read_run(struct drive *d, void *vs)
{
	struct step *s = vs;

	return d->ops->shard_pread(s->box->reader, s->bytes, s->len, s->off);
}

static enum err
write_run(struct drive *d, void *vs)
{
	struct step *s = vs;

	return d->ops->shard_write(s->box->writer, s->bytes, s->len);
}

static enum err
commit_run(struct drive *d, void *vs)
{
	struct box *b = ((struct step *)vs)->box;
	struct drive_writer *w = b->writer;

	b->writer = NULL;	/* ended by commit in any case */
	return d->ops->shard_commit(w);
}

static enum err
end_run(struct drive *d, void *vb)
{
	struct box *b = vb;

	if (b->reader != NULL)
		d->ops->shard_close(b->reader);
	if (b->writer != NULL)
		d->ops->shard_abort(b->writer);
	b->reader = NULL;
	b->writer = NULL;
	return EC_OK;
}

/* Start a call on ${s}, of the file's own gather if ${g} is NULL; the one
 * before it stays at hand, an older one is put. */
static enum err
file_start(struct heal_file *f, struct gather *g, lane_run *run,
    struct step *s)
{
	if (s == NULL)
		return EC_ENOMEM;
	lane_call_put(f->before);
	f->before = f->call;
	f->call = NULL;
	f->own_started += g == NULL;
	return lane_series_start(f->series, g != NULL ? g : f->own, run,
	    step_drop, s, &f->call);
}

static enum err
file_new(struct heal_file **out, struct lane *l, const struct uuid *data,
    unsigned index, struct gather *g, lane_run *run)
{
	struct heal_file *f = calloc(1, sizeof *f);
	enum err e = EC_ENOMEM;

	*out = NULL;
	if (f == NULL)
		return EC_ENOMEM;
	if ((f->box = calloc(1, sizeof *f->box)) == NULL)
		goto out;
	atomic_init(&f->box->refs, 1);
	f->box->data = *data;
	f->box->index = index;
	if ((e = gather_new(&f->own)) != EC_OK ||
	    (e = lane_series_new(&f->series, l)) != EC_OK ||
	    (e = file_start(f, g, run, step_new(f->box, 0, 0))) !=
	    EC_OK)
		goto out;
	*out = f;
	f = NULL;
out:
	heal_file_free(f);
	return e;
}

enum err
heal_file_open(struct heal_file **out, struct lane *l,
    const struct uuid *data, unsigned index, struct gather *g)
{
	return file_new(out, l, data, index, g, open_run);
}

enum err
heal_file_create(struct heal_file **out, struct lane *l,
    const struct uuid *data, unsigned index)
{
	return file_new(out, l, data, index, NULL, create_run);
}

void
heal_file_free(struct heal_file *f)
{
	if (f == NULL)
		return;
	lane_call_put(f->before);
	lane_call_put(f->call);
	if (f->fill != NULL)
		step_drop(f->fill);
	if (f->series != NULL) {
		/* Without memory for it the handle stays open: a leak, but the
		 * calls before it are unharmed. */
		lane_series_end(f->series, end_run, box_put, f->box);
		lane_series_free(f->series);
	} else if (f->box != NULL) {
		box_put(f->box);
	}
	gather_free(f->own);
	free(f);
}

enum err
heal_file_result(struct heal_file *f)
{
	enum err e = EC_ETIMEDOUT;

	if (f->err != EC_OK)
		return f->err;
	if (f->call == NULL || !lane_call_done(f->call, &e))
		e = EC_ETIMEDOUT;
	return f->err = e;
}

uint64_t
heal_file_bytes(const struct heal_file *f)
{
	return f->box->bytes;
}

const uint8_t *
heal_file_tail(const struct heal_file *f)
{
	return f->box->tail;
}

enum err
heal_file_read(struct heal_file *f, size_t len, uint64_t off, struct gather *g)
{
	if (f->err != EC_OK)
		return f->err;
	return file_start(f, g, read_run, step_new(f->box, len, off));
}

void
heal_file_take(struct heal_file *f, void *buf, size_t len)
{
	const struct step *s = lane_call_arg(f->call);

	memcpy(buf, s->bytes, len);
}

/* Wait for all calls but the last ${left}. */
static enum err
file_settle(struct heal_file *f, unsigned left)
{
	uint64_t until = clock_mono_us() + (uint64_t)SET_WAIT_MS * 1000;
	struct lane_call *c = left == 0 ? f->call : f->before;
	enum err e;

	if (f->own_started > left)
		gather_wait(f->own, f->own_started - left, until);
	if (f->err != EC_OK || c == NULL)
		return f->err;
	/* Calls of a series run in order, but one may be said to be done a
	 * moment before the one that went ahead of it. */
	if (!lane_call_done(c, &e))
		gather_wait(f->own, f->own_started, until);
	if (!lane_call_done(c, &e))
		e = EC_ETIMEDOUT;
	return f->err = e;
}

enum err
heal_file_created(struct heal_file *f)
{
	return file_settle(f, 0);
}

/* Write what waits for it. */
static enum err
file_flush(struct heal_file *f)
{
	struct step *s = f->fill;

	if (s == NULL || file_settle(f, 1) != EC_OK)
		return f->err;
	f->fill = NULL;
	return f->err = file_start(f, NULL, write_run, s);
}

enum err
heal_file_write(struct heal_file *f, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	for (size_t n; f->err == EC_OK && len > 0; from += n, len -= n) {
		if (f->fill == NULL &&
		    (f->fill = step_new_write(f->box)) == NULL)
			return f->err = EC_ENOMEM;
		n = num_min(len, WRITE_BYTES - f->fill->len);
		memcpy(f->fill->bytes + f->fill->len, from, n);
		f->fill->len += n;
		f->written += n;
		if (f->fill->len == WRITE_BYTES)
			file_flush(f);
	}
	return f->err;
}

enum err
heal_file_commit(struct heal_file *f)
{
	if (file_flush(f) != EC_OK || file_settle(f, 0) != EC_OK)
		return f->err;
	f->err = file_start(f, NULL, commit_run, step_new(f->box, 0, 0));
	return file_settle(f, 0);
}

uint64_t
heal_file_written(const struct heal_file *f)
{
	return f->written;
}
