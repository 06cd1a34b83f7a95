#include "net/wire.h"

#include <string.h>

#include "base/checksum.h"
#include "base/num.h"

enum {
	SUM_BYTES = 4,
	RESULT_BYTES = WIRE_CODE_BYTES + 1 + 8,
	SHARD_BYTES = UUID_BYTES + 4 + 8 + 8,
	TEXTS = 5,
	ASKED_BYTES = UUID_BYTES + 1 + 4,
	SAID_BYTES = 1 + WIRE_CODE_BYTES,
	TEXT_NULL = 0xffff,	/* a text's length when it is not there */
};

enum { Q_NULL_ONLY = 1, Q_NEWEST_ONLY = 2, Q_INLINE = 4, Q_PARTS = 8,
	Q_KNOWN = 15 };

enum err
wire_err(const char *name)
{
	for (int e = 0; e < EC_ERR_COUNT; e++)
		if (strcmp(err_name((enum err)e), name) == 0)
			return (enum err)e;
	return EC_EIO;
}

/* Writing: each add returns the first error so far, kept in ${e}. */
struct put {
	struct buf *b;
	size_t from;		/* where the message begins */
	enum err e;
};

static struct put
put_begin(struct buf *b)
{
	struct put w = { b, b->len, EC_OK };

	return w;
}

static void
put_bytes(struct put *w, const void *p, size_t len)
{
	if (w->e == EC_OK && len > 0)
		w->e = buf_add(w->b, p, len);
}

static void
put_u8(struct put *w, unsigned v)
{
	const uint8_t b = (uint8_t)v;

	put_bytes(w, &b, 1);
}

static void
put_u32(struct put *w, uint32_t v)
{
	uint8_t b[4];

	le32_put(b, v);
	put_bytes(w, b, sizeof(b));
}

static void
put_u64(struct put *w, uint64_t v)
{
	uint8_t b[8];

	le64_put(b, v);
	put_bytes(w, b, sizeof(b));
}

static void
put_text(struct put *w, const char *s)
{
	size_t len = s != NULL ? strlen(s) : TEXT_NULL;
	uint8_t b[2];

	if (s != NULL && len > WIRE_TEXT_MAX)
		w->e = EC_ELIMIT;
	le16_put(b, (uint16_t)len);
	put_bytes(w, b, sizeof(b));
	if (s != NULL)
		put_bytes(w, s, len);
}

/* Close the message with its checksum; on an error take all of it back. */
static enum err
put_end(struct put *w)
{
	if (w->e == EC_OK)
		put_u32(w, checksum_crc32c(0, buf_str(w->b) + w->from,
		    w->b->len - w->from));
	if (w->e != EC_OK)
		w->b->len = w->from;
	return w->e;
}

/* Reading: beyond the end everything is zero, and ${bad} stays set. */
struct get {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static struct get
get_begin(const uint8_t *in, size_t len)
{
	struct get r = { in, len, true };

	if (len < SUM_BYTES)
		return r;
	r.left -= SUM_BYTES;
	r.bad = checksum_crc32c(0, in, r.left) != le32_get(in + r.left);
	return r;
}

static const uint8_t *
get_bytes(struct get *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

static unsigned
get_u8(struct get *r)
{
	const uint8_t *p = get_bytes(r, 1);

	return p != NULL ? *p : 0;
}

static unsigned
get_u16(struct get *r)
{
	const uint8_t *p = get_bytes(r, 2);

	return p != NULL ? le16_get(p) : 0;
}

static uint32_t
get_u32(struct get *r)
{
	const uint8_t *p = get_bytes(r, 4);

	return p != NULL ? le32_get(p) : 0;
}

static uint64_t
get_u64(struct get *r)
{
	const uint8_t *p = get_bytes(r, 8);

	return p != NULL ? le64_get(p) : 0;
}

/* A text into ${to}; NULL when it is not there. */
static const char *
get_text(struct get *r, char to[WIRE_TEXT_MAX + 1])
{
	unsigned len = get_u16(r);
	const uint8_t *p;

	if (len == TEXT_NULL)
		return NULL;
	if (len > WIRE_TEXT_MAX || (p = get_bytes(r, len)) == NULL ||
	    (len > 0 && memchr(p, '\0', len) != NULL)) {
		r->bad = true;
		return NULL;
	}
	memcpy(to, p, len);
	to[len] = '\0';
	return to;
}

static enum err
get_end(const struct get *r)
{
	return r->bad || r->left > 0 ? EC_ECORRUPT : EC_OK;
}

enum err
wire_append_encode(struct buf *out, const struct drive_append *a, unsigned n)
{
	struct put w = put_begin(out);

	if (n == 0 || n > WIRE_APPENDS_MAX)
		return EC_ELIMIT;
	put_u32(&w, n);
	for (unsigned i = 0; i < n; i++) {
		put_u32(&w, a[i].flags);
		put_u32(&w, (uint32_t)a[i].len);
		put_bytes(&w, a[i].rec, a[i].len);
	}
	return put_end(&w);
}

enum err
wire_append_decode(struct drive_append a[WIRE_APPENDS_MAX], unsigned *n,
    const uint8_t *in, size_t len)
{
	struct get r = get_begin(in, len);
	uint32_t count = get_u32(&r), flags;

	if (count == 0 || count > WIRE_APPENDS_MAX)
		return EC_ECORRUPT;
	memset(a, 0, count * sizeof(*a));
	for (uint32_t i = 0; i < count && !r.bad; i++) {
		flags = get_u32(&r);
		if ((flags & ~(uint32_t)(DRIVE_APPEND_NEWEST |
		    DRIVE_APPEND_LAZY)) != 0)
			r.bad = true;
		a[i].flags = flags;
		a[i].len = get_u32(&r);
		if (a[i].len == 0 || a[i].len > RECORD_BYTES_MAX)
			r.bad = true;
		a[i].rec = get_bytes(&r, a[i].len);
	}
	*n = count;
	return get_end(&r);
}

static void
put_code(struct put *w, enum err e)
{
	const char *name = err_name(e);
	char code[WIRE_CODE_BYTES] = "";

	memcpy(code, name, strnlen(name, sizeof(code)));
	put_bytes(w, code, sizeof(code));
}

static enum err
get_code(struct get *r)
{
	const uint8_t *p = get_bytes(r, WIRE_CODE_BYTES);
	char code[WIRE_CODE_BYTES + 1] = "";

	if (p != NULL)
		memcpy(code, p, WIRE_CODE_BYTES);
	return wire_err(code);
}

/* The length is filled in when it is known. */
enum err
wire_asked_begin(struct buf *out, const struct wire_part *p)
{
	struct put w = put_begin(out);

	put_bytes(&w, p->drive.b, UUID_BYTES);
	put_u8(&w, p->op);
	put_u32(&w, 0);
	return w.e;
}

void
wire_asked_end(struct buf *out, size_t from)
{
	le32_put(out->data + from + ASKED_BYTES - 4,
	    (uint32_t)(out->len - from - ASKED_BYTES));
}

enum err
wire_asked_next(struct wire_part *p, const uint8_t *in, size_t len,
    size_t *pos)
{
	struct get r = { in + *pos, len - *pos, false };
	const uint8_t *id;
	unsigned op;

	if (r.left == 0)
		return EC_ENOTFOUND;
	*p = (struct wire_part){ .err = EC_OK };
	id = get_bytes(&r, UUID_BYTES);
	op = get_u8(&r);
	p->len = get_u32(&r);
	p->message = get_bytes(&r, p->len);
	if (r.bad || op > WIRE_PART_QUERY)
		return EC_ECORRUPT;
	memcpy(p->drive.b, id, UUID_BYTES);
	p->op = op == WIRE_PART_QUERY ? WIRE_PART_QUERY : WIRE_PART_APPEND;
	*pos = len - r.left;
	return EC_OK;
}

enum err
wire_said_begin(struct buf *out, unsigned number, enum err said)
{
	struct put w = put_begin(out);

	put_u8(&w, number);
	put_code(&w, said);
	return w.e;
}

enum err
wire_said_decode(struct wire_part *p, const uint8_t *in, size_t len)
{
	struct get r = { in, len, len < SAID_BYTES };

	*p = (struct wire_part){ .number = get_u8(&r) };
	p->err = get_code(&r);
	p->message = r.p;
	p->len = r.left;
	return r.bad ? EC_ECORRUPT : EC_OK;
}

enum err
wire_results_encode(struct buf *out, const struct drive_append *a, unsigned n)
{
	struct put w = put_begin(out);

	for (unsigned i = 0; i < n; i++) {
		put_code(&w, a[i].err);
		put_u8(&w, a[i].superseded);
		put_u64(&w, a[i].hlc);
	}
	return put_end(&w);
}

enum err
wire_results_decode(struct drive_append *a, unsigned n, const uint8_t *in,
    size_t len)
{
	struct get r = get_begin(in, len);

	if (r.bad || r.left != (size_t)n * RESULT_BYTES)
		return EC_ECORRUPT;
	for (unsigned i = 0; i < n; i++) {
		a[i].err = get_code(&r);
		a[i].superseded = get_u8(&r) != 0;
		a[i].hlc = get_u64(&r);
	}
	return get_end(&r);
}

enum err
wire_query_encode(struct buf *out, const struct drive_query *q)
{
	const char *const texts[TEXTS] = { q->bucket, q->key, q->prefix,
	    q->after_bucket, q->after_key };
	struct put w = put_begin(out);

	if (q->limit == 0 || q->limit > WIRE_RECORDS_MAX)
		return EC_EINVAL;
	put_u8(&w, q->table);
	put_u8(&w, (q->null_only ? Q_NULL_ONLY : 0u) |
	    (q->newest_only ? Q_NEWEST_ONLY : 0u) |
	    (q->want_inline ? Q_INLINE : 0u) | (q->want_parts ? Q_PARTS : 0u));
	put_u32(&w, q->limit);
	put_u64(&w, q->after_stamp.hlc);
	put_u64(&w, q->after_stamp.id);
	put_u64(&w, q->target.hlc);
	put_u64(&w, q->target.id);
	put_u64(&w, q->since_hlc);
	for (int i = 0; i < TEXTS; i++)
		put_text(&w, texts[i]);
	return put_end(&w);
}

enum err
wire_query_decode(struct wire_query *out, const uint8_t *in, size_t len)
{
	struct get r = get_begin(in, len);
	struct drive_query *q = &out->q;
	const char **const texts[TEXTS] = { &q->bucket, &q->key, &q->prefix,
	    &q->after_bucket, &q->after_key };
	unsigned table = get_u8(&r), flags = get_u8(&r);

	if (table > DRIVE_HEALS || (flags & ~(unsigned)Q_KNOWN) != 0)
		return EC_ECORRUPT;
	q->table = (enum drive_table)table;
	q->null_only = (flags & Q_NULL_ONLY) != 0;
	q->newest_only = (flags & Q_NEWEST_ONLY) != 0;
	q->want_inline = (flags & Q_INLINE) != 0;
	q->want_parts = (flags & Q_PARTS) != 0;
	q->limit = get_u32(&r);
	if (q->limit == 0 || q->limit > WIRE_RECORDS_MAX)
		return EC_ECORRUPT;
	q->after_stamp.hlc = get_u64(&r);
	q->after_stamp.id = get_u64(&r);
	q->target.hlc = get_u64(&r);
	q->target.id = get_u64(&r);
	q->since_hlc = get_u64(&r);
	for (int i = 0; i < TEXTS; i++)
		*texts[i] = get_text(&r, out->text[i]);
	return get_end(&r);
}

enum err
wire_records_encode(struct buf *out, const struct drive_records *l)
{
	struct put w = put_begin(out);

	put_bytes(&w, l->buf.data, l->buf.len);
	return put_end(&w);
}

enum err
wire_records_decode(struct drive_records *out, const uint8_t *in, size_t len)
{
	struct get r = get_begin(in, len);
	const uint8_t *p = r.p;
	size_t all = r.left;
	uint32_t rec;

	while (!r.bad && r.left > 0) {
		rec = get_u32(&r);
		if (rec > RECORD_BYTES_MAX)
			return EC_ECORRUPT;
		get_bytes(&r, rec);
	}
	if (get_end(&r) != EC_OK)
		return EC_ECORRUPT;
	return all == 0 ? EC_OK : buf_add(&out->buf, p, all);
}

enum err
wire_list_encode(struct buf *out, const struct uuid *after, unsigned max)
{
	const struct uuid first = { { 0 } };
	struct put w = put_begin(out);

	put_bytes(&w, after != NULL ? after->b : first.b, UUID_BYTES);
	put_u32(&w, max < WIRE_LIST_MAX ? max : WIRE_LIST_MAX);
	return put_end(&w);
}

enum err
wire_list_decode(struct uuid *after, unsigned *max, const uint8_t *in,
    size_t len)
{
	struct get r = get_begin(in, len);
	const uint8_t *p = get_bytes(&r, UUID_BYTES);

	*max = get_u32(&r);
	if (p == NULL || *max == 0 || *max > WIRE_LIST_MAX)
		return EC_ECORRUPT;
	memcpy(after->b, p, UUID_BYTES);
	return get_end(&r);
}

enum err
wire_shards_encode(struct buf *out, const struct drive_shard_info *s,
    unsigned n)
{
	struct put w = put_begin(out);

	for (unsigned i = 0; i < n; i++) {
		put_bytes(&w, s[i].data.b, UUID_BYTES);
		put_u32(&w, s[i].index);
		put_u64(&w, s[i].bytes);
		put_u64(&w, s[i].mtime_us);
	}
	return put_end(&w);
}

enum err
wire_shards_decode(struct drive_shard_info *out, unsigned max, unsigned *n,
    const uint8_t *in, size_t len)
{
	struct get r = get_begin(in, len);
	size_t count = r.left / SHARD_BYTES;
	const uint8_t *p;

	if (r.bad || r.left % SHARD_BYTES != 0 || count > max)
		return EC_ECORRUPT;
	for (size_t i = 0; i < count; i++) {
		if ((p = get_bytes(&r, UUID_BYTES)) == NULL)
			return EC_ECORRUPT;
		memcpy(out[i].data.b, p, UUID_BYTES);
		out[i].index = get_u32(&r);
		out[i].bytes = get_u64(&r);
		out[i].mtime_us = get_u64(&r);
	}
	*n = (unsigned)count;
	return get_end(&r);
}

enum err
wire_numbers_encode(struct buf *out, const uint64_t *v, unsigned n)
{
	struct put w = put_begin(out);

	for (unsigned i = 0; i < n; i++)
		put_u64(&w, v[i]);
	return put_end(&w);
}

enum err
wire_numbers_decode(uint64_t *v, unsigned n, const uint8_t *in, size_t len)
{
	struct get r = get_begin(in, len);

	if (r.bad || r.left != (size_t)n * 8)
		return EC_ECORRUPT;
	for (unsigned i = 0; i < n; i++)
		v[i] = get_u64(&r);
	return get_end(&r);
}
