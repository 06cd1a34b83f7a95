#include "drive/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/io.h"
#include "base/num.h"

enum { COPY_BYTES = JOURNAL_HEADER_BYTES / 2 };
#define WINDOW_BYTES ((size_t)2 * (JOURNAL_PAYLOAD_MAX + JOURNAL_FRAME_BYTES))

static const uint8_t magic[8] = { 'E', 'C', '-', 'S', 'E', 'G', '\r', '\n' };

void
segment_header_put(uint8_t out[JOURNAL_HEADER_BYTES],
    const struct segment_header *h)
{
	memset(out, 0, JOURNAL_HEADER_BYTES);
	memcpy(out, magic, sizeof magic);
	le32_put(out + 12, JOURNAL_FORMAT);
	memcpy(out + 16, h->drive.b, UUID_BYTES);
	le64_put(out + 32, h->number);
	le64_put(out + 40, h->first_seq);
	le64_put(out + 48, h->prev_end);
	le64_put(out + 56, h->salt);
	le32_put(out + 8, checksum_crc32c(0, out + 12, COPY_BYTES - 12));
	memcpy(out + COPY_BYTES, out, COPY_BYTES);
}

static enum err
header_copy_get(struct segment_header *h, const uint8_t *p)
{
	if (memcmp(p, magic, sizeof magic) != 0 ||
	    le32_get(p + 8) != checksum_crc32c(0, p + 12, COPY_BYTES - 12))
		return EC_ECORRUPT;
	if (le32_get(p + 12) != JOURNAL_FORMAT)
		return EC_EFORMAT;
	memcpy(h->drive.b, p + 16, UUID_BYTES);
	h->number = le64_get(p + 32);
	h->first_seq = le64_get(p + 40);
	h->prev_end = le64_get(p + 48);
	h->salt = le64_get(p + 56);
	return EC_OK;
}

enum err
segment_header_get(struct segment_header *out,
    const uint8_t in[JOURNAL_HEADER_BYTES])
{
	enum err e = header_copy_get(out, in);

	return e == EC_ECORRUPT ? header_copy_get(out, in + COPY_BYTES) : e;
}

static uint32_t
frame_crc(const uint8_t *head, const uint8_t *payload, size_t len,
    uint64_t salt)
{
	uint8_t seed[4];
	uint32_t crc;

	le32_put(seed, (uint32_t)(salt >> 32));
	crc = checksum_crc32c(0, seed, sizeof seed);
	crc = checksum_crc32c(crc, head + 8, JOURNAL_FRAME_BYTES - 8);
	return checksum_crc32c(crc, payload, len);
}

void
segment_frame_put(uint8_t out[JOURNAL_FRAME_BYTES],
    const struct journal_frame *f, unsigned ordinal, uint64_t salt)
{
	le32_put(out, (uint32_t)salt);
	le32_put(out + 8, f->len);
	out[12] = (uint8_t)f->type;
	out[13] = 0;
	le16_put(out + 14, (uint16_t)ordinal);
	le64_put(out + 16, f->seq);
	le64_put(out + 24, f->origin);
	le32_put(out + 4, frame_crc(out, f->payload, f->len, salt));
}

enum err
segment_frame_get(struct journal_frame *f, unsigned *ordinal,
    const uint8_t *in, size_t len, uint64_t salt)
{
	uint32_t n;

	if (len < JOURNAL_FRAME_BYTES || le32_get(in) != (uint32_t)salt)
		return EC_ECORRUPT;
	n = le32_get(in + 8);
	if (n > JOURNAL_PAYLOAD_MAX || n > len - JOURNAL_FRAME_BYTES ||
	    le32_get(in + 4) != frame_crc(in, in + JOURNAL_FRAME_BYTES, n,
	    salt))
		return EC_ECORRUPT;
	f->type = in[12];
	f->payload = in + JOURNAL_FRAME_BYTES;
	f->len = n;
	f->seq = le64_get(in + 16);
	f->origin = le64_get(in + 24);
	if (ordinal != NULL)
		*ordinal = le16_get(in + 14);
	return EC_OK;
}

void
segment_reader_init(struct segment_reader *r, int fd, uint64_t salt,
    uint64_t at, uint64_t end, uint64_t seq)
{
	*r = (struct segment_reader){ .fd = fd, .salt = salt, .at = at,
		.end = end, .seq = seq };
}

void
segment_reader_release(struct segment_reader *r)
{
	free(r->window);
	r->window = NULL;
}

/* All there is at ${at}, at least a whole frame unless the end is near. */
static enum err
look(struct segment_reader *r, uint64_t at, const uint8_t **p, size_t *len)
{
	size_t want = (size_t)num_min(r->end - at,
	    JOURNAL_PAYLOAD_MAX + JOURNAL_FRAME_BYTES);
	enum err e;

	if (at < r->base || at + want > r->base + r->have) {
		size_t room = (size_t)num_min(r->end - at, WINDOW_BYTES);

		if (r->window == NULL) {
			if ((r->window = malloc(room)) == NULL)
				return EC_ENOMEM;
			r->cap = room;
		}
		r->base = at;
		if ((e = io_pread_full(r->fd, r->window,
		    (size_t)num_min(room, r->cap), at, &r->have)) != EC_OK) {
			r->have = 0;
			return e;
		}
	}
	*p = r->window + (at - r->base);
	*len = (size_t)num_min(r->base + r->have - at, want);
	return EC_OK;
}

enum err
segment_next(struct segment_reader *r, struct journal_frame *f, bool *gap,
    uint64_t *batch)
{
	const uint8_t *p;
	unsigned ordinal = 0;
	size_t len;
	enum err e;

	*gap = false;
	for (uint64_t at = r->at; at + JOURNAL_FRAME_BYTES <= r->end;
	    at += 8) {
		if ((e = look(r, at, &p, &len)) != EC_OK)
			return e;
		if (segment_frame_get(f, &ordinal, p, len, r->salt) != EC_OK ||
		    f->seq <= r->seq || f->origin > f->seq) {
			*gap = true;
			continue;
		}
		*batch = f->seq - ordinal;
		f->offset = at;
		r->at = at + journal_frame_bytes(f->len);
		r->seq = f->seq;
		return EC_OK;
	}
	return EC_ENOTFOUND;
}
