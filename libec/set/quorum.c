/* quorum: see the header. */
#include "set/quorum.h"

unsigned
quorum_write(unsigned k, unsigned m)
{
	return k == m ? k + 1 : k;
}

unsigned
quorum_meta(unsigned n)
{
	return n / 2 + 1;
}

unsigned
quorum_visible(const struct record *r, unsigned n)
{
	if ((r->kind == RECORD_OBJECT || r->kind == RECORD_PART) && r->k > 0)
		return r->k;
	return n - n / 2;
}

unsigned
quorum_parity(unsigned n, unsigned m, unsigned offline)
{
	unsigned raised = m + offline;

	if (raised > n / 2)
		raised = n / 2;
	return raised > m ? raised : m;
}

enum quorum_verdict
quorum_judge(unsigned copies, unsigned silent, unsigned need)
{
	if (copies >= need)
		return QUORUM_DECIDED;
	return copies + silent >= need ? QUORUM_POSSIBLE : QUORUM_VOID;
}

/* On a tie the one that a person can do most about. */
static unsigned
rank(enum err e)
{
	return e == EC_ENOSPC ? 3 : e == EC_EIO ? 2 : e == EC_EOFFLINE ? 0 : 1;
}

enum err
quorum_result(const enum err results[], unsigned n, unsigned need)
{
	unsigned count[EC_ERR_COUNT] = { 0 };
	enum err best = EC_EQUORUM;

	for (unsigned i = 0; i < n; i++)
		count[results[i]]++;
	if (count[EC_OK] >= need)
		return EC_OK;
	count[EC_EQUORUM] = 0;
	for (unsigned e = EC_OK + 1; e < EC_ERR_COUNT; e++)
		if (count[e] > count[best] || (count[e] > 0 &&
		    count[e] == count[best] && rank(e) > rank(best)))
			best = e;
	/* It alone must be what is in the way. */
	if (count[best] <= n - need || best == EC_EOFFLINE ||
	    best == EC_ETIMEDOUT)
		return EC_EQUORUM;
	return best;
}
