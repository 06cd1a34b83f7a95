/* ask: see the header.
 *
 * 1. A call's memory is read only when the call is done, and not with
 *    EC_ETIMEDOUT: its thread may still be writing to it.
 * 2. The query is shared by the calls and lives as long as the last. */
#include "set/ask.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "set/set_impl.h"

struct question {	/* shared by the drives' calls */
	atomic_uint refs;
	struct drive_query q;
	char text[];
};

struct call {
	struct question *question;
	struct drive_records records;
};

static void
question_put(struct question *q)
{
	if (atomic_fetch_sub(&q->refs, 1) == 1)
		free(q);
}

static const char *
keep(char **at, const char *s)
{
	char *copy = *at;
	size_t len;

	if (s == NULL)
		return NULL;
	len = strlen(s) + 1;
	memcpy(copy, s, len);
	*at += len;
	return copy;
}

static size_t
text_bytes(const char *s)
{
	return s == NULL ? 0 : strlen(s) + 1;
}

static struct question *
question_new(const struct drive_query *q)
{
	struct question *out;
	char *at;

	out = malloc(sizeof(*out) + text_bytes(q->bucket) +
	    text_bytes(q->key) + text_bytes(q->prefix) +
	    text_bytes(q->after_bucket) + text_bytes(q->after_key));
	if (out == NULL)
		return NULL;
	atomic_init(&out->refs, 1);
	out->q = *q;
	at = out->text;
	out->q.bucket = keep(&at, q->bucket);
	out->q.key = keep(&at, q->key);
	out->q.prefix = keep(&at, q->prefix);
	out->q.after_bucket = keep(&at, q->after_bucket);
	out->q.after_key = keep(&at, q->after_key);
	return out;
}

static enum err
run_query(struct drive *d, void *arg)
{
	struct call *c = arg;

	return d->ops->query(d, &c->question->q, &c->records);
}

static void
drop_query(void *arg)
{
	struct call *c = arg;

	question_put(c->question);
	buf_release(&c->records.buf);
	free(c);
}

enum err
ask_start(struct ask *a, struct set *s, const struct drive_query *q)
{
	struct question *question = NULL;
	enum err e;

	a->s = s;
	a->limit = q->limit;
	a->started_us = clock_mono_us();
	if ((e = gather_new(&a->g)) != EC_OK)
		return e;
	if ((question = question_new(q)) == NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < s->n && e == EC_OK; i++) {
		struct call *c = malloc(sizeof(*c));

		if (c == NULL) {
			e = EC_ENOMEM;
			break;
		}
		*c = (struct call){ question, DRIVE_RECORDS_INIT };
		atomic_fetch_add(&question->refs, 1);
		e = lane_start(s->lane[i], a->g, run_query, drop_query, c,
		    &a->answer[i].call);
	}
	question_put(question);
	return e;
}

static enum err
answer_room(struct answer *w)
{
	unsigned cap = w->cap * 2 + 4;
	struct record_part **parts;
	struct record *rec;

	if ((rec = realloc(w->rec, cap * sizeof(*rec))) == NULL)
		return EC_ENOMEM;
	w->rec = rec;
	if ((parts = realloc(w->parts, cap * sizeof(*parts))) == NULL)
		return EC_ENOMEM;
	w->parts = parts;
	w->cap = cap;
	return EC_OK;
}

static enum err
answer_decode(struct answer *w, const struct drive_records *l)
{
	const uint8_t *bytes;
	size_t pos = 0, len;
	enum err e;

	while (drive_records_next(l, &pos, &bytes, &len)) {
		if (w->n == w->cap && (e = answer_room(w)) != EC_OK)
			return e;
		if ((e = record_decode(&w->rec[w->n], &w->parts[w->n], bytes,
		    len)) != EC_OK)
			return e;
		w->n++;
	}
	return pos == l->buf.len ? EC_OK : EC_ECORRUPT;
}

static void
answer_take(struct ask *a, unsigned slot)
{
	struct answer *w = &a->answer[slot];
	struct call *c;

	if (w->done || w->call == NULL || !lane_call_done(w->call, &w->err))
		return;
	w->done = true;
	if (w->err != EC_OK)
		return;
	c = lane_call_arg(w->call);
	w->err = answer_decode(w, &c->records);
	if (w->err == EC_ECORRUPT || w->err == EC_EFORMAT)
		lane_count_corrupt(a->s->lane[slot]);
	w->cut = w->n >= a->limit;
}

unsigned
ask_wait(struct ask *a, unsigned want, uint64_t deadline_us)
{
	unsigned done = 0;

	gather_wait(a->g, want, deadline_us);
	for (unsigned i = 0; i < a->s->n; i++) {
		answer_take(a, i);
		done += a->answer[i].done;
	}
	return done;
}

uint64_t
ask_late_us(const struct ask *a)
{
	uint64_t late = SET_LATE_MS * 1000;

	for (unsigned i = 0; i < a->s->n; i++) {
		uint64_t learnt = lane_latency_us(a->s->lane[i]);

		if (!a->answer[i].done && learnt > late)
			late = learnt;
	}
	if (late > SET_WAIT_MS * UINT64_C(1000))
		late = SET_WAIT_MS * UINT64_C(1000);
	return a->started_us + late;
}

void
ask_input(const struct ask *a, struct resolve_input in[])
{
	for (unsigned i = 0; i < a->s->n; i++) {
		const struct answer *w = &a->answer[i];
		bool ok = w->done && w->err == EC_OK;

		in[i] = (struct resolve_input){ .silent = !ok,
			.cut = ok && w->cut, .rec = w->rec,
			.n = ok ? w->n : 0 };
	}
}

unsigned
ask_results(const struct ask *a, enum err results[])
{
	unsigned silent = 0;

	for (unsigned i = 0; i < a->s->n; i++) {
		results[i] = a->answer[i].done ? a->answer[i].err :
		    EC_ETIMEDOUT;
		silent += results[i] != EC_OK;
	}
	return silent;
}

void
ask_release(struct ask *a)
{
	for (unsigned i = 0; i < SET_DRIVES_MAX; i++) {
		struct answer *w = &a->answer[i];

		for (unsigned j = 0; j < w->n; j++)
			free(w->parts[j]);
		free(w->parts);
		free(w->rec);
		lane_call_put(w->call);
	}
	gather_free(a->g);
	*a = (struct ask)ASK_INIT;
}

bool
ask_more(struct ask *a)
{
	unsigned done = ask_wait(a, 0, 0);

	return done < a->s->n && ask_wait(a, done + 1, a->started_us +
	    SET_WAIT_MS * UINT64_C(1000)) > done;
}

enum err
ask_most(struct ask *a, struct set *s, const struct drive_query *q,
    const char *what)
{
	enum err results[SET_DRIVES_MAX];
	enum err e;

	if ((e = ask_start(a, s, q)) != EC_OK)
		return e;
	ask_wait(a, s->n, ask_late_us(a));
	while (ask_results(a, results) >= quorum_meta(s->n)) {
		if (ask_more(a))
			continue;
		set_complain(s, what, s->n - s->n / 2, results);
		return EC_EQUORUM;
	}
	return EC_OK;
}

/* One round: with ever more answers until it is settled. */
static enum err
ask_round(struct ask *a, struct resolve *r, ask_judge *judge, void *ctx)
{
	struct resolve_input in[SET_DRIVES_MAX];
	unsigned n = a->s->n, want = quorum_meta(n), done;
	uint64_t end = a->started_us + SET_WAIT_MS * UINT64_C(1000), now;
	bool late;
	enum err e;

	for (;;) {
		now = clock_mono_us();
		late = now >= ask_late_us(a);
		done = ask_wait(a, want, late ? end : ask_late_us(a));
		ask_input(a, in);
		if ((e = resolve_key(r, in, n)) != EC_OK)
			return e;
		e = judge(r, ctx);
		if (done == n || e == EC_ENOMEM || clock_mono_us() >= end)
			return e;
		late = late || clock_mono_us() >= ask_late_us(a);
		if (e != EC_EQUORUM && (late || resolve_settled(r)))
			return e;
		want = done + 1;
	}
}

enum err
ask_key(struct ask *a, struct resolve *r, struct set *s,
    struct drive_query *q, ask_judge *judge, void *ctx)
{
	enum err results[SET_DRIVES_MAX];
	enum err e;

	for (;;) {
		if ((e = ask_start(a, s, q)) != EC_OK)
			return e;
		e = ask_round(a, r, judge, ctx);
		if (e != EC_ELIMIT || q->limit >= 10000)
			break;
		ask_release(a);
		q->newest_only = false;
		q->limit = q->limit < 100 ? 1000 : 10000;
	}
	if (e == EC_ELIMIT)
		e = EC_EQUORUM;
	if (e == EC_EQUORUM) {
		ask_results(a, results);
		set_complain(s, "read quorum", r->drives - s->parity, results);
	}
	return e;
}
