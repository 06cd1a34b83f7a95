#include "net/peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "net/body_sum.h"

enum { STATUS_EPOCH = 401, STATUS_DENIED = 403, ONE_READ_MAX = 1 << 20 };
#define LOG_EVERY_US (UINT64_C(10) * 1000000)

struct peer {
	struct http_client *http;
	struct peer_auth *auth;
	_Atomic uint64_t epoch;		/* 0: not known yet */
	_Atomic uint64_t logged_us;
	atomic_bool retired;		/* cancels what is under way */
	char address[];
};

/* Where the bytes of a read go; or, with ${take}, the pieces of an answer. */
struct sink {
	uint8_t *from;
	size_t len, max;
	struct peer *peer;
	const struct peer_auth_mac *mac;	/* of the request */
	struct buf buf;			/* not taken yet */
	unsigned taken;
	peer_take *take;
	void *ctx;
};

enum err
peer_new(struct peer **out, const char *address, struct peer_auth *auth,
    unsigned connect_ms)
{
	bool local = strncmp(address, "unix:", 5) == 0;
	size_t len = strlen(address) + 1;
	struct buf base = BUF_INIT(1024);
	const char *ca_path = NULL;
	struct peer *p = NULL;
	bool tls;
	enum err e;

	if (auth == NULL && !local)
		return EC_EINVAL;
	tls = !local && peer_auth_has_tls(auth, &ca_path);
	if ((p = calloc(1, sizeof(*p) + len)) == NULL)
		return EC_ENOMEM;
	memcpy(p->address, address, len);
	p->auth = auth;
	if ((e = buf_printf(&base, "%s://%s", tls ? "https" : "http",
	    local ? "localhost" : address)) != EC_OK)
		goto out;
	if ((e = http_client_new(&p->http, buf_str(&base),
	    local ? address + 5 : NULL, connect_ms)) != EC_OK ||
	    (ca_path != NULL &&
	    (e = http_client_trust(p->http, ca_path)) != EC_OK))
		goto out;
	*out = p;
	p = NULL;
out:
	peer_free(p);
	buf_release(&base);
	return e;
}

void
peer_free(struct peer *p)
{
	if (p == NULL)
		return;
	http_client_free(p->http);
	free(p);
}

const char *
peer_address(const struct peer *p)
{
	return p->address;
}

void
peer_ask(struct peer *p, const char *path)
{
	http_client_ask(p->http, path);
}

static bool
good_status(const struct http_call *call)
{
	return call->status >= 200 && call->status < 300;
}

static enum err
denied(struct peer *p)
{
	uint64_t now = clock_mono_us(), last = atomic_load(&p->logged_us);

	if ((last == 0 || now - last > LOG_EVERY_US) &&
	    atomic_compare_exchange_strong(&p->logged_us, &last, now))
		log_warn("%s: does not know us, or we do not know it: it has "
		    "another secret, or its clock is far from ours",
		    p->address);
	return EC_EDENIED;
}

/* A refusal's text is not kept whole, so it is not part of what is signed. */
static enum err
check_answer(struct peer *p, const struct http_call *call,
    const struct peer_auth_mac *mac,
    const uint8_t digest[DIGEST_SHA256_BYTES])
{
	uint64_t epoch;

	if (peer_auth_check_answer(p->auth, mac, call->status, digest,
	    call->header, &epoch) != EC_OK)
		return denied(p);
	atomic_store(&p->epoch, epoch);
	return EC_OK;
}

/* The headers of a signed call. */
struct signed_headers {
	char value[sizeof(PEER_AUTH_HEADER) + 1 + PEER_AUTH_VALUE_MAX];
	const char *list[PEER_HEADERS_MAX + 2];
	struct peer_auth_mac mac;
};

/* Sign ${call} with its body's ${digest}; its headers are to be put back. */
static void
sign(struct peer *p, struct http_call *call, struct signed_headers *h,
    const uint8_t digest[DIGEST_SHA256_BYTES])
{
	static const char lead[] = PEER_AUTH_HEADER ": ";
	unsigned n = 0;

	memcpy(h->value, lead, sizeof(lead));
	peer_auth_sign(p->auth, clock_real_us(), atomic_load(&p->epoch),
	    call->method, call->path, digest, h->value + sizeof(lead) - 1,
	    &h->mac);
	h->list[n++] = h->value;
	for (const char *const *c = call->headers; c != NULL && *c != NULL &&
	    n <= PEER_HEADERS_MAX; c++)
		h->list[n++] = *c;
	h->list[n] = NULL;
	call->headers = h->list;
	call->header_name = PEER_AUTH_HEADER;
}

static enum err
call_once(struct peer *p, struct http_call *call, struct sink *sink)
{
	const char *const *headers = call->headers;
	uint8_t digest[DIGEST_SHA256_BYTES];
	struct signed_headers h;
	enum err e;

	if (call->answer != NULL)
		call->answer->len = 0;
	if (call->cancel == NULL)
		call->cancel = &p->retired;
	if (p->auth == NULL)
		return http_client_call(p->http, call);
	digest_once(DIGEST_SHA256, call->body, call->body_len, digest);
	sign(p, call, &h, digest);
	if (sink != NULL) {
		/* cppcheck-suppress autoVariables; for this call only */
		sink->mac = &h.mac;
	}
	e = http_client_call(p->http, call);
	call->headers = headers;
	/* A failure needs no proof: whoever can forge it can cut the line. */
	if (e != EC_OK || call->status >= 500)
		return e;
	if (sink != NULL && sink->take != NULL && good_status(call))
		memcpy(digest, peer_auth_streamed, sizeof(digest));
	else if (sink != NULL && good_status(call))
		e = body_sum_once(peer_auth_body_key(p->auth), sink->from,
		    sink->len, digest);
	else
		digest_once(DIGEST_SHA256, call->answer != NULL ?
		    call->answer->data : NULL, call->answer != NULL &&
		    good_status(call) ? call->answer->len : 0, digest);
	return e == EC_OK ? check_answer(p, call, &h.mac, digest) : e;
}

static enum err
run(struct peer *p, struct http_call *call, struct sink *sink)
{
	enum err e = call_once(p, call, sink);

	if (e == EC_OK && call->status == STATUS_EPOCH) {
		if (sink != NULL)
			sink->len = 0;
		e = call_once(p, call, sink);	/* now the epoch is known */
	}
	return e == EC_OK && call->status == STATUS_EPOCH ? denied(p) : e;
}

enum err
peer_run(struct peer *p, struct http_call *call)
{
	return run(p, call, NULL);
}

enum err
peer_call(struct peer *p, const char *path, const struct buf *body,
    struct buf *answer, unsigned timeout_ms, const atomic_bool *cancel)
{
	struct http_call call = { .method = "POST", .path = path,
	    .body = body->data, .body_len = body->len, .answer = answer,
	    .timeout_ms = timeout_ms, .cancel = cancel };
	enum err e;

	if ((e = peer_run(p, &call)) != EC_OK || good_status(&call))
		return e;
	if (call.status == STATUS_EPOCH || call.status == STATUS_DENIED)
		return EC_EDENIED;
	return call.status == 503 ? EC_EBUSY : EC_EFORMAT;
}

static enum err
sink_write(void *ctx, const void *buf, size_t len)
{
	struct sink *s = ctx;

	if (len > s->max - s->len)
		return EC_ECORRUPT;
	memcpy(s->from + s->len, buf, len);
	s->len += len;
	return EC_OK;
}

enum err
peer_read(struct peer *p, struct http_call *call, void *buf, size_t len)
{
	struct sink sink = { .from = buf, .max = len };
	enum err e;

	call->write = sink_write;
	/* cppcheck-suppress autoVariables; it is taken out below */
	call->write_ctx = &sink;
	e = run(p, call, &sink);
	call->write_ctx = NULL;
	return e == EC_OK && good_status(call) && sink.len < len ?
	    EC_ECORRUPT : e;
}

/* The piece at *${pos} of what is there; EC_ENOTFOUND: it is not whole. */
static enum err
next_piece(struct sink *s, size_t *pos, const uint8_t **piece, size_t *len)
{
	const size_t mac_len = s->peer->auth != NULL ? DIGEST_SHA256_BYTES : 0;
	uint8_t digest[DIGEST_SHA256_BYTES], mac[DIGEST_SHA256_BYTES];
	const uint8_t *p = s->buf.data + *pos;
	size_t left = s->buf.len - *pos;

	if (left < 4)
		return EC_ENOTFOUND;
	*len = le32_get(p);
	if (*len > s->max)
		return EC_ECORRUPT;
	if (left < 4 + *len + mac_len)
		return EC_ENOTFOUND;
	*piece = p + 4;
	*pos += 4 + *len + mac_len;
	if (mac_len == 0)
		return EC_OK;
	digest_once(DIGEST_SHA256, *piece, *len, digest);
	peer_auth_piece(s->peer->auth, s->mac, s->taken++, digest, mac);
	return digest_equal(mac, *piece + *len, sizeof(mac)) ? EC_OK :
	    denied(s->peer);
}

static enum err
pieces_write(void *ctx, const void *buf, size_t len)
{
	struct sink *s = ctx;
	const uint8_t *piece, *next = NULL;
	size_t pos = 0, n, next_len = 0;
	enum err e, ahead;

	if ((e = buf_add(&s->buf, buf, len)) != EC_OK)
		return e;
	e = next_piece(s, &pos, &piece, &n);
	while (e == EC_OK) {
		ahead = next_piece(s, &pos, &next, &next_len);
		if ((e = s->take(s->ctx, piece, n, ahead == EC_OK)) != EC_OK)
			return e;
		e = ahead;
		piece = next;
		n = next_len;
	}
	s->buf.len -= pos;
	memmove(s->buf.data, s->buf.data + pos, s->buf.len);
	return e == EC_ENOTFOUND ? EC_OK : e;
}

enum err
peer_pieces(struct peer *p, struct http_call *call, size_t max,
    peer_take *take, void *ctx)
{
	struct sink sink = { .peer = p, .max = max, .take = take, .ctx = ctx,
		.buf = BUF_INIT(max + ONE_READ_MAX) };
	enum err e;

	call->write = pieces_write;
	/* cppcheck-suppress autoVariables; it is taken out below */
	call->write_ctx = &sink;
	e = run(p, call, &sink);
	call->write_ctx = NULL;
	buf_release(&sink.buf);
	return e;
}

void
peer_retire(struct peer *p)
{
	atomic_store(&p->retired, true);
	http_client_retire(p->http);
}

uint64_t
peer_connects(struct peer *p)
{
	return http_client_connects(p->http);
}

struct peer_upload {
	struct peer *peer;
	struct http_call *call;
	struct http_upload *http;
	struct body_sum *sum;		/* NULL when nothing is signed */
	struct signed_headers headers;
};

enum err
peer_upload_start(struct peer_upload **out, struct peer *p,
    struct http_call *call)
{
	struct peer_upload *u;
	enum err e = EC_OK;

	if ((u = calloc(1, sizeof(*u))) == NULL)
		return EC_ENOMEM;
	u->peer = p;
	u->call = call;
	call->cancel = &p->retired;
	if (p->auth != NULL) {
		if (atomic_load(&p->epoch) == 0)
			e = EC_EOFFLINE;
		else
			e = body_sum_new(&u->sum, peer_auth_body_key(p->auth));
		if (e == EC_OK)
			sign(p, call, &u->headers, peer_auth_streamed);
	}
	if (e == EC_OK)
		e = http_upload_start(&u->http, p->http, call);
	if (e == EC_OK)
		*out = u;
	else
		peer_upload_abort(u);
	return e;
}

enum err
peer_upload_write(struct peer_upload *u, const void *buf, size_t len)
{
	if (u->sum != NULL)
		body_sum_add(u->sum, buf, len);
	return http_upload_write(u->http, buf, len);
}

/* What ${u}, which is over, has been answered. */
static enum err
upload_outcome(struct peer_upload *u)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	enum err e;

	if (u->call->status >= 500)
		return EC_OK;
	digest_once(DIGEST_SHA256, "", 0, digest);
	e = check_answer(u->peer, u->call, &u->headers.mac, digest);
	/* Else it is another process now. */
	return e == EC_OK && u->call->status == STATUS_EPOCH ? EC_EOFFLINE : e;
}

enum err
peer_upload_finish(struct peer_upload *u, unsigned timeout_ms)
{
	uint8_t digest[DIGEST_SHA256_BYTES], mac[DIGEST_SHA256_BYTES];
	enum err e = EC_OK;

	if (u->sum != NULL) {
		body_sum_final(u->sum, digest);
		peer_auth_body(u->peer->auth, &u->headers.mac, digest, mac);
		e = http_upload_write(u->http, mac, sizeof(mac));
	}
	/* It may have answered already: then see what. */
	if (e == EC_OK || e == EC_ECANCELED) {
		e = http_upload_finish(u->http, timeout_ms);
		u->http = NULL;
	}
	if (e == EC_OK && u->sum != NULL)
		e = upload_outcome(u);
	peer_upload_abort(u);
	return e;
}

void
peer_upload_abort(struct peer_upload *u)
{
	if (u == NULL)
		return;
	http_upload_abort(u->http);
	body_sum_free(u->sum);
	free(u);
}
