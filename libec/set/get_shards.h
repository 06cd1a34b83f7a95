/* get_shards: the shard files of one part, read over the lanes of its drives.
 *
 * All files are opened at once and stay open, so an overwrite that removes them
 * later does not disturb.  The reads of a stripe overlap; one that is late by
 * what the others took is given up for a spare shard, unless there is none. */
#ifndef GET_SHARDS_H
#define GET_SHARDS_H

#include "set/set.h"

struct get_shards;

struct get_shards_params {
	struct record_part part;
	unsigned start;		/* slot of shard 0 */
	/* Damage was met: a file that should be there is not, cannot be read,
	 * or does not match its hash. */
	void (*damaged)(void *ctx);
	void *ctx;
};

/* Errors: EC_EQUORUM (too few now), EC_ELOST (too few, no drive is away),
 * EC_EBUSY, EC_ENOMEM. */
enum err get_shards_open(struct get_shards **out, struct set *s,
    const struct get_shards_params *p);

/* Exactly ${len} verified bytes at ${off} of the part.  Errors: the same. */
enum err get_shards_read(struct get_shards *gs, void *buf, size_t len,
    uint64_t off);
/* get.h get_view, within the part. */
enum err get_shards_view(struct get_shards *gs, const uint8_t **at,
    size_t *len, uint64_t off, uint64_t end);
void get_shards_free(struct get_shards *gs);

#endif
