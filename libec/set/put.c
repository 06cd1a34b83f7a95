/* put: see the header.
 *
 * 1. Bytes are collected until they are known not to fit inline; then they go
 *    to put_stream, and so does the rest.  A part always does, unless empty.
 * 2. to[] are the drives whose shard file is safe: the only ones that may be
 *    given the record.  So as many copies of a record, as many shards. */
#include "set/put.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/num.h"
#include "set/commit.h"
#include "set/object.h"
#include "set/placement.h"
#include "set/put_stream.h"
#include "set/quorum.h"
#include "set/set_impl.h"

enum {
	FIRST_BYTES = 16 * 1024,	/* of what is not known to be longer */
	SMALL_BYTES = 128 * 1024,	/* more is rather taken from the pool */
};

/* What may still be inline is in memory of its own, never of the pool: a writer
 * that holds a buffer while it waits for more, or for a slow sender, would keep
 * all others waiting.  The pieces are there for the commit only; they take a
 * buffer when there is one. */
struct room {
	uint8_t *at;
	size_t cap;
	bool pooled;
};

struct put {
	struct set *s;
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct put_params params;
	struct buf meta;
	struct stripe stripe;
	unsigned start, quorum;
	struct uuid data;
	uint64_t size;			/* so far */
	struct room room;		/* what may still be inline */
	size_t room_bytes;
	struct room pieces;		/* all shards of it */
	uint8_t sums[SET_DRIVES_MAX][32];
	struct put_stream *stream;
	uint8_t md5[16];
	bool finished;
	bool to[SET_DRIVES_MAX], keep[SET_DRIVES_MAX];
};

static void
room_put(struct put *p, struct room *r)
{
	if (r->at != NULL && r->pooled)
		mem_pool_put(p->s->pool, r->at);
	else
		free(r->at);
	*r = (struct room){ .at = NULL };
}

/* Make it ${bytes} long; the first ${used} are kept. */
static enum err
room_grow(struct put *p, struct room *r, size_t bytes, size_t used)
{
	struct room more = { .cap = bytes };

	if (bytes <= r->cap)
		return EC_OK;
	if ((more.at = mem_aligned(bytes, STRIPE_ALIGN)) == NULL)
		return EC_ENOMEM;
	if (used > 0)
		memcpy(more.at, r->at, used);
	room_put(p, r);
	*r = more;
	return EC_OK;
}

static enum err
pieces_get(struct put *p, size_t bytes)
{
	struct room *r = &p->pieces;

	if (bytes > SMALL_BYTES &&
	    mem_pool_get(p->s->pool, &r->at, 0) == EC_OK) {
		r->pooled = true;
		return EC_OK;
	}
	return room_grow(p, r, bytes, 0);
}

/* The drives that are there now decide the parity. */
static enum err
choose_geometry(struct put *p)
{
	enum err results[SET_DRIVES_MAX];
	unsigned n = p->s->n, m = p->s->parity, off = set_offline(p->s);

	if (p->params.parity > (int)(n / 2))
		return EC_EINVAL;
	if (p->params.parity >= 0)
		m = (unsigned)p->params.parity;
	m = quorum_parity(n, m, off);
	p->stripe = (struct stripe){ .k = n - m, .m = m,
		.unit = STRIPE_UNIT_DEFAULT };
	p->quorum = quorum_write(p->stripe.k, m);
	if (p->quorum > n)
		p->quorum = n;
	if (n - off >= p->quorum)
		return EC_OK;
	for (unsigned i = 0; i < n; i++)
		results[i] = lane_state(p->s->lane[i]) == LANE_ONLINE ?
		    EC_OK : EC_EOFFLINE;
	set_complain(p->s, "write quorum", p->quorum, results);
	return EC_EQUORUM;
}

static enum err
stream_open(struct put *p)
{
	struct put_stream_params sp = { .stripe = p->stripe,
		.data = p->data, .start = p->start, .quorum = p->quorum,
		.part = p->params.part > 0 ? p->params.part : 1,
		.size = p->params.size, .md5 = !p->params.fast_etag };

	return put_stream_new(&p->stream, p->s, &sp);
}

enum err
put_open(struct put **out, struct set *s, const struct put_params *params)
{
	struct put *p;
	enum err e;

	set_complain_clear();
	if (strlen(params->bucket) > RECORD_BUCKET_MAX ||
	    strlen(params->key) > RECORD_KEY_MAX)
		return EC_EINVAL;
	if ((p = mem_array(1, sizeof(*p))) == NULL)
		return EC_ENOMEM;
	p->s = s;
	p->params = *params;
	strcpy(p->bucket, params->bucket);
	strcpy(p->key, params->key);
	p->meta = (struct buf)BUF_INIT(RECORD_META_MAX);
	p->start = placement_start(p->bucket, p->key, s->n);
	p->data = uuid_new();
	if ((e = choose_geometry(p)) != EC_OK)
		goto out;
	if (params->meta_len > 0 && (e = buf_add(&p->meta, params->meta,
	    params->meta_len)) != EC_OK)
		goto out;
	p->room_bytes = (size_t)p->stripe.k * p->stripe.unit;
	if (params->part > 0 ||
	    (params->size != UINT64_MAX && params->size > p->room_bytes))
		p->room_bytes = 0;
	else if (params->size < p->room_bytes)
		p->room_bytes = (size_t)params->size;
out:
	if (e != EC_OK) {
		put_free(p);
		return e;
	}
	*out = p;
	return EC_OK;
}

/* Name the drives that were lacking when the error is one of too few. */
static enum err
stream_result(struct put *p, enum err e)
{
	enum err results[SET_DRIVES_MAX];

	if (e != EC_EQUORUM || p->stream == NULL)
		return e;
	put_stream_results(p->stream, results);
	set_complain(p->s, "write quorum", p->quorum, results);
	return quorum_result(results, p->s->n, p->quorum);
}

/* What was collected does not fit inline. */
static enum err
spill(struct put *p)
{
	enum err e;

	if ((e = stream_open(p)) == EC_OK && p->size > 0) {
		e = put_stream_write(p->stream, p->room.at, (size_t)p->size);
		put_stream_settle(p->stream);
	}
	room_put(p, &p->room);
	return e;
}

/* It may still fit: keep it. */
static enum err
collect(struct put *p, const void *buf, size_t len)
{
	size_t used = (size_t)p->size, want = used + len;
	enum err e;

	if (want > p->room.cap && want < p->room_bytes) {
		if (p->params.size != UINT64_MAX)
			want = p->room_bytes;
		else if (want < FIRST_BYTES || want < 2 * p->room.cap)
			want = num_min(p->room_bytes, 2 * p->room.cap >
			    FIRST_BYTES ? 2 * p->room.cap : FIRST_BYTES);
	}
	if ((e = room_grow(p, &p->room, want, used)) != EC_OK)
		return e;
	memcpy(p->room.at + used, buf, len);
	p->size += len;
	return EC_OK;
}

enum err
put_lend(struct put *p, const void *buf, size_t len)
{
	enum err e = EC_OK;

	if (len == 0)
		return EC_OK;
	if (p->stream == NULL && len <= p->room_bytes - p->size)
		return collect(p, buf, len);
	if (p->stream == NULL)
		e = spill(p);
	if (e == EC_OK)
		e = put_stream_write(p->stream, buf, len);
	p->size += len;
	return stream_result(p, e);
}

void
put_settle(struct put *p)
{
	if (p->stream != NULL)
		put_stream_settle(p->stream);
}

enum err
put_write(struct put *p, const void *buf, size_t len)
{
	enum err e = put_lend(p, buf, len);

	put_settle(p);
	return e;
}

enum err
put_meta(struct put *p, const uint8_t *meta, size_t len)
{
	return buf_add(&p->meta, meta, len);
}

static enum err
finish_small(struct put *p)
{
	size_t piece = stripe_piece_bytes(&p->stripe, p->size);
	enum err e;

	if (!p->params.fast_etag || p->size == 0)
		digest_once(DIGEST_MD5, p->room.at, (size_t)p->size, p->md5);
	if (p->size == 0)
		return EC_OK;
	if ((e = pieces_get(p, piece * p->s->n)) != EC_OK)
		return e;
	e = encode_inline(&p->stripe, p->room.at, (size_t)p->size,
	    p->pieces.at, p->sums);
	room_put(p, &p->room);
	return e;
}

static enum err
finish_stream(struct put *p)
{
	struct shard_tail t = { .bucket = p->bucket, .key = p->key,
		.extra = p->meta.data, .extra_len = (uint32_t)p->meta.len };
	enum err e;

	e = put_stream_finish(p->stream, &t, p->to);
	memcpy(p->md5, t.md5, sizeof(p->md5));
	return stream_result(p, e);
}

enum err
put_finish(struct put *p, uint8_t md5[16])
{
	enum err e;

	e = p->stream != NULL ? finish_stream(p) : finish_small(p);
	if (e != EC_OK)
		return e;
	p->finished = true;
	if (md5 != NULL)
		memcpy(md5, p->md5, sizeof(p->md5));
	return EC_OK;
}

static void
fill_part(const struct put *p, struct record_part *part)
{
	*part = (struct record_part){ .size = p->size,
		.number = p->params.part > 0 ? p->params.part : 1,
		.k = (uint8_t)p->stripe.k, .m = (uint8_t)p->stripe.m,
		.unit = p->stripe.unit };
	memcpy(part->md5, p->md5, sizeof(part->md5));
	if (p->stream != NULL)
		part->data = p->data;
}

static void
fill_record(const struct put *p, struct record *r, const char *etag,
    const struct record_part *part)
{
	*r = (struct record){ .kind = RECORD_OBJECT, .bucket = p->bucket,
		.key = p->key, .mtime_us = clock_real_us(), .size = p->size,
		.etag = etag, .k = (uint8_t)p->stripe.k,
		.m = (uint8_t)p->stripe.m, .start = (uint8_t)p->start,
		.parts = part, .meta = p->meta.data,
		.meta_len = (uint32_t)p->meta.len };
	if (p->size > 0 || p->params.part > 0)
		r->part_count = 1;
	if (p->params.null_version)
		r->flags |= RECORD_NULL;
	if (p->size > 0 && p->stream == NULL) {
		r->flags |= RECORD_INLINE;
		r->inline_len = stripe_piece_bytes(&p->stripe, p->size);
	}
	if (p->params.part > 0) {
		r->kind = RECORD_PART;
		r->flags &= ~(unsigned)RECORD_NULL;
		r->target = p->params.upload;
	}
}

/* Who may be given the record: of a small object whoever is there by now. */
static void
targets(const struct put *p, bool to[])
{
	for (unsigned i = 0; i < p->s->n; i++)
		to[i] = p->stream != NULL ? p->to[i] :
		    lane_state(p->s->lane[i]) == LANE_ONLINE;
}

void
put_null_version(struct put *p, bool null_version)
{
	p->params.null_version = null_version;
}

static void
own_etag(const struct put *p, char hex[RECORD_ETAG_MAX + 1])
{
	bool fast = p->params.fast_etag && p->size > 0;

	num_hex(hex, fast ? p->data.b : p->md5, sizeof(p->md5));
	if (fast)
		memcpy(hex + sizeof(p->md5) * 2, "-1", 3);
}

enum err
put_commit(struct put *p, const char *etag, struct object *out)
{
	enum err why[SET_DRIVES_MAX];
	struct record_part part;
	char hex[RECORD_ETAG_MAX + 1];
	struct record r;
	struct commit c = { .s = p->s, .rec = &r, .quorum = p->quorum,
		.what = "write quorum",
		.pieces = p->pieces.at,
		.sums = (const uint8_t (*)[32])p->sums };
	enum err e;

	if (!p->finished)
		return EC_EINVAL;
	own_etag(p, hex);
	if (etag == NULL)
		etag = hex;
	if (strlen(etag) > RECORD_ETAG_MAX)
		return EC_EINVAL;
	fill_part(p, &part);
	fill_record(p, &r, etag, &part);
	targets(p, c.to);
	if (p->stream != NULL) {
		put_stream_results(p->stream, why);
		c.why = why;
	}
	e = commit_run(&c);
	memcpy(p->keep, c.holds, sizeof(p->keep));
	if (e != EC_OK)
		return e;
	if (c.superseded)
		commit_purge_older(p->s, p->bucket, p->key, &r.stamp, c.holds);
	if (out == NULL)
		return EC_OK;
	if ((e = object_from_record(out, &r)) == EC_OK)
		out->newest = true;
	return e;
}

void
put_part(const struct put *p, struct record_part *part, unsigned *start)
{
	fill_part(p, part);
	*start = p->start;
}

/* The drives that have the shards of all pieces, and what is the greatest k. */
static void
gather_pieces(struct put *const piece[], unsigned n, const struct object *o,
    struct record_part parts[], struct commit *c)
{
	bool to[SET_DRIVES_MAX];

	targets(piece[0], c->to);
	for (unsigned i = 0; i < n; i++) {
		targets(piece[i], to);
		fill_part(piece[i], &parts[i]);
		if (i < o->part_count)
			parts[i].number = o->parts[i].number;
		if (parts[i].k > c->rec->k)
			c->rec->k = parts[i].k;
		for (unsigned d = 0; d < c->s->n; d++)
			c->to[d] = c->to[d] && to[d];
	}
	c->rec->m = (uint8_t)(c->s->n - c->rec->k);
	c->quorum = quorum_write(c->rec->k, c->rec->m);
	if (c->quorum > c->s->n)
		c->quorum = c->s->n;
}

enum err
put_commit_as(struct put *const piece[], unsigned n, const struct object *o)
{
	struct put *p = piece[0];
	struct record_part *parts;
	struct record r;
	struct commit c = { .s = p->s, .rec = &r, .what = "write quorum",
		.as_is = true, .pieces = p->pieces.at,
		.sums = (const uint8_t (*)[32])p->sums };
	enum err e;

	if (n == 0 || n > RECORD_PARTS_MAX)
		return EC_EINVAL;
	if ((parts = mem_array(n, sizeof(*parts))) == NULL)
		return EC_ENOMEM;
	fill_record(p, &r, o->etag, parts);
	r.kind = RECORD_OBJECT;
	r.flags &= RECORD_INLINE;
	r.flags |= o->null_version ? RECORD_NULL : 0;
	r.target = (struct stamp){ 0, 0 };
	r.stamp = o->version;
	r.mtime_us = o->mtime_us;
	r.size = o->size;
	r.part_count = o->part_count;
	gather_pieces(piece, n, o, parts, &c);
	e = commit_run(&c);
	for (unsigned i = 0; i < n; i++)
		memcpy(piece[i]->keep, c.holds, sizeof(c.holds));
	free(parts);
	return e;
}

void
put_free(struct put *p)
{
	if (p == NULL)
		return;
	put_stream_free(p->stream, p->keep);
	room_put(p, &p->room);
	room_put(p, &p->pieces);
	buf_release(&p->meta);
	free(p);
}
