/* name: "bucket/key" as tools are given it, and what they say when it fails. */
#ifndef NAME_H
#define NAME_H

#include "base/err.h"
#include "set/set.h"

struct name {
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];	/* "" when only a bucket is named */
};

/* Split at the first slash; the key may hold more.  Errors, logged:
 * EC_EINVAL (not a valid bucket name or key). */
enum err name_split(struct name *out, const char *text);

/* Log why ${what} failed, with the drives that were lacking if it was a
 * quorum. */
void name_log_failure(const char *what, enum err e);

#endif
