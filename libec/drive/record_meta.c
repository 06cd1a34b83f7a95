/* record_meta: names and values one behind the other; ec-drive(5). */
#include <string.h>

#include "base/num.h"
#include "drive/record.h"

enum { META_HEAD_BYTES = 6 };

bool
record_meta_ok(const uint8_t *meta, size_t meta_len)
{
	size_t pos = 0;

	while (pos < meta_len) {
		size_t name_len, value_len;

		if (meta_len - pos < META_HEAD_BYTES)
			return false;
		name_len = le16_get(meta + pos);
		value_len = le32_get(meta + pos + 2);
		pos += META_HEAD_BYTES;
		if (name_len == 0 || name_len > meta_len - pos ||
		    value_len > meta_len - pos - name_len)
			return false;
		pos += name_len + value_len;
	}
	return true;
}

enum err
record_meta_add(struct buf *meta, const char *name, const void *value,
    size_t len)
{
	size_t name_len = strlen(name);
	uint8_t *p;
	enum err e;

	if (name_len == 0 || name_len > UINT16_MAX || len > RECORD_META_MAX)
		return EC_EINVAL;
	if (META_HEAD_BYTES + name_len + len > RECORD_META_MAX ||
	    meta->len > RECORD_META_MAX - META_HEAD_BYTES - name_len - len)
		return EC_ELIMIT;
	if ((e = buf_reserve(meta, META_HEAD_BYTES + name_len + len, &p)) !=
	    EC_OK)
		return e;
	le16_put(p, (uint16_t)name_len);
	le32_put(p + 2, (uint32_t)len);
	memcpy(p + META_HEAD_BYTES, name, name_len);
	if (len > 0)
		memcpy(p + META_HEAD_BYTES + name_len, value, len);
	meta->len += META_HEAD_BYTES + name_len + len;
	return EC_OK;
}

bool
record_meta_next(const uint8_t *meta, size_t meta_len, size_t *pos,
    const char **name, size_t *name_len, const uint8_t **value,
    size_t *value_len)
{
	const uint8_t *p;

	if (*pos >= meta_len)
		return false;
	p = meta + *pos;
	*name_len = le16_get(p);
	*value_len = le32_get(p + 2);
	*name = (const char *)p + META_HEAD_BYTES;
	*value = p + META_HEAD_BYTES + *name_len;
	*pos += META_HEAD_BYTES + *name_len + *value_len;
	return true;
}

const uint8_t *
record_meta_get(const uint8_t *meta, size_t meta_len, const char *name,
    size_t *len)
{
	size_t want = strlen(name), pos = 0, name_len;
	const uint8_t *value;
	const char *got;

	while (record_meta_next(meta, meta_len, &pos, &got, &name_len, &value,
	    len))
		if (name_len == want && memcmp(got, name, want) == 0)
			return value;
	return NULL;
}

size_t
record_meta_listed(uint8_t out[RECORD_LISTED_MAX], const uint8_t *meta,
    size_t meta_len)
{
	static const char *const names[] = { RECORD_META_OWNER,
		RECORD_META_SUM };
	size_t n = 0, len, name, whole;
	const uint8_t *value;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		name = strlen(names[i]);
		value = record_meta_get(meta, meta_len, names[i], &len);
		whole = META_HEAD_BYTES + name + len;
		if (value == NULL || whole > RECORD_LISTED_MAX - n)
			continue;
		memcpy(out + n, value - name - META_HEAD_BYTES, whole);
		n += whole;
	}
	return n;
}

enum err
record_meta_set(struct buf *meta, const char *name, const void *value,
    size_t len)
{
	struct buf kept = BUF_INIT(RECORD_META_MAX);
	size_t want = strlen(name), pos = 0, from, name_len, value_len;
	const uint8_t *old;
	const char *got;
	enum err e = EC_OK;

	for (from = 0; e == EC_OK && record_meta_next(meta->data, meta->len,
	    &pos, &got, &name_len, &old, &value_len); from = pos)
		if (name_len != want || memcmp(got, name, want) != 0)
			e = buf_add(&kept, meta->data + from, pos - from);
	if (e == EC_OK && value != NULL)
		e = record_meta_add(&kept, name, value, len);
	if (e == EC_OK) {
		meta->len = 0;
		e = kept.len > 0 ? buf_add(meta, kept.data, kept.len) : EC_OK;
	}
	buf_release(&kept);
	return e;
}
