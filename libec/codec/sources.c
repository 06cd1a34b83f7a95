#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/sources.h"

/* Enough for the tail and the page of most shards up to 8 MiB, so that they
 * open with one read. */
enum { TAIL_GUESS_BYTES = 8 * 1024 };

enum err
sources_init(struct sources *s, const struct decode_params *p,
    const struct decode_source *in)
{
	*s = (struct sources){ .p = *p, .n = p->stripe.k + p->stripe.m };
	s->src = mem_array(s->n, sizeof(*s->src));
	s->reads = mem_array(s->n, sizeof(*s->reads));
	s->sum = mem_array(s->n, sizeof(*s->sum));
	if (s->src == NULL || s->reads == NULL || s->sum == NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < s->n; i++) {
		s->src[i].in = in[i];
		s->src[i].page_at = UINT64_MAX;
		s->src[i].dead = in[i].pread == NULL;
		s->src[i].why = s->src[i].dead ? EC_ENOTFOUND : EC_OK;
	}
	return EC_OK;
}

void
sources_release(struct sources *s)
{
	for (unsigned i = 0; s->src != NULL && i < s->n; i++) {
		free(s->src[i].pages);
		free(s->src[i].page);
	}
	free(s->src);
	free(s->reads);
	free(s->sum);
	free(s->sums);
	free(s->tail_bytes);
}

static void
report(struct sources *s, unsigned i, enum err why, uint64_t off)
{
	s->src[i].why = why;
	s->src[i].why_off = off;
	s->src[i].suspect = true;
	if (s->p.bad != NULL)
		s->p.bad(s->p.bad_ctx, i, why, off);
}

static void
report_dead(struct sources *s, unsigned i, enum err why, uint64_t off)
{
	s->src[i].dead = true;
	report(s, i, why, off);
}

static void
plan(struct decode_read *r, unsigned index, void *buf, size_t len,
    uint64_t off)
{
	*r = (struct decode_read){ index, buf, len, off, EC_OK };
}

static void
fetch(const struct sources *s, struct decode_read *reads, unsigned n)
{
	if (n > 0 && s->p.gather != NULL) {
		s->p.gather(s->p.gather_ctx, reads, n);
		return;
	}
	for (unsigned j = 0; j < n; j++) {
		struct decode_read *r = &reads[j];
		const struct decode_source *in = &s->src[r->index].in;

		r->err = in->pread(in->ctx, r->buf, r->len, r->off);
	}
}

enum err
sources_pread(const struct sources *s, unsigned i, void *buf, size_t len,
    uint64_t off)
{
	struct decode_read r;

	plan(&r, i, buf, len, off);
	fetch(s, &r, 1);
	return r.err;
}

/* Source ${i} may be used: its tail of ${len} bytes at ${tail} is good. */
static enum err
adopt(struct sources *s, unsigned i, const struct shard_end *end,
    const uint8_t *tail, uint64_t len, uint64_t off)
{
	struct shard_header h = { s->p.stripe, i, s->p.id, s->p.part };
	uint64_t pages_len = shard_page_count(end->data_bytes) *
	    SHARD_SUM_BYTES;
	struct source *src = &s->src[i];
	const uint8_t *pages;
	struct shard_tail t;

	if (shard_tail_decode(&t, &pages, &h, end, tail, len) != EC_OK ||
	    (s->meta != NULL &&
	    (end->meta_bytes != shard_meta_bytes(&s->tail) ||
	    memcmp(s->meta, tail + pages_len, end->meta_bytes) != 0))) {
		report_dead(s, i, EC_ECORRUPT, off);
		return EC_OK;
	}
	if (s->meta == NULL) {
		if ((s->tail_bytes = malloc(len)) == NULL)
			return EC_ENOMEM;
		memcpy(s->tail_bytes, tail, len);
		s->tail_len = len;
		shard_tail_decode(&s->tail, &pages, &h, end, s->tail_bytes,
		    len);
		s->meta = s->tail_bytes + pages_len;
		s->data_bytes = end->data_bytes;
	}
	if (pages_len > 0) {
		if ((src->pages = malloc(pages_len)) == NULL)
			return EC_ENOMEM;
		memcpy(src->pages, tail, pages_len);
	}
	src->opened = true;
	return EC_OK;
}

/* ${sums} are page ${n} of source ${i}, if they hash to what they should. */
static enum err
keep_page(struct sources *s, unsigned i, uint64_t n, const uint8_t *sums,
    bool *good)
{
	size_t len = shard_page_bytes(s->data_bytes, n);
	struct source *src = &s->src[i];

	*good = bitrot_check(src->pages + n * SHARD_SUM_BYTES, sums, len);
	if (!*good || sums == src->page)
		return EC_OK;
	if (src->page == NULL && (src->page = malloc(shard_page_bytes(
	    s->data_bytes, 0))) == NULL)
		return EC_ENOMEM;
	memcpy(src->page, sums, len);
	src->page_at = n;
	return EC_OK;
}

/* The last ${len} bytes of source ${i}'s file are at ${buf}. */
static enum err
open_one(struct sources *s, unsigned i, const uint8_t *buf, size_t len)
{
	const struct decode_source *in = &s->src[i].in;
	uint64_t end_off = in->file_bytes - SHARD_END_BYTES, tail_len, off;
	const uint8_t *tail = buf;
	uint8_t *whole = NULL;
	struct shard_end end;
	bool good;
	enum err e;

	e = shard_end_decode(&end, buf + len - SHARD_END_BYTES,
	    in->file_bytes);
	if (e != EC_OK) {
		report_dead(s, i, EC_ECORRUPT, end_off);
		return EC_OK;
	}
	tail_len = shard_tail_bytes(&end);
	off = in->file_bytes - tail_len;
	if (tail_len <= len) {
		tail = buf + len - tail_len;
	} else {
		if ((tail = whole = malloc(tail_len)) == NULL)
			return EC_ENOMEM;
		e = sources_pread(s, i, whole, tail_len, off);
		if (e != EC_OK) {
			report_dead(s, i, e, off);
			e = EC_OK;
			goto out;
		}
	}
	e = adopt(s, i, &end, tail, tail_len, off);
	if (e == EC_OK && s->src[i].opened &&
	    shard_page_count(end.data_bytes) == 1 &&
	    tail_len + shard_page_bytes(end.data_bytes, 0) <= len)
		e = keep_page(s, i, 0, tail -
		    shard_page_bytes(end.data_bytes, 0), &good);
out:
	free(whole);
	return e;
}

enum err
sources_open(struct sources *s, const unsigned index[], unsigned n)
{
	uint8_t *guess = NULL;
	unsigned count = 0;
	enum err e = EC_OK;

	for (unsigned j = 0; j < n; j++) {
		struct source *src = &s->src[index[j]];
		uint64_t bytes = src->in.file_bytes;

		if (src->opened || src->dead)
			continue;
		if (bytes < SHARD_HEADER_BYTES + SHARD_END_BYTES) {
			report_dead(s, index[j], EC_ECORRUPT, bytes);
			continue;
		}
		s->reads[count].index = index[j];
		s->reads[count].len = num_min(bytes - SHARD_HEADER_BYTES,
		    TAIL_GUESS_BYTES);
		s->reads[count].off = bytes - s->reads[count].len;
		count++;
	}
	if (count == 0)
		return EC_OK;
	if ((guess = mem_array(count, TAIL_GUESS_BYTES)) == NULL)
		return EC_ENOMEM;
	for (unsigned j = 0; j < count; j++)
		s->reads[j].buf = guess + j * (size_t)TAIL_GUESS_BYTES;
	fetch(s, s->reads, count);
	for (unsigned j = 0; j < count && e == EC_OK; j++) {
		struct decode_read *r = &s->reads[j];

		if (r->err != EC_OK)
			report_dead(s, r->index, r->err, r->off);
		else
			e = open_one(s, r->index, r->buf, r->len);
	}
	free(guess);
	return e;
}

/* Have page ${n} of each of ${index} at hand, or the source is suspect. */
static enum err
need_page(struct sources *s, const unsigned index[], unsigned count,
    uint64_t n)
{
	unsigned todo = 0;
	enum err e;
	bool good;

	for (unsigned j = 0; j < count; j++) {
		struct source *src = &s->src[index[j]];

		if (!src->opened || src->page_at == n)
			continue;
		if (src->page == NULL && (src->page = malloc(shard_page_bytes(
		    s->data_bytes, 0))) == NULL)
			return EC_ENOMEM;
		src->page_at = UINT64_MAX;
		plan(&s->reads[todo++], index[j], src->page,
		    shard_page_bytes(s->data_bytes, n),
		    shard_page_off(s->data_bytes, n));
	}
	fetch(s, s->reads, todo);
	for (unsigned j = 0; j < todo; j++) {
		struct decode_read *r = &s->reads[j];

		if (r->err != EC_OK) {
			report(s, r->index, r->err, r->off);
			continue;
		}
		e = keep_page(s, r->index, n, r->buf, &good);
		if (e != EC_OK)
			return e;
		if (good)
			s->src[r->index].page_at = n;
		else
			report(s, r->index, EC_ECORRUPT, r->off);
	}
	return EC_OK;
}

/* Room for the sums of ${leaves} leaves of each of ${n} shards. */
static enum err
need_sums(struct sources *s, unsigned n, size_t leaves)
{
	size_t len = n * leaves * SHARD_SUM_BYTES;

	if (len > s->sums_cap) {
		free(s->sums);
		s->sums_cap = 0;
		if ((s->sums = malloc(len)) == NULL)
			return EC_ENOMEM;
		s->sums_cap = len;
	}
	for (unsigned j = 0; j < n; j++)
		s->sum[j] = s->sums + j * leaves * SHARD_SUM_BYTES;
	return EC_OK;
}

/* reads[0 .. n) of [lo, hi) went well: which of them have the right bytes? */
static enum err
check(struct sources *s, unsigned n, uint64_t lo, uint64_t hi, bool have[])
{
	const uint8_t *buf[UINT8_MAX];
	size_t leaves = shard_leaf_count(hi - lo);
	size_t first = lo / SHARD_LEAF_BYTES % SHARD_PAGE_LEAVES;
	enum err e;

	if (n == 0)
		return EC_OK;
	if ((e = need_sums(s, n, leaves)) != EC_OK)
		return e;
	for (unsigned j = 0; j < n; j++)
		buf[j] = s->reads[j].buf;
	bitrot_sum_shards(s->sum, buf, n, hi - lo, SHARD_LEAF_BYTES);
	for (unsigned j = 0; j < n; j++) {
		unsigned i = s->reads[j].index;
		const uint8_t *page = s->src[i].page + first * SHARD_SUM_BYTES;
		size_t leaf = 0;

		while (leaf < leaves && memcmp(s->sum[j] + leaf *
		    SHARD_SUM_BYTES, page + leaf * SHARD_SUM_BYTES,
		    SHARD_SUM_BYTES) == 0)
			leaf++;
		have[i] = leaf == leaves;
		if (!have[i])
			report(s, i, EC_ECORRUPT, shard_data_off(lo) +
			    leaf * SHARD_LEAF_BYTES);
	}
	return EC_OK;
}

enum err
sources_read(struct sources *s, const unsigned index[], unsigned n,
    uint64_t lo, uint64_t hi, uint8_t *const at[], bool have[])
{
	uint64_t page = lo / SHARD_GROUP_BYTES;
	unsigned todo = 0, good = 0;
	enum err e;

	if ((e = sources_open(s, index, n)) != EC_OK ||
	    (e = need_page(s, index, n, page)) != EC_OK)
		return e;
	for (unsigned j = 0; j < n; j++) {
		const struct source *src = &s->src[index[j]];

		if (src->opened && src->page_at == page)
			plan(&s->reads[todo++], index[j], at[index[j]],
			    hi - lo, shard_data_off(lo));
	}
	fetch(s, s->reads, todo);
	for (unsigned j = 0; j < todo; j++) {
		const struct decode_read *r = &s->reads[j];

		if (r->err == EC_EBUSY)
			e = EC_EBUSY;
		if (r->err == EC_OK)
			s->reads[good++] = *r;
		else
			report(s, r->index, r->err, r->off);
	}
	return e != EC_OK ? e : check(s, good, lo, hi, have);
}
