/* scan_litter */
#include "set/scan_litter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"

enum { LIST_FILES = 1000 };

/* Names are random, so their first bytes are a hash. */
static uint64_t
name_hash(const struct uuid *data)
{
	return le64_get(data->b);
}

enum err
scan_names_add(struct scan_names *l, const struct record *r)
{
	for (uint32_t i = 0; i < r->part_count; i++) {
		if (l->n == l->cap) {
			size_t cap = l->cap * 2 + 1024;
			uint64_t *v = reallocarray(l->v, cap, sizeof *v);

			if (v == NULL)
				return EC_ENOMEM;
			l->v = v;
			l->cap = cap;
		}
		l->v[l->n++] = name_hash(&r->parts[i].data);
		l->sorted = false;
	}
	return EC_OK;
}

static int
hash_cmp(const void *va, const void *vb)
{
	uint64_t a = *(const uint64_t *)va, b = *(const uint64_t *)vb;

	return a < b ? -1 : a > b;
}

bool
scan_names_has(struct scan_names *l, const struct uuid *data)
{
	uint64_t hash = name_hash(data);

	if (l->n == 0)
		return false;
	if (!l->sorted)
		qsort(l->v, l->n, sizeof *l->v, hash_cmp);
	l->sorted = true;
	return bsearch(&hash, l->v, l->n, sizeof *l->v, hash_cmp) != NULL;
}

void
scan_names_release(struct scan_names *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

struct page {		/* the argument of a call */
	struct uuid after;
	bool begin;
	unsigned n;
	struct drive_shard_info info[LIST_FILES];
};

static enum err
page_run(struct drive *d, void *arg)
{
	struct page *p = arg;

	return d->ops->shard_list(d, p->begin ? NULL : &p->after, p->info,
	    LIST_FILES, &p->n);
}

/* One page, copied into the caller's memory: a call may be left behind. */
static enum err
page_get(struct lane *l, const struct page *from, struct page *out)
{
	struct gather *g = NULL;
	struct lane_call *c = NULL;
	struct page *arg = malloc(sizeof *arg);
	enum err e = EC_ENOMEM;

	if (arg == NULL)
		return EC_ENOMEM;
	memcpy(arg, from, sizeof *arg);
	if ((e = gather_new(&g)) != EC_OK) {
		free(arg);
		return e;
	}
	if ((e = lane_start(l, g, page_run, free, arg, &c)) != EC_OK)
		goto out;
	gather_wait(g, 1, clock_mono_us() + SET_WAIT_MS * UINT64_C(1000));
	if (!lane_call_done(c, &e))
		e = EC_ETIMEDOUT;
	if (e == EC_OK)
		memcpy(out, lane_call_arg(c), sizeof *out);
out:
	lane_call_put(c);
	gather_free(g);
	return e;
}

enum err
scan_litter(struct lane *l, struct scan_names *names, uint64_t before_us,
    void (*each)(void *ctx, const struct drive_shard_info *info), void *ctx)
{
	struct page *p = calloc(1, sizeof *p);
	enum err e;

	if (p == NULL)
		return EC_ENOMEM;
	p->begin = true;
	while ((e = page_get(l, p, p)) == EC_OK && p->n > 0) {
		for (unsigned i = 0; i < p->n; i++)
			if (p->info[i].mtime_us < before_us &&
			    !scan_names_has(names, &p->info[i].data))
				each(ctx, &p->info[i]);
		p->after = p->info[p->n - 1].data;
		p->begin = false;
	}
	free(p);
	return e;
}
