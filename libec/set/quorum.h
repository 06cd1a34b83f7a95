/* quorum: how many are enough.  Pure functions over counts and arrays, tested
 * for every combination. */
#ifndef QUORUM_H
#define QUORUM_H

#include "base/err.h"
#include "drive/record.h"

unsigned quorum_write(unsigned k, unsigned m);	/* k, k + 1 when k == m */
unsigned quorum_meta(unsigned n);	 /* n / 2 + 1: deletes, buckets */
/* set.h: need. */
unsigned quorum_visible(const struct record *r, unsigned n);

/* m for a new object when ${offline} of ${n} drives are out: one more for each,
 * up to n / 2; never less than ${m}. */
unsigned quorum_parity(unsigned n, unsigned m, unsigned offline);

/* One state of a thing, as counted over the drives. */
enum quorum_verdict { QUORUM_VOID, QUORUM_POSSIBLE, QUORUM_DECIDED };
enum quorum_verdict quorum_judge(unsigned copies, unsigned silent,
    unsigned need);

/* The result of an operation on n drives that needs ${need}: EC_OK; or the most
 * frequent error when it alone makes ${need} impossible (ENOSPC before EIO
 * before others before EOFFLINE on a tie); otherwise, and when drives are just
 * offline or late, EC_EQUORUM. */
enum err quorum_result(const enum err results[], unsigned n, unsigned need);

#endif
