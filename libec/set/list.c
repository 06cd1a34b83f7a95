/* list: see the header.
 *
 * 1. The rows of as few drives as settle it are walked side by side.  What they
 *    do not settle of a key is looked up as a read of it does, so a list says
 *    of no key what a read would not: newer remains, a write that is under way
 *    or was left undone, a state that a read would first complete.
 * 2. When that happens to many keys it is a drive that lacks much, and from
 *    then on all are walked. */
#include "set/list.h"

#include <string.h>

#include "set/get.h"
#include "set/list_impl.h"
#include "set/set_impl.h"

enum {
	BATCH_FIRST = 64,
	ASKED_MAX = 4,		/* keys not settled by a few drives */
};

size_t
list_common(const struct lister *ls, const char *key)
{
	size_t lead = strlen(ls->prefix);
	const char *at;

	if (ls->delimiter[0] == '\0' || strncmp(key, ls->prefix, lead) != 0)
		return 0;
	at = strstr(key + lead, ls->delimiter);
	return at == NULL ? 0 : (size_t)(at - key) + strlen(ls->delimiter);
}

/* All that begins so has been dealt with.  No key has a byte of 0xff. */
static void
skip_prefix(struct lister *ls, const char *key, size_t len)
{
	memcpy(ls->skip, key, len);
	ls->skip[len] = '\xff';
	ls->skip[len + 1] = '\0';
	sweep_seek(&ls->sweep, ls->skip);
}

enum err
list_add_common(struct lister *ls, const char *key, size_t len)
{
	const struct list_entry e = { .is_prefix = true, .key = key,
		.etag = "" };

	skip_prefix(ls, key, len);
	return list_add(ls->l, &e, len);
}

void
list_asked(struct lister *ls)
{
	if (++ls->asked == ASKED_MAX)
		sweep_all(&ls->sweep);
}

static enum err
add_object(struct lister *ls, const struct list_entry *e)
{
	size_t cp = list_common(ls, e->key);

	return cp > 0 ? list_add_common(ls, e->key, cp) :
	    list_add(ls->l, e, strlen(e->key));
}

/* What a read of the key finds. */
static enum err
add_asked(struct lister *ls, const char *key)
{
	struct object o = OBJECT_INIT;
	uint8_t listed[RECORD_LISTED_MAX];
	enum err e;

	e = get_open(NULL, &o, ls->s, ls->p->bucket, key, NULL);
	if (e == EC_OK && !o.marker) {
		const struct list_entry found = { .key = o.key,
			.version = o.version, .etag = o.etag,
			.null_version = o.null_version, .newest = true,
			.size = o.size, .mtime_us = o.mtime_us, .k = o.k,
			.m = o.m, .listed = listed,
			.listed_len = record_meta_listed(listed, o.meta.data,
			    o.meta.len) };

		e = add_object(ls, &found);
	}
	object_release(&o);
	list_asked(ls);
	return e == EC_ENOTFOUND ? EC_OK : e;
}

bool
list_kept(const struct lister *ls, const struct state *s)
{
	unsigned n = ls->s->n, need = resolve_need(&ls->resolve, s);

	return s->copies >= need || s->copies + s->silent + s->unfilled >=
	    (ls->sweep.few ? n : need);
}

/* Whether the newest version is known from what was asked: *${out}, NULL when
 * there is none. */
static bool
settled(const struct lister *ls, const struct state **out)
{
	const struct resolve *r = &ls->resolve;

	*out = NULL;
	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s->life == STATE_VOID || s->life == STATE_UNCERTAIN)
			return false;
		if (s->life == STATE_HIDDEN || !state_is_version(s))
			continue;
		*out = s;
		return list_kept(ls, s);
	}
	return !r->cut;
}

static enum err
add_newest(struct lister *ls, const char *key)
{
	const struct state *s;
	const struct record *r;

	if (!settled(ls, &s))
		return add_asked(ls, key);
	if (s == NULL || s->rec->kind == RECORD_MARKER)
		return EC_OK;
	r = s->rec;
	return add_object(ls, &(const struct list_entry){ .key = r->key,
	    .version = r->stamp, .etag = r->etag,
	    .null_version = (r->flags & RECORD_NULL) != 0, .newest = true,
	    .size = r->size, .mtime_us = r->mtime_us, .k = r->k, .m = r->m,
	    .listed = r->meta, .listed_len = r->meta_len });
}

static enum err
fill(struct lister *ls)
{
	struct resolve_input in[SET_DRIVES_MAX];
	const struct list_params *p = ls->p;
	const char *after = p->after != NULL ? p->after : "", *key;
	size_t cp = list_common(ls, after);
	enum err e = EC_OK;

	if (cp > 0)	/* under a prefix that is not behind ${after} */
		skip_prefix(ls, after, cp);
	else if (p->versions && !stamp_is_zero(&p->after_version))
		e = list_versions_after(ls, after, &p->after_version);
	while (e == EC_OK && !list_full(ls) &&
	    (e = sweep_next(&ls->sweep, &key, in)) == EC_OK &&
	    (e = resolve_key(&ls->resolve, in, ls->s->n)) == EC_OK)
		e = p->versions ? list_versions(ls, key) : add_newest(ls, key);
	return e == EC_ENOTFOUND ? EC_OK : e;
}

enum err
list_page(struct list **out, struct set *s, const struct list_params *p,
    bool *more)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = p->bucket,
		.newest_only = !p->versions };
	struct lister ls = { .s = s, .p = p, .resolve = RESOLVE_INIT };
	unsigned batch = p->limit + 1;
	enum err e;

	set_complain_clear();
	if (p->limit < 1 || p->limit > 10000)
		return EC_EINVAL;
	ls.prefix = p->prefix != NULL ? p->prefix : "";
	ls.delimiter = p->delimiter != NULL ? p->delimiter : "";
	if (strlen(ls.prefix) > RECORD_KEY_MAX ||
	    (p->after != NULL && strlen(p->after) > RECORD_KEY_MAX))
		return EC_EINVAL;
	if (ls.prefix[0] != '\0')
		q.prefix = ls.prefix;
	if (ls.delimiter[0] != '\0' && batch > BATCH_FIRST)
		batch = BATCH_FIRST;
	if ((ls.l = list_new()) == NULL)
		return EC_ENOMEM;
	sweep_init(&ls.sweep, s, &q, p->after, batch);
	ls.sweep.few = true;
	e = fill(&ls);
	sweep_release(&ls.sweep);
	resolve_release(&ls.resolve);
	if (e != EC_OK) {
		list_free(ls.l);
		return e;
	}
	*more = list_full(&ls);
	if (*more)
		list_cut(ls.l, p->limit);
	*out = ls.l;
	return EC_OK;
}
