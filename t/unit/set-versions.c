/* Versions, delete markers and the null version; listings of versions; what a
 * writer does whose clock is behind. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "set/commit.h"
#include "set/delete.h"
#include "set/list.h"

static struct memory_set ms;

static struct stamp
put_version(const char *key, const char *text, bool null)
{
	struct put_params p = { .bucket = MEMORY_SET_BUCKET, .key = key,
		.size = strlen(text), .parity = -1, .null_version = null };
	struct object o = OBJECT_INIT;
	struct put *put = NULL;
	struct stamp version = { 0, 0 };

	if (put_open(&put, ms.set, &p) == EC_OK &&
	    put_write(put, text, strlen(text)) == EC_OK &&
	    put_finish(put, NULL) == EC_OK &&
	    put_commit(put, NULL, &o) == EC_OK)
		version = o.version;
	put_free(put);
	object_release(&o);
	return version;
}

/* The text of a version, "marker", or the error's name. */
static const char *
read_version(const char *key, const struct stamp *version)
{
	static char text[64];
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	enum err e;

	e = get_open(&g, &o, ms.set, MEMORY_SET_BUCKET, key, version);
	if (e == EC_OK && o.marker)
		strcpy(text, "marker");
	else if (e == EC_OK && (e = get_read(g, text, (size_t)o.size, 0)) ==
	    EC_OK)
		text[o.size] = '\0';
	if (e != EC_OK)
		strcpy(text, err_name(e));
	get_free(g);
	object_release(&o);
	return text;
}

/* Keys of all versions in pages of ${limit}; "*" after the newest, "!" after
 * markers, "0" after null versions. */
static const char *
list_versions(unsigned limit)
{
	static char out[1024];
	struct list_params p = { .bucket = MEMORY_SET_BUCKET, .versions = true,
		.limit = limit };
	char after[RECORD_KEY_MAX + 1];
	bool more = true;
	struct list *l;
	size_t at = 0;

	out[0] = '\0';
	while (more) {
		enum err e = list_page(&l, ms.set, &p, &more);

		if (e != EC_OK)
			return err_name(e);
		for (unsigned i = 0; i < list_count(l); i++) {
			const struct list_entry *v = list_at(l, i);

			at += (size_t)snprintf(out + at, sizeof(out) - at,
			    "%s%s%s%s%s", at > 0 ? " " : "", v->key,
			    v->newest ? "*" : "", v->marker ? "!" : "",
			    v->null_version ? "0" : "");
			strcpy(after, v->key);
			p.after = after;
			p.after_version = v->version;
		}
		more = more && list_count(l) > 0;
		list_free(l);
	}
	return out;
}

static void
versions(void)
{
	struct stamp v1, v2, v3, m, null = get_null_version;
	bool marker;

	v1 = put_version("k", "one", false);
	v2 = put_version("k", "two", false);
	tap_is_str(read_version("k", NULL), "two", "the newest");
	tap_is_str(read_version("k", &v1), "one", "an older one");
	tap_is_str(read_version("k", &null), "EC_ENOTFOUND", "no null one");
	tap_ok(delete_marker(ms.set, MEMORY_SET_BUCKET, "k", false, &m) ==
	    EC_OK, "a marker");
	tap_is_str(read_version("k", NULL), "marker", "is the newest");
	tap_is_str(read_version("k", &v2), "two", "the others are there");
	put_version("k", "null one", true);
	put_version("k", "null two", true);
	tap_is_str(read_version("k", NULL), "null two", "a null version");
	tap_is_str(read_version("k", &null), "null two", "by name");
	v3 = put_version("k", "three", false);
	put_version("j", "j", false);
	put_version("l", "l", true);
	for (unsigned limit = 1; limit < 9; limit++)
		tap_is_str(list_versions(limit), "j* k* k0 k! k k l*0",
		    "all versions, %u a page", limit);
	tap_ok(delete_version(ms.set, MEMORY_SET_BUCKET, "k", &m, &marker) ==
	    EC_OK && marker, "delete the marker");
	tap_ok(delete_version(ms.set, MEMORY_SET_BUCKET, "k", &m, &marker) ==
	    EC_ENOTFOUND, "it is gone");
	tap_ok(delete_version(ms.set, MEMORY_SET_BUCKET, "k", &v3, NULL) ==
	    EC_OK, "delete the newest");
	tap_is_str(read_version("k", NULL), "null two", "the one before it");
	tap_ok(delete_version(ms.set, MEMORY_SET_BUCKET, "k", &null, NULL) ==
	    EC_OK, "delete the null version");
	tap_is_str(read_version("k", NULL), "two", "the one before it");
	tap_is_str(read_version("k", &null), "EC_ENOTFOUND", "no null one");
	tap_is_str(list_versions(3), "j* k* k l*0", "what is left");
	tap_ok(delete_marker(ms.set, MEMORY_SET_BUCKET, "k", true, NULL) ==
	    EC_OK, "a null marker");
	tap_is_str(read_version("k", &null), "marker", "is there by name");
}

/* Many versions, more than an answer brings at first, and tombstones that are
 * newer than what lives. */
static void
many(void)
{
	struct stamp v[40];
	char text[8];
	unsigned wrong = 0;

	for (unsigned i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "v%u", i);
		v[i] = put_version("m", text, false);
	}
	for (unsigned i = 39; i > 10; i--) {
		delete_version(ms.set, MEMORY_SET_BUCKET, "m", &v[i], NULL);
		snprintf(text, sizeof(text), "v%u", i - 1);
		wrong += strcmp(read_version("m", NULL), text) != 0;
	}
	tap_is_u64(wrong, 0, "29 tombstones before the newest");
	for (unsigned i = 0; i <= 10; i++)
		delete_version(ms.set, MEMORY_SET_BUCKET, "m", &v[i], NULL);
	tap_is_str(read_version("m", NULL), "EC_ENOTFOUND", "all are deleted");
}

/* Another writer's clock is an hour ahead. */
static void
clocks(void)
{
	struct stamp ahead = stamp_new(), v;
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct record r = { .kind = RECORD_TOMBSTONE, .flags = RECORD_NULL,
		.bucket = MEMORY_SET_BUCKET, .key = "c", .etag = "" };
	struct drive_append a = { .flags = 0 };
	struct lane_call *call = NULL;
	struct gather *g = NULL;

	ahead.hlc += (uint64_t)3600 * 1000000 << 12;
	r.stamp = ahead;
	record_encode(&b, &r);
	a.rec = b.data;
	a.len = b.len;
	gather_new(&g);
	for (unsigned i = 1; i < 4; i++) {	/* on three of the four */
		lane_append(set_lane(ms.set, i), g, &a, 1, &call);
		lane_call_put(call);
	}
	gather_wait(g, 3, UINT64_MAX / 2);
	gather_free(g);
	buf_release(&b);
	v = put_version("c", "after", true);
	tap_ok(stamp_cmp(&v, &ahead) > 0, "the write is put behind it");
	tap_is_str(read_version("c", NULL), "after", "and read");
	memory_set_settle(&ms);
	memory_set_settle(&ms);
	for (unsigned i = 0; i < 4; i++)
		tap_is_u64(memory_disk_rows(ms.disk[i], DRIVE_VERSIONS), 1,
		    "drive %u has nothing of the attempt before", i);
}

/* The versions of "many" in pages; those that are out of order, too many or
 * claim to be the newest and are not count as wrong. */
static unsigned
count_versions(unsigned limit, unsigned *wrong)
{
	struct list_params p = { .bucket = MEMORY_SET_BUCKET, .limit = limit,
		.versions = true };
	struct stamp last = { UINT64_MAX, UINT64_MAX };
	unsigned count = 0;
	bool more = true;

	*wrong = 0;
	while (more) {
		struct list *l = NULL;

		if (list_page(&l, ms.set, &p, &more) != EC_OK)
			return 0;
		for (unsigned i = 0; i < list_count(l); i++) {
			const struct list_entry *e = list_at(l, i);

			if (strcmp(e->key, "many") != 0)
				continue;
			*wrong += stamp_cmp(&e->version, &last) >= 0 ||
			    e->newest != (count == 0);
			last = e->version;
			count++;
		}
		if (more) {
			const struct list_entry *e = list_at(l,
			    list_count(l) - 1);
			static char after[RECORD_KEY_MAX + 1];

			strcpy(after, e->key);
			p.after = after;
			p.after_version = e->version;
		}
		list_free(l);
	}
	return count;
}

/* More versions of a key than a drive gives in one answer. */
static void
very_many(void)
{
	enum { VERSIONS = 2500 };
	struct stamp old = { 0, 0 }, null = { 0, 0 };
	unsigned wrong, deleted;

	put_version("a", "before", false);
	put_version("z", "behind", false);
	for (unsigned i = 0; i < VERSIONS; i++) {
		struct stamp v = put_version("many", "v", i == 60);

		if (i == 50)
			old = v;
		if (i == 60)
			null = v;
	}
	tap_is_u64(count_versions(1000, &wrong), VERSIONS,
	    "2,500 versions of one key are listed");
	tap_is_u64(wrong, 0, "... in order");
	tap_is_u64(count_versions(997, &wrong), VERSIONS,
	    "... in pages of another length");
	tap_is_u64(wrong, 0, "... in order");
	tap_is_u64(count_versions(2600, &wrong), VERSIONS,
	    "... and in one");
	/* What is deleted while a drive hears nothing of it stays there. */
	memory_disk_offline(ms.disk[1], true);
	deleted = delete_version(ms.set, MEMORY_SET_BUCKET, "many", &old,
	    NULL) == EC_OK;
	deleted += delete_null(ms.set, MEMORY_SET_BUCKET, "many") == EC_OK;
	memory_disk_offline(ms.disk[1], false);
	memory_set_settle(&ms);
	tap_is_u64(deleted, 2, "two are deleted, far behind");
	tap_is_u64(count_versions(1000, &wrong), VERSIONS - 2,
	    "... and not listed");
	tap_is_str(read_version("many", &null), "EC_ENOTFOUND",
	    "... nor to be read");
}

/* What moves a key away removes it from as many drives as it says. */
static void
removed(void)
{
	struct stamp v = put_version("moved", "text", false);

	memory_disk_offline(ms.disk[0], true);
	memory_disk_offline(ms.disk[1], true);
	tap_is_str(err_name(commit_remove(ms.set, MEMORY_SET_BUCKET, "moved",
	    &v, 3)), "EC_EQUORUM", "removed from two of four: no quorum");
	memory_disk_offline(ms.disk[1], false);
	memory_set_settle(&ms);
	tap_is_str(err_name(commit_remove(ms.set, MEMORY_SET_BUCKET, "moved",
	    &v, 3)), "EC_OK", "from three");
	memory_disk_offline(ms.disk[0], false);
	memory_set_settle(&ms);
}

int
main(void)
{
	memory_set_init(&ms, 4, -1);
	removed();
	memory_set_release(&ms);
	memory_set_init(&ms, 4, -1);
	versions();
	memory_set_release(&ms);
	memory_set_init(&ms, 6, -1);
	many();
	memory_set_release(&ms);
	memory_set_init(&ms, 4, -1);
	clocks();
	memory_set_release(&ms);
	memory_set_init(&ms, 4, -1);
	very_many();
	memory_set_release(&ms);
	return tap_done();
}
