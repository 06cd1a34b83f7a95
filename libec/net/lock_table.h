/* lock_table: read and write locks by name in one process; fair. */
#ifndef LOCK_TABLE_H
#define LOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct lock_table;
struct lock;

enum err lock_table_new(struct lock_table **out);	/* EC_ENOMEM */
void lock_table_free(struct lock_table *t);	/* no lock may be held */

/* Wait at most ${timeout_ms}.  First come, first served; readers share.
 * Errors: EC_ETIMEDOUT, EC_ENOMEM. */
enum err lock_table_take(struct lock_table *t, const char *name, bool write,
    unsigned timeout_ms, struct lock **out);
void lock_table_release(struct lock *l);	/* NULL is fine */

#endif
