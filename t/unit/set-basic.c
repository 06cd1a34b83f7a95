/* put, get, delete, list and buckets on a healthy set and with drives out. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "set/bucket.h"
#include "set/delete.h"
#include "set/list.h"

static const size_t sizes[] = { 0, 1, 63, 64, 65, 4096, 100000, 262143, 262144,
	262145, 300000, 1 << 20, (1 << 20) + 7, 5 << 20 };
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static bool
holds(struct memory_set *ms, const char *key, const uint8_t *want, size_t len)
{
	size_t got_len;
	uint8_t *got;
	bool same;

	if (memory_set_get(ms, key, &got, &got_len) != EC_OK)
		return false;
	same = got_len == len && (len == 0 || memcmp(got, want, len) == 0);
	free(got);
	return same;
}

static void
put_and_get(unsigned n, int parity)
{
	uint8_t *buf = malloc(6 << 20);
	struct memory_set ms;
	char key[32];

	memory_set_init(&ms, n, parity);
	for (unsigned i = 0; i < SIZES; i++) {
		for (unsigned how = 0; how < 3; how++) {
			snprintf(key, sizeof(key), "k%u-%u", i, how);
			memory_set_fill(buf, sizes[i], i);
			tap_ok(memory_set_put(&ms, key, buf, sizes[i],
			    how == 0 ? 0 : how == 1 ? 70001 : 1 << 18,
			    how == 2) == EC_OK &&
			    holds(&ms, key, buf, sizes[i]),
			    "%u drives: %zu bytes, way %u", n, sizes[i], how);
		}
	}
	memory_set_release(&ms);
	free(buf);
}

static void
overwrite_and_delete(void)
{
	uint8_t *buf = malloc(2 << 20), *got;
	struct memory_set ms;
	size_t len;

	memory_set_init(&ms, 4, -1);
	for (unsigned i = 0; i < 20; i++) {
		size_t size = i % 2 == 0 ? 1000 + i : (1 << 20) + i;

		memory_set_fill(buf, size, i);
		if (memory_set_put(&ms, "k", buf, size, 0, true) != EC_OK ||
		    !holds(&ms, "k", buf, size))
			break;
		tap_ok(true, "overwrite %u is seen at once", i);
	}
	memory_set_settle(&ms);
	for (unsigned i = 0; i < 4; i++)
		tap_is_u64(memory_disk_rows(ms.disk[i], DRIVE_VERSIONS), 1,
		    "drive %u keeps one version", i);
	tap_is_u64(memory_disk_shards(ms.disk[0]), 1, "and one shard file");
	tap_ok(delete_null(ms.set, MEMORY_SET_BUCKET, "k") == EC_OK, "delete");
	tap_ok(memory_set_get(&ms, "k", &got, &len) == EC_ENOTFOUND,
	    "it is gone");
	memory_set_settle(&ms);
	tap_is_u64(memory_disk_shards(ms.disk[0]), 0, "its shards too");
	tap_ok(delete_null(ms.set, MEMORY_SET_BUCKET, "none") == EC_OK,
	    "deleting what is not there");
	memory_set_fill(buf, 10, 99);
	tap_ok(memory_set_put(&ms, "k", buf, 10, 0, true) == EC_OK &&
	    holds(&ms, "k", buf, 10), "and a new one after it");
	memory_set_release(&ms);
	free(buf);
}

static void
ranges(void)
{
	size_t size = 3000000;
	uint8_t *buf = malloc(size), *got = malloc(size);
	struct object o = OBJECT_INIT;
	struct memory_set ms;
	struct get *g = NULL;
	unsigned wrong = 0;

	memory_set_init(&ms, 6, 2);
	memory_set_fill(buf, size, 5);
	tap_ok(memory_set_put(&ms, "r", buf, size, 0, true) == EC_OK, "put");
	tap_ok(get_open(&g, &o, ms.set, MEMORY_SET_BUCKET, "r", NULL) == EC_OK,
	    "open");
	srandom(7);
	for (unsigned i = 0; i < 300; i++) {
		size_t off = (size_t)random() % size;
		size_t len = (size_t)random() % (i % 3 == 0 ? size : 5000);

		if (len > size - off)
			len = size - off;
		wrong += get_read(g, got, len, off) != EC_OK ||
		    memcmp(got, buf + off, len) != 0;
	}
	tap_is_u64(wrong, 0, "300 ranges");
	tap_ok(memory_set_put(&ms, "r", buf, 100, 0, true) == EC_OK,
	    "overwritten under the reader");
	memory_set_settle(&ms);
	tap_ok(get_read(g, got, size, 0) == EC_OK &&
	    memcmp(got, buf, size) == 0, "who still reads the old version");
	get_free(g);
	object_release(&o);
	memory_set_release(&ms);
	free(buf);
	free(got);
}

static unsigned
list_all(struct memory_set *ms, const char *prefix, const char *delimiter,
    unsigned limit, char *out, size_t size)
{
	struct list_params p = { .bucket = MEMORY_SET_BUCKET, .prefix = prefix,
		.delimiter = delimiter, .limit = limit };
	char after[RECORD_KEY_MAX + 1] = "";
	unsigned pages = 0;
	size_t at = 0;
	bool more = true;

	out[0] = '\0';
	while (more) {
		struct list *l;
		enum err e;

		p.after = after;
		if ((e = list_page(&l, ms->set, &p, &more)) != EC_OK) {
			snprintf(out, size, "%s", err_name(e));
			return 0;
		}
		pages++;
		for (unsigned i = 0; i < list_count(l); i++) {
			at += (size_t)snprintf(out + at, size - at, "%s%s",
			    at > 0 ? " " : "", list_at(l, i)->key);
			snprintf(after, sizeof(after), "%s",
			    list_at(l, i)->key);
		}
		if (list_count(l) == 0 && more)
			more = false;
		list_free(l);
	}
	return pages;
}

static void
listing(void)
{
	static const char *const keys[] = { "a", "a/b", "a/b/c", "a/b/d",
		"a/c", "a0", "b", "b/1", "b/2", "b/3", "c/x/y", "c/x/z", "d" };
	uint8_t buf[8] = { 1 };
	struct memory_set ms;
	char out[1024];

	memory_set_init(&ms, 4, -1);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		memory_set_put(&ms, keys[i], buf, sizeof(buf), 0, true);
	delete_null(ms.set, MEMORY_SET_BUCKET, "b/2");
	for (unsigned limit = 1; limit <= 20; limit += 3) {
		list_all(&ms, "", NULL, limit, out, sizeof(out));
		tap_is_str(out, "a a/b a/b/c a/b/d a/c a0 b b/1 b/3 c/x/y "
		    "c/x/z d", "all keys, %u a page", limit);
		list_all(&ms, "", "/", limit, out, sizeof(out));
		tap_is_str(out, "a a/ a0 b b/ c/ d", "delimiter, %u a page",
		    limit);
		list_all(&ms, "a/", "/", limit, out, sizeof(out));
		tap_is_str(out, "a/b a/b/ a/c", "prefix, %u a page", limit);
		list_all(&ms, "c/", "/", limit, out, sizeof(out));
		tap_is_str(out, "c/x/", "only a common prefix, %u", limit);
	}
	tap_is_u64(list_all(&ms, "", NULL, 12, out, sizeof(out)), 1,
	    "no page more than needed");
	memory_disk_offline(ms.disk[1], true);
	memory_disk_offline(ms.disk[2], true);
	list_all(&ms, "b", "/", 5, out, sizeof(out));
	tap_is_str(out, "b b/", "two drives out");
	memory_disk_offline(ms.disk[3], true);
	list_all(&ms, "b", "/", 5, out, sizeof(out));
	tap_is_str(out, "EC_EQUORUM", "three drives out");
	tap_note("%s", set_complaint());
	memory_set_release(&ms);
}

/* What a drive missed is in the heal queue, by the same append; and an error
 * says what each drive lacked. */
static void
missed(void)
{
	bool out[SET_DRIVES_MAX] = { false, false, true };
	uint8_t buf[4096] = { 1 };
	struct memory_set ms;
	uint64_t before;

	memory_set_init(&ms, 4, -1);
	memory_set_restart(&ms, out);
	before = memory_disk_count(ms.disk[0], MEMORY_APPEND);
	tap_ok(memory_set_put(&ms, "k", buf, sizeof(buf), 0, true) == EC_OK,
	    "put, a drive out");
	tap_is_u64(memory_disk_count(ms.disk[0], MEMORY_APPEND) - before, 1,
	    "one append");
	tap_is_u64(memory_disk_rows(ms.disk[0], DRIVE_HEALS), 1,
	    "which has the entry of the heal queue");
	memory_set_restart(&ms, NULL);
	memory_disk_fail(ms.disk[1], MEMORY_WRITES, EC_ENOSPC);
	memory_disk_fail(ms.disk[3], MEMORY_WRITES, EC_ENOSPC);
	tap_is_str(err_name(memory_set_put(&ms, "k", buf, sizeof(buf), 0,
	    true)), "EC_ENOSPC", "two full drives");
	tap_is_str(set_complaint(), "write quorum 3 of 4 not met: "
	    "/d2: no space left, /d4: no space left", "which are named");
	out[3] = true;
	memory_set_restart(&ms, out);
	tap_is_str(err_name(memory_set_put(&ms, "k", buf, sizeof(buf), 0,
	    true)), "EC_EQUORUM", "two drives out");
	tap_is_str(set_complaint(), "write quorum 3 of 4 not met: "
	    "/d3: drive is offline, /d4: drive is offline", "named, too");
	memory_set_release(&ms);
}

static void
buckets(void)
{
	struct bucket b = BUCKET_INIT, *list = NULL;
	struct memory_set ms;
	unsigned n = 0;

	memory_set_init(&ms, 4, -1);
	tap_ok(bucket_get(&b, ms.set, "one") == EC_ENOBUCKET, "no bucket");
	strcpy(b.name, "one");
	tap_ok(bucket_write(ms.set, &b) == EC_OK, "create");
	strcpy(b.name, "two");
	tap_ok(bucket_write(ms.set, &b) == EC_OK, "create another");
	tap_ok(bucket_get(&b, ms.set, "one") == EC_OK &&
	    strcmp(b.name, "one") == 0, "it is there");
	tap_ok(bucket_list(ms.set, NULL, 10, &list, &n) == EC_OK && n == 2 &&
	    strcmp(list[1].name, "two") == 0, "both are listed");
	for (unsigned i = 0; i < n; i++)
		bucket_release(&list[i]);
	free(list);
	memory_disk_offline(ms.disk[0], true);
	tap_ok(bucket_remove(ms.set, "one") == EC_OK, "remove, a drive out");
	memory_disk_offline(ms.disk[0], false);
	memory_disk_offline(ms.disk[1], true);
	memory_set_settle(&ms);
	tap_ok(bucket_get(&b, ms.set, "one") == EC_ENOBUCKET,
	    "the drive that missed it does not bring it back");
	memory_disk_offline(ms.disk[2], true);
	tap_ok(bucket_write(ms.set, &b) == EC_EQUORUM, "two drives out");
	bucket_release(&b);
	memory_set_release(&ms);
}

int
main(void)
{
	put_and_get(1, 0);
	put_and_get(2, -1);
	put_and_get(4, -1);
	put_and_get(12, -1);
	put_and_get(16, -1);
	overwrite_and_delete();
	ranges();
	listing();
	missed();
	buckets();
	return tap_done();
}
