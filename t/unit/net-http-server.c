/* http_server as a whole: requests in any pieces, many at once, slow ones, too
 * many connections, the end of the server, large bodies in constant memory. */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "../lib/tap.h"
#include "base/os_linux.h"
#include "http_raw.h"

#define H "Host: h\r\n"

static struct http_server *server;

/* Two pipelined requests, cut in two at every byte: always the same answers. */
static void
test_cuts(void)
{
	static const char req[] = "POST /a HTTP/1.1\r\n" H "X-Test:  v \r\n"
	    "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nabcde\r\nA\r\n"
	    "0123456789\r\n0\r\nX-Trail: t\r\n\r\n"
	    "POST /b HTTP/1.1\r\n" H "Content-Length: 3\r\n"
	    "Connection: close\r\n\r\nxyz";
	const size_t len = sizeof(req) - 1;
	char whole[4096], cut[4096], *a, *b;
	unsigned same = 0;
	bool closed;
	int fd;

	raw_ask(server, req, len, whole, sizeof(whole), 0, &closed);
	tap_ok(strstr(whole, "POST /a len=15 ") != NULL &&
	    strstr(whole, "test=[v] trailer=[t]") != NULL &&
	    strstr(whole, "POST /b len=3 ") != NULL && closed, "whole");
	a = strstr(whole, "POST /a");
	b = strstr(whole, "POST /b");
	*strchr(a, '\n') = '\0';
	for (size_t i = 1; i < len; i++) {
		fd = raw_connect(server);
		raw_send(fd, req, i);
		usleep(300);
		raw_send(fd, req + i, len - i);
		raw_recv(fd, cut, sizeof(cut), 0, &closed);
		close(fd);
		same += raw_count(cut, a) == 1 && raw_count(cut, b) == 1 &&
		    raw_count(cut, "HTTP/1.1 200") == 2;
	}
	tap_is_u64(same, len - 1, "cut at every byte");
	fd = raw_connect(server);
	for (size_t i = 0; i < len; i++) {
		raw_send(fd, req + i, 1);
		usleep(100);
	}
	raw_recv(fd, cut, sizeof(cut), 0, &closed);
	close(fd);
	tap_ok(raw_count(cut, "HTTP/1.1 200") == 2 &&
	    strstr(cut, "test=[v] trailer=[t]") != NULL, "byte by byte");
}

static void
test_continue(void)
{
	static const char head[] = "PUT /c HTTP/1.1\r\n" H
	    "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";
	char answer[4096];
	int fd = raw_connect(server);
	bool closed;

	raw_send(fd, RAW(head));
	raw_recv(fd, answer, sizeof(answer), 1, &closed);
	tap_is_str(answer, "HTTP/1.1 100 Continue\r\n\r\n",
	    "100 when the body is wanted");
	raw_send(fd, "abc", 3);
	raw_recv(fd, answer, sizeof(answer), 1, &closed);
	tap_ok(raw_status(answer) == 200 && strstr(answer, "len=3") != NULL &&
	    !closed, "then the answer, and the connection is kept");
	close(fd);
}

static void
test_answers(void)
{
	char answer[4096];
	const char *body;
	bool closed;
	size_t n;

	raw_ask(server, RAW("GET /short HTTP/1.1\r\n" H "\r\n"), answer,
	    sizeof(answer), 0, &closed);
	tap_ok(closed && strstr(answer, "Content-Length: 100\r\n") != NULL,
	    "an answer that lacks bytes is cut");
	raw_ask(server, RAW("HEAD /sized/5000 HTTP/1.1\r\n" H "\r\n"), answer,
	    sizeof(answer), 1, &closed);
	body = strstr(answer, "\r\n\r\n");
	tap_ok(!closed && strstr(answer, "Content-Length: 5000\r\n") != NULL &&
	    body != NULL && strcmp(body, "\r\n\r\n") == 0,
	    "HEAD has the length and no body");
	n = raw_ask(server, RAW("GET /stream/3 HTTP/1.0\r\n\r\n"), answer,
	    sizeof(answer), 0, &closed);
	body = strstr(answer, "\r\n\r\n");
	tap_ok(closed && strstr(answer, "chunked") == NULL && body != NULL &&
	    n == (size_t)(body + 4 - answer) + 3, "no chunks for HTTP/1.0");
	raw_ask(server, RAW("GET /split HTTP/1.1\r\n" H "\r\n"), answer,
	    sizeof(answer), 1, &closed);
	tap_ok(raw_status(answer) == 200 && strstr(answer, "Evil") == NULL &&
	    strstr(answer, "X-Good: a: b\r\n") != NULL,
	    "a header value with a line feed is refused");
}

/* The answer to a body that nobody wants arrives: no reset destroys it. */
static void
test_refused_body(void)
{
	enum { BLOCK = 128 * 1024, BLOCKS = 512 };	/* 64 MiB */
	static const uint8_t block[BLOCK];
	char answer[4096];
	int fd = raw_connect(server);
	bool closed;

	raw_send(fd, RAW("PUT /ignore HTTP/1.1\r\n" H
	    "Content-Length: 67108864\r\n\r\n"));
	for (int i = 0; i < BLOCKS; i++)
		raw_send(fd, block, BLOCK);
	raw_recv(fd, answer, sizeof(answer), 0, &closed);
	tap_ok(raw_status(answer) == 403 && closed &&
	    strstr(answer, "no\n") != NULL,
	    "the answer to a refused body of 64 MiB arrives");
	close(fd);
}

/* Clients that hold a connection by saying little. */
static void
test_slow(void)
{
	struct http_server *s = raw_server_with((struct http_listen){
	    .address = "127.0.0.1:0", .fd = -1, .head_s = 1, .stall_s = 1 });
	char answer[4096], bytes[400] = "";
	int fd[3];
	bool closed;

	for (int i = 0; i < 3; i++)
		fd[i] = raw_connect(s);
	raw_send(fd[0], RAW("GET / HTTP/1.1\r\n"));
	raw_send(fd[1], RAW("PUT / HTTP/1.1\r\n" H
	    "Content-Length: 1000\r\n\r\n"));
	raw_send(fd[2], RAW("PUT / HTTP/1.1\r\n" H
	    "Content-Length: 8000\r\n\r\n"));
	/* Nobody is silent, but the first two are too slow. */
	for (int i = 0; i < 20; i++) {
		usleep(100 * 1000);
		raw_send(fd[0], "X", 1);
		raw_send(fd[1], "X", 1);
		raw_send(fd[2], bytes, sizeof(bytes));
	}
	raw_recv(fd[0], answer, sizeof(answer), 0, &closed);
	tap_ok(raw_status(answer) == 408 && closed, "a slow head: 408");
	raw_recv(fd[1], answer, sizeof(answer), 0, &closed);
	tap_ok(raw_status(answer) == 500 && closed, "a trickled body is cut");
	raw_recv(fd[2], answer, sizeof(answer), 1, &closed);
	tap_ok(raw_status(answer) == 200 && !closed, "4,000 bytes/s are not");
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	http_server_stop(s, 0);
}

static void
test_idle(void)
{
	struct http_server *s = raw_server(4, 1);
	char answer[4096];
	bool closed;

	raw_ask(s, RAW("GET / HTTP/1.1\r\n" H "\r\n"), answer, sizeof(answer),
	    0, &closed);
	tap_ok(raw_status(answer) == 200 && closed,
	    "an idle connection is closed");
	http_server_stop(s, 0);
}

/* Whether the server has ended it. */
static bool
ended(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void
hold(struct http_server *s, int *fd, unsigned n)
{
	unsigned before = atomic_load(&raw_handled);

	atomic_store(&raw_hold, true);
	for (unsigned i = 0; i < n; i++) {
		fd[i] = raw_connect(s);
		raw_send(fd[i], RAW("GET /hold HTTP/1.1\r\n" H "\r\n"));
	}
	while (atomic_load(&raw_handled) < before + n)
		usleep(1000);
}

static void
test_cap(void)
{
	struct http_server *s = raw_server(2, 60);
	char answer[4096];
	int fd[2];
	bool closed;

	hold(s, fd, 2);
	tap_is_u64(http_server_connections(s), 2, "as many as allowed");
	raw_ask(s, RAW("GET / HTTP/1.1\r\n" H "\r\n"), answer, sizeof(answer),
	    0, &closed);
	tap_ok(raw_status(answer) == 503 && closed &&
	    strstr(answer, "Retry-After: 1") != NULL,
	    "all are served, one more: 503");
	atomic_store(&raw_hold, false);
	for (int i = 0; i < 2; i++) {
		raw_recv(fd[i], answer, sizeof(answer), 1, &closed);
		tap_ok(raw_status(answer) == 200, "and they are answered");
	}
	raw_ask(s, RAW("GET / HTTP/1.1\r\n" H "\r\n"), answer, sizeof(answer),
	    1, &closed);
	tap_is_u64(raw_status(answer), 200, "both wait: one more is served");
	tap_ok(ended(fd[0]) + ended(fd[1]) == 1, "in the place of one of them");
	close(fd[0]);
	close(fd[1]);
	http_server_stop(s, 0);
}

/* Clients that open connections, say nothing or half of a head, and keep them;
 * those who have something to say are served at once. */
static void
test_silent_clients(void)
{
	enum { SILENT = 500 };
	struct http_server *s = raw_server(16, 600);
	static int fd[SILENT];
	char answer[4096];
	unsigned good = 0, gone = 0;
	int held;
	bool closed;

	hold(s, &held, 1);
	for (unsigned i = 0; i < SILENT; i++) {
		fd[i] = raw_connect(s);
		if (i % 2 != 0)
			raw_send(fd[i], RAW("GET / HTTP/1.1\r\nX-"));
		if (i % 50 != 49)
			continue;
		raw_ask(s, RAW("GET / HTTP/1.1\r\n" H "\r\n"), answer,
		    sizeof(answer), 1, &closed);
		good += raw_status(answer) == 200;
	}
	tap_is_u64(good, SILENT / 50, "served between %u silent ones", SILENT);
	for (unsigned i = 0; i < SILENT - 16; i++)
		gone += ended(fd[i]);
	/* Who was served has left a place, too. */
	tap_ok(gone >= SILENT - 16 - SILENT / 50, "%u were ended", gone);
	atomic_store(&raw_hold, false);
	raw_recv(held, answer, sizeof(answer), 1, &closed);
	tap_ok(raw_status(answer) == 200, "a request under way is not cut");
	for (unsigned i = 0; i < SILENT; i++)
		close(fd[i]);
	close(held);
	http_server_stop(s, 0);
}

static void *
stop_thread(void *arg)
{
	http_server_stop(arg, 60000);
	return NULL;
}

static void
test_drain(void)
{
	struct http_server *s = raw_server(64, 60);
	char answer[4096];
	pthread_t stopper;
	int busy, idle, half;
	uint64_t from;
	bool closed;

	idle = raw_connect(s);
	raw_send(idle, RAW("GET / HTTP/1.1\r\n" H "\r\n"));
	raw_recv(idle, answer, sizeof(answer), 1, &closed);
	atomic_store(&raw_hold, true);
	busy = raw_connect(s);
	raw_send(busy, RAW("GET /hold HTTP/1.1\r\n" H "\r\n"
	    "GET /pipelined HTTP/1.1\r\n" H "\r\n"));
	half = raw_connect(s);
	raw_send(half, RAW("GET / HTTP/1.1\r\n"));
	usleep(50 * 1000);
	from = clock_mono_us();
	pthread_create(&stopper, NULL, stop_thread, s);
	raw_recv(idle, answer, sizeof(answer), 0, &closed);
	tap_ok(closed && clock_mono_us() - from < 10000000,
	    "stop closes idle connections");
	raw_send(half, RAW(H "\r\n"));
	raw_recv(half, answer, sizeof(answer), 0, &closed);
	tap_ok(raw_status(answer) == 200 && closed &&
	    strstr(answer, "Connection: close") != NULL,
	    "a request half arrived is served");
	atomic_store(&raw_hold, false);
	raw_recv(busy, answer, sizeof(answer), 0, &closed);
	tap_ok(raw_status(answer) == 200 && closed &&
	    raw_count(answer, "HTTP/1.1 ") == 1 &&
	    strstr(answer, "Connection: close") != NULL,
	    "a request under way is answered, no other after it");
	pthread_join(stopper, NULL);
	tap_ok(clock_mono_us() - from < 30000000, "and stop returns");
	close(idle);
	close(busy);
	close(half);
}

static void
test_cut_off(void)
{
	struct http_server *s = raw_server(64, 60);
	uint64_t from;
	int fd = raw_connect(s);

	raw_send(fd, RAW("POST / HTTP/1.1\r\n" H
	    "Content-Length: 9\r\n\r\nabc"));
	usleep(50 * 1000);
	from = clock_mono_us();
	http_server_stop(s, 200);
	tap_ok(clock_mono_us() - from >= 200000 &&
	    clock_mono_us() - from < 10000000,
	    "a request that does not end is cut after the grace");
	close(fd);
}

enum { CLIENTS = 16, ROUNDS = 200 };
static atomic_uint wrong;

static void *
client(void *arg)
{
	char req[256], want[64], answer[2048];
	int fd = raw_connect(server);
	bool closed;
	ssize_t n;
	size_t len;

	(void)closed;
	for (unsigned i = 0; i < ROUNDS; i++) {
		snprintf(req, sizeof(req), "POST /%zu/%u HTTP/1.1\r\n" H
		    "Content-Length: 5\r\n\r\nabcde", (size_t)arg, i);
		snprintf(want, sizeof(want), "POST /%zu/%u len=5",
		    (size_t)arg, i);
		raw_send(fd, req, strlen(req));
		for (len = 0; len < sizeof(answer) - 1; len += (size_t)n) {
			answer[len] = '\0';
			if (strstr(answer, "trailer=[]\n") != NULL ||
			    (n = recv(fd, answer + len, sizeof(answer) - 1 -
			    len, 0)) <= 0)
				break;
		}
		answer[len] = '\0';
		if (strstr(answer, want) == NULL)
			atomic_fetch_add(&wrong, 1);
	}
	close(fd);
	return NULL;
}

static void
test_many(void)
{
	pthread_t threads[CLIENTS];

	for (size_t i = 0; i < CLIENTS; i++)
		pthread_create(&threads[i], NULL, client, (void *)i);
	for (size_t i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	tap_is_u64(wrong, 0, "%d clients, %d requests each", CLIENTS, ROUNDS);
}

static void
test_large(void)
{
	enum { BLOCK = 128 * 1024, BLOCKS = 2048 };	/* 256 MiB each way */
	static uint8_t block[BLOCK];
	char head[128], answer[4096];
	uint64_t rss = os_rss_anon(), got = 0;
	int fd = raw_connect(server);
	bool closed;
	ssize_t n;

	snprintf(head, sizeof(head), "POST /large HTTP/1.1\r\n" H
	    "Content-Length: %u\r\n\r\n", BLOCK * BLOCKS);
	raw_send(fd, head, strlen(head));
	for (int i = 0; i < BLOCKS; i++)
		raw_send(fd, block, BLOCK);
	raw_recv(fd, answer, sizeof(answer), 1, &closed);
	tap_ok(strstr(answer, "POST /large len=268435456 ") != NULL,
	    "a body of 256 MiB");
	snprintf(head, sizeof(head), "GET /stream/%u HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n", BLOCK * BLOCKS);
	raw_send(fd, head, strlen(head));
	while ((n = recv(fd, block, BLOCK, 0)) > 0)
		got += (uint64_t)n;
	tap_ok(n == 0 && got > (uint64_t)BLOCK * BLOCKS &&
	    got < (uint64_t)BLOCK * BLOCKS + 100000, "an answer as large");
	tap_ok(os_rss_anon() < rss + (4 << 20), "in constant memory: +%llu KiB",
	    (unsigned long long)(os_rss_anon() - rss) >> 10);
	close(fd);
}

/* The limit of open files, and a server that has used it up. */
static void
test_files(void)
{
	enum { CONNS = 40 };
	struct http_server *s;
	struct rlimit old, r;
	unsigned served = 0;
	char answer[4096];
	int fd[CONNS];
	bool closed;

	getrlimit(RLIMIT_NOFILE, &old);
	r = old;
	r.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &r);
	s = raw_server(CONNS, 60);
	getrlimit(RLIMIT_NOFILE, &r);
	tap_ok(r.rlim_cur >= 4 * CONNS || r.rlim_cur == r.rlim_max,
	    "the limit of files is raised");
	for (int i = 0; i < CONNS; i++)
		fd[i] = raw_connect(s);
	for (int i = 0; i < 2000 && http_server_connections(s) < CONNS; i++)
		usleep(1000);
	r.rlim_cur = 8;	/* none free for the server */
	setrlimit(RLIMIT_NOFILE, &r);
	for (int i = 0; i < CONNS; i++) {
		raw_send(fd[i], RAW("GET / HTTP/1.1\r\n" H
		    "Connection: close\r\n\r\n"));
		raw_recv(fd[i], answer, sizeof(answer), 0, &closed);
		served += raw_status(answer) == 200 && closed;
		close(fd[i]);
	}
	setrlimit(RLIMIT_NOFILE, &old);
	tap_is_u64(served, CONNS, "open connections are served without any");
	raw_ask(s, RAW("GET / HTTP/1.1\r\n" H "\r\n"), answer,
	    sizeof(answer), 1, &closed);
	tap_is_u64(raw_status(answer), 200, "and new ones afterwards");
	http_server_stop(s, 0);
}

/* ${fd}: what a service manager would pass. */
static void
test_sockets(void)
{
	struct http_listen l = { .address = "127.0.0.1:0", .fd = -1 };
	const struct http_service service = { NULL, raw_handle };
	struct http_server *a = NULL, *b = NULL;
	char address[64], answer[4096], dir[] = "/tmp/net-http-server.XXXXXX",
	    path[64];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	bool closed;
	int fd;

	a = raw_server(4, 60);
	snprintf(address, sizeof(address), "127.0.0.1:%u",
	    http_server_port(a));
	l.address = address;
	tap_ok(http_server_start(&b, &l, &service) == EC_EINUSE,
	    "an address in use");
	http_server_stop(a, 0);
	l.address = "no port";
	tap_ok(http_server_start(&b, &l, &service) == EC_EINVAL,
	    "an address that is none");
	l.address = ":0";
	tap_ok(http_server_start(&b, &l, &service) == EC_OK, "all addresses");
	raw_ask(b, RAW("GET / HTTP/1.1\r\n" H "\r\n"), answer, sizeof(answer),
	    1, &closed);
	tap_is_u64(raw_status(answer), 200, "serve IPv4, too");
	http_server_stop(b, 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	l.fd = fd;
	tap_ok(http_server_start(&b, &l, &service) == EC_OK,
	    "a socket passed in");
	raw_ask(b, RAW("GET / HTTP/1.1\r\n" H "\r\n"), answer, sizeof(answer),
	    1, &closed);
	tap_is_u64(raw_status(answer), 200, "serves");
	http_server_stop(b, 0);
	if (mkdtemp(dir) == NULL)
		exit(1);
	snprintf(path, sizeof(path), "%s/sock", dir);
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	l = (struct http_listen){ .unix_path = path, .fd = -1 };
	tap_ok(http_server_start(&a, &l, &service) == EC_OK,
	    "in place of a dead Unix socket");
	tap_ok(http_server_start(&b, &l, &service) == EC_EINUSE,
	    "not of a live one");
	http_server_stop(a, 0);
	tap_ok(rmdir(dir) == 0, "which is gone afterwards");
}

int
main(void)
{
	server = raw_server(256, 60);
	test_cuts();
	test_continue();
	test_answers();
	test_refused_body();
	test_slow();
	test_idle();
	test_cap();
	test_silent_clients();
	test_drain();
	test_cut_off();
	test_many();
	test_large();
	test_files();
	test_sockets();
	http_server_stop(server, 1000);
	return tap_done();
}
