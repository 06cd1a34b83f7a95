/* ec-pool: the pools of a store: how they stand, and moving what one has to the
 * others. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/progress.h"
#include "codec/versions.h"
#include "store/store_move.h"
#include "store/tool.h"

enum { LINE_BYTES_MAX = 64 * 1024 };

enum verb { STATUS, DRAIN, REBALANCE, CANCEL };
static const char *const verbs[] = { [STATUS] = "status", [DRAIN] = "drain",
	[REBALANCE] = "rebalance", [CANCEL] = "cancel" };

struct args {
	struct opt_list drives;
	bool dry, json, quiet, verbose;
	enum verb verb;
	unsigned percent;
	uint64_t pool;		/* its number */
};

struct job {
	const struct args *args;
	struct progress progress;
	enum err err;		/* of standard output */
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* A key that is being handed over is finished with. */
static void
catch_signals(void)
{
	const struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static void
pool_json(struct buf *line, const struct pool_status *p, uint64_t versions,
    uint64_t bytes)
{
	json_open(line, NULL);
	json_str(line, "type", "pool");
	json_u64(line, "pool", p->number);
	json_str(line, "state", pool_state_text(p->state));
	json_u64(line, "drives", p->drives);
	json_u64(line, "sets", p->sets);
	json_u64(line, "data", p->set_drives - p->parity);
	json_u64(line, "parity", p->parity);
	json_u64(line, "versions", versions);
	json_u64(line, "bytes", bytes);
	json_u64(line, "bytes_total", p->total);
	json_u64(line, "bytes_free", p->free);
	json_close(line);
}

static void
pool_text(struct buf *line, const struct pool_status *p, uint64_t versions,
    uint64_t bytes)
{
	char total[16], left[16], data[16];

	buf_printf(line, "pool %u: %s, %u drives, %u set%s of %u+%u, %llu "
	    "version%s of %s, %s of %s free", p->number,
	    pool_state_text(p->state), p->drives, p->sets,
	    p->sets == 1 ? "" : "s", p->set_drives - p->parity, p->parity,
	    (unsigned long long)versions, versions == 1 ? "" : "s",
	    num_size_text(data, sizeof data, bytes),
	    num_size_text(left, sizeof left, p->free),
	    num_size_text(total, sizeof total, p->total));
	if (p->state == POOL_DRAINED)
		buf_printf(line, ": its drives can be left out");
}

static enum err
status(struct store *st, const struct args *a)
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < store_pools(st) && e == EC_OK; i++) {
		struct buf line = BUF_INIT(LINE_BYTES_MAX);
		struct pool_status p;
		uint64_t versions, bytes;

		store_pool_status(st, i, &p);
		e = store_move_count(st, i, &versions, &bytes);
		if (e != EC_OK) {
			log_error("pool %u: %s", p.number, store_complaint());
			break;
		}
		(a->json ? pool_json : pool_text)(&line, &p, versions, bytes);
		buf_add(&line, "\n", 1);
		e = tool_put(&line);
	}
	return e;
}

static void
each_json(struct buf *line, const struct store_move_report *r)
{
	char id[STAMP_TEXT_BYTES];

	json_open(line, NULL);
	json_str(line, "type", r->upload != NULL ? "upload" : "key");
	json_str(line, "bucket", r->bucket);
	json_str(line, "key", r->key);
	if (r->upload != NULL) {
		stamp_text(id, r->upload);
		json_str(line, "upload", id);
	} else {
		json_u64(line, "versions", r->versions);
		json_u64(line, "bytes", r->bytes);
	}
	json_bool(line, "moved", r->err == EC_OK);
	if (r->err != EC_OK)
		json_str(line, "error", err_text(r->err));
	json_close(line);
}

static void
each_text(struct buf *line, const struct store_move_report *r)
{
	char id[STAMP_TEXT_BYTES];

	buf_printf(line, "%s\t%s/", r->upload != NULL ? "upload" :
	    r->err == EC_OK ? "moved" : "left", r->bucket);
	buf_add_escaped(line, r->key);
	if (r->upload != NULL) {
		stamp_text(id, r->upload);
		buf_printf(line, "\t%s not finished", id);
	} else if (r->err == EC_OK) {
		buf_printf(line, "\t%u version%s", r->versions,
		    r->versions == 1 ? "" : "s");
	} else {
		buf_printf(line, "\t%s", err_text(r->err));
	}
}

static void
each(void *ctx, const struct store_move_report *r)
{
	struct job *job = ctx;
	struct buf line = BUF_INIT(LINE_BYTES_MAX);

	if (job->err != EC_OK || (r->err == EC_OK && !job->args->verbose))
		return;
	progress_wipe(&job->progress);
	(job->args->json ? each_json : each_text)(&line, r);
	buf_add(&line, "\n", 1);
	job->err = tool_put(&line);
}

static bool
progress(void *ctx, uint64_t versions, uint64_t bytes)
{
	struct job *job = ctx;

	progress_show(&job->progress, versions, bytes);
	return job->err != EC_OK || interrupted;
}

static enum err
summary(const struct args *a, const struct store_move_result *r, enum err e)
{
	struct buf line = BUF_INIT(LINE_BYTES_MAX);
	char bytes[16];

	if (!a->json) {
		buf_printf(&line, "%s\t%llu keys, %llu versions, %s; %llu "
		    "left, %llu uploads\n", a->dry ? "to move" : "moved",
		    (unsigned long long)r->keys,
		    (unsigned long long)r->versions,
		    num_size_text(bytes, sizeof bytes, r->bytes),
		    (unsigned long long)r->left,
		    (unsigned long long)r->uploads);
		return tool_put(&line);
	}
	json_open(&line, NULL);
	json_str(&line, "type", "summary");
	json_bool(&line, "dry", a->dry);
	json_u64(&line, "keys", r->keys);
	json_u64(&line, "versions", r->versions);
	json_u64(&line, "bytes", r->bytes);
	json_u64(&line, "left", r->left);
	json_u64(&line, "uploads", r->uploads);
	json_u64(&line, "exit", (uint64_t)err_exit(e));
	json_close(&line);
	buf_add(&line, "\n", 1);
	return tool_put(&line);
}

/* Drain pool ${i}, or, ${ps} NULL, rebalance all. */
static enum err
move(struct store *st, unsigned i, const struct pool_status *ps,
    const struct args *a)
{
	struct job job = { .args = a, .err = EC_OK };
	const struct store_move_params p = { .dry = a->dry, .each = each,
		.progress = progress, .ctx = &job };
	struct store_move_result r;
	enum err e, out;
	uint64_t bytes;

	progress_init(&job.progress, "versions", a->quiet || a->json);
	if (job.progress.on && ps != NULL)
		(void)store_move_count(st, i, &job.progress.total, &bytes);
	catch_signals();
	e = ps != NULL ? store_move_drain(st, i, &p, &r) :
	    store_move_rebalance(st, a->percent, &p, &r);
	progress_wipe(&job.progress);
	if (job.err != EC_OK)
		return job.err;
	if (e == EC_ECONFLICT)
		log_error("no other pool takes its objects");
	else if (e == EC_EOWNED)
		log_error("another process moves objects");
	else if (e == EC_EQUORUM)
		log_error("%s", store_complaint());
	if (a->quiet && !a->json)
		return e;
	return (out = summary(a, &r, e)) != EC_OK ? out : e;
}

static enum err
cancel(struct store *st, unsigned i, const struct pool_status *ps)
{
	if (ps->state == POOL_ACTIVE)
		return EC_OK;
	return store_pool_change(st, i, ps->state, POOL_ACTIVE);
}

static enum err
run(struct store *st, const struct args *a)
{
	struct pool_status ps;

	if (a->verb == STATUS)
		return status(st, a);
	if (a->verb == REBALANCE)
		return move(st, 0, NULL, a);
	for (unsigned i = 0; i < store_pools(st); i++) {
		store_pool_status(st, i, &ps);
		if (ps.number == a->pool)
			return a->verb == DRAIN ? move(st, i, &ps, a) :
			    cancel(st, i, &ps);
	}
	log_error("there is no pool %llu", (unsigned long long)a->pool);
	return EC_ENOTFOUND;
}

/* The verb, and the pool it is about, in front of the drives. */
static void
take_verb(struct args *a, int *argc, char ***argv)
{
	for (unsigned i = 0; *argc > 0 && i < sizeof(verbs) / sizeof(verbs[0]);
	    i++)
		if (strcmp((*argv)[0], verbs[i]) == 0) {
			a->verb = (enum verb)i;
			--*argc;
			++*argv;
			break;
		}
	if (a->verb == STATUS || a->verb == REBALANCE)
		return;
	if (*argc < 1 || num_parse(&a->pool, (*argv)[0], 0, UINT16_MAX) !=
	    EC_OK)
		opt_misuse("%s: which pool?  A number, as status has it",
		    verbs[a->verb]);
	--*argc;
	++*argv;
}

int
main(int argc, char *argv[])
{
	struct args a = { .verb = STATUS, .percent = 5 };
	const struct opt opts[] = {
		OPT_LIST('d', "drives", &a.drives, "pattern",
		    "the drives, as /mnt/d{1...4}; may be repeated "
		    "(default: EC_VOLUMES)"),
		OPT_FLAG('n', "dry-run", &a.dry,
		    "change nothing: say what would be moved"),
		OPT_FLAG('j', "json", &a.json, "JSON lines"),
		OPT_UINT('p', "percent", &a.percent, 1, 100, "n",
		    "rebalance: leave pools alone that have no more than so "
		    "much above the mean"),
		OPT_FLAG('q', "quiet", &a.quiet, "no progress, no summary"),
		OPT_FLAG('v', "verbose", &a.verbose,
		    "a line for each key that was moved, too"),
		OPT_END("[status | drain pool | rebalance | cancel pool] "
		    "[drive ...]"),
	};
	struct store *st = NULL;
	bool moves;
	enum err e;

	log_init(argv[0]);
	opt_versions(versions_text);
	opt_parse(opts, &argc, &argv);
	take_verb(&a, &argc, &argv);
	moves = a.verb == DRAIN || a.verb == REBALANCE;
	if (a.dry && !moves)
		opt_misuse("--dry-run goes with drain and rebalance");
	if ((e = tool_open(&st, &a.drives, !moves, argc, argv)) ==
	    EC_OK)
		e = run(st, &a);
	store_close(st);
	free(a.drives.v);
	return err_exit(e);
}
