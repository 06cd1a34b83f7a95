/* heal: make one version whole again: every record and every shard of it on
 * every drive of the set.
 *
 * Rebuilds exactly what is missing or bad from any k good shards, each
 * verified before it is used.  Writes like a fresh write: shard files durable
 * first, then the record.  A bad shard file goes to quarantine only when its
 * replacement is durable.  What cannot be decided is left and said so; nothing
 * is deleted because it could not be reached. */
#ifndef HEAL_H
#define HEAL_H

#include "set/set.h"

enum heal_state {	/* of one drive's share of one version */
	HEAL_OK, HEAL_MISSING, HEAL_CORRUPT, HEAL_OFFLINE, HEAL_STALE,
};

struct heal_report {
	struct set *set;	/* whose drives these are */
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct stamp version;
	bool null_version;
	struct stamp upload;	/* not zero: a part of it, or itself */
	uint32_t part;
	enum heal_state before[SET_DRIVES_MAX], after[SET_DRIVES_MAX];
	unsigned drives;
	unsigned k;		/* shares that give it back; 0: it has none */
	uint64_t bytes;		/* written */
	uint64_t bytes_read;
	bool undecided;		/* too few answers to know what is right */
	bool lost;		/* fewer than k good shards, all drives asked */
};

struct heal_outbox;

/* Who wants to know.  Either function may be NULL. */
struct heal_watch {
	/* Called per version looked at. */
	void (*each)(void *ctx, const struct heal_report *r);
	/* Asked often; true: leave off, with EC_ECANCELED. */
	bool (*canceled)(void *ctx);
	void *ctx;
	/* Not NULL: records, and reports, go there (heal_outbox.h), nothing is
	 * purged, and a result is true when that is sent. */
	struct heal_outbox *outbox;
};

enum {
	HEAL_DRY = 1,		/* only look */
	HEAL_DEEP = 2,	 /* verify every hash, not just presence and size */
	HEAL_ONE = 256,	 /* (slot + 1) times it, with both others: only the
			  * hashes of shard files of that slot's drive */
};

/* Heal all states of a key (objects, markers, tombstones; leftovers of
 * overwritten or failed versions are purged when every drive answered), or
 * with ${version} only that one.  ${watch} may be NULL.
 * Errors: EC_OK whole now (or, dry, was), EC_EDEGRADED (a drive is away; the
 * rest is whole), EC_ELOST (fewer than k good shards, all drives asked),
 * EC_EQUORUM (cannot be decided now), EC_EOWNED (another heal is at work on it,
 * or just was, and nothing is reported: look again), EC_EBUSY (whole, but there
 * are remains of a write that may be under way: look again in an hour). */
enum err heal_key(struct set *s, const char *bucket, const char *key,
    const struct stamp *version, unsigned flags,
    const struct heal_watch *watch);

/* All buckets' records (reports with key ""), and uploads with their parts
 * (reports with the upload, and the number of the part; 0 for the upload's own
 * record) likewise: of one key, or with ${bucket} NULL all.  ${watch} may
 * be NULL.  Errors: as heal_key, and EC_EQUORUM when no drive answers. */
enum err heal_buckets(struct set *s, unsigned flags,
    const struct heal_watch *watch);
enum err heal_uploads(struct set *s, const char *bucket, const char *key,
    unsigned flags, const struct heal_watch *watch);

/* Whether the report says that anything is not as it should be, leaving drives
 * aside that are away. */
bool heal_report_bad(const struct heal_report *r);

/* The worse of two results. */
enum err heal_worse(enum err a, enum err b);

/* "ok", "missing", "corrupt", "offline", "stale". */
const char *heal_state_text(enum heal_state s);

#endif
