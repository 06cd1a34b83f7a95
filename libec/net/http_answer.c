/* http_answer: the answer to a request.
 *
 * The head is held back until the first bytes of the body, so that both leave
 * in one packet. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/http_conn.h"

static const char *
reason(unsigned status)
{
	static const struct { unsigned status; const char *text; } reasons[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 206, "Partial Content" },
		{ 301, "Moved Permanently" }, { 302, "Found" },
		{ 303, "See Other" }, { 304, "Not Modified" },
		{ 307, "Temporary Redirect" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 408, "Request Timeout" }, { 409, "Conflict" },
		{ 411, "Length Required" }, { 412, "Precondition Failed" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
		{ 428, "Precondition Required" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Status";
}

enum err
http_answer_header(struct http_exchange *x, const char *name,
    const char *value)
{
	if (name[0] == '\0' || strpbrk(name, "\r\n :") != NULL ||
	    strpbrk(value, "\r\n") != NULL)
		return EC_EINVAL;
	return buf_printf(&x->fields, "%s: %s\r\n", name, value);
}

/* RFC 9110, 5.6.7; strftime would follow the locale. */
static void
date_text(char out[32])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	snprintf(out, 32, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	    days + tm.tm_wday * 3, (unsigned)tm.tm_mday % 100,
	    months + tm.tm_mon * 3, (unsigned)(tm.tm_year + 1900) % 10000,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100);
}

static enum err
format_framing(struct http_exchange *x, uint64_t len)
{
	if (x->chunked)
		return buf_add_str(&x->out, "Transfer-Encoding: chunked\r\n");
	if (len == UINT64_MAX || x->status == 204)
		return EC_OK;
	return buf_printf(&x->out, "Content-Length: %llu\r\n",
	    (unsigned long long)len);
}

static enum err
format_head(struct http_exchange *x, uint64_t len)
{
	char date[32];
	enum err e;

	date_text(date);
	x->out.len = 0;
	if ((e = buf_printf(&x->out, "HTTP/1.1 %u %s\r\nDate: %s\r\n",
	    x->status, reason(x->status), date)) != EC_OK ||
	    (e = format_framing(x, len)) != EC_OK)
		return e;
	if (x->close &&
	    (e = buf_add_str(&x->out, "Connection: close\r\n")) != EC_OK)
		return e;
	if ((e = buf_add(&x->out, x->fields.data, x->fields.len)) != EC_OK)
		return e;
	return buf_add_str(&x->out, "\r\n");
}

void
http_answer_start(struct http_exchange *x, unsigned status, uint64_t len)
{
	x->status = status;
	x->left = len;
	x->bodiless = status == 204 || status == 304 ||
	    strcmp(x->head.method, "HEAD") == 0;
	x->chunked = len == UINT64_MAX && x->head.minor > 0 && !x->bodiless;
	x->close = x->head.close || x->body_err != EC_OK ||
	    atomic_load(x->draining) || !http_body_small(x) ||
	    (len == UINT64_MAX && !x->chunked && !x->bodiless);
	x->send_err = format_head(x, len);
}

static struct iovec
iov_of(const void *p, size_t len)
{
	union { const void *c; void *v; } u = { p };
	struct iovec iov = { u.v, len };

	return iov;
}

/* Send the head if it is still here, and ${n} more pieces. */
static enum err
send_pieces(struct http_exchange *x, const struct iovec *pieces, int n)
{
	struct iovec iov[4];
	int count = 0;

	if (x->out.len > 0)
		iov[count++] = iov_of(x->out.data, x->out.len);
	for (int i = 0; i < n; i++)
		iov[count++] = pieces[i];
	x->send_err = http_conn_send(x, iov, count);
	x->out.len = 0;
	return x->send_err;
}

enum err
http_write(struct http_exchange *x, const void *buf, size_t len)
{
	struct iovec pieces[3];
	char size[20];
	int n = 0;

	if (x->send_err != EC_OK || len == 0)
		return x->send_err;
	if (x->left != UINT64_MAX && len > x->left)
		return x->send_err = EC_EINVAL;
	if (x->left != UINT64_MAX)
		x->left -= len;
	if (x->bodiless)
		return EC_OK;
	if (x->chunked)
		pieces[n++] = iov_of(size, (size_t)snprintf(size, sizeof(size),
		    "%zx\r\n", len));
	pieces[n++] = iov_of(buf, len);
	if (x->chunked)
		pieces[n++] = iov_of("\r\n", 2);
	if (send_pieces(x, pieces, n) == EC_OK)
		x->sent += len;
	return x->send_err;
}

enum err
http_answer_end(struct http_exchange *x)
{
	struct iovec last = iov_of("0\r\n\r\n", 5);

	if (x->send_err != EC_OK)
		return x->send_err;
	if (x->left != UINT64_MAX && x->left > 0 && !x->bodiless)
		return x->send_err = EC_EINVAL;
	if (x->chunked || x->out.len > 0)
		send_pieces(x, &last, x->chunked ? 1 : 0);
	x->ended = x->send_err == EC_OK;
	return x->send_err;
}

void
http_answer(struct http_exchange *x, unsigned status, const void *body,
    size_t len)
{
	http_answer_start(x, status, len);
	http_write(x, body, len);
	http_answer_end(x);
}

unsigned
http_status(const struct http_exchange *x)
{
	return x->status;
}

uint64_t
http_sent(const struct http_exchange *x)
{
	return x->sent;
}

bool
http_complete(const struct http_exchange *x)
{
	return x->ended;
}
