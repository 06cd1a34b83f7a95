/* memory_drive: see the header; rows and shards are sorted arrays. */
#include "memory_drive.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

struct row {
	enum drive_table table;
	struct record rec;
	struct record_part *parts;
	uint8_t *bytes;			/* rec leads into it */
	size_t len;
};

struct shard {
	struct uuid data;
	unsigned index;
	unsigned readers;		/* that have it open */
	bool gone;			/* unlinked, kept for its readers */
	uint8_t *bytes;
	size_t len, cap;
	uint64_t mtime_us;
};

struct memory_disk {
	char *name;
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t released;
	struct row **rows;
	size_t row_count, row_cap;
	struct shard **shards;
	size_t shard_count, shard_cap;
	unsigned fail_mask, hang_mask, delay_mask, delay_us, waiting;
	enum err fail_err;
	unsigned quarantined;
	struct format format;
	struct drive_stats stats;
	uint64_t counts[12];
};

struct memory_drive {
	struct drive drive;
	struct memory_disk *disk;
};

struct drive_writer {
	struct memory_disk *disk;
	struct shard *shard;
};

struct drive_reader {
	struct memory_disk *disk;
	struct shard *shard;
};

static struct {
	pthread_mutex_t lock;		/* guards what follows */
	unsigned left, mask;
	enum err err;
	bool done, met;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
memory_fault_arm(unsigned nth, unsigned mask, enum err err, bool done)
{
	pthread_mutex_lock(&fault.lock);
	fault.left = nth;
	fault.mask = mask;
	fault.err = err;
	fault.done = done;
	fault.met = false;
	pthread_mutex_unlock(&fault.lock);
}

bool
memory_fault_met(void)
{
	bool met;

	pthread_mutex_lock(&fault.lock);
	met = fault.met;
	pthread_mutex_unlock(&fault.lock);
	return met;
}

/* Whether this operation is the one to fail, and whether after it is done. */
static enum err
fault_take(unsigned op, bool *after)
{
	enum err e = EC_OK;

	*after = false;
	pthread_mutex_lock(&fault.lock);
	if (fault.left > 0 && (fault.mask & op) != 0 && --fault.left == 0) {
		fault.met = true;
		*after = fault.done;
		e = fault.err;
	}
	pthread_mutex_unlock(&fault.lock);
	return e;
}

static unsigned
op_bit(unsigned op)
{
	unsigned i = 0;

	while (op > 1) {
		op >>= 1;
		i++;
	}
	return i;
}

/* Every operation: ${late} is what to fail with once it is done.  On EC_OK
 * the disk is locked. */
static enum err
op_begin(struct memory_disk *m, unsigned op, enum err *late)
{
	struct timespec ts = { 0, 0 };
	bool after;
	enum err e;

	*late = EC_OK;
	pthread_mutex_lock(&m->lock);
	m->counts[op_bit(op)]++;
	if ((m->delay_mask & op) != 0) {
		ts.tv_sec = m->delay_us / 1000000;
		ts.tv_nsec = (long)(m->delay_us % 1000000) * 1000;
	}
	if (ts.tv_sec != 0 || ts.tv_nsec != 0) {
		pthread_mutex_unlock(&m->lock);
		nanosleep(&ts, NULL);
		pthread_mutex_lock(&m->lock);
	}
	m->waiting++;
	while ((m->hang_mask & op) != 0)
		pthread_cond_wait(&m->released, &m->lock);
	m->waiting--;
	e = (m->fail_mask & op) != 0 ? m->fail_err : EC_OK;
	if (e == EC_OK && (e = fault_take(op, &after)) != EC_OK && after) {
		*late = e;
		e = EC_OK;
	}
	if (e != EC_OK)
		pthread_mutex_unlock(&m->lock);
	return e;
}

static enum err
op_end(struct memory_disk *m, enum err e, enum err late)
{
	pthread_mutex_unlock(&m->lock);
	return late != EC_OK ? late : e;
}

void
memory_disk_fail(struct memory_disk *m, unsigned mask, enum err err)
{
	pthread_mutex_lock(&m->lock);
	m->fail_mask = err == EC_OK ? 0 : mask;
	m->fail_err = err;
	pthread_mutex_unlock(&m->lock);
}

void
memory_disk_offline(struct memory_disk *m, bool offline)
{
	memory_disk_fail(m, MEMORY_ALL, offline ? EC_EOFFLINE : EC_OK);
}

void
memory_disk_hang(struct memory_disk *m, unsigned mask)
{
	pthread_mutex_lock(&m->lock);
	m->hang_mask = mask;
	pthread_mutex_unlock(&m->lock);
}

void
memory_disk_release(struct memory_disk *m)
{
	pthread_mutex_lock(&m->lock);
	m->hang_mask = 0;
	pthread_cond_broadcast(&m->released);
	pthread_mutex_unlock(&m->lock);
}

unsigned
memory_disk_waiting(struct memory_disk *m)
{
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = m->waiting;
	pthread_mutex_unlock(&m->lock);
	return n;
}

void
memory_disk_delay(struct memory_disk *m, unsigned mask, unsigned us)
{
	pthread_mutex_lock(&m->lock);
	m->delay_mask = us > 0 ? mask : 0;
	m->delay_us = us;
	pthread_mutex_unlock(&m->lock);
}

/* Shards. */

static void
shard_free(struct shard *s)
{
	free(s->bytes);
	free(s);
}

static int
shard_cmp(const struct uuid *data, unsigned index, const struct shard *s)
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

static void
shard_drop(struct memory_disk *m, size_t at)
{
	struct shard *s = m->shards[at];

	m->shard_count--;
	memmove(m->shards + at, m->shards + at + 1,
	    (m->shard_count - at) * sizeof(m->shards[0]));
	s->gone = true;
	if (s->readers == 0)
		shard_free(s);
}

static enum err
shard_insert(struct memory_disk *m, struct shard *s)
{
	struct shard **grown;
	bool found;
	size_t at = shard_find(m, &s->data, s->index, &found);

	if (found) {
		shard_drop(m, at);
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

static enum err
op_shard_create(struct drive *d, const struct uuid *data, unsigned index,
    uint64_t bytes_hint, struct drive_writer **out)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	struct drive_writer *w = mem_array(1, sizeof(*w));
	struct shard *s = mem_array(1, sizeof(*s));
	enum err e, late;

	(void)bytes_hint;
	if (w == NULL || s == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	if ((e = op_begin(m, MEMORY_CREATE, &late)) != EC_OK)
		goto out;
	if ((e = op_end(m, EC_OK, late)) != EC_OK)
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

static enum err
op_shard_write(struct drive_writer *w, const void *buf, size_t len)
{
	struct memory_disk *m = w->disk;
	struct shard *s = w->shard;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_WRITE, &late)) != EC_OK)
		return e;
	if (s->len + len > s->cap) {
		size_t cap = (s->len + len) * 2;
		uint8_t *grown = realloc(s->bytes, cap);

		if (grown == NULL)
			return op_end(m, EC_ENOMEM, EC_OK);
		s->bytes = grown;
		s->cap = cap;
	}
	if (len > 0)
		memcpy(s->bytes + s->len, buf, len);
	s->len += len;
	m->stats.shard_bytes_written += len;
	return op_end(m, EC_OK, late);
}

static enum err
op_shard_commit(struct drive_writer *w)
{
	struct memory_disk *m = w->disk;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_COMMIT, &late)) == EC_OK) {
		w->shard->mtime_us = clock_real_us();
		m->stats.shard_flushes++;
		if ((e = shard_insert(m, w->shard)) == EC_OK)
			w->shard = NULL;
		e = op_end(m, e, late);
	}
	if (w->shard != NULL)
		shard_free(w->shard);
	free(w);
	return e;
}

static void
op_shard_abort(struct drive_writer *w)
{
	shard_free(w->shard);
	free(w);
}

static enum err
op_shard_open(struct drive *d, const struct uuid *data, unsigned index,
    struct drive_reader **out, uint64_t *bytes)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	struct drive_reader *r;
	enum err e, late;
	bool found;
	size_t at;

	if ((r = mem_array(1, sizeof(*r))) == NULL)
		return EC_ENOMEM;
	if ((e = op_begin(m, MEMORY_OPEN, &late)) != EC_OK) {
		free(r);
		return e;
	}
	at = shard_find(m, data, index, &found);
	if (!found || late != EC_OK) {
		e = op_end(m, EC_ENOTFOUND, late);
		free(r);
		return e;
	}
	r->disk = m;
	r->shard = m->shards[at];
	r->shard->readers++;
	*bytes = r->shard->len;
	*out = r;
	return op_end(m, EC_OK, EC_OK);
}

static enum err
op_shard_pread(struct drive_reader *r, void *buf, size_t len, uint64_t off)
{
	struct memory_disk *m = r->disk;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_READ, &late)) != EC_OK)
		return e;
	if (off > r->shard->len || len > r->shard->len - off)
		return op_end(m, EC_ECORRUPT, late);
	memcpy(buf, r->shard->bytes + off, len);
	m->stats.shard_bytes_read += len;
	return op_end(m, EC_OK, late);
}

static void
op_shard_close(struct drive_reader *r)
{
	struct memory_disk *m = r->disk;

	pthread_mutex_lock(&m->lock);
	if (--r->shard->readers == 0 && r->shard->gone)
		shard_free(r->shard);
	pthread_mutex_unlock(&m->lock);
	free(r);
}

static enum err
op_shard_remove(struct drive *d, const struct uuid *data, unsigned index)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	enum err e, late;
	bool found;
	size_t at;

	if ((e = op_begin(m, MEMORY_REMOVE, &late)) != EC_OK)
		return e;
	at = shard_find(m, data, index, &found);
	if (!found)
		return op_end(m, EC_ENOTFOUND, late);
	shard_drop(m, at);
	return op_end(m, EC_OK, late);
}

static enum err
op_shard_list(struct drive *d, const struct uuid *after,
    struct drive_shard_info *out, unsigned max, unsigned *n)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	enum err e, late;

	*n = 0;
	if ((e = op_begin(m, MEMORY_LIST, &late)) != EC_OK)
		return e;
	for (size_t i = 0; i < m->shard_count && *n < max; i++) {
		const struct shard *s = m->shards[i];

		if (after != NULL &&
		    memcmp(s->data.b, after->b, UUID_BYTES) <= 0)
			continue;
		out[(*n)++] = (struct drive_shard_info){ .data = s->data,
			.index = s->index, .bytes = s->len,
			.mtime_us = s->mtime_us };
	}
	return op_end(m, EC_OK, late);
}

/* Rows. */

static bool
row_is_version(const struct record *r)
{
	return r->kind == RECORD_OBJECT || r->kind == RECORD_MARKER ||
	    r->kind == RECORD_TOMBSTONE || r->kind == RECORD_AMEND;
}

static enum drive_table
row_table(enum record_kind kind)
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

static uint32_t
part_number(const struct record *r)
{
	return r->part_count > 0 ? r->parts[0].number : 0;
}

/* Are they states of one thing, of which the greatest stamp stands? */
static bool
row_same_thing(const struct record *a, const struct record *b)
{
	if (row_table(a->kind) != row_table(b->kind) ||
	    strcmp(a->bucket, b->bucket) != 0 || strcmp(a->key, b->key) != 0)
		return false;
	switch (row_table(a->kind)) {
	case DRIVE_VERSIONS:
	case DRIVE_BUCKETS:
		return true;
	case DRIVE_UPLOADS:
	case DRIVE_HEALS:
		return stamp_cmp(&a->target, &b->target) == 0;
	case DRIVE_PARTS:
		return stamp_cmp(&a->target, &b->target) == 0 &&
		    part_number(a) == part_number(b);
	}
	return false;
}

/* The orders that drive.h promises for its tables. */
static int
row_cmp(enum drive_table table, const struct record *a, const struct record *b)
{
	int c;

	if (table == DRIVE_HEALS)
		return stamp_cmp(&a->stamp, &b->stamp);
	if ((c = strcmp(a->bucket, b->bucket)) != 0 ||
	    (c = strcmp(a->key, b->key)) != 0)
		return c;
	switch (table) {
	case DRIVE_VERSIONS:
		return stamp_cmp(&b->stamp, &a->stamp);
	case DRIVE_UPLOADS:
		return stamp_cmp(&a->target, &b->target);
	case DRIVE_PARTS:
		if ((c = stamp_cmp(&a->target, &b->target)) != 0)
			return c;
		if (part_number(a) != part_number(b))
			return part_number(a) < part_number(b) ? -1 : 1;
		return stamp_cmp(&b->stamp, &a->stamp);
	default:
		return 0;
	}
}

static size_t
row_find(struct memory_disk *m, enum drive_table table,
    const struct record *rec, bool *found)
{
	size_t lo = 0, hi = m->row_count;

	*found = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct row *r = m->rows[mid];
		int c = table != r->table ? (table < r->table ? -1 : 1) :
		    row_cmp(table, rec, &r->rec);

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

static void
row_free(struct row *r)
{
	if (r == NULL)
		return;
	free(r->parts);
	free(r->bytes);
	free(r);
}

static void
row_take(struct memory_disk *m, size_t at)
{
	m->row_count--;
	memmove(m->rows + at, m->rows + at + 1,
	    (m->row_count - at) * sizeof(m->rows[0]));
}

static bool
data_named(struct memory_disk *m, const struct record *of,
    const struct uuid *data)
{
	for (size_t i = 0; i < m->row_count; i++) {
		const struct record *r = &m->rows[i]->rec;

		if (strcmp(r->bucket, of->bucket) != 0 ||
		    strcmp(r->key, of->key) != 0)
			continue;
		for (uint32_t p = 0; p < r->part_count; p++)
			if (uuid_equal(&r->parts[p].data, data))
				return true;
	}
	return false;
}

static void
row_remove(struct memory_disk *m, size_t at)
{
	struct row *row = m->rows[at];

	row_take(m, at);
	for (uint32_t p = 0; p < row->rec.part_count; p++) {
		const struct uuid *data = &row->rec.parts[p].data;

		if (data_named(m, &row->rec, data))
			continue;
		for (size_t i = m->shard_count; i-- > 0;)
			if (uuid_equal(&m->shards[i]->data, data))
				shard_drop(m, i);
	}
	row_free(row);
}

static enum err
row_insert(struct memory_disk *m, struct row *row)
{
	struct row **grown;
	bool found;
	size_t at = row_find(m, row->table, &row->rec, &found);

	if (found) {
		row_free(m->rows[at]);
		m->rows[at] = row;
		return EC_OK;
	}
	if (m->row_count == m->row_cap) {
		size_t cap = m->row_cap * 2 + 64;

		if ((grown = realloc(m->rows, cap * sizeof(*grown))) == NULL)
			return EC_ENOMEM;
		m->rows = grown;
		m->row_cap = cap;
	}
	memmove(m->rows + at + 1, m->rows + at,
	    (m->row_count - at) * sizeof(m->rows[0]));
	m->rows[at] = row;
	m->row_count++;
	return EC_OK;
}

static bool
purge_hits(const struct record *purge, const struct record *r)
{
	if ((purge->flags & RECORD_NULL) != 0)
		return row_is_version(r) && (r->flags & RECORD_NULL) != 0 &&
		    stamp_cmp(&r->stamp, &purge->target) < 0;
	return stamp_cmp(&r->stamp, &purge->target) == 0;
}

static void
apply_purge(struct memory_disk *m, const struct record *r)
{
	for (size_t i = m->row_count; i-- > 0;) {
		const struct row *row = m->rows[i];

		if ((row->table == DRIVE_VERSIONS ||
		    row->table == DRIVE_PARTS) &&
		    strcmp(row->rec.bucket, r->bucket) == 0 &&
		    strcmp(row->rec.key, r->key) == 0 &&
		    purge_hits(r, &row->rec))
			row_remove(m, i);
	}
}

/* Look at what is there of the same thing: the newest stamp, and whether an
 * older null version is among it. */
static void
row_survey(struct memory_disk *m, const struct record *r, struct stamp *newest,
    bool *older_null, bool *upload_gone)
{
	*newest = (struct stamp){ 0, 0 };
	*older_null = *upload_gone = false;
	for (size_t i = 0; i < m->row_count; i++) {
		const struct record *o = &m->rows[i]->rec;

		if (r->kind == RECORD_PART && o->kind == RECORD_UPLOAD &&
		    (o->flags & RECORD_GONE) != 0 &&
		    stamp_cmp(&o->target, &r->target) == 0 &&
		    strcmp(o->bucket, r->bucket) == 0 &&
		    strcmp(o->key, r->key) == 0)
			*upload_gone = true;
		if (!row_same_thing(o, r))
			continue;
		if (stamp_cmp(&o->stamp, newest) > 0)
			*newest = o->stamp;
		if (row_is_version(o) && (o->flags & RECORD_NULL) != 0 &&
		    stamp_cmp(&o->stamp, &r->stamp) < 0)
			*older_null = true;
	}
}

/* Rows of which only the greatest stamp stands: drop the older one. */
static void
row_supersede(struct memory_disk *m, const struct record *r)
{
	for (size_t i = m->row_count; i-- > 0;)
		if (row_same_thing(&m->rows[i]->rec, r))
			row_remove(m, i);
	if (r->kind != RECORD_UPLOAD || (r->flags & RECORD_GONE) == 0)
		return;
	for (size_t i = m->row_count; i-- > 0;) {
		const struct record *p = &m->rows[i]->rec;

		if (p->kind == RECORD_PART &&
		    stamp_cmp(&p->target, &r->target) == 0 &&
		    strcmp(p->bucket, r->bucket) == 0 &&
		    strcmp(p->key, r->key) == 0)
			row_remove(m, i);
	}
}

/* Is ${r} something new in a bucket that takes nothing any more? */
static bool
bucket_closed(const struct memory_disk *m, const struct record *r)
{
	if (r->kind != RECORD_OBJECT && r->kind != RECORD_MARKER &&
	    r->kind != RECORD_PART && (r->kind != RECORD_UPLOAD ||
	    (r->flags & RECORD_GONE) != 0))
		return false;
	for (size_t i = 0; i < m->row_count; i++) {
		const struct record *o = &m->rows[i]->rec;

		if (o->kind == RECORD_BUCKET &&
		    strcmp(o->bucket, r->bucket) == 0)
			return (o->flags & (RECORD_GONE | RECORD_CLOSED)) != 0;
	}
	return false;
}

static enum err
apply(struct memory_disk *m, struct row *row, struct drive_append *a,
    bool *kept)
{
	const struct record *r = &row->rec;
	bool older_null, upload_gone;
	struct stamp newest;

	*kept = false;
	if (r->kind == RECORD_PURGE) {
		apply_purge(m, r);
		return EC_OK;
	}
	row_survey(m, r, &newest, &older_null, &upload_gone);
	if (upload_gone)
		return EC_ENOUPLOAD;
	if ((a->flags & DRIVE_APPEND_NEWEST) != 0 && bucket_closed(m, r))
		return EC_ENOBUCKET;
	if (stamp_cmp(&newest, &r->stamp) > 0) {
		a->hlc = newest.hlc;
		if ((a->flags & DRIVE_APPEND_NEWEST) != 0)
			return EC_ESTALE;
	}
	if (row->table != DRIVE_VERSIONS && row->table != DRIVE_PARTS) {
		if (stamp_cmp(&newest, &r->stamp) > 0)
			return EC_OK;
		row_supersede(m, r);
	}
	a->superseded = row_is_version(r) && (r->flags & RECORD_NULL) != 0 &&
	    older_null;
	*kept = true;
	return row_insert(m, row);
}

static enum err
append_one(struct memory_disk *m, struct drive_append *a)
{
	struct row *row = mem_array(1, sizeof(*row));
	bool kept = false;
	enum err e = EC_ENOMEM;

	a->superseded = false;
	if (row == NULL || (row->bytes = malloc(a->len)) == NULL)
		goto out;
	memcpy(row->bytes, a->rec, a->len);
	row->len = a->len;
	if ((e = record_decode(&row->rec, &row->parts, row->bytes,
	    row->len)) != EC_OK)
		goto out;
	row->table = row_table(row->rec.kind);
	e = apply(m, row, a, &kept);
out:
	if (!kept)
		row_free(row);
	return e;
}

static enum err
op_append(struct drive *d, struct drive_append *a, unsigned n)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	bool lazy = true;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_APPEND, &late)) != EC_OK)
		return e;
	for (unsigned i = 0; i < n; i++) {
		a[i].err = append_one(m, &a[i]);
		m->stats.appends++;
		m->stats.append_bytes += a[i].len;
		lazy = lazy && (a[i].flags & DRIVE_APPEND_LAZY) != 0;
	}
	m->stats.flushes += !lazy;
	return op_end(m, EC_OK, late);
}

static bool
has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool
query_behind(const struct drive_query *q, const struct record *r)
{
	int c = 1;

	if (q->table == DRIVE_HEALS)
		return stamp_cmp(&r->stamp, &q->after_stamp) > 0;
	if (q->bucket == NULL && q->after_bucket != NULL)
		c = strcmp(r->bucket, q->after_bucket);
	if (c != 0 && q->bucket == NULL && q->after_bucket != NULL)
		return c > 0;
	if (q->after_key == NULL)
		return true;
	if ((c = strcmp(r->key, q->after_key)) != 0)
		return c > 0;
	if (stamp_is_zero(&q->after_stamp))
		return false;
	if (q->table == DRIVE_UPLOADS)
		return stamp_cmp(&r->target, &q->after_stamp) > 0;
	return stamp_cmp(&r->stamp, &q->after_stamp) < 0;
}

static bool
query_match(const struct drive_query *q, const struct record *r)
{
	if (q->table == DRIVE_BUCKETS) {
		if (q->bucket != NULL)
			return strcmp(q->bucket, r->bucket) == 0;
		return q->after_bucket == NULL ||
		    strcmp(r->bucket, q->after_bucket) > 0;
	}
	if ((q->bucket != NULL && strcmp(q->bucket, r->bucket) != 0) ||
	    (q->key != NULL && strcmp(q->key, r->key) != 0) ||
	    (q->prefix != NULL && !has_prefix(r->key, q->prefix)))
		return false;
	if (!query_behind(q, r))
		return false;
	if (q->null_only && (r->flags & RECORD_NULL) == 0)
		return false;
	if (stamp_is_zero(&q->target))
		return true;
	if (q->table == DRIVE_VERSIONS)
		return stamp_cmp(&r->stamp, &q->target) == 0 ||
		    ((r->kind == RECORD_TOMBSTONE ||
		    r->kind == RECORD_AMEND) &&
		    stamp_cmp(&r->target, &q->target) == 0);
	return stamp_cmp(&r->target, &q->target) == 0;
}

static enum err
query_add(const struct drive_query *q, const struct row *row,
    struct drive_records *out)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct record r = row->rec;
	enum err e;

	if (!q->want_inline)
		r.inline_data = NULL;
	if (!q->want_parts) {
		r.parts = NULL;
		r.part_count = 0;
		r.meta = NULL;
		r.meta_len = 0;
	}
	if ((e = record_encode(&b, &r)) == EC_OK)
		e = drive_records_add(out, b.data, b.len);
	buf_release(&b);
	return e;
}

/* The first row that may match. */
static size_t
query_start(struct memory_disk *m, const struct drive_query *q)
{
	struct record at = { .bucket = "", .key = "", .etag = "",
		.stamp = { UINT64_MAX, UINT64_MAX } };
	bool found;

	if (q->table == DRIVE_HEALS)
		at.stamp = (struct stamp){ 0, 0 };
	if (q->bucket != NULL)
		at.bucket = q->bucket;
	if (q->bucket != NULL && q->table != DRIVE_BUCKETS) {
		if (q->key != NULL)
			at.key = q->key;
		else if (q->after_key != NULL && (q->prefix == NULL ||
		    strcmp(q->after_key, q->prefix) > 0))
			at.key = q->after_key;
		else if (q->prefix != NULL)
			at.key = q->prefix;
	}
	return row_find(m, q->table, &at, &found);
}

static enum err
op_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	const char *last = NULL;
	unsigned count = 0, of_key = 0;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_QUERY, &late)) != EC_OK)
		return e;
	for (size_t i = query_start(m, q);
	    i < m->row_count && count < q->limit && e == EC_OK; i++) {
		const struct row *row = m->rows[i];

		if (row->table != q->table)
			break;
		if (q->bucket != NULL && q->table != DRIVE_HEALS &&
		    strcmp(row->rec.bucket, q->bucket) > 0)
			break;
		if (!query_match(q, &row->rec))
			continue;
		of_key = last != NULL && strcmp(last, row->rec.key) == 0 ?
		    of_key + 1 : 1;
		last = row->rec.key;
		if (q->newest_only && of_key > 4)
			continue;
		e = query_add(q, row, out);
		count++;
	}
	return op_end(m, e, late);
}

/* The rest. */

static enum err
op_probe(struct drive *d, struct format *out)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_PROBE, &late)) != EC_OK)
		return e;
	*out = m->format;
	return op_end(m, EC_OK, late);
}

static enum err
op_reformat(struct drive *d, const struct format *f)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	m->format = *f;
	return op_end(m, EC_OK, late);
}

static enum err
op_space(struct drive *d, struct drive_space *out)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	*out = (struct drive_space){ UINT64_C(1) << 30, UINT64_C(1) << 29 };
	return op_end(m, EC_OK, late);
}

static enum err
op_stats(struct drive *d, struct drive_stats *out)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	enum err e, late;

	if ((e = op_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	*out = m->stats;
	return op_end(m, EC_OK, late);
}

/* Sweep: shard files that no row names. */
static enum err
op_maintain(struct drive *d, unsigned budget_ms, unsigned grace_s,
    uint64_t *removed)
{
	struct memory_disk *m = ((struct memory_drive *)d)->disk;
	uint64_t limit;
	enum err e, late;

	(void)budget_ms;
	*removed = 0;
	if ((e = op_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	limit = clock_real_us() - (uint64_t)grace_s * 1000000;
	for (size_t i = m->shard_count; i-- > 0;) {
		const struct shard *s = m->shards[i];
		bool named = false;

		for (size_t j = 0; j < m->row_count && !named; j++)
			for (uint32_t p = 0;
			    p < m->rows[j]->rec.part_count && !named; p++)
				named = uuid_equal(&s->data,
				    &m->rows[j]->rec.parts[p].data);
		if (named || s->mtime_us > limit)
			continue;
		shard_drop(m, i);
		++*removed;
	}
	return op_end(m, EC_OK, late);
}

static void
op_close(struct drive *d)
{
	free(d);
}

static const struct drive_ops memory_ops = {
	.append = op_append,
	.query = op_query,
	.shard_create = op_shard_create,
	.shard_write = op_shard_write,
	.shard_commit = op_shard_commit,
	.shard_abort = op_shard_abort,
	.shard_open = op_shard_open,
	.shard_pread = op_shard_pread,
	.shard_close = op_shard_close,
	.shard_remove = op_shard_remove,
	.shard_list = op_shard_list,
	.probe = op_probe,
	.reformat = op_reformat,
	.space = op_space,
	.stats = op_stats,
	.maintain = op_maintain,
	.close = op_close,
};

struct memory_disk *
memory_disk_new(const char *name)
{
	struct memory_disk *m = mem_array(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if ((m->name = strdup(name)) == NULL) {
		free(m);
		return NULL;
	}
	m->format.drive = uuid_new();
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->released, NULL);
	return m;
}

void
memory_disk_wipe(struct memory_disk *m)
{
	pthread_mutex_lock(&m->lock);
	while (m->row_count > 0)
		row_free(m->rows[--m->row_count]);
	while (m->shard_count > 0)
		shard_drop(m, m->shard_count - 1);
	m->format.born_us[m->format.slot] = clock_real_us();
	pthread_mutex_unlock(&m->lock);
}

void
memory_disk_filling(struct memory_disk *m, bool filling)
{
	pthread_mutex_lock(&m->lock);
	m->format.filling = filling;
	pthread_mutex_unlock(&m->lock);
}

void
memory_disk_free(struct memory_disk *m)
{
	if (m == NULL)
		return;
	memory_disk_wipe(m);
	pthread_cond_destroy(&m->released);
	pthread_mutex_destroy(&m->lock);
	free(m->rows);
	free(m->shards);
	free(m->name);
	free(m);
}

struct drive *
memory_disk_drive(struct memory_disk *m)
{
	struct memory_drive *d = mem_array(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->drive.ops = &memory_ops;
	d->drive.name = m->name;
	d->drive.local = true;
	d->disk = m;
	return &d->drive;
}

unsigned
memory_disk_rows(struct memory_disk *m, enum drive_table table)
{
	unsigned n = 0;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->row_count; i++)
		n += m->rows[i]->table == table;
	pthread_mutex_unlock(&m->lock);
	return n;
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

uint64_t
memory_disk_count(struct memory_disk *m, enum memory_op op)
{
	uint64_t n;

	pthread_mutex_lock(&m->lock);
	n = m->counts[op_bit(op)];
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
		const struct shard *s = m->shards[i];

		bytes = s->bytes;
		*info = (struct drive_shard_info){ .data = s->data,
			.index = s->index, .bytes = s->len,
			.mtime_us = s->mtime_us };
	}
	pthread_mutex_unlock(&m->lock);
	return bytes;
}

bool
memory_disk_flip_inline(struct memory_disk *m, const char *bucket,
    const char *key, const struct stamp *stamp, size_t off, uint8_t mask)
{
	bool done = false;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->row_count && !done; i++) {
		struct row *row = m->rows[i];
		const struct record *r = &row->rec;

		if (row->table != DRIVE_VERSIONS || r->inline_data == NULL ||
		    off >= r->inline_len || strcmp(r->bucket, bucket) != 0 ||
		    strcmp(r->key, key) != 0 ||
		    stamp_cmp(&r->stamp, stamp) != 0)
			continue;
		row->bytes[(size_t)(r->inline_data - row->bytes) + off] ^= mask;
		done = true;
	}
	pthread_mutex_unlock(&m->lock);
	return done;
}
