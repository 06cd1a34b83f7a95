/* heal_shard_impl: what the files heal_shard and heal_parity share. */
#ifndef HEAL_SHARD_IMPL_H
#define HEAL_SHARD_IMPL_H

#include "set/heal_shard.h"

struct heal_source {		/* decode_source's ctx */
	struct heal_shards *h;
	unsigned index;
};

/* A decoder over the open files, less those with their bit in ${skip}.
 * ${from}: n of them, as long as the decoder.
 * Errors: EC_EQUORUM, EC_ENOMEM. */
enum err heal_shards_decoder(struct heal_shards *h, struct heal_source from[],
    uint32_t skip, struct decode **out);

/* Exactly ${len} bytes of file ${index}. */
enum err heal_shards_pread(struct heal_shards *h, unsigned index, void *buf,
    size_t len, uint64_t off);

/* File ${index} is found to be bad. */
void heal_shards_fault(struct heal_shards *h, unsigned index, enum err why);

/* Whether all files are there, and the parity files are those of the data
 * files, byte for byte; each data file's leaves are verified by the way.
 * differ[] is set for those that are not.  false, too, when it could not be
 * found out. */
bool heal_parity_holds(struct heal_shards *h, bool differ[]);

/* Every hash holds, and yet the files do not belong together: find out by the
 * part's MD5 which are wrong, and call them bad.
 * Errors: EC_EQUORUM (it cannot be told), EC_ENOMEM. */
enum err heal_parity_blame(struct heal_shards *h, const bool differ[]);

#endif
