/* start [folder]: how long a server takes from exec to serving, on four drives
 * (2+2) that hold OBJECTS objects.
 *
 * In ${folder} (default: the current one):
 *
 *   fill       seconds to put OBJECTS records into each drive, through it
 *   start      milliseconds from fork to the first 200 of /ec/health/ready,
 *              after a clean end; the least and the most of STARTS
 *   killed     the same after kill -9
 *   memory     resident MiB of the server that has just started
 *
 * EC_BIN names the folder with ec-s3d. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "bench_node.h"

enum { OBJECTS = 1000000, STARTS = 5, PATIENCE_US = 60000000 };

static struct bench_node node;

static void
row(struct record *r, char key[BENCH_KEY_BYTES], unsigned i)
{
	if (i == OBJECTS)
		*r = (struct record){ .kind = RECORD_BUCKET,
			.bucket = "bench", .key = "", .etag = "",
			.stamp = { 1ull << 50, 1 } };
	else
		snprintf(key, BENCH_KEY_BYTES, "folder %u/object %08u",
		    i % 1000, i);
}

static void
measure(const char *what, int end_by, double *mib)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	double least = 1e9, most = 0;

	for (unsigned i = 0; i < STARTS; i++) {
		uint64_t began = clock_mono_us();
		pid_t pid = bench_node_launch(&node);
		double ms;

		while (!bench_node_ready(&node)) {
			if (clock_mono_us() - began > PATIENCE_US)
				bench_die("ec-s3d");
			nanosleep(&pause, NULL);
		}
		ms = (double)(clock_mono_us() - began) / 1000;
		*mib = bench_resident_mib(pid);
		kill(pid, end_by);
		waitpid(pid, NULL, 0);
		if (i == 0)	/* it ended otherwise before */
			continue;
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	printf("%s		%.0f to %.0f ms\n", what, least, most);
}

int
main(int argc, char *argv[])
{
	double mib;

	log_init(argv[0]);
	printf("start, 2+2 on %s\n", argc > 1 ? argv[1] : ".");
	bench_node_init(&node, argc > 1 ? argv[1] : ".", OBJECTS + 1, row);
	measure("start", SIGTERM, &mib);
	measure("killed", SIGKILL, &mib);
	printf("memory		%.0f MiB\n", mib);
	bench_node_release(&node);
	return 0;
}
