/* multipart: objects uploaded in parts.  Parts are written by put.h with
 * put_params.upload and .part. */
#ifndef MULTIPART_H
#define MULTIPART_H

#include "set/set.h"

struct upload {
	char key[RECORD_KEY_MAX + 1];
	struct stamp id;
	uint64_t started_us;
	struct buf meta;
};
#define UPLOAD_INIT { .meta = BUF_INIT(RECORD_META_MAX) }
void upload_release(struct upload *u);

/* Fill ${u} (UPLOAD_INIT) from a record.  Errors: EC_ENOMEM, EC_ECORRUPT. */
enum err multipart_from_record(struct upload *u, const struct record *r);

struct upload_part {
	uint32_t number;
	uint64_t size, mtime_us;
	char etag[RECORD_ETAG_MAX + 1];
	struct record_part part;
	struct buf meta;	/* of the part: checksums */
};

enum err multipart_create(struct set *s, const char *bucket, const char *key,
    const uint8_t *meta, size_t meta_len, struct stamp *id);

/* Errors: EC_ENOUPLOAD, EC_EQUORUM. */
enum err multipart_get(struct upload *out, struct set *s, const char *bucket,
    const char *key, const struct stamp *id);

/* Parts in order of number behind ${after}; the array is the caller's (release
 * each meta, then free). */
enum err multipart_parts(struct set *s, const char *bucket, const char *key,
    const struct stamp *id, unsigned after, unsigned max,
    struct upload_part **out, unsigned *n, bool *more);

/* Uploads of a bucket in order of key and id, behind (after_key, after_id). */
enum err multipart_list(struct set *s, const char *bucket, const char *prefix,
    const char *after_key, const struct stamp *after_id, unsigned max,
    struct upload **out, unsigned *n, bool *more);

/* Make the object of the ${n} parts given, in rising order of number; metadata
 * is the upload's plus ${extra}.  Parts left out are removed.  Repeating a
 * completed one is EC_ENOUPLOAD.  ${etag}: of the object.  A part counts by its
 * number and part.data, as multipart_parts gave them.
 * The object's k is the greatest of its parts', so that where it is decided
 * each part can be; what a part lacks, because drives were away when it was
 * written, is in the heal queue.
 * Errors: EC_ENOUPLOAD, EC_ENOTFOUND (a part), EC_EQUORUM. */
enum err multipart_complete(struct set *s, const char *bucket, const char *key,
    const struct stamp *id, const struct upload_part *parts, unsigned n,
    const char *etag, bool null_version, const uint8_t *extra,
    size_t extra_len, struct object *out);

enum err multipart_abort(struct set *s, const char *bucket, const char *key,
    const struct stamp *id);

#endif
