/* list [folder [keys]]: listings by HTTP, one client, of a bucket of a million
 * keys (or so many), on four drives (2+2) in ${folder} (default: the current
 * one).  Everything was read once before it is timed.
 *
 *   first      milliseconds of the first page of 1,000 keys: of REPEATS the
 *              median, the most, and the server's processor time
 *   delimiter  the same of the whole bucket under ten common prefixes
 *   walk       keys a second, all pages of 1,000, one after the other; and
 *              microseconds of the server's processor time for a key
 *   memory     resident MiB of the server when it has listed ten keys, and
 *              when it has walked the million
 *   versions   a page of 1,000 keys of which one has VERSIONS versions; and
 *              its processor time as a multiple of that of one where it has one
 *   other      ListObjectVersions of 499 other keys beside that one, likewise
 *
 * EC_BIN names the folder with ec-s3d. */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "bench_node.h"

enum { FEW = 10, PAGE = 1000, VERSIONS = 100000, BUCKETS = 4, REPEATS = 100,
	ANSWER_MAX = 4 << 20, PATIENCE_US = 60000000 };

static struct bench_node node;
static struct buf settings = BUF_INIT(256);
static unsigned keys = 1000000;
static char answer[ANSWER_MAX + 1];
static int server;
static clockid_t server_cpu;

static void
bucket_row(struct record *r, unsigned i)
{
	static const char *const names[BUCKETS] = { "bench", "few", "flat",
		"deep" };

	*r = (struct record){ .kind = RECORD_BUCKET, .bucket = names[i],
		.key = "", .etag = "", .stamp = { 1ull << 50, 1 + i },
		.meta = settings.data, .meta_len = (uint32_t)settings.len };
}

/* The million; twice 1,000; ten; and the versions of one. */
static void
row(struct record *r, char key[BENCH_KEY_BYTES], unsigned i)
{
	snprintf(key, BENCH_KEY_BYTES, "folder %u/object %08u", i % 10, i);
	if (i < keys)
		return;
	i -= keys;
	snprintf(key, BENCH_KEY_BYTES, "object %03u", i % PAGE);
	if (i < PAGE) {
		r->bucket = "flat";
	} else if (i < 2 * PAGE) {
		r->bucket = "deep";
	} else if (i < 2 * PAGE + FEW) {
		r->bucket = "few";
	} else if (i < 2 * PAGE + FEW + VERSIONS) {
		r->bucket = "deep";
		r->flags = 0;
		snprintf(key, BENCH_KEY_BYTES, "object 500");
	} else {
		bucket_row(r, i - 2 * PAGE - FEW - VERSIONS);
	}
}

/* Anybody may read. */
static void
settings_make(void)
{
	if (record_meta_add(&settings, "acl", "R *\n", 4) != EC_OK)
		bench_die("settings");
}

/* GET it; the answer is in ${answer}.  Returns milliseconds. */
static double
get(const char *path)
{
	char request[600];
	uint64_t began = clock_mono_us();
	size_t got = 0, want = 0;
	const char *body = NULL, *length;
	ssize_t n;
	int len;

	len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n"
	    "Host: bench\r\n\r\n", path);
	if (send(server, request, (size_t)len, MSG_NOSIGNAL) != len)
		bench_die("send");
	while (body == NULL || got < want) {
		if (got == ANSWER_MAX || (n = recv(server, answer + got,
		    ANSWER_MAX - got, 0)) <= 0)
			bench_die("recv");
		got += (size_t)n;
		answer[got] = '\0';
		if (body != NULL || (body = strstr(answer, "\r\n\r\n")) ==
		    NULL)
			continue;
		if ((length = strcasestr(answer, "\r\nContent-Length:")) ==
		    NULL || strncmp(answer + 9, "200", 3) != 0)
			bench_die(path);
		want = (size_t)(body + 4 - answer) +
		    strtoul(length + 17, NULL, 10);
	}
	return (double)(clock_mono_us() - began) / 1000;
}

static unsigned
count(const char *what)
{
	unsigned n = 0;

	for (const char *p = answer; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(server_cpu, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Ask often and say how long it took; each answer has ${n} times ${what}.
 * Returns the server's processor time for one, in milliseconds. */
static double
repeat(const char *name, const char *path, const char *what, unsigned n)
{
	double ms[REPEATS], cpu;

	get(path);
	cpu = cpu_us();
	for (unsigned i = 0; i < REPEATS; i++) {
		ms[i] = get(path);
		if (count(what) != n)
			bench_die(path);
	}
	cpu = (cpu_us() - cpu) / 1000 / REPEATS;
	qsort(ms, REPEATS, sizeof(*ms), compare);
	if (name != NULL)
		printf("%s	%.1f ms	%.1f at most, %.1f of cpu\n", name,
		    ms[REPEATS / 2], ms[REPEATS - 1], cpu);
	return cpu;
}

/* The path of the page behind the answer; false: that was the last. */
static bool
next_page(char path[500])
{
	const char *p = strstr(answer, "<NextContinuationToken>");
	size_t len;

	if (p == NULL)
		return false;
	len = (size_t)snprintf(path, 500, "/bench?list-type=2&"
	    "continuation-token=");
	for (p += 23; *p != '<' && len < 490; p++)
		len += (size_t)snprintf(path + len, 500 - len,
		    isalnum((unsigned char)*p) ? "%c" : "%%%02X",
		    (unsigned char)*p);
	return true;
}

static void
walk(bool say)
{
	char path[500] = "/bench?list-type=2";
	uint64_t began = clock_mono_us();
	double cpu = cpu_us();
	unsigned seen = 0;

	do {
		get(path);
		seen += count("<Key>");
	} while (next_page(path));
	if (seen != keys)
		bench_die("walk");
	if (say)
		printf("walk		%.0f keys/s	%.1f us of cpu\n",
		    seen / ((double)(clock_mono_us() - began) / 1e6),
		    (cpu_us() - cpu) / seen);
}

static void
measure(pid_t pid)
{
	double few, one;

	repeat(NULL, "/few?list-type=2", "<Key>", FEW);
	few = bench_resident_mib(pid);
	repeat("first	", "/bench?list-type=2", "<Key>", PAGE);
	repeat("delimiter", "/bench?list-type=2&delimiter=/",
	    "<CommonPrefixes>", 10);
	walk(false);
	walk(true);
	printf("memory		%.0f MiB, before %.0f\n",
	    bench_resident_mib(pid), few);
	one = repeat(NULL, "/flat?list-type=2", "<Key>", PAGE);
	printf("		%.2f\n", repeat("versions", "/deep?list-type=2",
	    "<Key>", PAGE) / one);
	one = repeat(NULL, "/flat?versions&max-keys=499", "<Key>", 499);
	printf("		%.2f\n", repeat("other	",
	    "/deep?versions&max-keys=499", "<Key>", 499) / one);
}

int
main(int argc, char *argv[])
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const char *base = argc > 1 ? argv[1] : ".";
	uint64_t began;
	pid_t pid;

	log_init(argv[0]);
	if (argc > 2)
		keys = (unsigned)strtoul(argv[2], NULL, 10);
	printf("list, 2+2 on %s\n", base);
	settings_make();
	bench_node_init(&node, base, keys + 2 * PAGE + FEW + VERSIONS +
	    BUCKETS, row);
	pid = bench_node_launch(&node);
	for (began = clock_mono_us(); !bench_node_ready(&node);) {
		if (clock_mono_us() - began > PATIENCE_US)
			bench_die("ec-s3d");
		nanosleep(&pause, NULL);
	}
	if ((server = bench_node_connect(&node)) < 0 ||
	    clock_getcpuclockid(pid, &server_cpu) != 0)
		bench_die("connect");
	measure(pid);
	close(server);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	bench_node_release(&node);
	buf_release(&settings);
	return 0;
}
