/* move: see the header.
 *
 * Removal is by purges that more drives than can be missed have taken: what is
 * left of it on a drive that was away is too little to be seen ever again. */
#include "set/move.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/num.h"
#include "set/commit.h"
#include "set/get.h"
#include "set/get_shards.h"
#include "set/list.h"
#include "set/object.h"
#include "set/put.h"
#include "set/quorum.h"
#include "set/set_impl.h"

enum { CHUNK_BYTES = 1024 * 1024, PAGE = 1000 };

struct item {		/* a version */
	struct object o;
	struct put **piece;	/* its data in the new set; NULL: none yet */
	unsigned pieces;
};

struct items {
	struct item *at;	/* the newest first */
	unsigned n, cap;
};

struct move {
	struct move_params p;
	struct items items;
	uint64_t bytes;
};

static void
item_drop_copy(struct item *it)
{
	for (unsigned i = 0; i < it->pieces; i++)
		put_free(it->piece[i]);
	free(it->piece);
	it->piece = NULL;
	it->pieces = 0;
}

static void
items_release(struct items *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		item_drop_copy(&l->at[i]);
		object_release(&l->at[i].o);
	}
	free(l->at);
	*l = (struct items){ .at = NULL };
}

enum err
move_new(struct move **out, const struct move_params *p)
{
	struct move *m = mem_array(1, sizeof(*m));

	if (m == NULL)
		return EC_ENOMEM;
	m->p = *p;
	*out = m;
	return EC_OK;
}

void
move_free(struct move *m)
{
	if (m == NULL)
		return;
	items_release(&m->items);
	free(m);
}

unsigned
move_versions(const struct move *m)
{
	return m->items.n;
}

uint64_t
move_bytes(const struct move *m)
{
	return m->bytes;
}

/* What is there now: one version, with all of its metadata. */
static enum err
look_at(struct items *l, struct set *s, const struct move_params *p,
    const struct list_entry *at)
{
	struct item *grown;
	struct object *o;
	enum err e;

	if (l->n == l->cap) {
		unsigned cap = l->cap * 2 + 8;

		if ((grown = realloc(l->at, cap * sizeof(*grown))) == NULL)
			return EC_ENOMEM;
		l->at = grown;
		l->cap = cap;
	}
	l->at[l->n] = (struct item){ .o = OBJECT_INIT };
	o = &l->at[l->n++].o;
	e = get_open(NULL, o, s, p->bucket, p->key, at->null_version ?
	    &get_null_version : &at->version);
	/* It went, or took another's place, in this moment. */
	if (e == EC_ENOTFOUND || (e == EC_OK &&
	    stamp_cmp(&o->version, &at->version) != 0))
		e = EC_EBUSY;
	return e;
}

static enum err
look(struct items *l, struct set *s, const struct move_params *p)
{
	struct list_params q = { .bucket = p->bucket, .prefix = p->key,
		.versions = true, .limit = PAGE };
	struct list *page = NULL;
	bool more = true;
	enum err e = EC_OK;

	while (more && e == EC_OK) {
		if ((e = list_page(&page, s, &q, &more)) != EC_OK)
			break;
		for (unsigned i = 0; i < list_count(page) && e == EC_OK; i++) {
			const struct list_entry *at = list_at(page, i);

			if (strcmp(at->key, p->key) != 0) {
				more = false;
				break;
			}
			e = look_at(l, s, p, at);
			q.after = p->key;
			q.after_version = at->version;
		}
		list_free(page);
	}
	return e;
}

static bool
same(const struct object *a, const struct object *b)
{
	return stamp_cmp(&a->version, &b->version) == 0 &&
	    stamp_cmp(&a->amended, &b->amended) == 0 &&
	    a->null_version == b->null_version;
}

/* Metadata and all; what became of the geometry aside. */
static bool
equal(const struct object *a, const struct object *b)
{
	return stamp_cmp(&a->version, &b->version) == 0 &&
	    a->null_version == b->null_version && a->marker == b->marker &&
	    a->size == b->size && strcmp(a->etag, b->etag) == 0 &&
	    a->meta.len == b->meta.len && (a->meta.len == 0 ||
	    memcmp(a->meta.data, b->meta.data, a->meta.len) == 0);
}

static int
parity(const struct move_params *p, const struct object *o)
{
	if (o->m >= set_parity(p->from))
		return -1;
	return (int)num_min(o->m, set_drives(p->to) / 2);
}

/* What of the part was written, by the hashes beside it and its MD5. */
static enum err
read_back(const struct put *piece, struct set *s, uint8_t *chunk,
    const uint8_t md5[16])
{
	struct get_shards_params gp = { .damaged = NULL };
	struct get_shards *gs = NULL;
	uint8_t sum[DIGEST_MD5_BYTES];
	struct digest *d = NULL;
	enum err e;

	put_part(piece, &gp.part, &gp.start);
	if (uuid_is_zero(&gp.part.data))
		return EC_OK;	/* inline: seen with its record */
	if ((e = digest_new(&d, DIGEST_MD5)) != EC_OK ||
	    (e = get_shards_open(&gs, s, &gp)) != EC_OK)
		goto out;
	for (uint64_t off = 0, n; off < gp.part.size; off += n) {
		n = num_min(gp.part.size - off, CHUNK_BYTES);
		e = get_shards_read(gs, chunk, (size_t)n, off);
		if (e != EC_OK)
			goto out;
		digest_update(d, chunk, (size_t)n);
	}
	digest_final(d, sum);
	if (memcmp(sum, md5, 16) != 0)
		e = EC_ECORRUPT;
out:
	digest_free(d);
	get_shards_free(gs);
	return e;
}

/* ${size} bytes of the object at ${off} are a part of their own. */
static enum err
copy_piece(struct put **out, const struct move_params *p,
    const struct object *o, struct get *g, uint32_t part, uint64_t off,
    uint64_t size)
{
	const struct put_params pp = { .bucket = p->bucket, .key = p->key,
		.size = size, .parity = parity(p, o), .meta = o->meta.data,
		.meta_len = o->meta.len, .part = part };
	const struct record_part *was = o->part_count == 0 ? NULL :
	    &o->parts[part > 0 ? part - 1 : 0];
	uint8_t *chunk = malloc(CHUNK_BYTES), md5[16];
	enum err e;

	if (chunk == NULL)
		return EC_ENOMEM;
	if ((e = put_open(out, p->to, &pp)) != EC_OK)
		goto out;
	for (uint64_t done = 0, n; done < size; done += n) {
		n = num_min(size - done, CHUNK_BYTES);
		if ((e = get_read(g, chunk, (size_t)n, off + done)) != EC_OK ||
		    (e = put_write(*out, chunk, (size_t)n)) != EC_OK)
			goto out;
	}
	if ((e = put_finish(*out, md5)) != EC_OK)
		goto out;
	if (was != NULL && record_part_has_md5(was) &&
	    memcmp(md5, was->md5, 16) != 0)
		e = EC_ECORRUPT;
	else
		e = read_back(*out, p->to, chunk, md5);
out:
	free(chunk);
	return e;
}

static enum err
copy_item(struct move *m, struct item *it)
{
	const struct move_params *p = &m->p;
	unsigned n = it->o.part_count > 1 ? it->o.part_count : 1;
	struct object now = OBJECT_INIT;
	struct get *g = NULL;
	uint64_t off = 0;
	enum err e;

	e = get_open(&g, &now, p->from, p->bucket, p->key,
	    it->o.null_version ? &get_null_version : &it->o.version);
	if (e == EC_OK && !same(&now, &it->o))
		e = EC_EBUSY;
	if (e != EC_OK)
		goto out;
	if ((it->piece = mem_array(n, sizeof(struct put *))) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	for (it->pieces = 0; it->pieces < n && e == EC_OK; it->pieces++) {
		uint64_t size = n > 1 ? it->o.parts[it->pieces].size :
		    it->o.size;

		e = copy_piece(&it->piece[it->pieces], p, &it->o, g,
		    n > 1 ? it->pieces + 1 : 0, off, size);
		off += size;
	}
	m->bytes += off;
out:
	get_free(g);
	object_release(&now);
	return e;
}

enum err
move_copy(struct move *m)
{
	struct items now = { .at = NULL };
	enum err e;

	if ((e = look(&now, m->p.from, &m->p)) != EC_OK) {
		items_release(&now);
		return e;
	}
	for (unsigned i = 0; i < now.n; i++)
		for (unsigned j = 0; j < m->items.n; j++) {
			struct item *had = &m->items.at[j];

			if (!same(&now.at[i].o, &had->o))
				continue;
			now.at[i].piece = had->piece;
			now.at[i].pieces = had->pieces;
			had->piece = NULL;
			had->pieces = 0;
			break;
		}
	items_release(&m->items);
	m->items = now;
	for (unsigned i = 0; i < now.n && e == EC_OK; i++) {
		struct item *it = &m->items.at[i];

		if (it->o.marker || it->piece != NULL)
			continue;
		if ((e = copy_item(m, it)) != EC_OK)
			item_drop_copy(it);
	}
	return e == EC_OK && now.n == 0 ? EC_ENOTFOUND : e;
}

static enum err
hand_marker(struct move *m, const struct object *o)
{
	struct record r = { .kind = RECORD_MARKER, .bucket = m->p.bucket,
		.key = m->p.key, .etag = "", .stamp = o->version,
		.mtime_us = o->mtime_us,
		.flags = o->null_version ? RECORD_NULL : 0 };
	struct commit c = { .s = m->p.to, .rec = &r, .what = "write quorum",
		.quorum = quorum_meta(set_drives(m->p.to)), .as_is = true };

	for (unsigned i = 0; i < set_drives(m->p.to); i++)
		c.to[i] = lane_state(set_lane(m->p.to, i)) == LANE_ONLINE;
	return commit_run(&c);
}

/* The new set gives the version as the old one does; of a small one the bytes
 * too, which were not read back before. */
static enum err
check(struct move *m, const struct item *it)
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	uint8_t *bytes = NULL, md5[16];
	struct record_part part;
	unsigned start;
	enum err e;

	e = get_open(it->o.marker ? NULL : &g, &o, m->p.to, m->p.bucket,
	    m->p.key, it->o.null_version ? &get_null_version :
	    &it->o.version);
	if (e == EC_OK && !equal(&o, &it->o))
		e = EC_ECORRUPT;
	if (e != EC_OK || it->o.marker || it->pieces != 1 || o.size == 0)
		goto out;
	put_part(it->piece[0], &part, &start);
	if (!uuid_is_zero(&part.data))
		goto out;
	if ((bytes = malloc((size_t)o.size)) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	if ((e = get_read(g, bytes, (size_t)o.size, 0)) != EC_OK)
		goto out;
	digest_once(DIGEST_MD5, bytes, (size_t)o.size, md5);
	if (memcmp(md5, part.md5, sizeof(md5)) != 0)
		e = EC_ECORRUPT;
out:
	free(bytes);
	get_free(g);
	object_release(&o);
	return e == EC_ENOTFOUND ? EC_ECORRUPT : e;
}

/* Remove these versions of a key. */
static enum err
clear(const struct items *l, struct set *s, const struct move_params *p)
{
	enum err e = EC_OK;

	for (unsigned i = l->n; i-- > 0 && e == EC_OK;) {
		const struct object *o = &l->at[i].o;
		unsigned quorum = quorum_meta(set_drives(s));

		if (!o->marker && quorum_write(o->k, o->m) > quorum)
			quorum = quorum_write(o->k, o->m);
		if (quorum > set_drives(s))
			quorum = set_drives(s);
		e = commit_remove(s, p->bucket, p->key, &o->version, quorum);
		if (e == EC_OK && !stamp_is_zero(&o->amended))
			e = commit_remove(s, p->bucket, p->key, &o->amended,
			    quorum_meta(set_drives(s)));
	}
	return e;
}

static bool
contains(const struct items *l, const struct items *of)
{
	unsigned found = 0;

	for (unsigned i = 0; i < of->n; i++)
		for (unsigned j = 0; j < l->n; j++)
			if (equal(&l->at[j].o, &of->at[i].o)) {
				found++;
				break;
			}
	return found == of->n;
}

enum err
move_settle(struct set *from, struct set *to, const char *bucket,
    const char *key, struct set **in)
{
	const struct move_params p = { .from = from, .to = to,
		.bucket = bucket, .key = key };
	struct items old = { .at = NULL }, fresh = { .at = NULL };
	enum err e;

	*in = from;
	if ((e = look(&old, from, &p)) != EC_OK ||
	    (e = look(&fresh, to, &p)) != EC_OK)
		goto out;
	if (fresh.n > 0 && contains(&fresh, &old)) {
		*in = to;
		e = clear(&old, from, &p);
	} else if (contains(&old, &fresh)) {
		e = clear(&fresh, to, &p);
	} else {
		e = EC_EEXIST;
	}
out:
	items_release(&old);
	items_release(&fresh);
	return e;
}

static enum err
is_unchanged(struct move *m)
{
	struct items now = { .at = NULL };
	enum err e = look(&now, m->p.from, &m->p);

	if (e == EC_OK && now.n != m->items.n)
		e = EC_EBUSY;
	for (unsigned i = 0; i < now.n && e == EC_OK; i++)
		if (!same(&now.at[i].o, &m->items.at[i].o))
			e = EC_EBUSY;
	items_release(&now);
	return e;
}

enum err
move_hand_over(struct move *m)
{
	struct set *in;
	enum err e;

	if ((e = is_unchanged(m)) != EC_OK)
		return e;
	e = move_settle(m->p.from, m->p.to, m->p.bucket, m->p.key, &in);
	if (e == EC_OK && in == m->p.to)
		return EC_OK;
	for (unsigned i = 0; i < m->items.n && e == EC_OK; i++) {
		struct item *it = &m->items.at[i];

		e = it->o.marker ? hand_marker(m, &it->o) :
		    put_commit_as(it->piece, it->pieces, &it->o);
	}
	for (unsigned i = 0; i < m->items.n && e == EC_OK; i++)
		e = check(m, &m->items.at[i]);
	if (e == EC_OK)
		e = clear(&m->items, m->p.from, &m->p);
	/* What has a record will go with it when this is settled. */
	for (unsigned i = 0; i < m->items.n && e != EC_OK; i++)
		item_drop_copy(&m->items.at[i]);
	return e;
}
