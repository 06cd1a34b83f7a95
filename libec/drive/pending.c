/* pending: a hash table that is rebuilt when keys go. */
#include "drive/pending.h"

#include <stdlib.h>

#include "base/mem.h"

enum { CAP_MIN = 64 };

static struct pending_key *
slot(const struct pending *p, uint32_t hash)
{
	size_t i = (size_t)hash & (p->cap - 1);

	while (p->slots[i].seq != 0 && p->slots[i].hash != hash)
		i = (i + 1) & (p->cap - 1);
	return &p->slots[i];
}

/* A table of ${cap} places with the keys of records behind ${seq}. */
static enum err
rebuild(struct pending *p, size_t cap, uint64_t seq)
{
	struct pending next = { .cap = cap };

	if ((next.slots = mem_array(cap, sizeof *next.slots)) == NULL)
		return EC_ENOMEM;
	for (size_t i = 0; i < cap; i++)
		next.slots[i].seq = 0;
	for (size_t i = 0; i < p->cap; i++)
		if (p->slots[i].seq > seq) {
			*slot(&next, p->slots[i].hash) = p->slots[i];
			next.count++;
		}
	free(p->slots);
	*p = next;
	return EC_OK;
}

enum err
pending_reserve(struct pending *p, size_t n)
{
	size_t cap = p->cap > 0 ? p->cap : CAP_MIN;

	while (cap / 2 < p->count + n)
		cap *= 2;
	return cap == p->cap ? EC_OK : rebuild(p, cap, 0);
}

void
pending_add(struct pending *p, const struct record *r, uint64_t seq)
{
	uint32_t hash = record_name_crc(r->bucket, r->key);
	struct pending_key *k = slot(p, hash);

	if (k->seq == 0) {
		*k = (struct pending_key){ .hash = hash };
		p->count++;
	}
	k->seq = seq;
	if (r->kind == RECORD_PURGE)
		return;
	if (stamp_cmp(&k->newest, &r->stamp) < 0)
		k->newest = r->stamp;
	if ((r->flags & RECORD_NULL) != 0 &&
	    (stamp_is_zero(&k->oldest_null) ||
	    stamp_cmp(&r->stamp, &k->oldest_null) < 0))
		k->oldest_null = r->stamp;
}

void
pending_find(const struct pending *p, uint32_t hash, struct pending_key *out)
{
	*out = (struct pending_key){ .seq = 0 };
	if (p->count > 0)
		*out = *slot(p, hash);
}

void
pending_drop(struct pending *p, uint64_t seq)
{
	size_t left = 0;

	for (size_t i = 0; i < p->cap; i++)
		left += p->slots[i].seq > seq;
	if (left == 0)
		pending_release(p);
	else	/* without memory some are looked for in vain */
		(void)rebuild(p, p->cap, seq);
}

void
pending_release(struct pending *p)
{
	free(p->slots);
	*p = (struct pending){ .slots = NULL };
}
