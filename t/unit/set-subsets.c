/* Every subset of the drives of a set is there and the others are away: what
 * was written while all were there is read when k drives are, a write and a
 * delete are done when so many are as set.h says, nothing else is; and what
 * cannot be done is said, not made up.  EC_SUBSETS: all those of 12 drives,
 * too. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/log.h"
#include "set/delete.h"

enum { SMALL = 3000, LARGE = 1200000 };

static struct memory_set ms;
static uint8_t small[SMALL], large[LARGE];

/* What is wrong with a read. */
static unsigned
read_wrong(const char *key, const uint8_t *want, size_t size, bool can)
{
	uint8_t *got = NULL;
	size_t len;
	enum err e = memory_set_get(&ms, key, &got, &len);
	bool good = e == EC_OK ? can && len == size &&
	    memcmp(got, want, size) == 0 : !can && e == EC_EQUORUM;

	free(got);
	return !good;
}

static unsigned
write_wrong(unsigned up, unsigned m)
{
	unsigned n = ms.n, parity = m + n - up, need;
	char key[] = "w";
	enum err e;

	if (parity > n / 2)
		parity = n / 2;
	if (parity < m)
		parity = m;
	need = n - parity;
	need += need == parity;
	if (need > n)
		need = n;
	small[0]++;
	e = memory_set_put(&ms, key, small, SMALL, 0, true);
	if ((e == EC_OK) != (up >= need))
		return 1;
	if (e == EC_OK && read_wrong(key, small, SMALL, true) > 0)
		return 1;
	small[0]--;
	e = delete_null(ms.set, MEMORY_SET_BUCKET, "none");
	return (e == EC_OK) != (up >= n / 2 + 1);
}

static unsigned
subset_wrong(unsigned away, unsigned m)
{
	bool out[SET_DRIVES_MAX];
	unsigned up = ms.n - memory_set_out(&ms, away, out), wrong, can;

	memory_set_restart(&ms, out);
	can = up >= ms.n - m;
	wrong = read_wrong("small", small, SMALL, can) +
	    read_wrong("large", large, LARGE, can) + write_wrong(up, m);
	if (wrong > 0)
		tap_note("%u+%u, away %x: %u wrong", ms.n - m, m, away, wrong);
	return wrong;
}

static void
subsets(unsigned n, unsigned m, unsigned step)
{
	unsigned wrong = 0, done = 0;

	memory_set_init(&ms, n, (int)m);
	if (memory_set_put(&ms, "small", small, SMALL, 0, true) != EC_OK ||
	    memory_set_put(&ms, "large", large, LARGE, 0, true) != EC_OK)
		abort();
	for (unsigned away = 0; away < 1u << n; away += step, done++)
		wrong += subset_wrong(away, m);
	tap_ok(wrong == 0, "%u+%u: %u subsets, %u wrong", n - m, m, done,
	    wrong);
	memory_set_release(&ms);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	memory_set_fill(small, SMALL, 1);
	memory_set_fill(large, LARGE, 2);
	subsets(1, 0, 1);
	subsets(2, 1, 1);
	subsets(3, 1, 1);
	subsets(4, 2, 1);
	subsets(5, 2, 1);
	subsets(6, 2, 1);
	subsets(8, 4, 1);
	subsets(12, 4, getenv("EC_SUBSETS") != NULL ? 1 : 31);
	return tap_done();
}
