/* sweep: walk the rows of a table in order of key, all drives side by side.
 *
 * Each round asks every drive for a batch behind the last key.  A key is given
 * when every drive that answered has got past it; one with more rows than a
 * batch takes is given with in[].cut set. */
#ifndef SWEEP_H
#define SWEEP_H

#include "set/ask.h"

struct sweep {
	struct set *s;
	struct drive_query q;	/* of the next round, but for its strings */
	struct ask ask;
	bool few;		/* ask_few will do: undecided keys are looked at
				 * again by the caller */
	bool asked;
	bool last;		/* no drive has more behind this round */
	unsigned at[SET_DRIVES_MAX];	/* next record of each answer */
	char after[RECORD_KEY_MAX + 2];	/* keys behind it are wanted */
	char frontier[RECORD_KEY_MAX + 2];	/* keys from here: not whole */
	bool bounded;		/* there is a frontier */
	unsigned batch;		/* rows to ask a drive for */
};

/* ${q}: its table, bucket, prefix, newest_only and what is wanted; the strings
 * stay the caller's and must live as long.  Buckets: their names are the keys.
 * ${batch}: how many rows may be wanted of a drive at first.  To be released in
 * any case. */
void sweep_init(struct sweep *w, struct set *s, const struct drive_query *q,
    const char *after, unsigned batch);

/* The next key and its records; both are valid until the next call.
 * Errors: EC_ENOTFOUND (no more), EC_EQUORUM, EC_ENOMEM. */
enum err sweep_next(struct sweep *w, const char **key,
    struct resolve_input in[]);

/* From the last key on, ask all drives. */
void sweep_all(struct sweep *w);

/* Go on behind ${after} (at most RECORD_KEY_MAX + 1 bytes). */
void sweep_seek(struct sweep *w, const char *after);
void sweep_release(struct sweep *w);

#endif
