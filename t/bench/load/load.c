/* load: how fast an S3 endpoint is, and what it spends on it; or two of them
 * side by side.  t/bench/METRICS says what each figure means.
 *
 * Credentials come from EC_ROOT_USER and EC_ROOT_PASSWORD.  Two endpoints run
 * in turn, A B B A, so that what drifts on the machine meets both alike. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/opt.h"
#include "payload.h"
#include "report.h"

enum { CONNECTIONS_MAX = 10000, FILL_CLIENTS = 16 };

struct settings {
	const char *works, *bucket, *json, *plot, *disk, *seconds;
	uint64_t size, part;
	unsigned clients, keys, rounds;
	bool cold;
	struct opt_list pids;
};

struct load {
	const struct settings *s;
	struct target target[REPORT_TARGETS_MAX];
	bool filled[REPORT_TARGETS_MAX];
	unsigned runs;
	double seconds;
	struct report report;
};

/* Leave nothing in the page cache. */
static enum err
make_cold(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	bool good;

	sync();
	good = fd != -1 && write(fd, "3", 1) == 1;
	if (fd != -1)
		close(fd);
	if (!good)
		log_error("drop_caches: %s", strerror(errno));
	return good ? EC_OK : EC_EDENIED;
}

static enum err
make_bucket(const struct plan_params *p, struct target *t)
{
	struct request rq;
	unsigned status;
	enum err e;

	target_now(t);
	plan_bucket(p, t, &rq);
	if ((e = block_one(&rq, t, &status)) != EC_OK ||
	    (status != 200 && status != 409)) {
		log_error("%s: cannot make the bucket (%u)", t->name, status);
		return EC_EIO;
	}
	return EC_OK;
}

static enum err
run_block(struct load *l, const struct plan_params *p, unsigned which,
    struct report_row *row)
{
	const struct block_params bp = { l->s->clients, l->seconds,
		l->s->disk };
	struct target *t = &l->target[which];
	struct plan *plan = NULL;
	struct block *b = mem_array(1, sizeof(*b));
	enum err e = EC_ENOMEM;

	if (b == NULL)
		return e;
	target_now(t);
	if ((e = plan_new(&plan, p, t, (unsigned)getpid() * 1000 +
	    l->runs++)) != EC_OK)
		goto out;
	if (!l->filled[which] || p->work == PLAN_DELETE)
		e = block_fill(plan, t, FILL_CLIENTS);
	l->filled[which] = l->filled[which] || (p->work != PLAN_DELETE &&
	    p->work != PLAN_PUT && p->work != PLAN_MULTIPART);
	if (e == EC_OK && l->s->cold)
		e = make_cold();
	if (e == EC_OK)
		e = block_run(b, plan, t, &bp);
out:
	plan_free(plan);
	if (e != EC_OK) {
		log_error("%s: %s", t->name, err_text(e));
		free(b);
		return e;
	}
	row->of[which].block[row->of[which].n++] = b;
	return EC_OK;
}

static enum err
run_work(struct load *l, enum plan_work work)
{
	const struct settings *s = l->s;
	const struct plan_params p = { work, s->bucket, s->size, s->part,
		s->keys };
	struct report_row *row = &l->report.row[l->report.rows++];
	unsigned n = l->report.targets;
	enum err e = EC_OK;

	*row = (struct report_row){ .work = work, .size = s->size,
		.clients = s->clients };
	for (unsigned round = 0; round < s->rounds && e == EC_OK; round++)
		for (unsigned i = 0; i < n && e == EC_OK; i++)
			e = run_block(l, &p, round % 2 == 0 ? i : n - 1 - i,
			    row);
	if (e == EC_OK)
		report_print(&l->report, row);
	return e;
}

static enum err
run_works(struct load *l)
{
	char *list = strdup(l->s->works), *at = list, *name;
	enum err e = list != NULL ? EC_OK : EC_ENOMEM;

	while (e == EC_OK && (name = strsep(&at, ",")) != NULL) {
		unsigned w = 0;

		while (w < PLAN_WORKS && strcmp(plan_names[w], name) != 0)
			w++;
		if (w == PLAN_WORKS || l->report.rows == REPORT_ROWS_MAX)
			opt_misuse("there is no workload '%s'", name);
		e = run_work(l, w);
	}
	free(list);
	return e;
}

static enum err
write_file(const char *path, const struct report *r, bool json)
{
	FILE *f = path != NULL ? fopen(path, "w") : NULL;
	enum err e = EC_OK;

	if (path == NULL)
		return EC_OK;
	if (f != NULL && json)
		e = report_json(r, f);
	else if (f != NULL)
		report_plot(r, f);
	if (f == NULL || fclose(f) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return EC_EIO;
	}
	return e;
}

static void
load_targets(struct load *l, unsigned n, char *urls[])
{
	const char *key = getenv("EC_ROOT_USER");
	const char *secret = getenv("EC_ROOT_PASSWORD");
	const char *region = getenv("EC_REGION");
	uint64_t pid = 0;

	if (key == NULL || secret == NULL)
		opt_misuse("EC_ROOT_USER and EC_ROOT_PASSWORD are needed");
	if (n < 1 || n > REPORT_TARGETS_MAX)
		opt_misuse("one or two endpoints are needed");
	for (unsigned i = 0; i < n; i++) {
		if (target_init(&l->target[i], urls[i], key, secret,
		    region != NULL ? region : "us-east-1") != EC_OK)
			opt_misuse("not http://ADDRESS:PORT: %s", urls[i]);
		if (i < l->s->pids.len && num_parse(&pid, l->s->pids.v[i], 0,
		    INT32_MAX) != EC_OK)
			opt_misuse("not a process: %s", l->s->pids.v[i]);
		l->target[i].pid = (pid_t)pid;
		l->report.name[i] = l->target[i].name;
		pid = 0;
	}
	l->report.targets = n;
}

static void
check(const struct settings *s, struct load *l)
{
	char *end;

	l->seconds = strtod(s->seconds, &end);
	if (*end != '\0' || !(l->seconds > 0))
		opt_misuse("not a number of seconds: %s", s->seconds);
	if (strstr(s->works, "range") != NULL && s->size < 4096)
		opt_misuse("ranges need objects of 4 KiB or more");
}

int
main(int argc, char *argv[])
{
	struct settings s = { .works = "put,get,head,delete", .size = 4096,
		.part = 16 << 20, .bucket = "load", .clients = 64,
		.keys = 10000, .rounds = 2, .seconds = "2" };
	const struct opt opts[] = {
		OPT_STR('w', "workload", &s.works, "a,b",
		    "put get head range list delete mixed multipart"),
		OPT_SIZE('s', "size", &s.size, 0, UINT64_C(1) << 40, "bytes",
		    "of an object"),
		OPT_SIZE('p', "part", &s.part, 1, UINT64_C(5) << 30, "bytes",
		    "of a part of multipart"),
		OPT_UINT('c', "clients", &s.clients, 1, CONNECTIONS_MAX, "n",
		    "connections, each with one request under way"),
		OPT_STR('t', "seconds", &s.seconds, "n", "of each block"),
		OPT_UINT('k', "keys", &s.keys, 1, 100000000, "n",
		    "that fill the bucket; at most so many new ones a block"),
		OPT_UINT('r', "rounds", &s.rounds, 1, REPORT_BLOCKS_MAX, "n",
		    "blocks of each workload and endpoint"),
		OPT_STR('b', "bucket", &s.bucket, "name", "made if need be"),
		OPT_LIST('P', "pid", &s.pids, "pid",
		    "the process of each endpoint, to watch"),
		OPT_STR('d', "disk", &s.disk, "path",
		    "count the flushes of the disk that this is on"),
		OPT_FLAG(0, "cold", &s.cold,
		    "drop the page cache before each block (root)"),
		OPT_STR(0, "json", &s.json, "file", "a line for each block"),
		OPT_STR(0, "plot", &s.plot, "file", "a picture, as SVG"),
		OPT_END("http://address:port [http://address:port]"),
	};
	const struct rlimit files = { 2 * CONNECTIONS_MAX,
		2 * CONNECTIONS_MAX };
	struct load *l = mem_array(1, sizeof(*l));
	struct plan_params p = { .work = PLAN_PUT };
	enum err e = EC_OK;

	log_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	if (l == NULL)
		return err_exit(EC_ENOMEM);
	l->s = &s;
	opt_parse(opts, &argc, &argv);
	check(&s, l);
	p.bucket = s.bucket;
	load_targets(l, (unsigned)argc, argv);
	setrlimit(RLIMIT_NOFILE, &files);
	e = payload_init(s.size);
	for (unsigned i = 0; i < l->report.targets && e == EC_OK; i++)
		e = make_bucket(&p, &l->target[i]);
	if (e == EC_OK) {
		report_head();
		e = run_works(l);
	}
	if (e == EC_OK && (e = write_file(s.json, &l->report, true)) == EC_OK)
		e = write_file(s.plot, &l->report, false);
	for (unsigned i = 0; i < l->report.rows; i++)
		for (unsigned t = 0; t < l->report.targets; t++)
			for (unsigned k = 0; k < l->report.row[i].of[t].n; k++)
				free(l->report.row[i].of[t].block[k]);
	free(s.pids.v);
	free(l);
	return err_exit(e);
}
