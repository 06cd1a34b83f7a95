/* ec-encode: split a stream into k data and m parity shard files. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
#include "codec/outputs.h"
#include "codec/versions.h"

enum { READ_BYTES_MIN = 1024 * 1024, LINE_BYTES = 4096 };

struct job {
	struct encode_params p;
	struct outputs out;
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
	unsigned n;

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
	n = s->k + s->m;
	if (given > 0 && given != n)
		opt_misuse("%u+%u shards need %u places, not %u", s->k, s->m,
		    n, given);
	job->p.quorum = a->quorum == 0 ? n : a->quorum;
	if (job->p.quorum < s->k || job->p.quorum > n)
		opt_misuse("--quorum: %u is not in %u .. %u", job->p.quorum,
		    s->k, n);
	job->out.n = n;
	job->out.quorum = job->p.quorum;
}

/* "3,4,5" to the outputs; their number. */
static unsigned
parse_fds(struct job *job, const struct args *a)
{
	const char *text = a->out_fds;
	unsigned n = 0;
	char one[16];
	uint64_t fd;
	enum err e;

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
		if (fd == STDOUT_FILENO && a->json)
			opt_misuse("--json and a shard on standard output");
		if (isatty((int)fd) && !a->force)
			opt_misuse("will not write to a terminal without -f");
		e = outputs_take_fd(&job->out, n, (int)fd);
		if (e != EC_OK)
			opt_misuse("--out-fd: %s: %s", one, err_text(e));
		p = p[len] == ',' ? p + len + 1 : NULL;
	}
	return n;
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

static enum err
encode_input(struct job *job, int fd)
{
	struct encode_sink sinks[RS_SHARDS_MAX] = { { NULL, NULL } };
	uint64_t stripe_bytes = (uint64_t)job->p.stripe.k * job->p.stripe.unit;
	struct flow flow = { fd, NULL };
	enum err err;

	outputs_sinks(&job->out, sinks);
	if ((err = encode_new(&flow.encode, &job->p, sinks)) == EC_OK &&
	    (err = overlap_run(num_round_up(READ_BYTES_MIN, stripe_bytes),
	    read_input, write_stripes, &flow)) == EC_OK)
		err = encode_finish(flow.encode, &job->tail);
	encode_free(flow.encode);
	return outputs_blame(&job->out, err);
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
		    job->out.live);
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
	json_u64(&line, "shards_written", job->out.live);
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
		e = outputs_name(&job->out, argv, (unsigned)argc,
		    base_name(a));
	if (e == EC_OK)
		e = outputs_open(&job->out, a->force);
	if (e == EC_OK)
		e = encode_input(job, fd);
	if (e == EC_OK)
		e = outputs_commit(&job->out);
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
	outputs_init(&job.out);
	if (a.out_fds != NULL && argc > 0)
		opt_misuse("--out-fd and shard files");
	if (a.out_fds == NULL && argc == 0)
		opt_misuse("no shard files named");
	one_dir = argc == 1 && a.k > 0 && a.m != UINT_MAX &&
	    outputs_is_dir(argv[0]);
	choose_geometry(&job, &a, a.out_fds != NULL ?
	    parse_fds(&job, &a) : one_dir ? 0 :
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
	outputs_release(&job.out);
	return err_exit(e);
}
