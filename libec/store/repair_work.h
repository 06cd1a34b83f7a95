/* repair_work: one run of a repair, key by key, several at once: while one
 * waits for a drive to flush, others join the same flush. */
#ifndef REPAIR_WORK_H
#define REPAIR_WORK_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/workers.h"
#include "set/heal_queue.h"
#include "store/repair.h"

struct repair_work {
	const struct repair_params *p;
	struct workers *workers;
	atomic_bool canceled;
	pthread_mutex_t lock;	/* guards all below, and what each() does */
	pthread_cond_t idle;
	struct repair_result *out;
	unsigned busy;		/* jobs not done */
	enum err worst;		/* of jobs since the last settle */
	enum err other;		/* of a walk, but for what is lost */
	bool done;		/* a walk of all left nothing to do */
	bool urgent;		/* only what is lost with one more drive; set
				 * while no job is under way */
	struct heal_outbox *outbox;	/* of a walk that fills a drive */
	struct repair_job *again;	/* which another heal was at work on */
	unsigned again_count;
};

/* ${p} and ${out} outlive it.  To be released if EC_OK.  Errors: EC_ENOMEM. */
enum err repair_work_init(struct repair_work *w,
    const struct repair_params *p, struct repair_result *out);
void repair_work_release(struct repair_work *w);

/* All of a set, as far as the parameters confine it; with several new drives
 * first what would be lost with one more.  New drives are filled
 * when nothing is left to do, be it that some versions are lost. */
enum err repair_work_walk(struct repair_work *w, struct set *s);

/* All buckets and uploads of a set. */
enum err repair_work_tables(struct repair_work *w, struct set *s);

/* The queue of a set behind *${after}, which moves along.  Of a long one first
 * what would be lost with one more drive. */
enum err repair_work_queue(struct repair_work *w, struct set *s,
    struct stamp *after);

/* What a finding names. */
enum err repair_work_one(struct repair_work *w, struct set *s,
    const char *bucket, const char *key, const struct stamp *version);

/* Ask the caller whether to stop, with how far it is.  Errors: EC_ECANCELED. */
enum err repair_work_step(struct repair_work *w);

#endif
