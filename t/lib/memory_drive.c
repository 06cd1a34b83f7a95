/* memory_drive: see the header. */
#include "memory_disk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

static enum err
op_probe(struct drive *d, struct format *out)
{
	struct memory_disk *m = memory_disk_of(d);
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_PROBE, &late)) != EC_OK)
		return e;
	*out = m->format;
	return memory_end(m, EC_OK, late);
}

static enum err
op_reformat(struct drive *d, const struct format *f)
{
	struct memory_disk *m = memory_disk_of(d);
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	m->format = *f;
	return memory_end(m, EC_OK, late);
}

static enum err
op_space(struct drive *d, struct drive_space *out)
{
	struct memory_disk *m = memory_disk_of(d);
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	*out = (struct drive_space){ UINT64_C(1) << 30, UINT64_C(1) << 29 };
	return memory_end(m, EC_OK, late);
}

static enum err
op_stats(struct drive *d, struct drive_stats *out)
{
	struct memory_disk *m = memory_disk_of(d);
	enum err e, late;

	if ((e = memory_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	*out = m->stats;
	return memory_end(m, EC_OK, late);
}

/* Sweep: shard files that no row names. */
static enum err
op_maintain(struct drive *d, unsigned budget_ms, unsigned grace_s,
    uint64_t *removed)
{
	struct memory_disk *m = memory_disk_of(d);
	uint64_t limit;
	enum err e, late;

	(void)budget_ms;
	*removed = 0;
	if ((e = memory_begin(m, MEMORY_OTHER, &late)) != EC_OK)
		return e;
	limit = clock_real_us() - (uint64_t)grace_s * 1000000;
	for (size_t i = m->shard_count; i-- > 0;) {
		const struct memory_shard *s = m->shards[i];
		bool named = false;

		for (size_t j = 0; j < m->row_count && !named; j++)
			for (uint32_t p = 0;
			    p < m->rows[j]->rec.part_count && !named; p++)
				named = uuid_equal(&s->data,
				    &m->rows[j]->rec.parts[p].data);
		if (named || s->mtime_us > limit)
			continue;
		memory_shard_drop(m, i);
		++*removed;
	}
	return memory_end(m, EC_OK, late);
}

static void
op_close(struct drive *d)
{
	free(d);
}

static const struct drive_ops memory_ops = {
	.append = memory_append,
	.query = memory_query,
	.shard_create = memory_shard_create,
	.shard_write = memory_shard_write,
	.shard_commit = memory_shard_commit,
	.shard_abort = memory_shard_abort,
	.shard_open = memory_shard_open,
	.shard_pread = memory_shard_pread,
	.shard_close = memory_shard_close,
	.shard_remove = memory_shard_remove,
	.shard_list = memory_shard_list,
	.probe = op_probe,
	.reformat = op_reformat,
	.space = op_space,
	.stats = op_stats,
	.maintain = op_maintain,
	.close = op_close,
};

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
