/* heal_inline */
#include "set/heal_inline.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "set/placement.h"

static struct stripe
inline_stripe(const struct record *r)
{
	struct stripe s = { r->k, r->m, STRIPE_UNIT_DEFAULT };

	if (r->part_count > 0)
		s = (struct stripe){ r->parts[0].k, r->parts[0].m,
		    r->parts[0].unit };
	return s;
}

size_t
heal_piece_bytes(const struct record *r)
{
	struct stripe s = inline_stripe(r);

	if (stripe_valid(&s) != EC_OK || r->size == 0 ||
	    stripe_count(&s, r->size) != 1)
		return 0;
	return stripe_piece_bytes(&s, r->size);
}

/* The record of ${v} that drive ${i} gave with its piece; NULL if none. */
static const struct record *
piece_find(const struct resolve_input *in, const struct heal_version *v,
    unsigned shard)
{
	for (unsigned j = 0; j < in->n; j++)
		if (stamp_cmp(&in->rec[j].stamp, &v->best->stamp) == 0 &&
		    record_agrees(&in->rec[j], v->best) &&
		    in->rec[j].index == shard)
			return &in->rec[j];
	return NULL;
}

static enum err
piece_check(const struct heal_pieces *p, const struct record *r)
{
	if (r->inline_data == NULL || r->inline_len != p->piece_bytes ||
	    !bitrot_check(r->inline_sum, r->inline_data, r->inline_len))
		return EC_ECORRUPT;
	return EC_OK;
}

/* Shard i's record goes to by[i]. */
static void
pieces_sort(struct heal_pieces *p, const struct resolve_input in[],
    const struct heal_version *v, const struct record *by[])
{
	for (unsigned i = 0; i < p->n; i++) {
		unsigned drive = placement_drive(v->best->start, i, p->n);

		p->err[i] = EC_EOFFLINE;
		if (in[drive].silent)
			continue;
		by[i] = piece_find(&in[drive], v, i);
		p->err[i] = by[i] == NULL ? EC_ENOTFOUND :
		    piece_check(p, by[i]);
		if (p->err[i] == EC_OK) {
			p->bytes_read += p->piece_bytes;
			p->good++;
		}
	}
}

static enum err
pieces_rebuild(struct heal_pieces *p, const struct record *r,
    const struct record *const by[])
{
	struct stripe s = inline_stripe(r);
	const uint8_t *piece[SET_DRIVES_MAX] = { NULL };
	const uint8_t (*sum[SET_DRIVES_MAX])[32] = { NULL };
	bool bad[SET_DRIVES_MAX] = { false };
	uint8_t *data = malloc(r->size);
	enum err e = EC_ENOMEM;

	p->bytes = mem_array(p->n, p->piece_bytes);
	if (data == NULL || p->bytes == NULL)
		goto out;
	for (unsigned i = 0; i < p->n; i++) {
		if (p->err[i] != EC_OK)
			continue;
		piece[i] = by[i]->inline_data;
		sum[i] = &by[i]->inline_sum;
	}
	e = decode_inline(&s, data, r->size, piece, sum, bad);
	if (e == EC_OK)
		e = encode_inline(&s, data, r->size, p->bytes, p->sum);
out:
	free(data);
	return e == EC_EQUORUM ? EC_ELOST : e;
}

/* The census may have been asked for with inline data: as if that had been the
 * answer. */
static bool
pieces_there(const struct heal_census *c, const struct heal_version *v,
    struct resolve_input in[])
{
	for (unsigned i = 0; i < c->drives; i++) {
		const struct record *r = v->on[i];

		if (r != NULL && r->inline_len > 0 && r->inline_data == NULL)
			return false;
		in[i] = (struct resolve_input){ .rec = r, .n = r != NULL,
			.silent = !c->answered[i] };
	}
	return true;
}

enum err
heal_pieces_fetch(struct heal_pieces *p, struct set *s,
    const struct heal_census *c, const struct heal_version *v, bool rebuild)
{
	const struct record *r = v->best;
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = r->bucket, .key = r->key,
		.target = r->stamp, .want_inline = true, .want_parts = true,
		.limit = 100,
	};
	const struct record *by[SET_DRIVES_MAX] = { NULL };
	struct resolve_input in[SET_DRIVES_MAX];
	struct ask a = ASK_INIT;
	enum err e = EC_OK;

	memset(p, 0, sizeof *p);
	p->n = set_drives(s);
	p->piece_bytes = heal_piece_bytes(r);
	if (!pieces_there(c, v, in)) {
		if ((e = heal_ask(&a, s, &q)) != EC_OK)
			goto out;
		ask_input(&a, in);
	}
	pieces_sort(p, in, v, by);
	if (p->good < inline_stripe(r).k || p->piece_bytes == 0)
		e = EC_ELOST;
	else if (rebuild)
		e = pieces_rebuild(p, r, by);
out:
	ask_release(&a);
	return e;
}

void
heal_pieces_release(struct heal_pieces *p)
{
	free(p->bytes);
	memset(p, 0, sizeof *p);
}
