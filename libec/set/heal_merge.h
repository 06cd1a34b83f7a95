/* heal_merge: a page of records from each drive, thing by thing: key by key,
 * bucket by bucket, upload by upload, part by part. */
#ifndef HEAL_MERGE_H
#define HEAL_MERGE_H

#include "set/heal_census.h"

struct heal_merge {
	enum drive_table table;
	unsigned drives;
	struct resolve_input in[SET_DRIVES_MAX];
	unsigned at[SET_DRIVES_MAX];
};

/* Begin with what was answered to a question about ${table}; ${a} outlives
 * ${m}.  Returns how many drives are silent. */
unsigned heal_merge_begin(struct heal_merge *m, enum drive_table table,
    const struct ask *a);

/* The next thing that is whole in the page, of every drive its records, and
 * *${first} one of them.  false: no more; then *${first} is NULL if nothing is
 * left anywhere, or a record of the thing at which the page was cut. */
bool heal_merge_next(struct heal_merge *m,
    struct resolve_input group[SET_DRIVES_MAX], const struct record **first);

/* A walk over all of a table, page after page. */
struct heal_walk {
	struct set *set;
	struct drive_query q;
	struct ask ask;
	struct heal_merge merge;
	unsigned silent;	/* drives, in this page */
	bool open, done;
	bool fresh, stale;	/* nothing or all of the page was given */
	char after_bucket[RECORD_BUCKET_MAX + 1];
	char after_key[RECORD_KEY_MAX + 1];
	/* Called before a page is left: what was given of it is no more then.
	 * May be NULL. */
	void (*leave)(void *ctx);
	void *ctx;
};

/* ${q}: table, bucket, prefix, what is wanted, rows in a page (0: usual); its
 * strings outlive ${w}, which is to be released in any case. */
void heal_walk_init(struct heal_walk *w, struct set *s,
    const struct drive_query *q);

/* The next thing; *${first} NULL at the end.  ${group} and *${first} are valid
 * until the next call.  With *${cut} it has more records than a page holds:
 * ${group} is not filled, and the walk goes on behind it.
 * Errors: EC_EQUORUM (no drive answered), EC_ENOMEM. */
enum err heal_walk_next(struct heal_walk *w,
    struct resolve_input group[SET_DRIVES_MAX], const struct record **first,
    bool *cut);
void heal_walk_release(struct heal_walk *w);

#endif
