/* set_impl: what the files of libec/set share; for them only. */
#ifndef SET_IMPL_H
#define SET_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "set/set.h"

enum { SET_RECENT = 256, SET_LATE_MS = 50 };

struct set {
	unsigned n, parity;
	struct lane *lane[SET_DRIVES_MAX];
	struct mem_pool *pool, *views;
	atomic_uint ahead;	/* readers with a second view */
	struct recall *recall;

	/* What heal_queue_note was told lately. */
	pthread_mutex_t recent_lock;	/* guards what follows */
	struct set_recent {
		uint64_t hash;		/* of bucket, key and version */
		uint64_t at_us;		/* clock_mono_us; 0: empty */
	} recent[SET_RECENT];
	unsigned recent_next;		/* to be overwritten */

	/* heal_lost: whether any drive took the place of another, and when it
	 * was found out (clock_mono_us; 0: never). */
	atomic_bool replaced;
	atomic_ullong replaced_us;
};

/* Keep for set_complaint what each drive answered, EC_EDEGRADED if it is not
 * filled yet.  ${what}: "write quorum". */
void set_complain(const struct set *s, const char *what, unsigned need,
    const enum err results[]);
/* The same of a write that is done. */
void set_complain_missed(const struct set *s, const enum err results[]);
void set_complain_clear(void);

#endif
