/* heal-key: what heal_key finds and what it makes whole. */
#include "../lib/rig.h"
#include "../lib/tap.h"
#include "set/delete.h"
#include "set/heal.h"
#include "set/placement.h"

static const struct {
	const char *key;
	size_t size;
} objects[] = {
	{ "empty", 0 }, { "one", 1 }, { "small", 4096 }, { "odd", 77777 },
	{ "file", 1200001 }, { "files/large", 5000000 },
};
enum {
	OBJECTS = sizeof objects / sizeof objects[0],
	LOOK = HEAL_DRY | HEAL_DEEP,
};

static void
seen(void *ctx, const struct heal_report *r)
{
	*(struct heal_report *)ctx = *r;
}

static enum err
heal(struct rig *r, const char *key, unsigned flags, struct heal_report *rep)
{
	const struct heal_watch watch = { .each = seen, .ctx = rep };

	return heal_key(r->set, "bucket", key, NULL, flags,
	    rep != NULL ? &watch : NULL);
}

static enum err
heal_all(struct rig *r, unsigned flags)
{
	static const char *const more[] = { "over", "versions", "deleted",
		"marked" };
	enum err e = EC_OK;

	for (unsigned i = 0; i < OBJECTS; i++)
		e = heal_worse(e, heal_key(r->set, "bucket", objects[i].key,
		    NULL, flags, NULL));
	for (unsigned i = 0; i < 4; i++)
		e = heal_worse(e, heal_key(r->set, "bucket", more[i], NULL,
		    flags, NULL));
	return e;
}

/* One of everything. */
static void
populate(struct rig *r)
{
	struct stamp v;
	bool good = true;

	for (unsigned i = 0; i < OBJECTS; i++)
		good = good && rig_put(r, objects[i].key, objects[i].size, i,
		    true, NULL) == EC_OK;
	good = good && rig_put(r, "over", 5000, 1, true, NULL) == EC_OK &&
	    rig_put(r, "over", 700000, 2, true, NULL) == EC_OK &&
	    rig_put(r, "versions", 10, 1, false, NULL) == EC_OK &&
	    rig_put(r, "versions", 300000, 2, false, &v) == EC_OK &&
	    rig_put(r, "versions", 20, 3, false, NULL) == EC_OK &&
	    delete_version(r->set, "bucket", "versions", &v, NULL) == EC_OK &&
	    rig_put(r, "deleted", 100, 1, true, NULL) == EC_OK &&
	    delete_null(r->set, "bucket", "deleted") == EC_OK &&
	    rig_put(r, "marked", 100, 1, false, NULL) == EC_OK &&
	    delete_marker(r->set, "bucket", "marked", false, NULL) == EC_OK;
	tap_ok(good, "objects of all kinds in a set of %u", r->n);
}

static unsigned
bits(unsigned x)
{
	return (unsigned)__builtin_popcount(x);
}

/* Replace the drives of ${mask} and heal; true if all is as it was. */
static bool
replace_and_heal(struct rig *r, unsigned mask, const uint64_t sum[])
{
	for (unsigned i = 0; i < r->n; i++)
		if ((mask >> i & 1) != 0)
			rig_replace(r, i);
	if (heal_all(r, HEAL_DRY) != EC_EDEGRADED ||
	    heal_all(r, 0) != EC_OK || rig_differ(r, sum) != 0 ||
	    heal_all(r, LOOK) != EC_OK) {
		tap_note("drives %#x: %u differ", mask, rig_differ(r, sum));
		return false;
	}
	return true;
}

static void
test_patterns(unsigned n, unsigned m, unsigned step)
{
	unsigned tried = 0, good = 0;
	uint64_t sum[SET_DRIVES_MAX];
	struct rig r;

	rig_init(&r, n, m);
	populate(&r);
	tap_ok(heal_all(&r, 0) == EC_OK, "%u+%u: whole", n - m, m);
	rig_sums(&r, sum);
	for (unsigned mask = 1; mask < 1u << n; mask += step) {
		if (bits(mask) > m)
			continue;
		tried++;
		good += replace_and_heal(&r, mask, sum);
	}
	tap_is_u64(good, tried, "%u+%u: every pattern of at most %u replaced "
	    "drives healed to the same bytes (%u)", n - m, m, m, tried);
	rig_release(&r);
}

/* Bytes of a small object's shard files, one flipped at a time. */
static void
test_flips(void)
{
	unsigned tried = 0, found = 0, healed = 0;
	uint64_t sum[SET_DRIVES_MAX];
	struct heal_report rep;
	struct stamp v;
	struct uuid data;
	struct rig r;
	size_t len = 1;
	enum err e;

	rig_init(&r, 4, 2);
	rig_plant(&r, "flip", 1000, 7, &v, &data);
	rig_sums(&r, sum);
	tap_ok(heal(&r, "flip", LOOK, NULL) == EC_OK,
	    "a planted object is whole");
	tap_ok(rig_get(&r, "flip", NULL, 1000, 7) == EC_OK, "and readable");
	for (size_t off = 0; off < len; off++) {
		unsigned shard = (unsigned)off % 4;
		unsigned disk = placement_drive(placement_start("bucket",
		    "flip", 4), shard, 4);
		uint8_t *bytes = memory_disk_shard(r.disk[disk], &data, shard,
		    &len);

		bytes[off] ^= (uint8_t)(1u << off % 8);
		tried++;
		found += heal(&r, "flip", LOOK, NULL) == EC_EDEGRADED;
		e = heal(&r, "flip", HEAL_DEEP, &rep);
		healed += e == EC_OK && rig_differ(&r, sum) == 0;
		if (healed == tried)
			continue;
		tap_note("byte %zu of %zu: %s, shard %u on disk %u", off, len,
		    err_name(e), shard, disk);
		for (unsigned i = 0; i < 4; i++)
			tap_note("%u: %s -> %s, disk differs: %d", i,
			    heal_state_text(rep.before[i]),
			    heal_state_text(rep.after[i]),
			    rig_sum(&r, i) != sum[i]);
		break;
	}
	tap_is_u64(found, len, "each of %zu flipped bytes of a shard file is "
	    "found", len);
	tap_is_u64(healed, len, "and healed to the same bytes");
	tap_is_u64(memory_disk_quarantined(r.disk[0]) +
	    memory_disk_quarantined(r.disk[1]) +
	    memory_disk_quarantined(r.disk[2]) +
	    memory_disk_quarantined(r.disk[3]), len,
	    "each bad file is in quarantine");
	rig_release(&r);
}

static void
test_inline_flips(void)
{
	unsigned found = 0, healed = 0, tried = 0;
	uint64_t sum[SET_DRIVES_MAX];
	struct stamp v;
	struct rig r;

	rig_init(&r, 4, 2);
	tap_ok(rig_put(&r, "flip", 2000, 7, true, &v) == EC_OK,
	    "a small object");
	rig_sums(&r, sum);
	for (size_t off = 0; memory_disk_flip_inline(r.disk[off % 4],
	    "bucket", "flip", &v, off, (uint8_t)(1u << off % 8)); off++) {
		tried++;
		found += heal(&r, "flip", LOOK, NULL) == EC_EDEGRADED;
		healed += heal_key(r.set, "bucket", "flip", &v, HEAL_DEEP,
		    NULL) == EC_OK && rig_differ(&r, sum) == 0;
	}
	tap_is_u64(tried, 1024, "bytes of a piece");
	tap_is_u64(found, tried, "every flip in an inline piece is found");
	tap_is_u64(healed, tried, "and healed");
	rig_release(&r);
}

/* A different leaf bad in each of all four shards: k good leaves of each place
 * are enough. */
static void
test_scattered(void)
{
	uint64_t sum[SET_DRIVES_MAX];
	struct stamp v;
	struct uuid data;
	struct rig r;

	rig_init(&r, 4, 2);
	rig_plant(&r, "scattered", 1000000, 3, &v, &data);
	rig_sums(&r, sum);
	for (unsigned i = 0; i < 4; i++) {
		unsigned disk = placement_drive(placement_start("bucket",
		    "scattered", 4), i, 4);
		size_t len;
		uint8_t *bytes = memory_disk_shard(r.disk[disk], &data, i,
		    &len);

		bytes[4096 + i * 65536 + 17] ^= 1;
	}
	tap_ok(heal(&r, "scattered", LOOK, NULL) == EC_EDEGRADED,
	    "damage in all shards, in different places, can be healed");
	tap_ok(heal(&r, "scattered", HEAL_DEEP, NULL) == EC_OK &&
	    rig_differ(&r, sum) == 0, "and is");
	rig_release(&r);
}

static void
test_lost(void)
{
	uint64_t sum[SET_DRIVES_MAX];
	struct heal_report rep = { .lost = false };
	struct stamp v;
	struct uuid data;
	struct rig r;
	uint8_t *bytes[4];
	size_t len;

	rig_init(&r, 4, 2);
	rig_plant(&r, "lost", 1000, 3, &v, &data);
	rig_sums(&r, sum);
	for (unsigned i = 0; i < 3; i++) {
		unsigned disk = placement_drive(placement_start("bucket",
		    "lost", 4), i, 4);

		bytes[i] = memory_disk_shard(r.disk[disk], &data, i, &len);
		bytes[i][4096] ^= 1;
	}
	tap_ok(heal(&r, "lost", HEAL_DEEP, &rep) == EC_ELOST && rep.lost,
	    "three of four shards bad: lost");
	bytes[0][4096] ^= 1;
	bytes[1][4096] ^= 1;
	bytes[2][4096] ^= 1;
	tap_is_u64(rig_differ(&r, sum), 0, "nothing was touched");

	for (unsigned i = 0; i < 3; i++)
		rig_detach(&r, i);
	tap_ok(heal(&r, "lost", 0, &rep) ==
	    EC_EQUORUM && rep.undecided, "three of four drives away: "
	    "undecided");
	rig_attach(&r, 0);
	tap_ok(heal(&r, "lost", 0, NULL) ==
	    EC_EDEGRADED, "two away: degraded");
	rig_attach(&r, 1);
	rig_attach(&r, 2);
	tap_ok(heal(&r, "lost", 0, NULL) ==
	    EC_OK && rig_differ(&r, sum) == 0, "none away: whole as it was");
	rig_release(&r);
}

/* More drives replaced than there is parity: what is left of an object is not
 * taken for a write that failed. */
static void
test_replaced(void)
{
	struct heal_report rep = { .lost = false };
	struct stamp v;
	struct rig r;

	rig_init(&r, 4, 2);
	tap_ok(rig_put(&r, "key", 3000, 1, true, &v) == EC_OK, "an object");
	for (unsigned i = 0; i < 3; i++)
		rig_replace(&r, i);
	tap_ok(heal(&r, "key", 0, &rep) ==
	    EC_ELOST && rep.lost, "three of four drives replaced: lost");
	tap_is_u64(memory_disk_rows(r.disk[3], DRIVE_VERSIONS), 1,
	    "its last copy is left alone");
	tap_ok(rig_put(&r, "key", 100, 2, true, NULL) == EC_OK,
	    "it is written anew");
	tap_ok(heal(&r, "key", 0, NULL) == EC_OK,
	    "and no longer lost");
	rig_restart(&r);
	tap_is_u64(memory_disk_rows(r.disk[3], DRIVE_VERSIONS), 1,
	    "the old copy is gone");
	rig_release(&r);
}

/* A drive that was away while things changed brings nothing back. */
static void
test_stale(unsigned n, unsigned m)
{
	struct stamp v;
	struct rig r;

	rig_init(&r, n, m);
	tap_ok(rig_put(&r, "over", 3000, 1, true, NULL) == EC_OK &&
	    rig_put(&r, "deleted", 3000, 1, true, NULL) == EC_OK &&
	    rig_put(&r, "versions", 500000, 1, false, &v) == EC_OK &&
	    rig_put(&r, "versions", 3000, 2, false, NULL) == EC_OK,
	    "objects");
	for (unsigned i = 0; i < m; i++)
		if (n - m > m || i + 1 < m)
			rig_detach(&r, i);
	tap_ok(rig_put(&r, "over", 400000, 2, true, NULL) == EC_OK &&
	    delete_null(r.set, "bucket", "deleted") == EC_OK &&
	    delete_version(r.set, "bucket", "versions", &v, NULL) == EC_OK,
	    "changed while drives are away");
	for (unsigned i = 0; i < m; i++)
		rig_attach(&r, i);
	tap_ok(heal_all(&r, 0) == EC_OK, "healed when they are back");
	for (unsigned i = m; i < n; i++)
		rig_detach(&r, i);
	for (unsigned i = m; i < n && i < 2 * m + 1; i++)
		rig_attach(&r, i);
	rig_restart(&r);
	tap_ok(rig_get(&r, "over", NULL, 400000, 2) == EC_OK,
	    "the newer object is read");
	tap_ok(rig_get(&r, "deleted", NULL, 3000, 1) == EC_ENOTFOUND,
	    "what was deleted stays deleted");
	tap_ok(rig_get(&r, "versions", &v, 500000, 1) == EC_ENOTFOUND,
	    "and a deleted version");
	tap_ok(rig_get(&r, "versions", NULL, 3000, 2) == EC_OK,
	    "the other version is there");
	for (unsigned i = 1; i < n; i++)
		if (memory_disk_rows(r.disk[i], DRIVE_VERSIONS) !=
		    memory_disk_rows(r.disk[0], DRIVE_VERSIONS) ||
		    memory_disk_shards(r.disk[i]) !=
		    memory_disk_shards(r.disk[0]))
			tap_ok(false, "disk %u has other rows or files", i);
	tap_is_u64(memory_disk_rows(r.disk[0], DRIVE_VERSIONS), 4,
	    "superseded states are gone everywhere");
	tap_is_u64(memory_disk_shards(r.disk[0]), 1, "and their files");
	rig_release(&r);
}

/* Fail the n-th operation of a heal, n = 1, 2, ... */
static void
test_faults(bool done)
{
	unsigned n, readable = 0, whole = 0;
	uint64_t sum[SET_DRIVES_MAX];
	struct rig r;
	bool met = true;

	rig_init(&r, 4, 2);
	if (rig_put(&r, "file", 600000, 1, true, NULL) != EC_OK ||
	    rig_put(&r, "small", 5000, 2, true, NULL) != EC_OK)
		tap_ok(false, "objects");
	rig_sums(&r, sum);
	for (n = 1; met && n < 1000; n++) {
		rig_replace(&r, n % 4);
		memory_fault_arm(n, MEMORY_ALL, EC_EIO, done);
		heal(&r, "file", 0, NULL);
		heal(&r, "small", 0, NULL);
		met = memory_fault_met();
		memory_fault_arm(0, 0, EC_OK, false);
		rig_restart(&r);
		readable += rig_get(&r, "file", NULL, 600000, 1) == EC_OK &&
		    rig_get(&r, "small", NULL, 5000, 2) == EC_OK;
		whole += heal(&r, "file", 0, NULL) == EC_OK &&
		    heal(&r, "small", 0, NULL) == EC_OK &&
		    rig_differ(&r, sum) == 0;
	}
	tap_ok(n > 10 && n < 1000, "%u faults%s", n - 2,
	    done ? " after the fact" : "");
	tap_is_u64(readable, n - 1, "all is readable after each");
	tap_is_u64(whole, n - 1, "and whole after the next heal");
	rig_release(&r);
}

int
main(void)
{
	test_patterns(4, 2, 1);
	test_patterns(6, 2, 1);
	test_patterns(12, 4, 37);
	test_flips();
	test_inline_flips();
	test_scattered();
	test_lost();
	test_replaced();
	test_stale(4, 2);
	test_stale(6, 2);
	test_faults(false);
	test_faults(true);
	return tap_done();
}
