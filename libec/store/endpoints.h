/* endpoints: the drives' names, from patterns, and which of them make a set.
 * Pure.
 *
 * A name is a path of this machine, "/mnt/d1", or one of a node,
 * "http://node1:9000/mnt/d1".  {1...4} counts, with leading zeros kept
 * ("{01...12}"); several in one name multiply.  ("/mnt/{1..4}" is the shell's
 * and arrives expanded.)  Commas join patterns to one pool; of several words,
 * each with a pattern, each is a pool; words without patterns make one. */
#ifndef ENDPOINTS_H
#define ENDPOINTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "drive/format.h"

enum {
	ENDPOINTS_MAX = 1024,		/* drives */
	ENDPOINTS_POOLS_MAX = 16,
	ENDPOINTS_NODES_MAX = 64,
	ENDPOINTS_NO_NODE = -1,		/* a path of this machine */
};

struct endpoint {
	char *name;		/* for people: "/mnt/d1", "node1:9000/mnt/d1" */
	const char *path;	/* in name */
	int node;
};

struct endpoint_pool {
	unsigned first, count;	/* endpoints */
	unsigned set_size;	/* divides count, 1 .. 16 */
};

struct endpoints {
	/* Set by set, slot by slot: the drives of a set follow each other. */
	struct endpoint *at;
	unsigned count;
	struct endpoint_pool pool[ENDPOINTS_POOLS_MAX];
	unsigned pools;
	char **node;		/* "host:port", in order of appearance */
	unsigned nodes;
	bool tls;		/* they were named with https:// */
};
#define ENDPOINTS_INIT { .count = 0 }

/* Expand ${n} words (each may hold blanks between patterns) and lay out the
 * pools.
 * Errors: EC_EINVAL (logged: what is wrong with which word), EC_ENOMEM. */
enum err endpoints_parse(struct endpoints *out, const char *const words[],
    unsigned n);
void endpoints_release(struct endpoints *e);

/* The largest of 2 .. 16 that divides ${drives} (1 for one drive) and spreads
 * evenly over ${nodes}, or just the largest when none does; 0: none divides. */
unsigned endpoints_set_size(unsigned drives, unsigned nodes);

/* Order the drives of pool ${p} so that each set lies on as many nodes as it
 * can.  ${p}'s set_size is set. */
enum err endpoints_layout(struct endpoints *e, const struct endpoint_pool *p);

/* The map for people, with parity ${parity} (-1: the default): the sets, their
 * drives, and how many drives and nodes each may lose. */
enum err endpoints_explain(const struct endpoints *e, int parity,
    struct buf *out);

/* A number that equal lists have, to compare those of two nodes. */
uint32_t endpoints_sum(const struct endpoints *e);

#endif
