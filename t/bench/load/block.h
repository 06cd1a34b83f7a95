/* block: one workload against one endpoint for a while. */
#ifndef LOAD_BLOCK_H
#define LOAD_BLOCK_H

#include "latency.h"
#include "plan.h"
#include "watch.h"

struct block_params {
	unsigned clients;
	double seconds;		/* begun no later than this */
	const char *disk;	/* see watch_read; or NULL */
};

struct block {		/* what came of it */
	uint64_t ops, bytes, errors;
	double seconds;		/* to the last answer */
	struct latency latency;
	struct watch spent;
};

/* Answer everything that ${p} asks for before its workload can run. */
enum err block_fill(struct plan *p, const struct target *t, unsigned clients);

/* Run it.  Errors: EC_EIO (the server is not there), EC_ENOMEM. */
enum err block_run(struct block *out, struct plan *p, const struct target *t,
    const struct block_params *bp);

/* One request and its answer; its status through ${status}. */
enum err block_one(const struct request *r, const struct target *t,
    unsigned *status);

#endif
