#include "bench_node.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "drive/local.h"

enum { BATCH = 256 };

void
bench_die(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	exit(1);
}

struct filler {
	struct drive *d;
	unsigned slot, rows;
	bench_row *row;
	pthread_t thread;
};

static void
encode(struct buf *b, const struct filler *f, unsigned i)
{
	char key[BENCH_KEY_BYTES] = "";
	struct record r = { .kind = RECORD_OBJECT, .flags = RECORD_NULL,
		.stamp = { UINT64_C(1795365296393936) << 12 | i, i + 1 },
		.bucket = "bench", .key = key,
		.etag = "d41d8cd98f00b204e9800998ecf8427e", .k = 2, .m = 2,
		.index = (uint8_t)f->slot, .mtime_us = 1795365296393936 };

	f->row(&r, key, i);
	b->len = 0;
	if (record_encode(b, &r) != EC_OK)
		bench_die("encode");
}

static void *
fill(void *arg)
{
	struct filler *f = arg;
	struct drive_append a[BATCH] = { 0 };
	struct buf b[BATCH];
	uint64_t removed;

	for (unsigned j = 0; j < BATCH; j++)
		b[j] = (struct buf)BUF_INIT(RECORD_BYTES_MAX);
	for (unsigned i = 0; i < f->rows; i += BATCH) {
		unsigned n = f->rows - i < BATCH ? f->rows - i : BATCH;

		for (unsigned j = 0; j < n; j++) {
			encode(&b[j], f, i + j);
			a[j] = (struct drive_append){ .rec = b[j].data,
				.len = b[j].len,
				.flags = DRIVE_APPEND_LAZY };
		}
		if (f->d->ops->append(f->d, a, n) != EC_OK)
			bench_die("append");
	}
	f->d->ops->maintain(f->d, 1000, 3600, &removed);
	for (unsigned j = 0; j < BATCH; j++)
		buf_release(&b[j]);
	drive_close(f->d);
	return NULL;
}

static void
fill_all(struct bench_node *n, unsigned rows, bench_row *row)
{
	struct format f = { .deployment = uuid_new(), .generation = 1,
		.set_count = 1, .drive_count = BENCH_DRIVES };
	uint64_t began = clock_mono_us();
	struct filler filler[BENCH_DRIVES];
	char path[450], *owner = NULL;

	for (unsigned i = 0; i < BENCH_DRIVES; i++)
		f.drives[i] = uuid_new();
	for (unsigned i = 0; i < BENCH_DRIVES; i++) {
		f.slot = i;
		f.drive = f.drives[i];
		snprintf(path, sizeof(path), "%s/d%u", n->dir, i + 1);
		filler[i] = (struct filler){ .slot = i, .rows = rows,
			.row = row };
		if (mkdir(path, 0700) != 0 || local_format(path, &f) != EC_OK ||
		    local_open(&filler[i].d, path, "", &owner) != EC_OK ||
		    pthread_create(&filler[i].thread, NULL, fill,
		    &filler[i]) != 0)
			bench_die(path);
	}
	for (unsigned i = 0; i < BENCH_DRIVES; i++)
		pthread_join(filler[i].thread, NULL);
	printf("fill		%.0f s	%u rows on each of %u drives\n",
	    (double)(clock_mono_us() - began) / 1e6, rows, BENCH_DRIVES);
}

static unsigned
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		bench_die("a free port");
	close(fd);
	return ntohs(a.sin_port);
}

void
bench_node_init(struct bench_node *n, const char *base, unsigned rows,
    bench_row *row)
{
	snprintf(n->dir, sizeof(n->dir), "%s/ec-bench.XXXXXX", base);
	if (mkdtemp(n->dir) == NULL)
		bench_die("folder");
	fill_all(n, rows, row);
	n->port = free_port();
}

void
bench_node_release(struct bench_node *n)
{
	char rm[450];

	snprintf(rm, sizeof(rm), "rm -rf '%s'", n->dir);
	if (system(rm) != 0)
		bench_die("rm");
}

pid_t
bench_node_launch(const struct bench_node *n)
{
	const char *bin = getenv("EC_BIN");
	char program[500], address[64], drives[500];
	pid_t pid;

	snprintf(program, sizeof(program), "%s/ec-s3d",
	    bin != NULL ? bin : "build/plain");
	snprintf(address, sizeof(address), "127.0.0.1:%u", n->port);
	snprintf(drives, sizeof(drives), "%s/d{1...%u}", n->dir, BENCH_DRIVES);
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
		bench_die("fork");
	return pid;
}

int
bench_node_connect(const struct bench_node *n)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)n->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool
bench_node_ready(const struct bench_node *n)
{
	static const char ask[] = "GET /ec/health/ready HTTP/1.1\r\n"
	    "Host: bench\r\nConnection: close\r\n\r\n";
	int fd = bench_node_connect(n);
	char answer[16] = "";
	bool ready;

	ready = fd >= 0 && write(fd, ask, sizeof(ask) - 1) ==
	    sizeof(ask) - 1 && recv(fd, answer, 12, MSG_WAITALL) == 12 &&
	    memcmp(answer + 9, "200", 3) == 0;
	if (fd >= 0)
		close(fd);
	return ready;
}

double
bench_resident_mib(pid_t pid)
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
