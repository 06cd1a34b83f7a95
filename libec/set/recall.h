/* recall: the versions that readers asked for lately, kept in memory as long
 * as the drives would still answer the same.
 *
 * What is kept was found by asking drives in the usual way, with nothing in
 * doubt, missing or bad; beside it are the marks (lane_mark) of the drives that
 * answered, taken before they were asked.  While all of them stand those drives
 * would give the same answers, and answers say all there is to know.  So only
 * drives of this process can be recalled, and whatever is appended to one,
 * through whatever set or service, ends it.
 *
 * The newest version of a key only.  Threads: all calls. */
#ifndef RECALL_H
#define RECALL_H

#include "set/set.h"

enum {
	RECALL_BYTES = 32 * 1024 * 1024,	/* of all that is kept */
	RECALL_ONE_MAX = 64 * 1024,	/* of one object, with its data */
};

struct recall_mark {	/* of each drive; 0: it did not answer */
	uint64_t of[SET_DRIVES_MAX];
};

struct recalled {	/* immutable */
	struct record rec;	/* without inline data */
	const uint8_t *bytes;	/* of an inline object; NULL: not kept */
};

struct recall;
struct recall *recall_new(void);	/* NULL: ENOMEM */
void recall_free(struct recall *c);

/* Before the drives are asked about a key. */
void recall_marks(const struct set *s, const char *bucket, const char *key,
    struct recall_mark *out);

/* Keep ${rec} and, if inline, the object's ${bytes} or NULL.  Marks of drives
 * that did not answer are 0 by then; keeps nothing when another's is. */
void recall_keep(struct set *s, const struct record *rec,
    const uint8_t *bytes, const struct recall_mark *marks);

/* What is kept and still holds, or NULL.  The caller's, to recall_put. */
const struct recalled *recall_get(struct set *s, const char *bucket,
    const char *key, bool want_bytes);
void recall_put(const struct recalled *k);	/* NULL is fine */

#endif
