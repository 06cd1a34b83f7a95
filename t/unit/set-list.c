/* A list says of a key what a read of it says: what cannot be decided while a
 * drive is away is an error, not something older; what can is listed, with
 * drives away, not filled or behind. */
#include "set/list.h"

#include <stdlib.h>

#include "../lib/rig.h"
#include "../lib/tap.h"
#include "set/delete.h"

enum { SIZE = 3000, MANY = 40 };

/* The keys and sizes in one line; the error's text when there is one. */
static const char *
listed(struct rig *r, bool versions, const char *delimiter)
{
	struct list_params p = { .bucket = "bucket", .versions = versions,
		.delimiter = delimiter, .limit = 10 };
	static char out[200];
	struct list *l = NULL;
	size_t used = 0;
	bool more;
	enum err e;

	out[0] = '\0';
	if ((e = list_page(&l, r->set, &p, &more)) != EC_OK)
		return err_text(e);
	for (unsigned i = 0; i < list_count(l) && used < sizeof(out); i++)
		used += (size_t)snprintf(out + used, sizeof(out) - used,
		    "%s%s:%u", i > 0 ? " " : "", list_at(l, i)->key,
		    (unsigned)list_at(l, i)->size);
	list_free(l);
	return out;
}

/* Only disk 0 has what is written now, and nobody knows of the others: as when
 * the writer died. */
static void
half_begin(struct rig *r)
{
	for (unsigned i = 1; i < r->n; i++)
		memory_disk_fail(r->disk[i], MEMORY_APPEND, EC_EIO);
}

static void
half_end(struct rig *r)
{
	for (unsigned i = 1; i < r->n; i++)
		memory_disk_fail(r->disk[i], MEMORY_APPEND, EC_OK);
	rig_restart(r);
}

static void
test_undecided(bool null)
{
	const char *lack = err_text(EC_EQUORUM);
	struct rig r;

	rig_init(&r, 4, 2);
	rig_put(&r, "a", SIZE, 1, null, NULL);
	rig_put(&r, "b", SIZE, 1, null, NULL);
	rig_put(&r, "d/x", SIZE, 1, null, NULL);
	half_begin(&r);
	tap_ok(rig_put(&r, "b", SIZE + 1, 2, null, NULL) != EC_OK &&
	    rig_put(&r, "c", SIZE, 1, null, NULL) != EC_OK &&
	    rig_put(&r, "d/y", SIZE, 1, null, NULL) != EC_OK,
	    "writes that fail%s", null ? "" : ", of versions");
	half_end(&r);
	tap_is_str(listed(&r, !null, NULL), "a:3000 b:3000 d/x:3000",
	    "... are not there when all drives say so");
	rig_detach(&r, 3);
	tap_is_u64(rig_get(&r, "b", NULL, SIZE, 1), EC_EQUORUM,
	    "... may be for a reader when one is away");
	tap_is_str(listed(&r, !null, NULL), lack, "... and for a list");
	tap_is_str(listed(&r, !null, "/"), lack, "... of prefixes, too");
	rig_attach(&r, 3);
	rig_detach(&r, 0);
	tap_is_str(listed(&r, !null, NULL), "a:3000 b:3000 d/x:3000",
	    "... is known without the one drive that has them");
	rig_release(&r);
}

static void
test_undecided_delete(void)
{
	struct rig r;

	rig_init(&r, 4, 2);
	rig_put(&r, "a", SIZE, 1, true, NULL);
	half_begin(&r);
	tap_ok(delete_null(r.set, "bucket", "a") != EC_OK,
	    "a delete that fails");
	half_end(&r);
	tap_is_str(listed(&r, false, NULL), "a:3000", "... has not been");
	rig_detach(&r, 2);
	tap_is_str(listed(&r, false, NULL), err_text(EC_EQUORUM),
	    "... may have been when a drive is away");
	tap_is_str(listed(&r, true, NULL), err_text(EC_EQUORUM),
	    "... of the versions, too");
	rig_release(&r);
}

/* A page of many keys that one drive lacks, with another away: each in turn. */
static void
test_behind(void)
{
	struct list_params p = { .bucket = "bucket", .limit = 1000 };
	struct list *l = NULL;
	char key[] = "k00";
	uint64_t before;
	struct rig r;
	bool more;

	rig_init(&r, 4, 1);
	rig_detach(&r, 0);
	for (unsigned i = 0; i < MANY; i++) {
		key[1] = (char)('0' + i / 10);
		key[2] = (char)('0' + i % 10);
		rig_put(&r, key, SIZE, i, true, NULL);
	}
	rig_attach(&r, 0);
	for (unsigned away = 0; away < 4; away++) {
		rig_detach(&r, away);
		before = memory_disk_count(r.disk[(away + 1) % 4],
		    MEMORY_QUERY);
		tap_is_u64(list_page(&l, r.set, &p, &more), EC_OK,
		    "a list with drive %u away and drive 0 behind", away);
		tap_is_u64(l == NULL ? 0 : list_count(l), MANY,
		    "... is whole");
		tap_ok(memory_disk_count(r.disk[(away + 1) % 4],
		    MEMORY_QUERY) - before < MANY,
		    "... without asking for each key");
		list_free(l);
		l = NULL;
		rig_attach(&r, away);
	}
	rig_release(&r);
}

int
main(void)
{
	test_undecided(true);
	test_undecided(false);
	test_undecided_delete();
	test_behind();
	return tap_done();
}
