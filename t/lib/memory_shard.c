/* memory_shard: the shard files of a disk in memory, a sorted array. */
#include "memory_disk.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct drive_writer {
	struct memory_disk *disk;
	struct memory_shard *shard;
};

struct drive_reader {
	struct memory_disk *disk;
	struct memory_shard *shard;
};

static void
shard_free(struct memory_shard *s)
{
	free(s->bytes);
	free(s);
}

static int
shard_cmp(const struct uuid *data, unsigned index, const struct memory_shard *s)
{
	int c = memcmp(data->b, s->data.b, UUID_BYTES);

	return c != 0 ? c : index < s->index ? -1 : index > s->index;
}

/* Where it is, or would be. */
static size_t
shard_find(struct memory_disk *m, const struct uuid *data, unsigned index,
    bool *found)
{
	size_t lo = 0, hi = m->shard_count;

	*found = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = shard_cmp(data, index, m->shards[mid]);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

void
memory_shard_drop(struct memory_disk *m, size_t at)
{
	struct memory_shard *s = m->shards[at];

	m->shard_count--;
	memmove(m->shards + at, m->shards + at + 1,
	    (m->shard_count - at) * sizeof(m->shards[0]));
	s->gone = true;
	if (s->readers == 0)
		shard_free(s);
}

static enum err
shard_insert(struct memory_disk *m, struct memory_shard *s)
{
	struct memory_shard **grown;
	bool found;
	size_t at = shard_find(m, &s->data, s->index, &found);

	if (found) {
		memory_shard_drop(m, at);
		m->quarantined++;
	}
	if (m->shard_count == m->shard_cap) {
		size_t cap = m->shard_cap * 2 + 64;

		if ((grown = realloc(m->shards, cap * sizeof(*grown))) == NULL)
			return EC_ENOMEM;
		m->shards = grown;
		m->shard_cap = cap;
	}
	memmove(m->shards + at + 1, m->shards + at,
	    (m->shard_count - at) * sizeof(m->shards[0]));
	m->shards[at] = s;
	m->shard_count++;
	return EC_OK;
}

enum err
memory_shard_create(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t bytes_hint, struct drive_writer **out)
{
	struct memory_disk *m = memory_disk_of(d);
	struct drive_writer *w = mem_array(1, sizeof(*w));
	struct memory_shard *s = mem_array(1, sizeof(*s));
	enum err e, late;

	(void)bytes_hint;
	if (w == NULL || s == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	if ((e = memory_begin(m, MEMORY_CREATE, &late)) != EC_OK)
		goto out;
	if ((e = memory_end(m, EC_OK, late)) != EC_OK)
		goto out;
	s->data = *data;
	s->index = index;
	w->disk = m;
	w->shard = s;
	*out = w;
	w = NULL;
	s = NULL;
out:
	free(w);
	free(s);
	return e;
}

enum err
memory_shard_write(struct drive_writer *w, const void *buf, size_t len)
{
	struct memory_disk *m = w->disk;
	struct memory_shard *s = w->shard;
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_WRITE, &late)) != EC_OK)
		return e;
	if (s->len + len > s->cap) {
		size_t cap = (s->len + len) * 2;
		uint8_t *grown = realloc(s->bytes, cap);

		if (grown == NULL)
			return memory_end(m, EC_ENOMEM, EC_OK);
		s->bytes = grown;
		s->cap = cap;
	}
	if (len > 0)
		memcpy(s->bytes + s->len, buf, len);
	s->len += len;
	m->stats.shard_bytes_written += len;
	return memory_end(m, EC_OK, late);
}

enum err
memory_shard_commit(struct drive_writer *w)
{
	struct memory_disk *m = w->disk;
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_COMMIT, &late)) == EC_OK) {
		w->shard->mtime_us = clock_real_us();
		m->stats.shard_flushes++;
		if ((e = shard_insert(m, w->shard)) == EC_OK)
			w->shard = NULL;
		e = memory_end(m, e, late);
	}
	if (w->shard != NULL)
		shard_free(w->shard);
	free(w);
	return e;
}

void
memory_shard_abort(struct drive_writer *w)
{
	shard_free(w->shard);
	free(w);
}

enum err
memory_shard_open(struct drive *d, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes)
{
	struct memory_disk *m = memory_disk_of(d);
	struct drive_reader *r;
	enum err e, late;
	bool found;
	size_t at;

	if ((r = mem_array(1, sizeof(*r))) == NULL)
		return EC_ENOMEM;
	if ((e = memory_begin(m, MEMORY_OPEN, &late)) != EC_OK) {
		free(r);
		return e;
	}
	at = shard_find(m, data, index, &found);
	if (!found || late != EC_OK) {
		e = memory_end(m, EC_ENOTFOUND, late);
		free(r);
		return e;
	}
	r->disk = m;
	r->shard = m->shards[at];
	r->shard->readers++;
	*bytes = r->shard->len;
	*out = r;
	return memory_end(m, EC_OK, EC_OK);
}

enum err
memory_shard_pread(struct drive_reader *r, void *buf, size_t len, uint64_t off)
{
	struct memory_disk *m = r->disk;
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_READ, &late)) != EC_OK)
		return e;
	if (off > r->shard->len || len > r->shard->len - off)
		return memory_end(m, EC_ECORRUPT, late);
	memcpy(buf, r->shard->bytes + off, len);
	m->stats.shard_bytes_read += len;
	return memory_end(m, EC_OK, late);
}

void
memory_shard_close(struct drive_reader *r)
{
	struct memory_disk *m = r->disk;

	pthread_mutex_lock(&m->lock);
	if (--r->shard->readers == 0 && r->shard->gone)
		shard_free(r->shard);
	pthread_mutex_unlock(&m->lock);
	free(r);
}

enum err
memory_shard_remove(struct drive *d, const struct uuid *data, unsigned index)
{
	struct memory_disk *m = memory_disk_of(d);
	enum err e, late;
	bool found;
	size_t at;

	if ((e = memory_begin(m, MEMORY_REMOVE, &late)) != EC_OK)
		return e;
	at = shard_find(m, data, index, &found);
	if (!found)
		return memory_end(m, EC_ENOTFOUND, late);
	memory_shard_drop(m, at);
	return memory_end(m, EC_OK, late);
}

enum err
memory_shard_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct memory_disk *m = memory_disk_of(d);
	enum err e, late;

	*n = 0;
	if ((e = memory_begin(m, MEMORY_LIST, &late)) != EC_OK)
		return e;
	for (size_t i = 0; i < m->shard_count && *n < max; i++) {
		const struct memory_shard *s = m->shards[i];

		if (after != NULL &&
		    memcmp(s->data.b, after->b, UUID_BYTES) <= 0)
			continue;
		out[(*n)++] = (struct drive_shard_info){ .data = s->data,
			.index = s->index, .bytes = s->len,
			.mtime_us = s->mtime_us };
	}
	return memory_end(m, EC_OK, late);
}

unsigned
memory_disk_shards(struct memory_disk *m)
{
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = (unsigned)m->shard_count;
	pthread_mutex_unlock(&m->lock);
	return n;
}

unsigned
memory_disk_quarantined(struct memory_disk *m)
{
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = m->quarantined;
	pthread_mutex_unlock(&m->lock);
	return n;
}

uint8_t *
memory_disk_shard(struct memory_disk *m, const struct uuid *data,
    unsigned index, size_t *len)
{
	uint8_t *bytes = NULL;
	bool found;
	size_t at;

	pthread_mutex_lock(&m->lock);
	at = shard_find(m, data, index, &found);
	if (found) {
		bytes = m->shards[at]->bytes;
		*len = m->shards[at]->len;
	}
	pthread_mutex_unlock(&m->lock);
	return bytes;
}

uint8_t *
memory_disk_shard_at(struct memory_disk *m, unsigned i,
    struct drive_shard_info *info)
{
	uint8_t *bytes = NULL;

	pthread_mutex_lock(&m->lock);
	if (i < m->shard_count) {
		const struct memory_shard *s = m->shards[i];

		bytes = s->bytes;
		*info = (struct drive_shard_info){ .data = s->data,
			.index = s->index, .bytes = s->len,
			.mtime_us = s->mtime_us };
	}
	pthread_mutex_unlock(&m->lock);
	return bytes;
}
