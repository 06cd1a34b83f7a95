/* The entries of a page and their texts; pages of several sets made one. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "set/list_impl.h"

enum { CHUNK_BYTES = 32 * 1024 };

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

struct list *
list_new(void)
{
	return mem_array(1, sizeof(struct list));
}

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
	if (len > 0)
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

enum err
list_add(struct list *l, const struct list_entry *e, size_t key_len)
{
	struct list_entry own = *e;

	own.key = text_add(l, e->key, key_len);
	own.etag = text_add(l, e->etag, strlen(e->etag));
	own.listed = (const uint8_t *)text_add(l, (const char *)e->listed,
	    e->listed_len);
	if (own.key == NULL || own.etag == NULL || own.listed == NULL)
		return EC_ENOMEM;
	return entry_add(l, &own);
}

bool
list_full(const struct lister *ls)
{
	return ls->l->count > ls->p->limit;
}

void
list_cut(struct list *l, unsigned count)
{
	l->count = count;
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
