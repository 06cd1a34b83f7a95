#include <string.h>

#include "codec/bitrot.h"
#include "codec/shard.h"

/* The first bytes of a shard file: not text, and damaged by every transfer
 * that takes it for text. */
static const uint8_t magic[8] = { 0x89, 'E', 'C', 'S', '\r', '\n', 0x1a, '\n' };
static const uint8_t end_magic[4] = { 0x89, 'E', 'C', 'E' };

enum { CODEC_RS_11D = 1, HASH_HIGHWAY256 = 1 };

/* Offsets of fields; see ec-shard(5). */
enum {
	H_MAGIC = 0, H_VERSION = 8, H_BYTES = 10, H_CODEC = 12, H_HASH = 13,
	H_K = 14, H_M = 15, H_INDEX = 16, H_UNIT = 20, H_LEAF = 24,
	H_PART = 28, H_ID = 32, H_ZERO = 48,
	H_SUM = SHARD_HEADER_BYTES - SHARD_SUM_BYTES,

	M_SIZE = 0, M_MD5 = 8, M_BUCKET_LEN = 24, M_KEY_LEN = 26,
	M_EXTRA_LEN = 28, M_NAMES = 32,

	E_MAGIC = 0, E_META_BYTES = 4, E_DATA_BYTES = 8, E_BIND = 16,
	E_SUM = 32,
};

void
shard_header_encode(uint8_t out[SHARD_HEADER_BYTES],
    const struct shard_header *h)
{
	memset(out, 0, SHARD_HEADER_BYTES);
	memcpy(out + H_MAGIC, magic, sizeof(magic));
	le16_put(out + H_VERSION, SHARD_VERSION);
	le16_put(out + H_BYTES, SHARD_HEADER_BYTES);
	out[H_CODEC] = CODEC_RS_11D;
	out[H_HASH] = HASH_HIGHWAY256;
	out[H_K] = (uint8_t)h->stripe.k;
	out[H_M] = (uint8_t)h->stripe.m;
	out[H_INDEX] = (uint8_t)h->index;
	le32_put(out + H_UNIT, h->stripe.unit);
	le32_put(out + H_LEAF, SHARD_LEAF_BYTES);
	le32_put(out + H_PART, h->part);
	memcpy(out + H_ID, h->id.b, UUID_BYTES);
	bitrot_sum(out + H_SUM, out, H_SUM);
}

static bool
all_zero(const uint8_t *p, size_t len)
{
	while (len > 0 && *p == 0) {
		p++;
		len--;
	}
	return len == 0;
}

enum err
shard_header_decode(struct shard_header *out,
    const uint8_t in[SHARD_HEADER_BYTES])
{
	struct shard_header h;

	if (memcmp(in + H_MAGIC, magic, sizeof(magic)) != 0 ||
	    le16_get(in + H_VERSION) != SHARD_VERSION)
		return EC_EFORMAT;
	if (!bitrot_check(in + H_SUM, in, H_SUM))
		return EC_ECORRUPT;
	if (in[H_CODEC] != CODEC_RS_11D || in[H_HASH] != HASH_HIGHWAY256 ||
	    le16_get(in + H_BYTES) != SHARD_HEADER_BYTES ||
	    le32_get(in + H_LEAF) != SHARD_LEAF_BYTES)
		return EC_EFORMAT;
	h.stripe.k = in[H_K];
	h.stripe.m = in[H_M];
	h.stripe.unit = le32_get(in + H_UNIT);
	h.index = in[H_INDEX];
	h.part = le32_get(in + H_PART);
	memcpy(h.id.b, in + H_ID, UUID_BYTES);
	if (stripe_valid(&h.stripe) != EC_OK ||
	    h.index >= h.stripe.k + h.stripe.m ||
	    !all_zero(in + H_INDEX + 1, H_UNIT - H_INDEX - 1) ||
	    !all_zero(in + H_ZERO, H_SUM - H_ZERO))
		return EC_ECORRUPT;
	*out = h;
	return EC_OK;
}

void
shard_header_bind(uint8_t out[SHARD_BIND_BYTES], const struct shard_header *h)
{
	uint8_t bytes[SHARD_HEADER_BYTES];

	shard_header_encode(bytes, h);
	memcpy(out, bytes + H_SUM, SHARD_BIND_BYTES);
}

uint64_t
shard_meta_bytes(const struct shard_tail *t)
{
	return M_NAMES + strlen(t->bucket) + 1 + strlen(t->key) + 1 +
	    t->extra_len;
}

static enum err
meta_encode(struct buf *out, const struct shard_tail *t)
{
	size_t bucket_len = strlen(t->bucket), key_len = strlen(t->key);
	uint8_t fixed[M_NAMES];
	enum err e;

	if (bucket_len > UINT16_MAX || key_len > UINT16_MAX ||
	    shard_meta_bytes(t) > SHARD_META_MAX)
		return EC_ELIMIT;
	le64_put(fixed + M_SIZE, t->size);
	memcpy(fixed + M_MD5, t->md5, sizeof(t->md5));
	le16_put(fixed + M_BUCKET_LEN, (uint16_t)bucket_len);
	le16_put(fixed + M_KEY_LEN, (uint16_t)key_len);
	le32_put(fixed + M_EXTRA_LEN, t->extra_len);
	if ((e = buf_add(out, fixed, sizeof(fixed))) != EC_OK ||
	    (e = buf_add(out, t->bucket, bucket_len + 1)) != EC_OK ||
	    (e = buf_add(out, t->key, key_len + 1)) != EC_OK ||
	    t->extra_len == 0)
		return e;
	return buf_add(out, t->extra, t->extra_len);
}

static enum err
meta_decode(struct shard_tail *out, const uint8_t *in, uint64_t len)
{
	uint64_t bucket_len, key_len;
	struct shard_tail t;

	if (len < M_NAMES)
		return EC_ECORRUPT;
	t.size = le64_get(in + M_SIZE);
	memcpy(t.md5, in + M_MD5, sizeof(t.md5));
	bucket_len = le16_get(in + M_BUCKET_LEN);
	key_len = le16_get(in + M_KEY_LEN);
	t.extra_len = le32_get(in + M_EXTRA_LEN);
	if (t.size > STRIPE_SIZE_MAX ||
	    len != M_NAMES + bucket_len + 1 + key_len + 1 + t.extra_len)
		return EC_ECORRUPT;
	t.bucket = (const char *)in + M_NAMES;
	t.key = t.bucket + bucket_len + 1;
	t.extra = (const uint8_t *)t.key + key_len + 1;
	if (memchr(t.bucket, '\0', bucket_len + 1) != t.bucket + bucket_len ||
	    memchr(t.key, '\0', key_len + 1) != t.key + key_len)
		return EC_ECORRUPT;
	*out = t;
	return EC_OK;
}

enum err
shard_tail_encode(struct buf *out, const struct shard_header *h,
    const struct shard_tail *t, uint64_t data_bytes, const uint8_t *pages)
{
	uint64_t pages_bytes = shard_page_count(data_bytes) * SHARD_SUM_BYTES;
	uint8_t end[SHARD_END_BYTES];
	size_t start = out->len;
	enum err e;

	if ((pages_bytes > 0 &&
	    (e = buf_add(out, pages, pages_bytes)) != EC_OK) ||
	    (e = meta_encode(out, t)) != EC_OK)
		goto out;
	memcpy(end + E_MAGIC, end_magic, sizeof(end_magic));
	le32_put(end + E_META_BYTES, (uint32_t)shard_meta_bytes(t));
	le64_put(end + E_DATA_BYTES, data_bytes);
	shard_header_bind(end + E_BIND, h);
	if ((e = buf_add(out, end, sizeof(end))) != EC_OK)
		goto out;
	bitrot_sum(out->data + out->len - SHARD_SUM_BYTES, out->data + start,
	    out->len - start - SHARD_SUM_BYTES);
out:
	if (e != EC_OK)
		out->len = start;
	return e;
}

enum err
shard_end_decode(struct shard_end *out, const uint8_t in[SHARD_END_BYTES],
    uint64_t file_bytes)
{
	struct shard_end e;

	if (memcmp(in + E_MAGIC, end_magic, sizeof(end_magic)) != 0)
		return EC_EFORMAT;
	e.meta_bytes = le32_get(in + E_META_BYTES);
	e.data_bytes = le64_get(in + E_DATA_BYTES);
	memcpy(e.bind, in + E_BIND, sizeof(e.bind));
	/* data_bytes <= file_bytes keeps every sum below from overflowing */
	if (e.meta_bytes > SHARD_META_MAX || e.data_bytes > STRIPE_SIZE_MAX ||
	    e.data_bytes > file_bytes || file_bytes != SHARD_HEADER_BYTES +
	    e.data_bytes + shard_leaf_count(e.data_bytes) * SHARD_SUM_BYTES +
	    shard_tail_bytes(&e))
		return EC_ECORRUPT;
	*out = e;
	return EC_OK;
}

uint64_t
shard_tail_bytes(const struct shard_end *e)
{
	return shard_page_count(e->data_bytes) * SHARD_SUM_BYTES +
	    e->meta_bytes + SHARD_END_BYTES;
}

enum err
shard_tail_decode(struct shard_tail *out, const uint8_t **pages,
    const struct shard_header *h, const struct shard_end *end,
    const uint8_t *in, uint64_t len)
{
	uint64_t pages_bytes = shard_page_count(end->data_bytes) *
	    SHARD_SUM_BYTES;
	uint8_t bind[SHARD_BIND_BYTES];
	struct shard_tail t;
	enum err e;

	shard_header_bind(bind, h);
	if (len != shard_tail_bytes(end) ||
	    memcmp(bind, end->bind, sizeof(bind)) != 0 ||
	    !bitrot_check(in + len - SHARD_SUM_BYTES, in,
	    len - SHARD_SUM_BYTES))
		return EC_ECORRUPT;
	e = meta_decode(&t, in + pages_bytes, end->meta_bytes);
	if (e != EC_OK)
		return e;
	if (stripe_shard_bytes(&h->stripe, t.size) != end->data_bytes)
		return EC_ECORRUPT;
	*out = t;
	*pages = in;
	return EC_OK;
}

uint64_t
shard_file_bytes(const struct stripe *s, uint64_t size,
    const struct shard_tail *t)
{
	struct shard_end e = { .data_bytes = stripe_shard_bytes(s, size),
		.meta_bytes = (uint32_t)shard_meta_bytes(t) };

	return SHARD_HEADER_BYTES + e.data_bytes +
	    shard_leaf_count(e.data_bytes) * SHARD_SUM_BYTES +
	    shard_tail_bytes(&e);
}
