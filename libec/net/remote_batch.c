/* remote_batch: appends to drives of one peer, and queries of them, in one
 * request, whose answer comes in pieces, one for each. */
#include "net/drive_service.h"
#include "net/remote_impl.h"
#include "net/wire.h"

struct batch {
	const struct drive_job *jobs;
	unsigned sent[WIRE_PARTS_MAX];	/* the job of each part */
	unsigned n;			/* parts */
	bool ended[DRIVE_JOBS_MAX];
	drive_job_done *done;
	void *ctx;
};

static enum err
encode(struct buf *out, const struct drive_job *job)
{
	const struct wire_part p = {
		.drive = ((const struct remote *)job->d)->uuid,
		.op = job->q != NULL ? WIRE_PART_QUERY : WIRE_PART_APPEND };
	size_t from = out->len;
	enum err e;

	if ((e = wire_asked_begin(out, &p)) == EC_OK)
		e = job->q != NULL ? wire_query_encode(out, job->q) :
		    wire_append_encode(out, job->a, job->n);
	if (e == EC_OK)
		wire_asked_end(out, from);
	else
		out->len = from;
	return e;
}

static enum err
decode(const struct drive_job *job, const struct wire_part *p)
{
	if (p->err != EC_OK)
		return p->err;
	return job->q != NULL ?
	    wire_records_decode(job->out, p->message, p->len) :
	    wire_results_decode(job->a, job->n, p->message, p->len);
}

static void
end(struct batch *b, unsigned i, enum err e, bool more)
{
	b->ended[i] = true;
	b->done(b->ctx, i, e, more);
}

static enum err
take(void *ctx, const uint8_t *piece, size_t len, bool more)
{
	struct batch *b = ctx;
	struct wire_part p;
	enum err e;

	if ((e = wire_said_decode(&p, piece, len)) != EC_OK)
		return e;
	if (p.number >= b->n || b->ended[b->sent[p.number]])
		return EC_ECORRUPT;
	e = decode(&b->jobs[b->sent[p.number]], &p);
	end(b, b->sent[p.number], e, more);
	return EC_OK;
}

/* Of a drive that has not ended: nothing holds those that have. */
static struct peer *
peer_of(const struct batch *b)
{
	return ((const struct remote *)b->jobs[b->sent[0]].d)->peer;
}

/* Ask what was encoded; whatever has no answer then has ended with an error. */
static void
ask(struct batch *b, const struct buf *body)
{
	struct http_call call = { .method = "POST", .headers = remote_headers,
		.path = DRIVE_SERVICE_PATH "batch", .body = body->data,
		.body_len = body->len, .timeout_ms = REMOTE_CALL_MS };
	enum err e = EC_OK;

	if (b->n > 0)
		e = remote_outcome(&call, peer_pieces(peer_of(b), &call,
		    WIRE_MESSAGE_MAX, take, b));
	for (unsigned i = 0; i < b->n; i++)
		if (!b->ended[b->sent[i]])
			end(b, b->sent[i], e == EC_OK ? EC_EIO : e, false);
}

void
remote_together(const struct drive_job jobs[], unsigned n,
    drive_job_done *done, void *ctx)
{
	struct batch b = { .jobs = jobs, .done = done, .ctx = ctx };
	struct buf body = BUF_INIT(WIRE_BATCH_MAX);
	unsigned i = 0;
	enum err e;

	while (i < n) {
		b.n = 0;
		body.len = 0;
		for (; i < n && body.len < WIRE_BATCH_FULL; i++) {
			if ((e = encode(&body, &jobs[i])) == EC_OK)
				b.sent[b.n++] = i;
			else
				end(&b, i, e, false);
		}
		ask(&b, &body);
	}
	buf_release(&body);
}

static void
one_done(void *ctx, unsigned i, enum err e, bool more)
{
	enum err *result = ctx;

	(void)i;
	(void)more;
	*result = e;
}

enum err
remote_append(struct drive *d, struct drive_append *a, unsigned n)
{
	const struct drive_job job = { .d = d, .a = a, .n = n };
	enum err e = EC_EIO;

	remote_together(&job, 1, one_done, &e);
	return e;
}

enum err
remote_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out)
{
	const struct drive_job job = { .d = d, .q = q, .out = out };
	enum err e = EC_EIO;

	remote_together(&job, 1, one_done, &e);
	return e;
}
