/* The rule for readers against a model that is written from its definition
 * alone, over random sets of records: EC_SEED and EC_ROUNDS from outside. */
#include <stdlib.h>
#include <string.h>

#include "../lib/tap.h"
#include "base/clock.h"
#include "set/resolve.h"

enum { STAMPS = 6, ROWS_MAX = STAMPS };

/* All drives' records; stamp t is kept at index t, newest first in ${rows}. */
struct truth {
	unsigned n;			/* drives */
	struct record rec[STAMPS];	/* the record of each stamp */
	bool there[STAMPS];
	bool on[STAMPS][SET_DRIVES_MAX];
	struct record row[SET_DRIVES_MAX][ROWS_MAX];
	unsigned rows[SET_DRIVES_MAX];
};

static unsigned
any(unsigned n)
{
	return (unsigned)random() % n;
}

static void
make_record(struct truth *t, unsigned i)
{
	static const enum record_kind kinds[] = { RECORD_OBJECT, RECORD_OBJECT,
		RECORD_MARKER, RECORD_TOMBSTONE };
	struct record *r = &t->rec[i];
	unsigned m = any(t->n / 2 + 1);

	*r = (struct record){ .kind = kinds[any(4)], .bucket = "b",
		.key = "k", .etag = "", .stamp = { 10 + i, i * 7 } };
	if (any(2) == 0)
		r->flags = RECORD_NULL;
	if (r->kind == RECORD_TOMBSTONE && r->flags == 0)
		r->target = i == 0 ? (struct stamp){ 1, 1 } :
		    t->rec[any(i)].stamp;
	if (r->kind == RECORD_OBJECT) {
		r->k = (uint8_t)(t->n - m);
		r->m = (uint8_t)m;
	}
}

static void
make_truth(struct truth *t)
{
	memset(t, 0, sizeof(*t));
	t->n = 1 + any(8);
	for (unsigned i = 0; i < STAMPS; i++) {
		make_record(t, i);
		t->there[i] = any(4) > 0;
		for (unsigned d = 0; t->there[i] && d < t->n; d++)
			t->on[i][d] = any(4) > 0;
	}
	for (unsigned d = 0; d < t->n; d++)
		for (unsigned i = STAMPS; i-- > 0;)
			if (t->on[i][d]) {
				t->row[d][t->rows[d]] = t->rec[i];
				t->row[d][t->rows[d]++].index = (uint8_t)d;
			}
}

/* The definition, with all drives answering. */
static bool
decided(const struct truth *t, unsigned i)
{
	unsigned c = 0, need = t->rec[i].kind == RECORD_OBJECT ?
	    t->rec[i].k : t->n - t->n / 2;

	for (unsigned d = 0; d < t->n; d++)
		c += t->on[i][d];
	return c >= need;
}

static bool
hidden(const struct truth *t, unsigned i)
{
	const struct record *r = &t->rec[i], *by;

	for (unsigned j = i + 1; j < STAMPS; j++) {
		by = &t->rec[j];
		if (!decided(t, j))
			continue;
		if ((by->flags & RECORD_NULL) != 0 &&
		    (r->flags & RECORD_NULL) != 0)
			return true;
		if (by->kind == RECORD_TOMBSTONE && by->flags == 0 &&
		    by->target.hlc == r->stamp.hlc)
			return true;
	}
	return false;
}

/* The stamp's index of the answer, -1 when there is none. */
static int
model(const struct truth *t, int version)
{
	for (int i = STAMPS - 1; i >= 0; i--) {
		const struct record *r = &t->rec[i];

		if (r->kind == RECORD_TOMBSTONE || !decided(t, (unsigned)i) ||
		    hidden(t, (unsigned)i))
			continue;
		if (version == -1 ||
		    (version == -2 && (r->flags & RECORD_NULL) != 0) ||
		    (version == i && (r->flags & RECORD_NULL) == 0))
			return i;
	}
	return -1;
}

/* What resolve says: an index, -1 not found, -2 not to be known. */
static int
ask(struct resolve *r, const struct truth *t,
    const struct resolve_input in[], int version)
{
	const struct state *s = NULL;
	enum err e;

	if (resolve_key(r, in, t->n) != EC_OK)
		return -9;
	if (version == -1)
		e = resolve_newest(r, &s);
	else
		e = resolve_version(r, version == -2 ? NULL :
		    &t->rec[version].stamp, &s);
	if (e == EC_ENOTFOUND)
		return -1;
	if (e == EC_EQUORUM || e == EC_ELIMIT)
		return -2;
	return e == EC_OK ? (int)s->rec->stamp.hlc - 10 : -9;
}

static unsigned wrong_full, wrong_part, wrong_acked, known, unknown;

/* With some silent and some cut: the truth, or nothing. */
static void
check_partial(struct resolve *r, const struct truth *t,
    const struct resolve_input full[], int version, int want)
{
	struct resolve_input in[SET_DRIVES_MAX];
	int got;

	memcpy(in, full, sizeof(in));
	for (unsigned d = 0; d < t->n; d++) {
		in[d].silent = any(4) == 0;
		if (any(3) == 0 && in[d].n > 0) {
			in[d].cut = true;
			in[d].n -= any(in[d].n);
		}
		if (in[d].silent)
			in[d].n = 0;
	}
	got = ask(r, t, in, version);
	if (got == -2) {
		unknown++;
		return;
	}
	known++;
	if (resolve_settled(r))
		wrong_part += got != want;
}

/* Every state was either acknowledged or never sent: then what is said is true
 * with any drives silent, as long as anything is said. */
static void
check_acked(struct resolve *r, struct truth *t)
{
	struct resolve_input in[SET_DRIVES_MAX] = { 0 };
	int want, got;

	for (unsigned i = 0; i < STAMPS; i++) {
		const struct record *o = &t->rec[i];
		unsigned c = 0, w = o->kind == RECORD_OBJECT ?
		    quorum_write(o->k, o->m) : quorum_meta(t->n);

		for (unsigned d = 0; d < t->n; d++)
			c += t->on[i][d];
		for (unsigned d = 0; d < t->n && c < w; d++) {
			c += !t->on[i][d];
			t->on[i][d] = true;
		}
	}
	memset(t->rows, 0, sizeof(t->rows));
	for (unsigned d = 0; d < t->n; d++) {
		in[d].silent = any(3) == 0;
		in[d].rec = t->row[d];
		for (unsigned i = STAMPS; i-- > 0;)
			if (t->on[i][d])
				t->row[d][t->rows[d]++] = t->rec[i];
		in[d].n = in[d].silent ? 0 : t->rows[d];
	}
	want = model(t, -1);
	got = ask(r, t, in, -1);
	wrong_acked += got != -2 && got != want;
}

int
main(void)
{
	const char *seed = getenv("EC_SEED"), *rounds = getenv("EC_ROUNDS");
	unsigned s = seed != NULL ? (unsigned)strtoul(seed, NULL, 0) :
	    (unsigned)clock_real_us();
	unsigned n = rounds != NULL ? (unsigned)strtoul(rounds, NULL, 0) :
	    30000;
	struct resolve r = RESOLVE_INIT;
	struct truth t;

	tap_note("EC_SEED=%u", s);
	srandom(s);
	for (unsigned i = 0; i < n; i++) {
		struct resolve_input in[SET_DRIVES_MAX] = { 0 };

		make_truth(&t);
		for (unsigned d = 0; d < t.n; d++) {
			in[d].rec = t.row[d];
			in[d].n = t.rows[d];
		}
		for (int v = -2; v < STAMPS; v++) {
			int want = model(&t, v);

			wrong_full += ask(&r, &t, in, v) != want;
			check_partial(&r, &t, in, v, want);
		}
		check_acked(&r, &t);
	}
	tap_is_u64(wrong_full, 0, "all drives answer: as the model says");
	tap_is_u64(wrong_part, 0,
	    "few are silent or cut: as the model says, or nothing");
	tap_is_u64(wrong_acked, 0,
	    "any are silent: nothing acknowledged is missed");
	tap_note("partial answers: %u known, %u not", known, unknown);
	tap_ok(known > 0 && unknown > 0, "both happened");
	resolve_release(&r);
	return tap_done();
}
