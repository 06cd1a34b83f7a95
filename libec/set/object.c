/* object: what readers are told of a version, and names. */
#include <stdlib.h>
#include <string.h>

#include "set/object.h"

void
object_release(struct object *o)
{
	buf_release(&o->meta);
	free(o->parts);
	*o = (struct object)OBJECT_INIT;
}

enum err
object_from_record(struct object *o, const struct record *r)
{
	enum err e;

	if (strlen(r->bucket) > RECORD_BUCKET_MAX ||
	    strlen(r->key) > RECORD_KEY_MAX ||
	    strlen(r->etag) > RECORD_ETAG_MAX)
		return EC_ECORRUPT;
	strcpy(o->bucket, r->bucket);
	strcpy(o->key, r->key);
	strcpy(o->etag, r->etag);
	o->version = r->stamp;
	o->null_version = (r->flags & RECORD_NULL) != 0;
	o->marker = r->kind == RECORD_MARKER;
	o->size = r->size;
	o->mtime_us = r->mtime_us;
	o->k = r->k;
	o->m = r->m;
	o->meta.len = 0;
	if (r->meta_len > 0 &&
	    (e = buf_add(&o->meta, r->meta, r->meta_len)) != EC_OK)
		return e;
	if (r->part_count > 0) {
		o->parts = calloc(r->part_count, sizeof(o->parts[0]));
		if (o->parts == NULL)
			return EC_ENOMEM;
		memcpy(o->parts, r->parts,
		    r->part_count * sizeof(o->parts[0]));
		o->part_count = r->part_count;
	}
	return EC_OK;
}

enum err
object_amend(struct object *o, const struct record *r)
{
	o->amended = r->stamp;
	o->meta.len = 0;
	return r->meta_len == 0 ? EC_OK :
	    buf_add(&o->meta, r->meta, r->meta_len);
}

static bool
bucket_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Four numbers with dots are not a name, they look like an address. */
static bool
looks_like_address(const char *s)
{
	unsigned dots = 0;

	for (; *s != '\0'; s++) {
		if (*s == '.')
			dots++;
		else if (*s < '0' || *s > '9')
			return false;
	}
	return dots == 3;
}

enum err
object_bucket_valid(const char *bucket)
{
	size_t len = strlen(bucket);
	const char *name = bucket;

	if (len < 3 || len > RECORD_BUCKET_MAX)
		return EC_EINVAL;
	if (name[0] == '.') {	/* the system's own */
		name++;
		len--;
	}
	if (!bucket_char(name[0]) || !bucket_char(name[len - 1]) ||
	    looks_like_address(name) || strncmp(name, "xn--", 4) == 0)
		return EC_EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (!bucket_char(name[i]) && name[i] != '.' && name[i] != '-')
			return EC_EINVAL;
		if (name[i] == '.' && name[i + 1] == '.')
			return EC_EINVAL;
	}
	return EC_OK;
}

/* Bytes of the UTF-8 sequence at ${p} (RFC 3629, table 3-7 of Unicode), 0 when
 * it is not one. */
static size_t
utf8_len(const uint8_t *p)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

enum err
object_key_valid(const char *key)
{
	const uint8_t *p = (const uint8_t *)key;
	size_t len = strlen(key), n;

	if (len < 1 || len > RECORD_KEY_MAX)
		return EC_EINVAL;
	for (; *p != '\0'; p += n)
		if ((n = utf8_len(p)) == 0)
			return EC_EINVAL;
	return EC_OK;
}
