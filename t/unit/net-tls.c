/* TLS: http_client against http_server, and clients that make nothing of it:
 * garbage, handshakes that are cut or never end, HTTP without TLS. */
#include <signal.h>

#include "../lib/tap.h"
#include "base/os_linux.h"
#include "http_raw.h"
#include "net/http_client.h"
#include "net/tls.h"

enum { WAIT_S = 60 };

static char dir[] = "/tmp/ec-tls.XXXXXX";
static char cert[64], key[64], base[64];
static struct tls *tls;
static struct http_server *server;

/* A new key, and a certificate of which it is its own authority. */
static void
certify(void)
{
	char line[1024];

	snprintf(line, sizeof(line), "openssl req -x509 -newkey ec -pkeyopt "
	    "ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
	    "-addext subjectAltName=IP:127.0.0.1 -keyout %s.new -out %s.new "
	    "2>/dev/null && mv %s.new %s && mv %s.new %s", key, cert, key, key,
	    cert, cert);
	if (system(line) != 0)
		exit(1);
}

static struct http_client *
client(const char *ca)
{
	struct http_client *c = NULL;

	if (http_client_new(&c, base, NULL, 5000) != EC_OK ||
	    (ca != NULL && http_client_trust(c, ca) != EC_OK))
		exit(1);
	return c;
}

static enum err
call(struct http_client *c, const char *method, const char *path,
    const void *body, size_t len, struct buf *answer, unsigned *status)
{
	struct http_call r = { .method = method, .path = path, .body = body,
	    .body_len = len, .answer = answer, .timeout_ms = WAIT_S * 1000 };
	enum err e;

	answer->len = 0;
	e = http_client_call(c, &r);
	*status = r.status;
	return e;
}

static void
test_calls(void)
{
	static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 3000000 };
	struct http_client *c = client(cert);
	struct buf answer = BUF_INIT(8 << 20);
	uint8_t *body = calloc(1, 3000000);
	unsigned status, good = 0;
	char path[64], want[64];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(path, sizeof(path), "/sized/%zu", sizes[i]);
		good += call(c, "GET", path, NULL, 0, &answer, &status) ==
		    EC_OK && status == 200 && answer.len == sizes[i];
		snprintf(path, sizeof(path), "/stream/%zu", sizes[i]);
		good += call(c, "GET", path, NULL, 0, &answer, &status) ==
		    EC_OK && status == 200 && answer.len == sizes[i];
		snprintf(want, sizeof(want), "POST /p len=%zu sum=0 ",
		    sizes[i]);
		good += call(c, "POST", "/p", body, sizes[i], &answer,
		    &status) == EC_OK && status == 200 &&
		    strstr(buf_str(&answer), want) != NULL;
	}
	tap_is_u64(good, 18, "bodies of all sizes, both ways");
	tap_is_u64(http_client_connects(c), 1, "on one connection");
	tap_ok(call(c, "GET", "/short", NULL, 0, &answer, &status) == EC_EIO,
	    "an answer cut short is an error");
	tap_ok(call(c, "GET", "/a", NULL, 0, &answer, &status) == EC_OK,
	    "and the next one is not");
	http_client_free(c);
	c = client(NULL);
	tap_ok(call(c, "GET", "/a", NULL, 0, &answer, &status) == EC_EDENIED,
	    "a server that nobody vouches for is not talked to");
	http_client_free(c);
	buf_release(&answer);
	free(body);
}

/* Wait until the server ends the connection. */
static bool
ends(int fd, char *answer, size_t max)
{
	bool closed;

	raw_recv(fd, answer, max, 0, &closed);
	close(fd);
	return closed;
}

static void
test_garbage(void)
{
	/* The begin of a record of 512 bytes that is a handshake. */
	static const uint8_t lead[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01,
		0x00, 0x01, 0xfc, 0x03, 0x03 };
	uint8_t bytes[600];
	char answer[512];
	unsigned closed = 0, handled = atomic_load(&raw_handled);
	int fd;

	for (unsigned i = 0; i < 200; i++) {
		os_random(bytes, sizeof(bytes));
		if (i % 2 == 0)
			memcpy(bytes, lead, sizeof(lead));
		fd = raw_connect(server);
		raw_send(fd, bytes, i % 5 == 0 ? i : sizeof(bytes));
		shutdown(fd, SHUT_WR);
		closed += ends(fd, answer, sizeof(answer));
	}
	tap_is_u64(closed, 200, "garbage and cut handshakes end");
	tap_is_u64(atomic_load(&raw_handled), handled, "none is served");
	fd = raw_connect(server);
	raw_send(fd, RAW("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
	tap_ok(ends(fd, answer, sizeof(answer)) && raw_status(answer) == 400,
	    "HTTP without TLS is told so");
}

static bool
drained(struct http_server *s)
{
	uint64_t until = clock_mono_us() + WAIT_S * 1000000ull;

	while (http_server_connections(s) > 0 && clock_mono_us() < until)
		usleep(1000);
	return http_server_connections(s) == 0;
}

static void
test_slow(void)
{
	struct http_server *s = raw_server_with((struct http_listen){
	    .address = "127.0.0.1:0", .fd = -1, .head_s = 1, .tls = tls });
	char answer[64];
	int fd[8];

	for (int i = 0; i < 8; i++) {
		fd[i] = raw_connect(s);
		raw_send(fd[i], "\x16\x03", (size_t)i % 3);
	}
	for (int i = 0; i < 8; i++)
		ends(fd[i], answer, sizeof(answer));
	tap_ok(drained(s), "handshakes that never end are ended");
	for (int i = 0; i < 8; i++)
		fd[i] = raw_connect(s);
	http_server_stop(s, WAIT_S * 1000);
	tap_ok(true, "and do not keep a server from ending");
	for (int i = 0; i < 8; i++)
		close(fd[i]);
}

static void
test_refresh(void)
{
	struct http_client *old = client(cert), *c;
	struct buf answer = BUF_INIT(1 << 20);
	char line[256];
	unsigned status;

	tap_ok(call(old, "GET", "/a", NULL, 0, &answer, &status) == EC_OK,
	    "with the first certificate");
	certify();
	tls_refresh(tls, false);
	c = client(cert);
	tap_ok(call(c, "GET", "/a", NULL, 0, &answer, &status) == EC_OK,
	    "with the second one");
	tap_ok(call(old, "GET", "/a", NULL, 0, &answer, &status) == EC_OK &&
	    http_client_connects(old) == 1,
	    "open connections go on with the first");
	http_client_free(c);
	snprintf(line, sizeof(line), "cp %s %s.keep; echo no >%s", cert, cert,
	    cert);
	tap_ok(system(line) == 0, "a file that is no certificate");
	tls_refresh(tls, false);
	tls_refresh(tls, true);
	snprintf(line, sizeof(line), "mv %s.keep %s", cert, cert);
	tap_ok(system(line) == 0, "is no loss");
	c = client(cert);
	tap_ok(call(c, "GET", "/a", NULL, 0, &answer, &status) == EC_OK,
	    "the old one stays in use");
	http_client_free(c);
	http_client_free(old);
	buf_release(&answer);
}

int
main(void)
{
	struct tls *none = NULL;
	char line[64];

	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	certify();
	tap_ok(tls_new(&none, cert, cert) == EC_EINVAL, "no key");
	tap_ok(tls_new(&none, "/none/there", key) == EC_ENOTFOUND, "no file");
	if (tls_new(&tls, cert, key) != EC_OK)
		return 1;
	server = raw_server_with((struct http_listen){
	    .address = "127.0.0.1:0", .fd = -1, .tls = tls });
	snprintf(base, sizeof(base), "https://127.0.0.1:%u",
	    http_server_port(server));
	test_calls();
	test_garbage();
	test_slow();
	test_refresh();
	http_server_stop(server, 5000);
	tls_free(tls);
	snprintf(line, sizeof(line), "rm -r %s", dir);
	return system(line) == 0 ? tap_done() : 1;
}
