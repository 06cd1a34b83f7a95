/* heal_shard: a file in which damage was found stays open as a last resort of
 * the decoder, which verifies each leaf: if no k files are whole, k good leaves
 * of each place are enough. */
#include "set/heal_shard_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/encode.h"
#include "codec/shard.h"
#include "set/placement.h"

static uint64_t
deadline(void)
{
	return clock_mono_us() + (uint64_t)SET_WAIT_MS * 1000;
}

static struct lane *
shard_lane(const struct heal_shards *h, unsigned i)
{
	return set_lane(h->set, placement_drive(h->start, i, h->n));
}

static struct stripe
shard_stripe(const struct heal_shards *h)
{
	return (struct stripe){ h->part->k, h->part->m, h->part->unit };
}

static void
shard_close(struct heal_shards *h, unsigned i)
{
	heal_file_free(h->file[i]);
	h->file[i] = NULL;
}

/* The first thing found wrong with a file counts. */
void
heal_shards_fault(struct heal_shards *h, unsigned i, enum err why)
{
	if (h->err[i] != EC_OK || why == EC_OK)
		return;
	h->err[i] = why;
	if (h->found[i] == EC_OK)
		h->found[i] = why;
	if (why == EC_ECORRUPT || why == EC_EFORMAT)
		lane_count_corrupt(shard_lane(h, i));
}

/* The end of a file says how long its data is; both must be right. */
static enum err
shard_check_end(const struct heal_shards *h, const struct heal_file *f)
{
	struct stripe s = shard_stripe(h);
	struct shard_end end;

	if (heal_file_bytes(f) < SHARD_HEADER_BYTES + SHARD_END_BYTES ||
	    shard_end_decode(&end, heal_file_tail(f), heal_file_bytes(f)) !=
	    EC_OK || end.data_bytes != stripe_shard_bytes(&s, h->part->size))
		return EC_ECORRUPT;
	return EC_OK;
}

enum err
heal_shards_open(struct heal_shards *h, struct set *s,
    const struct record_part *part, unsigned start, const bool ask[])
{
	struct gather *g = NULL;
	enum err e;

	memset(h, 0, sizeof *h);
	h->set = s;
	h->part = part;
	h->n = set_drives(s);
	h->start = start;
	if ((e = gather_new(&g)) != EC_OK)
		return e;
	for (unsigned i = 0; i < h->n; i++) {
		h->err[i] = h->found[i] = EC_EOFFLINE;
		if (!ask[placement_drive(start, i, h->n)])
			continue;
		e = heal_file_open(&h->file[i], shard_lane(h, i), &part->data,
		    i, g);
		if (e != EC_OK)
			goto out;
	}
	gather_wait(g, h->n, deadline());
	for (unsigned i = 0; i < h->n; i++) {
		if (h->file[i] == NULL)
			continue;
		h->err[i] = h->found[i] = EC_OK;
		heal_shards_fault(h, i, heal_file_result(h->file[i]));
		if (h->err[i] == EC_OK)
			heal_shards_fault(h, i, shard_check_end(h, h->file[i]));
		if (h->err[i] == EC_OK)
			h->bytes_read += HEAL_FILE_TAIL_BYTES;
		else
			shard_close(h, i);
	}
out:
	gather_free(g);
	return e;
}

void
heal_shards_release(struct heal_shards *h)
{
	for (unsigned i = 0; i < h->n; i++)
		heal_file_free(h->file[i]);
	memset(h, 0, sizeof *h);
}

unsigned
heal_shards_good(const struct heal_shards *h)
{
	unsigned good = 0;

	for (unsigned i = 0; i < h->n; i++)
		good += h->err[i] == EC_OK;
	return good;
}

unsigned
heal_shards_usable(const struct heal_shards *h)
{
	unsigned usable = 0;

	for (unsigned i = 0; i < h->n; i++)
		usable += h->file[i] != NULL || h->err[i] == EC_OK;
	return usable;
}

unsigned
heal_shards_silent(const struct heal_shards *h)
{
	unsigned silent = 0;

	for (unsigned i = 0; i < h->n; i++)
		silent += h->err[i] != EC_OK && !heal_shard_is_gone(h->err[i]);
	return silent;
}

static bool
is_canceled(const struct heal_shards *h)
{
	return h->watch != NULL && h->watch->canceled != NULL &&
	    h->watch->canceled(h->watch->ctx);
}

/* A decode_gather: all reads at once, each on its lane. */
static void
shards_gather(void *ctx, struct decode_read *reads, unsigned n)
{
	struct heal_shards *h = ctx;
	struct gather *g = NULL;
	enum err e;

	e = is_canceled(h) ? EC_ECANCELED : gather_new(&g);
	if (e != EC_OK) {
		for (unsigned i = 0; i < n; i++)
			reads[i].err = e;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		reads[i].err = heal_file_read(h->file[reads[i].index],
		    reads[i].len, reads[i].off, g);
	gather_wait(g, n, deadline());
	for (unsigned i = 0; i < n; i++) {
		struct heal_file *f = h->file[reads[i].index];

		if (reads[i].err != EC_OK ||
		    (reads[i].err = heal_file_result(f)) != EC_OK)
			continue;
		heal_file_take(f, reads[i].buf, reads[i].len);
		h->bytes_read += reads[i].len;
	}
	gather_free(g);
}

enum err
heal_shards_pread(struct heal_shards *h, unsigned index, void *buf, size_t len,
    uint64_t off)
{
	struct decode_read read = {
		.index = index, .buf = buf, .len = len, .off = off,
	};

	shards_gather(h, &read, 1);
	return read.err;
}

static enum err
shard_pread(void *ctx, void *buf, size_t len, uint64_t off)
{
	const struct heal_source *from = ctx;

	return heal_shards_pread(from->h, from->index, buf, len, off);
}

/* A decode_params.bad. */
static void
shard_bad(void *ctx, unsigned index, enum err why, uint64_t off)
{
	(void)off;
	heal_shards_fault(ctx, index, why);
}

enum err
heal_shards_decoder(struct heal_shards *h, struct heal_source from[],
    uint32_t skip, struct decode **out)
{
	struct decode_source source[SET_DRIVES_MAX] = { { 0 } };
	struct decode_params p = {
		.stripe = shard_stripe(h),
		.id = h->part->data,
		.part = h->part->number,
		.gather = shards_gather,
		.gather_ctx = h,
		.bad = shard_bad,
		.bad_ctx = h,
	};
	uint64_t size;
	enum err e;

	for (unsigned i = 0; i < h->n; i++) {
		from[i] = (struct heal_source){ h, i };
		if (h->file[i] == NULL || (skip >> i & 1) != 0)
			continue;
		source[i].pread = shard_pread;
		source[i].ctx = &from[i];
		source[i].file_bytes = heal_file_bytes(h->file[i]);
	}
	e = decode_new(out, &p, source, &size);
	if (e == EC_OK && size != h->part->size) {
		decode_free(*out);
		*out = NULL;
		e = EC_EQUORUM;
	}
	return e;
}

enum err
heal_shards_verify(struct heal_shards *h, int only)
{
	struct heal_source from[SET_DRIVES_MAX];
	bool differ[SET_DRIVES_MAX];
	struct decode *d = NULL;
	uint64_t off;
	enum err e, why;

	if (only < 0 && heal_parity_holds(h, differ))
		return EC_OK;
	e = heal_shards_decoder(h, from, 0, &d);
	if (e == EC_EQUORUM)	/* shard_bad was told of which and why */
		e = EC_OK;
	for (unsigned i = 0; d != NULL && i < h->n; i++) {
		if (h->file[i] == NULL || h->err[i] != EC_OK ||
		    (only >= 0 && (unsigned)only != i))
			continue;
		if ((why = decode_verify(d, i, &off)) == EC_ENOMEM) {
			e = why;
			break;
		}
		heal_shards_fault(h, i, why);
	}
	decode_free(d);
	if (is_canceled(h))
		return EC_ECANCELED;
	if (e == EC_OK && only < 0 && heal_shards_good(h) == h->n)
		e = heal_parity_blame(h, differ);
	return e;
}

/* An encode_sink's write: EC_OK even if its drive fails, because the other
 * drives are to be written all the same; commit tells. */
static enum err
sink_write(void *ctx, const void *buf, size_t len)
{
	heal_file_write(ctx, buf, len);
	return EC_OK;
}

static enum err
sink_nowhere(void *ctx, const void *buf, size_t len)
{
	(void)ctx;
	(void)buf;
	(void)len;
	return EC_OK;
}

static enum err
sinks_open(struct heal_shards *h, bool dry, struct heal_file *to[],
    struct encode_sink sink[])
{
	enum err e;

	for (unsigned i = 0; i < h->n; i++) {
		if (!heal_shard_is_gone(h->err[i]))
			continue;
		sink[i] = (struct encode_sink){ sink_nowhere, NULL };
		if (dry)
			continue;
		e = heal_file_create(&to[i], shard_lane(h, i), &h->part->data,
		    i);
		if (e != EC_OK)
			return e;
		sink[i] = (struct encode_sink){ sink_write, to[i] };
	}
	for (unsigned i = 0; i < h->n; i++)
		if (to[i] != NULL && heal_file_created(to[i]) == EC_EOWNED)
			return EC_EOWNED;
	return EC_OK;
}

static void
sinks_commit(struct heal_shards *h, struct heal_file *to[])
{
	for (unsigned i = 0; i < h->n; i++) {
		if (to[i] == NULL)
			continue;
		h->err[i] = heal_file_commit(to[i]);
		/* Another heal was faster, or has it under way. */
		if (h->err[i] == EC_EEXIST)
			h->err[i] = EC_EOWNED;
		shard_close(h, i);
		if (h->err[i] == EC_OK)
			h->bytes_written += heal_file_written(to[i]);
	}
}

/* Write all that is known to be gone. */
static enum err
rebuild_once(struct heal_shards *h, bool dry)
{
	struct encode_sink sink[SET_DRIVES_MAX] = { { 0 } };
	struct heal_file *to[SET_DRIVES_MAX] = { NULL };
	struct heal_source from[SET_DRIVES_MAX];
	struct decode *d = NULL;
	enum err e;

	if ((e = heal_shards_decoder(h, from, 0, &d)) !=
	    EC_OK ||
	    (e = sinks_open(h, dry, to, sink)) != EC_OK ||
	    (e = decode_rebuild(d, sink)) != EC_OK)
		goto out;
	sinks_commit(h, to);
out:
	for (unsigned i = 0; i < h->n; i++)
		heal_file_free(to[i]);
	decode_free(d);
	if (e != EC_OK && is_canceled(h))
		return EC_ECANCELED;
	return e == EC_EQUORUM ? EC_ELOST : e;
}

enum err
heal_shards_rebuild(struct heal_shards *h, bool dry)
{
	/* A pass turns each gone file into a good one or one whose drive is in
	 * trouble, and can only find others to be bad: at most n passes. */
	for (unsigned pass = 0; pass < h->n; pass++) {
		bool gone = false;
		enum err e;

		for (unsigned i = 0; i < h->n; i++)
			gone = gone || heal_shard_is_gone(h->err[i]);
		if (!gone)
			break;
		if ((e = rebuild_once(h, dry)) != EC_OK || dry)
			return e;
		for (unsigned i = 0; i < h->n; i++)
			if (h->err[i] == EC_EOWNED)
				return EC_EOWNED;
	}
	return EC_OK;
}
