/* http_client against http_server: calls, uploads, connections kept, peers
 * that are dead, silent or cut the answer. */
#include <pthread.h>

#include "../lib/tap.h"
#include "http_raw.h"
#include "net/http_client.h"
#include "net/silence.h"

static struct http_server *server;
static char base[64];

static enum err
call(struct http_client *c, const char *method, const char *path,
    const char *body, struct buf *answer, struct http_call *out)
{
	*out = (struct http_call){ .method = method, .path = path,
	    .body = body, .body_len = body ? strlen(body) : 0,
	    .answer = answer, .timeout_ms = 5000 };
	answer->len = 0;
	return http_client_call(c, out);
}

static void
test_calls(void)
{
	struct http_client *c = NULL;
	struct buf answer = BUF_INIT(1 << 20);
	struct http_call r;

	tap_ok(http_client_new(&c, base, NULL, 1000) == EC_OK, "new");
	tap_ok(call(c, "GET", "/a?b=%2f//../c", NULL, &answer, &r) == EC_OK &&
	    r.status == 200, "GET");
	tap_ok(strstr(buf_str(&answer), "GET /a?b=%2f//../c len=0") != NULL,
	    "the path goes as it is");
	tap_ok(call(c, "POST", "/p", "abc", &answer, &r) == EC_OK &&
	    strstr(buf_str(&answer), "POST /p len=3") != NULL, "POST");
	tap_ok(call(c, "DELETE", "/p", NULL, &answer, &r) == EC_OK &&
	    strstr(buf_str(&answer), "DELETE /p len=0") != NULL, "DELETE");
	tap_ok(call(c, "POST", "/ignore", "abc", &answer, &r) == EC_OK &&
	    r.status == 403 && answer.len == 0, "a refusal is no answer");
	tap_is_str(r.refusal, "no\n", "its body");
	tap_ok(call(c, "GET", "/stream/300000", NULL, &answer, &r) == EC_OK &&
	    answer.len == 300000, "a chunked answer");
	tap_is_u64(http_client_connects(c), 1, "all on one connection");
	tap_ok(call(c, "GET", "/short", NULL, &answer, &r) == EC_EIO,
	    "an answer cut short is an error");
	tap_ok(call(c, "GET", "/stream/2000000", NULL, &answer, &r) ==
	    EC_ELIMIT, "an answer over the limit, too");
	http_client_free(c);
	buf_release(&answer);
}

static enum err
take(void *ctx, const void *buf, size_t len)
{
	(void)buf;
	*(size_t *)ctx += len;
	return *(size_t *)ctx > 1000000 ? EC_ENOSPC : EC_OK;
}

static void
test_write(void)
{
	struct http_client *c = NULL;
	size_t len = 0;
	struct http_call r = { .method = "GET", .path = "/sized/1000000",
	    .write = take, .write_ctx = &len };

	http_client_new(&c, base, NULL, 1000);
	tap_ok(http_client_call(c, &r) == EC_OK && len == 1000000,
	    "an answer in pieces");
	tap_ok(http_client_call(c, &r) == EC_ENOSPC, "its taker's error");
	http_client_free(c);
}

static void
test_uploads(void)
{
	static char block[100000];
	struct http_client *c = NULL;
	struct buf answer = BUF_INIT(4096);
	struct http_call r = { .method = "PUT", .path = "/up",
	    .answer = &answer };
	struct http_upload *u = NULL;
	enum err e = EC_OK;

	http_client_new(&c, base, NULL, 1000);
	for (int round = 0; round < 2; round++) {
		answer.len = 0;
		http_upload_start(&u, c, &r);
		for (int i = 0; i < 30 && e == EC_OK; i++) {
			memset(block, 'a' + i, sizeof(block));
			e = http_upload_write(u, block, sizeof(block));
			memset(block, 0, sizeof(block));
		}
		tap_ok(e == EC_OK && http_upload_finish(u, 5000) == EC_OK &&
		    r.status == 200, "upload");
		if (round == 0)
			tap_ok(strstr(buf_str(&answer), "len=3000000 sum=")
			    != NULL, "of all bytes");
	}
	tap_is_u64(http_client_connects(c), 1, "both on one connection");
	http_upload_start(&u, c, &r);
	e = http_upload_finish(u, 5000);
	tap_ok(e == EC_OK && r.status == 200, "an empty upload");

	r.path = "/ignore";
	http_upload_start(&u, c, &r);
	for (int i = 0; i < 500 && e == EC_OK; i++)
		e = http_upload_write(u, block, sizeof(block));
	tap_ok(e == EC_ECANCELED, "a peer that refuses early is heard");
	tap_ok(http_upload_finish(u, 5000) == EC_OK && r.status == 403 &&
	    strcmp(r.refusal, "no\n") == 0, "with its reason");

	http_upload_start(&u, c, &r);
	http_upload_write(u, "abc", 3);
	http_upload_abort(u);
	http_upload_abort(NULL);
	http_client_free(c);
	buf_release(&answer);
}

/* A body that is cut never looks complete to the server. */
static enum err seen;
static atomic_bool seen_done;

static void
see(void *ctx, struct http_exchange *x)
{
	uint64_t len, sum;

	(void)ctx;
	seen = raw_read_all(x, &len, &sum);
	atomic_store(&seen_done, true);
	http_answer(x, 200, "", 0);
}

static void
test_abort(void)
{
	char dir[] = "/tmp/net-http-client.XXXXXX", path[64];
	const struct http_listen l = { .unix_path = path, .fd = -1 };
	const struct http_service s = { NULL, see };
	struct http_server *other = NULL;
	struct http_client *c = NULL;
	struct http_call r = { .method = "PUT", .path = "/" };
	struct http_upload *u = NULL;

	if (mkdtemp(dir) == NULL)
		exit(1);
	snprintf(path, sizeof(path), "%s/sock", dir);
	tap_ok(http_server_start(&other, &l, &s) == EC_OK, "a Unix socket");
	http_client_new(&c, "http://drive", l.unix_path, 1000);
	http_upload_start(&u, c, &r);
	tap_ok(http_upload_write(u, "abc", 3) == EC_OK, "write a little");
	tap_ok(http_upload_finish(u, 5000) == EC_OK && seen == EC_OK,
	    "finish: a whole body");
	atomic_store(&seen_done, false);
	http_upload_start(&u, c, &r);
	for (int i = 0; i < 100; i++)
		http_upload_write(u, base, sizeof(base));
	http_upload_abort(u);
	for (int i = 0; i < 5000 && !atomic_load(&seen_done); i++)
		usleep(1000);
	tap_ok(atomic_load(&seen_done) && seen == EC_EIO,
	    "abort: a body cut short");
	http_server_stop(other, 1000);
	tap_ok(access(l.unix_path, F_OK) == -1, "the socket's file is gone");
	tap_ok(http_client_call(c, &r) == EC_EOFFLINE, "nobody there now");
	http_client_free(c);
	rmdir(dir);
}

static void
test_dead(void)
{
	struct http_client *c = NULL;
	struct buf answer = BUF_INIT(4096);
	struct http_server *other = raw_server(16, 60);
	struct http_call r;
	char url[64];
	uint64_t from;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u",
	    http_server_port(other));
	http_client_new(&c, url, NULL, 1000);
	tap_ok(call(c, "GET", "/", NULL, &answer, &r) == EC_OK, "alive");
	atomic_store(&raw_hold, true);
	r = (struct http_call){ .method = "GET", .path = "/hold",
	    .answer = &answer, .timeout_ms = 100 };
	from = clock_mono_us();
	tap_ok(http_client_call(c, &r) == EC_ETIMEDOUT &&
	    clock_mono_us() - from < 2500000, "silent: times out");
	r.timeout_ms = 0;
	from = clock_mono_us();
	tap_ok(http_client_call(c, &r) == EC_ETIMEDOUT &&
	    clock_mono_us() - from < 5 * HTTP_CLIENT_STALL_MS * 1000ull,
	    "silent without a time-out: stalls are noticed");
	r.timeout_ms = 2 * SILENCE_QUIET_MS + 2 * SILENCE_ASK_MS;
	http_client_ask(c, "/alive");
	tap_ok(http_client_call(c, &r) == EC_ETIMEDOUT,
	    "slow, but it says that it is there");
	r.timeout_ms = 60000;
	http_client_ask(c, "/hold/alive");
	tap_ok(http_client_call(c, &r) == EC_EOFFLINE,
	    "silent, though asked: offline");
	tap_ok(http_client_call(c, &r) == EC_EOFFLINE, "and still is");
	atomic_store(&raw_hold, false);
	tap_ok(call(c, "GET", "/", NULL, &answer, &r) == EC_OK, "back");
	http_server_stop(other, 1000);
	from = clock_mono_us();
	tap_ok(call(c, "GET", "/", NULL, &answer, &r) == EC_EOFFLINE &&
	    clock_mono_us() - from < 1000000, "dead: offline, at once");
	http_client_free(c);
	buf_release(&answer);
	tap_ok(http_client_new(&c, "ftp://x", NULL, 1) == EC_EINVAL,
	    "a base that is not HTTP");
}

int
main(void)
{
	server = raw_server(64, 60);
	snprintf(base, sizeof(base), "http://127.0.0.1:%u",
	    http_server_port(server));
	test_calls();
	test_write();
	test_uploads();
	test_abort();
	test_dead();
	http_server_stop(server, 1000);
	return tap_done();
}
