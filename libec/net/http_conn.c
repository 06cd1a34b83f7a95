/* Invariants:
 * 1. A connection goes on to the next request only when the last answer went
 *    out whole and the last body was read to its end; anything else closes.
 * 2. Before a close that the client may not expect, its side is read on for a
 *    while: unread bytes would turn the close into a reset that can destroy
 *    the answer on its way. */
#include "net/http_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/num.h"

static enum err
wait_for(int fd, short events, unsigned timeout_ms)
{
	struct pollfd p = { fd, events, 0 };
	int n;

	do
		n = poll(&p, 1, (int)timeout_ms);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return EC_ETIMEDOUT;
	return n == 1 ? EC_OK : EC_EIO;
}

/* What is there now.  Errors: EC_EBUSY (wait for *${events}), EC_EIO. */
static enum err
recv_now(struct http_exchange *x, void *buf, size_t max, size_t *got,
    short *events)
{
	ssize_t n;

	if (x->tls != NULL)
		return tls_recv(x->tls, buf, max, got, events);
	*events = POLLIN;
	do
		n = recv(x->fd, buf, max, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? EC_EBUSY : EC_EIO;
	*got = (size_t)n;
	return EC_OK;
}

enum err
http_conn_recv(struct http_exchange *x, void *buf, size_t max,
    unsigned timeout_ms, size_t *got)
{
	uint64_t from;
	short events;
	enum err e;

	max = (size_t)num_min(max, HTTP_RECV_MAX);
	while ((e = recv_now(x, buf, max, got, &events)) == EC_EBUSY) {
		from = clock_mono_us();
		e = wait_for(x->fd, events, timeout_ms);
		x->waited_us += clock_mono_us() - from;
		if (e != EC_OK)
			return e;
	}
	return e;
}

enum err
http_conn_fill(struct http_exchange *x, unsigned timeout_ms)
{
	enum err e;

	x->in_pos = x->in_len = 0;
	if ((e = http_conn_recv(x, x->in, HTTP_IN_BYTES, timeout_ms,
	    &x->in_len)) != EC_OK)
		return e;
	return x->in_len == 0 ? EC_EIO : EC_OK;
}

static enum err
tls_send_all(struct http_exchange *x, const uint8_t *buf, size_t len)
{
	size_t sent;
	short events;
	enum err e;

	while (len > 0) {
		e = tls_send(x->tls, buf, len, &sent, &events);
		if (e == EC_EBUSY)
			e = wait_for(x->fd, events, x->stall_ms);
		if (e != EC_OK)
			return e;
		buf += sent;
		len -= sent;
	}
	return EC_OK;
}

/* Small pieces go into one record together. */
static enum err
send_sealed(struct http_exchange *x, const struct iovec *iov, int n)
{
	uint8_t record[HTTP_RECORD_BYTES];
	size_t used = 0, off = 0, len;
	enum err e = EC_OK;

	for (int i = 0; i < n && e == EC_OK; off = 0, i++)
		while (off < iov[i].iov_len && e == EC_OK) {
			const uint8_t *from = iov[i].iov_base;

			len = iov[i].iov_len - off;
			if (used == 0 && len >= sizeof(record)) {
				e = tls_send_all(x, from + off, len);
				break;
			}
			len = (size_t)num_min(len, sizeof(record) - used);
			memcpy(record + used, from + off, len);
			off += len;
			if ((used += len) < sizeof(record))
				continue;
			e = tls_send_all(x, record, used);
			used = 0;
		}
	return e == EC_OK ? tls_send_all(x, record, used) : e;
}

enum err
http_conn_send(struct http_exchange *x, struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	ssize_t sent;

	if (x->tls != NULL)
		return send_sealed(x, iov, n);
	while (msg.msg_iovlen > 0) {
		sent = sendmsg(x->fd, &msg, MSG_NOSIGNAL);
		if (sent == -1 && errno == EINTR)
			continue;
		if (sent == -1)
			return errno == EAGAIN ? EC_ETIMEDOUT : EC_EIO;
		while (msg.msg_iovlen > 0 &&
		    (size_t)sent >= msg.msg_iov->iov_len) {
			sent -= (ssize_t)msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen > 0) {
			msg.msg_iov->iov_base =
			    (uint8_t *)msg.msg_iov->iov_base + sent;
			msg.msg_iov->iov_len -= (size_t)sent;
		}
	}
	return EC_OK;
}

/* Wait for the first byte of a request.  An idle connection holds no buffer. */
static enum err
await_request(struct http_exchange *x)
{
	enum err e = EC_OK;

	if (x->in_pos < x->in_len)
		return EC_OK;
	free(x->in);
	x->in = NULL;
	atomic_store(&x->waits_us, clock_mono_us());
	/* The order of these two matters: see http_server_stop. */
	atomic_store(&x->idle, true);
	if (atomic_load(x->draining))
		e = EC_ECANCELED;
	else if (x->tls == NULL || !tls_pending(x->tls))
		e = wait_for(x->fd, POLLIN, x->idle_ms);
	atomic_store(&x->idle, false);
	if (e != EC_OK)
		return e;
	if ((x->in = malloc(HTTP_IN_BYTES)) == NULL)
		return EC_ENOMEM;
	/* What came may be less than a whole record. */
	return http_conn_fill(x, x->tls != NULL ? x->head_ms : 0);
}

/* Read and parse a head.  Returns 0, a status to refuse with, or 1 when there
 * is nobody to answer. */
static unsigned
read_head(struct http_exchange *x)
{
	uint64_t now, deadline = clock_mono_us() + x->head_ms * 1000ull;
	unsigned status;
	size_t used;
	enum err e;

	http_scan_reset(&x->scan, false);
	for (;;) {
		if ((status = http_scan_feed(&x->scan, x->in + x->in_pos,
		    x->in_len - x->in_pos, &used)) != 0)
			return status;
		x->in_pos += used;
		if (x->scan.done)
			return http_head_parse(&x->head, &x->scan);
		if (x->in_pos < x->in_len)
			continue;
		now = clock_mono_us();
		e = now >= deadline ? EC_ETIMEDOUT : http_conn_fill(x,
		    (unsigned)((deadline - now) / 1000 + 1));
		if (e != EC_OK)
			return e == EC_ETIMEDOUT ? 408 : 1;
	}
}

static void
reset_answer(struct http_exchange *x)
{
	x->fields.len = 0;
	x->out.len = 0;
	x->status = 0;
	x->left = 0;
	x->chunked = x->bodiless = x->ended = x->close = false;
	x->sent = 0;
	x->send_err = EC_OK;
}

/* An answer of our own, and the end of the connection. */
static void
refuse(struct http_exchange *x, unsigned status)
{
	char text[32];

	x->fields.len = 0;
	x->head.close = true;
	snprintf(text, sizeof(text), "%u\n", status);
	http_answer_header(x, "Content-Type", "text/plain");
	if (status == 503)
		http_answer_header(x, "Retry-After", "1");
	http_answer(x, status, text, strlen(text));
}

/* Invariant 2. */
static void
linger(struct http_exchange *x)
{
	uint64_t deadline = clock_mono_us() + HTTP_LINGER_MS * 1000ull;

	if (x->tls != NULL)
		tls_end(x->tls);
	if (x->in == NULL || shutdown(x->fd, SHUT_WR) == -1)
		return;
	atomic_store(&x->waits_us, clock_mono_us());
	atomic_store(&x->idle, true);	/* see http_server_stop */
	while (!atomic_load(x->draining) && clock_mono_us() < deadline &&
	    http_conn_fill(x, HTTP_LINGER_STALL_MS) == EC_OK)
		;
}

/* One request and its answer; true when another may follow. */
static bool
serve(struct http_exchange *x)
{
	unsigned status;

	reset_answer(x);
	x->head.method = "";
	x->head.minor = 1;
	x->head.chunked = false;
	x->head.length = 0;
	if ((status = read_head(x)) == 1)
		return false;
	atomic_store(&x->waits_us, 0);
	if (status == 0 && x->refuse)
		status = 503;
	if (status != 0) {
		x->head.chunked = false;
		x->head.length = 0;
		http_body_start(x);
		refuse(x, status);
		linger(x);
		return false;
	}
	http_body_start(x);
	x->service->handle(x->service->ctx, x);
	if (x->status == 0)
		refuse(x, 500);
	if (x->ended && !x->close)
		http_body_discard(x);
	if (x->ended && !x->close && http_body_ended(x) &&
	    x->body_err == EC_OK)
		return true;
	if (x->ended)
		linger(x);
	return false;
}

/* It has as much time as a head has. */
static enum err
shake_hands(struct http_exchange *x)
{
	uint64_t now, deadline = clock_mono_us() + x->head_ms * 1000ull;
	short events = 0;
	enum err e;

	if ((e = tls_conn_new(&x->tls, x->tls_with, x->fd)) != EC_OK)
		return e;
	atomic_store(&x->idle, true);	/* see http_server_stop */
	while (!atomic_load(x->draining) &&
	    (e = tls_handshake(x->tls, &events)) == EC_EBUSY) {
		if ((now = clock_mono_us()) >= deadline)
			break;
		wait_for(x->fd, events, (unsigned)((deadline - now) / 1000 +
		    1));
	}
	atomic_store(&x->idle, false);
	return e;
}

/* Somebody took "http:" for "https:". */
static void
refuse_plain(struct http_exchange *x)
{
	tls_conn_free(x->tls);
	x->tls = NULL;
	x->head.method = "";
	http_body_start(x);
	refuse(x, 400);
}

void
http_conn_run(struct http_exchange *x)
{
	enum err e = EC_OK;

	if (x->tls_with != NULL && (e = shake_hands(x)) == EC_EFORMAT)
		refuse_plain(x);
	while (e == EC_OK && (e = await_request(x)) == EC_OK && serve(x))
		;
	if (e != EC_OK && x->tls != NULL)
		tls_end(x->tls);
	tls_conn_free(x->tls);
	free(x->in);
	x->in = NULL;
	http_scan_release(&x->scan);
	http_chunks_release(&x->chunks);
	buf_release(&x->fields);
	buf_release(&x->out);
}

const char *
http_method(const struct http_exchange *x)
{
	return x->head.method;
}

const char *
http_target(const struct http_exchange *x)
{
	return x->head.target;
}

const char *
http_header(const struct http_exchange *x, const char *name)
{
	return http_headers_get(x->head.headers, x->head.header_count, name);
}

unsigned
http_headers(const struct http_exchange *x, const struct http_header **out)
{
	*out = x->head.headers;
	return x->head.header_count;
}

uint64_t
http_content_length(const struct http_exchange *x)
{
	return x->head.chunked ? UINT64_MAX : x->head.length;
}

bool
http_chunked(const struct http_exchange *x)
{
	return x->head.chunked;
}

bool
http_secure(const struct http_exchange *x)
{
	return x->tls != NULL;
}

const char *
http_peer(const struct http_exchange *x)
{
	return x->peer;
}

bool
http_draining(const struct http_exchange *x)
{
	return atomic_load(x->draining);
}

bool
http_gone(const struct http_exchange *x)
{
	char c;

	if (x->tls != NULL)
		return tls_gone(x->tls);
	return recv(x->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}
