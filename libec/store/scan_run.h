/* scan_run: a pass over all sets of a store, in one go or in slices: what is
 * done is kept on the drives (scan_state.h), and the next slice goes on. */
#ifndef SCAN_RUN_H
#define SCAN_RUN_H

#include "store/scan_state.h"

struct scan_run_params {
	bool keep;		/* keep the state on the drives; one process at
				 * a time, and others may ask it to leave off */
	uint64_t time_s;	/* leave off after so long; 0: no limit */
	uint64_t errors;	/* or so many findings; 0: no limit */
	uint64_t rate;		/* bytes read a second; 0: no limit */
	unsigned litter_age_s;
	/* As in scan.h. */
	bool (*progress)(void *ctx, uint64_t versions, uint64_t bytes);
	void (*found)(void *ctx, const struct scan_finding *f);
	void *ctx;
	const volatile bool *interrupt;	/* true: leave off; NULL: never */
};

/* Go on with ${s}, which says what there is to do (deep to since_us) and how
 * far it is; all zero but these: from the beginning.  On return it is
 * SCAN_FINISHED, SCAN_PAUSED or SCAN_STOPPED.
 * Errors: what was found since its begin (as scan_set); EC_ENOTFOUND (there is
 * no such pool, set or drive: logged), EC_EOWNED (with keep:
 * another process runs one), EC_ENOMEM, EC_EQUORUM. */
enum err scan_run(struct store *st, const struct scan_run_params *p,
    struct scan_state *s);

/* How many versions such a scan has to look at; 0: that cannot be counted. */
uint64_t scan_run_count(struct store *st, const struct scan_state *s);

#endif
