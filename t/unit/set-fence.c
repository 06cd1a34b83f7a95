/* Records that carry a fencing token: what an earlier holder of a lock writes
 * late never hides what a later one wrote. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "set/commit.h"
#include "set/delete.h"

enum { LEN = 1000 };

static struct memory_set ms;

static enum err
put(uint64_t seed)
{
	uint8_t data[LEN];

	memory_set_fill(data, LEN, seed);
	return memory_set_put(&ms, "k", data, LEN, 0, true);
}

static bool
is(uint64_t seed)
{
	uint8_t data[LEN], *got = NULL;
	size_t len = 0;
	bool same;

	memory_set_fill(data, LEN, seed);
	same = memory_set_get(&ms, "k", &got, &len) == EC_OK && len == LEN &&
	    memcmp(data, got, LEN) == 0;
	free(got);
	return same;
}

int
main(void)
{
	uint64_t first = clock_hlc() + (UINT64_C(1) << 20), second = first + 1;

	memory_set_init(&ms, 4, 2);
	commit_fence(first);
	tap_ok(put(1) == EC_OK && is(1), "the first holder");
	tap_ok(put(2) == EC_OK && is(2), "writes once more");
	commit_fence(second);
	tap_ok(put(3) == EC_OK && is(3), "the second holder");
	commit_fence(first);
	tap_ok(put(4) == EC_ESTALE && is(3), "the first is too late");
	tap_ok(delete_null(ms.set, MEMORY_SET_BUCKET, "k") == EC_ESTALE &&
	    is(3), "also to delete");
	commit_fence(0);
	tap_ok(clock_hlc() > second, "and its clock has seen why");
	tap_ok(put(5) == EC_OK && is(5), "without a lease the clock goes");
	memory_set_release(&ms);
	return tap_done();
}
