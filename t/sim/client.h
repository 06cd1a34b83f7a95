/* client: what clients of the simulated nodes do, and what they saw, as lines
 * for t/history. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stdio.h>

#include "world.h"

struct clients {
	FILE *history;
	char prefix[24];	/* of keys, in the history */
	uint64_t ticks;		/* one for each thing that is recorded */
	unsigned values;	/* put so far */
	unsigned done, failed;
	unsigned wrong;		/* told on standard error */
	bool stop;
};
extern struct clients clients;

#define CLIENT_BUCKET "bucket"
const char *client_key(unsigned key);

/* Say what is wrong, once for each. */
void client_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A client's life: ${ops} operations at one node. */
struct client {
	pthread_t thread;
	struct dice dice;
	unsigned node, ops;
};
void *client_main(void *arg);

/* Heals keys of a node at random until clients.stop. */
void *healer_main(void *arg);

/* Read every key, and a list, at a node that is up: with ${must} each is
 * answered. */
void client_read_all(struct life *l, bool must);

#endif
