/* commit: append one record to the drives of a set, each with its own shard
 * index, and see to it that it is decided or undone.
 *
 * 1. A state that may have been seen as decided is never undone: it is purged
 *    only when fewer drives can hold it than make it visible.  Otherwise it
 *    stays, error or not, and all readers judge it alike.
 * 2. An append whose result is not known (EC_ETIMEDOUT, EC_EIO, EC_EOFFLINE)
 *    may be on the drive.
 * 3. A drive that refuses because it has a newer state means that this
 *    process' clock is behind: the stamp is made anew.  With a write quorum of
 *    the others nothing acknowledged can be newer, so the write stands. */
#ifndef COMMIT_H
#define COMMIT_H

#include "set/set.h"

struct commit {
	struct set *s;
	struct record *rec;	/* stamp and index are set here */
	bool to[SET_DRIVES_MAX];	/* the drives to append to */
	const enum err *why;	/* ... and why not to others; NULL: offline */
	unsigned quorum;	/* that must have it */
	const char *what;	/* "write quorum" */
	/* With RECORD_INLINE: shard i's piece is at pieces + i * inline_len. */
	const uint8_t *pieces;
	const uint8_t (*sums)[32];
	/* It is a state from elsewhere: rec's stamp stays, and no drive refuses
	 * it because it has a newer one. */
	bool as_is;

	/* Results. */
	enum err result[SET_DRIVES_MAX];
	bool holds[SET_DRIVES_MAX];	/* has it, or may have */
	bool superseded;	/* older null versions were seen */
};

/* From now on, until 0 is given, the records that this thread commits have
 * ${hlc} in their stamps, a fencing token: above it are only tokens of later
 * holders of the lock.  So one that a drive refuses as too old is not tried
 * again under a newer stamp: EC_ESTALE, and the clock has observed what was
 * newer. */
void commit_fence(uint64_t hlc);

/* On EC_OK ${quorum} drives and every healthy one have it durably; what is late
 * is left behind and in the heal queue, and set_complaint says which.
 * Errors: EC_EQUORUM, what most drives gave (quorum_result), EC_ESTALE (with a
 * fence), EC_ENOMEM. */
enum err commit_run(struct commit *c);

/* Drop, off the caller's path and not durably at once, the null versions of the
 * key older than ${stamp}, which is decided, from the drives with holds[]. */
void commit_purge_older(struct set *s, const char *bucket, const char *key,
    const struct stamp *stamp, const bool holds[]);

/* The same for the one record ${target} of the key. */
void commit_purge(struct set *s, const char *bucket, const char *key,
    const struct stamp *target, const bool from[]);

/* The same durably: on return it is gone from every drive that is there, and
 * those that did not take part know of it by the heal queue.
 * Errors: EC_EQUORUM (fewer than ${quorum} took part), EC_ENOMEM. */
enum err commit_remove(struct set *s, const char *bucket, const char *key,
    const struct stamp *target, unsigned quorum);

/* Wait for the calls of a write (call[i] NULL: none): all of them; but once
 * ${enough} have succeeded, for late ones only eight times as long as those
 * took, and no longer than SET_WAIT_MS in any case. */
void commit_wait(struct gather *g, struct lane_call *const call[], unsigned n,
    unsigned enough, uint64_t started_us);

/* Fill results from calls; a call not done is EC_ETIMEDOUT, none at all
 * EC_EOFFLINE.  Returns how many are EC_OK. */
unsigned commit_results(struct lane_call *const call[], unsigned n,
    enum err results[]);

#endif
