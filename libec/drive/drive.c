/* drive: what all drives share. */
#include "drive/drive.h"

#include "base/num.h"

void
drive_close(struct drive *d)
{
	if (d != NULL)
		d->ops->close(d);
}

enum drive_table
drive_table_of(enum record_kind kind)
{
	switch (kind) {
	case RECORD_BUCKET:
		return DRIVE_BUCKETS;
	case RECORD_UPLOAD:
		return DRIVE_UPLOADS;
	case RECORD_PART:
		return DRIVE_PARTS;
	case RECORD_HEAL:
		return DRIVE_HEALS;
	default:
		return DRIVE_VERSIONS;
	}
}

bool
drive_records_next(const struct drive_records *l, size_t *pos,
    const uint8_t **rec, size_t *len)
{
	size_t left = l->buf.len - *pos;

	if (*pos >= l->buf.len || left < 4)
		return false;
	*len = le32_get(l->buf.data + *pos);
	if (*len > left - 4)
		return false;
	*rec = l->buf.data + *pos + 4;
	*pos += 4 + *len;
	return true;
}

enum err
drive_records_add(struct drive_records *l, const void *rec, size_t len)
{
	uint8_t head[4];
	uint8_t *room;
	enum err e;

	if (len > RECORD_BYTES_MAX)
		return EC_EINVAL;
	if ((e = buf_reserve(&l->buf, sizeof head + len, &room)) != EC_OK)
		return e;
	le32_put(head, (uint32_t)len);
	if ((e = buf_add(&l->buf, head, sizeof head)) != EC_OK)
		return e;
	return buf_add(&l->buf, rec, len);
}
