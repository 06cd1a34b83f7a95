/* recall: see the header. */
#include "set/recall.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "set/set_impl.h"

enum {
	SHELVES = 16,		/* each with a lock of its own */
	CHAINS = 512,		/* on each */
	SHELF_BYTES = RECALL_BYTES / SHELVES,
};

struct kept {
	struct recalled public;	/* first */
	atomic_uint refs;
	uint32_t crc;		/* of the name */
	size_t bytes;		/* of all of this */
	struct recall_mark marks;
	struct kept *next;			/* in its chain */
	struct kept *newer, *older;		/* on its shelf, by use */
	uint8_t room[];
};

struct shelf {
	pthread_mutex_t lock;	/* guards the rest */
	struct kept *chain[CHAINS];
	struct kept *newest, *oldest;
	size_t bytes;
};

struct recall {
	struct shelf shelf[SHELVES];
};

struct recall *
recall_new(void)
{
	struct recall *c = mem_array(1, sizeof(*c));

	for (unsigned i = 0; c != NULL && i < SHELVES; i++)
		pthread_mutex_init(&c->shelf[i].lock, NULL);
	return c;
}

void
recall_put(const struct recalled *k)
{
	union { const struct recalled *in; struct kept *k; } u = { k };

	if (k != NULL && atomic_fetch_sub(&u.k->refs, 1) == 1)
		free(u.k);
}

static struct kept **
chain_of(struct shelf *f, uint32_t crc)
{
	return &f->chain[crc / SHELVES % CHAINS];
}

static void
unlink_use(struct shelf *f, struct kept *k)
{
	*(k->newer != NULL ? &k->newer->older : &f->newest) = k->older;
	*(k->older != NULL ? &k->older->newer : &f->oldest) = k->newer;
}

static void
link_newest(struct shelf *f, struct kept *k)
{
	k->newer = NULL;
	k->older = f->newest;
	*(f->newest != NULL ? &f->newest->newer : &f->oldest) = k;
	f->newest = k;
}

static void
drop(struct shelf *f, struct kept *k)
{
	struct kept **at = chain_of(f, k->crc);

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	unlink_use(f, k);
	f->bytes -= k->bytes;
	recall_put(&k->public);
}

void
recall_free(struct recall *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < SHELVES; i++) {
		while (c->shelf[i].oldest != NULL)
			drop(&c->shelf[i], c->shelf[i].oldest);
		pthread_mutex_destroy(&c->shelf[i].lock);
	}
	free(c);
}

static struct kept *
find(struct shelf *f, uint32_t crc, const char *bucket, const char *key)
{
	struct kept *k = *chain_of(f, crc);

	while (k != NULL && (k->crc != crc ||
	    strcmp(k->public.rec.key, key) != 0 ||
	    strcmp(k->public.rec.bucket, bucket) != 0))
		k = k->next;
	return k;
}

static void *
put_down(uint8_t **at, const void *p, size_t len)
{
	void *copy = *at;

	if (len > 0)
		memcpy(copy, p, len);
	*at += len;
	return copy;
}

static struct kept *
kept_new(const struct record *r, const uint8_t *bytes)
{
	size_t parts = r->part_count * sizeof(*r->parts);
	size_t data = bytes != NULL ? (size_t)r->size : 0;
	size_t bucket = strlen(r->bucket) + 1, key = strlen(r->key) + 1;
	size_t etag = strlen(r->etag) + 1;
	size_t all = sizeof(struct kept) + parts + data + bucket + key + etag +
	    r->meta_len;
	struct kept *k;
	uint8_t *at;

	if (all > RECALL_ONE_MAX || (k = malloc(all)) == NULL)
		return NULL;
	*k = (struct kept){ .public.rec = *r, .bytes = all };
	atomic_init(&k->refs, 1);
	at = k->room;
	k->public.rec.parts = put_down(&at, r->parts, parts);	/* aligned */
	k->public.rec.bucket = put_down(&at, r->bucket, bucket);
	k->public.rec.key = put_down(&at, r->key, key);
	k->public.rec.etag = put_down(&at, r->etag, etag);
	k->public.rec.meta = put_down(&at, r->meta, r->meta_len);
	k->public.rec.inline_data = NULL;
	if (bytes != NULL)
		k->public.bytes = put_down(&at, bytes, data);
	return k;
}

void
recall_marks(const struct set *s, const char *bucket, const char *key,
    struct recall_mark *out)
{
	unsigned class = lane_key_class(bucket, key);

	for (unsigned i = 0; i < s->n; i++)
		out->of[i] = lane_mark(s->lane[i], class);
}

static bool
marks_hold(const struct set *s, const struct kept *k)
{
	for (unsigned i = 0; i < s->n; i++)
		if (k->marks.of[i] != 0 && k->marks.of[i] !=
		    lane_mark(s->lane[i], k->crc % LANE_CLASSES))
			return false;
	return true;
}

void
recall_keep(struct set *s, const struct record *rec, const uint8_t *bytes,
    const struct recall_mark *marks)
{
	uint32_t crc = record_name_crc(rec->bucket, rec->key);
	struct shelf *f = &s->recall->shelf[crc % SHELVES];
	struct kept *k = kept_new(rec, bytes), *old;

	if (k == NULL)
		return;
	k->crc = crc;
	k->marks = *marks;
	pthread_mutex_lock(&f->lock);
	if ((old = find(f, crc, rec->bucket, rec->key)) != NULL)
		drop(f, old);
	while (f->bytes + k->bytes > SHELF_BYTES)
		drop(f, f->oldest);
	k->next = *chain_of(f, crc);
	*chain_of(f, crc) = k;
	link_newest(f, k);
	f->bytes += k->bytes;
	pthread_mutex_unlock(&f->lock);
}

const struct recalled *
recall_get(struct set *s, const char *bucket, const char *key,
    bool want_bytes)
{
	uint32_t crc = record_name_crc(bucket, key);
	struct shelf *f = &s->recall->shelf[crc % SHELVES];
	struct kept *k;

	pthread_mutex_lock(&f->lock);
	k = find(f, crc, bucket, key);
	if (k != NULL && !marks_hold(s, k)) {
		drop(f, k);
		k = NULL;
	}
	if (k != NULL && want_bytes && k->public.bytes == NULL &&
	    (k->public.rec.flags & RECORD_INLINE) != 0)
		k = NULL;
	if (k != NULL) {
		atomic_fetch_add(&k->refs, 1);
		unlink_use(f, k);
		link_newest(f, k);
	}
	pthread_mutex_unlock(&f->lock);
	return k != NULL ? &k->public : NULL;
}
