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
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive/local.h"

enum { OBJECTS = 1000000, DRIVES = 4, BATCH = 256, STARTS = 5,
	PATIENCE_US = 60000000 };

static char dir[400];
static unsigned port;

static void
die(const char *what)
{
	fprintf(stderr, "start: %s failed\n", what);
	exit(1);
}

struct filler {
	struct drive *d;
	unsigned slot;
	pthread_t thread;
};

static void
encode(struct buf *b, unsigned slot, unsigned i)
{
	char key[64];
	struct record r = { .kind = RECORD_OBJECT, .flags = RECORD_NULL,
		.stamp = { UINT64_C(1795365296393936) << 12 | i, i + 1 },
		.bucket = "bench", .key = key,
		.etag = "d41d8cd98f00b204e9800998ecf8427e", .k = 2, .m = 2,
		.index = (uint8_t)slot, .mtime_us = 1795365296393936 };

	snprintf(key, sizeof(key), "folder %u/object %08u", i % 1000, i);
	b->len = 0;
	if (record_encode(b, &r) != EC_OK)
		die("encode");
}

static void
bucket(struct drive *d)
{
	struct record r = { .kind = RECORD_BUCKET, .bucket = "bench",
		.key = "", .etag = "", .stamp = { 1ull << 50, 1 } };
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { 0 };

	if (record_encode(&b, &r) != EC_OK)
		die("encode");
	a.rec = b.data;
	a.len = b.len;
	if (d->ops->append(d, &a, 1) != EC_OK || a.err != EC_OK)
		die("append");
	buf_release(&b);
}

static void *
fill(void *arg)
{
	struct filler *f = arg;
	struct drive_append a[BATCH] = { 0 };
	struct buf b[BATCH];
	uint64_t removed;

	bucket(f->d);
	for (unsigned j = 0; j < BATCH; j++)
		b[j] = (struct buf)BUF_INIT(RECORD_BYTES_MAX);
	for (unsigned i = 0; i < OBJECTS; i += BATCH) {
		unsigned n = OBJECTS - i < BATCH ? OBJECTS - i : BATCH;

		for (unsigned j = 0; j < n; j++) {
			encode(&b[j], f->slot, i + j);
			a[j] = (struct drive_append){ .rec = b[j].data,
				.len = b[j].len,
				.flags = DRIVE_APPEND_LAZY };
		}
		if (f->d->ops->append(f->d, a, n) != EC_OK)
			die("append");
	}
	f->d->ops->maintain(f->d, 1000, 3600, &removed);
	for (unsigned j = 0; j < BATCH; j++)
		buf_release(&b[j]);
	drive_close(f->d);
	return NULL;
}

static void
fill_all(void)
{
	struct format f = { .deployment = uuid_new(), .generation = 1,
		.set_count = 1, .drive_count = DRIVES };
	uint64_t began = clock_mono_us();
	struct filler filler[DRIVES];
	char path[450], *owner = NULL;

	for (unsigned i = 0; i < DRIVES; i++)
		f.drives[i] = uuid_new();
	for (unsigned i = 0; i < DRIVES; i++) {
		f.slot = i;
		f.drive = f.drives[i];
		snprintf(path, sizeof(path), "%s/d%u", dir, i + 1);
		filler[i].slot = i;
		if (mkdir(path, 0700) != 0 || local_format(path, &f) != EC_OK ||
		    local_open(&filler[i].d, path, "", &owner) != EC_OK ||
		    pthread_create(&filler[i].thread, NULL, fill,
		    &filler[i]) != 0)
			die(path);
	}
	for (unsigned i = 0; i < DRIVES; i++)
		pthread_join(filler[i].thread, NULL);
	printf("fill		%.0f s	%u objects on each of %u drives\n",
	    (double)(clock_mono_us() - began) / 1e6, OBJECTS, DRIVES);
}

static pid_t
launch(void)
{
	const char *bin = getenv("EC_BIN");
	char program[500], address[64], drives[500];
	pid_t pid;

	snprintf(program, sizeof(program), "%s/ec-s3d",
	    bin != NULL ? bin : "build/plain");
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	snprintf(drives, sizeof(drives), "%s/d{1...%u}", dir, DRIVES);
	setenv("EC_ROOT_USER", "bench", 1);
	setenv("EC_ROOT_PASSWORD", "not a secret", 1);
	if ((pid = fork()) == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		execl(program, program, "--address", address, drives,
		    (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		die("fork");
	return pid;
}

static bool
is_ready(void)
{
	static const char ask[] = "GET /ec/health/ready HTTP/1.1\r\n"
	    "Host: bench\r\nConnection: close\r\n\r\n";
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[16] = "";
	bool ready;

	ready = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    write(fd, ask, sizeof(ask) - 1) == sizeof(ask) - 1 &&
	    recv(fd, answer, 12, MSG_WAITALL) == 12 &&
	    memcmp(answer + 9, "200", 3) == 0;
	close(fd);
	return ready;
}

static double
resident_mib(pid_t pid)
{
	char path[64], line[128];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtod(line + 6, NULL);
	fclose(f);
	return kib / 1024;
}

static void
measure(const char *what, int end_by, double *mib)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	double least = 1e9, most = 0;

	for (unsigned i = 0; i < STARTS; i++) {
		uint64_t began = clock_mono_us();
		pid_t pid = launch();
		double ms;

		while (!is_ready()) {
			if (clock_mono_us() - began > PATIENCE_US)
				die("ec-s3d");
			nanosleep(&pause, NULL);
		}
		ms = (double)(clock_mono_us() - began) / 1000;
		*mib = resident_mib(pid);
		kill(pid, end_by);
		waitpid(pid, NULL, 0);
		if (i == 0)	/* it ended otherwise before */
			continue;
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	printf("%s		%.0f to %.0f ms\n", what, least, most);
}

static void
choose_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		die("a free port");
	port = ntohs(a.sin_port);
	close(fd);
}

int
main(int argc, char *argv[])
{
	char rm[450];
	double mib;

	log_init(argv[0]);
	snprintf(dir, sizeof(dir), "%s/ec-start.XXXXXX",
	    argc > 1 ? argv[1] : ".");
	if (mkdtemp(dir) == NULL)
		die("folder");
	printf("start, 2+2 on %s\n", argc > 1 ? argv[1] : ".");
	fill_all();
	choose_port();
	measure("start", SIGTERM, &mib);
	measure("killed", SIGKILL, &mib);
	printf("memory		%.0f MiB\n", mib);
	snprintf(rm, sizeof(rm), "rm -rf '%s'", dir);
	return system(rm) == 0 ? 0 : 1;
}
