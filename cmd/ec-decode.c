/* ec-decode: any k shard files in, the bytes that were encoded out; and what
 * the files say, whether they hold, and new ones for those that do not. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/outfile.h"
#include "base/overlap.h"
#include "codec/bitrot.h"
#include "codec/decode.h"
#include "codec/shardset.h"
#include "codec/versions.h"

enum { READ_BYTES_MIN = 1024 * 1024 };

struct args {
	const char *output, *id;
	bool info, verify, repair, dry_run, force, json, quiet;
};

/* A shard turned out bad while it was read. */
static void
warn_bad(void *ctx, unsigned index, enum err why, uint64_t off)
{
	const struct shardset *s = ctx;
	struct shardset_file *f = s->of[index];

	if (f->state == SHARDSET_GOOD)	/* the first of it is enough */
		log_warn("%s: shard %u: %s at byte %" PRIu64, f->path, index,
		    err_text(why), off);
	f->state = SHARDSET_DAMAGED;
}

/* Name the files that are of no use. */
static void
warn_files(const struct shardset *s)
{
	for (size_t j = 0; j < s->n; j++) {
		const struct shardset_file *f = &s->files[j];

		if (f->state == SHARDSET_DAMAGED)
			log_warn("%s: shard %u: damaged header", f->path,
			    f->index);
		else if (f->state == SHARDSET_UNREADABLE)
			log_warn("%s: %s", f->path, err_text(f->why));
		else if (f->state != SHARDSET_GOOD)
			log_warn("%s: %s", f->path,
			    shardset_state_text(f->state));
	}
}

static enum err
open_set(struct shardset *s, const struct args *a, struct decode **d,
    uint64_t *size)
{
	struct decode_source sources[RS_SHARDS_MAX];
	struct decode_params p = { .stripe = s->header.stripe,
		.id = s->header.id, .part = s->header.part, .bad_ctx = s };

	if (!a->info && !a->verify && !a->repair) {
		warn_files(s);
		p.bad = warn_bad;
	}
	shardset_sources(s, sources);
	return decode_new(d, &p, sources, size);
}

/* All of an object on its way.  One thread reads, one writes. */
struct flow {
	struct decode *decode;
	uint64_t size;
	uint64_t at;		/* the reader's */
	int fd;			/* negative: nowhere */
	uint64_t good;		/* the writer's: bytes that got out */
};

static enum err
read_stripes(void *ctx, uint8_t *buf, size_t cap, size_t *len)
{
	struct flow *f = ctx;
	size_t n = num_min(cap, f->size - f->at);
	enum err e;

	if (n == 0)
		return EC_OK;
	/* less and less where it gets difficult, to the last good byte */
	while ((e = decode_read(f->decode, buf, n, f->at)) == EC_EQUORUM &&
	    n > 1)
		n /= 2;
	if (e != EC_OK)
		return e == EC_EQUORUM ? EC_ELOST : e;
	f->at += n;
	*len = n;
	return EC_OK;
}

static enum err
write_out(void *ctx, const uint8_t *buf, size_t len)
{
	struct flow *f = ctx;
	enum err e = f->fd < 0 ? EC_OK : io_write_full(f->fd, buf, len);

	if (e == EC_OK)
		f->good += len;
	return e;
}

static enum err
copy(struct flow *f, const struct stripe *s)
{
	uint64_t stripe_bytes = (uint64_t)s->k * s->unit;
	uint64_t len = num_round_up(READ_BYTES_MIN, stripe_bytes);

	return overlap_run(num_min(len, f->size + 1), read_stripes, write_out,
	    f);
}

static enum err
decode_out(struct shardset *s, const struct args *a, struct decode *d,
    uint64_t size)
{
	struct outfile file = OUTFILE_INIT;
	bool to_stdout = strcmp(a->output, "-") == 0;
	struct flow flow = { .decode = d, .size = size };
	enum err e = EC_OK;

	if (!to_stdout && (e = outfile_open(&file, a->output, a->force)) !=
	    EC_OK)
		return e;
	flow.fd = to_stdout ? STDOUT_FILENO : file.fd;
	e = copy(&flow, &s->header.stripe);
	if (e == EC_ELOST)
		log_error("too few good shards: %" PRIu64 " of %" PRIu64
		    " bytes were good", flow.good, size);
	else if (e != EC_OK)
		log_error("%s: %s", to_stdout ? "standard output" :
		    a->output, err_text(e));
	if (e == EC_OK && !to_stdout && (e = outfile_sync(&file)) == EC_OK)
		e = outfile_commit(&file);
	if (to_stdout && e == EC_OK && close(STDOUT_FILENO) != 0) {
		log_error("standard output: %s", strerror(errno));
		e = err_from_errno(errno);
	}
	outfile_release(&file);
	return e;
}

/* Is it all there, can it be had, or is it lost? */
static enum err
judge(const struct shardset *s, struct decode *d, uint64_t size, bool deep)
{
	const struct stripe *g = &s->header.stripe;
	struct flow flow = { .decode = d, .size = size, .fd = -1 };
	enum err e;

	if (s->good == g->k + g->m)
		return EC_OK;
	if (s->good >= g->k)
		return EC_EDEGRADED;
	if (!deep)
		return EC_ELOST;
	/* fewer than k are whole, but maybe there are k in each place */
	e = copy(&flow, g);
	if (e == EC_ELOST)
		log_error("too few good shards: %" PRIu64 " of %" PRIu64
		    " bytes are good", flow.good, size);
	return e == EC_OK ? EC_EDEGRADED : e;
}

static enum err
print(const struct buf *b)
{
	enum err e = io_write_full(STDOUT_FILENO, b->data, b->len);

	if (e != EC_OK)
		log_error("standard output: %s", err_text(e));
	return e;
}

static const char *
mode(const struct args *a)
{
	return a->info ? "info" : a->verify ? "verify" : "repair";
}

/* --info, --verify, --repair. */
static enum err
examine(struct shardset *s, const struct args *a, struct decode *d,
    uint64_t size)
{
	struct buf b = BUF_INIT(16 * 1024 * 1024);
	enum err e, printed;

	e = shardset_check(s, d, !a->info);
	if (e == EC_OK)
		e = judge(s, d, size, !a->info);
	if (a->repair && e == EC_EDEGRADED) {
		e = shardset_repair(s, d, a->force, a->dry_run);
		if (a->dry_run && e == EC_OK)
			e = EC_EDEGRADED;
	}
	printed = shardset_print(&b, s, decode_tail(d), mode(a), e, a->json);
	if (printed == EC_OK)
		printed = print(&b);
	buf_release(&b);
	return printed == EC_OK ? e : printed;
}

/* Too few files to open it: what their headers say. */
static enum err
examine_few(struct shardset *s, const struct args *a)
{
	struct buf b = BUF_INIT(16 * 1024 * 1024);
	enum err e;

	s->good = s->found;	/* as far as headers tell */
	log_error("lost: %u of %u shards found, %u needed", s->found,
	    s->header.stripe.k + s->header.stripe.m, s->header.stripe.k);
	e = shardset_print(&b, s, NULL, mode(a), EC_ELOST, a->json);
	if (e == EC_OK)
		e = print(&b);
	buf_release(&b);
	return e == EC_OK ? EC_ELOST : e;
}

static enum err
choose(struct shardset *s, const struct args *a)
{
	struct uuid id;
	enum err e;

	if (a->id != NULL && uuid_parse(&id, a->id) != EC_OK)
		opt_misuse("--id: not an id: %s", a->id);
	e = shardset_choose(s, a->id == NULL ? NULL : &id);
	if (e == EC_ENOTFOUND) {
		for (size_t j = 0; j < s->n; j++)
			log_error("%s: %s", s->files[j].path,
			    err_text(s->files[j].why));
		log_error("no shard files%s%s", a->id != NULL ? " of " : "",
		    a->id != NULL ? a->id : "");
	} else if (e == EC_ECONFLICT) {
		log_error("shards of several sets: choose one by --id");
	} else if (e == EC_ELOST) {
		log_error("shards of several sets, too few of each");
	}
	return e;
}

static enum err
run(struct shardset *s, const struct args *a, int argc, char *argv[])
{
	struct decode *d = NULL;
	uint64_t size;
	enum err e = EC_OK;

	for (int i = 0; i < argc && e == EC_OK; i++)
		e = shardset_add(s, argv[i]);
	if (e == EC_OK)
		e = choose(s, a);
	if (e != EC_OK)
		goto out;
	e = open_set(s, a, &d, &size);
	if (e == EC_EQUORUM && (a->info || a->verify || a->repair)) {
		e = examine_few(s, a);
	} else if (e == EC_EQUORUM) {
		log_error("too few good shards: %u found, %u needed: 0 bytes "
		    "were good", s->found, s->header.stripe.k);
		e = EC_ELOST;
	} else if (e == EC_OK) {
		e = a->info || a->verify || a->repair ?
		    examine(s, a, d, size) : decode_out(s, a, d, size);
	}
out:
	decode_free(d);
	if (e == EC_ENOMEM || e == EC_ELIMIT)
		log_error("%s", err_text(e));
	return e;
}

int
main(int argc, char *argv[])
{
	struct args a = { .output = "-" };
	const struct opt opts[] = {
		OPT_STR('o', "output", &a.output, "file", "where to write"),
		OPT_FLAG('i', "info", &a.info, "say what the shards are"),
		OPT_FLAG(0, "verify", &a.verify, "read and check all of them"),
		OPT_FLAG(0, "repair", &a.repair,
		    "write damaged and missing shards anew"),
		OPT_FLAG('n', "dry-run", &a.dry_run,
		    "with --repair: only say what would be done"),
		OPT_STR(0, "id", &a.id, "id", "which set, when several are"),
		OPT_FLAG('f', "force", &a.force,
		    "replace existing files; write to a terminal"),
		OPT_FLAG(0, "json", &a.json, "print JSON lines"),
		OPT_FLAG('q', "quiet", &a.quiet, "no warnings"),
		OPT_END("shard ..."),
	};
	struct shardset set = SHARDSET_INIT;
	bool examines;
	enum err e;

	log_init(argv[0]);
	opt_versions(versions_text);
	opt_parse(opts, &argc, &argv);
	examines = a.info || a.verify || a.repair;
	if (argc == 0)
		opt_misuse("no shard files named");
	if (a.info + a.verify + a.repair > 1)
		opt_misuse("one of --info, --verify and --repair");
	if (examines && strcmp(a.output, "-") != 0)
		opt_misuse("--output is for decoding");
	if ((a.json && !examines) || (a.dry_run && !a.repair))
		opt_misuse("%s is not for this", a.json && !examines ?
		    "--json" : "--dry-run");
	if (!examines && strcmp(a.output, "-") == 0 && !a.force &&
	    isatty(STDOUT_FILENO))
		opt_misuse("will not write to a terminal without -f");
	if (a.quiet)
		log_level_set(LOG_LEVEL_ERROR);
	if (!bitrot_self_test()) {
		log_error("self-test failed: this CPU computes wrong sums");
		return err_exit(EC_EFAILED);
	}
	outfile_on_signals();
	e = run(&set, &a, argc, argv);
	shardset_release(&set);
	return err_exit(e);
}
