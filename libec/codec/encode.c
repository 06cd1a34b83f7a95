/* Invariants
 * 1. stage holds the bytes of the stripe that is not yet full, staged of them.
 * 2. When unit is a multiple of the leaf, each piece is written as soon as it
 *    is made, and carry is NULL.  Otherwise carry[i] holds the carried bytes
 *    of shard i since its last whole leaf, the same number for each shard. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/encode.h"
#include "codec/rs.h"

struct encode {
	struct encode_params p;
	const struct rs *rs;
	unsigned n;			/* k + m */
	uint64_t bytes;			/* encode_write took */
	size_t stripe_bytes;
	uint8_t *stage;
	size_t staged;
	uint8_t *parity;		/* m pieces of unit bytes */
	uint8_t *carry;			/* n times carry_stride, or NULL */
	size_t carry_stride, carried;
	uint8_t *sums;			/* of the leaves just made */
	uint8_t **piece, **sum;		/* n each */
	struct shard_writer *writer;	/* n */
	struct digest *md5;
	enum err err;			/* final */
};

static enum err
alloc(struct encode *e)
{
	const struct stripe *s = &e->p.stripe;
	bool whole_leaves = s->unit % SHARD_LEAF_BYTES == 0;
	size_t leaves;

	e->stripe_bytes = (size_t)s->k * s->unit;
	if (!whole_leaves)
		e->carry_stride = num_round_up(s->unit + SHARD_LEAF_BYTES,
		    STRIPE_ALIGN);
	leaves = shard_leaf_count(whole_leaves ? s->unit : e->carry_stride);
	e->piece = mem_array(e->n, sizeof(*e->piece));
	e->sum = mem_array(e->n, sizeof(*e->sum));
	e->writer = mem_array(e->n, sizeof(*e->writer));
	e->sums = mem_array(e->n * leaves, SHARD_SUM_BYTES);
	e->parity = mem_aligned((size_t)(s->m > 0 ? s->m : 1) * s->unit, 4096);
	if (!whole_leaves)
		e->carry = mem_aligned(e->n * e->carry_stride, 4096);
	if (e->piece == NULL || e->sum == NULL || e->writer == NULL ||
	    e->sums == NULL || e->parity == NULL ||
	    (!whole_leaves && e->carry == NULL))
		return EC_ENOMEM;
	for (unsigned i = 0; i < e->n; i++)
		e->sum[i] = e->sums + i * leaves * SHARD_SUM_BYTES;
	if (e->p.md5)
		return digest_new(&e->md5, DIGEST_MD5);
	return EC_OK;
}

static enum err
check_quorum(const struct encode *e)
{
	unsigned live = 0;
	bool memory = true;

	for (unsigned i = 0; i < e->n; i++) {
		live += e->writer[i].err == EC_OK;
		memory = memory && e->writer[i].err != EC_ENOMEM;
	}
	return live >= e->p.quorum ? EC_OK : memory ? EC_EQUORUM : EC_ENOMEM;
}

static enum err
begin(struct encode *e, const struct encode_sink *sinks)
{
	for (unsigned i = 0; i < e->n; i++) {
		struct shard_header h = { e->p.stripe, i, e->p.id, e->p.part };

		shard_writer_init(&e->writer[i], &sinks[i], &h);
		if (sinks[i].write == NULL)
			e->writer[i].err = EC_EOFFLINE;
		else
			shard_writer_begin(&e->writer[i]);
	}
	return check_quorum(e);
}

enum err
encode_new(struct encode **out, const struct encode_params *p,
    const struct encode_sink *sinks)
{
	struct encode *e = NULL;
	unsigned n = p->stripe.k + p->stripe.m;
	enum err err;

	if (stripe_valid(&p->stripe) != EC_OK || p->quorum < p->stripe.k ||
	    p->quorum > n)
		return EC_EINVAL;
	if ((e = mem_array(1, sizeof(*e))) == NULL)
		return EC_ENOMEM;
	e->p = *p;
	e->n = n;
	if ((err = rs_shared(&e->rs, p->stripe.k, p->stripe.m)) != EC_OK ||
	    (err = alloc(e)) != EC_OK || (err = begin(e, sinks)) != EC_OK) {
		encode_free(e);
		return err;
	}
	*out = e;
	return EC_OK;
}

void
encode_free(struct encode *e)
{
	if (e == NULL)
		return;
	for (unsigned i = 0; e->writer != NULL && i < e->n; i++)
		shard_writer_release(&e->writer[i]);
	digest_free(e->md5);
	free(e->stage);
	free(e->parity);
	free(e->carry);
	free(e->sums);
	free(e->piece);
	free(e->sum);
	free(e->writer);
	free(e);
}

/* Hash and write ${len} bytes of each shard, at from[i]. */
static enum err
write_pieces(struct encode *e, uint8_t *const from[], size_t len)
{
	bitrot_sum_shards(e->sum, (const uint8_t *const *)from, e->n, len,
	    SHARD_LEAF_BYTES);
	for (unsigned i = 0; i < e->n; i++)
		shard_writer_data(&e->writer[i], from[i], len, e->sum[i]);
	return check_quorum(e);
}

/* Write what is whole leaves of the carried bytes, or at the ${end} all. */
static enum err
write_carried(struct encode *e, bool end)
{
	size_t len = end ? e->carried :
	    e->carried / SHARD_LEAF_BYTES * SHARD_LEAF_BYTES;
	enum err err;

	if (len == 0)
		return EC_OK;
	for (unsigned i = 0; i < e->n; i++)
		e->piece[i] = e->carry + i * e->carry_stride;
	err = write_pieces(e, e->piece, len);
	e->carried -= len;
	for (unsigned i = 0; i < e->n; i++)
		memmove(e->piece[i], e->piece[i] + len, e->carried);
	return err;
}

/* One stripe: k pieces of ${len} bytes at ${data}, which is not changed. */
static enum err
encode_stripe(struct encode *e, const uint8_t *data, size_t len)
{
	for (unsigned i = 0; i < e->n; i++)
		/* rs and the pieces' readers take one array of both */
		e->piece[i] = i < e->p.stripe.k ?
		    (uint8_t *)(uintptr_t)data + i * len :
		    e->parity + (i - e->p.stripe.k) * (size_t)e->p.stripe.unit;
	rs_encode(e->rs, e->piece, len);
	if (e->carry == NULL)
		return write_pieces(e, e->piece, len);
	for (unsigned i = 0; i < e->n; i++)
		memcpy(e->carry + i * e->carry_stride + e->carried,
		    e->piece[i], len);
	e->carried += len;
	return write_carried(e, false);
}

static enum err
stage(struct encode *e, const uint8_t *buf, size_t len)
{
	if (e->stage == NULL &&
	    (e->stage = mem_aligned(e->stripe_bytes, 4096)) == NULL)
		return EC_ENOMEM;
	memcpy(e->stage + e->staged, buf, len);
	e->staged += len;
	if (e->staged < e->stripe_bytes)
		return EC_OK;
	e->staged = 0;
	return encode_stripe(e, e->stage, e->p.stripe.unit);
}

enum err
encode_write(struct encode *e, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	if (e->err == EC_OK && len > STRIPE_SIZE_MAX - e->bytes)
		e->err = EC_ELIMIT;
	while (e->err == EC_OK && len > 0) {
		size_t n = num_min(len, e->stripe_bytes - e->staged);

		if (e->md5 != NULL)
			digest_update(e->md5, p, n);
		if (n == e->stripe_bytes)
			e->err = encode_stripe(e, p, e->p.stripe.unit);
		else
			e->err = stage(e, p, n);
		e->bytes += n;
		p += n;
		len -= n;
	}
	return e->err;
}

enum err
encode_finish(struct encode *e, struct shard_tail *tail)
{
	if (e->err == EC_OK && e->staged > 0) {
		size_t len = stripe_piece_bytes(&e->p.stripe, e->staged);

		memset(e->stage + e->staged, 0,
		    len * e->p.stripe.k - e->staged);
		e->err = encode_stripe(e, e->stage, len);
	}
	if (e->err == EC_OK)
		e->err = write_carried(e, true);
	tail->size = e->bytes;
	if (e->md5 != NULL)
		digest_final(e->md5, tail->md5);
	if (e->err != EC_OK)
		return e->err;
	for (unsigned i = 0; i < e->n; i++)
		if (e->writer[i].err == EC_OK)
			shard_writer_finish(&e->writer[i], tail);
	return e->err = check_quorum(e);
}

enum err
encode_sink_err(const struct encode *e, unsigned i)
{
	return e->writer[i].err;
}

uint64_t
encode_bytes(const struct encode *e)
{
	return e->bytes;
}
