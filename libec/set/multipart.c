/* multipart: see the header.
 *
 * Completing is two steps: the object first, and only when it is decided the
 * end of the upload, which takes the part rows with it.  So a completion that
 * fails leaves the upload as it was, and one that is cut off in between leaves
 * the object and an upload that a retry or an abort ends. */
#include "set/multipart.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "set/ask.h"
#include "set/commit.h"
#include "set/heal_queue.h"
#include "set/object.h"
#include "set/placement.h"
#include "set/quorum.h"
#include "set/set_impl.h"

void
upload_release(struct upload *u)
{
	buf_release(&u->meta);
}

static enum err
write_upload(struct set *s, struct record *r, const bool to[], bool holds[])
{
	struct commit c = { .s = s, .rec = r, .what = "upload quorum",
		.quorum = quorum_meta(s->n) };
	enum err e;

	r->kind = RECORD_UPLOAD;
	r->etag = "";
	r->mtime_us = clock_real_us();
	for (unsigned i = 0; i < s->n; i++)
		c.to[i] = to != NULL ? to[i] :
		    lane_state(s->lane[i]) == LANE_ONLINE;
	e = commit_run(&c);
	if (holds != NULL)
		memcpy(holds, c.holds, sizeof(c.holds));
	return e;
}

enum err
multipart_create(struct set *s, const char *bucket, const char *key,
    const uint8_t *meta, size_t meta_len, struct stamp *id)
{
	struct record r = { .bucket = bucket, .key = key, .meta = meta,
		.meta_len = (uint32_t)meta_len, .target = stamp_new() };
	enum err e;

	if (meta_len > RECORD_META_MAX)
		return EC_EINVAL;
	if ((e = write_upload(s, &r, NULL, NULL)) == EC_OK)
		*id = r.target;
	return e;
}

enum err
multipart_from_record(struct upload *u, const struct record *r)
{
	if (strlen(r->key) > RECORD_KEY_MAX)
		return EC_ECORRUPT;
	strcpy(u->key, r->key);
	u->id = r->target;
	u->started_us = clock_hlc_us(r->target.hlc);
	u->meta.len = 0;
	return r->meta_len == 0 ? EC_OK :
	    buf_add(&u->meta, r->meta, r->meta_len);
}

struct look {
	const struct stamp *id;
	const struct state *state;
};

static enum err
judge_upload(const struct resolve *r, void *ctx)
{
	struct look *l = ctx;

	return resolve_state(r, l->id, &l->state);
}

enum err
multipart_get(struct upload *out, struct set *s, const char *bucket,
    const char *key, const struct stamp *id)
{
	struct drive_query q = { .table = DRIVE_UPLOADS, .bucket = bucket,
		.key = key, .target = *id, .want_parts = true, .limit = 4 };
	struct resolve r = RESOLVE_INIT;
	struct ask a = ASK_INIT;
	struct look l = { .id = id };
	enum err e = EC_ENOTFOUND;

	set_complain_clear();
	if (!stamp_is_zero(id))
		e = ask_key(&a, &r, s, &q, judge_upload, &l);
	if (e == EC_OK && (l.state->rec->flags & RECORD_GONE) != 0)
		e = EC_ENOTFOUND;
	if (e == EC_OK)
		e = multipart_from_record(out, l.state->rec);
	resolve_release(&r);
	ask_release(&a);
	return e == EC_ENOTFOUND ? EC_ENOUPLOAD : e;
}

/* Parts. */

static uint32_t
number_of(const struct record *r)
{
	return r->part_count > 0 ? r->parts[0].number : 0;
}

static int
cmp_number(const struct record *a, const struct record *b)
{
	uint32_t x = number_of(a), y = number_of(b);

	return x < y ? -1 : x > y;
}

static enum err
ask_parts(struct ask *a, struct set *s, const char *bucket, const char *key,
    const struct stamp *id)
{
	struct drive_query q = { .table = DRIVE_PARTS, .bucket = bucket,
		.key = key, .target = *id, .want_parts = true,
		.limit = RECORD_PARTS_MAX };

	return ask_most(a, s, &q, false, "part quorum");
}

static enum err
part_take(struct upload_part *p, const struct record *r)
{
	*p = (struct upload_part){ .number = number_of(r), .size = r->size,
		.mtime_us = r->mtime_us, .part = r->parts[0],
		.meta = BUF_INIT(RECORD_META_MAX) };
	if (strlen(r->etag) > RECORD_ETAG_MAX)
		return EC_ECORRUPT;
	strcpy(p->etag, r->etag);
	return r->meta_len == 0 ? EC_OK :
	    buf_add(&p->meta, r->meta, r->meta_len);
}

struct parts {
	struct upload_part *list;
	unsigned n, after, max;
	bool more;
};

static void
parts_release(struct parts *p)
{
	while (p->n > 0)
		buf_release(&p->list[--p->n].meta);
}

static enum err
list_parts(struct parts *p, const struct ask *a)
{
	struct resolve_input in[SET_DRIVES_MAX], group[SET_DRIVES_MAX];
	unsigned drives = a->s->n;
	struct resolve r = RESOLVE_INIT;
	const struct state *state;
	enum err e = EC_OK;

	ask_input(a, in);
	while (e == EC_OK && resolve_split(in, group, drives, cmp_number)) {
		if ((e = resolve_key(&r, group, drives)) != EC_OK)
			break;
		if (number_of(r.state[0].rec) <= p->after)
			continue;
		e = resolve_state(&r, NULL, &state);
		if (e == EC_OK && (p->more = p->n == p->max))
			break;
		if (e == EC_OK)
			e = part_take(&p->list[p->n++], state->rec);
		else if (e == EC_ENOTFOUND)
			e = EC_OK;
	}
	resolve_release(&r);
	return e;
}

enum err
multipart_parts(struct set *s, const char *bucket, const char *key,
    const struct stamp *id, unsigned after, unsigned max,
    struct upload_part **out, unsigned *n, bool *more)
{
	struct parts p = { .after = after, .max = max };
	struct ask a = ASK_INIT;
	enum err e;

	set_complain_clear();
	if ((e = ask_parts(&a, s, bucket, key, id)) != EC_OK)
		goto out;
	if ((p.list = mem_array(max, sizeof(*p.list))) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	while ((e = list_parts(&p, &a)) == EC_EQUORUM && ask_more(&a))
		parts_release(&p);
	if (e != EC_OK)
		goto out;
	*out = p.list;
	*n = p.n;
	*more = p.more;
	p = (struct parts){ .list = NULL };
out:
	parts_release(&p);
	free(p.list);
	ask_release(&a);
	return e;
}

/* Completing. */

struct making {
	struct set *s;
	const struct upload_part *want;
	unsigned n, found;
	struct record_part *parts;
	uint64_t size;
	unsigned k;
	bool lacking;		/* some part is not on every drive */
};

/* A part that was asked for, among the states of its number. */
static enum err
make_part(struct making *mk, const struct resolve *r)
{
	const struct upload_part *w = &mk->want[mk->found];

	for (unsigned i = 0; i < r->count; i++) {
		const struct state *st = &r->state[i];
		const struct record_part *p = &st->rec->parts[0];

		if (!uuid_equal(&p->data, &w->part.data))
			continue;
		if (st->verdict == QUORUM_POSSIBLE)
			return EC_EQUORUM;
		if (st->verdict == QUORUM_VOID)
			return EC_ENOTFOUND;
		mk->parts[mk->found++] = *p;
		mk->size += p->size;
		mk->k = p->k > mk->k ? p->k : mk->k;
		mk->lacking = mk->lacking || st->copies < mk->s->n;
		return EC_OK;
	}
	return EC_ENOTFOUND;
}

static enum err
make_parts(struct making *mk, const struct ask *a)
{
	struct resolve_input in[SET_DRIVES_MAX], group[SET_DRIVES_MAX];
	struct resolve r = RESOLVE_INIT;
	enum err e = EC_OK;

	mk->found = mk->k = 0;
	mk->size = 0;
	mk->lacking = false;
	ask_input(a, in);
	while (e == EC_OK && mk->found < mk->n &&
	    resolve_split(in, group, mk->s->n, cmp_number)) {
		if ((e = resolve_key(&r, group, mk->s->n)) == EC_OK &&
		    r.count > 0 && number_of(r.state[0].rec) ==
		    mk->want[mk->found].number)
			e = make_part(mk, &r);
	}
	resolve_release(&r);
	return e == EC_OK && mk->found < mk->n ? EC_ENOTFOUND : e;
}

static enum err
end_upload(struct set *s, const char *bucket, const char *key,
    const struct stamp *id, const bool to[])
{
	struct record r = { .bucket = bucket, .key = key, .target = *id,
		.flags = RECORD_GONE };

	return write_upload(s, &r, to, NULL);
}

static enum err
commit_object(struct making *mk, struct record *r, bool holds[])
{
	struct set *s = mk->s;
	struct commit c = { .s = s, .rec = r, .what = "write quorum" };
	enum err e;

	if (mk->k == 0)
		mk->k = s->n - s->parity;
	r->kind = RECORD_OBJECT;
	r->mtime_us = clock_real_us();
	r->size = mk->size;
	r->k = (uint8_t)mk->k;
	r->m = (uint8_t)(s->n - mk->k);
	r->start = (uint8_t)placement_start(r->bucket, r->key, s->n);
	r->parts = mk->parts;
	r->part_count = mk->found;
	c.quorum = quorum_write(r->k, r->m);
	if (c.quorum > s->n)
		c.quorum = s->n;
	for (unsigned i = 0; i < s->n; i++)
		c.to[i] = lane_state(s->lane[i]) == LANE_ONLINE;
	if ((e = commit_run(&c)) != EC_OK)
		return e;
	memcpy(holds, c.holds, sizeof(c.holds));
	if (mk->lacking)
		heal_queue_note(s, r->bucket, r->key, &r->stamp);
	if (c.superseded)
		commit_purge_older(s, r->bucket, r->key, &r->stamp, c.holds);
	return EC_OK;
}

enum err
multipart_complete(struct set *s, const char *bucket, const char *key,
    const struct stamp *id, const struct upload_part *parts, unsigned n,
    const char *etag, bool null_version, const uint8_t *extra,
    size_t extra_len, struct object *out)
{
	struct record r = { .bucket = bucket, .key = key, .etag = etag,
		.flags = null_version ? RECORD_NULL : 0 };
	struct making mk = { .s = s, .want = parts, .n = n };
	struct upload u = UPLOAD_INIT;
	bool holds[SET_DRIVES_MAX];
	struct ask a = ASK_INIT;
	enum err e;

	if (n < 1 || n > RECORD_PARTS_MAX || strlen(etag) > RECORD_ETAG_MAX)
		return EC_EINVAL;
	if ((e = multipart_get(&u, s, bucket, key, id)) != EC_OK ||
	    (extra_len > 0 &&
	    (e = buf_add(&u.meta, extra, extra_len)) != EC_OK) ||
	    (e = ask_parts(&a, s, bucket, key, id)) != EC_OK)
		goto out;
	if ((mk.parts = mem_array(n, sizeof(*mk.parts))) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	while ((e = make_parts(&mk, &a)) == EC_EQUORUM && ask_more(&a))
		;
	if (e != EC_OK)
		goto out;
	r.meta = u.meta.data;
	r.meta_len = (uint32_t)u.meta.len;
	if ((e = commit_object(&mk, &r, holds)) != EC_OK)
		goto out;
	/* The object stands; an upload that is still there is ended later. */
	end_upload(s, bucket, key, id, holds);
	if (out != NULL && (e = object_from_record(out, &r)) == EC_OK)
		out->newest = true;
out:
	free(mk.parts);
	upload_release(&u);
	ask_release(&a);
	return e;
}

enum err
multipart_abort(struct set *s, const char *bucket, const char *key,
    const struct stamp *id)
{
	struct upload u = UPLOAD_INIT;
	enum err e;

	e = multipart_get(&u, s, bucket, key, id);
	upload_release(&u);
	return e != EC_OK ? e : end_upload(s, bucket, key, id, NULL);
}
