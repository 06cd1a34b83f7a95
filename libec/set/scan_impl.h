/* scan_impl: what the files of scan share; for scan*.c only. */
#ifndef SCAN_IMPL_H
#define SCAN_IMPL_H

#include "set/scan.h"
#include "set/scan_litter.h"

struct scan {
	struct set *set;
	const struct scan_params *p;
	struct scan_result *out;
	struct scan_names names;
	uint64_t began_us, began_bytes;
	uint64_t keys, told_bytes;
	bool suspect, young;
	bool blind;			/* some drive did not answer */
	const char *drive;		/* whose litter is listed */
	int only;			/* this slot alone; -1: all */
	enum err worst;
};

void scan_found(struct scan *sc, const struct scan_finding *f);

/* Keep below the rate, and let the caller stop it.  Errors: EC_ECANCELED. */
enum err scan_pace(struct scan *sc);

/* Look at a key twice: first to count it, and when it is suspect anew, to
 * report.  Errors: EC_ENOMEM. */
enum err scan_twice(struct scan *sc, const char *bucket, const char *key);

/* The flags of a look, and who is told of what is found by it. */
unsigned scan_flags(const struct scan *sc);
struct heal_watch scan_watch(struct scan *sc);

/* What is in the heal queue, instead of all.  Errors: EC_EQUORUM,
 * EC_ECANCELED, EC_ENOMEM. */
enum err scan_known(struct scan *sc);

/* What is wrong with the drives themselves. */
void scan_drives(struct scan *sc);

#endif
