/* list_impl: what the files list*.c share; nobody else includes it. */
#ifndef LIST_IMPL_H
#define LIST_IMPL_H

#include "set/list.h"
#include "set/resolve.h"
#include "set/sweep.h"

struct lister {
	struct set *s;
	const struct list_params *p;
	const char *prefix, *delimiter;	/* never NULL; "" for none */
	struct list *l;
	struct sweep sweep;
	struct resolve resolve;		/* of the key that it is at */
	unsigned asked;		/* keys that were asked for one by one */
	char skip[RECORD_KEY_MAX + 2];	/* the last common prefix, or "" */
};

/* list_entries.c: an empty page; NULL: no memory. */
struct list *list_new(void);
/* Add ${e}, with copies of its texts; of its key only ${key_len} bytes. */
enum err list_add(struct list *l, const struct list_entry *e, size_t key_len);
/* More than was asked for: so it is known that there is more. */
bool list_full(const struct lister *ls);
void list_cut(struct list *l, unsigned count);

/* list.c: length of the common prefix that ${key} falls under; 0: none. */
size_t list_common(const struct lister *ls, const char *key);
/* It is common to what is there, and done with. */
enum err list_add_common(struct lister *ls, const char *key, size_t len);

/* Need ${s} not be completed before it is shown? */
bool list_kept(const struct lister *ls, const struct state *s);
/* A key was asked for by itself. */
void list_asked(struct lister *ls);

/* list_versions.c: all versions of ${key}, which ls->resolve is about. */
enum err list_versions(struct lister *ls, const char *key);
/* Those behind ${after} (NULL: all), of which nothing was asked yet. */
enum err list_versions_after(struct lister *ls, const char *key,
    const struct stamp *after);

#endif
