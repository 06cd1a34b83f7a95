/* ec-encode: split a stream into k data and m parity shard files. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/outfile.h"
#include "base/overlap.h"
#include "codec/bitrot.h"
#include "codec/encode.h"
#include "codec/rs.h"
#include "codec/versions.h"

enum { READ_BYTES_MIN = 1024 * 1024, LINE_BYTES = 4096 };

/* One shard's way out. */
struct output {
	char *path;
	struct outfile file;
	int fd;			/* file.fd, or one that was open already */
	enum err err;
};

struct job {
	struct encode_params p;
	unsigned n, live;
	struct output out[RS_SHARDS_MAX];
	struct shard_tail tail;
};

struct args {
	unsigned k, m, quorum;
	uint64_t unit;
	const char *input, *name, *out_fds;
	bool force, json, verbose;
};

/* Parity for a number of shards, when nobody says. */
static unsigned
default_parity(unsigned n)
{
	return n == 1 ? 0 : n <= 3 ? 1 : n <= 5 ? 2 : n <= 7 ? 3 : 4;
}

static void
choose_geometry(struct job *job, const struct args *a, unsigned given)
{
	struct stripe *s = &job->p.stripe;

	s->k = a->k;
	s->m = a->m == UINT_MAX ? 0 : a->m;
	if (given > 0 && a->k == 0 && a->m == UINT_MAX)
		s->m = default_parity(given);
	if (given > 0 && a->k == 0 && given > s->m)
		s->k = given - s->m;
	if (given > 0 && a->k > 0 && a->m == UINT_MAX && given > a->k)
		s->m = given - a->k;
	s->unit = (uint32_t)a->unit;
	if (a->unit % STRIPE_ALIGN != 0)
		opt_misuse("--unit: not a multiple of %u", STRIPE_ALIGN);
	if (s->k == 0 || s->k + s->m > RS_SHARDS_MAX)
		opt_misuse("at least 1 data shard and at most %u shards",
		    RS_SHARDS_MAX);
	job->n = s->k + s->m;
	if (given > 0 && given != job->n)
		opt_misuse("%u+%u shards need %u places, not %u", s->k, s->m,
		    job->n, given);
	job->p.quorum = a->quorum == 0 ? job->n : a->quorum;
	if (job->p.quorum < s->k || job->p.quorum > job->n)
		opt_misuse("--quorum: %u is not in %u .. %u", job->p.quorum,
		    s->k, job->n);
}

/* "3,4,5" to the outputs; their number. */
static unsigned
parse_fds(struct job *job, const char *text, bool force)
{
	unsigned n = 0;
	char one[16];
	uint64_t fd;

	for (const char *p = text; p != NULL; n++) {
		size_t len = strcspn(p, ",");

		if (n == RS_SHARDS_MAX || len >= sizeof(one))
			opt_misuse("--out-fd: %s", text);
		memcpy(one, p, len);
		one[len] = '\0';
		if (num_parse(&fd, one, 0, INT_MAX) != EC_OK ||
		    fcntl((int)fd, F_GETFD) < 0)
			opt_misuse("--out-fd: not an open descriptor: %s",
			    one);
		if (isatty((int)fd) && !force)
			opt_misuse("will not write to a terminal without -f");
		job->out[n].fd = (int)fd;
		if (asprintf(&job->out[n].path, "descriptor %s", one) < 0)
			job->out[n].path = NULL;
		p = p[len] == ',' ? p + len + 1 : NULL;
	}
	return n;
}

/* Is ${path} a folder?  A link to one counts with a slash at its end only. */
static bool
is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What files in folders are called. */
static const char *
base_name(const struct args *a)
{
	const char *slash;

	if (a->name != NULL)
		return a->name;
	if (strcmp(a->input, "-") == 0)
		return "stdin";
	slash = strrchr(a->input, '/');
	return slash == NULL ? a->input : slash + 1;
}

static enum err
name_outputs(struct job *job, const struct args *a, int argc, char *argv[])
{
	for (unsigned i = 0; i < job->n; i++) {
		const char *path = argv[argc == 1 ? 0 : i];
		size_t len = strlen(path);
		struct output *o = &job->out[i];
		int r;

		if (is_dir(path))
			r = asprintf(&o->path, "%s%s%s.%0*u.ec", path,
			    len > 0 && path[len - 1] == '/' ? "" : "/",
			    base_name(a), job->n > 100 ? 3 : 2, i);
		else
			r = asprintf(&o->path, "%s", path);
		if (r < 0) {
			o->path = NULL;
			return EC_ENOMEM;
		}
	}
	return EC_OK;
}

static enum err
open_outputs(struct job *job, bool force)
{
	enum err first = EC_OK;

	for (unsigned i = 0; i < job->n; i++) {
		struct output *o = &job->out[i];

		if (o->fd < 0) {
			o->err = outfile_open(&o->file, o->path, force);
			o->fd = o->file.fd;
		}
		job->live += o->err == EC_OK;
		if (first == EC_OK)
			first = o->err;
	}
	return job->live < job->p.quorum ? first : EC_OK;
}

static enum err
write_output(void *ctx, const void *buf, size_t len)
{
	struct output *o = ctx;

	o->err = io_write_full(o->fd, buf, len);
	if (o->err != EC_OK)
		log_error("%s: %s", o->path, err_text(o->err));
	return o->err;
}

static enum err
open_input(const char *path, int *fd)
{
	*fd = STDIN_FILENO;
	if (strcmp(path, "-") == 0)
		return EC_OK;
	if ((*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) >= 0)
		return EC_OK;
	log_error("%s: %s", path, strerror(errno));
	return err_from_errno(errno);
}

/* What the two threads of encode_input share; each has its own. */
struct flow {
	int fd;
	struct encode *encode;
};

static enum err
read_input(void *ctx, uint8_t *buf, size_t cap, size_t *len)
{
	const struct flow *f = ctx;
	enum err e = io_read_full(f->fd, buf, cap, len);

	if (e != EC_OK)
		log_error("input: %s", err_text(e));
	return e;
}

static enum err
write_stripes(void *ctx, const uint8_t *buf, size_t len)
{
	const struct flow *f = ctx;

	return encode_write(f->encode, buf, len);
}

/* The first error of an output says more than that there are too few. */
static enum err
blame(const struct job *job, enum err e)
{
	for (unsigned i = 0; e == EC_EQUORUM && i < job->n; i++)
		if (job->out[i].err != EC_OK)
			return job->out[i].err;
	return e;
}

static enum err
encode_input(struct job *job, int fd)
{
	struct encode_sink sinks[RS_SHARDS_MAX] = { { NULL, NULL } };
	uint64_t stripe_bytes = (uint64_t)job->p.stripe.k * job->p.stripe.unit;
	struct flow flow = { fd, NULL };
	enum err err;

	for (unsigned i = 0; i < job->n; i++)
		if (job->out[i].err == EC_OK)
			sinks[i] = (struct encode_sink){ write_output,
				&job->out[i] };
	if ((err = encode_new(&flow.encode, &job->p, sinks)) == EC_OK &&
	    (err = overlap_run(num_round_up(READ_BYTES_MIN, stripe_bytes),
	    read_input, write_stripes, &flow)) == EC_OK)
		err = encode_finish(flow.encode, &job->tail);
	encode_free(flow.encode);
	return blame(job, err);
}

/* One step for each file that is still good; below quorum the first error. */
static enum err
each_file(struct job *job, enum err (*step)(struct outfile *o))
{
	job->live = 0;
	for (unsigned i = 0; i < job->n; i++) {
		struct output *o = &job->out[i];

		if (o->err == EC_OK && o->file.dirfd >= 0)
			o->err = step(&o->file);
		job->live += o->err == EC_OK;
	}
	return job->live < job->p.quorum ? blame(job, EC_EQUORUM) : EC_OK;
}

/* All are flushed before the first gets its name. */
static enum err
commit(struct job *job)
{
	enum err e = each_file(job, outfile_sync);

	if (e == EC_OK)
		e = each_file(job, outfile_commit);
	for (unsigned i = 0; e != EC_OK && i < job->n; i++)
		outfile_revoke(&job->out[i].file);
	if (e == EC_OK && job->live < job->n) {
		log_warn("%u of %u shards written", job->live, job->n);
		e = EC_EDEGRADED;
	}
	return e;
}

static enum err
tell(const struct job *job, const struct args *a, enum err e)
{
	char id[UUID_TEXT_BYTES], size[16];
	struct buf line = BUF_INIT(LINE_BYTES);
	uint8_t *room;
	const struct stripe *s = &job->p.stripe;

	uuid_text(id, &job->p.id);
	if (a->verbose)
		fprintf(stderr, "%s: %s: %u+%u, %s in %u shards\n",
		    log_name(), id, s->k, s->m,
		    num_size_text(size, sizeof(size), job->tail.size),
		    job->live);
	if (!a->json)
		return e;
	if (buf_reserve(&line, LINE_BYTES, &room) != EC_OK) {
		log_error("%s", err_text(EC_ENOMEM));
		return EC_ENOMEM;
	}
	json_open(&line, NULL);
	json_str(&line, "type", "summary");
	json_str(&line, "schema", "ec-encode/1");
	json_str(&line, "id", id);
	json_u64(&line, "k", s->k);
	json_u64(&line, "m", s->m);
	json_u64(&line, "unit", s->unit);
	json_u64(&line, "size", job->tail.size);
	json_u64(&line, "shard_file_bytes", shard_file_bytes(s,
	    job->tail.size, &job->tail));
	json_u64(&line, "shards_written", job->live);
	json_u64(&line, "exit", (uint64_t)err_exit(e));
	json_close(&line);
	if (fputs(buf_str(&line), stdout) < 0 || fputc('\n', stdout) < 0 ||
	    fflush(stdout) != 0) {
		log_error("standard output: %s", strerror(errno));
		e = EC_EIO;
	}
	buf_release(&line);
	return e;
}

static enum err
run(struct job *job, const struct args *a, int argc, char *argv[])
{
	int fd = -1;
	enum err e;

	if ((e = open_input(a->input, &fd)) != EC_OK)
		return e;
	if (a->out_fds == NULL)
		e = name_outputs(job, a, argc, argv);
	if (e == EC_OK)
		e = open_outputs(job, a->force);
	if (e == EC_OK)
		e = encode_input(job, fd);
	if (e == EC_OK)
		e = commit(job);
	if (e == EC_ENOMEM)
		log_error("%s", err_text(e));
	if (e == EC_OK || e == EC_EDEGRADED)
		e = tell(job, a, e);
	return e;
}

int
main(int argc, char *argv[])
{
	struct args a = { .m = UINT_MAX, .unit = STRIPE_UNIT_DEFAULT,
		.input = "-" };
	const struct opt opts[] = {
		OPT_UINT('k', "data", &a.k, 1, 255, "n", "data shards"),
		OPT_UINT('m', "parity", &a.m, 0, 254, "n", "parity shards"),
		OPT_SIZE('u', "unit", &a.unit, STRIPE_UNIT_MIN,
		    STRIPE_UNIT_MAX, "size", "bytes of a shard per stripe"),
		OPT_STR('i', "input", &a.input, "file", "what to encode"),
		OPT_STR('n', "name", &a.name, "name",
		    "first part of file names in folders"),
		OPT_STR(0, "out-fd", &a.out_fds, "n,...",
		    "write to open descriptors"),
		OPT_UINT(0, "quorum", &a.quorum, 1, 255, "n",
		    "shards that must be written; 0: all"),
		OPT_FLAG('f', "force", &a.force, "replace existing files"),
		OPT_FLAG(0, "json", &a.json, "print a summary"),
		OPT_FLAG('v', "verbose", &a.verbose, "say what was done"),
		OPT_END("shard ... | directory ..."),
	};
	static struct job job = { .tail = { .bucket = "", .key = "" } };
	bool one_dir;
	enum err e;

	log_init(argv[0]);
	opt_versions(versions_text);
	opt_parse(opts, &argc, &argv);
	for (unsigned i = 0; i < RS_SHARDS_MAX; i++) {
		job.out[i].file = (struct outfile)OUTFILE_INIT;
		job.out[i].fd = -1;
	}
	if (a.out_fds != NULL && argc > 0)
		opt_misuse("--out-fd and shard files");
	if (a.out_fds == NULL && argc == 0)
		opt_misuse("no shard files named");
	one_dir = argc == 1 && a.k > 0 && a.m != UINT_MAX && is_dir(argv[0]);
	choose_geometry(&job, &a, a.out_fds != NULL ?
	    parse_fds(&job, a.out_fds, a.force) : one_dir ? 0 :
	    (unsigned)argc);
	if (!bitrot_self_test()) {
		log_error("self-test failed: this CPU computes wrong sums");
		return err_exit(EC_EFAILED);
	}
	job.p.id = uuid_new();
	job.p.part = 1;
	outfile_on_signals();
	if (a.out_fds != NULL)
		(void)signal(SIGPIPE, SIG_IGN);	/* an error of one output */
	e = run(&job, &a, argc, argv);
	for (unsigned i = 0; i < RS_SHARDS_MAX; i++) {
		outfile_release(&job.out[i].file);
		free(job.out[i].path);
	}
	return err_exit(e);
}
