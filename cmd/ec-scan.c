/* ec-scan: look at every version on every drive and say what is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/progress.h"
#include "codec/versions.h"
#include "store/finding.h"
#include "store/status.h"
#include "store/tool.h"

enum { LINE_BYTES_MAX = 256 * 1024, STATUS_BYTES_MAX = 16 * 1024 * 1024 };

struct args {
	struct opt_list drives;
	const char *name;
	struct tool_scope scope;
	uint64_t rate;
	unsigned litter_age_s;
	bool deep, json, nul, rows, status, quiet;
};

struct scan_job {
	const struct args *args;
	struct progress progress;
	bool begun;		/* the first JSON line was written */
	enum err err;		/* of standard output */
};

static void
begin_json(struct scan_job *job, struct buf *line)
{
	if (job->begun || !job->args->json)
		return;
	job->begun = true;
	json_open(line, NULL);
	json_str(line, "type", "begin");
	json_str(line, "schema", "ec-scan/1");
	json_bool(line, "deep", job->args->deep);
	json_close(line);
	buf_add(line, "\n", 1);
}

static void
found(void *ctx, const struct scan_finding *f)
{
	struct scan_job *job = ctx;
	struct buf line = BUF_INIT(LINE_BYTES_MAX);
	enum err e;

	if (job->err != EC_OK)
		return;
	progress_wipe(&job->progress);
	begin_json(job, &line);
	e = finding_format(&line, f, job->args->json ? FINDING_JSON :
	    job->args->nul ? FINDING_NUL : FINDING_TEXT);
	job->err = tool_put(&line);
	if (e != EC_OK)
		job->err = e;
}

static bool
progress(void *ctx, uint64_t versions, uint64_t bytes)
{
	struct scan_job *job = ctx;

	progress_show(&job->progress, versions, bytes);
	return job->err != EC_OK;
}

static enum err
summary_json(struct scan_job *job, const struct scan_result *r, enum err e)
{
	struct buf line = BUF_INIT(LINE_BYTES_MAX);

	begin_json(job, &line);
	json_open(&line, NULL);
	json_str(&line, "type", "summary");
	json_u64(&line, "versions", r->versions);
	json_u64(&line, "bytes_read", r->bytes);
	json_u64(&line, "degraded", r->degraded);
	json_u64(&line, "damaged", r->damaged);
	json_u64(&line, "lost", r->lost);
	json_u64(&line, "undecided", r->undecided);
	json_u64(&line, "litter", r->litter);
	json_u64(&line, "drives", r->drives);
	json_u64(&line, "exit", (uint64_t)err_exit(e));
	json_close(&line);
	buf_add(&line, "\n", 1);
	return tool_put(&line);
}

static void
summary_text(const struct scan_result *r)
{
	char bytes[16];

	fprintf(stderr, "%llu versions, %s read: %llu degraded, %llu damaged, "
	    "%llu lost, %llu undecided, %llu litter, %llu drives away\n",
	    (unsigned long long)r->versions,
	    num_size_text(bytes, sizeof bytes, r->bytes),
	    (unsigned long long)r->degraded, (unsigned long long)r->damaged,
	    (unsigned long long)r->lost, (unsigned long long)r->undecided,
	    (unsigned long long)r->litter, (unsigned long long)r->drives);
}

static enum err
scan(struct store *st, const struct args *a)
{
	struct scan_job job = { .args = a, .err = EC_OK };
	struct scan_params p = { .deep = a->deep, .rate = a->rate,
		.bucket = a->scope.bucket, .prefix = a->scope.prefix,
		.litter_age_s = a->litter_age_s, .progress = progress,
		.found = found, .ctx = &job };
	struct scan_result r = { 0 };
	enum err e = EC_OK, one;

	progress_init(&job.progress, "versions", a->quiet || a->json);
	if (job.progress.on)
		job.progress.total = tool_count(st, &a->scope);
	for (unsigned i = 0; i < store_sets(st); i++) {
		one = scan_set(store_set(st, i), &p, &r);
		if (one != EC_OK && one != EC_EDEGRADED && one != EC_ELOST)
			log_error("set %u: %s", i, err_text(one));
		e = heal_worse(e, one);
	}
	progress_wipe(&job.progress);
	if (job.err != EC_OK)
		return job.err;
	if (a->json && (one = summary_json(&job, &r, e)) != EC_OK)
		return one;
	if (job.progress.on)
		summary_text(&r);
	return e;
}

static enum err
status(struct store *st, const struct args *a)
{
	struct buf text = BUF_INIT(STATUS_BYTES_MAX);
	enum err e, out;

	e = status_format(&text, st, a->json ? STATUS_JSON :
	    a->rows ? STATUS_ROWS : STATUS_TEXT);
	out = tool_put(&text);
	return out != EC_OK ? out : e;
}

int
main(int argc, char *argv[])
{
	struct args a = { .litter_age_s = 3600 };
	const struct opt opts[] = {
		OPT_LIST('d', "drives", &a.drives, "pattern",
		    "the drives, as /mnt/d{1...4}; may be repeated "
		    "(default: EC_VOLUMES)"),
		OPT_FLAG('D', "deep", &a.deep,
		    "verify every hash, not only that all is there"),
		OPT_STR('b', "bucket", &a.name, "bucket[/prefix]",
		    "only these (default: all)"),
		OPT_SIZE('r', "rate", &a.rate, 1, UINT64_C(1) << 50, "size",
		    "read at most so much a second (default: no limit)"),
		OPT_UINT(0, "litter-age", &a.litter_age_s, 0, 31536000,
		    "seconds", "a younger file without a record is not "
		    "litter: its write may be under way"),
		OPT_FLAG('s', "status", &a.status,
		    "do not scan: say how pool, sets and drives stand"),
		OPT_FLAG('H', "no-headings", &a.rows,
		    "with --status: the table alone, fields by TAB"),
		OPT_FLAG('j', "json", &a.json, "JSON lines"),
		OPT_FLAG('0', "null", &a.nul,
		    "end findings with NUL, escape nothing in names"),
		OPT_FLAG('q', "quiet", &a.quiet, "no progress, no summary"),
		OPT_END("[drive ...]"),
	};
	struct store *st = NULL;
	enum err e;

	log_init(argv[0]);
	opt_versions(versions_text);
	opt_parse(opts, &argc, &argv);
	if (a.json && a.nul)
		opt_misuse("--json and --null exclude each other");
	if (a.rows && !a.status)
		opt_misuse("--no-headings goes with --status");
	if (tool_scope_parse(&a.scope, a.name) != EC_OK)
		opt_misuse("--bucket %s: not a bucket's name", a.name);
	if ((e = tool_open(&st, &a.drives, argc, argv)) == EC_OK)
		e = a.status ? status(st, &a) : scan(st, &a);
	store_close(st);
	free(a.drives.v);
	return err_exit(e);
}
