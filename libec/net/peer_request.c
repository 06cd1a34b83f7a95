/* The receiving end of peer. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "net/body_sum.h"
#include "net/peer.h"

enum { STATUS_EPOCH = 401, STATUS_DENIED = 403, READ_BYTES = 64 * 1024 };

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
check_head(struct peer_request *r, uint8_t said[DIGEST_SHA256_BYTES])
{
	return peer_auth_check(r->auth, clock_real_us(), http_method(r->x),
	    http_target(r->x), http_header(r->x, PEER_AUTH_HEADER),
	    http_peer(r->x), said, &r->mac);
}

static enum err
forged(struct peer_request *r)
{
	peer_auth_refused(r->auth, http_peer(r->x),
	    "its body is not what was signed");
	return EC_EDENIED;
}

static enum err
check_request(struct peer_request *r)
{
	uint8_t said[DIGEST_SHA256_BYTES], is[DIGEST_SHA256_BYTES];
	enum err e;

	if (r->auth == NULL)
		return read_body(r);
	if ((e = check_head(r, said)) != EC_OK || (e = read_body(r)) != EC_OK)
		return e;
	digest_once(DIGEST_SHA256, r->body.data, r->body.len, is);
	return digest_equal(said, is, sizeof(is)) ? EC_OK : forged(r);
}

static enum err
check_streamed(struct peer_request *r)
{
	uint8_t said[DIGEST_SHA256_BYTES];
	enum err e;

	if (r->auth == NULL)
		return EC_OK;
	if ((e = check_head(r, said)) != EC_OK)
		return e;
	if (!digest_equal(said, peer_auth_streamed, sizeof(said)))
		return forged(r);
	return body_sum_new(&r->sum, peer_auth_body_key(r->auth));
}

/* Answer what was not accepted. */
static void
refuse(struct peer_request *r, enum err e)
{
	static const char text[] = "EC_EDENIED\n";

	if (e == EC_ESTALE)
		peer_request_answer(r, STATUS_EPOCH, "EC_ESTALE\n", 10);
	else if (e == EC_EDENIED)	/* nothing is said to strangers */
		http_answer(r->x, STATUS_DENIED, text, strlen(text));
	else if (e != EC_OK)
		peer_request_answer(r, (unsigned)err_http(e), "", 0);
}

enum err
peer_request_read(struct peer_request *r, struct http_exchange *x,
    struct peer_auth *auth, size_t body_max)
{
	enum err e;

	/* One byte more, to see that there is none. */
	*r = (struct peer_request){ .x = x, .auth = auth,
	    .body = BUF_INIT(body_max + 1) };
	e = check_request(r);
	refuse(r, e);
	return e;
}

enum err
peer_request_begin(struct peer_request *r, struct http_exchange *x,
    struct peer_auth *auth)
{
	enum err e;

	*r = (struct peer_request){ .x = x, .auth = auth,
	    .body = BUF_INIT(READ_BYTES + DIGEST_SHA256_BYTES) };
	e = check_streamed(r);
	refuse(r, e);
	return e;
}

/* Hold more of the body than its signature, which may be its last bytes.
 * ${*end}: nothing came any more. */
static enum err
hold_more(struct peer_request *r, bool *end)
{
	uint8_t *to;
	size_t got;
	enum err e;

	if (r->taken > 0) {
		r->body.len -= r->taken;
		memmove(r->body.data, r->body.data + r->taken, r->body.len);
		r->taken = 0;
	}
	if ((e = buf_reserve(&r->body, READ_BYTES, &to)) != EC_OK ||
	    (e = http_read(r->x, to, READ_BYTES, &got)) != EC_OK)
		return e;
	r->body.len += got;
	*end = got == 0;
	return EC_OK;
}

static enum err
check_end(struct peer_request *r)
{
	uint8_t digest[DIGEST_SHA256_BYTES], want[DIGEST_SHA256_BYTES];

	body_sum_final(r->sum, digest);
	peer_auth_body(r->auth, &r->mac, digest, want);
	if (r->body.len != sizeof(want) ||
	    !digest_equal(r->body.data, want, sizeof(want)))
		return forged(r);
	body_sum_free(r->sum);
	r->sum = NULL;			/* the next read is at the end too */
	return EC_OK;
}

enum err
peer_request_stream(struct peer_request *r, void *buf, size_t max,
    size_t *got)
{
	bool end = false;
	enum err e;

	if (r->sum == NULL)
		return http_read(r->x, buf, max, got);
	*got = 0;
	while (r->body.len - r->taken <= DIGEST_SHA256_BYTES) {
		if ((e = hold_more(r, &end)) != EC_OK)
			return e;
		if (end)
			return check_end(r);
	}
	*got = (size_t)num_min(max, r->body.len - r->taken -
	    DIGEST_SHA256_BYTES);
	memcpy(buf, r->body.data + r->taken, *got);
	r->taken += *got;
	body_sum_add(r->sum, buf, *got);
	return EC_OK;
}

static void
sign_answer(struct peer_request *r, unsigned status,
    const uint8_t digest[DIGEST_SHA256_BYTES])
{
	char value[PEER_AUTH_VALUE_MAX];

	if (r->auth == NULL)
		return;
	peer_auth_answer(r->auth, &r->mac, status, digest, value);
	http_answer_header(r->x, PEER_AUTH_HEADER, value);
}

static void
answer(struct peer_request *r, unsigned status, const void *body, size_t len,
    const uint8_t digest[DIGEST_SHA256_BYTES])
{
	sign_answer(r, status, digest);
	http_answer(r->x, status, body, len);
}

void
peer_request_answer(struct peer_request *r, unsigned status,
    const void *body, size_t len)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	bool good = status >= 200 && status < 300;

	if (r->auth != NULL)
		digest_once(DIGEST_SHA256, body, good ? len : 0, digest);
	answer(r, status, body, len, digest);
}

void
peer_request_answer_read(struct peer_request *r, const void *body, size_t len)
{
	uint8_t digest[DIGEST_SHA256_BYTES];

	if (r->auth != NULL &&
	    body_sum_once(peer_auth_body_key(r->auth), body, len,
	    digest) != EC_OK)
		peer_request_answer(r, 503, "EC_ENOMEM\n", 10);
	else
		answer(r, 206, body, len, digest);
}

enum err
peer_request_piece(struct peer_request *r, struct buf *out, const void *piece,
    size_t len)
{
	uint8_t digest[DIGEST_SHA256_BYTES], mac[DIGEST_SHA256_BYTES], n[4];
	enum err e;

	le32_put(n, (uint32_t)len);
	if ((e = buf_add(out, n, sizeof(n))) != EC_OK ||
	    (e = buf_add(out, piece, len)) != EC_OK || r->auth == NULL)
		return e;
	digest_once(DIGEST_SHA256, piece, len, digest);
	peer_auth_piece(r->auth, &r->mac, r->pieces++, digest, mac);
	return buf_add(out, mac, sizeof(mac));
}

enum err
peer_request_send(struct peer_request *r, struct buf *out, bool last)
{
	enum err e = EC_OK;

	if (!r->begun) {
		sign_answer(r, 200, peer_auth_streamed);
		http_answer_start(r->x, 200, last ? out->len : UINT64_MAX);
		r->begun = true;
	}
	e = http_write(r->x, out->data, out->len);
	out->len = 0;
	return e == EC_OK && last ? http_answer_end(r->x) : e;
}

void
peer_request_release(struct peer_request *r)
{
	buf_release(&r->body);
	body_sum_free(r->sum);
	r->sum = NULL;
}
