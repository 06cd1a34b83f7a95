/* lane_host: what goes to several drives of one host in one message.
 *
 * 1. A lane has one batch of appends under way, whose worker is away.  What
 *    queues up meanwhile goes when that has ended, whatever the others of its
 *    message do; so no drive waits for another.
 * 2. So there are no more messages with appends under way than lanes, and each
 *    gets a thread.
 * 3. The lane of the last to end is held until the message is over: the way it
 *    goes lives only as long as the lanes. */
#include <stdlib.h>

#include "base/clock.h"
#include "drive/lane_impl.h"

struct message {
	struct lane_errand errand;
	unsigned n;
	struct lane_letter letter[LANE_CHAIN_MAX];
};

/* A message under way. */
struct trip {
	struct message *m;
	unsigned n, left;		/* jobs, and those not ended */
	struct drive_job jobs[LANE_CHAIN_MAX];
	struct lane_letter *letter[LANE_CHAIN_MAX];	/* of each */
	struct lane_worker guests[LANE_CHAIN_MAX];	/* for queries */
	struct lane_post next;
	struct lane *last;
};

void
lane_post_query(struct lane_post *p, const struct lane_task *t)
{
	p->letter[p->n++] = (struct lane_letter){ .lane = t->lane,
		.host = t->call->drive->d->host, .call = t->call,
		.query = t->query, .records = t->records };
}

/* The worker comes back, and nobody is to take the lane's appends to the drive
 * any more but whoever is sent anew. */
static void
come_back(struct lane_worker *w)
{
	w->away = false;
	if (w->retired)
		lane_worker_dismiss(w);
}

static bool
begin_appends(struct lane_letter *v, struct drive_job *job)
{
	struct lane_worker *w = v->worker;
	struct lane *l = v->lane;
	bool good;

	pthread_mutex_lock(&l->mutex);
	if ((good = !w->retired && l->appends.first != NULL)) {
		job->n = lane_batch_begin(w);
		job->a = w->batch;
		job->d = w->held[0]->drive->d;
	} else {
		come_back(w);
	}
	pthread_mutex_unlock(&l->mutex);
	return good;
}

static bool
begin_query(struct lane_letter *v, struct lane_worker *w,
    struct drive_job *job)
{
	struct lane *l = v->lane;
	bool good;

	*w = (struct lane_worker){ .lane = l, .guest = true };
	pthread_mutex_lock(&l->mutex);
	if ((good = lane_take_call(l, v->call))) {
		lane_worker_link(w);
		lane_call_begin(w, v->call);
		job->d = v->call->drive->d;
		job->q = v->query;
		job->out = v->records;
	}
	pthread_mutex_unlock(&l->mutex);
	if (!good)
		lane_call_put(v->call);
	return good;
}

/* true: the worker stays away, for there is more. */
static bool
end_appends(struct trip *t, unsigned i, enum err e)
{
	struct lane_letter *v = t->letter[i];
	bool more;

	pthread_mutex_lock(&v->lane->mutex);
	lane_batch_end(v->worker, t->jobs[i].n, e);
	more = !v->worker->retired && v->lane->appends.first != NULL;
	if (!more)
		come_back(v->worker);
	pthread_mutex_unlock(&v->lane->mutex);
	if (more)
		t->next.letter[t->next.n++] = *v;
	return more;
}

static void
end_query(struct trip *t, unsigned i, enum err e)
{
	struct lane_letter *v = t->letter[i];

	pthread_mutex_lock(&v->lane->mutex);
	lane_call_end(&t->guests[i], e);
	lane_worker_unlink(&t->guests[i]);
	pthread_mutex_unlock(&v->lane->mutex);
	lane_call_put(v->call);
}

static void
job_done(void *ctx, unsigned i, enum err e, bool more)
{
	struct trip *t = ctx;
	struct lane *l = t->letter[i]->lane;
	bool stays = false;

	t->left--;
	if (t->letter[i]->worker != NULL)
		stays = end_appends(t, i, e);
	else
		end_query(t, i, e);
	if (!stays && t->left > 0)
		lane_give_back(l);
	else if (!stays)
		t->last = l;
	if (!more && t->left > 0)
		lane_post_send(&t->next);	/* the rest may be slow */
}

static void
run_message(struct lane_errand *errand)
{
	struct message *m = (struct message *)errand;
	struct trip t = { .m = m };

	for (unsigned i = 0; i < m->n; i++) {
		struct lane_letter *v = &m->letter[i];

		if (v->worker != NULL ? begin_appends(v, &t.jobs[t.n]) :
		    begin_query(v, &t.guests[t.n], &t.jobs[t.n]))
			t.letter[t.n++] = v;
		else
			lane_give_back(v->lane);
	}
	t.left = t.n;
	if (t.n > 0)
		t.jobs[0].d->ops->together(t.jobs, t.n, job_done, &t);
	lane_post_send(&t.next);
	if (t.last != NULL)
		lane_give_back(t.last);
	free(m);
}

/* There is no thread or memory to send it. */
static void
fail(struct lane_letter *v, enum err e)
{
	struct lane_queue failed = { NULL, NULL };

	if (v->worker != NULL) {
		pthread_mutex_lock(&v->lane->mutex);
		lane_fail_appends(v->lane, e, &failed);
		come_back(v->worker);
		pthread_mutex_unlock(&v->lane->mutex);
		lane_finish_all(&failed);
	} else {
		lane_hurry(v->lane);
		lane_call_put(v->call);
	}
	lane_give_back(v->lane);
}

static void
send_to(struct lane_post *p, const void *host)
{
	struct message *m = malloc(sizeof(*m));
	bool must = false;
	unsigned kept = 0;

	if (m != NULL)
		*m = (struct message){ .errand = { .run = run_message } };
	for (unsigned i = 0; i < p->n; i++) {
		if (p->letter[i].host != host)
			p->letter[kept++] = p->letter[i];
		else if (m != NULL)
			m->letter[m->n++] = p->letter[i];
		else
			fail(&p->letter[i], EC_ENOMEM);
	}
	p->n = kept;
	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->n; i++)
		must = must || m->letter[i].worker != NULL;
	if (lane_errand_start(&m->errand, true, must))
		return;
	for (unsigned i = 0; i < m->n; i++)
		fail(&m->letter[i], EC_EBUSY);
	free(m);
}

/* What goes to hosts first: it takes longest. */
void
lane_post_send(struct lane_post *p)
{
	unsigned i = 0;

	while (i < p->n) {
		if (p->letter[i].host == NULL)
			i++;
		else
			send_to(p, p->letter[i].host);
	}
	for (i = 0; i < p->n; i++) {
		struct lane_letter *v = &p->letter[i];

		if (v->worker == NULL && v->call == NULL)
			lane_wake(&v->lane->append_work);
		else
			fail(v, EC_EBUSY);	/* of a drive without host */
	}
	p->n = 0;
}
