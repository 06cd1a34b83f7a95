/* ec-get: read objects, and say what is there. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "store/bundle.h"
#include "store/name.h"
#include "store/print.h"
#include "store/store.h"

enum { PAGE_ENTRIES = 1000 };

struct args {
	struct opt_list drives;
	const char *range, *version, *archive, *delimiter;
	bool list, versions, stat, json, nul, force;
};

/* "first-last", "first-" or "-count", as in HTTP. */
static enum err
parse_range(const char *text, uint64_t size, uint64_t *off, uint64_t *len)
{
	char copy[64], *dash;
	uint64_t a, b = UINT64_MAX;

	if (strlen(text) >= sizeof(copy))
		return EC_EINVAL;
	strcpy(copy, text);
	if ((dash = strchr(copy, '-')) == NULL)
		return EC_EINVAL;
	*dash = '\0';
	if (copy[0] == '\0') {	/* the last bytes */
		if (num_parse(&b, dash + 1, 1, UINT64_MAX) != EC_OK)
			return EC_EINVAL;
		*len = num_min(b, size);
		*off = size - *len;
		return EC_OK;
	}
	if (num_parse(&a, copy, 0, UINT64_MAX) != EC_OK ||
	    (dash[1] != '\0' &&
	    num_parse(&b, dash + 1, a, UINT64_MAX) != EC_OK))
		return EC_EINVAL;
	if (a >= size)
		return EC_EINVAL;
	*off = a;
	*len = num_min(b == UINT64_MAX ? b : b - a + 1, size - a);
	return EC_OK;
}

/* Verified bytes only reach standard output. */
static enum err
copy_out(struct get *g, uint64_t off, uint64_t len)
{
	enum err e = EC_OK;
	const uint8_t *chunk;
	size_t n;

	for (uint64_t done = 0; done < len && e == EC_OK;) {
		if ((e = get_view(g, &chunk, &n, off + done, off + len)) !=
		    EC_OK) {
			log_error("%llu bytes are good, then it cannot be "
			    "read", (unsigned long long)done);
			break;
		}
		if ((e = io_write_full(STDOUT_FILENO, chunk, n)) != EC_OK)
			log_error("standard output: %s", err_text(e));
		done += n;
	}
	return e;
}

static enum err
get(struct store *st, const struct name *n, const struct args *a)
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	struct stamp version;
	uint64_t off = 0, len;
	enum err e;

	if (a->version != NULL)
		(void)stamp_parse(&version, a->version);  /* was checked */
	e = store_get_open(st, n->bucket, n->key,
	    a->version != NULL ? &version : NULL, a->stat ? NULL : &g, &o);
	if (e == EC_OK && o.marker && !a->stat)
		e = EC_ENOTFOUND;
	if (e != EC_OK)
		goto out;
	len = o.size;
	if (a->stat) {
		e = print_object(&o, a->json);
	} else if (a->range != NULL &&
	    parse_range(a->range, o.size, &off, &len) != EC_OK) {
		log_error("--range %s: not within the object's %llu bytes",
		    a->range, (unsigned long long)o.size);
		e = EC_EINVAL;
	} else {
		e = copy_out(g, off, len);
	}
out:
	get_free(g);
	object_release(&o);
	return e;
}

static enum err
list_buckets(struct store *st, const struct args *a)
{
	struct bucket *b = NULL;
	char after[RECORD_BUCKET_MAX + 1] = "";
	unsigned n;
	enum err e;

	do {
		n = 0;
		e = store_bucket_list(st, after[0] != '\0' ? after : NULL,
		    PAGE_ENTRIES, &b, &n);
		for (unsigned i = 0; i < n; i++) {
			if (e == EC_OK)
				e = print_bucket(&b[i], a->json, a->nul);
			strcpy(after, b[i].name);
			bucket_release(&b[i]);
		}
		free(b);
		b = NULL;
	} while (e == EC_OK && n == PAGE_ENTRIES);
	return e;
}

static enum err
list(struct store *st, const struct name *n, const struct args *a)
{
	struct list_params p = { .bucket = n->bucket, .prefix = n->key,
		.delimiter = a->delimiter, .versions = a->versions,
		.limit = PAGE_ENTRIES };
	char after[RECORD_KEY_MAX + 1];
	bool more = true;
	enum err e = EC_OK;

	while (more && e == EC_OK) {
		struct list *page = NULL;
		unsigned count;

		if ((e = store_list(st, &p, &page, &more)) != EC_OK)
			break;
		count = list_count(page);
		for (unsigned i = 0; i < count && e == EC_OK; i++)
			e = print_entry(list_at(page, i), a->versions, a->json,
			    a->nul);
		if (count == 0)
			more = false;
		else {
			strcpy(after, list_at(page, count - 1)->key);
			p.after = after;
			p.after_version = list_at(page, count - 1)->version;
		}
		list_free(page);
	}
	return e;
}

static enum err
write_output(void *ctx, const void *buf, size_t len)
{
	enum err e = io_write_full(STDOUT_FILENO, buf, len);

	(void)ctx;
	if (e != EC_OK)
		log_error("standard output: %s", err_text(e));
	return e;
}

static enum err
archive(struct store *st, const struct name *n, const struct args *a)
{
	const struct bundle_create c = { .store = st, .bucket = n->bucket,
		.prefix = n->key, .format = a->archive,
		.write = write_output };
	struct bundle_result r = { 0 };

	if (!bundle_format_known(a->archive))
		log_error("archive format %s: not one of tar tar.gz tar.xz "
		    "tar.zst zip cpio", a->archive);
	return bundle_create(&c, &r);
}

static enum err
run(struct store *st, const struct name *n, const struct args *a)
{
	enum err e;

	if (n->bucket[0] == '\0')
		e = list_buckets(st, a);
	else if (a->list)
		e = list(st, n, a);
	else if (a->archive != NULL)
		e = archive(st, n, a);
	else
		e = get(st, n, a);
	/* Closed now, since what is behind them may be using our drives. */
	fclose(stdin);
	if (fclose(stdout) != 0 && e == EC_OK) {
		log_error("standard output: %s", err_text(EC_EIO));
		e = EC_EIO;
	}
	return e;
}

static void
check_args(const struct args *a, int argc, char *argv[], struct name *n)
{
	struct stamp version;
	bool data = !a->list && !a->stat;

	if (argc > 1 || (argc == 0 && !a->list))
		opt_misuse("one bucket/key needed, %d given", argc);
	if (a->list + a->stat + (a->archive != NULL) > 1)
		opt_misuse("--list, --stat and --archive exclude each other");
	if ((a->json || a->nul) && data)
		opt_misuse("--json and -0 go with --list or --stat");
	if ((a->versions || a->delimiter != NULL) && !a->list)
		opt_misuse("--versions and --delimiter go with --list");
	if (a->range != NULL && (!data || a->archive != NULL))
		opt_misuse("--range goes with reading one object");
	if (a->version != NULL && stamp_parse(&version, a->version) != EC_OK)
		opt_misuse("--version-id %s: 32 hex digits", a->version);
	if (argc == 1 && name_split(n, argv[0]) != EC_OK)
		exit(err_exit(EC_EINVAL));
	if (n->key[0] == '\0' && !a->list && a->archive == NULL)
		opt_misuse("%s: a bucket; give bucket/key, or --list",
		    argv[0]);
	if (data && isatty(STDOUT_FILENO) && !a->force)
		opt_misuse("not writing data to a terminal without -f");
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
		OPT_STR('r', "range", &a.range, "first-last",
		    "these bytes only; first- and -count too"),
		OPT_STR(0, "version-id", &a.version, "id", "this version"),
		OPT_FLAG('s', "stat", &a.stat, "say what it is, no data"),
		OPT_FLAG('l', "list", &a.list,
		    "list the buckets, or the keys that begin so"),
		OPT_FLAG(0, "versions", &a.versions, "list all versions"),
		OPT_STR(0, "delimiter", &a.delimiter, "string",
		    "list keys up to this as one"),
		OPT_STR('a', "archive", &a.archive, "format",
		    "all objects below the prefix as tar, tar.gz, tar.xz, "
		    "tar.zst, zip or cpio"),
		OPT_FLAG('j', "json", &a.json, "one JSON object a line"),
		OPT_FLAG('0', "null", &a.nul, "end names with NUL"),
		OPT_FLAG('f', "force", &a.force, "data to a terminal"),
		OPT_END("[bucket[/key]] > data"),
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
	if ((e = store_open(&st, &p)) == EC_OK &&
	    (e = run(st, &n, &a)) != EC_OK)
		name_log_failure(argc == 1 ? argv[0] : "list", e);
	store_close(st);
	free(a.drives.v);
	return err_exit(e);
}
