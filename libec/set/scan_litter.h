/* scan_litter: which shard files no record names.  Only a hash of each name is
 * kept, eight bytes for each object that has files. */
#ifndef SCAN_LITTER_H
#define SCAN_LITTER_H

#include "set/set.h"

struct scan_names {
	uint64_t *v;
	size_t n, cap;
	bool sorted;
};

/* The data that a record names.  Errors: EC_ENOMEM. */
enum err scan_names_add(struct scan_names *l, const struct record *r);
bool scan_names_has(struct scan_names *l, const struct uuid *data);
void scan_names_release(struct scan_names *l);

/* Shard files of the drive of lane ${l} that are not among ${names} and last
 * changed before ${before_us} (real time); ${each} for each.
 * Errors: the drive's. */
enum err scan_litter(struct lane *l, struct scan_names *names,
    uint64_t before_us, void (*each)(void *ctx,
    const struct drive_shard_info *info), void *ctx);

#endif
