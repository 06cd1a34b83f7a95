#include "block.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { EVENTS = 64, COMPLAINTS_MAX = 3 };

typedef enum err next_request(struct plan *p, struct request *out);

struct run {
	struct plan *plan;
	next_request *next;
	struct block *b;
	struct conn *conn;
	unsigned clients, busy;
	bool *idle;
	int epoll;
	uint64_t until_us;	/* nothing begins after it */
	bool over;
};

static enum err
run_open(struct run *r, const struct target *t, unsigned clients)
{
	enum err e;

	r->clients = 0;
	if ((r->conn = mem_array(clients, sizeof(*r->conn))) == NULL ||
	    (r->idle = mem_array(clients, sizeof(bool))) == NULL)
		return EC_ENOMEM;
	if ((r->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1)
		return EC_EIO;
	for (unsigned i = 0; i < clients; i++) {
		struct epoll_event ev = { EPOLLIN, { .u32 = i } };

		r->clients++;
		r->idle[i] = true;
		if ((e = conn_open(&r->conn[i], t)) != EC_OK)
			return e;
		if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->conn[i].fd, &ev) != 0)
			return EC_EIO;
	}
	return EC_OK;
}

static void
run_close(struct run *r)
{
	for (unsigned i = 0; i < r->clients; i++)
		conn_close(&r->conn[i]);
	if (r->epoll != -1)
		close(r->epoll);
	free(r->conn);
	free(r->idle);
}

static void
count(struct run *r, const struct conn *c)
{
	uint64_t now = clock_mono_us();

	if (plan_done(r->plan, c) != EC_OK) {
		if (r->b->errors++ < COMPLAINTS_MAX)
			fprintf(stderr, "ec-load: %u to %.60s\n", c->status,
			    c->rq.head);
		return;
	}
	if (!plan_counts(c))
		return;
	r->b->ops++;
	r->b->bytes += plan_bytes(r->plan, c);
	latency_add(&r->b->latency, now - c->started_us);
}

/* Begin the next request, if there is one. */
static bool
begin(struct run *r, unsigned i)
{
	enum err e;

	if (r->over || clock_mono_us() >= r->until_us)
		return false;
	if ((e = r->next(r->plan, &r->conn[i].rq)) != EC_OK) {
		r->over = r->over || e == EC_ENOTFOUND;
		return false;
	}
	conn_start(&r->conn[i]);
	r->idle[i] = false;
	r->busy++;
	return true;
}

static enum err
go(struct run *r, unsigned i)
{
	struct conn *c = &r->conn[i];
	struct epoll_event ev = { EPOLLIN, { .u32 = i } };
	bool done, writing;
	enum err e;

	do {
		if ((e = conn_go(c, &done, &writing)) != EC_OK)
			return e;
		if (!done)
			break;
		count(r, c);
		r->idle[i] = true;
		r->busy--;
	} while (begin(r, i));
	if (writing)
		ev.events |= EPOLLOUT;
	return epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &ev) == 0 ? EC_OK :
	    EC_EIO;
}

/* Those that had nothing to do may have now. */
static enum err
start_idle(struct run *r)
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < r->clients && e == EC_OK; i++)
		if (r->idle[i] && begin(r, i))
			e = go(r, i);
	return e;
}

static enum err
run_all(struct run *r)
{
	struct epoll_event ev[EVENTS];
	enum err e;
	int n;

	if ((e = start_idle(r)) != EC_OK)
		return e;
	while (r->busy > 0) {
		n = epoll_wait(r->epoll, ev, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return EC_EIO;
		for (int i = 0; i < n; i++)
			if (!r->idle[ev[i].data.u32] &&
			    (e = go(r, ev[i].data.u32)) != EC_OK)
				return e;
		if (r->busy < r->clients && (e = start_idle(r)) != EC_OK)
			return e;
	}
	return EC_OK;
}

enum err
block_fill(struct plan *p, const struct target *t, unsigned clients)
{
	struct block b = { 0 };
	struct run r = { .plan = p, .next = plan_fill_next, .b = &b,
		.epoll = -1, .until_us = UINT64_MAX };
	enum err e;

	if ((e = run_open(&r, t, clients)) == EC_OK)
		e = run_all(&r);
	run_close(&r);
	return e == EC_OK && b.errors > 0 ? EC_EIO : e;
}

enum err
block_run(struct block *out, struct plan *p, const struct target *t,
    const struct block_params *bp)
{
	struct run r = { .plan = p, .next = plan_next, .b = out, .epoll = -1 };
	struct watch from, to;
	uint64_t start;
	enum err e;

	*out = (struct block){ 0 };
	if ((e = run_open(&r, t, bp->clients)) != EC_OK)
		goto out;
	watch_begin(t->pid);
	watch_read(&from, t->pid, bp->disk);
	start = clock_mono_us();
	r.until_us = start + (uint64_t)(bp->seconds * 1e6);
	e = run_all(&r);
	out->seconds = (double)(clock_mono_us() - start) / 1e6;
	watch_read(&to, t->pid, bp->disk);
	out->spent = watch_between(&from, &to);
out:
	run_close(&r);
	return e;
}

enum err
block_one(const struct request *rq, const struct target *t, unsigned *status)
{
	struct block b = { 0 };
	struct run r = { .b = &b, .epoll = -1 };
	struct epoll_event ev;
	bool done, writing;
	enum err e;

	if ((e = run_open(&r, t, 1)) == EC_OK) {
		r.conn[0].rq = *rq;
		conn_start(&r.conn[0]);
		while ((e = conn_go(&r.conn[0], &done, &writing)) == EC_OK &&
		    !done)
			epoll_wait(r.epoll, &ev, 1, -1);
		*status = r.conn[0].status;
	}
	run_close(&r);
	return e;
}
