/* canned_drive: a drive in memory.  Shard files are real; of records it keeps
 * what it was last given, and answers what it was told to. */
#ifndef CANNED_DRIVE_H
#define CANNED_DRIVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "drive/drive.h"

enum { MEMORY_FILES = 64 };

struct memory_file {
	bool used;
	struct uuid data;
	unsigned index;
	uint8_t *bytes;
	size_t len;
};

struct memory_drive {
	struct drive d;
	pthread_mutex_t lock;
	struct memory_file files[MEMORY_FILES];
	struct format format;
	struct drive_stats stats;
	/* The last append and query, as text or as they were. */
	unsigned append_n, append_flags;
	char append_text[256];
	struct drive_query query;
	char query_text[512];
	/* What to answer. */
	enum err append_err, query_err, probe_err;
	enum err write_err;
	unsigned answers;	/* records */
	atomic_uint aborted, committed, preads;
};

struct drive_writer {
	struct memory_drive *m;
	struct memory_file f;
};

struct drive_reader {
	struct memory_drive *m;
	struct memory_file *f;
};

static inline enum err
memory_append(struct drive *d, struct drive_append *a, unsigned n)
{
	struct memory_drive *m = (struct memory_drive *)d;

	m->append_n = n;
	m->append_text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		if (i < 10)
			strncat(m->append_text, a[i].rec, a[i].len < 20 ?
			    a[i].len : 20);
		m->append_flags = a[i].flags;
		a[i].err = i % 2 == 1 ? EC_ESTALE : EC_OK;
		a[i].hlc = i * 1000 + (1ull << 60);
		a[i].superseded = i % 3 == 1;
	}
	m->stats.appends += n;
	m->stats.flushes++;
	return m->append_err;
}

static inline enum err
memory_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out)
{
	struct memory_drive *m = (struct memory_drive *)d;
	char rec[32];

	m->query = *q;
	snprintf(m->query_text, sizeof(m->query_text), "%s|%s|%s|%s|%s",
	    q->bucket ? q->bucket : "-", q->key ? q->key : "-",
	    q->prefix ? q->prefix : "-", q->after_bucket ? q->after_bucket :
	    "-", q->after_key ? q->after_key : "-");
	for (unsigned i = 0; i < m->answers && m->query_err == EC_OK; i++) {
		snprintf(rec, sizeof(rec), "record %u", i);
		drive_records_add(out, rec, strlen(rec));
	}
	return m->query_err;
}

static inline struct memory_file *
memory_find(struct memory_drive *m, const struct uuid *data, unsigned index)
{
	for (int i = 0; i < MEMORY_FILES; i++)
		if (m->files[i].used && m->files[i].index == index &&
		    uuid_equal(&m->files[i].data, data))
			return &m->files[i];
	return NULL;
}

static inline enum err
memory_create(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t hint, struct drive_writer **out)
{
	struct drive_writer *w = calloc(1, sizeof(*w));

	(void)hint;
	w->m = (struct memory_drive *)d;
	w->f.data = *data;
	w->f.index = index;
	*out = w;
	return EC_OK;
}

static inline enum err
memory_write(struct drive_writer *w, const void *buf, size_t len)
{
	if (w->m->write_err != EC_OK)
		return w->m->write_err;
	w->f.bytes = realloc(w->f.bytes, w->f.len + len);
	memcpy(w->f.bytes + w->f.len, buf, len);
	w->f.len += len;
	return EC_OK;
}

static inline enum err
memory_remove(struct drive *d, const struct uuid *data, unsigned index)
{
	struct memory_drive *m = (struct memory_drive *)d;
	struct memory_file *f;

	pthread_mutex_lock(&m->lock);
	if ((f = memory_find(m, data, index)) != NULL) {
		free(f->bytes);
		f->used = false;
	}
	pthread_mutex_unlock(&m->lock);
	return f != NULL ? EC_OK : EC_ENOTFOUND;
}

static inline enum err
memory_commit(struct drive_writer *w)
{
	struct memory_drive *m = w->m;
	enum err e = EC_ENOSPC;

	m->committed++;
	memory_remove(&m->d, &w->f.data, w->f.index);
	pthread_mutex_lock(&m->lock);
	m->stats.shard_bytes_written += w->f.len;
	for (int i = 0; i < MEMORY_FILES && e != EC_OK; i++)
		if (!m->files[i].used) {
			m->files[i] = w->f;
			m->files[i].used = true;
			e = EC_OK;
		}
	pthread_mutex_unlock(&m->lock);
	free(w);
	return e;
}

static inline void
memory_abort(struct drive_writer *w)
{
	w->m->aborted++;
	free(w->f.bytes);
	free(w);
}

static inline enum err
memory_open(struct drive *d, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes)
{
	struct memory_drive *m = (struct memory_drive *)d;
	struct memory_file *f;

	pthread_mutex_lock(&m->lock);
	f = memory_find(m, data, index);
	pthread_mutex_unlock(&m->lock);
	if (f == NULL)
		return EC_ENOTFOUND;
	*out = calloc(1, sizeof(**out));
	(*out)->m = m;
	(*out)->f = f;
	*bytes = f->len;
	return EC_OK;
}

static inline enum err
memory_pread(struct drive_reader *r, void *buf, size_t len, uint64_t off)
{
	if (off > r->f->len || len > r->f->len - off)
		return EC_ECORRUPT;
	if (len > 0)
		memcpy(buf, r->f->bytes + off, len);
	r->m->stats.shard_bytes_read += len;
	r->m->preads++;
	return EC_OK;
}

static inline void
memory_reader_close(struct drive_reader *r)
{
	free(r);
}

static inline enum err
memory_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct memory_drive *m = (struct memory_drive *)d;
	struct memory_file *best;
	struct uuid last = { { 0 } };

	if (after != NULL)
		last = *after;
	for (*n = 0; *n < max; ++*n) {
		best = NULL;
		for (int i = 0; i < MEMORY_FILES; i++)
			if (m->files[i].used && memcmp(m->files[i].data.b,
			    last.b, UUID_BYTES) > 0 && (best == NULL ||
			    memcmp(m->files[i].data.b, best->data.b,
			    UUID_BYTES) < 0))
				best = &m->files[i];
		if (best == NULL)
			break;
		last = best->data;
		out[*n] = (struct drive_shard_info){ last, best->index,
		    best->len, 1 };
	}
	return EC_OK;
}

static inline enum err
memory_probe(struct drive *d, struct format *out)
{
	struct memory_drive *m = (struct memory_drive *)d;

	*out = m->format;
	return m->probe_err;
}

static inline enum err
memory_reformat(struct drive *d, const struct format *f)
{
	((struct memory_drive *)d)->format = *f;
	return EC_OK;
}

static inline enum err
memory_space(struct drive *d, struct drive_space *out)
{
	(void)d;
	*out = (struct drive_space){ 1ull << 40, 1ull << 39 };
	return EC_OK;
}

static inline enum err
memory_stats(struct drive *d, struct drive_stats *out)
{
	*out = ((struct memory_drive *)d)->stats;
	return EC_OK;
}

static inline enum err
memory_maintain(struct drive *d, unsigned budget_ms, unsigned grace_s,
    uint64_t *removed)
{
	(void)d;
	*removed = budget_ms == 10 && grace_s == 3600 ? 0 : 1;
	return EC_OK;
}

static inline void
memory_close(struct drive *d)
{
	struct memory_drive *m = (struct memory_drive *)d;

	for (int i = 0; i < MEMORY_FILES; i++)
		if (m->files[i].used)
			free(m->files[i].bytes);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static inline struct memory_drive *
memory_drive_new(void)
{
	static const struct drive_ops ops = {
		.append = memory_append, .query = memory_query,
		.shard_create = memory_create, .shard_write = memory_write,
		.shard_commit = memory_commit, .shard_abort = memory_abort,
		.shard_open = memory_open, .shard_pread = memory_pread,
		.shard_close = memory_reader_close,
		.shard_remove = memory_remove,
		.shard_list = memory_list,
		.probe = memory_probe, .reformat = memory_reformat,
		.space = memory_space, .stats = memory_stats,
		.maintain = memory_maintain, .close = memory_close,
	};
	struct memory_drive *m = calloc(1, sizeof(*m));

	if (m == NULL)
		exit(1);
	m->d.ops = &ops;
	m->d.name = "memory";
	m->d.local = true;
	pthread_mutex_init(&m->lock, NULL);
	m->format = (struct format){ .deployment = uuid_new(),
	    .drive = uuid_new(), .set_count = 1, .drive_count = 1,
	    .generation = 1 };
	m->format.drives[0] = m->format.drive;
	return m;
}

#endif
