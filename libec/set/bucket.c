/* bucket: see the header.  A removed bucket is a record like any other, with
 * RECORD_GONE: so a drive that missed the removal does not bring it back. */
#include "set/bucket.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "set/commit.h"
#include "set/quorum.h"
#include "set/set_impl.h"
#include "set/sweep.h"

void
bucket_release(struct bucket *b)
{
	buf_release(&b->meta);
}

static enum err
from_record(struct bucket *b, const struct record *r)
{
	if (strlen(r->bucket) > RECORD_BUCKET_MAX)
		return EC_ECORRUPT;
	strcpy(b->name, r->bucket);
	b->created_us = r->mtime_us;
	b->stamp = r->stamp;
	b->closed = (r->flags & RECORD_CLOSED) != 0;
	b->meta.len = 0;
	return r->meta_len == 0 ? EC_OK :
	    buf_add(&b->meta, r->meta, r->meta_len);
}

static enum err
judge(const struct resolve *r, void *ctx)
{
	return resolve_state(r, NULL, ctx);
}

enum err
bucket_get(struct bucket *out, struct set *s, const char *name)
{
	struct drive_query q = { .table = DRIVE_BUCKETS, .bucket = name,
		.want_parts = true, .limit = 4 };
	struct resolve r = RESOLVE_INIT;
	const struct state *state = NULL;
	struct ask a = ASK_INIT;
	enum err e;

	set_complain_clear();
	e = ask_key(&a, &r, s, &q, judge, &state);
	if (e == EC_OK && (state->rec->flags & RECORD_GONE) != 0)
		e = EC_ENOTFOUND;
	if (e == EC_OK)
		e = from_record(out, state->rec);
	resolve_release(&r);
	ask_release(&a);
	return e == EC_ENOTFOUND ? EC_ENOBUCKET : e;
}

static enum err
write_state(struct set *s, struct record *r)
{
	struct commit c = { .s = s, .rec = r, .what = "bucket quorum",
		.quorum = quorum_meta(s->n) };

	r->kind = RECORD_BUCKET;
	r->key = r->etag = "";
	for (unsigned i = 0; i < s->n; i++)
		c.to[i] = lane_state(s->lane[i]) == LANE_ONLINE;
	return commit_run(&c);
}

enum err
bucket_write(struct set *s, struct bucket *b)
{
	struct record r = { .bucket = b->name, .meta = b->meta.data,
		.flags = b->closed ? RECORD_CLOSED : 0,
		.meta_len = (uint32_t)b->meta.len };
	enum err e;

	if (b->created_us == 0)
		b->created_us = clock_real_us();
	r.mtime_us = b->created_us;
	if ((e = write_state(s, &r)) == EC_OK)
		b->stamp = r.stamp;
	return e;
}

enum err
bucket_remove(struct set *s, const char *name)
{
	struct record r = { .bucket = name, .flags = RECORD_GONE,
		.mtime_us = clock_real_us() };

	return write_state(s, &r);
}

/* The state that stands, or, where that cannot be known now, the newest that
 * may: one undecided write must not hide all buckets. */
static const struct record *
likely(const struct resolve *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s->life == STATE_ALIVE || (s->life == STATE_UNCERTAIN &&
		    (s->rec->flags & RECORD_GONE) == 0))
			return s->rec;
	}
	return NULL;
}

/* One name's states: is there a bucket? */
static enum err
add(struct set *s, const struct resolve_input in[], struct resolve *r,
    struct bucket *b, bool *added)
{
	const struct record *rec;
	enum err e;

	*added = false;
	if ((e = resolve_key(r, in, s->n)) != EC_OK)
		return e;
	rec = likely(r);
	if (rec == NULL || (rec->flags & RECORD_GONE) != 0)
		return EC_OK;
	*b = (struct bucket)BUCKET_INIT;
	*added = true;
	return from_record(b, rec);
}

enum err
bucket_list(struct set *s, const char *after, unsigned max,
    struct bucket **out, unsigned *n)
{
	struct drive_query q = { .table = DRIVE_BUCKETS, .want_parts = true };
	struct resolve_input in[SET_DRIVES_MAX];
	struct resolve r = RESOLVE_INIT;
	struct bucket *list = NULL;
	unsigned count = 0;
	const char *name;
	struct sweep w;
	bool added;
	enum err e = EC_OK;

	set_complain_clear();
	sweep_init(&w, s, &q, after, max);
	if ((list = mem_array(max, sizeof(*list))) == NULL)
		e = EC_ENOMEM;
	while (e == EC_OK && count < max &&
	    (e = sweep_next(&w, &name, in)) == EC_OK) {
		e = add(s, in, &r, &list[count], &added);
		count += added;
	}
	if (e == EC_ENOTFOUND)
		e = EC_OK;
	if (e != EC_OK) {
		while (count > 0)
			bucket_release(&list[--count]);
		free(list);
	} else {
		*out = list;
		*n = count;
	}
	resolve_release(&r);
	sweep_release(&w);
	return e;
}
