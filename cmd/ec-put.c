/* ec-put: write objects, and make and remove what they live in. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "store/bundle.h"
#include "store/name.h"
#include "store/store.h"

enum { CHUNK_BYTES = 1024 * 1024 };

struct args {
	struct opt_list drives, meta;
	const char *type, *parity;
	bool bucket, remove, extract, format, dry, verbose;
};

/* Content type and --meta name=value pairs as stored metadata. */
static enum err
build_meta(struct buf *out, const struct args *a)
{
	enum err e = EC_OK;

	if (a->type != NULL)
		e = record_meta_add(out, "content-type", a->type,
		    strlen(a->type));
	for (size_t i = 0; i < a->meta.len && e == EC_OK; i++) {
		const char *eq = strchr(a->meta.v[i], '=');
		size_t n = eq != NULL ? (size_t)(eq - a->meta.v[i]) : 0;
		char name[128];

		if (n == 0 || n > 100 ||
		    strspn(a->meta.v[i], "abcdefghijklmnopqrstuvwxyz"
		    "0123456789-_.") != n)
			opt_misuse("--meta %s: not name=value with a "
			    "lower-case name", a->meta.v[i]);
		snprintf(name, sizeof(name), "x-amz-meta-%.*s", (int)n,
		    a->meta.v[i]);
		e = record_meta_add(out, name, eq + 1, strlen(eq + 1));
	}
	return e;
}

/* The m asked for; -1: the set's. */
static int
parity(const struct args *a)
{
	uint64_t m;

	if (a->parity == NULL)
		return -1;
	if (num_parse(&m, a->parity, 0, SET_DRIVES_MAX / 2) != EC_OK)
		opt_misuse("--parity %s: not 0 to %d", a->parity,
		    SET_DRIVES_MAX / 2);
	return (int)m;
}

/* Copy all of ${fd} to the object. */
static enum err
copy_in(struct store_put *p, int fd)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	size_t got = 0;
	enum err e = chunk != NULL ? EC_OK : EC_ENOMEM;

	while (e == EC_OK) {
		e = io_read_full(fd, chunk, CHUNK_BYTES, &got);
		if (e != EC_OK)
			log_error("standard input: %s", err_text(e));
		if (e != EC_OK || got == 0)
			break;
		e = store_put_write(p, chunk, got);
	}
	free(chunk);
	return e;
}

static enum err
put(struct store *st, const struct name *n, const struct args *a)
{
	struct buf meta = BUF_INIT(RECORD_META_MAX);
	struct put_params p = { .bucket = n->bucket, .key = n->key,
		.size = UINT64_MAX };
	struct store_put *sp = NULL;
	struct object o = OBJECT_INIT;
	enum err e;

	p.parity = parity(a);
	if ((e = build_meta(&meta, a)) != EC_OK)
		goto out;
	p.meta = meta.data;
	p.meta_len = meta.len;
	if ((e = store_put_open(st, &p, &sp)) != EC_OK ||
	    (e = copy_in(sp, STDIN_FILENO)) != EC_OK ||
	    (e = store_put_finish(sp, NULL)) != EC_OK ||
	    (e = store_put_commit(sp, NULL, NULL, &o)) != EC_OK)
		goto out;
	if (a->verbose)
		fprintf(stderr, "%s/%s: %llu bytes, etag %s\n", n->bucket,
		    n->key, (unsigned long long)o.size, o.etag);
out:
	object_release(&o);
	store_put_free(sp);
	buf_release(&meta);
	return e;
}

static enum err
read_input(void *ctx, void *buf, size_t max, size_t *got)
{
	enum err e = io_read_full(STDIN_FILENO, buf, max, got);

	(void)ctx;
	if (e != EC_OK)
		log_error("standard input: %s", err_text(e));
	return e;
}

struct extraction {
	struct bundle_reader *from;
	struct buf meta;	/* of each object */
	int parity;
	unsigned refused;
};

static enum err
file_params(void *ctx, struct put_params *p)
{
	const struct extraction *x = ctx;

	p->parity = x->parity;
	p->meta = x->meta.data;
	p->meta_len = x->meta.len;
	return EC_OK;
}

/* Names that are refused do not keep out the others. */
static enum err
not_extracted(void *ctx, const char *key, enum err e)
{
	struct extraction *x = ctx;
	const char *why = bundle_reader_why(x->from);

	if (why[0] != '\0')
		log_error("%s", why);
	else
		name_log_failure(key, e);
	x->refused++;
	return e == EC_EINVAL ? EC_OK : e;
}

static enum err
extract(struct store *st, const struct name *n, const struct args *a)
{
	const struct bundle_reader_params rp = { .from = { NULL, read_input },
		.prefix = n->key, .members_max = UINT64_MAX,
		.file_bytes_max = UINT64_MAX, .bytes_max = UINT64_MAX };
	struct extraction x = { .parity = parity(a),
		.meta = BUF_INIT(RECORD_META_MAX) };
	struct bundle_extract p = { .store = st, .bucket = n->bucket,
		.ctx = &x, .may = file_params, .failed = not_extracted };
	struct bundle_result r = { 0 };
	enum err e = build_meta(&x.meta, a);

	if (e != EC_OK)
		goto out;
	if ((e = bundle_reader_new(&x.from, &rp)) != EC_OK) {
		log_error("%s", bundle_reader_why(x.from));
		goto out;
	}
	p.from = x.from;
	e = bundle_extract(&p, &r);
	if (a->verbose)
		fprintf(stderr, "%llu objects, %llu bytes, %llu members that "
		    "are not files skipped\n", (unsigned long long)r.members,
		    (unsigned long long)r.bytes,
		    (unsigned long long)r.skipped);
	if (e == EC_OK && r.degraded > 0) {
		log_warn("%s/%s: %llu of %llu objects are not on all drives",
		    n->bucket, n->key, (unsigned long long)r.degraded,
		    (unsigned long long)r.members);
		e = EC_EDEGRADED;
	}
	if (e == EC_OK && x.refused > 0)
		e = EC_EINVAL;
out:
	bundle_reader_free(x.from);
	buf_release(&x.meta);
	return e;
}

/* What --delete would remove, for -n. */
static enum err
say_delete(const struct name *n)
{
	printf("delete %s%s%s\n", n->bucket, n->key[0] != '\0' ? "/" : "",
	    n->key);
	return fflush(stdout) == 0 ? EC_OK : EC_EIO;
}

static enum err
change(struct store *st, const struct name *n, const struct args *a)
{
	if (a->bucket)
		return store_bucket_create(st, n->bucket, NULL, 0);
	if (a->remove && n->key[0] == '\0')
		return store_bucket_remove(st, n->bucket);
	if (a->remove)
		return store_delete(st, n->bucket, n->key, NULL, NULL,
		    NULL);
	return put(st, n, a);
}

static enum err
run(struct store *st, const struct name *n, const struct args *a,
    const char *what)
{
	enum err e;

	if (a->remove && a->dry)
		e = say_delete(n);
	else if (a->extract)
		e = extract(st, n, a);
	else if ((e = change(st, n, a)) == EC_OK &&
	    store_complaint()[0] != '\0') {
		log_warn("%s: done, but only %s", what, store_complaint());
		return EC_EDEGRADED;
	}
	if (e != EC_OK && e != EC_EDEGRADED)
		name_log_failure(what, e);
	return e;
}

static void
check_args(const struct args *a, int argc, char *argv[], struct name *n)
{
	parity(a);
	if (argc == 0 && a->format)
		return;
	if (argc != 1)
		opt_misuse("one bucket/key needed, %d given", argc);
	if (a->bucket + a->remove + a->extract > 1)
		opt_misuse("--bucket, --delete and --extract exclude each "
		    "other");
	if (a->dry && !a->remove)
		opt_misuse("-n goes with --delete");
	if (name_split(n, argv[0]) != EC_OK)
		exit(err_exit(EC_EINVAL));
	if (a->bucket && n->key[0] != '\0')
		opt_misuse("%s: --bucket takes a bucket's name", argv[0]);
	if (!a->bucket && !a->remove && !a->extract && n->key[0] == '\0')
		opt_misuse("%s: a bucket; give bucket/key", argv[0]);
}

int
main(int argc, char *argv[])
{
	struct args a = { 0 };
	struct store_params p = { .parity = -1, .may_share = true,
		.serve = true, .linger = true };
	const struct opt opts[] = {
		OPT_LIST('d', "drives", &a.drives, "pattern",
		    "the drives, as /mnt/d{1...4}; may be repeated "
		    "(default: EC_VOLUMES)"),
		OPT_FLAG('b', "bucket", &a.bucket, "make the bucket"),
		OPT_FLAG('D', "delete", &a.remove,
		    "delete the object, or the empty bucket"),
		OPT_FLAG('n', "dry-run", &a.dry,
		    "with --delete: say what would go"),
		OPT_FLAG('x', "extract", &a.extract, "each file of the "
		    "archive on standard input becomes bucket/prefix + name"),
		OPT_STR('t', "type", &a.type, "type", "content type"),
		OPT_LIST('M', "meta", &a.meta, "name=value",
		    "user metadata; may be repeated"),
		OPT_STR('m', "parity", &a.parity, "n",
		    "parity shards (default: by the number of drives)"),
		OPT_FLAG('F', "format", &a.format,
		    "make empty directories drives first"),
		OPT_FLAG('v', "verbose", &a.verbose, "say what was stored"),
		OPT_END("bucket[/key] < data"),
	};
	struct name n = { "", "" };
	struct store *st = NULL;
	enum err e;

	setlocale(LC_CTYPE, "C.UTF-8");	/* for names in archives */
	log_init(argv[0]);
	opt_parse(opts, &argc, &argv);
	check_args(&a, argc, argv, &n);
	p.volumes = a.drives.v;
	p.volume_count = (unsigned)a.drives.len;
	p.create = a.format;
	if ((e = store_open(&st, &p)) != EC_OK)
		goto out;
	if (argc == 1)
		e = run(st, &n, &a, argv[0]);
	/* Closed now, since what is behind them may be using our drives. */
	fclose(stdin);
	fclose(stdout);
out:
	store_close(st);
	free(a.drives.v);
	free(a.meta.v);
	return err_exit(e);
}
