/* list: see the header.
 *
 * A key that cannot be judged now is listed as the newest object that it may
 * be: one undecided write must not make a whole bucket unreadable. */
#include "set/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "set/set_impl.h"
#include "set/sweep.h"

enum {
	CHUNK_BYTES = 32 * 1024,
	BATCH_FIRST = 64,
	KEY_ROWS_MAX = 10000,	/* of one key on one drive */
	WINDOW_ROWS = 1000,	/* of one with more, at once */
	TRIES = 5,		/* while others write the key */
};

struct chunk {		/* strings of the entries */
	struct chunk *next;
	size_t used, size;
	char text[];
};

struct list {
	struct list_entry *entry;
	unsigned count, cap;
	struct chunk *chunks;
};

struct lister {
	struct set *s;
	const struct list_params *p;
	const char *prefix, *delimiter;	/* never NULL; "" for none */
	struct list *l;
	struct sweep sweep;
	struct resolve resolve;
	char skip[RECORD_KEY_MAX + 2];	/* the last common prefix, or "" */
};

static char *
text_room(struct list *l, size_t len)
{
	struct chunk *c = l->chunks;
	size_t size = len > CHUNK_BYTES ? len : CHUNK_BYTES;

	if (c == NULL || c->size - c->used < len) {
		if ((c = malloc(sizeof(*c) + size)) == NULL)
			return NULL;
		c->size = size;
		c->used = 0;
		c->next = l->chunks;
		l->chunks = c;
	}
	c->used += len;
	return c->text + c->used - len;
}

static const char *
text_add(struct list *l, const char *s, size_t len)
{
	char *copy = text_room(l, len + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

static enum err
entry_add(struct list *l, const struct list_entry *e)
{
	struct list_entry *grown;
	unsigned cap;

	if (l->count == l->cap) {
		cap = l->cap * 2 + 64;
		grown = realloc(l->entry, cap * sizeof(*grown));
		if (grown == NULL)
			return EC_ENOMEM;
		l->entry = grown;
		l->cap = cap;
	}
	l->entry[l->count++] = *e;
	return EC_OK;
}

static enum err
add_version(struct lister *ls, const struct record *r, bool newest)
{
	struct list_entry e = { .version = r->stamp,
		.null_version = (r->flags & RECORD_NULL) != 0,
		.marker = r->kind == RECORD_MARKER, .newest = newest,
		.size = r->size, .mtime_us = r->mtime_us, .k = r->k,
		.m = r->m };

	e.key = text_add(ls->l, r->key, strlen(r->key));
	e.etag = text_add(ls->l, r->etag, strlen(r->etag));
	if (e.key == NULL || e.etag == NULL)
		return EC_ENOMEM;
	return entry_add(ls->l, &e);
}

static enum err
add_prefix(struct lister *ls, const char *key, size_t len)
{
	struct list_entry e = { .is_prefix = true, .etag = "" };

	if ((e.key = text_add(ls->l, key, len)) == NULL)
		return EC_ENOMEM;
	return entry_add(ls->l, &e);
}

/* Length of the common prefix that ${key} falls under, 0 when under none. */
static size_t
common_prefix(const struct lister *ls, const char *key)
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

/* The newest object of the key, or NULL. */
static const struct record *
newest_object(const struct resolve *r)
{
	const struct state *s;

	for (unsigned i = 0; i < r->count; i++) {
		s = &r->state[i];
		if (!state_is_version(s) || s->life < STATE_UNCERTAIN)
			continue;
		if (s->rec->kind == RECORD_OBJECT)
			return s->rec;
		if (s->life == STATE_ALIVE)	/* a delete marker */
			return NULL;
	}
	return NULL;
}

static enum err
add_versions(struct lister *ls, const struct stamp *after)
{
	const struct resolve *r = &ls->resolve;
	bool newest = true;
	enum err e;

	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s->by_cut)
			break;
		if (!state_is_version(s) || s->life < STATE_UNCERTAIN)
			continue;
		if (after == NULL || stamp_cmp(&s->rec->stamp, after) < 0) {
			if ((e = add_version(ls, s->rec, newest)) != EC_OK)
				return e;
			if (ls->l->count > ls->p->limit)
				return EC_OK;
		}
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
		.bucket = ls->p->bucket, .key = key, .limit = 1000 };
	struct resolve_input in[SET_DRIVES_MAX];
	uint64_t doubt = 0, before;
	unsigned tries = 0;
	enum err e;

	for (;;) {
		if ((e = ask_most(a, ls->s, &q, false,
		    "list quorum")) != EC_OK)
			return e;
		ask_input(a, in);
		e = resolve_key(&ls->resolve, in, ls->s->n);
		before = doubt;
		doubt = resolve_doubt(&ls->resolve, NULL);
		if (e != EC_OK || (!ls->resolve.cut &&
		    (doubt == 0 || doubt == before || ++tries == TRIES)))
			return e;
		if (ls->resolve.cut && (ls->p->versions ||
		    q.limit == KEY_ROWS_MAX))
			return EC_OK;	/* of the newest all was seen */
		if (ls->resolve.cut)
			q.limit = KEY_ROWS_MAX;
		ask_release(a);
	}
}

struct look {
	const struct stamp *version;
	const struct state *state;
};

static enum err
judge_version(const struct resolve *r, void *ctx)
{
	struct look *l = ctx;

	return resolve_version(r, l->version, &l->state);
}

/* What hides a version may be newer than all that was asked for. */
static enum err
still_there(struct lister *ls, const struct record *r, bool *there)
{
	bool null = (r->flags & RECORD_NULL) != 0;
	struct drive_query q = { .table = DRIVE_VERSIONS,
		.bucket = ls->p->bucket, .key = r->key, .limit = 100,
		.null_only = null };
	struct look l = { .version = null ? NULL : &r->stamp };
	struct resolve found = RESOLVE_INIT;
	struct ask a = ASK_INIT;
	enum err e;

	if (!null)
		q.target = r->stamp;
	e = ask_key(&a, &found, ls->s, &q, judge_version, &l);
	*there = e == EC_EQUORUM || (e == EC_OK &&
	    stamp_cmp(&l.state->rec->stamp, &r->stamp) == 0);
	resolve_release(&found);
	ask_release(&a);
	return e == EC_ENOMEM ? e : EC_OK;
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
	    ls->l->count <= ls->p->limit; i++) {
		const struct state *s = &r.state[i];

		if (!state_is_version(s) || s->life < STATE_UNCERTAIN ||
		    stamp_cmp(&s->rec->stamp, &end) < 0)
			continue;
		e = still_there(ls, s->rec, &there);
		if (e == EC_OK && there)
			e = add_version(ls, s->rec, false);
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

	while (e == EC_OK && !stamp_is_zero(&at) &&
	    ls->l->count <= ls->p->limit)
		e = add_window(ls, key, &at);
	return e;
}

/* Whether more records, more drives or another look might tell more. */
static bool
is_open(const struct lister *ls)
{
	const struct resolve *r = &ls->resolve;

	for (unsigned i = 0; i < r->count; i++) {
		const struct state *s = &r->state[i];

		if (s->life == STATE_UNCERTAIN || s->life == STATE_VOID)
			return true;
		if (s->life == STATE_ALIVE && state_is_version(s) &&
		    !ls->p->versions)
			return false;
	}
	return r->cut;
}

/* The key is resolved: what of it goes into the page? */
static enum err
add_resolved(struct lister *ls, const char *key, const struct stamp *after)
{
	size_t cp = common_prefix(ls, key);
	const struct record *r;
	bool any = false;

	for (unsigned i = 0; ls->p->versions && i < ls->resolve.count; i++)
		any = any || (state_is_version(&ls->resolve.state[i]) &&
		    ls->resolve.state[i].life >= STATE_UNCERTAIN);
	r = newest_object(&ls->resolve);
	if (cp > 0) {
		if (r == NULL && !any)
			return EC_OK;
		skip_prefix(ls, key, cp);
		return add_prefix(ls, key, cp);
	}
	if (ls->p->versions)
		return add_versions(ls, after);
	return r == NULL ? EC_OK : add_version(ls, r, true);
}

/* The same, and with very many versions those behind what was asked for. */
static enum err
add_asked(struct lister *ls, const struct ask *a, const char *key,
    const struct stamp *after)
{
	struct stamp end;
	enum err e;

	if (!ls->p->versions || !ls->resolve.cut ||
	    !covered(a, ls->s->n, &end))
		return add_resolved(ls, key, after);
	if (after != NULL && stamp_cmp(after, &end) < 0)
		return add_windows(ls, key, *after);
	e = add_resolved(ls, key, after);
	return e == EC_OK && common_prefix(ls, key) == 0 ?
	    add_windows(ls, key, end) : e;
}

static enum err
add_key(struct lister *ls, const char *key, const struct resolve_input in[])
{
	struct ask a = ASK_INIT;
	enum err e;

	e = resolve_key(&ls->resolve, in, ls->s->n);
	if (e == EC_OK && is_open(ls)) {
		if ((e = ask_whole(ls, &a, key)) == EC_OK)
			e = add_asked(ls, &a, key, NULL);
	} else if (e == EC_OK) {
		e = add_resolved(ls, key, NULL);
	}
	ask_release(&a);
	return e;
}

/* The rest of the versions of the key that the last page ended in. */
static enum err
add_rest(struct lister *ls)
{
	struct ask a = ASK_INIT;
	enum err e;

	if ((e = ask_whole(ls, &a, ls->p->after)) == EC_OK)
		e = add_asked(ls, &a, ls->p->after, &ls->p->after_version);
	ask_release(&a);
	return e;
}

static enum err
fill(struct lister *ls)
{
	struct resolve_input in[SET_DRIVES_MAX];
	const struct list_params *p = ls->p;
	const char *after = p->after != NULL ? p->after : "", *key;
	size_t cp = common_prefix(ls, after);
	enum err e = EC_OK;

	if (cp > 0)	/* under a prefix that is not behind ${after} */
		skip_prefix(ls, after, cp);
	else if (p->versions && !stamp_is_zero(&p->after_version))
		e = add_rest(ls);
	while (e == EC_OK && ls->l->count <= p->limit &&
	    (e = sweep_next(&ls->sweep, &key, in)) == EC_OK)
		e = add_key(ls, key, in);
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
	if ((ls.l = mem_array(1, sizeof(*ls.l))) == NULL)
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
	*more = ls.l->count > p->limit;
	if (*more)
		ls.l->count = p->limit;
	*out = ls.l;
	return EC_OK;
}

unsigned
list_count(const struct list *l)
{
	return l->count;
}

const struct list_entry *
list_at(const struct list *l, unsigned i)
{
	return &l->entry[i];
}

void
list_free(struct list *l)
{
	struct chunk *next;

	if (l == NULL)
		return;
	for (struct chunk *c = l->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(l->entry);
	free(l);
}

/* Order within a page: key, then the newer version first. */
static int
entry_cmp(const struct list_entry *a, const struct list_entry *b)
{
	int c = strcmp(a->key, b->key);

	return c != 0 ? c : -stamp_cmp(&a->version, &b->version);
}

/* The page whose next entry comes first; ${n} when all are used up. */
static unsigned
first_page(struct list *pages[], const unsigned at[], unsigned n)
{
	unsigned first = n;

	for (unsigned i = 0; i < n; i++)
		if (at[i] < pages[i]->count && (first == n ||
		    entry_cmp(&pages[i]->entry[at[i]],
		    &pages[first]->entry[at[first]]) < 0))
			first = i;
	return first;
}

/* What two sets have: a common prefix, or a key that is being moved. */
static bool
is_again(const struct list_entry *a, const struct list_entry *b,
    const struct list_params *p)
{
	return a->is_prefix == b->is_prefix && strcmp(a->key, b->key) == 0 &&
	    (a->is_prefix || !p->versions ||
	    stamp_cmp(&a->version, &b->version) == 0);
}

static enum err
merge(struct list *l, struct list *pages[], unsigned at[], unsigned n,
    const struct list_params *p, bool *more)
{
	unsigned i;
	enum err e;

	while ((i = first_page(pages, at, n)) < n) {
		const struct list_entry *e1 = &pages[i]->entry[at[i]++];

		if (l->count > 0 && is_again(&l->entry[l->count - 1], e1, p))
			continue;
		if (l->count == p->limit) {
			*more = true;
			break;
		}
		if ((e = entry_add(l, e1)) != EC_OK)
			return e;
	}
	return EC_OK;
}

enum err
list_merge(struct list **out, struct list *pages[], unsigned n,
    const struct list_params *p, bool *more)
{
	struct list *l = mem_array(1, sizeof(*l));
	unsigned *at = mem_array(n, sizeof(*at));
	struct chunk **end;
	enum err e = EC_ENOMEM;

	if (l == NULL || at == NULL)
		goto out;
	e = merge(l, pages, at, n, p, more);
	for (unsigned i = 0; i < n; i++) {
		for (end = &pages[i]->chunks; *end != NULL;)
			end = &(*end)->next;
		*end = l->chunks;
		l->chunks = pages[i]->chunks;
		pages[i]->chunks = NULL;
	}
	if (e == EC_OK) {
		*out = l;
		l = NULL;
	}
out:
	for (unsigned i = 0; i < n; i++)
		list_free(pages[i]);
	list_free(l);
	free(at);
	return e;
}
