/* memory_disk: a disk in memory from first to last, see memory_drive.h. */
#include "memory_disk.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

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
		memory_row_free(m->rows[--m->row_count]);
	while (m->shard_count > 0)
		memory_shard_drop(m, m->shard_count - 1);
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
