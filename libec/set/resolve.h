/* resolve: what the drives' records of one key mean.  Pure: the rule of set.h
 * over arrays of records, tested against a model.
 *
 * A state is what equal records of one stamp make.  A drive that did not
 * answer, or whose answer was cut off before the stamp, is silent on it.
 *
 * What hides: record_hides.  Decided, it hides; possible, it makes what it
 * would hide uncertain; void, it does nothing.
 *
 * When a drive must have been asked.  Whatever was acknowledged is on at least
 * n / 2 + 1 drives, so with that many silent, or new and not filled yet,
 * nothing can be said of a key of which nothing was seen. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "set/quorum.h"
#include "set/set.h"

struct resolve_input {	/* of one drive */
	bool silent;
	bool cut;		/* there may be records older than the last */
	bool filling;		/* what it lacks says nothing (format.h) */
	const struct record *rec;	/* by stamp, descending */
	unsigned n;
};

enum state_life {
	STATE_VOID,		/* too few copies, for good */
	STATE_HIDDEN,		/* superseded or deleted */
	STATE_UNCERTAIN,	/* cannot be known without the silent drives */
	STATE_ALIVE,
};

struct state {
	const struct record *rec;	/* one copy of it */
	const struct record *copy[SET_DRIVES_MAX];	/* by slot or NULL */
	unsigned copies, silent, need;
	unsigned unfilled;	/* drives that lack it, and are not filled */
	bool by_cut;		/* some are silent because of a cut */
	enum quorum_verdict verdict;	/* of its copies alone */
	enum state_life life;
};

struct resolve {
	struct state *state;	/* by stamp, descending */
	unsigned count, cap;
	unsigned drives, silent;
	unsigned filling;	/* not silent, but not filled yet */
	bool cut;		/* any */
};
#define RESOLVE_INIT { .state = NULL }
void resolve_release(struct resolve *r);

/* Work out all states; ${in} of ${n} drives by slot.  May be called again with
 * another key: memory is used again.  Errors: EC_ENOMEM. */
enum err resolve_key(struct resolve *r, const struct resolve_input in[],
    unsigned n);

/* Take from the front of ${rest} the records that come first by ${cmp} and are
 * equal by it, into ${group}: for tables whose rows of one key are of several
 * things (uploads, parts).  false when nothing is left. */
bool resolve_split(struct resolve_input rest[], struct resolve_input group[],
    unsigned n, int (*cmp)(const struct record *, const struct record *));

/* The newest living version (object or marker); *${out} leads into ${r}.
 * Errors: EC_ENOTFOUND, EC_EQUORUM (not to be known), EC_ELIMIT (answers were
 * cut before it: ask for more records). */
enum err resolve_newest(const struct resolve *r, const struct state **out);

/* The version of this stamp, or with NULL the null version. */
enum err resolve_version(const struct resolve *r, const struct stamp *version,
    const struct state **out);

/* The amendment that version ${of} has; *${out} is NULL when there is none.
 * Errors: EC_EQUORUM, EC_ELIMIT. */
enum err resolve_amend(const struct resolve *r, const struct state *of,
    const struct state **out);

/* The newest state of a bucket or of upload ${target} (NULL: whatever there
 * is), gone or not.  Errors: EC_ENOTFOUND, EC_EQUORUM. */
enum err resolve_state(const struct resolve *r, const struct stamp *target,
    const struct state **out);

/* The drives do not answer all at the same moment: while a version is being
 * replaced some may still give the old one and some only the new, and neither
 * has its copies.  Not 0 when such a thing is above ${answer} (NULL: nothing
 * was found): ask again; the same value twice in a row means remains of a write
 * that failed, and the answer holds. */
uint64_t resolve_doubt(const struct resolve *r, const struct state *answer);

/* Whether a state that is only possible was written after ${real_us}: its write
 * may be under way, and soon be decided. */
bool resolve_young(const struct resolve *r, uint64_t real_us);

/* Whether an answer would stay the same with fewer drives silent: so few are
 * that no state that was not seen can be decided. */
bool resolve_settled(const struct resolve *r);

/* So many copies a write of ${s} needs to be acknowledged.  With fewer they may
 * still go, and a reader completes it before it is shown. */
unsigned resolve_need(const struct resolve *r, const struct state *s);

/* Is it a version, as opposed to a tombstone or an amendment? */
static inline bool
state_is_version(const struct state *s)
{
	return s->rec->kind == RECORD_OBJECT || s->rec->kind == RECORD_MARKER;
}

#endif
