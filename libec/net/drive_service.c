/* A request names a drive and an operation; its arguments become a job, which
 * runs on the drive's lane.  A lane in use is counted, so that it is removed
 * only when no request is left on it. */
#include "net/drive_service.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "net/drive_service_impl.h"

struct served {
	struct uuid id;
	struct lane *lane;
	unsigned users;
};

struct drive_service {
	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t unused;		/* some users went to 0 */
	struct served drives[DRIVE_SERVICE_DRIVES_MAX];
	unsigned count;
};

/* A request's target, taken apart. */
struct target {
	struct uuid drive;
	char op[16];
	struct uuid data;
	unsigned index;
	uint64_t bytes;
	bool shard;			/* data and index are there */
};

enum err
drive_service_new(struct drive_service **out)
{
	struct drive_service *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->unused, NULL);
	*out = s;
	return EC_OK;
}

void
drive_service_free(struct drive_service *s)
{
	if (s == NULL)
		return;
	pthread_cond_destroy(&s->unused);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Called with the lock; its place moves when another is removed. */
static struct served *
find(struct drive_service *s, const struct uuid *id)
{
	for (unsigned i = 0; i < s->count; i++)
		if (uuid_equal(&s->drives[i].id, id))
			return &s->drives[i];
	return NULL;
}

enum err
drive_service_add(struct drive_service *s, const struct uuid *id,
    struct lane *lane)
{
	enum err e = EC_OK;

	pthread_mutex_lock(&s->lock);
	if (find(s, id) != NULL)
		e = EC_EEXIST;
	else if (s->count == DRIVE_SERVICE_DRIVES_MAX)
		e = EC_ELIMIT;
	else
		s->drives[s->count++] = (struct served){ *id, lane, 0 };
	pthread_mutex_unlock(&s->lock);
	return e;
}

void
drive_service_remove(struct drive_service *s, const struct uuid *id)
{
	struct served *d;

	pthread_mutex_lock(&s->lock);
	if ((d = find(s, id)) != NULL)
		d->lane = NULL;		/* nobody new */
	while ((d = find(s, id)) != NULL && d->users > 0)
		pthread_cond_wait(&s->unused, &s->lock);
	if (d != NULL)
		*d = s->drives[--s->count];
	pthread_mutex_unlock(&s->lock);
}

static struct lane *
use_lane(struct drive_service *s, const struct uuid *id)
{
	struct lane *l = NULL;
	struct served *d;

	pthread_mutex_lock(&s->lock);
	if ((d = find(s, id)) != NULL && (l = d->lane) != NULL)
		d->users++;
	pthread_mutex_unlock(&s->lock);
	return l;
}

static void
unuse_lane(struct drive_service *s, const struct uuid *id)
{
	struct served *d;

	pthread_mutex_lock(&s->lock);
	if ((d = find(s, id)) != NULL && --d->users == 0)
		pthread_cond_broadcast(&s->unused);
	pthread_mutex_unlock(&s->lock);
}

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

void
service_refuse(struct http_exchange *x, enum err e)
{
	int status = err_http(e) < 400 ? 500 : err_http(e);
	char text[WIRE_CODE_BYTES + 2];

	snprintf(text, sizeof(text), "%s\n", err_name(e));
	http_answer(x, (unsigned)status, text, strlen(text));
}

/* The whole body.  Its buffer grows with what arrives, not with what is
 * announced. */
static enum err
read_message(struct http_exchange *x, struct buf *b)
{
	uint8_t *to;
	size_t got;
	enum err e;

	do {
		if ((e = buf_reserve(b, SERVICE_PIECE_BYTES, &to)) != EC_OK)
			return e;
		if ((e = http_read(x, to, SERVICE_PIECE_BYTES, &got)) != EC_OK)
			return e;
		b->len += got;
	} while (got > 0);
	return EC_OK;
}

static enum err
run_query(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->query(d, &j->query.q, &j->records);
}

static enum err
run_size(struct drive *d, void *arg)
{
	struct service_job *j = arg;
	struct drive_reader *r;
	enum err e;

	if ((e = d->ops->shard_open(d, &j->data, j->index, &r,
	    &j->numbers[0])) == EC_OK)
		d->ops->shard_close(r);
	return e;
}

static enum err
run_remove(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->shard_remove(d, &j->data, j->index);
}

static enum err
run_quarantine(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->shard_quarantine(d, &j->data, j->index);
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
take_query(struct service_job *j, const struct buf *in)
{
	return wire_query_decode(&j->query, in->data, in->len);
}

static enum err
take_list(struct service_job *j, const struct buf *in)
{
	return wire_list_decode(&j->after, &j->max, in->data, in->len);
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

static enum err
give_records(const struct service_job *j, struct buf *out)
{
	return wire_records_encode(out, &j->records);
}

static enum err
give_shards(const struct service_job *j, struct buf *out)
{
	return wire_shards_encode(out, j->shards, j->n);
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
give_space(const struct service_job *j, struct buf *out)
{
	return wire_numbers_encode(out, j->numbers, 2);
}

static enum err
give_stats(const struct service_job *j, struct buf *out)
{
	return wire_numbers_encode(out, j->numbers, 6);
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
	{ "POST", "query", false, take_query, run_query, give_records },
	{ "GET", "size", true, NULL, run_size, give_one },
	{ "DELETE", "shard", true, NULL, run_remove, NULL },
	{ "POST", "quarantine", true, NULL, run_quarantine, NULL },
	{ "POST", "list", false, take_list, run_list, give_shards },
	{ "GET", "format", false, NULL, run_probe, give_format },
	{ "PUT", "format", false, take_format, run_reformat, NULL },
	{ "GET", "space", false, NULL, run_space, give_space },
	{ "GET", "stats", false, NULL, run_stats, give_stats },
	{ "POST", "maintain", false, take_maintain, run_maintain, give_one },
};

static void
serve_op(struct http_exchange *x, struct lane *l, const struct op *op,
    const struct target *t)
{
	struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(WIRE_MESSAGE_MAX);
	struct service_job *j = service_job_new();
	struct lane_call *call = NULL;
	enum err e = EC_ENOMEM;

	if (j == NULL || (e = read_message(x, &in)) != EC_OK)
		goto out;
	j->data = t->data;
	j->index = t->index;
	if (op->take != NULL && (e = op->take(j, &in)) != EC_OK)
		goto out;
	e = service_run(l, op->run, j, &call);
	if (e == EC_OK && op->give != NULL)
		e = op->give(j, &out);
	j = NULL;			/* the call's */
out:
	if (e == EC_OK)
		http_answer(x, 200, out.data, out.len);
	else
		service_refuse(x, e);
	lane_call_put(call);
	service_job_drop(j);
	buf_release(&in);
	buf_release(&out);
}

static enum err
append(struct lane *l, const struct buf *in, struct buf *out)
{
	struct drive_append a[WIRE_APPENDS_MAX];
	const struct drive_append *done;
	struct lane_call *call = NULL;
	struct gather *g = NULL;
	enum err e, result;
	unsigned n;

	if ((e = wire_append_decode(a, &n, in->data, in->len)) != EC_OK ||
	    (e = gather_new(&g)) != EC_OK ||
	    (e = lane_append(l, g, a, n, &call)) != EC_OK)
		goto out;
	gather_wait(g, 1, clock_mono_us() + SERVICE_WAIT_MS * 1000ull);
	e = lane_call_done(call, &result) ? result : EC_ETIMEDOUT;
	if (e != EC_OK)
		goto out;
	done = lane_call_appends(call, &n);
	e = wire_results_encode(out, done, n);
out:
	lane_call_put(call);
	gather_free(g);
	return e;
}

static void
serve_append(struct http_exchange *x, struct lane *l)
{
	struct buf in = BUF_INIT(WIRE_MESSAGE_MAX);
	struct buf out = BUF_INIT(WIRE_MESSAGE_MAX);
	enum err e;

	if ((e = read_message(x, &in)) == EC_OK)
		e = append(l, &in, &out);
	if (e == EC_OK)
		http_answer(x, 200, out.data, out.len);
	else
		service_refuse(x, e);
	buf_release(&in);
	buf_release(&out);
}

/* DATA-INDEX[?bytes=N] */
static enum err
parse_shard(struct target *out, const char *s)
{
	char id[UUID_TEXT_BYTES], number[24];
	size_t len = strcspn(s + UUID_TEXT_BYTES, "?");
	uint64_t index;

	memcpy(id, s, UUID_TEXT_BYTES - 1);
	id[UUID_TEXT_BYTES - 1] = '\0';
	if (s[UUID_TEXT_BYTES - 1] != '-' || len >= sizeof(number))
		return EC_EINVAL;
	memcpy(number, s + UUID_TEXT_BYTES, len);
	number[len] = '\0';
	if (uuid_parse(&out->data, id) != EC_OK ||
	    num_parse(&index, number, 0, 255) != EC_OK)
		return EC_EINVAL;
	out->index = (unsigned)index;
	out->shard = true;
	s += UUID_TEXT_BYTES + len;
	if (*s == '\0')
		return EC_OK;
	return strncmp(s, "?bytes=", 7) != 0 ? EC_EINVAL :
	    num_parse(&out->bytes, s + 7, 0, INT64_MAX);
}

/* /.ec/drive/ID/OP[/SHARD] */
static enum err
parse_target(struct target *out, const char *s)
{
	const size_t prefix = strlen(DRIVE_SERVICE_PATH);
	char id[UUID_TEXT_BYTES];
	size_t len;

	memset(out, 0, sizeof(*out));
	if (strncmp(s, DRIVE_SERVICE_PATH, prefix) != 0 ||
	    strlen(s += prefix) < UUID_TEXT_BYTES)
		return EC_EINVAL;
	memcpy(id, s, UUID_TEXT_BYTES - 1);
	id[UUID_TEXT_BYTES - 1] = '\0';
	s += UUID_TEXT_BYTES - 1;
	len = strcspn(s + 1, "/");
	if (*s != '/' || uuid_parse(&out->drive, id) != EC_OK ||
	    len >= sizeof(out->op))
		return EC_EINVAL;
	memcpy(out->op, s + 1, len);
	s += 1 + len;
	if (*s == '\0')
		return EC_OK;
	return strlen(s + 1) < UUID_TEXT_BYTES ? EC_EINVAL :
	    parse_shard(out, s + 1);
}

static void
dispatch(struct http_exchange *x, struct lane *l, const struct target *t)
{
	const char *method = http_method(x);

	if (strcmp(t->op, "append") == 0 && strcmp(method, "POST") == 0) {
		serve_append(x, l);
		return;
	}
	if (strcmp(t->op, "shard") == 0 && t->shard) {
		if (strcmp(method, "PUT") == 0) {
			service_shard_put(x, l, &t->data, t->index, t->bytes);
			return;
		}
		if (strcmp(method, "GET") == 0) {
			service_shard_get(x, l, &t->data, t->index);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].name, t->op) == 0 &&
		    strcmp(ops[i].method, method) == 0 &&
		    ops[i].shard == t->shard) {
			serve_op(x, l, &ops[i], t);
			return;
		}
	service_refuse(x, EC_ENOTIMPL);
}

static void
handle(void *ctx, struct http_exchange *x)
{
	struct drive_service *s = ctx;
	const char *version = http_header(x, "Ec-Wire");
	struct target t;
	struct lane *l;

	if (version == NULL || strcmp(version, "1") != 0) {
		service_refuse(x, EC_EFORMAT);
		return;
	}
	if (parse_target(&t, http_target(x)) != EC_OK) {
		service_refuse(x, EC_EINVAL);
		return;
	}
	if ((l = use_lane(s, &t.drive)) == NULL) {
		service_refuse(x, EC_EOFFLINE);
		return;
	}
	dispatch(x, l, &t);
	unuse_lane(s, &t.drive);
}

void
drive_service_http(struct drive_service *s, struct http_service *out)
{
	*out = (struct http_service){ .ctx = s, .handle = handle };
}
