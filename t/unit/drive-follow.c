/* The index of a drive follows its journal.  Two drives are given the same
 * random batches; one is asked after each, so that nothing stays pending, the
 * other never: they must take and refuse the same, and have the same in the
 * end.  Likewise one that was killed before the index had anything. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/local.h"

#include "../lib/tap.h"
#include "drive_kit.h"

enum { BATCHES = 400, RECORDS = 4, KEYS = 12, STAMPS = 60 };

static uint64_t state;

static unsigned
roll(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static struct drive *
drive_new(char dir[])
{
	struct format f = kit_format();
	struct drive *d;

	if (mkdtemp(dir) == NULL || local_format(dir, &f) != EC_OK ||
	    local_open(&d, dir, "", NULL) != EC_OK)
		abort();
	kit_put(d, kit_object("a", "first", 1));
	return d;
}

static void
drive_end(struct drive *d, const char *dir)
{
	char cmd[64];

	drive_close(d);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	if (system(cmd) != 0)
		abort();
}

static struct record
random_record(char key[8])
{
	static const enum record_kind kinds[] = { RECORD_OBJECT, RECORD_OBJECT,
		RECORD_OBJECT, RECORD_MARKER, RECORD_TOMBSTONE, RECORD_PURGE,
		RECORD_PURGE };
	struct record r;

	snprintf(key, 8, "k%u", roll(KEYS));
	r = kit_object("a", key, 2 + roll(STAMPS));
	r.kind = kinds[roll(7)];
	if (r.kind != RECORD_OBJECT) {
		r.flags = 0;
		r.k = r.m = 0;
		r.size = r.inline_len = 0;
		r.inline_data = NULL;
	}
	if (r.kind == RECORD_TOMBSTONE || r.kind == RECORD_PURGE)
		r.target = (struct stamp){ 2 + roll(STAMPS), 0 };
	r.target.id = r.target.hlc;
	if (roll(4) > 0)
		r.flags |= RECORD_NULL;
	return r;
}

static unsigned
random_batch(struct drive_append a[RECORDS])
{
	unsigned n = 1 + roll(RECORDS);
	char key[8];

	for (unsigned i = 0; i < n; i++) {
		kit_encode(&a[i], random_record(key));
		a[i].flags = roll(3) > 0 ? DRIVE_APPEND_NEWEST : 0;
	}
	return n;
}

/* What is different of the results.  A purge too many may be asked for. */
static unsigned
differ(const struct drive_append *asked, const struct drive_append *late,
    unsigned n)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < n; i++)
		bad += asked[i].err != late[i].err ||
		    asked[i].hlc != late[i].hlc ||
		    (asked[i].superseded && !late[i].superseded);
	return bad;
}

static unsigned
batches(struct drive *asked, struct drive *late)
{
	const struct drive_query q = { .table = DRIVE_VERSIONS, .limit = 1 };
	struct drive_append a[RECORDS], b[RECORDS];
	unsigned bad = 0, n;

	for (unsigned i = 0; i < BATCHES; i++) {
		n = random_batch(a);
		memcpy(b, a, sizeof b);
		if (asked->ops->append(asked, a, n) != EC_OK ||
		    late->ops->append(late, b, n) != EC_OK)
			abort();
		kit_query(asked, &q);
		bad += differ(a, b, n);
		for (unsigned j = 0; j < n; j++)
			kit_append_free(&a[j]);
	}
	return bad;
}

static bool
same(struct drive *a, struct drive *b)
{
	const struct drive_query q = { .table = DRIVE_VERSIONS, .limit = 10000,
		.want_parts = true, .want_inline = true };
	char *left = strdup(kit_query(a, &q));
	bool is = left != NULL && strcmp(left, kit_query(b, &q)) == 0;

	if (!is)
		tap_note("%s\n%s", left != NULL ? left : "", kit_query(b, &q));
	free(left);
	return is;
}

static void
test_random(uint64_t seed)
{
	char one[] = "/tmp/ec-follow.XXXXXX", two[] = "/tmp/ec-follow.XXXXXX";
	struct drive *a = drive_new(one), *b = drive_new(two);

	state = seed;
	tap_is_u64(batches(a, b), 0, "the same is taken and refused (%llu)",
	    (unsigned long long)seed);
	drive_close(b);
	if (local_open(&b, two, "", NULL) != EC_OK)
		abort();
	tap_ok(same(a, b), "closed and opened, it has the same");
	drive_end(a, one);
	drive_end(b, two);
}

static void
test_killed(void)
{
	char one[] = "/tmp/ec-follow.XXXXXX", two[] = "/tmp/ec-follow.XXXXXX";
	struct drive *a = drive_new(one), *b = drive_new(two);
	int status;
	pid_t child;

	drive_close(a);
	drive_close(b);
	if ((child = fork()) == 0) {
		state = 77;
		if (local_open(&a, one, "", NULL) != EC_OK ||
		    local_open(&b, two, "", NULL) != EC_OK)
			_exit(1);
		_exit(batches(a, b) > 0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		abort();
	if (local_open(&a, one, "", NULL) != EC_OK ||
	    local_open(&b, two, "", NULL) != EC_OK)
		abort();
	tap_ok(same(a, b), "killed, it has the same");
	drive_end(a, one);
	drive_end(b, two);
}

static void
test_files(void)
{
	char dir[] = "/tmp/ec-follow.XXXXXX";
	const struct uuid data = uuid_new();
	struct record_part part = { .number = 1, .size = 10, .data = data,
		.k = 2, .m = 2, .unit = 4096 };
	struct drive *d = drive_new(dir);
	struct record r = kit_object("a", "file", 5), p;
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "a",
		.key = "file", .limit = 10 };
	uint64_t removed;

	if (kit_shard(d, &data, 0, "0123456789", 10) != EC_OK)
		abort();
	r.flags = RECORD_NULL;
	r.inline_len = 0;
	r.inline_data = NULL;
	r.parts = &part;
	r.part_count = 1;
	kit_put(d, r);
	d->ops->maintain(d, 1000, 0, &removed);
	tap_is_u64(removed, 0, "what is pending names its files");
	p = kit_purge("a", "file", 6, 6);
	p.flags = RECORD_NULL;
	kit_put(d, p);
	tap_is_str(kit_query(d, &q), "", "what is purged is not found");
	tap_is_str(kit_shard_text(d, &data, 0), "EC_ENOTFOUND",
	    "and its file is gone by then");
	drive_end(d, dir);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	for (uint64_t seed = 1; seed <= 5; seed++)
		test_random(seed);
	test_killed();
	test_files();
	kit_release();
	return tap_done();
}
