/* heal_shard: the shard files of one part of an object, on the drives of a
 * set, to be verified and rebuilt.
 *
 * Arrays go by shard index, as in codec; placement says which drive that is. */
#ifndef HEAL_SHARD_H
#define HEAL_SHARD_H

#include "codec/decode.h"
#include "set/heal.h"
#include "set/heal_file.h"
#include "set/set.h"

struct heal_shards {
	struct set *set;
	const struct record_part *part;
	unsigned n, start;
	enum err err[SET_DRIVES_MAX];	/* EC_OK: good so far, or again */
	enum err found[SET_DRIVES_MAX];	/* what was first wrong with it */
	/* Open; of bad ones, too, as long as some of their bytes may help. */
	struct heal_file *file[SET_DRIVES_MAX];
	uint64_t bytes_read, bytes_written;
	const struct heal_watch *watch;	/* NULL: nobody cancels */
};

/* Open those of the files that are on a drive with ask[slot], and look at
 * their ends: a file that is not exactly as long as it should be is
 * EC_ECORRUPT, one that is not there EC_ENOTFOUND; a drive that cannot tell
 * gives another error.  ${part} outlives ${h}, which is to be released in any
 * case.  Errors: EC_ENOMEM. */
enum err heal_shards_open(struct heal_shards *h, struct set *s,
    const struct record_part *part, unsigned start, const bool ask[]);
void heal_shards_release(struct heal_shards *h);

/* Verify every byte of every file that is good so far, and that all together
 * are of one code word; or, with ${only} not below 0, of that one file.
 * Errors: EC_EQUORUM (they are not, and it cannot be told which are wrong),
 * EC_ECANCELED, EC_ENOMEM. */
enum err heal_shards_verify(struct heal_shards *h, int only);

/* Write those that are gone anew, durable, each from k good others; err[] is
 * EC_OK then, or tells what could not be written.  Goes on until nothing more
 * turns out to be bad.  With ${dry} it computes all and writes nothing.
 * Errors: EC_ELOST (of some bytes fewer than k are good: nothing was changed),
 * EC_EOWNED (another heal writes one of them, or just did: look again),
 * EC_ENOMEM. */
enum err heal_shards_rebuild(struct heal_shards *h, bool dry);

/* How many are good, how many at least in part, and on how many drives it
 * cannot be told now. */
unsigned heal_shards_good(const struct heal_shards *h);
unsigned heal_shards_usable(const struct heal_shards *h);
unsigned heal_shards_silent(const struct heal_shards *h);

/* An error that says that the file is not there or bad, and can be written
 * anew; others say that the drive is in trouble. */
static inline bool
heal_shard_is_gone(enum err e)
{
	return e == EC_ENOTFOUND || e == EC_ECORRUPT || e == EC_EFORMAT;
}

#endif
