/* bootstrap: from a list of paths to a pool's map: which drive stands in which
 * slot of which set.
 *
 * Identity is the drive's id.  The drives' own records decide; the order of
 * the paths counts only when a fresh pool is formatted, and for telling which
 * empty directory belongs to which empty slot. */
#ifndef BOOTSTRAP_H
#define BOOTSTRAP_H

#include <stdbool.h>

#include "base/err.h"
#include "drive/format.h"
#include "store/endpoints.h"

struct bootstrap_slot {
	const char *path;	/* of the endpoints; never NULL */
	enum err state;		/* EC_OK: the slot's drive stands there;
				 * EC_ENOTFOUND: empty directory, EC_ENOTEMPTY,
				 * EC_EOFFLINE, EC_EFOREIGN, EC_EFORMAT ... */
	struct format format;	/* what it is, or (not EC_OK) should become */
};

struct bootstrap {
	struct bootstrap_slot *slot;	/* by set, then slot in the set */
	unsigned sets, set_size;
	struct uuid deployment;
};
#define BOOTSTRAP_INIT { NULL, 0, 0, { { 0 } } }

/* Look at all paths and make the map.  With ${create}, if not one is formatted
 * and all are empty directories, format them as a new deployment; the first
 * format is written to all before it returns.
 * Errors, logged in one line that names what differs: EC_ENOTFOUND (nothing
 * formatted), EC_EFOREIGN (as many drives of one deployment as of another, or
 * drives of a pool of another size), EC_ENOMEM, by errno. */
enum err bootstrap_map(struct bootstrap *out, const struct endpoints *e,
    bool create);
void bootstrap_release(struct bootstrap *b);

#endif
