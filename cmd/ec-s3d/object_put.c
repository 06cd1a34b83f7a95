/* PutObject, and how bodies and copies reach the store. */
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "handlers.h"
#include "meta.h"
#include "object_lock.h"
#include "object_write.h"
#include "tags.h"
#include "write_condition.h"

enum s3_error
object_length(struct call *c, const struct body *b)
{
	if (http_content_length(c->x) == 0 &&
	    http_header(c->x, "Content-Length") == NULL)
		return S3_MISSING_LENGTH;
	return b->length != UINT64_MAX && b->length > OBJECT_PUT_MAX ?
	    S3_ENTITY_TOO_LARGE : S3_OK;
}

/* Fill ${buf}, so that stripes come whole; *${len} is less at the end only. */
static enum s3_error
receive_some(struct body *b, uint8_t *buf, size_t *len)
{
	enum s3_error e;
	size_t got;

	*len = 0;
	do {
		e = body_read(b, buf + *len, SERVER_BUFFER_BYTES - *len, &got);
		*len += got;
	} while (e == S3_OK && got > 0 && *len < SERVER_BUFFER_BYTES);
	return e;
}

/* Many requests keep the processors busy without. */
static void
second_buffer(struct server *s, uint8_t **out)
{
	if (*out != NULL)
		return;
	if (atomic_fetch_add(&s->seconds, 1) < SERVER_SECONDS_MAX &&
	    mem_pool_get(s->buffers, out, 0) == EC_OK)
		return;
	atomic_fetch_sub(&s->seconds, 1);
}

static void
second_buffer_put(struct server *s, uint8_t *buf)
{
	if (buf == NULL)
		return;
	mem_pool_put(s->buffers, buf);
	atomic_fetch_sub(&s->seconds, 1);
}

/* With a second buffer, while the first is hashed and written the next bytes
 * come in. */
enum s3_error
object_parity(struct call *c, const struct buf *meta, int *out)
{
	unsigned max = set_drives(store_set(c->server->store, 0)) / 2;

	*out = meta_parity(meta);
	if (*out > (int)max)
		return S3_INVALID_STORAGE_CLASS;
	return S3_OK;
}

enum s3_error
object_params(struct call *c, const struct buf *meta, struct put_params *p)
{
	p->fast_etag = c->server->fast_etag;
	return object_parity(c, meta, &p->parity);
}

enum s3_error
object_receive(struct call *c, struct body *b, struct store_put *p)
{
	uint8_t *buf[2] = { NULL, NULL };
	unsigned turn = 0;
	size_t len;
	enum s3_error e = call_buffer(c, &buf[0]);

	while (e == S3_OK &&
	    (e = receive_some(b, buf[turn], &len)) == S3_OK && len > 0) {
		if (b->received > OBJECT_PUT_MAX) {
			e = S3_ENTITY_TOO_LARGE;
			break;
		}
		e = call_store(c, store_put_lend(p, buf[turn], len));
		if (len < SERVER_BUFFER_BYTES)
			continue;
		second_buffer(c->server, &buf[1]);
		if (buf[1] == NULL)
			store_put_settle(p);
		turn = buf[1] != NULL ? !turn : 0;
	}
	store_put_settle(p);
	second_buffer_put(c->server, buf[1]);
	call_buffer_put(c, buf[0]);
	return e;
}

enum s3_error
object_transfer(struct call *c, struct get *g, uint64_t start, uint64_t len,
    struct store_put *p, struct s3_checksum *sum)
{
	uint64_t end = start + len;
	enum s3_error e = S3_OK;
	const uint8_t *buf;
	size_t n;

	while (e == S3_OK && start < end) {
		if ((e = call_store(c, get_view(g, &buf, &n, start, end))) !=
		    S3_OK)
			break;
		s3_checksum_update(sum, buf, n);
		e = call_store(c, store_put_write(p, buf, n));
		start += n;
	}
	return e;
}

void
object_checksum_headers(struct call *c, enum s3_checksum_kind kind,
    const char *text)
{
	http_answer_header(c->x, s3_checksum_header(kind), text);
	http_answer_header(c->x, "x-amz-checksum-type", "FULL_OBJECT");
}

/* A checksum in a trailer is only known now. */
static enum s3_error
add_checksum(struct call *c, struct store_put *p, const struct body *b)
{
	struct buf meta = BUF_INIT(1024);
	enum s3_error e = meta_add_checksum(&meta, b->sum.kind, b->checksum,
	    "FULL_OBJECT");

	if (e == S3_OK && meta.len > 0)
		e = call_store(c, store_put_meta(p, meta.data, meta.len));
	buf_release(&meta);
	return e;
}

enum s3_error
handle_object_put(struct call *c)
{
	struct put_params params = { .bucket = c->rq.bucket,
		.key = c->rq.key };
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	struct object o = OBJECT_INIT;
	struct body b = BODY_INIT;
	struct store_put *p = NULL;
	struct write_condition w;
	const struct store_condition condition = { write_condition_check, &w };
	enum s3_error e;

	if ((e = call_body(c, &b, S3_CHECKSUM_DEFAULT)) != S3_OK ||
	    (e = object_length(c, &b)) != S3_OK ||
	    (e = write_condition_from(c, &w, false)) != S3_OK ||
	    (e = meta_from_request(c, &meta)) != S3_OK ||
	    (e = tags_from_header(c, &meta)) != S3_OK ||
	    (e = object_lock_from_request(c, &meta)) != S3_OK)
		goto out;
	params.size = b.length;
	if ((e = object_params(c, &meta, &params)) != S3_OK)
		goto out;
	params.meta = meta.data;
	params.meta_len = meta.len;
	if ((e = call_store(c, store_put_open(c->server->store, &params,
	    &p))) != S3_OK ||
	    (e = object_receive(c, &b, p)) != S3_OK ||
	    (e = add_checksum(c, p, &b)) != S3_OK ||
	    (e = call_store(c, store_put_finish(p, NULL))) != S3_OK ||
	    (e = call_store(c, store_put_commit(p, NULL,
	    write_condition_any(&w) ? &condition : NULL, &o))) != S3_OK)
		goto out;
	call_header_etag(c, o.etag);
	call_header_written(c, &o);
	object_checksum_headers(c, b.sum.kind, b.checksum);
	e = call_answer(c, 200);
out:
	store_put_free(p);
	body_release(&b);
	buf_release(&meta);
	object_release(&o);
	return e;
}
