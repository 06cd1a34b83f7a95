#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/columns.h"

enum err
columns_init(struct columns *c, const struct decode_params *p,
    const struct decode_source *in)
{
	enum err e;

	*c = (struct columns){ .k = p->stripe.k,
		.n = p->stripe.k + p->stripe.m, .cap = p->stripe.unit };
	/* pieces that do not begin at a leaf touch one leaf more */
	if (c->cap % SHARD_LEAF_BYTES != 0)
		c->cap = num_round_up(c->cap, SHARD_LEAF_BYTES) +
		    SHARD_LEAF_BYTES;
	if ((e = sources_init(&c->src, p, in)) != EC_OK ||
	    (e = rs_shared(&c->rs, p->stripe.k, p->stripe.m)) != EC_OK)
		return e;
	if ((c->order = mem_array(c->n, sizeof(*c->order))) == NULL)
		return EC_ENOMEM;
	for (unsigned j = 0; j < c->n; j++) {
		c->order[j] = p->order == NULL ? j : p->order[j];
		if (c->order[j] >= c->n)
			return EC_EINVAL;
	}
	return EC_OK;
}

void
columns_release(struct columns *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->scratch[i]);
	free(c->order);
	sources_release(&c->src);
}

/* When k are wanted, any k do: those that are preferred. */
static void
prefer(const struct columns *c, unsigned batch[], unsigned n)
{
	unsigned found = 0, better[RS_SHARDS_MAX];

	if (n != c->k)
		return;
	for (unsigned j = 0; j < c->n && found < n; j++) {
		const struct source *src = &c->src.src[c->order[j]];

		if (!src->dead && !src->suspect)
			better[found++] = c->order[j];
	}
	if (found == n)
		memcpy(batch, better, n * sizeof(*better));
}

/* Which shards to read next, in ${batch}: what is wanted, and when something
 * wanted cannot be had, others until k are there.  Suspects come last.  None
 * when there is nothing left to read, or no hope. */
static unsigned
pick(struct columns *c, const bool want[], unsigned batch[])
{
	unsigned n = 0, count = 0;
	bool missing = false;

	for (unsigned i = 0; i < c->n; i++) {
		const struct source *src = &c->src.src[i];

		count += c->have[i];
		if (!want[i] || c->have[i])
			continue;
		if (c->tried[i] || src->dead || src->suspect)
			missing = true;
		else
			batch[n++] = i;
	}
	if (count >= c->k)
		return 0;
	prefer(c, batch, n);
	for (unsigned j = 0; j < n; j++)
		c->tried[batch[j]] = true;
	for (int suspects = 0; missing && suspects < 2; suspects++)
		for (unsigned j = 0; j < c->n && count + n < c->k; j++) {
			unsigned i = c->order[j];
			const struct source *src = &c->src.src[i];

			if (c->tried[i] || c->have[i] || src->dead ||
			    src->suspect != suspects)
				continue;
			c->tried[i] = true;
			batch[n++] = i;
		}
	return missing && count + n < c->k ? 0 : n;
}

static enum err
need_scratch(struct columns *c, unsigned i)
{
	if (c->at[i] != NULL)
		return EC_OK;
	c->scratch[i] = mem_aligned(c->cap, 4096);
	c->at[i] = c->scratch[i];
	return c->at[i] == NULL ? EC_ENOMEM : EC_OK;
}

/* Compute what is wanted and not there. */
static enum err
rebuild(struct columns *c, const bool want[])
{
	bool missing = false;
	enum err e;

	for (unsigned i = 0; i < c->n; i++) {
		if (!want[i] || c->have[i])
			continue;
		if ((e = need_scratch(c, i)) != EC_OK)
			return e;
		missing = true;
	}
	if (!missing)
		return EC_OK;
	return rs_rebuild(c->rs, c->at, c->have, want, c->hi - c->lo);
}

static void
start(struct columns *c, uint64_t lo, uint64_t hi, const bool want[],
    uint8_t *const dest[])
{
	if (lo != c->lo || hi != c->hi)
		memset(c->valid, 0, sizeof(c->valid));
	c->lo = lo;
	c->hi = hi;
	for (unsigned i = 0; i < c->n; i++) {
		bool direct = want[i] && dest != NULL && dest[i] != NULL;

		c->tried[i] = false;
		c->have[i] = !direct && c->valid[i];
		c->at[i] = direct ? dest[i] : c->scratch[i];
	}
}

enum err
columns_load(struct columns *c, uint64_t lo, uint64_t hi, const bool want[],
    uint8_t *const dest[])
{
	unsigned batch[RS_SHARDS_MAX], n;
	enum err e;

	start(c, lo, hi, want, dest);
	while ((n = pick(c, want, batch)) > 0) {
		for (unsigned j = 0; j < n; j++) {
			/* what it held is overwritten from here on */
			c->valid[batch[j]] = false;
			if ((e = need_scratch(c, batch[j])) != EC_OK)
				return e;
		}
		e = sources_read(&c->src, batch, n, lo, hi, c->at, c->have);
		if (e != EC_OK)
			return e;
	}
	if ((e = rebuild(c, want)) != EC_OK)
		return e;
	for (unsigned i = 0; i < c->n; i++)
		c->valid[i] = c->at[i] == c->scratch[i] &&
		    c->scratch[i] != NULL && (c->have[i] || want[i]);
	return EC_OK;
}

unsigned
columns_plan(struct columns *c, uint64_t lo, uint64_t hi, const bool want[],
    uint8_t *const dest[], struct decode_read *reads)
{
	unsigned batch[RS_SHARDS_MAX], n;

	memset(c->have, 0, sizeof(c->have));
	memset(c->tried, 0, sizeof(c->tried));
	n = pick(c, want, batch);
	for (unsigned j = 0; j < n; j++)
		reads[j] = (struct decode_read){ .index = batch[j],
			.buf = want[batch[j]] ? dest[batch[j]] : NULL,
			.len = (size_t)(hi - lo), .off = shard_data_off(lo) };
	return n;
}
