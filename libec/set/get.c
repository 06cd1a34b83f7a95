/* get: see the header. */
#include "set/get.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "codec/decode.h"
#include "set/ask.h"
#include "set/get_shards.h"
#include "set/heal.h"
#include "set/heal_queue.h"
#include "set/object.h"
#include "set/quorum.h"
#include "set/recall.h"
#include "set/set_impl.h"

/* Copies that are missing so long after the write are not just under way. */
enum { SETTLED_US = 10 * 1000 * 1000 };

enum { TRIES = 20 };	/* while others write the key */

const struct stamp get_null_version = { 0, 0 };

struct get {
	struct set *s;
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct stamp version;
	uint64_t size;
	unsigned start;
	const uint8_t *bytes;		/* of an inline object: in own_bytes */
	uint8_t *own_bytes;		/* or in recalled */
	const struct recalled *recalled;
	struct record_part *parts;
	uint64_t *part_at;		/* where in the object each begins */
	uint32_t part_count;
	struct get_shards *shards;	/* of part ${open} */
	uint32_t open;
	bool null_version;
	get_again *again;		/* NULL: nobody to be asked */
	void *again_ctx;
	struct get *instead;		/* what it gave */
};

struct look {	/* what ask_key's judge is told and finds */
	struct set *s;
	const struct stamp *version;
	bool want_bytes;
	const struct state *state;
	const struct state *amend;	/* of its metadata, or NULL */
	uint8_t *bytes;			/* inline: the object, owned */
	unsigned bad;			/* slots whose piece was not */
};

/* The object of an inline state from the pieces that are there. */
static enum err
decode_pieces(struct look *l, const struct state *s)
{
	const struct record *r = s->rec;
	const uint8_t *piece[SET_DRIVES_MAX] = { NULL };
	const uint8_t (*sums[SET_DRIVES_MAX])[32] = { NULL };
	bool bad[SET_DRIVES_MAX] = { false };
	struct stripe stripe = { r->k, r->m, STRIPE_UNIT_DEFAULT };
	enum err e;

	if ((unsigned)r->k + r->m != l->s->n || r->part_count != 1 ||
	    r->size > (uint64_t)r->k * RECORD_INLINE_MAX)
		return EC_ELOST;
	stripe.unit = r->parts[0].unit;
	if (r->inline_len != stripe_piece_bytes(&stripe, r->size))
		return EC_ELOST;
	for (unsigned d = 0; d < l->s->n; d++) {
		const struct record *c = s->copy[d];

		if (c == NULL || c->inline_data == NULL)
			continue;
		piece[c->index] = c->inline_data;
		sums[c->index] = &c->inline_sum;
	}
	if ((l->bytes = malloc((size_t)r->size)) == NULL)
		return EC_ENOMEM;
	e = decode_inline(&stripe, l->bytes, (size_t)r->size, piece, sums,
	    bad);
	for (unsigned d = 0; d < l->s->n; d++)
		if (s->copy[d] != NULL && bad[s->copy[d]->index])
			l->bad |= 1u << d;
	return e;
}

static enum err
judge(const struct resolve *r, void *ctx)
{
	struct look *l = ctx;
	enum err e;

	/* What was found with fewer answers counts no more. */
	free(l->bytes);
	l->bytes = NULL;
	l->bad = 0;
	l->state = l->amend = NULL;
	if (l->version == NULL)
		e = resolve_newest(r, &l->state);
	else
		e = resolve_version(r, stamp_is_zero(l->version) ? NULL :
		    l->version, &l->state);
	if (e == EC_OK)
		e = resolve_amend(r, l->state, &l->amend);
	if (e != EC_OK || !l->want_bytes ||
	    (l->state->rec->flags & RECORD_INLINE) == 0)
		return e;
	if ((e = decode_pieces(l, l->state)) == EC_EQUORUM && r->silent == 0)
		e = EC_ELOST;
	return e;
}

/* Report what was bad, and copies that should be there and are not. */
static void
note_damage(const struct look *l, const struct resolve *r)
{
	const struct state *s = l->state;
	uint64_t age = clock_real_us() - clock_hlc_us(s->rec->stamp.hlc);

	for (unsigned d = 0; d < l->s->n; d++)
		if ((l->bad >> d & 1) != 0)
			lane_count_corrupt(l->s->lane[d]);
	if (l->bad != 0 || (age < UINT64_MAX / 2 && age > SETTLED_US &&
	    s->copies + r->silent < r->drives))
		heal_queue_note(l->s, s->rec->bucket, s->rec->key,
		    &s->rec->stamp);
}

static void
damaged(void *ctx)
{
	const struct get *g = ctx;

	heal_queue_note(g->s, g->bucket, g->key, &g->version);
}

/* Make part ${i} the open one. */
static enum err
open_part(struct get *g, uint32_t i)
{
	struct get_shards_params p = { .part = g->parts[i],
		.start = g->start, .damaged = damaged, .ctx = g };

	if (g->shards != NULL && g->open == i)
		return EC_OK;
	get_shards_free(g->shards);
	g->shards = NULL;
	g->open = i;
	return get_shards_open(&g->shards, g->s, &p);
}

static enum err
take_parts(struct get *g, const struct record *r)
{
	uint64_t at = 0;

	if (r->part_count == 0)
		return r->size == 0 ? EC_OK : EC_ELOST;
	g->parts = mem_array(r->part_count, sizeof(*g->parts));
	g->part_at = mem_array(r->part_count, sizeof(*g->part_at));
	if (g->parts == NULL || g->part_at == NULL)
		return EC_ENOMEM;
	memcpy(g->parts, r->parts, r->part_count * sizeof(*g->parts));
	g->part_count = r->part_count;
	for (uint32_t i = 0; i < r->part_count; i++) {
		g->part_at[i] = at;
		at += r->parts[i].size;
	}
	return at == r->size ? EC_OK : EC_ELOST;
}

static struct get *
get_alloc(struct set *s, const struct record *r)
{
	struct get *g = mem_array(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->s = s;
	strcpy(g->bucket, r->bucket);
	strcpy(g->key, r->key);
	g->version = r->stamp;
	g->null_version = (r->flags & RECORD_NULL) != 0;
	g->size = r->size;
	g->start = r->start;
	return g;
}

/* Make ${g}, which may be NULL, ready to be read. */
static enum err
get_ready(struct get **out, struct get *g, const struct record *r)
{
	enum err e;

	if (g == NULL)
		return EC_ENOMEM;
	if ((e = take_parts(g, r)) == EC_OK && g->bytes == NULL &&
	    g->part_count > 0 && g->parts[0].size > 0)
		e = open_part(g, 0);
	if (e != EC_OK) {
		get_free(g);
		return e;
	}
	*out = g;
	return EC_OK;
}

static enum err
get_new(struct get **out, struct look *l)
{
	struct get *g = get_alloc(l->s, l->state->rec);

	if (g != NULL) {
		g->bytes = g->own_bytes = l->bytes;
		l->bytes = NULL;
	}
	return get_ready(out, g, l->state->rec);
}

/* EC_ENOTFOUND: the drives are to be asked. */
static enum err
get_recalled(struct get **out, struct object *o, struct set *s,
    const char *bucket, const char *key)
{
	const struct recalled *k = recall_get(s, bucket, key, out != NULL);
	struct get *g;
	enum err e;

	if (k == NULL)
		return EC_ENOTFOUND;
	e = object_from_record(o, &k->rec);
	o->newest = true;
	if (e != EC_OK || out == NULL) {
		recall_put(k);
		return e;
	}
	if ((g = get_alloc(s, &k->rec)) != NULL) {
		g->recalled = k;
		g->bytes = k->bytes;
		return get_ready(out, g, &k->rec);
	}
	recall_put(k);
	return EC_ENOMEM;
}

/* What was found without any doubt. */
static void
keep_found(const struct look *l, const struct resolve *r, const struct ask *a,
    struct recall_mark *marks)
{
	const struct state *s = l->state;

	if (l->bad != 0 || r->cut || l->amend != NULL ||
	    s->rec->kind != RECORD_OBJECT ||
	    s->copies + r->silent < r->drives)
		return;
	for (unsigned i = 0; i < l->s->n; i++) {
		const struct answer *w = &a->answer[i];

		if (!w->done || w->err != EC_OK)
			marks->of[i] = 0;
		else if (marks->of[i] == 0)
			return;
	}
	recall_keep(l->s, s->rec, l->bytes, marks);
}

/* A state that drives lack, with fewer copies than a write needs to be
 * acknowledged, is completed before it is shown to anybody: else its copies
 * could go and a later reader would see the older state again.  ${which} is one
 * of ${l}, NULL if there is none. */
static enum err
roll_forward(struct look *l, struct ask *a, struct resolve *r,
    const struct state **which)
{
	struct resolve_input in[SET_DRIVES_MAX];
	const struct record *rec;
	unsigned n = l->s->n;
	enum err e;

	if (*which == NULL)
		return EC_OK;
	if ((*which)->copies >= resolve_need(r, *which) ||
	    (*which)->copies + (*which)->silent >= n)
		return EC_OK;
	if ((*which)->silent > 0) {	/* not all were asked */
		if ((e = ask_rest(a)) != EC_OK)
			return e;
		ask_wait(a, n, ask_late_us(a));
		ask_input(a, in);
		if ((e = resolve_key(r, in, n)) != EC_OK ||
		    (e = judge(r, l)) != EC_OK || *which == NULL)
			return e;
	}
	if ((*which)->copies + (*which)->silent >= resolve_need(r, *which))
		return EC_OK;	/* it may be acknowledged */
	rec = (*which)->rec;
	e = heal_key(l->s, rec->bucket, rec->key, &rec->stamp, 0, NULL);
	if (e == EC_OK || e == EC_EDEGRADED || e == EC_EBUSY)
		return EC_OK;
	return e == EC_ENOMEM ? e : EC_EQUORUM;
}

/* Find the version and open it; *${found} is its stamp, *${doubt} why to look
 * again (resolve_doubt): then nothing is opened. */
static enum err
find(struct get **out, struct object *o, struct look *l,
    struct drive_query *q, struct stamp *found, uint64_t *doubt)
{
	struct resolve r = RESOLVE_INIT;
	struct ask a = ASK_INIT;
	struct recall_mark marks;
	uint64_t before = *doubt;
	enum err e;

	l->state = l->amend = NULL;
	recall_marks(l->s, q->bucket, q->key, &marks);
	e = ask_key(&a, &r, l->s, q, judge, l);
	*doubt = e == EC_OK || e == EC_ENOTFOUND ?
	    resolve_doubt(&r, l->state) : 0;
	if (*doubt != 0 && *doubt != before)
		e = EC_EBUSY;
	if (e != EC_OK)
		goto out;
	*found = l->state->rec->stamp;
	if ((e = roll_forward(l, &a, &r, &l->state)) != EC_OK ||
	    (e = roll_forward(l, &a, &r, &l->amend)) != EC_OK)
		goto out;
	note_damage(l, &r);
	if ((e = object_from_record(o, l->state->rec)) != EC_OK ||
	    (l->amend != NULL &&
	    (e = object_amend(o, l->amend->rec)) != EC_OK))
		goto out;
	o->newest = l->version == NULL;
	if (o->newest && *doubt == 0)
		keep_found(l, &r, &a, &marks);
	if (out != NULL && !o->marker)
		e = get_new(out, l);
out:
	free(l->bytes);
	l->bytes = NULL;
	resolve_release(&r);
	ask_release(&a);
	return e;
}

enum err
get_open(struct get **out, struct object *o, struct set *s,
    const char *bucket, const char *key, const struct stamp *version)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = bucket,
		.key = key, .want_parts = true, .want_inline = out != NULL };
	struct look l = { .s = s, .version = version,
		.want_bytes = out != NULL };
	struct stamp found = { 0, 0 }, before;
	uint64_t doubt = 0;
	unsigned tries = 0;
	bool again;
	enum err e;

	set_complain_clear();
	if (strlen(bucket) > RECORD_BUCKET_MAX || strlen(key) > RECORD_KEY_MAX)
		return EC_EINVAL;
	if (out != NULL)
		*out = NULL;
	if (version == NULL &&
	    get_recalled(out, o, s, bucket, key) == EC_OK)
		return EC_OK;
	do {
		q.newest_only = version == NULL;
		q.limit = version == NULL ? ASK_NEWEST : 100;
		if (version != NULL && stamp_is_zero(version))
			q.null_only = true;
		else if (version != NULL)
			q.target = *version;
		before = found;
		object_release(o);
		e = find(out, o, &l, &q, &found, &doubt);
		/* Between the lookup and the opening of the files, or their
		 * heal, an overwrite may have removed them: then there is
		 * another version. */
		again = e == EC_EBUSY || ((e == EC_ELOST || e == EC_EQUORUM) &&
		    stamp_cmp(&before, &found) != 0);
	} while (again && ++tries < TRIES);
	return e;
}

/* The part that byte ${off} is in. */
static uint32_t
part_of(const struct get *g, uint64_t off)
{
	uint32_t lo = 0, hi = g->part_count;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (g->part_at[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static enum err
read_parts(struct get *g, void *buf, size_t len, uint64_t off)
{
	uint8_t *p = buf;
	enum err e;

	while (len > 0) {
		uint32_t i = part_of(g, off);
		uint64_t in = off - g->part_at[i];
		size_t take = (size_t)num_min(len, g->parts[i].size - in);

		if ((e = open_part(g, i)) != EC_OK ||
		    (e = get_shards_read(g->shards, p, take, in)) != EC_OK)
			return e;
		p += take;
		len -= take;
		off += take;
	}
	return EC_OK;
}

void
get_set_again(struct get *g, get_again *again, void *ctx)
{
	g->again = again;
	g->again_ctx = ctx;
}

/* Is the same version elsewhere? */
static bool
look_elsewhere(struct get *g)
{
	get_again *again = g->again;
	struct get *in = NULL;

	g->again = NULL;
	if (again == NULL || again(g->again_ctx, g->bucket, g->key,
	    g->null_version ? &get_null_version : &g->version, &in) != EC_OK ||
	    in == NULL)
		return false;
	if (stamp_cmp(&in->version, &g->version) == 0) {
		g->instead = in;
		return true;
	}
	get_free(in);
	return false;
}

enum err
get_read(struct get *g, void *buf, size_t len, uint64_t off)
{
	enum err e;

	if (g->instead != NULL)
		g = g->instead;
	if (off > g->size || len > g->size - off)
		return EC_EINVAL;
	if (g->bytes != NULL && len > 0) {
		memcpy(buf, g->bytes + off, len);
		return EC_OK;
	}
	if ((e = read_parts(g, buf, len, off)) != EC_OK && look_elsewhere(g))
		e = get_read(g->instead, buf, len, off);
	return e;
}

static enum err
view_part(struct get *g, const uint8_t **at, size_t *len, uint64_t off,
    uint64_t end)
{
	uint32_t i = part_of(g, off);
	enum err e;

	if ((e = open_part(g, i)) != EC_OK)
		return e;
	return get_shards_view(g->shards, at, len, off - g->part_at[i],
	    num_min(end - g->part_at[i], g->parts[i].size));
}

enum err
get_view(struct get *g, const uint8_t **at, size_t *len, uint64_t off,
    uint64_t end)
{
	enum err e;

	if (g->instead != NULL)
		g = g->instead;
	if (off >= end || end > g->size)
		return EC_EINVAL;
	if (g->bytes != NULL) {
		*at = g->bytes + off;
		*len = (size_t)(end - off);
		return EC_OK;
	}
	if ((e = view_part(g, at, len, off, end)) != EC_OK &&
	    look_elsewhere(g))
		e = get_view(g->instead, at, len, off, end);
	return e;
}

void
get_free(struct get *g)
{
	if (g == NULL)
		return;
	get_free(g->instead);	/* which has none itself */
	get_shards_free(g->shards);
	recall_put(g->recalled);
	free(g->own_bytes);
	free(g->parts);
	free(g->part_at);
	free(g);
}
