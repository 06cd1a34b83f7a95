/* record: what a drive's journal holds and peers exchange: versions of
 * objects, purges, buckets, uploads, parts and heal-queue entries.
 * ec-drive(5) has the bytes.
 *
 * Order.  A stamp is (hybrid logical clock, random id), made by the writer.
 * For one thing (a bucket's record, an upload's part, the null version of a
 * key) the greater stamp is the newer state, whatever order records arrive in.
 * A version's id in the S3 sense is its stamp; the null version is the one
 * with RECORD_NULL set.
 *
 * Rows.  What a drive keeps of the records that were appended, one row for each
 *	object, marker, tombstone,
 *	amendment			(bucket, key, stamp)
 *	part				(bucket, key, upload, number, stamp)
 *	upload				(bucket, key, upload)
 *	bucket				(bucket)
 *	heal entry			(bucket, key, target)
 * The same stamp again replaces the row (a heal writes it anew).  Of an upload,
 * a bucket and a heal entry the greatest stamp stands.  Older parts of the same
 * number stay, as older versions do, until they are purged: a part written anew
 * that fails must not take the old one with it.
 *
 * Removal.  A delete marker or a tombstone is a record like any other and
 * stays; it hides, it does not remove.  RECORD_PURGE removes one record of one
 * drive, and is only sent when the removed state is known to be superseded or
 * to have failed: it drops the rows of its key, among versions and parts, whose
 * stamp is ${target}; with RECORD_NULL, all null versions of its key that are
 * older than ${target}.  An upload with RECORD_GONE drops all part rows of that
 * upload, and later parts of it are refused with EC_ENOUPLOAD.  When a row of
 * an object or a part goes, each shard file it names is unlinked too, unless
 * another row of the same key (an object made of parts, a part) names the same
 * data; never before the record that drops the row is durable. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"
#include "codec/stripe.h"

enum {
	RECORD_FORMAT = 1,
	RECORD_BUCKET_MAX = 63,		/* bytes */
	RECORD_KEY_MAX = 1024,		/* bytes of UTF-8 */
	RECORD_ETAG_MAX = 64,		/* characters, hex md5 or hex md5-N */
	RECORD_META_MAX = 64 * 1024,	/* bytes */
	RECORD_PARTS_MAX = 10000,
	RECORD_INLINE_MAX = 128 * 1024,	/* bytes of one shard kept inline */
	RECORD_BYTES_MAX = 4 * 1024 * 1024,	/* encoded, with inline data */
};

struct stamp {
	uint64_t hlc;
	uint64_t id;
};

static inline int
stamp_cmp(const struct stamp *a, const struct stamp *b)
{
	if (a->hlc != b->hlc)
		return a->hlc < b->hlc ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static inline bool
stamp_is_zero(const struct stamp *s)
{
	return s->hlc == 0 && s->id == 0;
}

enum { STAMP_TEXT_BYTES = 33 };	/* 32 hex digits, NUL; sorts like the stamp */
struct stamp stamp_new(void);	/* clock_hlc and 64 random bits */
void stamp_text(char out[STAMP_TEXT_BYTES], const struct stamp *s);
enum err stamp_parse(struct stamp *out, const char *text);	/* EC_EINVAL */

enum record_kind {
	RECORD_OBJECT = 1,	/* a version with data */
	RECORD_MARKER,		/* a version that is a delete marker */
	RECORD_TOMBSTONE,	/* version ${target} is deleted for good; with
				 * RECORD_NULL: all null ones up to stamp */
	RECORD_PURGE,		/* remove record ${target} of this key here;
				 * with RECORD_NULL: the null ones before it */
	RECORD_BUCKET,		/* a bucket's state; RECORD_GONE: deleted */
	RECORD_UPLOAD,		/* state of upload ${target};
				 * RECORD_GONE: ended */
	RECORD_PART,		/* part parts[0].number of upload ${target} */
	RECORD_HEAL,		/* ${target} needs heal; _GONE: healed */
	RECORD_AMEND,		/* version ${target} has this metadata from now
				 * on; RECORD_NULL: it is a null version */
};

enum {
	RECORD_NULL = 1,	/* the null version of its key */
	RECORD_GONE = 2,
	RECORD_INLINE = 4,	/* the shard is in the record, not in a file */
	RECORD_CLOSED = 8,	/* a bucket that is about to be removed */
};

/* One part of an object's data.  An object has one unless it was uploaded in
 * parts; zero-byte objects have none. */
struct record_part {
	uint32_t number;	/* 1 .. 10,000 */
	uint64_t size;		/* bytes */
	struct uuid data;	/* names the shard files */
	uint8_t k, m;		/* geometry of this part */
	uint32_t unit;
	uint8_t md5[16];	/* zero: not taken */
};
bool record_part_has_md5(const struct record_part *p);

/* In memory.  Pointers lead into the buffer it was decoded from, or wherever
 * the maker put them; never owned by the record. */
struct record {
	enum record_kind kind;
	unsigned flags;
	struct stamp stamp;
	struct stamp target;	/* see the kinds; zero otherwise */
	const char *bucket;	/* "" if none; RECORD_BUCKET's name */
	const char *key;	/* NUL-terminated, no NUL inside; any UTF-8 */
	uint64_t mtime_us;	/* real time, for people */
	uint64_t size;		/* of the object */
	const char *etag;
	uint8_t k, m;		/* geometry of the version (quorums) */
	uint8_t start;		/* shard i: drive (start + i) mod (k + m) */
	uint8_t index;		/* the shard this copy's drive holds */
	const struct record_part *parts;	/* see record_part_at */
	uint32_t part_count;
	const uint8_t *meta;	/* headers and user metadata: meta.h's form; a
				 * bucket's or an upload's settings likewise */
	uint32_t meta_len;
	const uint8_t *inline_data;	/* RECORD_INLINE: the piece ... */
	uint32_t inline_len;
	uint8_t inline_sum[32];		/* ... and its bitrot hash */
	/* Where it lies on the drive that gave it: set by drives only. */
	uint64_t segment, offset;
};

/* The parts must be an array of the caller's; decode allocates it. */
enum err record_encode(struct buf *out, const struct record *r);

/* Decode ${len} bytes.  *${parts} (may be NULL on return) is the caller's to
 * free; strings and data point into ${in}.
 * Errors: EC_EFORMAT, EC_ECORRUPT (a field out of bounds), EC_ENOMEM. */
enum err record_decode(struct record *out, struct record_part **parts,
    const uint8_t *in, size_t len);

/* For drives, on an encoded record that holds: set its segment and offset, and
 * leave its inline data out.  Returns the length it has then. */
size_t record_place(uint8_t *rec, size_t len, uint64_t segment,
    uint64_t offset, bool want_inline);

/* Which key it is of: CRC-32C of bucket, NUL and key, for tables.  0 when the
 * encoded record does not hold. */
uint32_t record_key_crc(const uint8_t *rec, size_t len);
uint32_t record_name_crc(const char *bucket, const char *key);

/* Whether two are copies of one state: all is equal but the index, inline data
 * and where they lie. */
bool record_agrees(const struct record *a, const struct record *b);

/* Does state ${by}, when it is the newer one, take the place of ${r} of the
 * same key?  A tombstone does so to the version that is its target; anything
 * with RECORD_NULL but an amendment to what has it; an amendment to another of
 * its version. */
bool record_hides(const struct record *by, const struct record *r);

/* Metadata: name/value pairs in the order they were added, encoded as
 * le16 name length, le32 value length, name, value.  Names are lower-case
 * ASCII: "content-type", "x-amz-meta-*", ... */
enum err record_meta_add(struct buf *meta, const char *name, const void *value,
    size_t len);
/* The same in place of what has that name; ${value} NULL: nothing. */
enum err record_meta_set(struct buf *meta, const char *name, const void *value,
    size_t len);
/* The value of ${name}, NULL if there is none; *${len} its length. */
const uint8_t *record_meta_get(const uint8_t *meta, size_t meta_len,
    const char *name, size_t *len);
/* The entries of these names are in the rows of an index, for lists: whose it
 * is and what is known of its checksum, in words of those above.  Copies them,
 * one that is too long not; returns the bytes. */
#define RECORD_META_OWNER ".owner"
#define RECORD_META_SUM ".sum"
enum { RECORD_LISTED_MAX = 160 };
size_t record_meta_listed(uint8_t out[RECORD_LISTED_MAX], const uint8_t *meta,
    size_t meta_len);
/* Does it end where an entry ends? */
bool record_meta_ok(const uint8_t *meta, size_t meta_len);
/* Walk: *${pos} starts at 0; false at the end.  Bounds were checked by
 * record_decode. */
bool record_meta_next(const uint8_t *meta, size_t meta_len, size_t *pos,
    const char **name, size_t *name_len, const uint8_t **value,
    size_t *value_len);

#endif
