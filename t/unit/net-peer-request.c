/* peer_request: bodies between processes of a cluster are what was signed,
 * those that are read whole and those that are streamed. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/body_sum.h"
#include "net/http_server.h"
#include "net/peer.h"

static const char secret[] = "sixteen bytes or";
static const uint8_t streamed[DIGEST_SHA256_BYTES];
static struct peer_auth *server_auth, *auth;
static unsigned port;
static uint64_t epoch;
static char taken[64];		/* the body that was accepted */

static void
handle(void *ctx, struct http_exchange *x)
{
	bool stream = strcmp(http_target(x), "/stream") == 0;
	struct peer_request r;
	size_t got = 1, len = 0;
	enum err e;

	(void)ctx;
	e = stream ? peer_request_begin(&r, x, server_auth) :
	    peer_request_read(&r, x, server_auth, sizeof(taken) - 1);
	if (e == EC_OK && !stream) {
		len = r.body.len;
		memcpy(taken, r.body.data, len);
	}
	while (e == EC_OK && stream && got > 0) {
		e = peer_request_stream(&r, taken + len, sizeof(taken) - 1 -
		    len, &got);
		len += e == EC_OK ? got : 0;
	}
	if (e != EC_OK && http_status(x) == 0)
		http_answer(x, 403, "no\n", 3);
	taken[e == EC_OK ? len : 0] = '\0';
	if (e == EC_OK)
		peer_request_answer(&r, 200, "ok", 2);
	peer_request_release(&r);
}

/* What is answered to the bytes of a request. */
static unsigned
say(const char *target, const char *value, const void *body, size_t len,
    char *answer, size_t max)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char head[1024];
	size_t got = 0;
	unsigned status = 0;
	ssize_t n = 1;

	n = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: h\r\n"
	    "Connection: close\r\nContent-Length: %zu\r\n" PEER_AUTH_HEADER
	    ": %s\r\n\r\n", target, len, value);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    write(fd, head, (size_t)n) != n ||
	    write(fd, body, len) != (ssize_t)len)
		abort();
	while (got < max - 1 && (n = read(fd, answer + got, max - 1 - got)) > 0)
		got += (size_t)n;
	answer[got] = '\0';
	close(fd);
	return sscanf(answer, "HTTP/1.1 %u", &status) == 1 ? status : 0;
}

/* Ask with a body for which ${signed_as} is signed, or for /stream with what
 * ends the stream of that. */
static unsigned
ask(const char *target, const char *body, const char *signed_as, bool whole)
{
	uint8_t digest[DIGEST_SHA256_BYTES], sum[DIGEST_SHA256_BYTES];
	char value[PEER_AUTH_VALUE_MAX], answer[2048], bytes[256];
	size_t len = strlen(body);
	struct peer_auth_mac mac;

	digest_once(DIGEST_SHA256, signed_as, strlen(signed_as), digest);
	peer_auth_sign(auth, clock_real_us(), epoch, "POST", target,
	    whole ? digest : streamed, value, &mac);
	memcpy(bytes, body, len);
	if (!whole) {
		if (body_sum_once(peer_auth_body_key(auth), signed_as,
		    strlen(signed_as), digest) != EC_OK)
			abort();
		peer_auth_body(auth, &mac, digest, sum);
		memcpy(bytes + len, sum, sizeof(sum));
		len += sizeof(sum);
	}
	return say(target, value, bytes, len, answer, sizeof(answer));
}

/* The server's epoch, from its answer to a request to none. */
static void
learn(void)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	char value[PEER_AUTH_VALUE_MAX], answer[2048], *from, *end;
	struct peer_auth_mac mac;

	digest_once(DIGEST_SHA256, "", 0, digest);
	peer_auth_sign(auth, clock_real_us(), 0, "POST", "/", digest, value,
	    &mac);
	unsigned status = say("/", value, "", 0, answer, sizeof(answer));

	from = strstr(answer, PEER_AUTH_HEADER ": ");
	if (from == NULL || (end = strstr(from, "\r\n")) == NULL)
		abort();
	*end = '\0';
	if (peer_auth_check_answer(auth, &mac, status, digest, from +
	    strlen(PEER_AUTH_HEADER ": "), &epoch) != EC_OK)
		abort();
}

int
main(void)
{
	const struct http_service service = { NULL, handle };
	struct http_server *s = NULL;

	log_level_set(LOG_LEVEL_ERROR);
	if (peer_auth_new(&server_auth, secret, strlen(secret)) != EC_OK ||
	    peer_auth_new(&auth, secret, strlen(secret)) != EC_OK ||
	    http_server_start(&s, &(struct http_listen){ .fd = -1,
	    .address = "127.0.0.1:0" }, &service) != EC_OK)
		abort();
	port = http_server_port(s);
	learn();
	tap_ok(ask("/", "body", "body", true) == 200 &&
	    strcmp(taken, "body") == 0, "a body as it was signed");
	tap_ok(ask("/", "evil", "body", true) == 403 && taken[0] == '\0',
	    "another body: denied, and nothing of it is taken");
	tap_ok(ask("/", "bod", "body", true) == 403 && taken[0] == '\0',
	    "a shorter one");
	tap_ok(ask("/", "", "body", true) == 403, "none");
	tap_ok(ask("/stream", "a stream", "a stream", false) == 200 &&
	    strcmp(taken, "a stream") == 0, "a stream as it was signed");
	tap_ok(ask("/stream", "evil bytes", "a stream", false) == 403 &&
	    taken[0] == '\0', "another stream: denied at its end");
	tap_ok(ask("/stream", "a strea", "a stream", false) == 403 &&
	    taken[0] == '\0', "a shorter one");
	tap_ok(ask("/stream", "", "a stream", false) == 403, "none");
	tap_ok(ask("/stream", "body", "body", true) == 403 &&
	    taken[0] == '\0', "what was signed to be read whole: no stream");
	tap_ok(ask("/", "a stream", "a stream", false) == 403 &&
	    taken[0] == '\0', "what was signed as a stream: not read whole");
	http_server_stop(s, 0);
	peer_auth_free(auth);
	peer_auth_free(server_auth);
	return tap_done();
}
