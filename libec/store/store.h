/* store: the whole: buckets and objects over the sets of drives of a pool.
 *
 * Opens the drives, or reaches those that a running server owns through it;
 * picks the set of a key; takes the locks around commits; keeps buckets.
 * Errors are those of the set functions unless said otherwise.  store_complaint
 * says what an EC_EQUORUM lacked. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "set/bucket.h"
#include "set/get.h"
#include "set/heal.h"
#include "set/list.h"
#include "set/multipart.h"
#include "set/put.h"
#include "set/scan.h"
#include "set/set.h"

struct cluster;
struct store;

struct store_params {
	const char *const *volumes;	/* patterns; NULL: EC_VOLUMES, then the
					 * configuration file */
	unsigned volume_count;
	/* A server's, which lives longer, instead of volumes: with nodes, wait
	 * for them until it is known what they are, or until ${stop}. */
	struct cluster *cluster;
	bool (*stop)(void *ctx);
	void *ctx;
	int parity;		/* default m of STANDARD; -1: by the drives */
	bool create;		/* format the drives if all are empty */
	bool serve;		/* offer the drives to other processes while
				 * open (a Unix socket named in .ec/owner) */
	bool linger;		/* store_close goes on serving until none uses
				 * them: for tools, which may stand in a pipe */
	bool may_share;		/* use drives another process owns through it;
				 * else EC_EOWNED */
	uint64_t memory_bytes;	/* budget for buffers; 0: 144 MiB */
};

/* Errors, each logged in one line that names the drive: EC_EINVAL (patterns),
 * EC_ENOTFOUND (no drive is formatted, and not ${create}), EC_EFOREIGN (drives
 * of two deployments, wrong number of drives ...), EC_EQUORUM (no set has a
 * read quorum; not with a ${cluster} of nodes), EC_EOWNED, EC_ECANCELED. */
enum err store_open(struct store **out, const struct store_params *p);
void store_close(struct store *st);
const char *store_complaint(void);	/* set_complaint */

/* Buckets.  create: EC_EEXIST; remove: EC_ENOTEMPTY, EC_ENOBUCKET. */
enum err store_bucket_create(struct store *st, const char *name,
    const uint8_t *meta, size_t meta_len);
enum err store_bucket_get(struct store *st, const char *name,
    struct bucket *out);
/* The same from memory, at most half a second old when another process changed
 * it, never older than this process' last change: for every request. */
enum err store_bucket_look(struct store *st, const char *name,
    struct bucket *out);
/* Change a bucket's settings: ${change} gets what they are and makes b->meta
 * what they shall be; no other change comes between.  Durable on return.
 * Errors: EC_ENOBUCKET, of ${change} (then nothing was written). */
enum err store_bucket_update(struct store *st, const char *name,
    enum err (*change)(void *ctx, struct bucket *b), void *ctx);
enum err store_bucket_remove(struct store *st, const char *name);
enum err store_bucket_list(struct store *st, const char *after, unsigned max,
    struct bucket **out, unsigned *n);

/* What must hold when a write commits: called with the key's lock held, with
 * the key's newest version (that which is to be deleted, when one was named),
 * NULL when there is none; for a write a delete marker counts as none.  What it
 * returns, if not EC_OK, is the result of the write. */
struct store_condition {
	enum err (*check)(void *ctx, const struct object *now);
	void *ctx;
};

/* How a bucket keeps versions: the setting "versioning" of its record, which is
 * "Enabled" or "Suspended".  Whoever writes, the store keeps to it. */
#define STORE_VERSIONING "versioning"
enum store_versioning {
	STORE_VERSIONING_OFF,
	STORE_VERSIONING_ENABLED,
	STORE_VERSIONING_SUSPENDED,
};
enum store_versioning store_bucket_versioning(const struct bucket *b);

/* Write.  open: EC_ENOBUCKET; p->null_version is not looked at.  commit: ${c}
 * may be NULL. */
struct store_put;
enum err store_put_open(struct store *st, const struct put_params *p,
    struct store_put **out);
enum err store_put_write(struct store_put *p, const void *buf, size_t len);
enum err store_put_lend(struct store_put *p, const void *buf, size_t len);
void store_put_settle(struct store_put *p);	/* put.h has both */
enum err store_put_meta(struct store_put *p, const uint8_t *meta, size_t len);
enum err store_put_finish(struct store_put *p, uint8_t md5[16]);
enum err store_put_commit(struct store_put *p, const char *etag,
    const struct store_condition *c, struct object *out);
void store_put_free(struct store_put *p);

/* Read: get.h with the right set.  Markers are EC_ENOTFOUND when ${version} is
 * NULL; then o->marker tells.  EC_ENOBUCKET when even the bucket is not there.
 * Read with get_read, end with get_free. */
enum err store_get_open(struct store *st, const char *bucket, const char *key,
    const struct stamp *version, struct get **out, struct object *o);

/* What a delete did. */
struct store_deleted {
	bool marker;		/* it added a delete marker, or removed one */
	bool null_version;
	struct stamp version;	/* of the marker that was added */
};

/* Delete a key: in a bucket that keeps versions by a marker; or one version for
 * good.  What is not there: EC_OK.  ${c} and ${out} may be NULL. */
enum err store_delete(struct store *st, const char *bucket, const char *key,
    const struct stamp *version, const struct store_condition *c,
    struct store_deleted *out);

/* Change the metadata of a version (NULL: the newest): ${change} gets it and
 * makes o->meta what it shall be; nothing else of it may change.  ${out}
 * (OBJECT_INIT) is the version as it then is.  Durable on return.  Errors:
 * EC_ENOTFOUND, EC_ENOBUCKET, EC_ECONFLICT (it is a delete marker; ${out} is
 * that), of ${change}. */
enum err store_amend(struct store *st, const char *bucket, const char *key,
    const struct stamp *version,
    enum err (*change)(void *ctx, struct object *o), void *ctx,
    struct object *out);

enum err store_list(struct store *st, const struct list_params *p,
    struct list **out, bool *more);

/* Multipart: multipart.h with the right set, locks and bucket checks.  Parts
 * are written with store_put_open and put_params.upload, .part. */
enum err store_upload_create(struct store *st, const char *bucket,
    const char *key, const uint8_t *meta, size_t meta_len, struct stamp *id);
enum err store_upload_get(struct store *st, const char *bucket,
    const char *key, const struct stamp *id, struct upload *out);
enum err store_upload_parts(struct store *st, const char *bucket,
    const char *key, const struct stamp *id, unsigned after, unsigned max,
    struct upload_part **out, unsigned *n, bool *more);
enum err store_upload_list(struct store *st, const char *bucket,
    const char *prefix, const char *after_key, const struct stamp *after_id,
    unsigned max, struct upload **out, unsigned *n, bool *more);
enum err store_upload_complete(struct store *st, const char *bucket,
    const char *key, const struct stamp *id, const struct upload_part *parts,
    unsigned n, const char *etag, const struct store_condition *c,
    const uint8_t *extra, size_t extra_len, struct object *out);
enum err store_upload_abort(struct store *st, const char *bucket,
    const char *key, const struct stamp *id);

/* The sets, for scan and heal. */
unsigned store_sets(const struct store *st);
struct set *store_set(struct store *st, unsigned i);
/* The set that a key of a bucket lives in, or would.  Errors: EC_EQUORUM (of
 * several pools one cannot be asked for it). */
enum err store_place(struct store *st, const char *bucket, const char *key,
    struct set **out);

/* Look at each slot that has no usable drive: attach drives that came back;
 * with ${refill}, format empty directories in known slots for their slot (a new
 * drive id; the other drives' format records follow).  *${fresh} counts newly
 * formatted drives: their set needs a heal.  Logged. */
enum err store_check_drives(struct store *st, bool refill, unsigned *fresh);

/* An empty directory in a known slot waits for the process that owns the set's
 * other drives to format it. */
bool store_drives_pending(struct store *st);

/* Background maintenance of all drives (drive.h). */
void store_maintain(struct store *st, unsigned budget_ms);

struct store_drive_status {
	const char *path;
	unsigned set, slot;
	enum lane_state state;
	bool local;			/* owned by this process */
	enum err why;			/* when not online */
	uint64_t since_us;
	struct drive_space space;
	struct drive_stats stats;
	uint64_t errors, corrupt;
};
/* ${out} takes as many as there are drives (store_drive_count). */
unsigned store_drive_count(const struct store *st);
void store_drive_status(struct store *st, unsigned i,
    struct store_drive_status *out);
/* How many more drives set ${i} can lose and still serve reads, and writes;
 * negative: it does not now. */
int store_set_spare(struct store *st, unsigned i, int *write_spare);
/* Could the set still be written if the drives that are this process's own went
 * away? */
bool store_set_without_us(struct store *st, unsigned i);
/* How many drives a write to the set needs now. */
unsigned store_set_write_quorum(struct store *st, unsigned i);
const struct uuid *store_deployment(const struct store *st);

#endif
