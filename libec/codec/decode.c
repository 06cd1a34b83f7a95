#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/columns.h"
#include "codec/decode.h"

struct decode {
	struct stripe stripe;
	struct columns col;
	uint64_t size;
	uint64_t next_off;	/* where the last read ended */
	bool want[RS_SHARDS_MAX];
	uint8_t *dest[RS_SHARDS_MAX];
};

/* Open the first source that can be. */
static enum err
open_first(struct columns *c)
{
	struct sources *s = &c->src;
	unsigned given = 0;
	enum err e;

	for (unsigned i = 0; i < c->n; i++)
		given += s->src[i].in.pread != NULL;
	if (given < c->k)
		return EC_EQUORUM;
	for (unsigned j = 0; j < c->n; j++) {
		if ((e = sources_open(s, &c->order[j], 1)) != EC_OK)
			return e;
		if (s->src[c->order[j]].opened)
			return EC_OK;
	}
	return EC_EQUORUM;
}

enum err
decode_new(struct decode **out, const struct decode_params *p,
    const struct decode_source *sources, uint64_t *size)
{
	struct decode *d = NULL;
	enum err e;

	if (stripe_valid(&p->stripe) != EC_OK)
		return EC_EINVAL;
	if ((d = mem_array(1, sizeof(*d))) == NULL)
		return EC_ENOMEM;
	d->stripe = p->stripe;
	d->next_off = UINT64_MAX;
	if ((e = columns_init(&d->col, p, sources)) != EC_OK ||
	    (e = open_first(&d->col)) != EC_OK) {
		decode_free(d);
		return e;
	}
	*size = d->size = d->col.src.tail.size;
	*out = d;
	return EC_OK;
}

void
decode_free(struct decode *d)
{
	if (d == NULL)
		return;
	columns_release(&d->col);
	free(d);
}

const struct shard_tail *
decode_tail(const struct decode *d)
{
	return &d->col.src.tail;
}

static uint64_t
leaf_down(uint64_t at)
{
	return at / SHARD_LEAF_BYTES * SHARD_LEAF_BYTES;
}

static uint64_t
leaf_up(const struct decode *d, uint64_t at)
{
	return num_min(num_round_up(at, SHARD_LEAF_BYTES),
	    d->col.src.data_bytes);
}

/* One stripe, and where a read stands in it. */
struct place {
	uint64_t at;		/* in the shards' data, of its pieces */
	uint64_t piece;		/* bytes of a piece */
	uint64_t data;		/* bytes of the object in it */
	uint64_t skip;		/* of them before what is wanted */
	uint64_t want;		/* bytes wanted of it */
};

static struct place
place_of(const struct decode *d, uint64_t off, uint64_t len)
{
	uint64_t stripe_bytes = (uint64_t)d->stripe.k * d->stripe.unit;
	uint64_t n = off / stripe_bytes;
	struct place p = { .at = n * d->stripe.unit,
		.data = stripe_data_bytes(&d->stripe, d->size, n),
		.skip = off % stripe_bytes };

	p.piece = stripe_piece_bytes(&d->stripe, p.data);
	p.want = num_min(len, p.data - p.skip);
	return p;
}

/* Want whole pieces of a stripe, from ${p}'s place on, in ${buf}.  Returns how
 * many bytes that is, 0 when they do not lie so that it can be done. */
static uint64_t
want_pieces(struct decode *d, uint8_t *buf, const struct place *p)
{
	uint64_t end = p->at + p->piece, first = p->skip / p->piece;
	uint64_t count = p->want / p->piece;

	if (p->skip % p->piece != 0 || count == 0 ||
	    leaf_down(p->at) != p->at || leaf_up(d, end) != end ||
	    p->at / SHARD_GROUP_BYTES != (end - 1) / SHARD_GROUP_BYTES)
		return 0;
	memset(d->want, 0, sizeof(d->want));
	for (uint64_t i = 0; i < count; i++) {
		d->want[first + i] = true;
		d->dest[first + i] = buf + i * p->piece;
	}
	return count * p->piece;
}

static enum err
read_pieces(struct decode *d, uint8_t *buf, const struct place *p,
    uint64_t *got)
{
	if ((*got = want_pieces(d, buf, p)) == 0)
		return EC_OK;
	return columns_load(&d->col, p->at, p->at + p->piece, d->want,
	    d->dest);
}

/* The leaves to load for bytes [lo, hi) of a piece: those already there, or
 * all of the piece for one who reads on, or just those. */
static void
choose_leaves(const struct decode *d, const struct place *p, bool reads_on,
    uint64_t *lo, uint64_t *hi)
{
	uint64_t group = *lo / SHARD_GROUP_BYTES * SHARD_GROUP_BYTES;

	if (d->col.lo <= *lo && *hi <= d->col.hi) {
		*lo = d->col.lo;
		*hi = d->col.hi;
		return;
	}
	if (reads_on) {
		*lo = p->at > group ? p->at : group;
		*hi = num_min(p->at + p->piece, group + SHARD_GROUP_BYTES);
	}
	*lo = leaf_down(*lo);
	*hi = leaf_up(d, *hi);
}

/* Some bytes of one piece, by way of memory of the columns. */
static enum err
read_part(struct decode *d, uint8_t *buf, const struct place *p,
    bool reads_on, uint64_t *got)
{
	uint64_t i = p->skip / p->piece, from = p->at + p->skip % p->piece;
	uint64_t group_left = SHARD_GROUP_BYTES - from % SHARD_GROUP_BYTES;
	uint64_t lo, hi;
	enum err e;

	*got = num_min(p->want, p->piece - p->skip % p->piece);
	*got = num_min(*got, group_left);
	lo = from;
	hi = from + *got;
	choose_leaves(d, p, reads_on, &lo, &hi);
	memset(d->want, 0, sizeof(d->want));
	d->want[i] = true;
	if ((e = columns_load(&d->col, lo, hi, d->want, NULL)) != EC_OK)
		return e;
	memcpy(buf, d->col.at[i] + (from - lo), *got);
	return EC_OK;
}

enum err
decode_read(struct decode *d, void *buf, size_t len, uint64_t off)
{
	uint8_t *p = buf;
	enum err e;

	if (off > d->size || len > d->size - off)
		return EC_EINVAL;
	while (len > 0) {
		struct place at = place_of(d, off, len);
		uint64_t got;

		e = read_pieces(d, p, &at, &got);
		if (e == EC_OK && got == 0)
			e = read_part(d, p, &at, off == d->next_off, &got);
		if (e != EC_OK)
			return e;
		p += got;
		len -= got;
		off += got;
		d->next_off = off;
	}
	return EC_OK;
}

void
decode_plan(struct decode *d, void *buf, size_t len, uint64_t off,
    struct decode_read *reads, unsigned *n, size_t *got)
{
	struct place p;

	*n = 0;
	*got = 0;
	if (len == 0 || off > d->size || len > d->size - off)
		return;
	p = place_of(d, off, len);
	if ((*got = want_pieces(d, buf, &p)) > 0)
		*n = columns_plan(&d->col, p.at, p.at + p.piece, d->want,
		    d->dest, reads);
}

/* Bytes [lo, hi) of the shards wanted are at col.at: to their writers. */
static void
write_column(struct decode *d, struct shard_writer *w, uint8_t *sums)
{
	uint64_t len = d->col.hi - d->col.lo;
	uint64_t leaves = shard_leaf_count(len);
	const uint8_t *from[RS_SHARDS_MAX];
	uint8_t *sum[RS_SHARDS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < d->col.n; i++)
		if (d->want[i]) {
			from[n] = d->col.at[i];
			sum[n] = sums + n * leaves * SHARD_SUM_BYTES;
			n++;
		}
	bitrot_sum_shards(sum, from, n, len, SHARD_LEAF_BYTES);
	for (unsigned i = 0, j = 0; i < d->col.n; i++)
		if (d->want[i]) {
			shard_writer_data(&w[i], from[j], len, sum[j]);
			j++;
		}
}

/* All columns in turn; those whose sink failed are no longer wanted. */
static enum err
rebuild_columns(struct decode *d, struct shard_writer *w, uint8_t *sums)
{
	uint64_t end = d->col.src.data_bytes, lo, hi;
	unsigned live;
	enum err e;

	for (lo = 0; lo < end; lo = hi) {
		live = 0;
		for (unsigned i = 0; i < d->col.n; i++) {
			d->want[i] = d->want[i] && w[i].err == EC_OK;
			live += d->want[i];
		}
		if (live == 0)
			return EC_OK;
		hi = num_min(lo + d->col.cap,
		    lo / SHARD_GROUP_BYTES * SHARD_GROUP_BYTES +
		    SHARD_GROUP_BYTES);
		hi = num_min(leaf_down(hi), end);
		e = columns_load(&d->col, lo, hi, d->want, NULL);
		if (e != EC_OK)
			return e == EC_EQUORUM ? EC_ELOST : e;
		write_column(d, w, sums);
	}
	return EC_OK;
}

enum err
decode_rebuild(struct decode *d, const struct encode_sink *sinks)
{
	unsigned n = d->col.n;
	struct shard_writer *w = mem_array(n, sizeof(*w));
	uint8_t *sums = mem_array(n * shard_leaf_count(d->col.cap),
	    SHARD_SUM_BYTES);
	enum err e = EC_ENOMEM;

	if (w == NULL || sums == NULL)
		goto out;
	for (unsigned i = 0; i < n; i++) {
		struct shard_header h = { d->stripe, i, d->col.src.p.id,
			d->col.src.p.part };

		shard_writer_init(&w[i], &sinks[i], &h);
		d->want[i] = sinks[i].write != NULL;
		if (d->want[i]) {
			/* what is being replaced is read at need only */
			d->col.src.src[i].suspect = true;
			shard_writer_begin(&w[i]);
		}
	}
	if ((e = rebuild_columns(d, w, sums)) != EC_OK)
		goto out;
	for (unsigned i = 0; i < n; i++)
		if (sinks[i].write != NULL && w[i].err == EC_OK)
			shard_writer_finish(&w[i], &d->col.src.tail);
	for (unsigned i = n; i-- > 0;)
		if (w[i].err != EC_OK)
			e = w[i].err;
out:
	for (unsigned i = 0; w != NULL && i < n; i++)
		shard_writer_release(&w[i]);
	free(w);
	free(sums);
	return e;
}

static enum err
verify_header(struct decode *d, unsigned i)
{
	struct shard_header h = { d->stripe, i, d->col.src.p.id,
		d->col.src.p.part };
	uint8_t want[SHARD_HEADER_BYTES], got[SHARD_HEADER_BYTES];
	enum err e;

	shard_header_encode(want, &h);
	e = sources_pread(&d->col.src, i, got, sizeof(got), 0);
	if (e != EC_OK)
		return e;
	return memcmp(want, got, sizeof(got)) == 0 ? EC_OK : EC_ECORRUPT;
}

/* The data of an opened source, leaf by leaf, through ${buf} of cap bytes. */
static enum err
verify_data(struct decode *d, unsigned i, uint8_t *buf)
{
	struct sources *s = &d->col.src;
	uint64_t lo, hi;
	enum err e;

	for (lo = 0; lo < s->data_bytes; lo = hi) {
		uint64_t group = lo / SHARD_GROUP_BYTES * SHARD_GROUP_BYTES;

		hi = num_min(lo + leaf_down(d->col.cap + SHARD_LEAF_BYTES),
		    group + SHARD_GROUP_BYTES);
		hi = num_min(hi, s->data_bytes);
		d->dest[i] = buf;
		d->want[i] = false;
		e = sources_read(s, &i, 1, lo, hi, d->dest, d->want);
		if (e != EC_OK)
			return e;
		if (!d->want[i])
			return s->src[i].why;
	}
	return EC_OK;
}

enum err
decode_probe(struct decode *d, unsigned i, uint64_t *bad_off)
{
	struct source *src = &d->col.src.src[i];
	enum err e;

	*bad_off = 0;
	if (src->in.pread == NULL)
		return EC_ENOTFOUND;
	if (src->in.file_bytes < SHARD_HEADER_BYTES)
		return EC_ECORRUPT;
	if ((e = verify_header(d, i)) != EC_OK ||
	    (e = sources_open(&d->col.src, &i, 1)) != EC_OK ||
	    src->opened)
		return e;
	*bad_off = src->why_off;
	return src->why;
}

enum err
decode_verify(struct decode *d, unsigned i, uint64_t *bad_off)
{
	uint8_t *buf = NULL;
	enum err e;

	if ((e = decode_probe(d, i, bad_off)) != EC_OK)
		return e;
	buf = mem_aligned(d->col.cap + SHARD_LEAF_BYTES, 4096);
	if (buf == NULL)
		return EC_ENOMEM;
	if ((e = verify_data(d, i, buf)) != EC_OK)
		*bad_off = d->col.src.src[i].why_off;
	free(buf);
	return e;
}
