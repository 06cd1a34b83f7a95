/* list: the keys or versions of a bucket in order, merged over the drives. */
#ifndef LIST_H
#define LIST_H

#include "set/set.h"

struct list_params {
	const char *bucket;
	const char *prefix;	/* "" or NULL: all */
	const char *delimiter;	/* NULL: none; any string */
	const char *after;	/* keys, common prefixes greater; or NULL */
	struct stamp after_version;	/* with versions: after this */
	bool versions;		/* all and markers; else newest objects */
	unsigned limit;		/* entries (keys and prefixes), 1 .. 10,000 */
};

struct list_entry {
	bool is_prefix;		/* key is a common prefix, the rest is empty */
	const char *key;
	struct stamp version;
	bool null_version, marker, newest;
	uint64_t size, mtime_us;
	const char *etag;
	unsigned k, m;
	/* What record_meta_listed gives. */
	const uint8_t *listed;
	size_t listed_len;
};

struct list;	/* a page */

/* *${more} when entries are left behind the last one.  A page says of each key,
 * and with p->versions of each version, what a read of it (get.h) would say at
 * some moment of this call.  Errors: EC_EQUORUM, also when that is what a read
 * of one key of the page would give; EC_EBUSY, EC_ENOMEM. */
enum err list_page(struct list **out, struct set *s,
    const struct list_params *p, bool *more);
unsigned list_count(const struct list *l);
const struct list_entry *list_at(const struct list *l, unsigned i);
void list_free(struct list *l);

/* Merge pages of several sets (same params) into one of at most p->limit
 * entries, each once; *${more} in: whether any input had more; out: whether
 * more is left.  The inputs are freed. */
enum err list_merge(struct list **out, struct list *pages[], unsigned n,
    const struct list_params *p, bool *more);

#endif
