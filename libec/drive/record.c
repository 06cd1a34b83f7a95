/* record: bytes of a record; ec-drive(5) has the table. */
#include "drive/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/os_linux.h"

enum {
	HEAD_BYTES = 96,
	PART_BYTES = 52,
	SUM_BYTES = 32,
	FLAGS_ALL = RECORD_NULL | RECORD_GONE | RECORD_INLINE | RECORD_CLOSED,
};

/* Where the fields of the fixed head lie. */
enum {
	AT_FORMAT = 0, AT_KIND = 1, AT_FLAGS = 2, AT_HAS_DATA = 3,
	AT_PARTS = 4, AT_STAMP = 8, AT_TARGET = 24, AT_MTIME = 40,
	AT_SIZE = 48, AT_K = 56, AT_M = 57, AT_START = 58, AT_INDEX = 59,
	AT_BUCKET = 60, AT_ETAG = 61, AT_KEY = 62, AT_META = 64,
	AT_INLINE = 68, AT_SEGMENT = 72, AT_OFFSET = 80, AT_ZERO = 88,
};

struct stamp
stamp_new(void)
{
	struct stamp s = { clock_hlc(), 0 };

	os_random(&s.id, sizeof s.id);
	return s;
}

void
stamp_text(char out[STAMP_TEXT_BYTES], const struct stamp *s)
{
	uint8_t b[16];

	for (unsigned i = 0; i < 8; i++) {
		b[i] = (uint8_t)(s->hlc >> (56 - 8 * i));
		b[8 + i] = (uint8_t)(s->id >> (56 - 8 * i));
	}
	num_hex(out, b, sizeof b);
}

enum err
stamp_parse(struct stamp *out, const char *text)
{
	uint8_t b[16];

	if (num_unhex(b, sizeof b, text) != EC_OK)
		return EC_EINVAL;
	*out = (struct stamp){ 0, 0 };
	for (unsigned i = 0; i < 8; i++) {
		out->hlc = out->hlc << 8 | b[i];
		out->id = out->id << 8 | b[8 + i];
	}
	return EC_OK;
}

static bool
geometry_ok(const struct record *r)
{
	unsigned n = (unsigned)r->k + r->m;

	if (r->k == 0)
		return r->m == 0;
	return n <= 255 && r->start < n && r->index < n;
}

static bool
part_ok(const struct record_part *p)
{
	struct stripe s = { .k = p->k, .m = p->m, .unit = p->unit };

	return p->number >= 1 && p->number <= RECORD_PARTS_MAX &&
	    p->size <= STRIPE_SIZE_MAX && stripe_valid(&s) == EC_OK;
}

/* All that encode and decode both hold to, but for lengths. */
static bool
fields_ok(const struct record *r)
{
	if (r->kind < RECORD_OBJECT || r->kind > RECORD_AMEND ||
	    (r->flags & ~(unsigned)FLAGS_ALL) != 0 || !geometry_ok(r))
		return false;
	for (uint32_t i = 0; i < r->part_count; i++)
		if (!part_ok(&r->parts[i]) || (i > 0 &&
		    r->parts[i].number <= r->parts[i - 1].number))
			return false;
	return record_meta_ok(r->meta, r->meta_len);
}

static void
stamp_put(uint8_t *p, const struct stamp *s)
{
	le64_put(p, s->hlc);
	le64_put(p + 8, s->id);
}

static struct stamp
stamp_get(const uint8_t *p)
{
	return (struct stamp){ le64_get(p), le64_get(p + 8) };
}

static void
head_put(uint8_t h[HEAD_BYTES], const struct record *r, bool has_data)
{
	memset(h, 0, HEAD_BYTES);
	h[AT_FORMAT] = RECORD_FORMAT;
	h[AT_KIND] = (uint8_t)r->kind;
	h[AT_FLAGS] = (uint8_t)r->flags;
	h[AT_HAS_DATA] = has_data;
	le32_put(h + AT_PARTS, r->part_count);
	stamp_put(h + AT_STAMP, &r->stamp);
	stamp_put(h + AT_TARGET, &r->target);
	le64_put(h + AT_MTIME, r->mtime_us);
	le64_put(h + AT_SIZE, r->size);
	h[AT_K] = r->k;
	h[AT_M] = r->m;
	h[AT_START] = r->start;
	h[AT_INDEX] = r->index;
	h[AT_BUCKET] = (uint8_t)strlen(r->bucket);
	h[AT_ETAG] = (uint8_t)strlen(r->etag);
	le16_put(h + AT_KEY, (uint16_t)strlen(r->key));
	le32_put(h + AT_META, r->meta_len);
	le32_put(h + AT_INLINE, r->inline_len);
	le64_put(h + AT_SEGMENT, r->segment);
	le64_put(h + AT_OFFSET, r->offset);
}

static void
part_put(uint8_t p[PART_BYTES], const struct record_part *in)
{
	le32_put(p, in->number);
	le64_put(p + 4, in->size);
	memcpy(p + 12, in->data.b, UUID_BYTES);
	p[28] = in->k;
	p[29] = in->m;
	le16_put(p + 30, 0);
	le32_put(p + 32, in->unit);
	memcpy(p + 36, in->md5, sizeof in->md5);
}

static void
part_get(struct record_part *out, const uint8_t p[PART_BYTES])
{
	out->number = le32_get(p);
	out->size = le64_get(p + 4);
	memcpy(out->data.b, p + 12, UUID_BYTES);
	out->k = p[28];
	out->m = p[29];
	out->unit = le32_get(p + 32);
	memcpy(out->md5, p + 36, sizeof out->md5);
}

static uint8_t *
bytes_put(uint8_t *p, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(p, bytes, len);
	return p + len;
}

enum err
record_encode(struct buf *out, const struct record *r)
{
	size_t bucket = strlen(r->bucket), key = strlen(r->key);
	size_t etag = strlen(r->etag), total;
	bool in_line = (r->flags & RECORD_INLINE) != 0;
	bool has_data = in_line && r->inline_data != NULL;
	uint8_t *p;
	enum err e;

	if (bucket > RECORD_BUCKET_MAX || key > RECORD_KEY_MAX ||
	    etag > RECORD_ETAG_MAX || r->meta_len > RECORD_META_MAX ||
	    r->part_count > RECORD_PARTS_MAX ||
	    r->inline_len > RECORD_INLINE_MAX ||
	    (!in_line && r->inline_len != 0) || !fields_ok(r))
		return EC_EINVAL;
	total = HEAD_BYTES + bucket + key + etag + 3 +
	    (size_t)r->part_count * PART_BYTES + r->meta_len +
	    (in_line ? SUM_BYTES : 0) + (has_data ? r->inline_len : 0);
	if ((e = buf_reserve(out, total, &p)) != EC_OK)
		return e;
	head_put(p, r, has_data);
	p = bytes_put(p + HEAD_BYTES, r->bucket, bucket + 1);
	p = bytes_put(p, r->key, key + 1);
	p = bytes_put(p, r->etag, etag + 1);
	for (uint32_t i = 0; i < r->part_count; i++, p += PART_BYTES)
		part_put(p, &r->parts[i]);
	p = bytes_put(p, r->meta, r->meta_len);
	if (in_line)
		p = bytes_put(p, r->inline_sum, SUM_BYTES);
	if (has_data)
		bytes_put(p, r->inline_data, r->inline_len);
	out->len += total;
	return EC_OK;
}

/* A string of ${len} bytes and its NUL at *${p}. */
static const char *
string_get(const uint8_t **p, size_t len)
{
	const char *s = (const char *)*p;

	if (memchr(s, '\0', len) != NULL || s[len] != '\0')
		return NULL;
	*p += len + 1;
	return s;
}

static enum err
parts_get(struct record_part **parts, const uint8_t *p, uint32_t n)
{
	if (n == 0)
		return EC_OK;
	if ((*parts = mem_array(n, sizeof **parts)) == NULL)
		return EC_ENOMEM;
	for (uint32_t i = 0; i < n; i++, p += PART_BYTES) {
		if (le16_get(p + 30) != 0)
			return EC_ECORRUPT;
		part_get(&(*parts)[i], p);
	}
	return EC_OK;
}

static void
head_get(struct record *out, const uint8_t *h)
{
	*out = (struct record){
		.kind = h[AT_KIND],
		.flags = h[AT_FLAGS],
		.stamp = stamp_get(h + AT_STAMP),
		.target = stamp_get(h + AT_TARGET),
		.mtime_us = le64_get(h + AT_MTIME),
		.size = le64_get(h + AT_SIZE),
		.k = h[AT_K],
		.m = h[AT_M],
		.start = h[AT_START],
		.index = h[AT_INDEX],
		.part_count = le32_get(h + AT_PARTS),
		.meta_len = le32_get(h + AT_META),
		.inline_len = le32_get(h + AT_INLINE),
		.segment = le64_get(h + AT_SEGMENT),
		.offset = le64_get(h + AT_OFFSET),
	};
}

/* Lengths in the head against limits and against ${len} in all. */
static bool
lengths_ok(const struct record *r, const uint8_t *h, size_t len)
{
	bool in_line = (r->flags & RECORD_INLINE) != 0;
	bool has_data = h[AT_HAS_DATA] == 1;
	size_t total;

	if (h[AT_BUCKET] > RECORD_BUCKET_MAX || h[AT_ETAG] > RECORD_ETAG_MAX ||
	    le16_get(h + AT_KEY) > RECORD_KEY_MAX || h[AT_HAS_DATA] > 1 ||
	    r->part_count > RECORD_PARTS_MAX ||
	    r->meta_len > RECORD_META_MAX ||
	    r->inline_len > RECORD_INLINE_MAX ||
	    (!in_line && (has_data || r->inline_len != 0)))
		return false;
	total = HEAD_BYTES + (size_t)h[AT_BUCKET] + h[AT_ETAG] +
	    le16_get(h + AT_KEY) + 3 + (size_t)r->part_count * PART_BYTES +
	    r->meta_len + (in_line ? SUM_BYTES : 0) +
	    (has_data ? r->inline_len : 0);
	return total == len;
}

enum err
record_decode(struct record *out, struct record_part **parts,
    const uint8_t *in, size_t len)
{
	const uint8_t *p = in + HEAD_BYTES;
	enum err e = EC_ECORRUPT;

	*parts = NULL;
	if (len < HEAD_BYTES)
		return EC_ECORRUPT;
	if (in[AT_FORMAT] != RECORD_FORMAT)
		return EC_EFORMAT;
	head_get(out, in);
	if (le64_get(in + AT_ZERO) != 0 || !lengths_ok(out, in, len) ||
	    (out->bucket = string_get(&p, in[AT_BUCKET])) == NULL ||
	    (out->key = string_get(&p, le16_get(in + AT_KEY))) == NULL ||
	    (out->etag = string_get(&p, in[AT_ETAG])) == NULL)
		return EC_ECORRUPT;
	if ((e = parts_get(parts, p, out->part_count)) != EC_OK)
		goto out;
	p += (size_t)out->part_count * PART_BYTES;
	out->parts = *parts;
	out->meta = p;
	p += out->meta_len;
	if ((out->flags & RECORD_INLINE) != 0)
		memcpy(out->inline_sum, p, SUM_BYTES);
	if (in[AT_HAS_DATA])
		out->inline_data = p + SUM_BYTES;
	if (!fields_ok(out))
		e = EC_ECORRUPT;
out:
	if (e != EC_OK) {
		free(*parts);
		*parts = NULL;
	}
	return e;
}

size_t
record_place(uint8_t *rec, size_t len, uint64_t segment, uint64_t offset,
    bool want_inline)
{
	le64_put(rec + AT_SEGMENT, segment);
	le64_put(rec + AT_OFFSET, offset);
	if (want_inline || rec[AT_HAS_DATA] == 0)
		return len;
	rec[AT_HAS_DATA] = 0;
	return len - le32_get(rec + AT_INLINE);	/* it comes last */
}

uint32_t
record_key_crc(const uint8_t *rec, size_t len)
{
	size_t names;

	if (len < HEAD_BYTES)
		return 0;
	names = (size_t)rec[AT_BUCKET] + 1 + le16_get(rec + AT_KEY);
	if (len - HEAD_BYTES < names)
		return 0;
	return checksum_crc32c(0, rec + HEAD_BYTES, names);
}

uint32_t
record_name_crc(const char *bucket, const char *key)
{
	return checksum_crc32c(checksum_crc32c(0, bucket, strlen(bucket) + 1),
	    key, strlen(key));
}

static bool
part_agrees(const struct record_part *a, const struct record_part *b)
{
	return a->number == b->number && a->size == b->size &&
	    a->k == b->k && a->m == b->m && a->unit == b->unit &&
	    memcmp(a->data.b, b->data.b, UUID_BYTES) == 0 &&
	    memcmp(a->md5, b->md5, sizeof a->md5) == 0;
}

bool
record_agrees(const struct record *a, const struct record *b)
{
	if (stamp_cmp(&a->stamp, &b->stamp) != 0 ||
	    stamp_cmp(&a->target, &b->target) != 0 || a->kind != b->kind ||
	    a->flags != b->flags || a->mtime_us != b->mtime_us ||
	    a->size != b->size || a->k != b->k || a->m != b->m ||
	    a->start != b->start || a->part_count != b->part_count ||
	    a->meta_len != b->meta_len || strcmp(a->key, b->key) != 0 ||
	    strcmp(a->etag, b->etag) != 0 || strcmp(a->bucket, b->bucket) != 0)
		return false;
	for (uint32_t i = 0; i < a->part_count; i++)
		if (!part_agrees(&a->parts[i], &b->parts[i]))
			return false;
	return a->meta_len == 0 || memcmp(a->meta, b->meta, a->meta_len) == 0;
}

bool
record_hides(const struct record *by, const struct record *r)
{
	bool amends = r->kind == RECORD_AMEND;

	if (by->kind == RECORD_AMEND)
		return amends && stamp_cmp(&by->target, &r->target) == 0;
	if ((by->flags & RECORD_NULL) != 0)
		return (r->flags & RECORD_NULL) != 0;
	return by->kind == RECORD_TOMBSTONE && stamp_cmp(&by->target,
	    amends ? &r->target : &r->stamp) == 0;
}

bool
record_part_has_md5(const struct record_part *p)
{
	static const uint8_t none[sizeof(p->md5)];

	return memcmp(p->md5, none, sizeof(none)) != 0;
}
