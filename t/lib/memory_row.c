/* memory_row: the records of a disk in memory, an array in the order of tables
 * and, in each, of the table. */
#include "memory_disk.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
part_number(const struct record *r)
{
	return r->part_count > 0 ? r->parts[0].number : 0;
}

bool
memory_row_same_thing(const struct record *a, const struct record *b)
{
	if (drive_table_of(a->kind) != drive_table_of(b->kind) ||
	    strcmp(a->bucket, b->bucket) != 0 || strcmp(a->key, b->key) != 0)
		return false;
	switch (drive_table_of(a->kind)) {
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

size_t
memory_row_find(struct memory_disk *m, enum drive_table table,
    const struct record *rec, bool *found)
{
	size_t lo = 0, hi = m->row_count;

	*found = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct memory_row *r = m->rows[mid];
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

void
memory_row_free(struct memory_row *r)
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

void
memory_row_remove(struct memory_disk *m, size_t at)
{
	struct memory_row *row = m->rows[at];

	row_take(m, at);
	for (uint32_t p = 0; p < row->rec.part_count; p++) {
		const struct uuid *data = &row->rec.parts[p].data;

		if (data_named(m, &row->rec, data))
			continue;
		for (size_t i = m->shard_count; i-- > 0;)
			if (uuid_equal(&m->shards[i]->data, data))
				memory_shard_drop(m, i);
	}
	memory_row_free(row);
}

enum err
memory_row_insert(struct memory_disk *m, struct memory_row *row)
{
	struct memory_row **grown;
	bool found;
	size_t at = memory_row_find(m, row->table, &row->rec, &found);

	if (found) {
		memory_row_free(m->rows[at]);
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

bool
memory_disk_flip_inline(struct memory_disk *m, const char *bucket,
    const char *key, const struct stamp *stamp, size_t off, uint8_t mask)
{
	bool done = false;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->row_count && !done; i++) {
		struct memory_row *row = m->rows[i];
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
