/* plan: which requests a workload is made of.
 *
 *   put	new keys
 *   get, head	keys of those that fill the bucket, at random
 *   range	4 KiB at a random place of them
 *   list	a page of 1,000 keys from a random place
 *   delete	each key once
 *   mixed	45 % get, 30 % head, 15 % put, 10 % delete of what was put
 *   multipart	objects of several parts, sent in parallel; begun and
 *		completed too */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include <stdbool.h>

#include "conn.h"

enum plan_work { PLAN_PUT, PLAN_GET, PLAN_HEAD, PLAN_RANGE, PLAN_LIST,
	PLAN_DELETE, PLAN_MIXED, PLAN_MULTIPART, PLAN_WORKS };
extern const char *const plan_names[PLAN_WORKS];

struct plan_params {
	enum plan_work work;
	const char *bucket;
	uint64_t size;		/* of an object, bytes */
	uint64_t part;		/* of a part, of multipart */
	unsigned keys;		/* that fill the bucket, or may be put */
};

struct plan;

/* The plan of one block against ${t}; ${run} tells its new keys from those of
 * other blocks.  All its requests are signed now.  The texts and ${t} are the
 * caller's and stay.  Errors: EC_ENOMEM. */
enum err plan_new(struct plan **out, const struct plan_params *p,
    const struct target *t, unsigned run);
void plan_free(struct plan *p);

/* The next request.  Errors: EC_ENOTFOUND (there are no more), EC_EBUSY (none
 * until another is answered). */
enum err plan_next(struct plan *p, struct request *out);

/* Its answer.  Errors: EC_EIO (not what it should be). */
enum err plan_done(struct plan *p, const struct conn *c);

/* The requests that must have been answered before: the keys that the plan's
 * workload needs.  Nothing for a new bucket: EC_ENOTFOUND at once. */
enum err plan_fill_next(struct plan *p, struct request *out);

/* Payload bytes that a request moved, in or out. */
uint64_t plan_bytes(const struct plan *p, const struct conn *c);
/* Not counted among the operations: what only begins and ends uploads. */
bool plan_counts(const struct conn *c);

/* The request that makes the bucket. */
void plan_bucket(const struct plan_params *p, const struct target *t,
    struct request *out);

#endif
