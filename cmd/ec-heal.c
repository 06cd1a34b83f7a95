/* ec-heal: take in drives that came back or are new, and heal what is not on
 * all drives as it should be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/progress.h"
#include "codec/versions.h"
#include "store/finding.h"
#include "store/kept_tool.h"
#include "store/repair.h"
#include "store/replace.h"
#include "store/scan_run.h"
#include "store/status.h"
#include "store/tool.h"
#include "store/watch.h"

enum { LINE_BYTES_MAX = 256 * 1024, OWNER_WAIT_MS = 15000, MAINTAIN_MS = 100,
	STATUS_BYTES_MAX = 16 * 1024 * 1024 };

struct args {
	struct opt_list drives;
	const char *name, *hook;
	struct tool_scope scope;
	bool all, deep, dry, json, nul, quiet, verbose, no_refill, input, wait;
	unsigned time_s;
	FILE *spool;		/* the input, NULL if none is to be read */
};

struct heal_job {
	const struct args *args;
	struct progress progress;
	bool begun;		/* the first JSON line was written */
	enum err err;		/* of standard output */
	uint64_t bad_lines;
};

static void
begin_json(struct heal_job *job, struct buf *line)
{
	if (job->begun || !job->args->json)
		return;
	job->begun = true;
	json_open(line, NULL);
	json_str(line, "type", "begin");
	json_str(line, "schema", "ec-heal/1");
	json_bool(line, "dry", job->args->dry);
	json_close(line);
	buf_add(line, "\n", 1);
}

/* What was healed is worth a line only to those who asked. */
static void
each(void *ctx, const struct heal_report *r)
{
	struct heal_job *job = ctx;
	const struct args *a = job->args;
	struct buf line = BUF_INIT(LINE_BYTES_MAX);
	enum err e;

	if (job->err != EC_OK || (!a->json && !a->verbose && !a->dry &&
	    strcmp(finding_result(r, false), "healed") == 0))
		return;
	progress_wipe(&job->progress);
	begin_json(job, &line);
	e = finding_format_healed(&line, r, a->dry, a->json ? FINDING_JSON :
	    a->nul ? FINDING_NUL : FINDING_TEXT);
	job->err = tool_put(&line);
	if (e != EC_OK)
		job->err = e;
}

static bool
progress(void *ctx, uint64_t looked, uint64_t bytes)
{
	struct heal_job *job = ctx;

	progress_show(&job->progress, looked, bytes);
	return job->err != EC_OK;
}

static enum err
summary_json(struct heal_job *job, const struct repair_result *r, enum err e)
{
	struct buf line = BUF_INIT(LINE_BYTES_MAX);

	begin_json(job, &line);
	json_open(&line, NULL);
	json_str(&line, "type", "summary");
	json_u64(&line, "looked", r->looked);
	json_u64(&line, job->args->dry ? "would_heal" : "healed",
	    job->args->dry ? r->left : r->healed);
	json_u64(&line, "left", job->args->dry ? 0 : r->left);
	json_u64(&line, "lost", r->lost);
	json_u64(&line, "undecided", r->undecided);
	json_u64(&line, "drives_formatted", r->fresh);
	json_u64(&line, "drives_away", r->away);
	json_u64(&line, "bytes", r->bytes);
	json_u64(&line, "exit", (uint64_t)err_exit(e));
	json_close(&line);
	buf_add(&line, "\n", 1);
	return tool_put(&line);
}

static void
summary_text(const struct args *a, const struct repair_result *r)
{
	char bytes[16];

	fprintf(stderr, "%llu looked at, %llu %s, %llu left, %llu lost, %llu "
	    "undecided, %s read and written; %u drives formatted, %u away\n",
	    (unsigned long long)r->looked,
	    (unsigned long long)(a->dry ? r->left : r->healed),
	    a->dry ? "to heal" : "healed",
	    (unsigned long long)(a->dry ? 0 : r->left),
	    (unsigned long long)r->lost, (unsigned long long)r->undecided,
	    num_size_text(bytes, sizeof bytes, r->bytes), r->fresh, r->away);
}

static enum err
heal_line(struct heal_job *job, struct repair *rp,
    const struct repair_params *p, const char *line, size_t len,
    struct repair_result *r)
{
	struct finding f;
	enum err e;

	e = finding_parse(&f, line, len, job->args->nul);
	if (e == EC_ENOTFOUND || len == 0)
		return EC_OK;
	if (e != EC_OK) {
		job->bad_lines++;
		log_error("not a finding: %.*s", (int)num_min(len, 200), line);
		return EC_OK;
	}
	if (f.bucket[0] == '\0')
		return EC_OK;	/* drives and litter are not healed so */
	e = repair_one(rp, p, f.bucket, f.key,
	    stamp_is_zero(&f.version) ? NULL : &f.version, r);
	progress(job, r->looked, r->bytes);
	return e;
}

/* All of standard input, before the drives are opened: the scan that feeds it
 * owns them until it ends. */
static enum err
spool_input(FILE **out)
{
	char chunk[65536];
	FILE *spool = tmpfile();
	enum err e = EC_OK;
	size_t n;

	if (spool == NULL) {
		log_error("temporary file: %s", strerror(errno));
		return err_from_errno(errno);
	}
	while (e == EC_OK && (n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
		if (fwrite(chunk, 1, n, spool) != n)
			e = err_from_errno(errno);
	if (e == EC_OK && ferror(stdin))
		e = EC_EIO;
	if (e == EC_OK && fseek(spool, 0, SEEK_SET) != 0)
		e = err_from_errno(errno);
	if (e != EC_OK) {
		log_error("standard input: %s", err_text(e));
		fclose(spool);
		return e;
	}
	*out = spool;
	return EC_OK;
}

/* Each finding of the input. */
static enum err
heal_input(struct heal_job *job, struct repair *rp,
    const struct repair_params *p, struct repair_result *r)
{
	int end = job->args->nul ? '\0' : '\n';
	enum err e = EC_OK;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while (e != EC_ENOMEM && job->err == EC_OK &&
	    (len = getdelim(&line, &cap, end, job->args->spool)) > 0) {
		if (line[len - 1] == end)
			len--;
		e = heal_worse(e, heal_line(job, rp, p, line, (size_t)len, r));
	}
	if (ferror(job->args->spool))
		e = heal_worse(EC_EIO, e);
	free(line);
	if (job->bad_lines > 0 && e == EC_OK)
		e = EC_EFAILED;
	return e;
}

static void
census_found(void *ctx, const struct scan_finding *f)
{
	(void)f;
	++*(uint64_t *)ctx;
}

/* Count what is on the drives: each version that is listed, and each shard of
 * it.  Only that says that all is whole. */
static enum err
census(struct store *st, struct heal_job *job)
{
	const struct args *a = job->args;
	uint64_t bad = 0, total = tool_count(st, &a->scope);
	const struct scan_run_params p = { .litter_age_s = 3600,
		.found = census_found, .ctx = &bad };
	struct scan_state s = { .deep = a->deep };
	struct buf line = BUF_INIT(LINE_BYTES_MAX);
	enum err e, out;

	if (a->scope.bucket != NULL)
		memcpy(s.bucket, a->scope.bucket, strlen(a->scope.bucket) + 1);
	if (a->scope.prefix != NULL)
		snprintf(s.prefix, sizeof s.prefix, "%s", a->scope.prefix);
	e = scan_run(st, &p, &s);
	if (e == EC_OK && s.r.versions < total)
		e = EC_EDEGRADED;
	if (a->json) {
		begin_json(job, &line);
		json_open(&line, NULL);
		json_str(&line, "type", "census");
		json_u64(&line, "versions", s.r.versions);
		json_u64(&line, "expected", total);
		json_u64(&line, "drives", store_drive_count(st));
		json_u64(&line, "findings", bad);
		json_close(&line);
		buf_add(&line, "\n", 1);
	} else if (!a->quiet) {
		buf_printf(&line, "census\t%llu of %llu versions on %u drives"
		    "\t%llu findings\n", (unsigned long long)s.r.versions,
		    (unsigned long long)total, store_drive_count(st),
		    (unsigned long long)bad);
	}
	out = tool_put(&line);
	return out != EC_OK ? out : e;
}

/* Heal until the census finds nothing, or nothing more can be done. */
static enum err
heal_wait(struct store *st, struct heal_job *job, struct repair *rp,
    const struct repair_params *p, struct repair_result *r)
{
	const struct timespec ts = { 1, 0 };
	struct repair_params all = *p;
	uint64_t until = clock_mono_us() + job->args->time_s *
	    UINT64_C(1000000);
	enum err e;

	for (;;) {
		e = repair_run(rp, &all, r);
		if (e == EC_OK && (e = census(st, job)) != EC_OK)
			all.walk = true;	/* no queue knows of it */
		if ((e != EC_EDEGRADED && e != EC_EQUORUM && e != EC_EBUSY) ||
		    job->err != EC_OK)
			return e;
		if (job->args->time_s > 0 && clock_mono_us() >= until)
			return e;
		nanosleep(&ts, NULL);
	}
}

static enum err
heal(struct store *st, const struct args *a)
{
	struct heal_job job = { .args = a, .err = EC_OK };
	struct repair_params p = { .refill = !a->no_refill,
	    .wait_ms = OWNER_WAIT_MS, .walk = a->all ||
		a->name != NULL, .deep = a->deep, .dry = a->dry,
		.bucket = a->scope.bucket, .prefix = a->scope.prefix,
		.each = each, .progress = progress, .ctx = &job };
	struct repair_result r = { 0 };
	struct repair *rp = NULL;
	struct hooks *hooks = NULL;
	enum err e, out;

	if (a->hook != NULL && (e = hooks_new(&hooks, a->hook)) != EC_OK)
		return e;

	progress_init(&job.progress, "versions", a->quiet || a->json);
	if (job.progress.on && p.walk)
		job.progress.total = tool_count(st, &a->scope);
	if ((e = repair_new(&rp, st)) != EC_OK) {
		hooks_free(hooks);
		return e;
	}
	e = a->input ? heal_input(&job, rp, &p, &r) :
	    a->wait ? heal_wait(st, &job, rp, &p, &r) :
	    repair_run(rp, &p, &r);
	repair_free(rp);
	if (!a->dry)
		store_maintain(st, MAINTAIN_MS);
	watch_heal(hooks, r.healed, r.left, r.lost);
	hooks_free(hooks);
	progress_wipe(&job.progress);
	if (job.err != EC_OK)
		return job.err;
	if (a->json && (out = summary_json(&job, &r, e)) != EC_OK)
		return out;
	if (job.progress.on || (a->verbose && !a->json))
		summary_text(a, &r);
	return e;
}

/* ec-heal quarantine: whatever is to be changed must be named. */
static enum err
quarantine(struct args *a, int argc, char *argv[])
{
	static const char *const verbs[] = { "list", "show", "restore",
		"purge" };
	struct kept_tool t = { .verb = "list", .json = a->json };
	struct store *st = NULL;
	bool known = argc == 0;
	enum err e;

	for (unsigned i = 0; argc > 0 && i < sizeof verbs / sizeof *verbs; i++)
		known = known || strcmp(argv[0], verbs[i]) == 0;
	if (!known)
		opt_misuse("quarantine %s: list, show, restore or purge",
		    argv[0]);
	if (argc > 0) {
		t.verb = argv[0];
		t.names = argv + 1;
		t.name_count = (unsigned)argc - 1;
	}
	if (t.name_count == 0 && !a->all && (strcmp(t.verb, "restore") == 0 ||
	    strcmp(t.verb, "purge") == 0))
		opt_misuse("quarantine %s: what? name it, or say --all",
		    t.verb);
	if (t.name_count > 0 && a->all)
		opt_misuse("--all and names exclude each other");
	if ((e = tool_open(&st, &a->drives, true, 0, NULL)) == EC_OK)
		e = kept_tool_run(st, &t);
	store_close(st);
	return e;
}

static enum err
status(struct args *a, int argc, char *argv[])
{
	struct buf text = BUF_INIT(STATUS_BYTES_MAX);
	struct store *st = NULL;
	enum err e, out;

	e = tool_open(&st, &a->drives, true, argc, argv);
	if (e == EC_OK) {
		e = status_format(&text, st, a->json ? STATUS_JSON :
		    STATUS_TEXT);
		if ((out = tool_put(&text)) != EC_OK)
			e = out;
	}
	store_close(st);
	return e;
}

/* ec-heal replace OLD [NEW]. */
static enum err
replace(struct args *a, int argc, char *argv[])
{
	struct store *st = NULL;
	enum err e;

	if (argc < 1 || argc > 2)
		opt_misuse("replace: which drive, and by which directory?");
	if (a->dry || a->all || a->name != NULL)
		opt_misuse("replace excludes --dry-run, --all and --bucket");
	a->wait = true;
	if ((e = tool_open(&st, &a->drives, true, 0, NULL)) != EC_OK)
		return e;
	e = replace_find(st, argv[0]);
	store_close(st);
	st = NULL;
	if (e == EC_OK && argc == 2)
		e = replace_drive(argv[0], argv[1], a->quiet || a->json);
	if (e == EC_OK && (e = tool_open(&st, &a->drives, false, 0, NULL)) ==
	    EC_OK)
		e = heal(st, a);
	store_close(st);
	return e;
}

static enum err
run(struct args *a, int argc, char *argv[])
{
	struct store *st = NULL;
	enum err e = EC_OK;

	if (argc > 0 && strcmp(argv[0], "status") == 0)
		return status(a, argc - 1, argv + 1);
	if (argc > 0 && strcmp(argv[0], "replace") == 0)
		return replace(a, argc - 1, argv + 1);
	if (argc > 0 && strcmp(argv[0], "wait") == 0) {
		a->wait = true;
		argc--;
		argv++;
	}
	if (a->time_s > 0 && !a->wait)
		opt_misuse("--time goes with --wait");
	if (argc > 0 && strcmp(argv[0], "quarantine") == 0)
		return quarantine(a, argc - 1, argv + 1);
	for (int i = 0; i < argc; i++)
		a->input = a->input || strcmp(argv[i], "-") == 0;
	if (a->wait && (a->input || a->dry))
		opt_misuse("--wait excludes --dry-run and findings as input");
	if ((!a->input || (e = spool_input(&a->spool)) == EC_OK) &&
	    (e = tool_open(&st, &a->drives, false, argc, argv)) == EC_OK)
		e = heal(st, a);
	store_close(st);
	if (a->spool != NULL)
		fclose(a->spool);
	return e;
}

int
main(int argc, char *argv[])
{
	struct args a = { 0 };
	const struct opt opts[] = {
		OPT_LIST('d', "drives", &a.drives, "pattern",
		    "the drives, as /mnt/d{1...4}; may be repeated "
		    "(default: EC_VOLUMES)"),
		OPT_FLAG('a', "all", &a.all,
		    "look at every version, not only at the heal queue; "
		    "quarantine restore or purge: all that is there"),
		OPT_STR('b', "bucket", &a.name, "bucket[/prefix]",
		    "look at every version of these"),
		OPT_FLAG('D', "deep", &a.deep,
		    "verify every hash, not only that all is there"),
		OPT_FLAG('n', "dry-run", &a.dry,
		    "change nothing: say what would be healed"),
		OPT_FLAG('R', "no-refill", &a.no_refill,
		    "do not format empty directories in the place of drives"),
		OPT_STR(0, "hook", &a.hook, "path",
		    "a program, or a folder of them, to run at the end"),
		OPT_FLAG('j', "json", &a.json, "JSON lines"),
		OPT_FLAG('0', "null", &a.nul,
		    "lines in and out end with NUL, nothing is escaped"),
		OPT_FLAG('w', "wait", &a.wait,
		    "heal until a count over all drives finds all whole"),
		OPT_UINT('t', "time", &a.time_s, 1, 31536000, "seconds",
		    "with --wait: give up after so long (default: never)"),
		OPT_FLAG('q', "quiet", &a.quiet, "no progress, no summary"),
		OPT_FLAG('v', "verbose", &a.verbose,
		    "a line for what was healed, too, and a summary"),
		OPT_END("[-] [wait | status] [drive ...] | "
		    "replace old [new] | quarantine [list | show | "
		    "restore | purge] [name ...]"),
	};
	enum err e;

	log_init(argv[0]);
	opt_versions(versions_text);
	opt_parse(opts, &argc, &argv);
	if (a.json && a.nul)
		opt_misuse("--json and --null exclude each other");
	if (tool_scope_parse(&a.scope, a.name) != EC_OK)
		opt_misuse("--bucket %s: not a bucket's name", a.name);
	e = run(&a, argc, argv);
	free(a.drives.v);
	return err_exit(e);
}
