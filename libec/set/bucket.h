/* bucket: bucket records on the drives of one set. */
#ifndef BUCKET_H
#define BUCKET_H

#include "set/set.h"

struct bucket {
	char name[RECORD_BUCKET_MAX + 1];
	uint64_t created_us;
	struct stamp stamp;
	bool closed;		/* takes nothing new: it is to be removed, or
				 * who wanted that has died */
	struct buf meta;	/* settings as record.h metadata */
};
#define BUCKET_INIT { .meta = BUF_INIT(RECORD_META_MAX) }
void bucket_release(struct bucket *b);

/* Errors: EC_ENOBUCKET, EC_EQUORUM. */
enum err bucket_get(struct bucket *out, struct set *s, const char *name);

/* Write the record (create, or replace settings) at meta quorum, durable.
 * b->stamp is set.  Errors: EC_EQUORUM, EC_ENOSPC. */
enum err bucket_write(struct set *s, struct bucket *b);
enum err bucket_remove(struct set *s, const char *name);

/* In order of name, behind ${after} (NULL: all), at most ${max}; the array of
 * *${n} is the caller's: bucket_release each, then free. */
enum err bucket_list(struct set *s, const char *after, unsigned max,
    struct bucket **out, unsigned *n);

#endif
