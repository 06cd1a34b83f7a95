/* The operations of a drive that are one job each. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "net/drive_service_impl.h"

struct service_job *
service_job_new(void)
{
	struct service_job *j;

	if ((j = calloc(1, sizeof(*j))) != NULL)
		j->records = (struct drive_records)DRIVE_RECORDS_INIT;
	return j;
}

void
service_job_drop(void *arg)
{
	struct service_job *j = arg;

	if (j == NULL)
		return;
	buf_release(&j->records.buf);
	if (j->pool != NULL)
		mem_pool_put(j->pool, j->bytes);
	else
		free(j->bytes);
	free(j->shards);
	free(j);
}

enum err
service_run(struct lane *l, lane_run *run, struct service_job *job,
    struct lane_call **call)
{
	struct gather *g = NULL;
	enum err e, result;

	*call = NULL;
	if ((e = gather_new(&g)) != EC_OK) {
		service_job_drop(job);
		return e;
	}
	if ((e = lane_start(l, g, run, service_job_drop, job, call)) != EC_OK)
		goto out;
	gather_wait(g, 1, clock_mono_us() + SERVICE_WAIT_MS * 1000ull);
	e = lane_call_done(*call, &result) ? result : EC_ETIMEDOUT;
out:
	gather_free(g);
	return e;
}

static enum err
run_size(struct drive *d, void *arg)
{
	struct service_job *j = arg;
	struct drive_reader *r;
	uint64_t bytes;
	enum err e;

	if ((e = d->ops->shard_open(d, &j->data, j->index, &r, &bytes)) !=
	    EC_OK)
		return e;
	j->numbers[0] = bytes;
	j->len = (size_t)num_min(j->len, bytes);
	/* An end that cannot be read is told to who reads it for itself. */
	if (j->len > 0 && ((j->bytes = malloc(j->len)) == NULL ||
	    d->ops->shard_pread(r, j->bytes, j->len, bytes - j->len) != EC_OK))
		j->len = 0;
	d->ops->shard_close(r);
	return EC_OK;
}

static enum err
run_remove(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->shard_remove(d, &j->data, j->index);
}

static enum err
run_list(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	if ((j->shards = calloc(j->max, sizeof(*j->shards))) == NULL)
		return EC_ENOMEM;
	return d->ops->shard_list(d, &j->after, j->shards, j->max, &j->n);
}

static enum err
run_kept_list(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	if ((j->shards = calloc(j->max, sizeof(*j->shards))) == NULL)
		return EC_ENOMEM;
	return d->ops->kept_list(d, &j->after, j->shards, j->max, &j->n);
}

static struct drive_shard_info
kept(const struct service_job *j)
{
	return (struct drive_shard_info){ .data = j->data, .index = j->index,
		.mtime_us = j->numbers[0] };
}

static enum err
run_kept_read(struct drive *d, void *arg)
{
	struct service_job *j = arg;
	const struct drive_shard_info which = kept(j);

	j->len = (size_t)j->numbers[2];
	if ((j->bytes = malloc(j->len)) == NULL)
		return EC_ENOMEM;
	return d->ops->kept_read(d, &which, j->bytes, j->len, j->numbers[1]);
}

static enum err
run_kept_restore(struct drive *d, void *arg)
{
	const struct drive_shard_info which = kept(arg);

	return d->ops->kept_restore(d, &which);
}

static enum err
run_kept_purge(struct drive *d, void *arg)
{
	const struct drive_shard_info which = kept(arg);

	return d->ops->kept_purge(d, &which);
}

static enum err
run_probe(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->probe(d, &j->format);
}

static enum err
run_reformat(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->reformat(d, &j->format);
}

static enum err
run_space(struct drive *d, void *arg)
{
	struct service_job *j = arg;
	struct drive_space space = { 0, 0 };
	enum err e = d->ops->space(d, &space);

	j->numbers[0] = space.total;
	j->numbers[1] = space.free;
	return e;
}

static enum err
run_stats(struct drive *d, void *arg)
{
	struct service_job *j = arg;
	struct drive_stats s = { 0 };
	enum err e = d->ops->stats(d, &s);

	j->numbers[0] = s.appends;
	j->numbers[1] = s.append_bytes;
	j->numbers[2] = s.flushes;
	j->numbers[3] = s.shard_bytes_written;
	j->numbers[4] = s.shard_bytes_read;
	j->numbers[5] = s.shard_flushes;
	j->numbers[6] = s.journal_damaged;
	j->numbers[7] = s.kept_files;
	j->numbers[8] = s.kept_bytes;
	return e;
}

static enum err
run_maintain(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->maintain(d, (unsigned)j->numbers[0],
	    (unsigned)j->numbers[1], &j->numbers[0]);
}

static enum err
run_note_put(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->note_put(d, j->note, j->bytes, j->len);
}

static enum err
run_note_get(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->note_get(d, j->note, &j->records.buf);
}

static enum err
take_list(struct service_job *j, const struct buf *in)
{
	return wire_list_decode(&j->after, &j->max, in->data, in->len);
}

static enum err
take_kept(struct service_job *j, const struct buf *in)
{
	return wire_numbers_decode(j->numbers, 3, in->data, in->len);
}

static enum err
take_kept_read(struct service_job *j, const struct buf *in)
{
	enum err e = take_kept(j, in);

	return e == EC_OK && (j->numbers[2] == 0 ||
	    j->numbers[2] > WIRE_READ_MAX) ? EC_ECORRUPT : e;
}

static enum err
take_format(struct service_job *j, const struct buf *in)
{
	return format_decode(&j->format, buf_str(in), in->len);
}

static enum err
take_maintain(struct service_job *j, const struct buf *in)
{
	enum err e = wire_numbers_decode(j->numbers, 2, in->data, in->len);

	return e == EC_OK && (j->numbers[0] > SERVICE_WAIT_MS ||
	    j->numbers[1] > UINT32_MAX) ? EC_ECORRUPT : e;
}

/* A name, NUL, and the text if there is one. */
static enum err
take_note(struct service_job *j, const struct buf *in)
{
	size_t name = in->len > 0 ? strnlen((const char *)in->data, in->len) :
	    0;

	if (name > DRIVE_NOTE_NAME_MAX || name >= in->len)
		return EC_EINVAL;
	memcpy(j->note, in->data, name + 1);
	j->len = in->len - name - 1;
	if ((j->bytes = malloc(j->len + 1)) == NULL)
		return EC_ENOMEM;
	memcpy(j->bytes, in->data + name + 1, j->len);
	return EC_OK;
}

static enum err
give_note(const struct service_job *j, struct buf *out)
{
	return buf_add(out, j->records.buf.data, j->records.buf.len);
}

static enum err
give_shards(const struct service_job *j, struct buf *out)
{
	return wire_shards_encode(out, j->shards, j->n);
}

static enum err
give_bytes(const struct service_job *j, struct buf *out)
{
	return buf_add(out, j->bytes, j->len);
}

static enum err
give_format(const struct service_job *j, struct buf *out)
{
	char text[FORMAT_TEXT_MAX];
	enum err e;

	if ((e = format_encode(text, sizeof(text), &j->format)) != EC_OK)
		return e;
	return buf_add_str(out, text);
}

static enum err
give_one(const struct service_job *j, struct buf *out)
{
	return wire_numbers_encode(out, j->numbers, 1);
}

static enum err
give_size(const struct service_job *j, struct buf *out)
{
	enum err e = give_one(j, out);

	return e == EC_OK ? buf_add(out, j->bytes, j->len) : e;
}

static enum err
give_space(const struct service_job *j, struct buf *out)
{
	return wire_numbers_encode(out, j->numbers, 2);
}

static enum err
give_stats(const struct service_job *j, struct buf *out)
{
	return wire_numbers_encode(out, j->numbers, 9);
}

/* Operations that are one job: what the body gives it, what runs, and what of
 * it is answered. */
static const struct op {
	const char *method, *name;
	bool shard;			/* acts on one shard file */
	enum err (*take)(struct service_job *j, const struct buf *in);
	lane_run *run;
	enum err (*give)(const struct service_job *j, struct buf *out);
} ops[] = {
	{ "GET", "size", true, NULL, run_size, give_size },
	{ "DELETE", "shard", true, NULL, run_remove, NULL },
	{ "POST", "list", false, take_list, run_list, give_shards },
	{ "POST", "kept", false, take_list, run_kept_list, give_shards },
	{ "POST", "kept", true, take_kept_read, run_kept_read, give_bytes },
	{ "PUT", "kept", true, take_kept, run_kept_restore, NULL },
	{ "DELETE", "kept", true, take_kept, run_kept_purge, NULL },
	{ "GET", "format", false, NULL, run_probe, give_format },
	{ "PUT", "format", false, take_format, run_reformat, NULL },
	{ "GET", "space", false, NULL, run_space, give_space },
	{ "GET", "stats", false, NULL, run_stats, give_stats },
	{ "POST", "maintain", false, take_maintain, run_maintain, give_one },
	{ "PUT", "note", false, take_note, run_note_put, NULL },
	{ "POST", "note", false, take_note, run_note_get, give_note },
};

static void
serve_op(struct peer_request *r, struct lane *l, const struct op *op,
    const struct service_target *t)
{
	struct buf out = BUF_INIT(WIRE_MESSAGE_MAX);
	struct service_job *j = service_job_new();
	struct lane_call *call = NULL;
	enum err e = EC_ENOMEM;

	if (j == NULL)
		goto out;
	j->data = t->data;
	j->index = t->index;
	j->len = (size_t)num_min(t->bytes, WIRE_END_MAX);
	if (op->take != NULL && (e = op->take(j, &r->body)) != EC_OK)
		goto out;
	e = service_run(l, op->run, j, &call);
	if (e == EC_OK && op->give != NULL)
		e = op->give(j, &out);
	j = NULL;			/* the call's */
out:
	if (e == EC_OK)
		peer_request_answer(r, 200, out.data, out.len);
	else
		service_refuse(r, e);
	lane_call_put(call);
	service_job_drop(j);
	buf_release(&out);
}

bool
service_op(struct peer_request *r, struct lane *l,
    const struct service_target *t)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].name, t->op) == 0 &&
		    strcmp(ops[i].method, http_method(r->x)) == 0 &&
		    ops[i].shard == t->shard) {
			serve_op(r, l, &ops[i], t);
			return true;
		}
	return false;
}
