/* fill folder rows: a folder of its own below ${folder}, with four drives that
 * hold so many rows of the bucket "load", written by the drive layer itself;
 * prints its name last. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/num.h"
#include "bench_node.h"

static uint64_t rows;

static void
row(struct record *r, char key[BENCH_KEY_BYTES], unsigned i)
{
	r->bucket = "load";
	if (i == rows)
		*r = (struct record){ .kind = RECORD_BUCKET, .bucket = "load",
			.key = "", .etag = "", .stamp = { 1ull << 50, 1 } };
	else	/* in no order, as users have them */
		snprintf(key, BENCH_KEY_BYTES, "%016llx",
		    (unsigned long long)(i + 1) * 0x9e3779b97f4a7c15);
}

int
main(int argc, char *argv[])
{
	struct bench_node node;

	log_init(argv[0]);
	if (argc != 3 || num_parse(&rows, argv[2], 1, 100000000) != EC_OK)
		bench_die("usage: fill folder rows: it");
	bench_node_init(&node, argv[1], (unsigned)rows + 1, row);
	printf("%s\n", node.dir);
	return 0;
}
