#include "net/peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "net/http_client.h"

enum { STATUS_EPOCH = 401, STATUS_DENIED = 403, READ_BYTES = 64 * 1024 };

struct peer {
	struct http_client *http;
	struct peer_auth *auth;
	_Atomic uint64_t epoch;		/* 0: not known yet */
	char address[];
};

enum err
peer_new(struct peer **out, const char *address, struct peer_auth *auth,
    unsigned connect_ms)
{
	bool local = strncmp(address, "unix:", 5) == 0;
	size_t len = strlen(address) + 1;
	struct buf base = BUF_INIT(1024);
	struct peer *p = NULL;
	enum err e;

	if (auth == NULL && !local)
		return EC_EINVAL;
	if ((p = calloc(1, sizeof(*p) + len)) == NULL)
		return EC_ENOMEM;
	memcpy(p->address, address, len);
	p->auth = auth;
	if ((e = buf_printf(&base, "http://%s", local ? "localhost" :
	    address)) != EC_OK)
		goto out;
	if ((e = http_client_new(&p->http, buf_str(&base),
	    local ? address + 5 : NULL, connect_ms)) != EC_OK)
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

/* A refusal's text is not kept whole, so it is not part of what is signed. */
static enum err
check_answer(struct peer *p, const struct http_call *call,
    const struct peer_auth_mac *mac)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	bool good = call->status >= 200 && call->status < 300;
	uint64_t epoch;
	enum err e;

	digest_once(DIGEST_SHA256, call->answer->data,
	    good ? call->answer->len : 0, digest);
	if ((e = peer_auth_check_answer(p->auth, mac, call->status, digest,
	    call->header, &epoch)) == EC_OK)
		atomic_store(&p->epoch, epoch);
	return e;
}

static enum err
call_once(struct peer *p, struct http_call *call)
{
	static const char lead[] = PEER_AUTH_HEADER ": ";
	char header[sizeof(lead) + PEER_AUTH_VALUE_MAX];
	const char *const headers[] = { header, NULL };
	uint8_t digest[DIGEST_SHA256_BYTES];
	struct peer_auth_mac mac;
	enum err e;

	call->answer->len = 0;
	if (p->auth == NULL)
		return http_client_call(p->http, call);
	digest_once(DIGEST_SHA256, call->body, call->body_len, digest);
	memcpy(header, lead, sizeof(lead));
	peer_auth_sign(p->auth, clock_real_us(), atomic_load(&p->epoch),
	    call->method, call->path, digest, header + sizeof(lead) - 1, &mac);
	call->headers = headers;
	call->header_name = PEER_AUTH_HEADER;
	e = http_client_call(p->http, call);
	call->headers = NULL;
	/* A failure needs no proof: whoever can forge it can cut the line. */
	return e == EC_OK && call->status < 500 ?
	    check_answer(p, call, &mac) : e;
}

enum err
peer_call(struct peer *p, const char *path, const struct buf *body,
    struct buf *answer, unsigned timeout_ms, const atomic_bool *cancel)
{
	struct http_call call = { .method = "POST", .path = path,
	    .body = body->data, .body_len = body->len, .answer = answer,
	    .timeout_ms = timeout_ms, .cancel = cancel };
	enum err e;

	e = call_once(p, &call);
	if (e == EC_OK && call.status == STATUS_EPOCH)
		e = call_once(p, &call);	/* now the epoch is known */
	if (e != EC_OK)
		return e;
	if (call.status >= 200 && call.status < 300)
		return EC_OK;
	if (call.status == STATUS_EPOCH || call.status == STATUS_DENIED)
		return EC_EDENIED;
	return call.status == 503 ? EC_EBUSY : EC_EFORMAT;
}

static enum err
read_body(struct peer_request *r)
{
	uint8_t *to;
	size_t got;
	enum err e;

	do {
		if ((e = buf_reserve(&r->body, num_min(READ_BYTES,
		    r->body.max - r->body.len), &to)) != EC_OK)
			return e;
		if (r->body.len == r->body.max)
			return EC_ELIMIT;
		if ((e = http_read(r->x, to, num_min(READ_BYTES,
		    r->body.max - r->body.len), &got)) != EC_OK)
			return e;
		r->body.len += got;
	} while (got > 0);
	return EC_OK;
}

static enum err
check_request(struct peer_request *r)
{
	uint8_t said[DIGEST_SHA256_BYTES], is[DIGEST_SHA256_BYTES];
	enum err e;

	if (r->auth == NULL)
		return read_body(r);
	if ((e = peer_auth_check(r->auth, clock_real_us(), http_method(r->x),
	    http_target(r->x), http_header(r->x, PEER_AUTH_HEADER),
	    http_peer(r->x), said, &r->mac)) != EC_OK)
		return e;
	if ((e = read_body(r)) != EC_OK)
		return e;
	digest_once(DIGEST_SHA256, r->body.data, r->body.len, is);
	if (digest_equal(said, is, sizeof(is)))
		return EC_OK;
	peer_auth_refused(r->auth, http_peer(r->x),
	    "its body is not what was signed");
	return EC_EDENIED;
}

enum err
peer_request_read(struct peer_request *r, struct http_exchange *x,
    struct peer_auth *auth, size_t body_max)
{
	static const char denied[] = "EC_EDENIED\n";
	enum err e;

	/* One byte more, to see that there is none. */
	*r = (struct peer_request){ .x = x, .auth = auth,
	    .body = BUF_INIT(body_max + 1) };
	e = check_request(r);
	if (e == EC_ESTALE)
		peer_request_answer(r, STATUS_EPOCH, "EC_ESTALE\n", 10);
	else if (e == EC_EDENIED)	/* nothing is said to strangers */
		http_answer(x, STATUS_DENIED, denied, strlen(denied));
	else if (e != EC_OK)
		peer_request_answer(r, (unsigned)err_http(e), "", 0);
	return e;
}

void
peer_request_answer(struct peer_request *r, unsigned status,
    const void *body, size_t len)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	char value[PEER_AUTH_VALUE_MAX];
	bool good = status >= 200 && status < 300;

	if (r->auth != NULL) {
		digest_once(DIGEST_SHA256, body, good ? len : 0, digest);
		peer_auth_answer(r->auth, &r->mac, status, digest, value);
		http_answer_header(r->x, PEER_AUTH_HEADER, value);
	}
	http_answer(r->x, status, body, len);
}

void
peer_request_release(struct peer_request *r)
{
	buf_release(&r->body);
}
