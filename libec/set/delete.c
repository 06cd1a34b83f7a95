/* delete: see the header.
 *
 * A tombstone is written without looking first: one flush, and it is right
 * whatever is there.  What it hides is purged off the caller's path. */
#include "set/delete.h"

#include <string.h>

#include "base/clock.h"
#include "set/amend.h"
#include "set/commit.h"
#include "set/get.h"
#include "set/quorum.h"
#include "set/set_impl.h"

static enum err
append(struct set *s, struct record *r, struct commit *c)
{
	r->etag = "";
	r->mtime_us = clock_real_us();
	c->s = s;
	c->rec = r;
	c->quorum = quorum_meta(s->n);
	c->what = "delete quorum";
	for (unsigned i = 0; i < s->n; i++)
		c->to[i] = lane_state(s->lane[i]) == LANE_ONLINE;
	return commit_run(c);
}

enum err
delete_null(struct set *s, const char *bucket, const char *key)
{
	struct record r = { .kind = RECORD_TOMBSTONE, .flags = RECORD_NULL,
		.bucket = bucket, .key = key };
	struct commit c = { 0 };
	enum err e;

	if ((e = append(s, &r, &c)) == EC_OK && c.superseded)
		commit_purge_older(s, bucket, key, &r.stamp, c.holds);
	return e;
}

enum err
delete_marker(struct set *s, const char *bucket, const char *key,
    bool null_version, struct stamp *version)
{
	struct record r = { .kind = RECORD_MARKER, .bucket = bucket,
		.key = key, .flags = null_version ? RECORD_NULL : 0 };
	struct commit c = { 0 };
	enum err e;

	if ((e = append(s, &r, &c)) != EC_OK)
		return e;
	if (c.superseded)
		commit_purge_older(s, bucket, key, &r.stamp, c.holds);
	if (version != NULL)
		*version = r.stamp;
	return EC_OK;
}

enum err
delete_tombstone(struct set *s, const char *bucket, const char *key,
    const struct stamp *version)
{
	struct record r = { .kind = RECORD_TOMBSTONE, .bucket = bucket,
		.key = key, .target = *version };
	struct commit c = { 0 };

	return append(s, &r, &c);
}

enum err
delete_version(struct set *s, const char *bucket, const char *key,
    const struct stamp *version, bool *was_marker)
{
	struct record r = { .kind = RECORD_TOMBSTONE, .bucket = bucket,
		.key = key, .target = *version };
	struct object o = OBJECT_INIT;
	struct commit c = { 0 };
	enum err e;

	if ((e = get_open(NULL, &o, s, bucket, key, version)) != EC_OK)
		goto out;
	if (was_marker != NULL)
		*was_marker = o.marker;
	if (stamp_is_zero(version)) {
		e = delete_null(s, bucket, key);
		goto out;
	}
	if ((e = append(s, &r, &c)) == EC_OK) {
		commit_purge(s, bucket, key, version, c.holds);
		amend_purge(s, &o);
	}
out:
	object_release(&o);
	return e;
}
