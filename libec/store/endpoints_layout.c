/* Which drives make a set, and what that set may lose. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/mem.h"
#include "set/quorum.h"
#include "set/set.h"
#include "store/endpoints.h"

/* Of the drives not taken: one of the node that has the fewest in this set so
 * far, and the most left; the first of those. */
static unsigned
choose(const struct endpoint *at, const bool taken[], unsigned n,
    const unsigned in_set[], const unsigned left[])
{
	unsigned best = n;

	for (unsigned i = 0; i < n; i++) {
		unsigned a = (unsigned)(at[i].node + 1), b;

		if (taken[i])
			continue;
		if (best == n) {
			best = i;
			continue;
		}
		b = (unsigned)(at[best].node + 1);
		if (in_set[a] < in_set[b] ||
		    (in_set[a] == in_set[b] && left[a] > left[b]))
			best = i;
	}
	return best;
}

enum err
endpoints_layout(struct endpoints *e, const struct endpoint_pool *p)
{
	/* By node, the drives without one first. */
	unsigned in_set[ENDPOINTS_NODES_MAX + 1], left[ENDPOINTS_NODES_MAX + 1];
	struct endpoint *from = e->at + p->first;
	struct endpoint *to = mem_array(p->count, sizeof(*to));
	bool *taken = mem_array(p->count, sizeof(*taken));
	enum err err = EC_ENOMEM;
	unsigned at;

	if (to == NULL || taken == NULL)
		goto out;
	memset(left, 0, sizeof(left));
	for (unsigned i = 0; i < p->count; i++)
		left[from[i].node + 1]++;
	for (unsigned i = 0; i < p->count; i++) {
		if (i % p->set_size == 0)
			memset(in_set, 0, sizeof(in_set));
		at = choose(from, taken, p->count, in_set, left);
		taken[at] = true;
		in_set[from[at].node + 1]++;
		left[from[at].node + 1]--;
		to[i] = from[at];
	}
	memcpy(from, to, p->count * sizeof(*to));
	err = EC_OK;
out:
	free(to);
	free(taken);
	return err;
}

static int
descending(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* How many nodes may go, whichever, so that at most ${drives} of a set's
 * ${n} drives from ${at} go with them; *${nodes} has some. */
static unsigned
nodes_to_lose(const struct endpoint *at, unsigned n, unsigned drives,
    unsigned *nodes)
{
	unsigned on[ENDPOINTS_NODES_MAX] = { 0 }, may = 0, gone = 0;

	*nodes = 0;
	for (unsigned i = 0; i < n; i++)
		if (at[i].node >= 0)
			*nodes += on[at[i].node]++ == 0;
	qsort(on, ENDPOINTS_NODES_MAX, sizeof(on[0]), descending);
	while (may < *nodes && gone + on[may] <= drives)
		gone += on[may++];
	return may;
}

/* The most drives that may be out while writes go on. */
static unsigned
write_spare(unsigned n, unsigned m)
{
	unsigned out = 0, raised;

	for (; out < n; out++) {
		raised = quorum_parity(n, m, out + 1);
		if (n - out - 1 < quorum_write(n - raised, raised))
			break;
	}
	return out;
}

static enum err
explain_set(const struct endpoint *at, unsigned n, unsigned m, struct buf *out)
{
	unsigned writes = write_spare(n, m), nodes, reads_nodes, writes_nodes;
	enum err e;

	reads_nodes = nodes_to_lose(at, n, m, &nodes);
	writes_nodes = nodes_to_lose(at, n, writes, &nodes);
	e = buf_printf(out, "may lose %u drive%s", m, m == 1 ? "" : "s");
	if (e == EC_OK && nodes > 0)
		e = buf_printf(out, " or %u of %u nodes", reads_nodes, nodes);
	if (e == EC_OK)
		e = buf_printf(out, "; writes go on without %u", writes);
	if (e == EC_OK && nodes > 0)
		e = buf_printf(out, " or %u node%s", writes_nodes,
		    writes_nodes == 1 ? "" : "s");
	return e == EC_OK ? buf_printf(out, "\n") : e;
}

static enum err
explain_pool(const struct endpoints *e, unsigned pool, int parity,
    struct buf *out)
{
	const struct endpoint_pool *p = &e->pool[pool];
	unsigned n = p->set_size, m = parity >= 0 ? (unsigned)parity :
	    set_default_parity(n);
	enum err err;

	if (m > n / 2)
		return EC_EINVAL;
	err = buf_printf(out, "pool %u: %u drives, %u set%s of %u+%u\n", pool,
	    p->count, p->count / n, p->count == n ? "" : "s", n - m, m);
	for (unsigned i = 0; i < p->count && err == EC_OK; i++) {
		if (i % n == 0)
			err = buf_printf(out, "  set %u: ", i / n);
		if (err == EC_OK && i % n == 0)
			err = explain_set(&e->at[p->first + i], n, m, out);
		if (err == EC_OK)
			err = buf_printf(out, "    %s\n",
			    e->at[p->first + i].name);
	}
	return err;
}

enum err
endpoints_explain(const struct endpoints *e, int parity, struct buf *out)
{
	enum err err = EC_OK;

	for (unsigned i = 0; i < e->pools && err == EC_OK; i++)
		err = explain_pool(e, i, parity, out);
	return err;
}

uint32_t
endpoints_sum(const struct endpoints *e)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < e->count; i++)
		sum = checksum_crc32c(sum, e->at[i].name,
		    strlen(e->at[i].name) + 1);
	return sum;
}
