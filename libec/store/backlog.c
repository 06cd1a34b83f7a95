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

void
backlog_look(struct backlog *out, struct set *s)
{
	struct heal_item *item = NULL;
	unsigned n = 0;

	memset(out, 0, sizeof *out);
	if (heal_queue_list(s, NULL, BACKLOG_MAX, &item, &n) != EC_OK)
		return;
	out->entries = n;
	if (n > 0)
		out->oldest_us = item[0].since_us;
	for (unsigned i = 0; i < n; i++)
		out->bytes += item_bytes(s, &item[i]);
	free(item);
}
