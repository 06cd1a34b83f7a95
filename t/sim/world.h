/* world: nodes, drives and the ways between them, and what happens to them.
 *
 * Each node has a set of its own over all drives.  One node alone has local
 * drives; several reach theirs by messages that are late, lost on the way there
 * or back, or done although the sender has died, and write under leases with
 * fencing tokens, as store/store_lock.c does.  A drive's process may die: what
 * was being written is lost, and a lazy append with it.
 *
 * No lease ends while its holder still writes: what then came late could come
 * between the check of a condition and the commit of the next holder, and a
 * fencing token that no drive has seen yet does not keep it out.
 *
 * A node that dies works on without effect on anything until its calls have
 * returned; what it had sent may still arrive. */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory_drive.h"
#include "set/set.h"
#include "turn.h"

enum { WORLD_KEYS_MAX = 4, WORLD_NODES_MAX = 3 };

/* What may happen; a seed chooses some of them. */
enum world_harm {
	HARM_NODE = 1,		/* a node dies and starts again */
	HARM_DRIVE = 2,		/* a drive's process */
	HARM_LOST = 4,		/* messages there and back */
	HARM_LATE = 8,		/* messages, up to seconds */
	HARM_CUT = 16,		/* the way from a node to some drives */
	HARM_FULL = 32,		/* a drive */
	HARM_HUNG = 64,		/* a drive, for seconds */
	HARM_CLOCK = 128,	/* a node's jumps */
	HARM_LEASE = 256,	/* a lease is over when all is done */
	HARM_ROT = 512,		/* bits of up to m drives, in a calm */
	HARM_EMPTY = 1024,	/* up to m drives, in a calm */
	HARM_ALL = 2047,
};
extern const char *const world_harm_names[];	/* NULL at the end */

struct lock {
	uint64_t owner;		/* 0: free */
	uint64_t until_ns, token;
};

/* One life of a node. */
struct life {
	struct set *set;
	struct mem_pool *pool;
	unsigned node, calls;	/* under way */
	unsigned drives;	/* not closed; the last one frees this */
	bool over;
};

struct place {		/* of a drive */
	struct memory_disk *disk;
	uint64_t life;		/* of its process */
	bool down, full;
	uint64_t hung_until_ns;
};

struct world {
	unsigned n, m, nodes, keys;
	bool versioned;		/* the bucket keeps old versions */
	unsigned harm;
	struct dice fate;	/* harm */
	struct place place[SET_DRIVES_MAX];
	struct life *node[WORLD_NODES_MAX];	/* NULL: down */
	bool cut[WORLD_NODES_MAX][SET_DRIVES_MAX];
	struct lock lock[WORLD_KEYS_MAX];
	uint64_t owners;
	bool storm;		/* harm is done */
	bool unlocked;		/* locks do not hold: that must be seen */
	uint64_t harms;		/* done so far */
};
extern struct world world;

void world_begin(uint64_t seed, unsigned harm);
void world_end(void);

/* Do harm until ${until_ns}; then everything is up and reachable. */
void world_storm(uint64_t until_ns);

/* The node's life, held: its set stays until it is put.  NULL: it is down. */
struct life *world_hold(unsigned node);
void world_put(struct life *l);
/* Begin every node anew, at once. */
void world_restart(void);

/* Lock a key for a commit; false when it was not had within seconds.
 * world_unlock: whether it still held. */
bool world_lock(struct life *l, unsigned key, uint64_t *owner);
bool world_unlock(struct life *l, unsigned key, uint64_t owner);

/* A drive of a node's. */
struct drive *far_drive_new(struct life *l, unsigned slot);

#endif
