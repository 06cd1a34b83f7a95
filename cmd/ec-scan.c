/* ec-scan: look at every version on every drive and say what is wrong. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hooks.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/progress.h"
#include "codec/versions.h"
#include "set/heal_queue.h"
#include "store/finding.h"
#include "store/scan_run.h"
#include "store/status.h"
#include "store/tool.h"

enum { LINE_BYTES_MAX = 256 * 1024, STATUS_BYTES_MAX = 16 * 1024 * 1024,
	POOL_ALL = UINT16_MAX + 1 };

struct args {
	struct opt_list drives;
	const char *name;
	struct tool_scope scope;
	uint64_t rate, since_us;
	const char *since, *metrics, *verb, *hook, *drive;
	unsigned litter_age_s, time_s, errors, set, pool;
	bool known, deep, json, nul, rows, line, status, quiet, repair;
};

struct scan_job {
	const struct args *args;
	struct store *store;
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
	if (job->args->repair && f->report.key[0] != '\0')
		heal_queue_mark(f->report.set, f->report.bucket,
		    f->report.key, &f->report.version);
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

static volatile bool interrupted;

static void
on_signal(int sig)
{
	(void)sig;
	interrupted = true;
}

/* What is done is kept, whoever ends it. */
static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* "2026-11-22" or "2026-11-22T13:01:07Z" */
static bool
date_parse(uint64_t *us, const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end != NULL && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	*us = (uint64_t)timegm(&tm) * 1000000;
	return end != NULL && *end == '\0' && tm.tm_year >= 70;
}

/* What there is to do: what an earlier slice left, or what the options say. */
static enum err
plan(struct store *st, const struct args *a, struct scan_state *s)
{
	struct scan_state last = { .phase = SCAN_IDLE };
	enum err e;

	if (a->verb != NULL && (e = scan_state_load(&last, st)) != EC_OK)
		return e;
	if (a->verb != NULL && strcmp(a->verb, "continue") == 0 &&
	    (last.phase == SCAN_PAUSED || last.phase == SCAN_RUNNING)) {
		*s = last;
		return EC_OK;
	}
	*s = (struct scan_state){ .deep = a->deep, .known = a->known,
		.only_pool = a->pool == POOL_ALL ? 0 : a->pool + 1,
		.only_set = a->set, .since_us = a->since_us,
		.finished_us = last.finished_us };
	snprintf(s->drive, sizeof s->drive, "%s",
	    a->drive != NULL ? a->drive : "");
	if (a->scope.bucket != NULL)
		memcpy(s->bucket, a->scope.bucket,
		    strlen(a->scope.bucket) + 1);
	if (a->scope.prefix != NULL)
		snprintf(s->prefix, sizeof s->prefix, "%s", a->scope.prefix);
	if (a->verb != NULL || (isatty(STDERR_FILENO) && !a->quiet))
		s->total = scan_run_count(st, s);
	return EC_OK;
}

static enum err
metrics(const struct args *a, const struct scan_state *s, enum err e)
{
	struct buf text = BUF_INIT(64 * 1024);
	enum err out;

	if (a->metrics == NULL)
		return e;
	out = scan_state_metrics(&text, s, err_exit(e));
	if (out == EC_OK)
		out = io_replace(AT_FDCWD, a->metrics, text.data, text.len,
		    0644);
	buf_release(&text);
	return out != EC_OK ? out : e;
}

/* Tell the hooks how it ended. */
static enum err
tell(const struct args *a, const struct scan_state *s, enum err e)
{
	char text[4][64];
	const char *const vars[] = { text[0], text[1], text[2], text[3],
		NULL };
	struct hooks *hooks = NULL;
	enum err out;

	if (a->hook == NULL)
		return e;
	if ((out = hooks_new(&hooks, a->hook)) != EC_OK)
		return out;
	snprintf(text[0], sizeof text[0], "EC_STATE=%s",
	    scan_state_text(s->phase));
	snprintf(text[1], sizeof text[1], "EC_FOUND=%llu",
	    (unsigned long long)(s->r.degraded + s->r.damaged + s->r.lost +
	    s->r.undecided));
	snprintf(text[2], sizeof text[2], "EC_LOST=%llu",
	    (unsigned long long)s->r.lost);
	snprintf(text[3], sizeof text[3], "EC_EXIT=%d", err_exit(e));
	hooks_tell(hooks, "scan_finish", vars);
	hooks_free(hooks);
	return e;
}

static enum err
scan(struct store *st, const struct args *a)
{
	struct scan_job job = { .args = a, .store = st, .err = EC_OK };
	const struct scan_run_params p = { .keep = a->verb != NULL,
		.time_s = a->time_s, .errors = a->errors, .rate = a->rate,
		.litter_age_s = a->litter_age_s, .progress = progress,
		.found = found, .ctx = &job,
		.interrupt = &interrupted };
	struct scan_state s;
	enum err e, out;

	if ((e = plan(st, a, &s)) != EC_OK)
		return e;
	progress_init(&job.progress, "versions", a->quiet || a->json);
	job.progress.total = s.total;
	if (a->verb != NULL)
		catch_signals();
	e = scan_run(st, &p, &s);
	progress_wipe(&job.progress);
	if (e == EC_EOWNED) {
		log_error("a scan is under way; ec-scan status tells more");
		return EC_EBUSY;
	}
	if (job.err != EC_OK)
		return job.err;
	e = tell(a, &s, metrics(a, &s, e));
	if (a->json && (out = summary_json(&job, &s.r, e)) != EC_OK)
		return out;
	if (job.progress.on)
		summary_text(&s.r);
	return e;
}

/* Ask the scan that is under way to leave off, and wait until it has. */
static enum err
leave_off(struct store *st, enum scan_phase want)
{
	enum { LOOKS = 300, LOOK_MS = 200 };
	const struct timespec ts = { 0, LOOK_MS * 1000000L };
	struct scan_state s;
	enum err e = scan_state_load(&s, st);

	if (e == EC_OK && s.phase == SCAN_PAUSED && want == SCAN_STOPPED) {
		s.phase = SCAN_STOPPED;
		return scan_state_save(&s, st);
	}
	if (e == EC_OK && s.phase != SCAN_RUNNING) {
		log_error("no scan is under way");
		return EC_ENOTFOUND;
	}
	if (e == EC_OK)
		e = scan_state_want(st, s.id, want);
	for (unsigned i = 0; e == EC_OK && s.phase == SCAN_RUNNING; i++) {
		if (i == LOOKS)
			return EC_ETIMEDOUT;
		nanosleep(&ts, NULL);
		e = scan_state_load(&s, st);
	}
	return e;
}

static enum err
scan_status(struct store *st, const struct args *a)
{
	struct buf text = BUF_INIT(STATUS_BYTES_MAX);
	struct scan_state s;
	enum err e;

	if ((e = scan_state_load(&s, st)) != EC_OK)
		return e;
	if (!a->json) {
		scan_state_print(&text, &s);
		return tool_put(&text);
	}
	json_open(&text, NULL);
	json_str(&text, "type", "scan");
	scan_state_json(&text, &s);
	json_close(&text);
	buf_add(&text, "\n", 1);
	return tool_put(&text);
}

/* Instead of printing it: the file is for a machine. */
static enum err
status_metrics(struct store *st, const char *file)
{
	struct buf text = BUF_INIT(STATUS_BYTES_MAX);
	enum err e = status_format(&text, st, STATUS_METRICS), out;

	out = io_replace(AT_FDCWD, file, text.data, text.len, 0644);
	buf_release(&text);
	return out != EC_OK ? out : e;
}

static enum err
status(struct store *st, const struct args *a)
{
	struct buf text = BUF_INIT(STATUS_BYTES_MAX);
	enum err e, out;

	if (a->metrics != NULL)
		return status_metrics(st, a->metrics);
	e = status_format(&text, st, a->json ? STATUS_JSON :
	    a->line ? STATUS_LINE : a->rows ? STATUS_ROWS : STATUS_TEXT);
	out = tool_put(&text);
	return out != EC_OK ? out : e;
}

/* The verb that stands first among the operands; NULL: there is none. */
static const char *
take_verb(int *argc, char ***argv)
{
	static const char *const verbs[] = { "start", "continue", "pause",
		"stop", "status" };

	for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (*argc > 0 && strcmp((*argv)[0], verbs[i]) == 0) {
			--*argc;
			++*argv;
			return verbs[i];
		}
	return NULL;
}

static bool
scans(const struct args *a)
{
	return !a->status && (a->verb == NULL ||
	    strcmp(a->verb, "start") == 0 || strcmp(a->verb, "continue") == 0);
}

static enum err
run(struct store *st, const struct args *a)
{
	if (a->status)
		return status(st, a);
	if (scans(a))
		return scan(st, a);
	if (strcmp(a->verb, "status") == 0)
		return scan_status(st, a);
	return leave_off(st, strcmp(a->verb, "pause") == 0 ? SCAN_PAUSED :
	    SCAN_STOPPED);
}

int
main(int argc, char *argv[])
{
	struct args a = { .litter_age_s = 3600, .pool = POOL_ALL };
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
		OPT_UINT('t', "time", &a.time_s, 1, 31536000, "seconds",
		    "leave off after so long (default: no limit)"),
		OPT_UINT('e', "errors", &a.errors, 1, UINT32_MAX, "n",
		    "leave off after so many findings (default: no limit)"),
		OPT_STR('S', "since", &a.since, "date",
		    "only keys written to since, as 2026-11-22 or "
		    "2026-11-22T13:00:00Z"),
		OPT_UINT(0, "pool", &a.pool, 0, UINT16_MAX, "n",
		    "only this pool, by its number (default: all)"),
		OPT_UINT(0, "set", &a.set, 1, 65536, "n",
		    "only this set, 1 being the first (default: all)"),
		OPT_STR(0, "drive", &a.drive, "drive",
		    "only what this one lacks, or has damaged"),
		OPT_FLAG('k', "known", &a.known,
		    "only what the heal queue says is wrong, all its hashes"),
		OPT_FLAG('R', "repair", &a.repair,
		    "put what is found into the heal queue"),
		OPT_STR(0, "hook", &a.hook, "path",
		    "a program, or a folder of them, to run at the end"),
		OPT_STR(0, "metrics", &a.metrics, "file",
		    "write counts there, for node_exporter"),
		OPT_FLAG('s', "status", &a.status,
		    "do not scan: say how pool, sets and drives stand"),
		OPT_FLAG('1', "line", &a.line,
		    "with --status: one line, for monitoring"),
		OPT_FLAG('H', "no-headings", &a.rows,
		    "with --status: the table alone, fields by TAB"),
		OPT_FLAG('j', "json", &a.json, "JSON lines"),
		OPT_FLAG('0', "null", &a.nul,
		    "end findings with NUL, escape nothing in names"),
		OPT_FLAG('q', "quiet", &a.quiet, "no progress, no summary"),
		OPT_END("[start | continue | pause | stop | status] "
		    "[drive ...]"),
	};
	struct store *st = NULL;
	enum err e;

	log_init(argv[0]);
	opt_versions(versions_text);
	opt_parse(opts, &argc, &argv);
	if (a.json && a.nul)
		opt_misuse("--json and --null exclude each other");
	if ((a.rows || a.line) && !a.status)
		opt_misuse("--no-headings and --line go with --status");
	if (tool_scope_parse(&a.scope, a.name) != EC_OK)
		opt_misuse("--bucket %s: not a bucket's name", a.name);
	if (a.since != NULL && !date_parse(&a.since_us, a.since))
		opt_misuse("--since %s: not a date", a.since);
	a.verb = take_verb(&argc, &argv);
	if (a.known && a.verb != NULL)
		opt_misuse("--known goes without a verb");
	if ((e = tool_open(&st, &a.drives, !scans(&a), argc, argv)) == EC_OK)
		e = run(st, &a);
	store_close(st);
	free(a.drives.v);
	return err_exit(e);
}
