/* Random operations against a plain model, with drives that fail and come back:
 * what is read is what was written last, or, after a write that failed, either
 * the old or the new; never anything else, and never back again.
 * EC_SEED and EC_ROUNDS from outside. */
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_set.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "set/delete.h"
#include "set/heal.h"
#include "set/list.h"
#include "set/multipart.h"

enum { KEYS = 10, MAY_MAX = 1024, SIZE_MAX_BYTES = 900000 };

struct value {		/* size 0 and !there: no object */
	bool there;
	uint64_t seed;
	size_t size;
};

/* What a key may hold; the last is the newest. */
struct model {
	struct value may[MAY_MAX];
	unsigned n;
};

static struct model model[KEYS];
static struct memory_set ms;
static bool down[SET_DRIVES_MAX], armed;
static unsigned downs, wrong, refused, gone, done_ok, done_failed, reads_ok;
static uint64_t seed_next;
static uint8_t *buf;

static unsigned
any(unsigned n)
{
	return (unsigned)random() % n;
}

static const char *
key_name(unsigned i)
{
	static const char *const names[KEYS] = { "a", "a/b", "a/c", "b", "b/",
		"b/x/y", "c", "d0", "d1", "e" };

	return names[i];
}

static bool
is_value(const struct value *v, const uint8_t *got, size_t len)
{
	if (!v->there || v->size != len)
		return false;
	memory_set_fill(buf, v->size, v->seed);
	return len == 0 || memcmp(buf, got, len) == 0;
}

static void
wrote(unsigned k, struct value v, enum err e)
{
	struct model *m = &model[k];

	if (e == EC_OK) {
		m->n = 0;
		done_ok++;
	} else {
		done_failed++;
		if (m->n == MAY_MAX)
			abort();	/* more failures than it is made for */
	}
	m->may[m->n++] = v;
}

/* ${which} was read with all that could matter answering: it is that. */
static void
settled(unsigned k, unsigned which)
{
	if (downs * 2 >= ms.n || armed)
		return;
	model[k].may[0] = model[k].may[which];
	model[k].n = 1;
}

static void
op_put(unsigned k)
{
	struct value v = { true, ++seed_next, any(3) == 0 ?
		any(SIZE_MAX_BYTES) : any(3) == 0 ? 0 : any(20000) };
	uint8_t *data = malloc(v.size + 1);

	memory_set_fill(data, v.size, v.seed);
	wrote(k, v, memory_set_put(&ms, key_name(k), data, v.size,
	    any(2) ? 0 : 1 + any(100000), any(2)));
	free(data);
}

static void
op_upload(unsigned k)
{
	struct value v = { true, ++seed_next, 2 + any(SIZE_MAX_BYTES) };
	uint8_t *data = malloc(v.size);
	struct upload_part *parts = NULL;
	size_t cut = 1 + any((unsigned)v.size - 1);
	struct stamp id = { 0, 0 };
	unsigned n = 0;
	bool more, tried = false;
	enum err e;

	memory_set_fill(data, v.size, v.seed);
	e = multipart_create(ms.set, MEMORY_SET_BUCKET, key_name(k), NULL, 0,
	    &id);
	for (uint32_t i = 0; i < 2 && e == EC_OK; i++) {
		struct put_params p = { .bucket = MEMORY_SET_BUCKET,
			.key = key_name(k), .parity = -1, .upload = id,
			.size = i == 0 ? cut : v.size - cut, .part = i + 1 };
		struct put *put = NULL;

		if ((e = put_open(&put, ms.set, &p)) == EC_OK &&
		    (e = put_write(put, data + (i == 0 ? 0 : cut),
		    (size_t)p.size)) == EC_OK &&
		    (e = put_finish(put, NULL)) == EC_OK)
			e = put_commit(put, NULL, NULL);
		put_free(put);
	}
	if (e == EC_OK)
		e = multipart_parts(ms.set, MEMORY_SET_BUCKET, key_name(k),
		    &id, 0, 10, &parts, &n, &more);
	if (e == EC_OK) {
		tried = true;
		e = multipart_complete(ms.set, MEMORY_SET_BUCKET, key_name(k),
		    &id, parts, n, "00-2", true, NULL, 0, NULL);
	}
	if (tried)
		wrote(k, v, e);
	if (e != EC_OK)
		multipart_abort(ms.set, MEMORY_SET_BUCKET, key_name(k), &id);
	for (unsigned i = 0; i < n; i++)
		buf_release(&parts[i].meta);
	free(parts);
	free(data);
}

static void
op_delete(unsigned k)
{
	struct value v = { .there = false };

	wrote(k, v, delete_null(ms.set, MEMORY_SET_BUCKET, key_name(k)));
}

static void
op_get(unsigned k)
{
	size_t len;
	uint8_t *got;
	enum err e = memory_set_get(&ms, key_name(k), &got, &len);
	unsigned i = model[k].n;

	if (e != EC_OK && e != EC_ENOTFOUND) {
		/* Nothing is away: then it must be known. */
		if (downs == 0 && !armed) {
			refused++;
			tap_note("%s: %s: %s", key_name(k), err_name(e),
			    set_complaint());
		}
		free(got);
		return;
	}
	while (i-- > 0)
		if (e == EC_OK ? is_value(&model[k].may[i], got, len) :
		    !model[k].may[i].there)
			break;
	if (i == UINT32_MAX) {
		wrong++;
		tap_note("%s: read %s, %zu bytes; of %u possible, newest %zu",
		    key_name(k), err_name(e), len, model[k].n,
		    model[k].may[model[k].n - 1].size);
	} else {
		reads_ok++;
		settled(k, i);
	}
	free(got);
}

/* A range of a value that is known. */
static void
op_range(unsigned k)
{
	const struct value *v = &model[k].may[0];
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	uint8_t *part;
	size_t off, len;
	enum err e;

	if (model[k].n != 1 || !v->there || v->size == 0)
		return;
	off = any((unsigned)v->size);
	len = any((unsigned)(v->size - off) + 1);
	part = malloc(len + 1);
	e = get_open(&g, &o, ms.set, MEMORY_SET_BUCKET, key_name(k), NULL);
	if (e == EC_OK && (e = get_read(g, part, len, off)) == EC_OK) {
		memory_set_fill(buf, v->size, v->seed);
		wrong += o.size != v->size ||
		    memcmp(part, buf + off, len) != 0;
		reads_ok++;
	}
	wrong += e == EC_ENOTFOUND;
	get_free(g);
	object_release(&o);
	free(part);
}

static void
op_list(void)
{
	struct list_params p = { .bucket = MEMORY_SET_BUCKET,
		.limit = 1 + any(12), .after = "" };
	char after[RECORD_KEY_MAX + 1];
	bool seen[KEYS] = { false }, more = true;
	struct list *l;

	while (more) {
		if (list_page(&l, ms.set, &p, &more) != EC_OK)
			return;
		for (unsigned i = 0; i < list_count(l); i++) {
			unsigned k = 0;

			while (k < KEYS &&
			    strcmp(key_name(k), list_at(l, i)->key) != 0)
				k++;
			if (k == KEYS || seen[k])
				wrong++;
			else
				seen[k] = true;
			strcpy(after, list_at(l, i)->key);
			p.after = after;
		}
		if (list_count(l) == 0)
			more = false;
		list_free(l);
	}
	for (unsigned k = 0; k < KEYS && !armed; k++)
		if (model[k].n == 1 && seen[k] != model[k].may[0].there &&
		    downs == 0) {
			gone++;
			tap_note("list: %s %s", key_name(k),
			    seen[k] ? "is back" : "is gone");
		}
}

/* Drives go and come; a fault somewhere soon. */
static void
op_weather(unsigned worst)
{
	unsigned i = any(ms.n);

	armed = false;
	memory_fault_arm(0, 0, EC_OK, false);
	if (down[i] || downs < worst) {
		down[i] = !down[i];
		downs += down[i] ? 1 : -1u;
	}
	memory_set_restart(&ms, down);
	if (any(3) == 0) {
		static const enum err errs[] = { EC_EIO, EC_ENOSPC,
			EC_EOFFLINE, EC_EROFS };

		memory_fault_arm(1 + any(200), MEMORY_ALL & ~MEMORY_PROBE,
		    errs[any(4)], any(2));
		armed = true;
	}
}

static void
op_heal(void)
{
	for (unsigned k = 0; k < KEYS; k++)
		heal_key(ms.set, MEMORY_SET_BUCKET, key_name(k), NULL, 0,
		    NULL);
}

static void
run(unsigned n, int parity, unsigned worst, unsigned rounds)
{
	wrong = refused = gone = done_ok = done_failed = reads_ok = 0;
	downs = 0;
	armed = false;
	memset(down, 0, sizeof(down));
	memory_set_init(&ms, n, parity);
	for (unsigned k = 0; k < KEYS; k++)
		model[k] = (struct model){ .n = 1 };
	for (unsigned i = 0; i < rounds; i++) {
		unsigned k = any(KEYS), what = any(100);

		if (what < 30)
			op_put(k);
		else if (what < 34)
			op_upload(k);
		else if (what < 42)
			op_delete(k);
		else if (what < 70)
			op_get(k);
		else if (what < 78)
			op_range(k);
		else if (what < 84)
			op_list();
		else if (what < 98)
			op_weather(worst);
		else
			op_heal();
	}
	memory_fault_arm(0, 0, EC_OK, false);
	armed = false;
	downs = 0;
	memory_set_restart(&ms, NULL);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned k = 0; k < KEYS; k++)
			op_get(k);
		op_list();
		op_heal();
	}
	tap_is_u64(wrong, 0, "%u+%d, up to %u out: %u operations: no read is "
	    "wrong", n - (unsigned)parity, parity, worst, rounds);
	tap_is_u64(refused, 0, "... none refused with all drives there");
	tap_is_u64(gone, 0, "... listings agree");
	tap_note("%u writes, %u failed, %u reads", done_ok, done_failed,
	    reads_ok);
	memory_set_release(&ms);
}

int
main(void)
{
	const char *seed = getenv("EC_SEED"), *rounds = getenv("EC_ROUNDS");
	unsigned s = seed != NULL ? (unsigned)strtoul(seed, NULL, 0) :
	    (unsigned)clock_real_us();
	unsigned n = rounds != NULL ? (unsigned)strtoul(rounds, NULL, 0) : 1500;

	tap_note("EC_SEED=%u", s);
	log_level_set(LOG_LEVEL_ERROR);
	srandom(s);
	buf = malloc(SIZE_MAX_BYTES + 1);
	run(4, 2, 2, n);
	run(4, 2, 1, n);
	run(6, 2, 3, n);
	run(3, 1, 1, n / 2);
	run(12, 4, 4, n / 2);
	free(buf);
	return tap_done();
}
