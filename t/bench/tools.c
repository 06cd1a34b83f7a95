/* tools: what ec-encode and ec-decode cost as whole programs.
 *
 * The metric is wall time, from start to end of the program, for BYTES of
 * random data (EC_BENCH_BYTES, default 1 GiB) at 8+4 in memory (/dev/shm, or
 * EC_BENCH_DIR), page cache warm, each run into files that do not exist yet.
 * The tool and what it is compared with take turns; the best of ROUNDS each,
 * because what else the machine does only ever adds.
 *
 *   encode    ec-encode from a file to 12 files, against one thread that
 *             maps the file, calls isa-l's ec_encode_data on whole 128 KiB
 *             shards and writes the same 12 shards without hashes
 *   decode    ec-decode of all 12 files to a file, against one thread that
 *             reads the 8 data shards by 128 KiB and writes the file
 *   missing   the same with 4 data shards gone, against the same thread
 *
 * of: time of the other divided by time of the tool.  CPU: seconds of both
 * processors that each used, in its best run.  RSS: the tool's peak. */
#include <errno.h>
#include <fcntl.h>
#include <isa-l/erasure_code.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "codec/matrix.h"

enum { K = 8, M = 4, N = K + M, UNIT = 128 * 1024, ROUNDS = 5 };

static const char *dir, *bin;
static uint64_t bytes = UINT64_C(1) << 30;
static char shard[N][32];

static void
die(const char *what)
{
	fprintf(stderr, "bench tools: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
put(int fd, const void *buf, size_t len)
{
	if (write(fd, buf, len) != (ssize_t)len)
		die("write");
}

static int
make(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die(name);
	return fd;
}

static void
plain_encode(void)
{
	static uint8_t matrix[N * K], tables[32 * K * M];
	uint8_t *parity = aligned_alloc(64, M * UNIT), *in, *src[K], *dst[M];
	int fd = open("in", O_RDONLY | O_CLOEXEC), out[N];

	in = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (in == MAP_FAILED || parity == NULL ||
	    matrix_systematic(matrix, K, M) != EC_OK)
		die("map");
	ec_init_tables(K, M, matrix + K * K, tables);
	for (int i = 0; i < N; i++)
		out[i] = make(shard[i]);
	for (uint64_t at = 0; at < bytes; at += K * UNIT) {
		for (int i = 0; i < K; i++)
			src[i] = in + at + (size_t)i * UNIT;
		for (int i = 0; i < M; i++)
			dst[i] = parity + (size_t)i * UNIT;
		ec_encode_data(UNIT, K, M, tables, src, dst);
		for (int i = 0; i < N; i++)
			put(out[i], i < K ? src[i] : dst[i - K], UNIT);
	}
}

static void
plain_copy(void)
{
	uint8_t *buf = aligned_alloc(4096, UNIT);
	int in[K], out = make("out");

	if (buf == NULL)
		die("memory");
	for (int i = 0; i < K; i++)
		if ((in[i] = open(shard[i], O_RDONLY | O_CLOEXEC)) < 0)
			die(shard[i]);
	for (uint64_t at = 0; at < bytes; at += UNIT) {
		if (read(in[at / UNIT % K], buf, UNIT) != UNIT)
			die("read");
		put(out, buf, UNIT);
	}
}

static void
tool(const char *name, const char *opt, const char *value, int first)
{
	char path[4096];
	const char *argv[N + 8] = { name, opt, value };
	int argc = 3;

	(void)snprintf(path, sizeof(path), "%s/%s", bin, name);
	if (strcmp(name, "ec-encode") == 0) {
		argv[argc++] = "-k8";
		argv[argc++] = "-m4";
	}
	for (int i = first; i < N; i++)
		argv[argc++] = shard[i];
	execv(path, (char **)(uintptr_t)argv);
	die(path);
}

static void
tool_encode(void)
{
	tool("ec-encode", "-i", "in", 0);
}

static void
tool_decode(void)
{
	tool("ec-decode", "-qo", "out", 0);
}

static void
tool_missing(void)
{
	tool("ec-decode", "-qo", "out", M);
}

struct best {
	double wall, cpu;
	long rss_kib;
};

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Run ${what} in a process of its own. */
static void
run(void (*what)(void), struct best *b)
{
	uint64_t start = clock_mono_us();
	struct rusage use;
	double wall;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		what();
		_exit(0);
	}
	if (pid < 0 || wait4(pid, &status, 0, &use) != pid || status != 0)
		die("run");
	wall = (double)(clock_mono_us() - start) / 1e6;
	if (wall < b->wall) {
		b->wall = wall;
		b->cpu = seconds(use.ru_utime) + seconds(use.ru_stime);
	}
	if (use.ru_maxrss > b->rss_kib)
		b->rss_kib = use.ru_maxrss;
}

static void
clear_shards(void)
{
	for (int i = 0; i < N; i++)
		(void)unlink(shard[i]);
}

static void
clear_out(void)
{
	(void)unlink("out");
}

static void
compare(const char *name, void (*plain)(void), void (*ours)(void),
    void (*clear)(void))
{
	struct best p = { .wall = 1e9 }, o = { .wall = 1e9 };

	for (int i = 0; i < ROUNDS; i++) {
		clear();
		run(plain, &p);
		clear();
		run(ours, &o);
	}
	printf("%-8s plain %6.3f s  tool %6.3f s  %5.2f GiB/s  of %.2f  "
	    "CPU %.2f, %.2f s  RSS %ld MiB\n", name, p.wall, o.wall,
	    (double)bytes / (1u << 30) / o.wall, p.wall / o.wall, p.cpu,
	    o.cpu, o.rss_kib / 1024);
	fflush(stdout);
}

static void
make_input(void)
{
	static uint64_t block[UNIT / 8];
	uint64_t x = 88172645463325252u;
	int fd = make("in");

	for (uint64_t at = 0; at < bytes; at += UNIT) {
		for (size_t i = 0; i < UNIT / 8; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			block[i] = x;
		}
		put(fd, block, UNIT);
	}
	(void)close(fd);
}

int
main(void)
{
	const char *base = getenv("EC_BENCH_DIR"), *size;
	char path[4096], cwd[2048];

	bin = getenv("EC_BIN");
	if (bin == NULL)
		bin = "build/plain";
	if (bin[0] != '/' && getcwd(cwd, sizeof(cwd)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", cwd, bin);
		bin = strdup(path);
	}
	if ((size = getenv("EC_BENCH_BYTES")) != NULL &&
	    num_parse_size(&bytes, size, K * UNIT, UINT64_C(1) << 40) != EC_OK)
		return 2;
	bytes = bytes / (K * UNIT) * (K * UNIT);
	(void)snprintf(path, sizeof(path), "%s/ec-bench.XXXXXX",
	    base == NULL ? "/dev/shm" : base);
	if ((dir = mkdtemp(path)) == NULL || chdir(dir) != 0)
		die(path);
	for (int i = 0; i < N; i++)
		(void)snprintf(shard[i], sizeof(shard[i]), "shard.%02d", i);
	make_input();
	printf("tools, 8+4, %.2f GiB in %s\n", (double)bytes / (1u << 30), dir);
	/* the plain copy reads files from their begin: headers and all */
	compare("encode", plain_encode, tool_encode, clear_shards);
	compare("decode", plain_copy, tool_decode, clear_out);
	compare("missing", plain_copy, tool_missing, clear_out);
	clear_out();
	clear_shards();
	(void)unlink("in");
	(void)rmdir(dir);
	return 0;
}
