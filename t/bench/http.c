/* http [port pid]: what the HTTP server costs; or another server on that port
 * of 127.0.0.1, in process pid, that answers GET /1k with 1 KiB, GET /zero
 * with 1 GiB and any PUT after its body.
 *
 * The client is one thread on the same machine, so requests a second depend on
 * who wins the processors; the metric that lasts is the server's own processor
 * time, user and system: microseconds a request, seconds a GiB (2^30 bytes).
 *
 *   req/s, us     GET of 1 KiB on so many connections kept alive, each with
 *                 one request under way, for SECONDS
 *   p50, p99      milliseconds from sending a request to its whole answer
 *   KiB           growth of the server's resident memory by so many
 *                 connections, idle after one request each, per connection
 *   GET, PUT      1 GiB on one connection: GiB/s, seconds of the server */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_server.h"

enum {
	SECONDS = 2,
	CONNS_MAX = 1000,
	SAMPLES_MAX = 1 << 20,
	BLOCK = 128 * 1024,
};

#define GIB (1ull << 30)

static uint8_t block[BLOCK];
static uint16_t port;
static pid_t server_pid;

static void
handle(void *ctx, struct http_exchange *x)
{
	uint8_t buf[BLOCK];
	uint64_t left = GIB;
	size_t got = 1;

	(void)ctx;
	if (strcmp(http_target(x), "/1k") == 0) {
		http_answer(x, 200, block, 1024);
		return;
	}
	while (got > 0 && http_read(x, buf, sizeof(buf), &got) == EC_OK)
		;
	if (strcmp(http_target(x), "/zero") != 0) {
		http_answer(x, 200, "\n", 1);
		return;
	}
	http_answer_start(x, 200, left);
	for (; left > 0 && http_write(x, block, BLOCK) == EC_OK; left -= BLOCK)
		;
	http_answer_end(x);
}

/* Serve in a process of its own, until killed. */
static void
fork_server(void)
{
	const struct http_listen l = { .address = "127.0.0.1:0", .fd = -1,
	    .connections_max = 2 * CONNS_MAX };
	const struct http_service s = { NULL, handle };
	struct http_server *server;
	unsigned p = 0;
	int fd[2];

	if (pipe(fd) == -1 || (server_pid = fork()) == -1)
		exit(1);
	if (server_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (http_server_start(&server, &l, &s) != EC_OK)
			_exit(1);
		p = http_server_port(server);
		if (write(fd[1], &p, sizeof(p)) != sizeof(p))
			_exit(1);
		for (;;)
			pause();
	}
	if (read(fd[0], &p, sizeof(p)) != sizeof(p))
		exit(1);
	port = (uint16_t)p;
}

static double
server_cpu(void)
{
	unsigned long user = 0, sys = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)server_pid);
	if ((f = fopen(path, "r")) == NULL || fscanf(f, "%*d (%*[^)]) %*c %*d "
	    "%*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
		exit(1);
	fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static double
server_kib(void)
{
	unsigned long pages = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)server_pid);
	if ((f = fopen(path, "r")) == NULL ||
	    fscanf(f, "%*u %lu", &pages) != 1)
		exit(1);
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static int
dial(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
		perror("connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

struct conn {
	int fd;
	size_t left;		/* of the answer; 0: its head is awaited */
	uint64_t sent_us;
};

static void
ask(struct conn *c)
{
	static const char req[] = "GET /1k HTTP/1.1\r\nHost: h\r\n\r\n";

	c->left = 0;
	c->sent_us = clock_mono_us();
	if (send(c->fd, req, sizeof(req) - 1, MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(req) - 1)
		exit(1);
}

/* Take what came; true at the end of the answer. */
static bool
take(struct conn *c)
{
	static char buf[64 * 1024];
	ssize_t n = recv(c->fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	char *body, *length;

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n <= 0)
		exit(1);
	if (c->left == 0) {
		buf[n] = '\0';
		body = strstr(buf, "\r\n\r\n");
		length = strcasestr(buf, "Content-Length:");
		if (body == NULL || length == NULL)
			exit(1);	/* a head is one packet here */
		c->left = strtoul(length + 15, NULL, 10);
		n -= body + 4 - buf;
	}
	c->left -= (size_t)n;
	return c->left == 0;
}

static int
compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
bench_requests(unsigned n)
{
	static struct conn conns[CONNS_MAX];
	static uint32_t samples[SAMPLES_MAX];
	struct epoll_event ev[256];
	size_t done = 0;
	uint64_t from, until, now;
	double cpu, rss;
	int ep = epoll_create1(0), k;

	rss = server_kib();
	for (unsigned i = 0; i < n; i++) {
		conns[i].fd = dial();
		ev[0] = (struct epoll_event){ EPOLLIN, { &conns[i] } };
		epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &ev[0]);
		ask(&conns[i]);
		while (!take(&conns[i]))
			usleep(50);
	}
	usleep(100 * 1000);
	rss = (server_kib() - rss) / n;
	cpu = server_cpu();
	from = now = clock_mono_us();
	until = from + SECONDS * 1000000ull;
	for (unsigned i = 0; i < n; i++)
		ask(&conns[i]);
	while (now < until && (k = epoll_wait(ep, ev, 256, -1)) > 0) {
		now = clock_mono_us();
		for (int i = 0; i < k; i++) {
			struct conn *c = ev[i].data.ptr;

			if (!take(c))
				continue;
			samples[done++ % SAMPLES_MAX] =
			    (uint32_t)(now - c->sent_us);
			ask(c);
		}
	}
	cpu = server_cpu() - cpu;
	qsort(samples, done < SAMPLES_MAX ? done : SAMPLES_MAX,
	    sizeof(samples[0]), compare);
	printf("%5u connections: %7.0f req/s %6.1f us  p50 %5.2f  p99 %5.2f"
	    "  %5.1f KiB\n", n, (double)done * 1e6 / (double)(now - from),
	    cpu * 1e6 / (double)done, samples[done / 2] / 1e3,
	    samples[done * 99 / 100] / 1e3, rss);
	for (unsigned i = 0; i < n; i++)
		close(conns[i].fd);
	close(ep);
	usleep(200 * 1000);
}

static void
bench_get(void)
{
	static const char req[] = "GET /zero HTTP/1.1\r\nHost: h\r\n\r\n";
	uint64_t from = clock_mono_us(), got = 0;
	double cpu = server_cpu();
	int fd = dial();
	ssize_t n = 0;

	send(fd, req, sizeof(req) - 1, MSG_NOSIGNAL);
	while (got < GIB && (n = recv(fd, block, BLOCK, 0)) > 0)
		got += (uint64_t)n;
	if (n <= 0)
		exit(1);
	close(fd);
	printf("GET %5.2f GiB/s %5.2f s\n",
	    1e6 / (double)(clock_mono_us() - from), server_cpu() - cpu);
}

static void
bench_put(void)
{
	static const char head[] = "PUT /sink HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 1073741824\r\n\r\n";
	uint64_t from = clock_mono_us();
	double cpu = server_cpu();
	int fd = dial();

	send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL);
	for (uint64_t sent = 0; sent < GIB; sent += BLOCK)
		if (send(fd, block, BLOCK, MSG_NOSIGNAL) != BLOCK)
			exit(1);
	if (recv(fd, block, BLOCK, 0) <= 0)
		exit(1);
	close(fd);
	printf("PUT %5.2f GiB/s %5.2f s\n",
	    1e6 / (double)(clock_mono_us() - from), server_cpu() - cpu);
}

int
main(int argc, char *argv[])
{
	const struct rlimit files = { 8192, 8192 };

	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 3) {
		port = (uint16_t)strtoul(argv[1], NULL, 10);
		server_pid = (pid_t)strtol(argv[2], NULL, 10);
	} else {
		fork_server();
	}
	bench_requests(1);
	bench_requests(64);
	bench_requests(CONNS_MAX);
	for (int i = 0; i < 2; i++) {
		bench_get();
		bench_put();
	}
	if (argc != 3) {
		kill(server_pid, SIGKILL);
		waitpid(server_pid, NULL, 0);
	}
	return fflush(stdout) != 0;
}
