/* lane_mark: whether a drive's answers about a key may have changed.
 *
 * A class is marked before the append of one of its keys begins and again when
 * it has ended, also one that was given up: its thread comes to it. */
#include "drive/lane_impl.h"

enum { UNDER_WAY = 0xffff, CHANGE = 0x10000 };	/* counts in one number */

unsigned
lane_key_class(const char *bucket, const char *key)
{
	return record_name_crc(bucket, key) % LANE_CLASSES;
}

uint64_t
lane_mark(const struct lane *l, unsigned class)
{
	uint64_t v = atomic_load(&l->mark[class]);

	if ((v & UNDER_WAY) != 0 || !atomic_load(&l->local) ||
	    atomic_load(&l->filling) || atomic_load(&l->state) != LANE_ONLINE)
		return 0;
	return v | 1;
}

static unsigned
class_of(const struct drive_append *a)
{
	return record_key_crc(a->rec, a->len) % LANE_CLASSES;
}

void
lane_mark_begin(struct lane *l, const struct drive_append *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		atomic_fetch_add(&l->mark[class_of(&a[i])], CHANGE + 1);
}

void
lane_mark_end(struct lane *l, const struct drive_append *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		atomic_fetch_sub(&l->mark[class_of(&a[i])], 1);
}

void
lane_mark_all(struct lane *l)
{
	for (unsigned i = 0; i < LANE_CLASSES; i++)
		atomic_fetch_add(&l->mark[i], CHANGE);
}
