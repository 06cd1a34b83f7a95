/* amend: see the header.  The new amendment hides the one before, which is
 * purged off the caller's path; a version that goes hides all of its own. */
#include "set/amend.h"

#include "base/clock.h"
#include "set/commit.h"
#include "set/quorum.h"
#include "set/set_impl.h"

enum err
amend_version(struct set *s, struct object *o)
{
	struct record r = { .kind = RECORD_AMEND, .bucket = o->bucket,
		.key = o->key, .etag = "", .mtime_us = clock_real_us(),
		.flags = o->null_version ? RECORD_NULL : 0,
		.target = o->version, .meta = o->meta.data,
		.meta_len = (uint32_t)o->meta.len };
	struct commit c = { .s = s, .rec = &r, .quorum = quorum_meta(s->n),
		.what = "write quorum" };
	enum err e;

	for (unsigned i = 0; i < s->n; i++)
		c.to[i] = lane_state(s->lane[i]) == LANE_ONLINE;
	if ((e = commit_run(&c)) != EC_OK)
		return e;
	if (!stamp_is_zero(&o->amended))
		commit_purge(s, o->bucket, o->key, &o->amended, c.holds);
	o->amended = r.stamp;
	return EC_OK;
}

void
amend_purge(struct set *s, const struct object *o)
{
	bool all[SET_DRIVES_MAX];

	for (unsigned i = 0; i < s->n; i++)
		all[i] = lane_state(s->lane[i]) == LANE_ONLINE;
	if (!stamp_is_zero(&o->amended))
		commit_purge(s, o->bucket, o->key, &o->amended, all);
}
