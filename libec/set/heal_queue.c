/* heal_queue: entries go to all drives, so that any one that is left has them.
 *
 * An entry is one row by (bucket, key, version) on each drive, the greatest
 * stamp of which stands; taking it off is the same row with RECORD_GONE. */
#include "set/heal_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "set/heal_census.h"
#include "set/set_impl.h"

enum { NOTE_REPEAT_US = 60 * 1000000, PAGE_ROWS = 1000 };

static uint64_t
item_hash(const char *bucket, const char *key, const struct stamp *version)
{
	uint64_t crc;

	crc = checksum_crc64nvme(0, bucket, strlen(bucket) + 1);
	crc = checksum_crc64nvme(crc, key, strlen(key) + 1);
	return checksum_crc64nvme(crc, version, sizeof *version);
}

/* Remember that it was noted now; false when it was lately. */
static bool
recent_add(struct set *s, uint64_t hash)
{
	uint64_t now = clock_mono_us();
	bool fresh = true;

	pthread_mutex_lock(&s->recent_lock);
	for (unsigned i = 0; i < SET_RECENT && fresh; i++)
		fresh = s->recent[i].at_us == 0 || s->recent[i].hash != hash ||
		    now - s->recent[i].at_us > NOTE_REPEAT_US;
	if (fresh) {
		s->recent[s->recent_next].hash = hash;
		s->recent[s->recent_next].at_us = now;
		s->recent_next = (s->recent_next + 1) % SET_RECENT;
	}
	pthread_mutex_unlock(&s->recent_lock);
	return fresh;
}

static void
recent_forget(struct set *s, uint64_t hash)
{
	pthread_mutex_lock(&s->recent_lock);
	for (unsigned i = 0; i < SET_RECENT; i++)
		if (s->recent[i].hash == hash)
			s->recent[i].at_us = 0;
	pthread_mutex_unlock(&s->recent_lock);
}

/* Append ${r} on all drives; with ${g} as its calls. */
static enum err
append_all(struct set *s, const struct record *r, bool lazy, struct gather *g)
{
	struct drive_append a = { .flags = lazy ? DRIVE_APPEND_LAZY : 0 };
	struct buf rec = BUF_INIT(RECORD_BYTES_MAX);
	struct lane_post post = { .n = 0 };
	enum err e;

	if ((e = record_encode(&rec, r)) != EC_OK)
		goto out;
	a.rec = rec.data;
	a.len = rec.len;
	for (unsigned i = 0; i < set_drives(s) && e == EC_OK; i++)
		e = lane_append_post(&post, set_lane(s, i), g, &a, 1, NULL);
	lane_post_send(&post);
out:
	buf_release(&rec);
	return e;
}

/* The same, and wait for it. */
static enum err
append_wait(struct set *s, const struct record *r, bool lazy)
{
	struct gather *g = NULL;
	enum err e;

	if ((e = gather_new(&g)) != EC_OK)
		return e;
	if ((e = append_all(s, r, lazy, g)) == EC_OK)
		gather_wait(g, set_drives(s), clock_mono_us() +
		    SET_WAIT_MS * UINT64_C(1000));
	gather_free(g);
	return e;
}

static struct record
entry(const char *bucket, const char *key, const struct stamp *version)
{
	return (struct record){
		.kind = RECORD_HEAL, .stamp = stamp_new(), .target = *version,
		.bucket = bucket, .key = key, .etag = "",
		.mtime_us = clock_real_us(),
	};
}

void
heal_queue_note(struct set *s, const char *bucket, const char *key,
    const struct stamp *version)
{
	const struct record r = entry(bucket, key, version);

	/* Without memory for it the next scan will find what is wrong. */
	if (recent_add(s, item_hash(bucket, key, version)))
		append_all(s, &r, true, NULL);
}

enum err
heal_queue_mark(struct set *s, const char *bucket, const char *key,
    const struct stamp *version)
{
	const struct record r = entry(bucket, key, version);

	return append_wait(s, &r, false);
}

enum err
heal_queue_done(struct set *s, const struct heal_item *item)
{
	struct record r = entry(item->bucket, item->key, &item->version);

	/* Just behind what was listed: what was noted since stands. */
	r.flags = RECORD_GONE;
	r.stamp = item->noted;
	if (++r.stamp.id == 0)
		r.stamp.hlc++;
	recent_forget(s, item_hash(item->bucket, item->key, &item->version));
	return append_wait(s, &r, true);
}

/* Items under construction. */
struct items {
	struct heal_item *v;
	size_t n, cap;
};

static enum err
items_add(struct items *l, const struct record *r)
{
	struct heal_item *v;

	if (l->n == l->cap) {
		size_t cap = l->cap * 2 + 64;

		if ((v = reallocarray(l->v, cap, sizeof *v)) == NULL)
			return EC_ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	v = &l->v[l->n++];
	memcpy(v->bucket, r->bucket, strlen(r->bucket) + 1);
	memcpy(v->key, r->key, strlen(r->key) + 1);
	v->version = r->target;
	v->noted = r->stamp;
	v->since_us = clock_hlc_us(r->stamp.hlc);
	return EC_OK;
}

static int
same_cmp(const struct heal_item *a, const struct heal_item *b)
{
	int c = strcmp(a->bucket, b->bucket);

	if (c == 0)
		c = strcmp(a->key, b->key);
	return c != 0 ? c : stamp_cmp(&a->version, &b->version);
}

/* By what they are about, of equal ones the last noted first. */
static int
item_cmp(const void *va, const void *vb)
{
	const struct heal_item *a = va, *b = vb;
	int c = same_cmp(a, b);

	return c != 0 ? c : stamp_cmp(&b->noted, &a->noted);
}

static int
age_cmp(const void *va, const void *vb)
{
	const struct heal_item *a = va, *b = vb;

	return stamp_cmp(&a->noted, &b->noted);
}

static void
items_unique(struct items *l)
{
	size_t n = 0;

	if (l->n == 0)
		return;
	qsort(l->v, l->n, sizeof *l->v, item_cmp);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || same_cmp(&l->v[n - 1], &l->v[i]) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
	qsort(l->v, l->n, sizeof *l->v, age_cmp);
}

/* One page of every drive; *${after} becomes where the next begins, *${more}
 * whether there is one. */
static enum err
items_page(struct items *l, struct set *s, struct stamp *after, bool *more)
{
	const struct drive_query q = {
		.table = DRIVE_HEALS, .after_stamp = *after,
		.limit = PAGE_ROWS,
	};
	struct resolve_input in[SET_DRIVES_MAX];
	struct ask a = ASK_INIT;
	unsigned silent = 0;
	enum err e;

	*more = false;
	if ((e = heal_ask(&a, s, &q)) != EC_OK)
		goto out;
	ask_input(&a, in);
	for (unsigned i = 0; i < set_drives(s); i++) {
		const struct stamp *last;

		silent += in[i].silent;
		for (unsigned j = 0; j < in[i].n && e == EC_OK; j++)
			if ((in[i].rec[j].flags & RECORD_GONE) == 0)
				e = items_add(l, &in[i].rec[j]);
		if (!in[i].cut || in[i].n == 0)
			continue;
		/* Go on where the drive that came least far ended. */
		last = &in[i].rec[in[i].n - 1].stamp;
		if (!*more || stamp_cmp(last, after) < 0)
			*after = *last;
		*more = true;
	}
	if (e == EC_OK && silent == set_drives(s))
		e = EC_EQUORUM;
out:
	ask_release(&a);
	return e;
}

enum err
heal_queue_list(struct set *s, const struct stamp *after, unsigned max,
    struct heal_item **out, unsigned *n)
{
	struct stamp at = { 0, 0 };
	struct items l = { NULL, 0, 0 };
	bool more = true;
	enum err e = EC_OK;

	*out = NULL;
	*n = 0;
	if (after != NULL)
		at = *after;
	while (more && l.n < max && e == EC_OK) {
		e = items_page(&l, s, &at, &more);
		items_unique(&l);
	}
	if (e == EC_OK) {
		*n = l.n < max ? (unsigned)l.n : max;
		*out = l.v;
		l.v = NULL;
	}
	free(l.v);
	return e;
}
