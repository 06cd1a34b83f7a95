/* sweep: see the header. */
#include "set/sweep.h"

#include <string.h>

#include "set/set_impl.h"

enum { BATCH_MIN = 16, BATCH_MAX = 2000 };

void
sweep_init(struct sweep *w, struct set *s, const struct drive_query *q,
    const char *after, unsigned batch)
{
	memset(w, 0, sizeof(*w));
	w->s = s;
	w->q = *q;
	/* One more: the last row is only a frontier. */
	w->batch = batch < BATCH_MIN ? BATCH_MIN : batch >= BATCH_MAX ?
	    BATCH_MAX : batch + 1;
	sweep_seek(w, after != NULL ? after : "");
}

void
sweep_seek(struct sweep *w, const char *after)
{
	size_t len = strnlen(after, sizeof(w->after) - 1);

	memcpy(w->after, after, len);
	w->after[len] = '\0';
}

void
sweep_all(struct sweep *w)
{
	if (w->few)
		w->asked = false;	/* what was said so far is dropped */
	w->few = false;
}

void
sweep_release(struct sweep *w)
{
	ask_release(&w->ask);
}

static const char *
row_key(const struct sweep *w, const struct record *r)
{
	return w->q.table == DRIVE_BUCKETS ? r->bucket : r->key;
}

static bool
answered(const struct sweep *w, unsigned slot)
{
	return w->ask.answer[slot].done && w->ask.answer[slot].err == EC_OK;
}

/* Up to where every drive that answered has told all. */
static void
find_frontier(struct sweep *w)
{
	w->bounded = false;
	for (unsigned i = 0; i < w->s->n; i++) {
		const struct answer *a = &w->ask.answer[i];
		const char *key;

		w->at[i] = 0;
		if (!answered(w, i) || !a->cut)
			continue;
		key = row_key(w, &a->rec[a->n - 1]);
		if (!w->bounded || strcmp(key, w->frontier) < 0)
			strcpy(w->frontier, key);
		w->bounded = true;
	}
	w->last = !w->bounded;
}

/* Whoever leaves a round by a jump (sweep_seek) has asked for too many. */
static void
resize(struct sweep *w)
{
	if (w->bounded && strcmp(w->after, w->frontier) > 0)
		w->batch = w->batch / 4 < BATCH_MIN ? BATCH_MIN :
		    w->batch / 4;
	else
		w->batch = w->batch * 2 > BATCH_MAX ? BATCH_MAX :
		    w->batch * 2;
}

static enum err
ask_all(struct sweep *w)
{
	enum err e;

	if (w->asked)
		resize(w);
	ask_release(&w->ask);
	if (w->after[0] != '\0') {
		if (w->q.table == DRIVE_BUCKETS)
			w->q.after_bucket = w->after;
		else
			w->q.after_key = w->after;
	}
	w->q.limit = w->batch;
	w->asked = true;
	if ((e = ask_most(&w->ask, w->s, &w->q, w->few,
	    "list quorum")) != EC_OK)
		return e;
	find_frontier(w);
	return EC_OK;
}

/* The smallest key not yet given; NULL when this round has none. */
static const char *
smallest(struct sweep *w)
{
	const char *key = NULL, *k;

	for (unsigned i = 0; i < w->s->n; i++) {
		const struct answer *a = &w->ask.answer[i];

		if (!answered(w, i))
			continue;
		while (w->at[i] < a->n && w->after[0] != '\0' &&
		    strcmp(row_key(w, &a->rec[w->at[i]]), w->after) <= 0)
			w->at[i]++;
		if (w->at[i] == a->n)
			continue;
		k = row_key(w, &a->rec[w->at[i]]);
		if (key == NULL || strcmp(k, key) < 0)
			key = k;
	}
	return key;
}

static void
take(struct sweep *w, const char *key, struct resolve_input in[])
{
	for (unsigned i = 0; i < w->s->n; i++) {
		const struct answer *a = &w->ask.answer[i];
		unsigned from = w->at[i];

		in[i] = (struct resolve_input){ .silent = !answered(w, i),
			.filling = lane_filling(w->s->lane[i]) };
		if (in[i].silent)
			continue;
		while (w->at[i] < a->n &&
		    strcmp(row_key(w, &a->rec[w->at[i]]), key) == 0)
			w->at[i]++;
		in[i].rec = a->rec + from;
		in[i].n = w->at[i] - from;
		in[i].cut = (a->cut && w->at[i] == a->n) ||
		    (w->q.newest_only && in[i].n >= ASK_NEWEST);
	}
}

enum err
sweep_next(struct sweep *w, const char **key, struct resolve_input in[])
{
	bool fresh = false;
	const char *k;
	enum err e;

	for (;;) {
		k = w->asked ? smallest(w) : NULL;
		/* At the frontier, only when a whole batch was of this key. */
		if (k != NULL && (!w->bounded || fresh ||
		    strcmp(k, w->frontier) < 0))
			break;
		if (w->asked && w->last)
			return EC_ENOTFOUND;
		if ((e = ask_all(w)) != EC_OK)
			return e;
		fresh = true;
	}
	take(w, k, in);
	sweep_seek(w, k);
	*key = w->after;
	return EC_OK;
}
