/* http_raw: a server with a talkative handler, and a client that sends any
 * bytes; for the tests of http_server. */
#ifndef HTTP_RAW_H
#define HTTP_RAW_H

#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_server.h"

/* A literal and its length. */
#define RAW(s) (s), sizeof(s) - 1

static atomic_uint raw_handled;	/* requests that reached the handler */
static atomic_bool raw_hold;	/* /hold... answers when this is false */

/* Read the body to its end: bytes and a sum of them. */
static inline enum err
raw_read_all(struct http_exchange *x, uint64_t *len, uint64_t *sum)
{
	static _Thread_local uint8_t buf[64 * 1024];
	size_t got = 1;
	enum err e = EC_OK;

	for (*len = *sum = 0; got > 0 && e == EC_OK; *len += got) {
		e = http_read(x, buf, sizeof(buf), &got);
		for (size_t i = 0; i < got; i++)
			*sum = *sum * 31 + buf[i];
	}
	return e;
}

static inline void
raw_stream(struct http_exchange *x, uint64_t len, bool sized)
{
	static const uint8_t block[64 * 1024];
	size_t n;

	http_answer_start(x, 200, sized ? len : UINT64_MAX);
	for (; len > 0; len -= n) {
		n = len < sizeof(block) ? (size_t)len : sizeof(block);
		if (http_write(x, block, n) != EC_OK)
			return;
	}
	http_answer_end(x);
}

/* /ignore answers 403 without reading; /stream/N chunked, /sized/N; /short
 * says 100 bytes and sends 3; /none does not answer; /split tries to smuggle a
 * header out; /hold... waits; anything else echoes what the request was. */
static inline void
raw_handle(void *ctx, struct http_exchange *x)
{
	const char *t = http_target(x), *v;
	uint64_t len, sum;
	char text[1024] = "";
	enum err e;

	(void)ctx;
	atomic_fetch_add(&raw_handled, 1);
	if (strcmp(t, "/ignore") == 0) {
		http_answer(x, 403, "no\n", 3);
		return;
	}
	if (strncmp(t, "/stream/", 8) == 0 || strncmp(t, "/sized/", 7) == 0) {
		raw_stream(x, strtoull(strchr(t + 1, '/') + 1, NULL, 10),
		    t[2] == 'i');
		return;
	}
	if (strcmp(t, "/short") == 0) {
		http_answer_start(x, 200, 100);
		http_write(x, "abc", 3);
		http_answer_end(x);
		return;
	}
	if (strcmp(t, "/none") == 0)
		return;
	if (strcmp(t, "/split") == 0) {
		http_answer_header(x, "X-Good", "a: b");
		e = http_answer_header(x, "X-Bad", "a\r\nEvil: b");
		http_answer(x, e == EC_EINVAL ? 200 : 500, "\n", 1);
		return;
	}
	while (strncmp(t, "/hold", 5) == 0 && atomic_load(&raw_hold))
		usleep(1000);
	if ((e = raw_read_all(x, &len, &sum)) != EC_OK) {
		http_answer(x, e == EC_EINVAL ? 400 : 500, "bad body\n", 9);
		return;
	}
	v = http_header(x, "x-test");
	snprintf(text, sizeof(text), "%s %s len=%llu sum=%llx test=[%s] "
	    "trailer=[%s]\n", http_method(x), t, (unsigned long long)len,
	    (unsigned long long)sum, v ? v : "", http_trailer(x, "x-trail") ?
	    http_trailer(x, "x-trail") : "");
	text[sizeof(text) - 2] = '\n';	/* of a long target */
	http_answer(x, 200, text, strlen(text));
}

static inline struct http_server *
raw_server_with(struct http_listen l)
{
	const struct http_service s = { NULL, raw_handle };
	struct http_server *server = NULL;

	if (http_server_start(&server, &l, &s) != EC_OK)
		exit(1);
	return server;
}

static inline struct http_server *
raw_server(unsigned connections_max, unsigned idle_s)
{
	return raw_server_with((struct http_listen){ .address = "127.0.0.1:0",
	    .fd = -1, .connections_max = connections_max, .idle_s = idle_s });
}

static inline int
raw_connect(struct http_server *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)http_server_port(s)),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
		perror("connect");
		exit(1);
	}
	return fd;
}

/* Errors show in the answer that then lacks. */
static inline void
raw_send(int fd, const void *p, size_t len)
{
	const char *c = p;
	ssize_t n;

	for (; len > 0; c += n, len -= (size_t)n)
		if ((n = send(fd, c, len, MSG_NOSIGNAL)) <= 0)
			return;
}

/* How often does ${what} occur? */
static inline unsigned
raw_count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

/* What comes, as text: ${max} - 1 bytes, or until the server ends the
 * connection (*${closed}), or, unless ${answers} is 0, for 20 ms after so many
 * whole answers (all end in a line feed), in which there should be no more.
 * Gives up after 20 s. */
static inline size_t
raw_recv(int fd, char *out, size_t max, unsigned answers, bool *closed)
{
	uint64_t until = clock_mono_us() + 20000000;
	struct pollfd p = { fd, POLLIN, 0 };
	bool all = false;
	size_t len = 0;
	ssize_t n;

	*closed = false;
	while (len < max - 1 && clock_mono_us() < until) {
		if (poll(&p, 1, all ? 20 : 1000) <= 0) {
			if (all)
				break;
			continue;
		}
		if ((n = recv(fd, out + len, max - 1 - len, 0)) <= 0) {
			*closed = true;
			break;
		}
		len += (size_t)n;
		out[len] = '\0';
		all = answers > 0 && out[len - 1] == '\n' &&
		    raw_count(out, "HTTP/1.1 ") >= answers;
	}
	out[len] = '\0';
	return len;
}

/* Send one request, and receive as above. */
static inline size_t
raw_ask(struct http_server *s, const void *req, size_t len, char *out,
    size_t max, unsigned answers, bool *closed)
{
	int fd = raw_connect(s);
	size_t n;

	raw_send(fd, req, len);
	n = raw_recv(fd, out, max, answers, closed);
	close(fd);
	return n;
}

/* The status of the first answer that is not 100; 0 without one. */
static inline unsigned
raw_status(const char *answer)
{
	unsigned status = 0;

	while (sscanf(answer, "HTTP/1.1 %u", &status) == 1 && status == 100 &&
	    (answer = strstr(answer, "\r\n\r\n")) != NULL)
		answer += 4;
	return status;
}

#endif
