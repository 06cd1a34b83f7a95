/* placement: which set, which drive.  Pure functions. */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include "base/uuid.h"

/* SipHash-2-4 (Aumasson, Bernstein, 2012) of "bucket/key" keyed by the
 * deployment id, modulo ${sets}. */
uint64_t placement_hash(const struct uuid *deployment, const char *bucket,
    const char *key);	/* before the modulo */
unsigned placement_set(const struct uuid *deployment, const char *bucket,
    const char *key, unsigned sets);

/* Where shard 0 goes: CRC-32("bucket/key") mod n; shard i then lies on drive
 * (start + i) mod n.  Stored with the version and trusted from there. */
unsigned placement_start(const char *bucket, const char *key, unsigned n);

static inline unsigned
placement_drive(unsigned start, unsigned shard, unsigned n)
{
	return (start + shard) % n;
}

static inline unsigned
placement_shard(unsigned start, unsigned drive, unsigned n)
{
	return (drive + n - start % n) % n;
}

#endif
