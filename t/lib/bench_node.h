/* bench_node: for benchmarks, a node whose drives were filled at once, without
 * a million requests.  Whatever fails ends the program. */
#ifndef BENCH_NODE_H
#define BENCH_NODE_H

#include <stdbool.h>
#include <sys/types.h>

#include "drive/record.h"

enum { BENCH_DRIVES = 4, BENCH_KEY_BYTES = 64 };	/* 2+2 */

struct bench_node {
	char dir[400];		/* a fresh folder, with d1 to d4 */
	unsigned port;
};

/* Row ${i} of what is to be there; r->key is ${key} already.  Rows of one
 * bucket, or of all, in any order.  Called by several threads. */
typedef void bench_row(struct record *r, char key[BENCH_KEY_BYTES],
    unsigned i);

/* The folder, below ${base}; with four new drives that hold ${rows} rows; says
 * how long that took. */
void bench_node_init(struct bench_node *n, const char *base, unsigned rows,
    bench_row *row);
void bench_node_release(struct bench_node *n);	/* removes it */

/* Start ec-s3d of EC_BIN on 127.0.0.1 and the node's port, for root user
 * "bench"; bench_node_ready: it answers and is well. */
pid_t bench_node_launch(const struct bench_node *n);
bool bench_node_ready(const struct bench_node *n);
/* A new connection to it; -1: none. */
int bench_node_connect(const struct bench_node *n);

double bench_resident_mib(pid_t pid);
void bench_die(const char *what) __attribute__((noreturn));

#endif
