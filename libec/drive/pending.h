/* pending: keys with records in the journal that the index does not have yet,
 * by a hash of their names: two keys may share an entry.  No thread of its own
 * and no lock. */
#ifndef PENDING_H
#define PENDING_H

#include "drive/record.h"

struct pending_key {
	uint32_t hash;		/* record_name_crc */
	struct stamp newest;	/* of its records */
	struct stamp oldest_null;	/* of those with RECORD_NULL, or zero */
	uint64_t seq;		/* of the last; 0: none */
};

struct pending {
	struct pending_key *slots;	/* open addressing */
	size_t cap, count;
};

/* Room for ${n} more.  Errors: EC_ENOMEM; then as before. */
enum err pending_reserve(struct pending *p, size_t n);
/* Add a record of frame ${seq} (room was reserved). */
void pending_add(struct pending *p, const struct record *r, uint64_t seq);
/* *${out} is the entry; its seq is 0 when there is none. */
void pending_find(const struct pending *p, uint32_t hash,
    struct pending_key *out);
/* Forget keys without a record behind ${seq}. */
void pending_drop(struct pending *p, uint64_t seq);
void pending_release(struct pending *p);

#endif
