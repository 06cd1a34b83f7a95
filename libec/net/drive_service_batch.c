/* Appends to drives of this process, and queries of them, asked together: each
 * is answered by a piece of its own.  Those done soon go in one; a drive that
 * is late holds up no other. */
#include <stdlib.h>

#include "base/clock.h"
#include "net/drive_service_impl.h"

enum { SOON_MS = 3 };

struct part {
	struct uuid drive;
	struct lane *lane;		/* NULL: it is not ours */
	struct service_job *job;	/* a query's, if it has no call */
	struct lane_call *call;
	enum err err;			/* without a call */
	bool query, said;
};

struct batch {
	unsigned n, left;		/* not said yet */
	struct part parts[WIRE_PARTS_MAX];
	struct lane_task tasks[WIRE_PARTS_MAX];	/* of queries, at their place */
	struct gather *g;
};

static enum err
run_query(struct drive *d, void *arg)
{
	struct service_job *j = arg;

	return d->ops->query(d, &j->query.q, &j->records);
}

static enum err
begin_append(struct part *p, struct lane_post *post, struct gather *g,
    const struct wire_part *asked)
{
	struct drive_append a[WIRE_APPENDS_MAX];
	unsigned n;
	enum err e;

	if ((e = wire_append_decode(a, &n, asked->message, asked->len)) !=
	    EC_OK)
		return e;
	return lane_append_post(post, p->lane, g, a, n, &p->call);
}

static enum err
begin_query(struct part *p, struct lane_task *t, const struct wire_part *asked)
{
	struct service_job *j;
	enum err e;

	if ((j = service_job_new()) == NULL)
		return EC_ENOMEM;
	if ((e = wire_query_decode(&j->query, asked->message, asked->len)) !=
	    EC_OK) {
		service_job_drop(j);
		return e;
	}
	*t = (struct lane_task){ .lane = p->lane, .run = run_query,
		.drop = service_job_drop, .arg = j };
	return EC_OK;
}

/* Errors: of the whole batch. */
static enum err
begin(struct batch *b, struct drive_service *s, const struct buf *in)
{
	struct lane_post post = { .n = 0 };
	struct wire_part asked;
	size_t pos = 0;
	enum err e;

	while ((e = wire_asked_next(&asked, in->data, in->len, &pos)) ==
	    EC_OK && b->n < WIRE_PARTS_MAX) {
		struct part *p = &b->parts[b->n];

		p->drive = asked.drive;
		p->query = asked.op == WIRE_PART_QUERY;
		if ((p->lane = service_use_lane(s, &p->drive)) == NULL)
			p->err = EC_EOFFLINE;
		else if (p->query)
			p->err = begin_query(p, &b->tasks[b->n], &asked);
		else
			p->err = begin_append(p, &post, b->g, &asked);
		b->n++;
	}
	lane_post_send(&post);
	lane_chain_start(b->tasks, b->n, b->g);
	for (unsigned i = 0; i < b->n; i++)
		if (b->tasks[i].lane != NULL &&
		    (b->parts[i].call = b->tasks[i].call) == NULL)
			b->parts[i].err = EC_ENOMEM;
	b->left = b->n;
	return e != EC_ENOTFOUND ? EC_ECORRUPT : b->n == 0 ? EC_EINVAL : EC_OK;
}

/* What a drive has said. */
static enum err
give(const struct part *p, struct buf *out)
{
	const struct drive_append *a;
	struct service_job *j;
	unsigned n;

	if (p->query) {
		j = lane_call_arg(p->call);
		return wire_records_encode(out, &j->records);
	}
	a = lane_call_appends(p->call, &n);
	return wire_results_encode(out, a, n);
}

static enum err
say(struct peer_request *r, struct buf *out, unsigned number,
    const struct part *p, enum err result)
{
	struct buf piece = BUF_INIT(WIRE_MESSAGE_MAX);
	enum err e;

	if ((e = wire_said_begin(&piece, number, result)) == EC_OK &&
	    result == EC_OK && (e = give(p, &piece)) != EC_OK) {
		piece.len = 0;
		e = wire_said_begin(&piece, number, e);
	}
	if (e == EC_OK)
		e = peer_request_piece(r, out, piece.data, piece.len);
	buf_release(&piece);
	return e;
}

/* Say what is done; ${all}: the rest is late. */
static enum err
say_done(struct batch *b, struct peer_request *r, struct buf *out, bool all)
{
	enum err e = EC_OK, result;

	for (unsigned i = 0; i < b->n && e == EC_OK; i++) {
		struct part *p = &b->parts[i];

		result = p->err;
		if (p->said || (p->call != NULL &&
		    !lane_call_done(p->call, &result) && !all))
			continue;
		if (p->call != NULL && !lane_call_done(p->call, &result))
			result = EC_ETIMEDOUT;
		e = say(r, out, i, p, result);
		p->said = true;
		b->left--;
	}
	return e;
}

static enum err
answer(struct batch *b, struct peer_request *r)
{
	struct buf out = BUF_INIT(WIRE_PARTS_MAX * (size_t)WIRE_MESSAGE_MAX);
	uint64_t now = clock_mono_us(), end = now + SERVICE_WAIT_MS * 1000ull;
	unsigned done;
	enum err e;

	done = lane_chain_wait(b->tasks, b->n, b->g, b->n, now +
	    SOON_MS * 1000);
	while ((e = say_done(b, r, &out, clock_mono_us() >= end)) == EC_OK &&
	    (e = peer_request_send(r, &out, b->left == 0)) == EC_OK &&
	    b->left > 0)
		done = gather_wait(b->g, done + 1, end);
	buf_release(&out);
	return e;
}

static void
batch_release(struct batch *b, struct drive_service *s)
{
	for (unsigned i = 0; i < b->n; i++) {
		lane_call_put(b->parts[i].call);
		if (b->parts[i].lane != NULL)
			service_unuse_lane(s, &b->parts[i].drive);
	}
	gather_free(b->g);
}

void
service_batch(struct peer_request *r, struct drive_service *s)
{
	struct batch b = { .n = 0 };
	enum err e;

	if ((e = gather_new(&b.g)) == EC_OK &&
	    (e = begin(&b, s, &r->body)) == EC_OK)
		e = answer(&b, r);
	if (e != EC_OK && !r->begun)
		service_refuse(r, e);
	batch_release(&b, s);
}
