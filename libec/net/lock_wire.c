#include "net/lock_wire.h"

#include <string.h>

#include "base/num.h"

enum { ITEM_ASK = 1, ITEM_RELEASE = 2 };
enum { INFO_WRITE = 1, INFO_GRANTED = 2, INFO_HELD = 4, INFO_ALL = 7 };
enum { LIST_HEAD_BYTES = 8, VOTES_HEAD_BYTES = 12, ITEMS_HEAD_BYTES = 20 };

/* What is left to decode; once bad it gives zeros. */
struct reader {
	const uint8_t *p, *end;
	bool bad;
};

static const uint8_t *
take(struct reader *r, size_t len)
{
	static const uint8_t zeros[16];
	const uint8_t *p = r->p;

	if (r->bad || (size_t)(r->end - p) < len) {
		r->bad = true;
		return len <= sizeof(zeros) ? zeros : NULL;
	}
	r->p += len;
	return p;
}

static uint8_t
take8(struct reader *r)
{
	return *take(r, 1);
}

static uint16_t
take16(struct reader *r)
{
	return le16_get(take(r, 2));
}

static uint32_t
take32(struct reader *r)
{
	return le32_get(take(r, 4));
}

static uint64_t
take64(struct reader *r)
{
	return le64_get(take(r, 8));
}

static void
take_id(struct reader *r, struct uuid *id)
{
	memcpy(id->b, take(r, sizeof(id->b)), sizeof(id->b));
}

/* Text of ${min} .. ${max} bytes without NUL, and a NUL after it. */
static const char *
take_text(struct reader *r, size_t min, size_t max)
{
	size_t len = take16(r);
	const uint8_t *p;

	if (len < min || len > max)
		r->bad = true;
	if (r->bad || (p = take(r, len + 1)) == NULL || r->bad ||
	    memchr(p, '\0', len + 1) != p + len) {
		r->bad = true;
		return "";
	}
	return (const char *)p;
}

static enum err
reader_end(const struct reader *r)
{
	return r->bad || r->p != r->end ? EC_ECORRUPT : EC_OK;
}

static void
take_version(struct reader *r)
{
	if (take16(r) != LOCK_WIRE_VERSION)
		r->bad = true;
}

static enum err
add_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	uint8_t head[2];
	enum err e;

	le16_put(head, (uint16_t)len);
	if ((e = buf_add(out, head, sizeof(head))) == EC_OK)
		e = buf_add(out, text, len + 1);
	return e;
}

static enum err
add_item(struct buf *out, const struct lock_item *i)
{
	const struct lock_ask *a = &i->ask;
	uint8_t b[38];
	enum err e;

	b[0] = i->release ? ITEM_RELEASE : ITEM_ASK;
	memcpy(b + 1, a->id.b, 16);
	b[17] = (uint8_t)a->flags;
	le32_put(b + 18, a->seq);
	le64_put(b + 22, a->ticket);
	le64_put(b + 30, a->token);
	if ((e = buf_add(out, b, i->release ? 17 : sizeof(b))) != EC_OK ||
	    (e = add_text(out, a->name)) != EC_OK)
		return e;
	return i->release ? EC_OK : add_text(out, a->owner);
}

enum err
lock_wire_items_encode(struct buf *out, const struct lock_item *items,
    size_t n, const struct uuid *session)
{
	uint8_t b[ITEMS_HEAD_BYTES];
	enum err e;

	le16_put(b, LOCK_WIRE_VERSION);
	le16_put(b + 2, (uint16_t)n);
	memcpy(b + 4, session->b, 16);
	e = buf_add(out, b, sizeof(b));
	for (size_t i = 0; i < n && e == EC_OK; i++)
		e = add_item(out, &items[i]);
	return e;
}

static void
take_item(struct reader *r, struct lock_item *i, const struct uuid *session)
{
	uint8_t kind = take8(r);

	*i = (struct lock_item){ .release = kind == ITEM_RELEASE,
	    .ask = { .session = *session, .name = "", .owner = "" } };
	if (kind != ITEM_ASK && kind != ITEM_RELEASE)
		r->bad = true;
	take_id(r, &i->ask.id);
	if (!i->release) {
		i->ask.flags = take8(r);
		i->ask.seq = take32(r);
		i->ask.ticket = take64(r);
		i->ask.token = take64(r);
	}
	i->ask.name = take_text(r, 1, LOCK_NAME_MAX);
	if (!i->release)
		i->ask.owner = take_text(r, 0, LOCK_OWNER_MAX);
	if ((i->ask.flags & ~(unsigned)LOCK_ASK_ALL) != 0)
		r->bad = true;
}

enum err
lock_wire_items_decode(struct lock_item items[LOCK_BATCH_MAX], size_t *n,
    const uint8_t *in, size_t len)
{
	struct reader r = { in, in + len, false };
	struct uuid session;

	take_version(&r);
	*n = take16(&r);
	take_id(&r, &session);
	if (*n == 0 || *n > LOCK_BATCH_MAX)
		r.bad = true;
	for (size_t i = 0; i < *n && !r.bad; i++)
		take_item(&r, &items[i], &session);
	return reader_end(&r);
}

enum err
lock_wire_votes_encode(struct buf *out, const struct lock_votes *v)
{
	const struct lock_vote *p = v->votes;
	uint8_t b[34];
	enum err e;

	le16_put(b, LOCK_WIRE_VERSION);
	le16_put(b + 2, (uint16_t)v->count);
	le32_put(b + 4, v->lease_ms);
	le32_put(b + 8, v->grace_ms);
	e = buf_add(out, b, VOTES_HEAD_BYTES);
	for (; p < v->votes + v->count && e == EC_OK; p++) {
		memcpy(b, p->id.b, 16);
		b[16] = (uint8_t)p->state;
		b[17] = p->wanted;
		le32_put(b + 18, p->seq);
		le32_put(b + 22, p->rev);
		le64_put(b + 26, p->stamp);
		e = buf_add(out, b, sizeof(b));
	}
	return e;
}

enum err
lock_wire_votes_decode(struct lock_votes *v, const uint8_t *in, size_t len)
{
	struct reader r = { in, in + len, false };
	struct lock_vote *p;
	uint8_t state, wanted;

	take_version(&r);
	v->count = take16(&r);
	v->lease_ms = take32(&r);
	v->grace_ms = take32(&r);
	if (v->count > LOCK_BATCH_MAX)
		r.bad = true;
	for (p = v->votes; !r.bad && p < v->votes + v->count; p++) {
		take_id(&r, &p->id);
		state = take8(&r);
		wanted = take8(&r);
		if (state >= LOCK_VOTE_STATES || wanted > 1)
			r.bad = true;
		p->state = (enum lock_vote_state)state;
		p->wanted = wanted == 1;
		p->seq = take32(&r);
		p->rev = take32(&r);
		p->stamp = take64(&r);
	}
	return reader_end(&r);
}

enum err
lock_wire_watch_encode(struct buf *out, const struct uuid *session,
    unsigned wait_ms)
{
	uint8_t b[20];

	le16_put(b, LOCK_WIRE_VERSION);
	le16_put(b + 2, (uint16_t)num_min(wait_ms, LOCK_WAIT_MAX_MS));
	memcpy(b + 4, session->b, 16);
	return buf_add(out, b, sizeof(b));
}

enum err
lock_wire_watch_decode(struct uuid *session, unsigned *wait_ms,
    const uint8_t *in, size_t len)
{
	struct reader r = { in, in + len, false };

	take_version(&r);
	*wait_ms = take16(&r);
	take_id(&r, session);
	if (*wait_ms > LOCK_WAIT_MAX_MS)
		r.bad = true;
	return reader_end(&r);
}

void
lock_wire_list_begin(struct lock_wire_list *l, struct buf *out)
{
	static const uint8_t head[LIST_HEAD_BYTES];

	*l = (struct lock_wire_list){ .out = out, .at = out->len };
	l->err = buf_add(out, head, sizeof(head));
}

void
lock_wire_list_add(struct lock_wire_list *l, const struct lock_info *i)
{
	uint8_t b[41];

	if (l->err != EC_OK)
		return;
	if (l->count == LOCK_LIST_MAX) {
		l->cut = true;
		return;
	}
	memcpy(b, i->id.b, 16);
	b[16] = (uint8_t)((i->write ? INFO_WRITE : 0) |
	    (i->granted ? INFO_GRANTED : 0) | (i->held ? INFO_HELD : 0));
	le64_put(b + 17, i->stamp);
	le64_put(b + 25, i->since_us);
	le64_put(b + 33, i->left_us);
	if ((l->err = buf_add(l->out, b, sizeof(b))) == EC_OK &&
	    (l->err = add_text(l->out, i->name)) == EC_OK)
		l->err = add_text(l->out, i->owner);
	l->count++;
}

enum err
lock_wire_list_end(struct lock_wire_list *l)
{
	uint8_t *b;

	if (l->err != EC_OK)
		return l->err;
	b = l->out->data + l->at;
	le16_put(b, LOCK_WIRE_VERSION);
	le16_put(b + 2, l->cut);
	le32_put(b + 4, l->count);
	return EC_OK;
}

static void
take_info(struct reader *r, struct lock_info *i)
{
	uint8_t flags;

	take_id(r, &i->id);
	if (((flags = take8(r)) & ~INFO_ALL) != 0)
		r->bad = true;
	i->write = (flags & INFO_WRITE) != 0;
	i->granted = (flags & INFO_GRANTED) != 0;
	i->held = (flags & INFO_HELD) != 0;
	i->stamp = take64(r);
	i->since_us = take64(r);
	i->left_us = take64(r);
	i->name = take_text(r, 1, LOCK_NAME_MAX);
	i->owner = take_text(r, 0, LOCK_OWNER_MAX);
}

enum err
lock_wire_list_decode(const uint8_t *in, size_t len, bool *cut,
    void (*each)(void *ctx, const struct lock_info *i), void *ctx)
{
	struct reader r = { in, in + len, false };
	struct lock_info info;
	uint32_t n;
	uint16_t more;

	take_version(&r);
	more = take16(&r);
	n = take32(&r);
	if (more > 1 || n > LOCK_LIST_MAX)
		r.bad = true;
	*cut = more == 1;
	for (uint32_t i = 0; i < n && !r.bad; i++) {
		take_info(&r, &info);
		if (!r.bad)
			each(ctx, &info);
	}
	return reader_end(&r);
}
