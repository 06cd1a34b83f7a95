/* heal_inline: the pieces of a small object, which are in its records. */
#ifndef HEAL_INLINE_H
#define HEAL_INLINE_H

#include "set/heal_census.h"

struct heal_pieces {
	unsigned n, good;
	/* Of shard i: EC_OK, EC_ENOTFOUND, EC_ECORRUPT; else it cannot be
	 * told. */
	enum err err[SET_DRIVES_MAX];
	uint64_t bytes_read;
	size_t piece_bytes;
	uint8_t *bytes;			/* once rebuilt: n pieces, end to end */
	uint8_t sum[SET_DRIVES_MAX][32];
};

/* Verify the pieces of version ${v} of ${c}, fetched from all drives unless
 * they came with its records.  With ${rebuild} all are computed from k good
 * ones, whatever is bad.  To be released in any case.
 * Errors: EC_ELOST (fewer than k are good), EC_ENOMEM. */
enum err heal_pieces_fetch(struct heal_pieces *p, struct set *s,
    const struct heal_census *c, const struct heal_version *v, bool rebuild);
void heal_pieces_release(struct heal_pieces *p);

/* Bytes of each piece of ${r}'s object; 0 when that makes no sense. */
size_t heal_piece_bytes(const struct record *r);

#endif
