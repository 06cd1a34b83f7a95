#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "net/drive_service.h"
#include "net/read_ahead.h"
#include "net/remote_impl.h"
#include "net/wire.h"

enum {
	PROBE_MS = 2000,
	COMMIT_MS = 30000,	/* many bytes may have to reach the disk */
	PATH_MAX_BYTES = 192,
};

struct drive_writer {
	struct peer_upload *upload;
	struct http_call call;
	char path[PATH_MAX_BYTES];
};

struct drive_reader {
	struct remote *r;
	struct read_ahead *ahead;
	char path[PATH_MAX_BYTES];
};

const char *const remote_headers[] = { "Ec-Wire: 1", NULL };

static struct remote *
remote_of(struct drive *d)
{
	return (struct remote *)d;
}

static void
op_path(char out[PATH_MAX_BYTES], const struct remote *r, const char *op)
{
	snprintf(out, PATH_MAX_BYTES, DRIVE_SERVICE_PATH "%s/%s", r->id, op);
}

static void
shard_path(char out[PATH_MAX_BYTES], const struct remote *r, const char *op,
    const struct uuid *data, unsigned index)
{
	char id[UUID_TEXT_BYTES];

	uuid_text(id, data);
	snprintf(out, PATH_MAX_BYTES, DRIVE_SERVICE_PATH "%s/%s/%s-%u", r->id,
	    op, id, index);
}

enum err
remote_outcome(struct http_call *call, enum err e)
{
	if (e != EC_OK)		/* strangers have no drives for us */
		return e == EC_EIO || e == EC_EDENIED || e == EC_ECANCELED ?
		    EC_EOFFLINE : e;
	if (call->status == 200 || call->status == 206)
		return EC_OK;
	call->refusal[strcspn(call->refusal, "\n")] = '\0';
	if (call->status == 503 && strncmp(call->refusal, "EC_", 3) != 0)
		return EC_EBUSY;	/* said by its server, which is full */
	e = wire_err(call->refusal);
	return e == EC_OK ? EC_EIO : e;
}

static enum err
run_call(struct remote *r, const char *method, const char *path,
    const struct buf *body, struct buf *answer, unsigned timeout_ms)
{
	struct http_call call = { .method = method, .path = path,
	    .headers = remote_headers, .answer = answer,
	    .timeout_ms = timeout_ms };

	if (body != NULL) {
		call.body = body->data;
		call.body_len = body->len;
	}
	return remote_outcome(&call, peer_run(r->peer, &call));
}

static enum err
run_op(struct drive *d, const char *method, const char *op,
    const struct buf *body, struct buf *answer, unsigned timeout_ms)
{
	char path[PATH_MAX_BYTES];

	op_path(path, remote_of(d), op);
	return run_call(remote_of(d), method, path, body, answer, timeout_ms);
}

static enum err
run_shard_op(struct drive *d, const char *method, const char *op,
    const struct uuid *data, unsigned index, struct buf *answer)
{
	char path[PATH_MAX_BYTES];

	shard_path(path, remote_of(d), op, data, index);
	return run_call(remote_of(d), method, path, NULL, answer,
	    REMOTE_CALL_MS);
}

static enum err
remote_shard_create(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t bytes_hint, struct drive_writer **out)
{
	struct remote *r = remote_of(d);
	struct drive_writer *w;
	size_t len;
	enum err e;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return EC_ENOMEM;
	shard_path(w->path, r, "shard", data, index);
	len = strlen(w->path);
	snprintf(w->path + len, sizeof(w->path) - len, "?bytes=%llu",
	    (unsigned long long)bytes_hint);
	w->call = (struct http_call){ .method = "PUT", .path = w->path,
	    .headers = remote_headers };
	if ((e = peer_upload_start(&w->upload, r->peer, &w->call)) !=
	    EC_OK) {
		free(w);
		return e;
	}
	*out = w;
	return EC_OK;
}

static enum err
remote_shard_write(struct drive_writer *w, const void *buf, size_t len)
{
	enum err e = peer_upload_write(w->upload, buf, len);

	if (e != EC_ECANCELED)
		return e == EC_OK ? EC_OK : remote_outcome(&w->call, e);
	/* The peer has answered before the end: it has failed. */
	e = peer_upload_finish(w->upload, REMOTE_CALL_MS);
	w->upload = NULL;
	e = remote_outcome(&w->call, e);
	return e == EC_OK ? EC_EIO : e;
}

static enum err
remote_shard_commit(struct drive_writer *w)
{
	enum err e = EC_EIO;

	if (w->upload != NULL)
		e = remote_outcome(&w->call, peer_upload_finish(w->upload,
		    COMMIT_MS));
	free(w);
	return e;
}

static void
remote_shard_abort(struct drive_writer *w)
{
	peer_upload_abort(w->upload);
	free(w);
}

static enum err
read_piece(void *ctx, void *buf, size_t len, uint64_t off)
{
	struct drive_reader *r = ctx;
	char path[PATH_MAX_BYTES + 64];
	struct http_call call = { .method = "GET", .path = path,
	    .headers = remote_headers };

	snprintf(path, sizeof(path), "%s?from=%llu&bytes=%zu", r->path,
	    (unsigned long long)off, len);
	return remote_outcome(&call, peer_read(r->r->peer, &call, buf, len));
}

static void
remote_shard_close(struct drive_reader *r)
{
	read_ahead_free(r->ahead);
	free(r);
}

/* The size of a shard file, with its end, which is what is read first. */
static enum err
ask_size(struct remote *r, const struct uuid *data, unsigned index,
    struct buf *answer, uint64_t *bytes)
{
	char path[PATH_MAX_BYTES + 64];
	size_t len;
	enum err e;

	shard_path(path, r, "size", data, index);
	len = strlen(path);
	snprintf(path + len, sizeof(path) - len, "?bytes=%d", WIRE_END_MAX);
	if ((e = run_call(r, "GET", path, NULL, answer, REMOTE_CALL_MS)) !=
	    EC_OK)
		return e;
	if (answer->len < WIRE_SIZE_BYTES)
		return EC_ECORRUPT;
	e = wire_numbers_decode(bytes, 1, answer->data, WIRE_SIZE_BYTES);
	return e == EC_OK && answer->len - WIRE_SIZE_BYTES > *bytes ?
	    EC_ECORRUPT : e;
}

static enum err
remote_shard_open(struct drive *d, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes)
{
	struct buf answer = BUF_INIT(WIRE_SIZE_BYTES + WIRE_END_MAX);
	struct drive_reader *r = NULL;
	enum err e;

	if ((e = ask_size(remote_of(d), data, index, &answer, bytes)) != EC_OK)
		goto out;
	e = EC_ENOMEM;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		goto out;
	r->r = remote_of(d);
	shard_path(r->path, r->r, "shard", data, index);
	if ((e = read_ahead_new(&r->ahead, *bytes, read_piece, r)) != EC_OK ||
	    (e = read_ahead_end(r->ahead, answer.data + WIRE_SIZE_BYTES,
	    answer.len - WIRE_SIZE_BYTES)) != EC_OK)
		goto out;
	*out = r;
	r = NULL;
out:
	if (r != NULL)
		remote_shard_close(r);
	buf_release(&answer);
	return e;
}

static enum err
remote_shard_pread(struct drive_reader *r, void *buf, size_t len,
    uint64_t off)
{
	uint8_t *to = buf;
	enum err e = EC_OK;
	size_t n;

	for (; len > 0 && e == EC_OK; to += n, off += n, len -= n) {
		n = (size_t)num_min(len, WIRE_READ_MAX);
		e = read_ahead_read(r->ahead, to, n, off);
	}
	return e;
}

static bool
remote_shard_peek(struct drive_reader *r, void *buf, size_t len,
    uint64_t off)
{
	return read_ahead_peek(r->ahead, buf, len, off);
}

static void
remote_shard_expect(struct drive_reader *r, uint64_t from, uint64_t until)
{
	read_ahead_expect(r->ahead, from, until);
}

static enum err
remote_shard_remove(struct drive *d, const struct uuid *data, unsigned index)
{
	return run_shard_op(d, "DELETE", "shard", data, index, NULL);
}

static enum err
run_list(struct drive *d, const char *op, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct buf body = BUF_INIT(4096), answer = BUF_INIT(1 << 20);
	enum err e;

	if ((e = wire_list_encode(&body, after, max)) == EC_OK &&
	    (e = run_op(d, "POST", op, &body, &answer, REMOTE_CALL_MS)) ==
	    EC_OK)
		e = wire_shards_decode(out, max, n, answer.data, answer.len);
	buf_release(&body);
	buf_release(&answer);
	return e;
}

static enum err
remote_shard_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	return run_list(d, "list", after, out, max, n);
}

static enum err
remote_kept_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	return run_list(d, "kept", after, out, max, n);
}

/* ${v}: the time it came there, and what the operation wants besides. */
static enum err
run_kept(struct drive *d, const char *method, const char *op,
    const struct drive_shard_info *which, const uint64_t v[3],
    struct buf *answer)
{
	struct buf body = BUF_INIT(4096);
	char path[PATH_MAX_BYTES];
	enum err e;

	shard_path(path, remote_of(d), op, &which->data, which->index);
	if ((e = wire_numbers_encode(&body, v, 3)) == EC_OK)
		e = run_call(remote_of(d), method, path, &body, answer,
		    REMOTE_CALL_MS);
	buf_release(&body);
	return e;
}

static enum err
remote_kept_read(struct drive *d, const struct drive_shard_info *which,
    void *buf, size_t len, uint64_t off)
{
	struct buf answer = BUF_INIT(WIRE_READ_MAX);
	uint8_t *to = buf;
	enum err e = EC_OK;
	size_t n;

	for (; len > 0 && e == EC_OK; to += n, off += n, len -= n) {
		n = (size_t)num_min(len, WIRE_READ_MAX);
		answer.len = 0;
		e = run_kept(d, "POST", "kept", which,
		    (const uint64_t[]){ which->mtime_us, off, n }, &answer);
		if (e == EC_OK && answer.len != n)
			e = EC_EIO;
		if (e == EC_OK)
			memcpy(to, answer.data, n);
	}
	buf_release(&answer);
	return e;
}

static enum err
remote_kept_restore(struct drive *d, const struct drive_shard_info *which)
{
	return run_kept(d, "PUT", "kept", which,
	    (const uint64_t[]){ which->mtime_us, 0, 0 }, NULL);
}

static enum err
remote_kept_purge(struct drive *d, const struct drive_shard_info *which)
{
	return run_kept(d, "DELETE", "kept", which,
	    (const uint64_t[]){ which->mtime_us, 0, 0 }, NULL);
}

static enum err
remote_probe(struct drive *d, struct format *out)
{
	struct buf answer = BUF_INIT(FORMAT_TEXT_MAX);
	enum err e;

	if ((e = run_op(d, "GET", "format", NULL, &answer, PROBE_MS)) == EC_OK)
		e = format_decode(out, buf_str(&answer), answer.len);
	buf_release(&answer);
	return e;
}

static enum err
remote_reformat(struct drive *d, const struct format *f)
{
	struct buf body = BUF_INIT(FORMAT_TEXT_MAX);
	char text[FORMAT_TEXT_MAX];
	enum err e;

	if ((e = format_encode(text, sizeof(text), f)) == EC_OK &&
	    (e = buf_add_str(&body, text)) == EC_OK)
		e = run_op(d, "PUT", "format", &body, NULL, REMOTE_CALL_MS);
	buf_release(&body);
	return e;
}

static enum err
get_numbers(struct drive *d, const char *op, uint64_t *v, unsigned n)
{
	struct buf answer = BUF_INIT(4096);
	enum err e;

	if ((e = run_op(d, "GET", op, NULL, &answer, REMOTE_CALL_MS)) == EC_OK)
		e = wire_numbers_decode(v, n, answer.data, answer.len);
	buf_release(&answer);
	return e;
}

static enum err
remote_space(struct drive *d, struct drive_space *out)
{
	uint64_t v[2];
	enum err e = get_numbers(d, "space", v, 2);

	if (e == EC_OK)
		*out = (struct drive_space){ v[0], v[1] };
	return e;
}

static enum err
remote_stats(struct drive *d, struct drive_stats *out)
{
	uint64_t v[9];
	enum err e = get_numbers(d, "stats", v, 9);

	if (e == EC_OK)
		*out = (struct drive_stats){ v[0], v[1], v[2], v[3], v[4],
		    v[5], v[6], v[7], v[8] };
	return e;
}

static enum err
remote_maintain(struct drive *d, unsigned budget_ms, unsigned grace_s,
    uint64_t *removed)
{
	struct buf body = BUF_INIT(4096), answer = BUF_INIT(4096);
	const uint64_t v[2] = { budget_ms, grace_s };
	enum err e;

	if ((e = wire_numbers_encode(&body, v, 2)) == EC_OK &&
	    (e = run_op(d, "POST", "maintain", &body, &answer,
	    budget_ms + REMOTE_CALL_MS)) == EC_OK)
		e = wire_numbers_decode(removed, 1, answer.data, answer.len);
	buf_release(&body);
	buf_release(&answer);
	return e;
}

static enum err
remote_note_put(struct drive *d, const char *name, const void *text,
    size_t len)
{
	struct buf body = BUF_INIT(DRIVE_NOTE_BYTES_MAX + 64);
	enum err e;

	if ((e = buf_add(&body, name, strlen(name) + 1)) == EC_OK &&
	    (e = buf_add(&body, text, len)) == EC_OK)
		e = run_op(d, "PUT", "note", &body, NULL, REMOTE_CALL_MS);
	buf_release(&body);
	return e;
}

static enum err
remote_note_get(struct drive *d, const char *name, struct buf *out)
{
	struct buf body = BUF_INIT(64);
	enum err e;

	if ((e = buf_add(&body, name, strlen(name) + 1)) == EC_OK)
		e = run_op(d, "POST", "note", &body, out, REMOTE_CALL_MS);
	buf_release(&body);
	return e;
}

static void
remote_close(struct drive *d)
{
	free(remote_of(d));
}

static const struct drive_ops remote_ops = {
	.append = remote_append,
	.query = remote_query,
	.shard_create = remote_shard_create,
	.shard_write = remote_shard_write,
	.shard_commit = remote_shard_commit,
	.shard_abort = remote_shard_abort,
	.shard_open = remote_shard_open,
	.shard_pread = remote_shard_pread,
	.shard_peek = remote_shard_peek,
	.shard_expect = remote_shard_expect,
	.shard_close = remote_shard_close,
	.shard_remove = remote_shard_remove,
	.shard_list = remote_shard_list,
	.kept_list = remote_kept_list,
	.kept_read = remote_kept_read,
	.kept_restore = remote_kept_restore,
	.kept_purge = remote_kept_purge,
	.probe = remote_probe,
	.reformat = remote_reformat,
	.space = remote_space,
	.stats = remote_stats,
	.maintain = remote_maintain,
	.note_put = remote_note_put,
	.note_get = remote_note_get,
	.together = remote_together,
	.close = remote_close,
};

enum err
remote_drive_new(struct drive **out, struct peer *p, const char *id,
    const char *name)
{
	size_t len = strlen(name) + 1;
	struct remote *r;
	struct uuid u;

	if (uuid_parse(&u, id) != EC_OK)
		return EC_EINVAL;
	if ((r = calloc(1, sizeof(*r) + len)) == NULL)
		return EC_ENOMEM;
	memcpy(r->name, name, len);
	uuid_text(r->id, &u);
	r->uuid = u;
	r->d.ops = &remote_ops;
	r->d.name = r->name;
	r->d.host = p;
	r->peer = p;
	*out = &r->d;
	return EC_OK;
}
