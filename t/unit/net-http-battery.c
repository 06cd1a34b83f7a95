/* Requests that parsers disagree on: each is refused, or understood in the one
 * way of RFC 9112, and nothing behind it is taken for a request. */
#include "../lib/tap.h"
#include "http_raw.h"

#define H "Host: h\r\n"
#define SMUGGLED "GET /smuggled HTTP/1.1\r\n" H "\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"

struct probe {
	const char *name;
	const char *request;
	size_t len;
	unsigned status;	/* of the only answer, or the first */
	unsigned answers;
	bool close;
	const char *has;	/* in the answer; NULL: anything */
};

#define P(name, request, status, answers, close, has) \
	{ name, request, sizeof(request) - 1, status, answers, close, has }

static const struct probe probes[] = {
	P("plain GET", "GET /a?b=%2F HTTP/1.1\r\n" H "\r\n", 200, 1, false,
	    "GET /a?b=%2F len=0"),
	P("no Host", "GET / HTTP/1.1\r\n\r\n" SMUGGLED, 400, 1, true, NULL),
	P("no Host, HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, 1, true, NULL),
	P("two Hosts", "GET / HTTP/1.1\r\n" H H "\r\n" SMUGGLED, 400, 1, true,
	    NULL),
	P("bad Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, 1, true,
	    NULL),
	P("length and coding", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 400, 1,
	    true, NULL),
	P("coding and length", CHUNKED "Content-Length: 5\r\n\r\n0\r\n\r\n"
	    SMUGGLED, 400, 1, true, NULL),
	P("two lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
	    "Content-Length: 6\r\n\r\nabcdef" SMUGGLED, 400, 1, true, NULL),
	P("one length twice", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
	    "Content-Length: 5\r\n\r\nabcde" SMUGGLED, 400, 1, true, NULL),
	P("length +5", "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nabcde"
	    SMUGGLED, 400, 1, true, NULL),
	P("length 0x5", "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n"
	    "abcde" SMUGGLED, 400, 1, true, NULL),
	P("length 5, 5", "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n"
	    "abcde" SMUGGLED, 400, 1, true, NULL),
	P("length -1", "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n",
	    400, 1, true, NULL),
	P("length empty", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n",
	    400, 1, true, NULL),
	P("length 2^64", "POST / HTTP/1.1\r\n" H
	    "Content-Length: 18446744073709551616\r\n\r\n", 400, 1, true, NULL),
	P("length 2^63", "POST / HTTP/1.1\r\n" H
	    "Content-Length: 9223372036854775808\r\n\r\n", 400, 1, true, NULL),
	P("coding xchunked", "POST / HTTP/1.1\r\n" H
	    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, 1, true, NULL),
	P("coding gzip, chunked", "POST / HTTP/1.1\r\n" H
	    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, 1, true,
	    NULL),
	P("coding chunked, chunked", "POST / HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501, 1,
	    true, NULL),
	P("coding twice", CHUNKED "Transfer-Encoding: identity\r\n\r\n"
	    "0\r\n\r\n" SMUGGLED, 400, 1, true, NULL),
	P("coding in HTTP/1.0", "POST / HTTP/1.0\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 1, true, NULL),
	P("coding Chunked", "POST / HTTP/1.1\r\n" H
	    "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, 1,
	    false, "len=3"),
	P("NUL in a value", "GET / HTTP/1.1\r\n" H "X-Test: a\0b\r\n\r\n", 400,
	    1, true, NULL),
	P("NUL in the target", "GET /a\0b HTTP/1.1\r\n" H "\r\n", 400, 1, true,
	    NULL),
	P("blank before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400,
	    1, true, NULL),
	P("folded line", "GET / HTTP/1.1\r\n" H "X-Test: a\r\n b\r\n\r\n", 400,
	    1, true, NULL),
	P("line without a colon", "GET / HTTP/1.1\r\n" H "X-Test\r\n\r\n", 400,
	    1, true, NULL),
	P("empty name", "GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400, 1, true,
	    NULL),
	P("blank line first among headers", "GET / HTTP/1.1\r\n " H "\r\n",
	    400, 1, true, NULL),
	P("control byte in a name", "GET / HTTP/1.1\r\n" H "X\1Y: a\r\n\r\n",
	    400, 1, true, NULL),
	P("control byte in a value", "GET / HTTP/1.1\r\n" H "X: a\1\r\n\r\n",
	    400, 1, true, NULL),
	P("DEL in a value", "GET / HTTP/1.1\r\n" H "X: a\177\r\n\r\n", 400, 1,
	    true, NULL),
	P("UTF-8 in a value", "GET / HTTP/1.1\r\n" H "X-Test: \303\244\r\n\r\n",
	    200, 1, false, "test=[\303\244]"),
	P("bare LF line ends", "GET / HTTP/1.1\nHost: h\n\n", 400, 1, true,
	    NULL),
	P("bare LF once", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400, 1,
	    true, NULL),
	P("bare CR", "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400, 1, true,
	    NULL),
	P("bare LF in chunks", CHUNKED "\r\n5\nabcde\r\n0\r\n\r\n", 400, 1,
	    true, NULL),
	P("bare LF after data", CHUNKED "\r\n5\r\nabcde\n0\r\n\r\n", 400, 1,
	    true, NULL),
	P("chunk size 0x5", CHUNKED "\r\n0x5\r\nabcde\r\n0\r\n\r\n", 400, 1,
	    true, NULL),
	P("chunk size -1", CHUNKED "\r\n-1\r\nabcde\r\n0\r\n\r\n", 400, 1, true,
	    NULL),
	P("chunk size +5", CHUNKED "\r\n+5\r\nabcde\r\n0\r\n\r\n", 400, 1, true,
	    NULL),
	P("chunk size of 17 digits", CHUNKED "\r\n00000000000000005\r\nabcde"
	    "\r\n0\r\n\r\n", 400, 1, true, NULL),
	P("chunk size 2^64 - 1", CHUNKED "\r\nffffffffffffffff\r\nabcde", 400,
	    1, true, NULL),
	P("chunk size empty", CHUNKED "\r\n\r\nabcde\r\n0\r\n\r\n", 400, 1,
	    true, NULL),
	P("blank after a chunk size", CHUNKED "\r\n5 \r\nabcde\r\n0\r\n\r\n",
	    400, 1, true, NULL),
	P("chunk longer than said", CHUNKED "\r\n5\r\nabcdef\r\n0\r\n\r\n",
	    400, 1, true, NULL),
	P("chunk extension", CHUNKED "\r\n5;a=b\r\nabcde\r\n0 ;c\r\n\r\n", 200,
	    1, false, "len=5"),
	P("upper and lower case sizes", CHUNKED "\r\nA\r\n0123456789\r\na\r\n"
	    "0123456789\r\n0\r\n\r\n", 200, 1, false, "len=20"),
	P("trailers", CHUNKED "\r\n3\r\nabc\r\n0\r\nX-Trail: t\r\n\r\n", 200,
	    1, false, "trailer=[t]"),
	P("Content-Length in trailers", CHUNKED "\r\n0\r\n"
	    "Content-Length: 3\r\n\r\n", 400, 1, true, NULL),
	P("folded trailer", CHUNKED "\r\n0\r\nX: a\r\n b\r\n\r\n", 400, 1,
	    true, NULL),
	P("blanks around a value", "GET / HTTP/1.1\r\n" H
	    "X-Test: \t a b \t\r\n\r\n", 200, 1, false, "test=[a b]"),
	P("duplicate headers", "GET / HTTP/1.1\r\n" H
	    "X-Test: 1\r\nX-Test: 2\r\n\r\n", 200, 1, false, "test=[1]"),
	P("raw target", "GET //..%2f./%00?a&&b=;c HTTP/1.1\r\n" H "\r\n", 200,
	    1, false, "GET //..%2f./%00?a&&b=;c len"),
	P("absolute target", "GET http://h/x?y HTTP/1.1\r\n" H "\r\n", 200, 1,
	    false, "GET /x?y len"),
	P("absolute target, other host", "GET http://i/x HTTP/1.1\r\n" H "\r\n",
	    400, 1, true, NULL),
	P("absolute target, no path", "GET http://h HTTP/1.1\r\n" H "\r\n",
	    400, 1, true, NULL),
	P("relative target", "GET a HTTP/1.1\r\n" H "\r\n", 400, 1, true, NULL),
	P("target *", "GET * HTTP/1.1\r\n" H "\r\n", 400, 1, true, NULL),
	P("OPTIONS *", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 200, 1, false,
	    "OPTIONS * "),
	P("fragment in the target", "GET /a#b HTTP/1.1\r\n" H "\r\n", 400, 1,
	    true, NULL),
	P("byte above 0x7f in the target", "GET /\303\244 HTTP/1.1\r\n" H
	    "\r\n", 400, 1, true, NULL),
	P("CONNECT", "CONNECT h:80 HTTP/1.1\r\n" H "\r\n", 501, 1, true, NULL),
	P("any method", "FOO-BAR / HTTP/1.1\r\n" H "\r\n", 200, 1, false,
	    "FOO-BAR / "),
	P("bad method", "GE(T / HTTP/1.1\r\n" H "\r\n", 400, 1, true, NULL),
	P("two blanks", "GET  / HTTP/1.1\r\n" H "\r\n", 400, 1, true, NULL),
	P("tab for a blank", "GET\t/ HTTP/1.1\r\n" H "\r\n", 400, 1, true,
	    NULL),
	P("blank at the end", "GET / HTTP/1.1 \r\n" H "\r\n", 400, 1, true,
	    NULL),
	P("no version", "GET /\r\n" H "\r\n", 400, 1, true, NULL),
	P("HTTP/1.9", "GET / HTTP/1.9\r\n" H "\r\n", 505, 1, true, NULL),
	P("HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 1, true, NULL),
	P("HTTP/1.10", "GET / HTTP/1.10\r\n" H "\r\n", 400, 1, true, NULL),
	P("http/1.1", "GET / http/1.1\r\n" H "\r\n", 400, 1, true, NULL),
	P("empty line first", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 200, 1, false,
	    NULL),
	P("empty lines first", "\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 400,
	    1, true, NULL),
	P("TLS", "\26\3\1\2\0\1\0\1\374\3\3", 400, 1, true, NULL),
	P("Expect, read", "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
	    "Content-Length: 3\r\n\r\nabc", 200, 1, false, "len=3"),
	P("Expect, refused first", "POST /ignore HTTP/1.1\r\n" H
	    "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", 403, 1, true,
	    NULL),
	P("Expect, unknown", "POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n"
	    "Content-Length: 3\r\n\r\nabc", 200, 1, false, "len=3"),
	P("Connection: close", "GET / HTTP/1.1\r\n" H
	    "Connection: foo, Close\r\n\r\n" SMUGGLED, 200, 1, true, NULL),
	P("body not read, kept", "POST /ignore HTTP/1.1\r\n" H
	    "Content-Length: 3\r\n\r\nabcGET /after HTTP/1.1\r\n" H "\r\n",
	    403, 2, false, "GET /after"),
	P("pipelined", "GET /1 HTTP/1.1\r\n" H "\r\nPOST /2 HTTP/1.1\r\n" H
	    "Content-Length: 2\r\n\r\nab" CHUNKED "\r\n1\r\na\r\n0\r\n\r\n"
	    "HEAD /4 HTTP/1.1\r\n" H "\r\nGET /5 HTTP/1.1\r\n" H "\r\n", 200,
	    5, false, "GET /5"),
	P("no answer", "GET /none HTTP/1.1\r\n" H "\r\n" SMUGGLED, 500, 1, true,
	    NULL),
};

static void
check(struct http_server *s, const struct probe *p)
{
	char answer[8192];
	bool closed, good;

	raw_ask(s, p->request, p->len, answer, sizeof(answer),
	    p->close ? 0 : p->answers, &closed);
	good = raw_status(answer) == p->status && closed == p->close &&
	    raw_count(answer, "HTTP/1.1 ") == p->answers &&
	    strstr(answer, "smuggled") == NULL &&
	    (p->has == NULL || strstr(answer, p->has) != NULL) &&
	    raw_count(answer, "Connection: close") == (p->close ? 1 : 0);
	if (!tap_ok(good, "%s: %u", p->name, p->status))
		tap_note("closed %d, answer: %s", closed, answer);
}

/* ${head}, then ${n} times ${fill}, then ${tail}. */
static void
check_long(struct http_server *s, const char *name, const char *head,
    const char *fill, size_t n, const char *tail, unsigned status)
{
	size_t len = strlen(head) + n * strlen(fill) + strlen(tail);
	char *req = malloc(len + 1), *end, answer[4096];
	bool closed;

	end = stpcpy(req, head);
	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, fill);
	strcpy(end, tail);
	raw_ask(s, req, len, answer, sizeof(answer), status == 200,
	    &closed);
	tap_ok(raw_status(answer) == status && closed == (status != 200),
	    "%s: %u", name, status);
	free(req);
}

static void
check_limits(struct http_server *s)
{
	const char *end = " HTTP/1.1\r\n" H "\r\n";
	const char *get = "GET / HTTP/1.1\r\n" H;

	/* The echo cuts long targets; the status is what counts. */
	check_long(s, "target of 16 KiB", "GET /", "a", 16383, end, 200);
	check_long(s, "target over 16 KiB", "GET /", "a", 16384, end, 414);
	check_long(s, "target of 1 MiB", "GET /", "a", 1 << 20, end, 414);
	check_long(s, "100 headers", get, "X: y\r\n", 99, "\r\n", 200);
	check_long(s, "101 headers", get, "X: y\r\n", 100, "\r\n", 431);
	check_long(s, "line over 16 KiB", "GET / HTTP/1.1\r\n" H "X: ", "a",
	    16384, "\r\n\r\n", 431);
	check_long(s, "head over 64 KiB", get, "X: 0123456789012345678901234567"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "\r\n", 98, "\r\n", 431);
	check_long(s, "chunk extension over 1 KiB", CHUNKED "\r\n5;", "a", 1100,
	    "\r\nabcde\r\n0\r\n\r\n", 400);
	check_long(s, "extensions out of proportion", CHUNKED "\r\n",
	    "1;0123456789012345678901234567890123456789\r\na\r\n", 2000,
	    "0\r\n\r\n", 400);
	check_long(s, "many small chunks", CHUNKED "\r\n", "1\r\na\r\n", 5000,
	    "0\r\n\r\n", 200);
}

int
main(void)
{
	struct http_server *s = raw_server(64, 60);

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		check(s, &probes[i]);
	check_limits(s);
	http_server_stop(s, 1000);
	return tap_done();
}
