/* Uploads: parts, completion, abort, listing, what is left on the drives. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "set/multipart.h"

enum { PART_BYTES = 700001 };

static uint8_t *whole;

static enum err
write_part(struct memory_set *ms, const char *key, const struct stamp *id,
    uint32_t number, const uint8_t *buf, size_t len)
{
	struct put_params p = { .bucket = MEMORY_SET_BUCKET, .key = key,
		.size = len, .parity = -1, .upload = *id, .part = number };
	struct put *put = NULL;
	enum err e;

	if ((e = put_open(&put, ms->set, &p)) != EC_OK)
		return e;
	if ((e = put_write(put, buf, len)) == EC_OK &&
	    (e = put_finish(put, NULL)) == EC_OK)
		e = put_commit(put, NULL, NULL);
	put_free(put);
	return e;
}

static void
parts_free(struct upload_part *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_release(&p[i].meta);
	free(p);
}

static enum err
complete(struct memory_set *ms, const char *key, const struct stamp *id,
    struct upload_part *parts, unsigned n)
{
	struct object o = OBJECT_INIT;
	enum err e;

	e = multipart_complete(ms->set, MEMORY_SET_BUCKET, key, id, parts, n,
	    "0123-4", true, NULL, 0, &o);
	if (e == EC_OK)
		tap_ok(strcmp(o.etag, "0123-4") == 0 && o.part_count == n,
		    "the object of %u parts", n);
	object_release(&o);
	return e;
}

static bool
reads(struct memory_set *ms, const char *key, const uint8_t *want, size_t size)
{
	struct object o = OBJECT_INIT;
	uint8_t *got = malloc(size + 1);
	struct get *g = NULL;
	bool good;

	good = get_open(&g, &o, ms->set, MEMORY_SET_BUCKET, key, NULL) ==
	    EC_OK && o.size == size && get_read(g, got, size, 0) == EC_OK &&
	    memcmp(got, want, size) == 0;
	for (unsigned i = 0; good && i < 50; i++) {
		size_t off = (size_t)random() % size;
		size_t len = (size_t)random() % (size - off);

		good = get_read(g, got, len, off) == EC_OK &&
		    memcmp(got, want + off, len) == 0;
	}
	get_free(g);
	object_release(&o);
	free(got);
	return good;
}

/* How many there are, when ${want} are to be: a drive that a write did not wait
 * for may be late. */
static unsigned
shards(struct memory_set *ms, unsigned want)
{
	uint64_t end = clock_mono_us() + 60000000;
	unsigned n;

	do {
		n = 0;
		memory_set_settle(ms);
		for (unsigned i = 0; i < ms->n; i++)
			n += memory_disk_shards(ms->disk[i]);
	} while (n != want && clock_mono_us() < end);
	return n;
}

static void
upload_and_complete(void)
{
	const uint8_t meta[] = { 1, 0, 1, 0, 0, 0, 'a', 'b' };
	struct upload u = UPLOAD_INIT;
	struct upload_part *parts = NULL;
	struct memory_set ms;
	struct stamp id, none = { 1, 2 };
	unsigned n;
	bool more;

	memory_set_init(&ms, 4, -1);
	tap_ok(multipart_create(ms.set, MEMORY_SET_BUCKET, "k", meta,
	    sizeof(meta), &id) == EC_OK, "create");
	tap_ok(multipart_get(&u, ms.set, MEMORY_SET_BUCKET, "k", &id) ==
	    EC_OK && u.meta.len == sizeof(meta), "it is there");
	tap_ok(multipart_get(&u, ms.set, MEMORY_SET_BUCKET, "k", &none) ==
	    EC_ENOUPLOAD, "another is not");
	upload_release(&u);
	for (unsigned i = 0; i < 5; i++)
		tap_ok(write_part(&ms, "k", &id, i * 10 + 1,
		    whole + i * PART_BYTES, PART_BYTES) == EC_OK,
		    "part %u", i * 10 + 1);
	tap_ok(write_part(&ms, "k", &id, 11, whole, 999) == EC_OK,
	    "part 11 again, wrong");
	tap_ok(write_part(&ms, "k", &id, 11, whole + PART_BYTES, PART_BYTES) ==
	    EC_OK, "part 11 once more");
	tap_ok(multipart_parts(ms.set, MEMORY_SET_BUCKET, "k", &id, 0, 2,
	    &parts, &n, &more) == EC_OK && n == 2 && more &&
	    parts[1].number == 11 && parts[1].size == PART_BYTES,
	    "the first two");
	parts_free(parts, n);
	tap_ok(multipart_parts(ms.set, MEMORY_SET_BUCKET, "k", &id, 11, 10,
	    &parts, &n, &more) == EC_OK && n == 3 && !more, "the others");
	parts_free(parts, n);
	multipart_parts(ms.set, MEMORY_SET_BUCKET, "k", &id, 0, 10, &parts, &n,
	    &more);
	parts[2].part.data.b[0] ^= 1;
	tap_ok(complete(&ms, "k", &id, parts, 4) == EC_ENOTFOUND,
	    "a part that is not there");
	parts[2].part.data.b[0] ^= 1;
	tap_ok(complete(&ms, "k", &id, parts, 4) == EC_OK,
	    "complete without the last");
	tap_ok(reads(&ms, "k", whole, 4 * PART_BYTES), "all ranges are right");
	tap_is_u64(shards(&ms, 4 * 4), 4 * 4,
	    "the shards of four parts are left");
	tap_ok(complete(&ms, "k", &id, parts, 4) == EC_ENOUPLOAD, "once only");
	tap_ok(write_part(&ms, "k", &id, 1, whole, 10) == EC_ENOUPLOAD,
	    "no part after it");
	tap_is_u64(shards(&ms, 4 * 4), 4 * 4, "nor its shards");
	tap_ok(memory_set_put(&ms, "k", whole, 10, 0, true) == EC_OK,
	    "overwrite");
	tap_is_u64(shards(&ms, 0), 0, "no shards are left");
	parts_free(parts, n);
	memory_set_release(&ms);
}

static void
abort_upload(void)
{
	struct memory_set ms;
	struct stamp id;

	memory_set_init(&ms, 6, -1);
	multipart_create(ms.set, MEMORY_SET_BUCKET, "k", NULL, 0, &id);
	write_part(&ms, "k", &id, 1, whole, PART_BYTES);
	tap_is_u64(shards(&ms, 6), 6, "a part's shards");
	tap_ok(multipart_abort(ms.set, MEMORY_SET_BUCKET, "k", &id) == EC_OK,
	    "abort");
	tap_is_u64(shards(&ms, 0), 0, "none after");
	tap_ok(multipart_abort(ms.set, MEMORY_SET_BUCKET, "k", &id) ==
	    EC_ENOUPLOAD, "once only");
	memory_set_release(&ms);
}

/* Drives go and come between the parts: geometries differ. */
static void
drives_change(void)
{
	struct upload_part *parts = NULL;
	struct memory_set ms;
	struct stamp id;
	unsigned n;
	bool more;

	memory_set_init(&ms, 8, 2);
	multipart_create(ms.set, MEMORY_SET_BUCKET, "k", NULL, 0, &id);
	for (unsigned i = 0; i < 4; i++) {
		bool out[SET_DRIVES_MAX] = { false };

		for (unsigned j = 0; j < i; j++)
			out[(i * 3 + j) % 8] = true;
		memory_set_restart(&ms, out);
		tap_ok(write_part(&ms, "k", &id, i + 1, whole + i * PART_BYTES,
		    PART_BYTES) == EC_OK, "part %u with %u drives out", i + 1,
		    i);
	}
	memory_set_restart(&ms, NULL);
	tap_is_str(err_name(multipart_parts(ms.set, MEMORY_SET_BUCKET, "k",
	    &id, 0, 10, &parts, &n, &more)), "EC_OK", "list the parts");
	tap_is_u64(n, 4, "all parts are there");
	tap_is_str(err_name(complete(&ms, "k", &id, parts, n)), "EC_OK",
	    "complete");
	parts_free(parts, n);
	tap_ok(reads(&ms, "k", whole, 4 * PART_BYTES), "read");
	memory_disk_offline(ms.disk[0], true);
	tap_ok(reads(&ms, "k", whole, 4 * PART_BYTES), "read, a drive out");
	memory_set_release(&ms);
}

static void
list_uploads(void)
{
	struct upload *list = NULL;
	struct memory_set ms;
	struct stamp id[6];
	unsigned n;
	bool more;

	memory_set_init(&ms, 4, -1);
	for (unsigned i = 0; i < 6; i++)
		multipart_create(ms.set, MEMORY_SET_BUCKET,
		    i < 3 ? "a" : i < 5 ? "b/1" : "c", NULL, 0, &id[i]);
	multipart_abort(ms.set, MEMORY_SET_BUCKET, "a", &id[1]);
	tap_ok(multipart_list(ms.set, MEMORY_SET_BUCKET, NULL, NULL, NULL, 10,
	    &list, &n, &more) == EC_OK && n == 5 && !more &&
	    stamp_cmp(&list[1].id, &id[2]) == 0, "five are open");
	for (unsigned i = 0; i < n; i++)
		upload_release(&list[i]);
	free(list);
	tap_ok(multipart_list(ms.set, MEMORY_SET_BUCKET, NULL, "a", &id[0], 2,
	    &list, &n, &more) == EC_OK && n == 2 && more &&
	    stamp_cmp(&list[0].id, &id[2]) == 0 &&
	    strcmp(list[1].key, "b/1") == 0, "a page");
	free(list);
	tap_ok(multipart_list(ms.set, MEMORY_SET_BUCKET, "b", NULL, NULL, 2,
	    &list, &n, &more) == EC_OK && n == 2 && !more, "a prefix");
	free(list);
	memory_set_release(&ms);
}

int
main(void)
{
	whole = malloc(5 * PART_BYTES);
	memory_set_fill(whole, 5 * PART_BYTES, 3);
	upload_and_complete();
	abort_upload();
	drives_change();
	list_uploads();
	free(whole);
	return tap_done();
}
