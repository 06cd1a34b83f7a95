/* set: N drives that act as one.
 *
 * A set knows lanes (drive/lane.h), not where the drives are.  All its state is
 * on the drives.  Any number of threads may call.
 *
 * Reading a key.  Each drive gives its records of the key; those that agree
 * (record_agrees) are counted.  With c copies seen of a state and u drives
 * that did not answer, a state counts as
 *	decided     c >= need
 *	possible    c <  need and c + u >= need
 *	void        otherwise
 * where need is k for an object or a part and N - N/2 for a marker, a
 * tombstone, a bucket or an upload.  The newest state that is not void wins: if
 * it is decided it is the answer, if it is only possible the answer is
 * EC_EQUORUM.  A decided version with fewer copies than a write needs to be
 * acknowledged is completed on the other drives before it is shown.  So a
 * failed write is seen by all readers or by none, and no reader goes back in
 * time; except when drives too few to complete it showed it, and then exactly
 * those go while the others come back.  resolve.h has the rest: what hides
 * what, when so many are silent that nothing can be said, and what to do
 * because drives do not all answer at one moment.
 *
 * Writing.  A record goes to all drives that are there; acknowledged, it is on
 * quorum_write (data) or quorum_meta (all else) of them.  commit.h says what
 * becomes of one that fails: what may have been seen as decided stays. */
#ifndef SET_H
#define SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "drive/lane.h"

enum { SET_DRIVES_MAX = FORMAT_SET_MAX, SET_WAIT_MS = 10000 };

struct set;

/* ${lanes}: ${n} (1 .. 16) of them by slot; the set frees them.  ${parity} is
 * the default m, or -1 for set_default_parity(n). ${pool} (of buffers of at
 * least STRIPE_UNIT_DEFAULT * 16 bytes) is shared and outlives the set, and so
 * does ${views} of as large ones: readers hold those as long as they like, so
 * it is another.
 * Errors: EC_EINVAL, EC_ENOMEM. */
enum err set_new(struct set **out, struct lane *const lanes[], unsigned n,
    int parity, struct mem_pool *pool, struct mem_pool *views);
void set_free(struct set *s);

unsigned set_drives(const struct set *s);
struct lane *set_lane(struct set *s, unsigned slot);
unsigned set_parity(const struct set *s);	/* default m */
unsigned set_offline(const struct set *s);	/* lanes, now */

/* 1 -> 0, 2-3 -> 1, 4-5 -> 2, 6-7 -> 3, 8 and more -> 4. */
unsigned set_default_parity(unsigned n);

/* Maintain all local drives: drive.h maintain, each ${budget_ms}. */
void set_maintain(struct set *s, unsigned budget_ms, unsigned grace_s);

/* What an error below a quorum lacked, for people, in one line: "write quorum 3
 * of 4 not met: /d3: drive is offline, /d4: no space left".  After a write that
 * was done although drives missed it: "on 3 of 4 drives: /d3: drive is
 * offline".  Of the last call of this thread; "" if there is nothing to say. */
const char *set_complaint(void);

/* What readers are told of a version. */
struct object {
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct stamp version;
	bool null_version;
	bool marker;		/* a delete marker; no data */
	bool newest;		/* of its key */
	uint64_t size, mtime_us;
	char etag[RECORD_ETAG_MAX + 1];
	unsigned k, m;
	struct buf meta;	/* record.h metadata; the object's to release */
	struct stamp amended;	/* of the record that ${meta} is from; zero
				 * when that is the version's own */
	struct record_part *parts;	/* likewise free()d */
	uint32_t part_count;
};
#define OBJECT_INIT { .meta = BUF_INIT(RECORD_META_MAX) }
void object_release(struct object *o);

/* Check a name.  Buckets: 3-63 of a-z 0-9 . -, the S3 rules; names beginning
 * with '.' are the system's own.  Keys: 1 .. 1024 bytes of UTF-8 without NUL.
 * Errors: EC_EINVAL. */
enum err object_bucket_valid(const char *bucket);
enum err object_key_valid(const char *key);

#endif
