/* backlog: what the heal queue of a set holds, in objects, bytes and age. */
#ifndef BACKLOG_H
#define BACKLOG_H

#include "store/store.h"

enum { BACKLOG_MAX = 1000 };	/* entries that are looked at */

struct backlog {
	unsigned entries;	/* BACKLOG_MAX: that many or more */
	uint64_t bytes;		/* of their keys' newest versions */
	uint64_t oldest_us;	/* real time it was noted; 0: none is */
};

/* What cannot be found now has no bytes. */
void backlog_look(struct backlog *out, struct set *s);

#endif
