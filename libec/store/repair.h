/* repair: what keeps a store whole: drives that came back or were replaced are
 * taken in, what they lack is healed, and the heal queue is worked off.
 *
 * ec-heal runs it once, ec-s3d again and again.  It may run twice at once, in
 * one process or two: a file has one writer (drive.h), and what another heal is
 * at work on is looked at again at the end. */
#ifndef REPAIR_H
#define REPAIR_H

#include "store/store.h"

/* What a process remembers from run to run, so that what cannot be healed now
 * is not tried again before something changed (or an hour has passed). */
struct repair;

struct repair_params {
	bool attended;		/* the caller looks for drives by itself */
	bool refill;		/* format empty directories in known slots */
	unsigned wait_ms;	/* how long to wait for another process that
				 * owns the drives to do so */
	bool walk;		/* look at every version, not only the queue */
	bool deep;		/* verify all hashes, not just sizes */
	bool dry;		/* only look; nothing is written anywhere */
	const char *bucket, *prefix;	/* of a walk; NULL: all */
	/* A version, bucket or upload that was not whole.  May be NULL. */
	void (*each)(void *ctx, const struct heal_report *r);
	/* Every so often; true: stop with EC_ECANCELED.  May be NULL. */
	bool (*progress)(void *ctx, uint64_t looked, uint64_t bytes);
	void *ctx;
};

struct repair_result {
	unsigned fresh;		/* drives that were formatted */
	unsigned away;		/* drives that are not there now */
	uint64_t looked;	/* versions, buckets, uploads, parts */
	uint64_t healed;	/* were not, and now are as whole as can be */
	uint64_t left;		/* are not whole yet (dry: to be healed) */
	uint64_t lost, undecided;
	uint64_t bytes;		/* read and written */
};

/* *${out} is the caller's, to repair_free before store_close.
 * Errors: EC_ENOMEM. */
enum err repair_new(struct repair **out, struct store *st);
void repair_free(struct repair *r);	/* NULL is fine */

/* One run.  Not to be called by two threads with the same ${r}.
 * Errors: EC_OK (all that was looked at is whole), EC_EDEGRADED (some of it is
 * not, or a drive is away), EC_ELOST, EC_EQUORUM, EC_ECANCELED, EC_ENOMEM. */
enum err repair_run(struct repair *r, const struct repair_params *p,
    struct repair_result *out);

/* Heal just this: a version, a key (${version} NULL), a bucket's record
 * (${key} ""), as a finding of a scan names it.  Adds to *${out}. */
enum err repair_one(struct repair *r, const struct repair_params *p,
    const char *bucket, const char *key, const struct stamp *version,
    struct repair_result *out);

#endif
