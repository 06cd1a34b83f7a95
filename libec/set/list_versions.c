/* The versions of one key in a list.  One with more than a drive tells at once
 * is given in windows, each looked up anew. */
#include <string.h>

#include "set/get.h"
#include "set/list_impl.h"
#include "set/set_impl.h"

enum {
	WINDOW_ROWS = 1000,	/* of one key on one drive, at once */
	TRIES = 5,		/* while others write the key */
};

static enum err
add(struct lister *ls, const struct record *r, bool newest)
{
	const struct list_entry e = { .key = r->key, .version = r->stamp,
		.null_version = (r->flags & RECORD_NULL) != 0,
		.marker = r->kind == RECORD_MARKER, .newest = newest,
		.etag = r->etag, .size = r->size, .mtime_us = r->mtime_us,
		.k = r->k, .m = r->m, .listed = r->meta,
		.listed_len = r->meta_len };

	return list_add(ls->l, &e, strlen(r->key));
}

/* Does a read of this version find it? */
static enum err
look_up(struct lister *ls, const struct record *r, bool *there)
{
	bool null = (r->flags & RECORD_NULL) != 0;
	struct object o = OBJECT_INIT;
	enum err e;

	e = get_open(NULL, &o, ls->s, ls->p->bucket, r->key,
	    null ? &get_null_version : &r->stamp);
	*there = e == EC_OK && stamp_cmp(&o.version, &r->stamp) == 0;
	object_release(&o);
	return e == EC_ENOTFOUND ? EC_OK : e;
}

static enum err
is_there(struct lister *ls, const struct state *s, bool *there)
{
	*there = state_is_version(s) && s->life >= STATE_UNCERTAIN;
	if (!*there || (s->life == STATE_ALIVE && list_kept(ls, s)))
		return EC_OK;
	return look_up(ls, s->rec, there);
}

/* The key is resolved as far as the cuts: what of it goes into the page? */
static enum err
add_resolved(struct lister *ls, const char *key, const struct stamp *after)
{
	const struct resolve *r = &ls->resolve;
	size_t cp = list_common(ls, key);
	bool newest = true, there;
	enum err e;

	for (unsigned i = 0; i < r->count && !list_full(ls); i++) {
		const struct state *s = &r->state[i];

		if (s->by_cut)
			break;
		if ((e = is_there(ls, s, &there)) != EC_OK)
			return e;
		if (!there)
			continue;
		if (cp > 0)
			return list_add_common(ls, key, cp);
		if ((after == NULL ||
		    stamp_cmp(&s->rec->stamp, after) < 0) &&
		    (e = add(ls, s->rec, newest)) != EC_OK)
			return e;
		newest = false;
	}
	return EC_OK;
}

/* Ask for all records of a key; the states are in ls->resolve, whose records
 * live as long as ${a}. */
static enum err
ask_whole(struct lister *ls, struct ask *a, const char *key)
{
	struct drive_query q = { .table = DRIVE_VERSIONS,
		.bucket = ls->p->bucket, .key = key, .limit = WINDOW_ROWS };
	struct resolve_input in[SET_DRIVES_MAX];
	uint64_t doubt = 0, before;
	unsigned tries = 0;
	enum err e;

	for (;;) {
		if ((e = ask_most(a, ls->s, &q, false,
		    "list quorum")) != EC_OK)
			return e;
		ask_input(a, in);
		if ((e = resolve_key(&ls->resolve, in, ls->s->n)) != EC_OK ||
		    ls->resolve.cut)	/* of the newest all was seen */
			return e;
		before = doubt;
		doubt = resolve_doubt(&ls->resolve, NULL);
		if (doubt == 0 || doubt == before || ++tries == TRIES)
			return EC_OK;
		ask_release(a);
	}
}

/* Up to where all drives told all: *${stamp} and what is newer. */
static bool
covered(const struct ask *a, unsigned n, struct stamp *stamp)
{
	bool cut = false;

	for (unsigned i = 0; i < n; i++) {
		const struct answer *w = &a->answer[i];

		if (!w->done || w->err != EC_OK || !w->cut || w->n == 0)
			continue;
		if (!cut || stamp_cmp(&w->rec[w->n - 1].stamp, stamp) > 0)
			*stamp = w->rec[w->n - 1].stamp;
		cut = true;
	}
	return cut;
}

/* A window of the versions of a key with very many, older than *${at}, which
 * moves on; zero at the end. */
static enum err
add_window(struct lister *ls, const char *key, struct stamp *at)
{
	struct drive_query q = { .table = DRIVE_VERSIONS,
		.bucket = ls->p->bucket, .prefix = key, .after_key = key,
		.after_stamp = *at, .limit = WINDOW_ROWS };
	struct resolve_input in[SET_DRIVES_MAX];
	struct resolve r = RESOLVE_INIT;
	struct stamp end = { 0, 0 };
	struct ask a = ASK_INIT;
	bool there;
	enum err e;

	if ((e = ask_most(&a, ls->s, &q, false, "list quorum")) != EC_OK)
		goto out;
	ask_input(&a, in);
	for (unsigned i = 0; i < ls->s->n; i++)	/* of other keys: no more */
		for (unsigned j = 0; j < in[i].n; j++)
			if (strcmp(in[i].rec[j].key, key) != 0) {
				in[i].n = j;
				in[i].cut = a.answer[i].cut = false;
			}
	covered(&a, ls->s->n, &end);
	e = resolve_key(&r, in, ls->s->n);
	for (unsigned i = 0; e == EC_OK && i < r.count &&
	    !list_full(ls); i++) {
		const struct state *s = &r.state[i];

		if (!state_is_version(s) || s->life < STATE_UNCERTAIN ||
		    stamp_cmp(&s->rec->stamp, &end) < 0)
			continue;
		/* What hides it may be newer than all that was asked for. */
		e = look_up(ls, s->rec, &there);
		if (e == EC_OK && there)
			e = add(ls, s->rec, false);
	}
	*at = end;
out:
	resolve_release(&r);
	ask_release(&a);
	return e;
}

static enum err
add_windows(struct lister *ls, const char *key, struct stamp at)
{
	enum err e = EC_OK;

	while (e == EC_OK && !stamp_is_zero(&at) && !list_full(ls))
		e = add_window(ls, key, &at);
	return e;
}

enum err
list_versions_after(struct lister *ls, const char *key,
    const struct stamp *after)
{
	struct ask a = ASK_INIT;
	struct stamp end;
	enum err e;

	list_asked(ls);
	if ((e = ask_whole(ls, &a, key)) != EC_OK)
		goto out;
	if (!ls->resolve.cut || !covered(&a, ls->s->n, &end)) {
		e = add_resolved(ls, key, after);
	} else if (after != NULL && stamp_cmp(after, &end) < 0) {
		e = add_windows(ls, key, *after);
	} else {
		e = add_resolved(ls, key, after);
		if (e == EC_OK && list_common(ls, key) == 0)
			e = add_windows(ls, key, end);
	}
out:
	ask_release(&a);
	return e;
}

/* Whether more records, more drives or another look might tell more. */
static bool
is_open(const struct resolve *r)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->state[i].life == STATE_UNCERTAIN ||
		    r->state[i].life == STATE_VOID)
			return true;
	return r->cut;
}

enum err
list_versions(struct lister *ls, const char *key)
{
	return is_open(&ls->resolve) ? list_versions_after(ls, key, NULL) :
	    add_resolved(ls, key, NULL);
}
