/* bootstrap: from the drives' names to a map: which drive stands in which slot
 * of which set.
 *
 * Identity is the drive's id.  The drives' own records decide; the order of
 * the names counts only when a fresh pool is formatted, and for telling which
 * empty directory belongs to which empty slot.  A pool's number is what its
 * drives say, and stays when other pools are no longer named.
 *
 * A pool is formatted by the node of its first endpoint alone, when all of its
 * drives answer and are empty, in two steps: every drive gets its record with
 * generation 0; then, when all have it, with generation 1.  So one that stands
 * at 0 holds nothing, and either all of them are written anew or, once there is
 * a 1 anywhere, each goes to 1 by itself. */
#ifndef BOOTSTRAP_H
#define BOOTSTRAP_H

#include <stdbool.h>

#include "base/err.h"
#include "drive/format.h"
#include "store/cluster.h"

struct bootstrap_slot {
	unsigned endpoint;	/* where it is, or is expected */
	enum err state;		/* EC_OK: the slot's drive stands there;
				 * EC_ENOTFOUND: empty directory, EC_ENOTEMPTY,
				 * EC_EOFFLINE, EC_EFOREIGN, EC_EFORMAT ... */
	struct format format;	/* what it is, or (not EC_OK) should become;
				 * generation 0: not known, but for its place */
};

struct bootstrap {
	struct bootstrap_slot *slot;	/* by pool, set, slot in the set */
	struct endpoint_pool pool[ENDPOINTS_POOLS_MAX];
	unsigned number[ENDPOINTS_POOLS_MAX];	/* of each pool */
	struct uuid deployment;
};
#define BOOTSTRAP_INIT { .slot = NULL }

struct bootstrap_params {
	bool create;		/* format if there is nothing */
	/* Wait for other nodes, saying for which, until it is known what the
	 * deployment is; or until this is true. */
	bool wait;
	bool (*stop)(void *ctx);
	void *ctx;
};

/* Look at all endpoints and make the map.
 * Errors, logged in one line that names what differs: EC_ENOTFOUND (nothing
 * formatted), EC_EFOREIGN (as many drives of one deployment as of another, or
 * drives of a pool of another size), EC_ECANCELED, EC_ENOMEM, by errno. */
enum err bootstrap_map(struct bootstrap *out, struct cluster *c,
    const struct bootstrap_params *p);
void bootstrap_release(struct bootstrap *b);

/* The number of the pool that is named as the ${pool}th: what its drives, as
 * ${found} by a look, say; while none of them is of the deployment, one behind
 * those that are known. */
unsigned bootstrap_number(const struct endpoints *es,
    const struct node_drive *found, const struct uuid *deployment,
    unsigned pool);

/* Format pool ${pool} for ${deployment} if that is for this process to do and
 * all of its drives, as ${found} by a look, are empty.
 * Errors: EC_EBUSY (not now; *${lacks} is an endpoint that is why, or -1: it is
 * another node's to do), as cluster_format. */
enum err bootstrap_format_pool(struct cluster *c, unsigned pool,
    const struct uuid *deployment, const struct node_drive *found,
    int *lacks);

/* The same for a pool, not the first, that none of the drives is of yet, if all
 * nodes know of it; what it finds formatted is in ${found} then. */
void bootstrap_add_pool(struct cluster *c, unsigned pool,
    const struct uuid *deployment, struct node_drive *found);

/* Take the last step of formatting of those local drives that other drives of
 * the deployment are ahead of. */
void bootstrap_finish(struct cluster *c, const struct uuid *deployment,
    struct node_drive *found);

#endif
