/* ask: see the header.
 *
 * 1. A call's memory is read only when the call is done, and not with
 *    EC_ETIMEDOUT: its thread may still be writing to it.
 * 2. The query is shared by the calls and lives as long as the last.
 * 3. A drive that was not asked is silent: what is said without it must hold
 *    whatever it has. */
#include "set/ask.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "set/placement.h"
#include "set/set_impl.h"

enum { HEDGE_MIN_US = 2000 };

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

static enum err
ask_begin(struct ask *a, struct set *s, const struct drive_query *q)
{
	a->s = s;
	a->limit = q->limit;
	a->started_us = clock_mono_us();
	if ((a->question = question_new(q)) == NULL)
		return EC_ENOMEM;
	return gather_new(&a->g);
}

/* What a drive is to be asked; its arg is NULL when there is no memory. */
static struct lane_task
task_of(struct ask *a, unsigned slot)
{
	struct call *c = malloc(sizeof(*c));

	if (c != NULL) {
		*c = (struct call){ a->question, DRIVE_RECORDS_INIT };
		atomic_fetch_add(&a->question->refs, 1);
	}
	return (struct lane_task){ .lane = a->s->lane[slot], .run = run_query,
		.drop = drop_query, .arg = c, .query = &a->question->q,
		.records = c != NULL ? &c->records : NULL };
}

static enum err
ask_one(struct ask *a, unsigned slot)
{
	struct lane_task t = task_of(a, slot);

	if (t.arg == NULL)
		return EC_ENOMEM;
	return lane_start(t.lane, a->g, t.run, t.drop, t.arg,
	    &a->answer[slot].call);
}

/* Ask those in a chain. */
static enum err
ask_slots(struct ask *a, const unsigned slots[], unsigned n)
{
	enum err e = EC_OK;

	for (a->tasks = 0; a->tasks < n && e == EC_OK; a->tasks++) {
		a->task[a->tasks] = task_of(a, slots[a->tasks]);
		if (a->task[a->tasks].arg == NULL) {
			e = EC_ENOMEM;
			break;
		}
	}
	lane_chain_start(a->task, a->tasks, a->g);
	for (unsigned i = 0; i < a->tasks; i++) {
		a->answer[slots[i]].call = a->task[i].call;
		if (a->task[i].call == NULL)
			e = EC_ENOMEM;
	}
	return e;
}

enum err
ask_rest(struct ask *a)
{
	unsigned far[SET_DRIVES_MAX], n = 0;
	enum err e = EC_OK;

	for (unsigned i = 0; i < a->s->n && e == EC_OK; i++) {
		if (a->answer[i].call != NULL)
			continue;
		if (lane_local(a->s->lane[i]))
			e = ask_one(a, i);
		else
			far[n++] = i;
	}
	return e == EC_OK ? ask_slots(a, far, n) : e;
}

enum err
ask_start(struct ask *a, struct set *s, const struct drive_query *q)
{
	enum err e = ask_begin(a, s, q);

	return e == EC_OK ? ask_rest(a) : e;
}

enum err
ask_chain(struct ask *a, struct set *s, const struct drive_query *q)
{
	unsigned slots[SET_DRIVES_MAX];
	enum err e = ask_begin(a, s, q);

	for (unsigned i = 0; i < s->n; i++)
		slots[i] = i;
	return e == EC_OK ? ask_slots(a, slots, s->n) : e;
}

enum err
ask_few(struct ask *a, struct set *s, const struct drive_query *q,
    unsigned *asked)
{
	unsigned want = s->n - s->parity, start = 0, slots[SET_DRIVES_MAX];
	bool chosen[SET_DRIVES_MAX] = { false };
	enum err e = ask_begin(a, s, q);

	*asked = 0;
	if (want < quorum_meta(s->n))
		want = quorum_meta(s->n);
	if (q->bucket != NULL && q->key != NULL)
		start = placement_start(q->bucket, q->key, s->n);
	/* Those nearby first; and once more for the others. */
	for (unsigned i = 0; i < 2 * s->n && *asked < want; i++) {
		unsigned slot = placement_drive(start, i, s->n);
		struct lane *lane = s->lane[slot];

		if (chosen[slot] ||
		    lane_state(lane) != LANE_ONLINE || (i < s->n &&
		    !q->want_inline && !lane_local(lane)))
			continue;
		chosen[slot] = true;
		slots[(*asked)++] = slot;
	}
	return e == EC_OK ? ask_slots(a, slots, *asked) : e;
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

	lane_chain_wait(a->task, a->tasks, a->g, want, deadline_us);
	a->tasks = 0;	/* those left are in threads of their own */
	for (unsigned i = 0; i < a->s->n; i++) {
		answer_take(a, i);
		done += a->answer[i].done;
	}
	return done;
}

/* When all that were asked should have answered, within bounds. */
static uint64_t
learnt(const struct ask *a, uint64_t least, uint64_t most)
{
	for (unsigned i = 0; i < a->s->n; i++) {
		uint64_t us = lane_latency_us(a->s->lane[i]);

		if (a->answer[i].call != NULL && !a->answer[i].done &&
		    us > least)
			least = us;
	}
	return least < most ? least : most;
}

uint64_t
ask_late_us(const struct ask *a)
{
	return a->started_us + learnt(a, SET_LATE_MS * 1000,
	    SET_WAIT_MS * 1000);
}

uint64_t
ask_hedge_us(const struct ask *a)
{
	return a->started_us + learnt(a, HEDGE_MIN_US, SET_LATE_MS * 1000);
}

void
ask_input(const struct ask *a, struct resolve_input in[])
{
	for (unsigned i = 0; i < a->s->n; i++) {
		const struct answer *w = &a->answer[i];
		bool ok = w->done && w->err == EC_OK;

		in[i] = (struct resolve_input){ .silent = !ok,
			.cut = ok && w->cut, .rec = w->rec,
			.n = ok ? w->n : 0,
			.filling = lane_filling(a->s->lane[i]) };
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

unsigned
ask_not_telling(const struct ask *a, enum err results[])
{
	unsigned n = ask_results(a, results);

	for (unsigned i = 0; i < a->s->n; i++) {
		if (results[i] != EC_OK || !lane_filling(a->s->lane[i]))
			continue;
		results[i] = EC_EDEGRADED;
		n++;
	}
	return n;
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
	if (a->question != NULL)
		question_put(a->question);
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
ask_most(struct ask *a, struct set *s, const struct drive_query *q, bool few,
    const char *what)
{
	enum err results[SET_DRIVES_MAX];
	unsigned asked;
	enum err e;

	if (few) {
		if ((e = ask_few(a, s, q, &asked)) != EC_OK)
			return e;
		ask_wait(a, asked, ask_late_us(a));
		if (ask_not_telling(a, results) == s->n - asked &&
		    asked >= s->n - s->parity)
			return EC_OK;
		e = ask_rest(a);
	} else {
		e = ask_start(a, s, q);
	}
	if (e != EC_OK)
		return e;
	ask_wait(a, s->n, ask_late_us(a));
	while (ask_not_telling(a, results) >= quorum_meta(s->n)) {
		if (ask_more(a))
			continue;
		set_complain(s, what, s->n - s->n / 2, results);
		return EC_EQUORUM;
	}
	return EC_OK;
}
