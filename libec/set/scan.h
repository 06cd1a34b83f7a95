/* scan: walk every version of a set and say what is wrong; never repairs. */
#ifndef SCAN_H
#define SCAN_H

#include "set/heal.h"

enum scan_what {
	SCAN_DEGRADED,	/* shards or records missing or stale; can be healed */
	SCAN_DAMAGED,	/* a hash does not hold; can be healed */
	SCAN_LOST,	/* fewer than k good shards */
	SCAN_UNDECIDED,	/* cannot be judged while drives are away */
	SCAN_LITTER,	/* a shard file without a record */
	SCAN_DRIVE,	/* a drive is away, empty or foreign */
};

struct scan_finding {
	enum scan_what what;
	struct heal_report report;	/* for versions, buckets, uploads */
	const char *drive;		/* for litter and drives */
	char text[512];			/* for people */
};

struct scan_params {
	bool deep;			/* verify all hashes */
	bool known;			/* only what is in the heal queue, and
					 * all hashes of that */
	int only;			/* only this slot's drive: what it
					 * lacks, the hashes it has; -1: all */
	const char *bucket, *prefix;	/* NULL: all */
	uint64_t rate;			/* bytes read a second; 0: no limit */
	unsigned litter_age_s;		/* younger files may be under way */
	uint64_t since_us;		/* only keys with a version written
					 * since (real time); 0: all */
	/* Go on behind this key, as an earlier scan's result says; NULL: from
	 * the beginning. */
	const char *after_bucket, *after_key;
	/* Called every so often; true: stop with EC_ECANCELED. */
	bool (*progress)(void *ctx, uint64_t versions, uint64_t bytes);
	void (*found)(void *ctx, const struct scan_finding *f);
	void *ctx;
};

struct scan_result {
	uint64_t versions, bytes, degraded, damaged, lost, undecided;
	uint64_t litter, drives;
	/* The last key of this set that was looked at, now or before; "": none
	 * yet. */
	char at_bucket[RECORD_BUCKET_MAX + 1];
	char at_key[RECORD_KEY_MAX + 1];
};

/* Adds to the counts of *${out}.  Litter, buckets and uploads are looked at
 * when ${p} has no bucket; with known only versions, and buckets and
 * uploads that the queue names.  A version with shards only on drives that are
 * away is no finding of its own: the drives are.
 * Errors: EC_OK (nothing found), EC_EDEGRADED (findings), EC_ELOST (some are
 * beyond repair), EC_ECANCELED, EC_EQUORUM (no listing possible). */
enum err scan_set(struct set *s, const struct scan_params *p,
    struct scan_result *out);

/* How many versions there are to scan, by a quick walk; for progress.
 * Errors: EC_EQUORUM, EC_ENOMEM. */
enum err scan_count(struct set *s, const char *bucket, const char *prefix,
    uint64_t *versions);

/* The text of a kind: "degraded" ...; and back: false when it is none. */
const char *scan_what_text(enum scan_what w);
bool scan_what_parse(enum scan_what *out, const char *text);

#endif
