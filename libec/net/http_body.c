/* http_body: the body of a request as the handler reads it. */
#include <string.h>

#include "base/num.h"
#include "net/http_conn.h"

void
http_body_start(struct http_exchange *x)
{
	http_chunks_reset(&x->chunks);
	x->trailers.header_count = 0;
	x->body_left = x->head.length;
	x->body_err = EC_OK;
	x->body_got = x->waited_us = 0;
	x->continue_due = x->head.expect_continue;
}

bool
http_body_ended(const struct http_exchange *x)
{
	return x->head.chunked ? x->chunks.state == HTTP_CHUNK_END :
	    x->body_left == 0;
}

bool
http_body_small(const struct http_exchange *x)
{
	/* With the 100 still due a client may send the body or not; one in
	 * wide use (botocore) also misreads what follows on the connection,
	 * with an empty body too. */
	if (x->continue_due)
		return false;
	return http_body_ended(x) ||
	    (!x->head.chunked && x->body_left <= HTTP_DISCARD_MAX);
}

void
http_body_discard(struct http_exchange *x)
{
	uint8_t scrap[4096];
	size_t got = 1;

	while (got > 0 && http_read(x, scrap, sizeof(scrap), &got) == EC_OK)
		;
}

static enum err
send_continue(struct http_exchange *x)
{
	static char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec iov = { line, sizeof(line) - 1 };

	x->continue_due = false;
	if (x->in_pos < x->in_len || x->status != 0)
		return EC_OK;	/* it did not wait, or waits no more */
	return http_conn_send(x, &iov, 1);
}

/* How long to wait for more.  All waiting for one body together may take the
 * time of one stall and a millisecond for each byte that came: a client that
 * trickles holds no connection for ever, and a slow handler is not held against
 * it. */
static enum err
wait_ms(const struct http_exchange *x, unsigned *ms)
{
	uint64_t may = x->stall_ms + x->body_got;
	uint64_t did = x->waited_us / 1000;

	if (did >= may)
		return EC_ETIMEDOUT;
	*ms = (unsigned)num_min(may - did, x->stall_ms);
	return EC_OK;
}

static enum err
receive(struct http_exchange *x, void *buf, size_t max, size_t *got)
{
	unsigned ms;
	enum err e;

	if ((e = wait_ms(x, &ms)) != EC_OK ||
	    (e = http_conn_recv(x, buf, max, ms, got)) != EC_OK)
		return e;
	x->body_got += *got;
	return *got == 0 ? EC_EIO : EC_OK;
}

/* See that the in-buffer has something. */
static enum err
fill(struct http_exchange *x)
{
	if (x->in_pos < x->in_len)
		return EC_OK;
	x->in_pos = x->in_len = 0;
	return receive(x, x->in, HTTP_IN_BYTES, &x->in_len);
}

/* Bytes that are data: from the in-buffer what is there, otherwise straight
 * from the socket unless so few are wanted that a detour saves calls. */
static enum err
read_data(struct http_exchange *x, void *buf, size_t max, size_t *got)
{
	enum err e;
	size_t n;

	if (x->in_pos == x->in_len && max >= HTTP_IN_BYTES / 4)
		return receive(x, buf, max, got);
	if ((e = fill(x)) != EC_OK)
		return e;
	n = (size_t)num_min(max, x->in_len - x->in_pos);
	memcpy(buf, x->in + x->in_pos, n);
	x->in_pos += n;
	*got = n;
	return EC_OK;
}

static enum err
end_trailers(struct http_exchange *x)
{
	return http_trailers_parse(&x->trailers, &x->chunks.trailers) == 0 ?
	    EC_OK : EC_EINVAL;
}

/* Get to the next data of a chunked body, or its end. */
static enum err
read_framing(struct http_exchange *x)
{
	size_t used;
	enum err e;

	while (x->chunks.state != HTTP_CHUNK_DATA) {
		if ((e = fill(x)) != EC_OK)
			return e;
		if (http_chunks_feed(&x->chunks, x->in + x->in_pos,
		    x->in_len - x->in_pos, &used) != 0)
			return EC_EINVAL;
		x->in_pos += used;
		if (x->chunks.state == HTTP_CHUNK_END)
			return end_trailers(x);
	}
	return EC_OK;
}

static enum err
read_chunked(struct http_exchange *x, void *buf, size_t max, size_t *got)
{
	enum err e;

	if ((e = read_framing(x)) != EC_OK)
		return e;
	if (x->chunks.state == HTTP_CHUNK_END)
		return EC_OK;
	max = (size_t)num_min(max, x->chunks.left);
	if ((e = read_data(x, buf, max, got)) == EC_OK)
		http_chunks_took(&x->chunks, *got);
	return e;
}

enum err
http_read(struct http_exchange *x, void *buf, size_t max, size_t *got)
{
	*got = 0;
	if (x->continue_due && x->body_err == EC_OK)
		x->body_err = send_continue(x);
	if (x->body_err != EC_OK || http_body_ended(x) || max == 0)
		return x->body_err;
	if (x->head.chunked) {
		x->body_err = read_chunked(x, buf, max, got);
		return x->body_err;
	}
	max = (size_t)num_min(max, x->body_left);
	if ((x->body_err = read_data(x, buf, max, got)) == EC_OK)
		x->body_left -= *got;
	return x->body_err;
}

const char *
http_trailer(const struct http_exchange *x, const char *name)
{
	return http_headers_get(x->trailers.headers, x->trailers.header_count,
	    name);
}
