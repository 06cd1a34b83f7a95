#include "conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

enum { TAKE_BYTES = 256 * 1024 };

enum err
conn_open(struct conn *c, const struct target *t)
{
	const int one = 1;

	c->chunks = (struct http_chunks)HTTP_CHUNKS_INIT;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return EC_EIO;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return connect(c->fd, (const struct sockaddr *)&t->address,
	    sizeof(t->address)) == 0 ? EC_OK : EC_EIO;
}

void
conn_close(struct conn *c)
{
	http_chunks_release(&c->chunks);
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

void
conn_start(struct conn *c)
{
	c->started_us = clock_mono_us();
	c->sent = c->in_len = c->kept_len = 0;
	c->got = c->left = 0;
	c->head_done = c->chunked = false;
	c->etag[0] = '\0';
	http_chunks_reset(&c->chunks);
}

static void
add_rest(struct iovec iov[], int *n, const void *p, size_t len, size_t *skip)
{
	union { const void *c; uint8_t *v; } u = { p };

	if (*skip >= len) {
		*skip -= len;
		return;
	}
	iov[(*n)++] = (struct iovec){ u.v + *skip, len - *skip };
	*skip = 0;
}

static enum err
send_some(struct conn *c, bool *writing)
{
	const struct request *r = &c->rq;
	size_t whole = r->head_len + r->mark_len + r->body_len;

	while (c->sent < whole) {
		size_t skip = c->sent;
		struct iovec iov[3];
		struct msghdr msg = { .msg_iov = iov };
		int n = 0;
		ssize_t sent;

		add_rest(iov, &n, r->head, r->head_len, &skip);
		add_rest(iov, &n, r->mark, r->mark_len, &skip);
		add_rest(iov, &n, r->body, r->body_len, &skip);
		msg.msg_iovlen = (size_t)n;
		sent = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0 && errno != EINTR)
			return EC_EIO;
		c->sent += sent > 0 ? (size_t)sent : 0;
	}
	*writing = c->sent < whole;
	return EC_OK;
}

static void
keep(struct conn *c, const char *buf, size_t len)
{
	size_t n = num_min(len, sizeof(c->kept) - 1 - c->kept_len);

	c->got += len;
	if (!c->rq.keep)
		return;
	memcpy(c->kept + c->kept_len, buf, n);
	c->kept_len += n;
	c->kept[c->kept_len] = '\0';
}

static const char *
header(const char *head, const char *name)
{
	const char *line = strcasestr(head, name);

	return line == NULL ? NULL : line + strlen(name) +
	    strspn(line + strlen(name), " \"");
}

/* The head is there, as a string. */
static enum err
parse_head(struct conn *c)
{
	const char *length = header(c->in, "\r\nContent-Length:");
	const char *coding = header(c->in, "\r\nTransfer-Encoding:");
	const char *etag = header(c->in, "\r\nETag:");

	if (sscanf(c->in, "HTTP/1.%*1[01] %3u", &c->status) != 1)
		return EC_EIO;
	if (etag != NULL)
		snprintf(c->etag, sizeof(c->etag), "%.*s",
		    (int)strcspn(etag, "\"\r"), etag);
	c->chunked = coding != NULL && strncasecmp(coding, "chunked", 7) == 0;
	c->left = length != NULL ? strtoull(length, NULL, 10) : 0;
	if (c->rq.bodiless || c->status == 204 || c->status == 304) {
		c->chunked = false;
		c->left = 0;
	}
	c->head_done = true;
	return EC_OK;
}

/* Bytes of the body.  Errors: EC_EIO (more than there should be). */
static enum err
take_body(struct conn *c, const char *buf, size_t len)
{
	size_t n;

	if (!c->chunked) {
		keep(c, buf, len);
		c->left -= num_min(len, c->left);
		return EC_OK;
	}
	while (len > 0) {
		if (c->chunks.state == HTTP_CHUNK_END ||
		    http_chunks_feed(&c->chunks, buf, len, &n) != 0)
			return EC_EIO;
		buf += n;
		len -= n;
		if (c->chunks.state != HTTP_CHUNK_DATA)
			continue;
		n = num_min(len, c->chunks.left);
		keep(c, buf, n);
		http_chunks_took(&c->chunks, n);
		buf += n;
		len -= n;
	}
	return EC_OK;
}

static enum err
take_head(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len,
	    sizeof(c->in) - 1 - c->in_len, MSG_DONTWAIT);
	char *end;
	size_t at;
	enum err e;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return EC_EBUSY;
	if (n <= 0)
		return EC_EIO;
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if ((end = strstr(c->in, "\r\n\r\n")) == NULL)
		return c->in_len + 1 < sizeof(c->in) ? EC_OK : EC_EIO;
	end[2] = '\0';
	if ((e = parse_head(c)) != EC_OK)
		return e;
	at = (size_t)(end + 4 - c->in);
	return take_body(c, c->in + at, c->in_len - at);
}

/* What nobody looks at is not copied out of the socket. */
static enum err
take_more(struct conn *c)
{
	static char buf[TAKE_BYTES];
	bool look = c->chunked || c->rq.keep;
	size_t max = look ? sizeof(buf) : num_min(c->left, 8 * TAKE_BYTES);
	ssize_t n = recv(c->fd, look ? buf : NULL, max,
	    MSG_DONTWAIT | (look ? 0 : MSG_TRUNC));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return EC_EBUSY;
	if (n <= 0)
		return EC_EIO;
	if (look)
		return take_body(c, buf, (size_t)n);
	c->got += (uint64_t)n;
	c->left -= (uint64_t)n;
	return EC_OK;
}

enum err
conn_go(struct conn *c, bool *done, bool *writing)
{
	enum err e;

	*done = false;
	if ((e = send_some(c, writing)) != EC_OK)
		return e;
	for (;;) {
		*done = c->head_done && (c->chunked ?
		    c->chunks.state == HTTP_CHUNK_END : c->left == 0);
		if (*done)
			return EC_OK;
		e = c->head_done ? take_more(c) : take_head(c);
		if (e == EC_EBUSY)
			return EC_OK;
		if (e != EC_OK)
			return e;
	}
}
