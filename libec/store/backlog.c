/* backlog: see the header. */
#include "store/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "set/heal_queue.h"

static uint64_t
item_bytes(struct set *s, const struct heal_item *item)
{
	struct object o = OBJECT_INIT;
	uint64_t bytes = 0;

	if (item->key[0] != '\0' &&
	    get_open(NULL, &o, s, item->bucket, item->key, NULL) == EC_OK)
		bytes = o.size;
	object_release(&o);
	return bytes;
}

/* Nothing that is known to be missing: only what is to be looked at. */
static bool
is_look(const struct heal_item *item)
{
	return item->bucket[0] == '\0' && item->version.hlc > 0;
}

void
backlog_look(struct backlog *out, struct set *s)
{
	struct heal_item *item = NULL;
	unsigned n = 0;

	memset(out, 0, sizeof *out);
	if (heal_queue_list(s, NULL, BACKLOG_MAX, &item, &n) != EC_OK)
		return;
	for (unsigned i = 0; i < n; i++) {
		if (is_look(&item[i]))
			continue;
		if (out->entries++ == 0)
			out->oldest_us = item[i].since_us;
		out->bytes += item_bytes(s, &item[i]);
	}
	free(item);
}
