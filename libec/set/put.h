/* put: write one object, or one part of one, to a set.
 *
 * Streams: each stripe is encoded, hashed and handed to one bounded queue per
 * drive; a drive that fails or lags is dropped, not waited for.  Nothing is
 * visible before put_commit. */
#ifndef PUT_H
#define PUT_H

#include "set/set.h"

struct put_params {
	const char *bucket, *key;	/* valid names */
	uint64_t size;		/* UINT64_MAX when not known */
	int parity;		/* m asked for, -1: the set's default */
	bool null_version;	/* replaces the null version */
	bool fast_etag;		/* take no MD5; the ETag is another */
	const uint8_t *meta;	/* record.h metadata; copied */
	size_t meta_len;
	/* For a part: its upload and number (1 .. 10,000). */
	struct stamp upload;
	uint32_t part;
};

struct put;

/* Errors: EC_EQUORUM (too few drives up), EC_EBUSY (memory), EC_ENOMEM. */
enum err put_open(struct put **out, struct set *s, const struct put_params *p);

/* Errors: EC_EQUORUM, EC_ENOSPC ..., EC_ELIMIT. */
enum err put_write(struct put *p, const void *buf, size_t len);
/* The same, but ${buf} may still be looked at until the next put_lend has
 * returned, or put_settle: so that the next bytes can be received meanwhile. */
enum err put_lend(struct put *p, const void *buf, size_t len);
void put_settle(struct put *p);

/* Append metadata that is only known with the data.  Before put_finish.
 * Errors: EC_ELIMIT, EC_ENOMEM. */
enum err put_meta(struct put *p, const uint8_t *meta, size_t len);

/* No more data: flush the shards.  Afterwards put_commit only appends records.
 * ${md5} of the bytes if not NULL; with fast_etag zero, unless there are none.
 * Errors: as put_write. */
enum err put_finish(struct put *p, uint8_t md5[16]);

/* Change params.null_version.  Before put_commit. */
void put_null_version(struct put *p, bool null_version);

/* Make it the newest state of its key.  Call with the key's lock held if a
 * condition was checked.  ${etag} NULL: the MD5 in hex; with fast_etag 32 hex
 * digits that no other write has, and "-1", as an upload of one part would
 * have.  On EC_OK it is durable on every healthy drive and survives power loss;
 * drives that missed it are in the heal queue by the same flush.  On an error
 * it was undone wherever that was possible, and will be undone elsewhere.
 * Errors: EC_EQUORUM, ... */
enum err put_commit(struct put *p, const char *etag, struct object *out);

/* Make an object of what another set has as ${o}: with its stamp, time, ETag
 * and part numbers, and the data of the ${n} puts, one for each of its parts
 * (one, empty, when it has none); all finished, of one set and key, and with
 * params.part set when there are several.  Not the newest state of its key,
 * unless its stamp says so.  Errors: as put_commit. */
enum err put_commit_as(struct put *const piece[], unsigned n,
    const struct object *o);

/* The part that the bytes of a finished put make, and the slot of its first
 * shard; part->data is zero when there are no files. */
void put_part(const struct put *p, struct record_part *part, unsigned *start);

/* Removes everything that was not committed. */
void put_free(struct put *p);

#endif
