/* A local drive: rows and removal by the rules of record.h, queries, shard
 * files, one flush a batch, opening again, the owner, an index that is lost. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/local.h"

#include "../lib/tap.h"
#include "drive_kit.h"

static struct drive *d;

static uint64_t
flushes(void)
{
	struct drive_stats s;

	d->ops->stats(d, &s);
	return s.flushes;
}

static void
test_one_flush(void)
{
	struct drive_append a[64] = { { .flags = 0 } };
	uint64_t before;

	kit_put(d, kit_object("b", "warm", 1));
	before = flushes();
	kit_put(d, kit_object("b", "one", 2));
	tap_is_u64(flushes() - before, 1, "one durable append is one flush");
	for (unsigned i = 0; i < 64; i++) {
		char key[16];

		snprintf(key, sizeof key, "many%02u", i);
		kit_encode(&a[i], kit_object("b", key, 10 + i));
	}
	before = flushes();
	tap_is_u64(d->ops->append(d, a, 64), EC_OK, "64 at once");
	tap_is_u64(flushes() - before, 1, "are one flush");
	before = flushes();
	a[0].flags = DRIVE_APPEND_LAZY;
	d->ops->append(d, a, 1);
	tap_is_u64(flushes() - before, 0, "a lazy one is none");
	for (unsigned i = 0; i < 64; i++)
		kit_append_free(&a[i]);
}

static void
test_query(void)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "q",
		.limit = 1000 };

	kit_put(d, kit_object("q", "a", 1));
	kit_put(d, kit_object("q", "b", 1));
	kit_put(d, kit_object("q", "b", 3));
	kit_put(d, kit_object("q", "b", 2));
	kit_put(d, kit_object("q", "b/c", 1));
	kit_put(d, kit_object("q", "b/d", 1));
	kit_put(d, kit_object("q", "c\xc3\xbc", 1));
	kit_put(d, kit_object("p", "x", 1));
	kit_put(d, kit_object("r", "y", 1));
	tap_is_str(kit_query(d, &q), "q/a@1 q/b@3 q/b@2 q/b@1 q/b/c@1 q/b/d@1 "
	    "q/c\xc3\xbc@1", "a bucket, newest first within a key");
	q.prefix = "b/";
	tap_is_str(kit_query(d, &q), "q/b/c@1 q/b/d@1", "a prefix");
	q.prefix = "b";
	q.after_key = "b";
	tap_is_str(kit_query(d, &q), "q/b/c@1 q/b/d@1", "behind a key");
	q.after_stamp = (struct stamp){ 3, 3 };
	tap_is_str(kit_query(d, &q), "q/b@2 q/b@1 q/b/c@1 q/b/d@1",
	    "within a key");
	q.limit = 2;
	tap_is_str(kit_query(d, &q), "q/b@2 q/b@1", "up to a limit");
	q = (struct drive_query){ .table = DRIVE_VERSIONS, .bucket = "q",
		.key = "b", .limit = 10 };
	tap_is_str(kit_query(d, &q), "q/b@3 q/b@2 q/b@1", "one key");
	q.target = (struct stamp){ 2, 2 };
	tap_is_str(kit_query(d, &q), "q/b@2", "one version");
	q = (struct drive_query){ .table = DRIVE_VERSIONS, .limit = 100,
		.after_bucket = "p", .after_key = "x" };
	tap_ok(strncmp(kit_query(d, &q), "q/a@1 q/b@3", 11) == 0 &&
	    strstr(kit_query(d, &q), " r/y@1") != NULL,
	    "all buckets, behind a place");
	for (unsigned i = 1; i <= 9; i++)
		kit_put(d, kit_object("n", "k", i));
	kit_put(d, kit_object("n", "l", 1));
	q = (struct drive_query){ .table = DRIVE_VERSIONS, .bucket = "n",
		.newest_only = true, .limit = 100 };
	tap_is_str(kit_query(d, &q), "n/k@9 n/k@8 n/k@7 n/k@6 n/l@1",
	    "the newest few of each key");
	q.limit = 0;
	tap_is_str(kit_query(d, &q), "EC_EINVAL", "a limit is needed");
}

static void
test_null(void)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "null",
		.key = "k", .null_only = true, .limit = 10 };
	struct record r = kit_object("null", "k", 5);
	struct drive_append a;

	r.flags |= RECORD_NULL;
	kit_append(d, &a, r, 0);
	tap_ok(a.err == EC_OK && !a.superseded, "a first null version");
	kit_append_free(&a);
	kit_put(d, kit_object("null", "k", 6));
	r.stamp = (struct stamp){ 7, 7 };
	kit_append(d, &a, r, 0);
	tap_ok(a.err == EC_OK && a.superseded, "a second one supersedes it");
	kit_append_free(&a);
	tap_is_str(kit_query(d, &q), "null/k@7 null/k@5", "null ones only");
	kit_put(d, kit_purge("null", "k", 8, 5));
	tap_is_str(kit_query(d, &q), "null/k@7", "purged");
	r.stamp = (struct stamp){ 4, 4 };
	kit_append(d, &a, r, DRIVE_APPEND_NEWEST);
	tap_ok(a.err == EC_ESTALE && a.hlc == 7, "an older one is refused");
	kit_append_free(&a);
	q.null_only = false;
	tap_is_str(kit_query(d, &q), "null/k@7 null/k@6", "without a trace");
}

static void
test_shards(void)
{
	struct record r = kit_object("s", "k", 1), again;
	struct record_part part = { .number = 1, .size = 4000, .k = 2, .m = 2,
		.unit = 4096, .data = { { 0xab, 1, 2 } } };
	struct drive_shard_info info[4];
	struct drive_writer *w;
	uint64_t removed = 0;
	unsigned n = 0;

	r.flags = 0;
	r.inline_data = NULL;
	r.inline_len = 0;
	r.parts = &part;
	r.part_count = 1;
	tap_is_u64(kit_shard(d, &part.data, 0, "jelly", 5), EC_OK,
	    "a shard file");
	tap_ok(d->ops->shard_create(d, &part.data, 0, 5, &w) == EC_OK &&
	    d->ops->shard_write(w, "cello", 5) == EC_OK, "written anew");
	d->ops->shard_abort(w);
	tap_is_str(kit_shard_text(d, &part.data, 0), "jelly",
	    "aborted, the first stays");
	tap_ok(d->ops->shard_create(d, &part.data, 0, 5, &w) == EC_OK &&
	    d->ops->shard_write(w, "hello", 5) == EC_OK, "and once more");
	tap_is_str(kit_shard_text(d, &part.data, 0), "jelly",
	    "until it is committed the first is read");
	tap_is_u64(d->ops->shard_commit(w), EC_OK, "committed it replaces it");
	kit_put(d, r);
	tap_is_str(kit_shard_text(d, &part.data, 0), "hello", "reads it");
	again = r;
	again.stamp = (struct stamp){ 2, 2 };
	kit_put(d, again);	/* an object made of the same part */
	kit_put(d, kit_purge("s", "k", 3, 1));
	tap_is_str(kit_shard_text(d, &part.data, 0), "hello",
	    "stays while another row names it");
	d->ops->maintain(d, 100, 0, &removed);
	tap_is_u64(removed, 0, "and is no litter");
	kit_put(d, kit_purge("s", "k", 4, 2));
	tap_is_str(kit_shard_text(d, &part.data, 0), "EC_ENOTFOUND",
	    "goes with the last");
	kit_shard(d, &part.data, 2, "litter", 6);
	tap_ok(d->ops->shard_list(d, NULL, info, 4, &n) == EC_OK && n == 1 &&
	    info[0].index == 2 && info[0].bytes == 6 &&
	    uuid_equal(&info[0].data, &part.data), "is listed");
	d->ops->maintain(d, 100, 3600, &removed);
	tap_is_u64(removed, 0, "a young file is left alone");
	d->ops->maintain(d, 100, 0, &removed);
	tap_is_u64(removed, 1, "an old one without a record is swept");
	/* In one batch: neither was in the journal before. */
	kit_shard(d, &part.data, 0, "hello", 5);
	kit_put2(d, r, kit_purge("s", "k", 5, 1));
	tap_is_str(kit_shard_text(d, &part.data, 0), "EC_ENOTFOUND",
	    "put and purged in one batch");
}

static void
test_uploads(void)
{
	struct drive_query q = { .table = DRIVE_PARTS, .bucket = "u",
		.key = "k", .target = { 1, 1 }, .limit = 100 };
	struct record up = { .kind = RECORD_UPLOAD, .bucket = "u", .key = "k",
		.etag = "", .stamp = { 1, 1 }, .target = { 1, 1 } };
	struct drive_append a;

	kit_put(d, up);
	kit_put(d, kit_part("u", "k", 1, 2, 10));
	kit_put(d, kit_part("u", "k", 1, 1, 11));
	kit_put(d, kit_part("u", "k", 1, 1, 12));
	kit_put(d, kit_part("u", "k", 9, 1, 13));	/* of another upload */
	tap_is_str(kit_query(d, &q), "u/k@12 u/k@11 u/k@10",
	    "parts by number, newest first");
	kit_put(d, kit_purge("u", "k", 20, 11));
	tap_is_str(kit_query(d, &q), "u/k@12 u/k@10", "one attempt purged");
	up.flags = RECORD_GONE;
	up.stamp = (struct stamp){ 30, 30 };
	kit_put(d, up);
	tap_is_str(kit_query(d, &q), "", "an ended upload has no parts");
	q.target = (struct stamp){ 9, 9 };
	tap_is_str(kit_query(d, &q), "u/k@13", "another one keeps its own");
	kit_append(d, &a, kit_part("u", "k", 1, 3, 40), 0);
	tap_is_u64(a.err, EC_ENOUPLOAD, "later parts are refused");
	kit_append_free(&a);
}

static void
test_states(void)
{
	struct drive_query q = { .table = DRIVE_BUCKETS, .limit = 10 };
	struct record b = { .kind = RECORD_BUCKET, .bucket = "bkt", .key = "",
		.etag = "", .stamp = { 5, 5 } };
	struct record h = { .kind = RECORD_HEAL, .bucket = "bkt", .key = "k",
		.etag = "", .stamp = { 6, 6 }, .target = { 2, 2 } };

	kit_put(d, b);
	b.stamp = (struct stamp){ 4, 4 };
	kit_put(d, b);
	tap_is_str(kit_query(d, &q), "bkt/@5", "the greater stamp stands");
	b.stamp = (struct stamp){ 8, 8 };
	kit_put(d, b);
	b.bucket = "abc";
	kit_put(d, b);
	tap_is_str(kit_query(d, &q), "abc/@8 bkt/@8", "by name");
	kit_put(d, h);
	h.target = (struct stamp){ 3, 3 };
	h.stamp = (struct stamp){ 5, 5 };
	kit_put(d, h);
	q.table = DRIVE_HEALS;
	tap_is_str(kit_query(d, &q), "bkt/k@5 bkt/k@6", "heals by stamp");
	q.after_stamp = (struct stamp){ 5, 5 };
	tap_is_str(kit_query(d, &q), "bkt/k@6", "behind one");
}

/* All rows of all tables, as text of the caller's. */
static char *
everything(void)
{
	struct buf b = BUF_INIT(1u << 20);

	for (int t = DRIVE_VERSIONS; t <= DRIVE_HEALS; t++) {
		struct drive_query q = { .table = (enum drive_table)t,
			.limit = 10000, .want_parts = true,
			.want_inline = true };

		buf_printf(&b, "%d: %s\n", t, kit_query(d, &q));
	}
	return (char *)b.data;
}

static void
reopen(const char *dir)
{
	drive_close(d);
	d = NULL;
	if (local_open(&d, dir, "", NULL) != EC_OK)
		abort();
}

static void
damage_index(const char *dir, unsigned how)
{
	char path[128], cmd[512];

	snprintf(path, sizeof path, "%s/.ec/index.db", dir);
	if (how == 0)
		unlink(path);
	else if (how == 1 && truncate(path, 5000) != 0)
		abort();
	else if (how == 2)
		snprintf(cmd, sizeof cmd, "head -c 40000 /dev/urandom > %s",
		    path);
	else if (how == 3)
		snprintf(cmd, sizeof cmd, "cp %s.old %s", path, path);
	if (how >= 2 && system(cmd) != 0)
		abort();
}

static void
test_reopen(const char *dir)
{
	static const char *const what[] = { "deleted", "truncated", "garbage",
		"replaced by an older copy" };
	char *before = everything(), *after, cmd[256];

	reopen(dir);
	after = everything();
	tap_is_str(after, before, "opened again: all is there");
	free(after);
	snprintf(cmd, sizeof cmd, "cp %s/.ec/index.db %s/.ec/index.db.old",
	    dir, dir);
	if (system(cmd) != 0)
		abort();
	free(before);
	kit_put(d, kit_object("after", "copy", 1));
	kit_put(d, kit_purge("q", "b", 9, 1));
	before = everything();
	for (unsigned i = 0; i < 4; i++) {
		drive_close(d);
		damage_index(dir, i);
		if (local_open(&d, dir, "", NULL) != EC_OK)
			abort();
		after = everything();
		tap_is_str(after, before, "index %s: all is there", what[i]);
		free(after);
	}
	free(before);
}

/* Who ends without a word leaves an entry that says since when to look. */
static void
test_closed(const char *dir)
{
	const struct drive_query q = { .table = DRIVE_HEALS, .bucket = "",
		.key = "", .limit = 10 };
	const char *serves[] = { "", "/run/ec.sock" };
	int status;

	drive_close(d);
	for (unsigned i = 0; i < 2; i++) {
		if (local_open(&d, dir, "", NULL) != EC_OK)
			abort();
		tap_is_str(kit_query(d, &q), "", "closed: nothing to look at");
		drive_close(d);
	}
	for (unsigned i = 0; i < 2; i++) {
		pid_t child = fork();

		if (child == 0) {
			if (local_open(&d, dir, serves[i], NULL) != EC_OK)
				_exit(1);
			if (i == 0)
				kit_put(d, kit_object("z", "last", 1));
			_exit(0);
		}
		if (waitpid(child, &status, 0) != child || status != 0)
			abort();
		if (local_open(&d, dir, "", NULL) != EC_OK)
			abort();
		tap_ok(strncmp(kit_query(d, &q), "/@", 2) == 0 &&
		    strchr(kit_query(d, &q), ' ') == NULL,
		    i == 0 ? "killed after a write: an entry" :
		    "a server killed before one: the same entry, not one more");
		drive_close(d);
	}
	if (local_open(&d, dir, "", NULL) != EC_OK)
		abort();
}

static void
test_owner(const char *dir)
{
	struct drive *other = NULL;
	char *owner = NULL;

	drive_close(d);
	if (local_open(&d, dir, "/run/ec.sock", NULL) != EC_OK)
		abort();
	tap_is_u64(local_open(&other, dir, "", &owner), EC_EOWNED,
	    "a second owner is refused");
	tap_is_str(owner, "/run/ec.sock", "and told where the first one is");
	free(owner);
}

static void
test_probe(const char *dir, const struct format *f)
{
	struct format got, next = *f;
	char away[128];
	struct drive_space space;

	tap_ok(d->ops->probe(d, &got) == EC_OK &&
	    uuid_equal(&got.drive, &f->drive), "a probe says who it is");
	next.generation++;
	tap_ok(d->ops->reformat(d, &next) == EC_OK &&
	    d->ops->probe(d, &got) == EC_OK && got.generation == 2,
	    "its format record is replaced");
	tap_ok(d->ops->space(d, &space) == EC_OK && space.free > 0 &&
	    space.free < space.total, "it has space");
	snprintf(away, sizeof away, "%s.away", dir);
	if (rename(dir, away) != 0)
		abort();
	tap_is_u64(d->ops->probe(d, &got), EC_EOFFLINE, "taken away: offline");
	tap_is_str(kit_query(d, &(struct drive_query){ .limit = 1,
	    .table = DRIVE_BUCKETS }), "EC_EOFFLINE", "and not read");
	if (rename(away, dir) != 0)
		abort();
	tap_is_u64(d->ops->probe(d, &got), EC_OK, "put back: there again");
	tap_is_str(kit_query(d, &(struct drive_query){ .limit = 1,
	    .table = DRIVE_BUCKETS }), "abc/@8", "and read");
}

static void
test_format(const char *dir, const struct format *f)
{
	char other[] = "/tmp/ec-drive.XXXXXX", file[64];
	struct drive *x = NULL;
	struct format got;

	tap_is_u64(local_peek(&got, dir), EC_ENOTFOUND, "not formatted");
	tap_is_u64(local_open(&x, dir, "", NULL), EC_ENOTFOUND, "not opened");
	tap_is_u64(local_format(dir, f), EC_OK, "formats");
	tap_is_u64(local_format(dir, f), EC_EEXIST, "only once");
	tap_ok(local_peek(&got, dir) == EC_OK &&
	    uuid_equal(&got.drive, &f->drive), "peeks");
	if (mkdtemp(other) == NULL)
		abort();
	snprintf(file, sizeof file, "%s/precious", other);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	tap_is_u64(local_format(other, f), EC_ENOTEMPTY,
	    "a directory with files is left alone");
	unlink(file);
	rmdir(other);
	tap_is_u64(local_open(&x, other, "", NULL), EC_EOFFLINE, "not there");
}

int
main(void)
{
	char dir[] = "/tmp/ec-drive.XXXXXX", cmd[64];
	struct format f = kit_format();

	log_level_set(LOG_LEVEL_ERROR);
	if (mkdtemp(dir) == NULL)
		abort();
	test_format(dir, &f);
	if (local_open(&d, dir, "", NULL) != EC_OK)
		abort();
	test_one_flush();
	test_query();
	test_null();
	test_shards();
	test_uploads();
	test_states();
	test_reopen(dir);
	test_closed(dir);
	test_owner(dir);
	test_probe(dir, &f);
	drive_close(d);
	kit_release();
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0 || tap_done();
}
