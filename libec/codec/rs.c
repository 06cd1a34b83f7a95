/* Invariants:
 * 1. A struct rs never changes but for its cache of decode tables.
 * 2. A struct tables is immutable once it is in the cache; whoever uses one
 *    holds a reference, so it may leave the cache meanwhile. */
#include "codec/rs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "codec/matrix.h"
#include "codec/rs_kernel.h"

enum {
	COLUMN_BYTES = 32 * 1024,
	SET_BYTES = 32,		/* a bit for each of 255 shards */
	CACHE_ENTRIES_MAX = 64,
	CACHE_BYTES_MAX = 4 * 1024 * 1024,
};

/* How to compute the shards ${want} from the k shards ${from}. */
struct tables {
	struct tables *next;	/* in the cache, most recently used first */
	unsigned refs;		/* guarded by the cache's lock */
	size_t bytes;
	uint8_t from[SET_BYTES], want[SET_BYTES];
	unsigned rows;		/* bits in want */
	uint8_t *gf;		/* the kernel's */
};

struct cache {
	pthread_mutex_t lock;	/* guards what follows */
	struct tables *first;
	unsigned entries;
	size_t bytes;
};

struct rs {
	unsigned k, m;
	const struct rs_kernel *kernel;
	uint8_t *matrix;	/* k + m rows of k */
	uint8_t *encode;	/* the kernel's tables of the last m rows */
	struct cache *cache;
};

/* Fastest first. */
static const struct rs_kernel *const kernels[] = {
#if defined(__x86_64__)
	&rs_gfni,
	&rs_avx2,
#endif
	&rs_isal,
};

static const struct rs_kernel *_Atomic forced;

static const struct rs_kernel *
kernel(void)
{
	const struct rs_kernel *f = atomic_load(&forced);
	size_t i = 0;

	if (f != NULL)
		return f;
	while (!kernels[i]->usable())
		i++;
	return kernels[i];
}

const char *
rs_kernel(void)
{
	const struct rs_kernel *k = kernel();

	return k == &rs_isal ? rs_isal_set() : k->name;
}

bool
rs_force(const char *name)
{
	const struct rs_kernel *f = NULL;
	size_t i;

	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (name != NULL && strcmp(kernels[i]->name, name) == 0 &&
		    kernels[i]->usable())
			f = kernels[i];
	atomic_store(&forced, f);
	return name == NULL || f != NULL;
}

static void
bit_set(uint8_t set[SET_BYTES], unsigned i)
{
	set[i / 8] |= (uint8_t)(1u << i % 8);
}

static bool
bit_get(const uint8_t set[SET_BYTES], unsigned i)
{
	return set[i / 8] >> i % 8 & 1;
}

static void
tables_free(struct tables *t)
{
	if (t == NULL)
		return;
	free(t->gf);
	free(t);
}

static void
cache_free(struct cache *c)
{
	struct tables *t;

	if (c == NULL)
		return;
	while ((t = c->first) != NULL) {
		c->first = t->next;
		tables_free(t);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct cache *
cache_new(void)
{
	struct cache *c = mem_array(1, sizeof(*c));

	if (c != NULL && pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

enum err
rs_new(struct rs **out, unsigned k, unsigned m)
{
	struct rs *rs;
	enum err e = EC_ENOMEM;

	if (k == 0 || k > RS_SHARDS_MAX || m > RS_SHARDS_MAX - k)
		return EC_EINVAL;
	if ((rs = mem_array(1, sizeof(*rs))) == NULL)
		return EC_ENOMEM;
	rs->k = k;
	rs->m = m;
	rs->kernel = kernel();
	rs->cache = cache_new();
	rs->matrix = mem_array(k + m, k);
	rs->encode = mem_aligned((size_t)RS_COEFFICIENT_BYTES * k * m,
	    RS_ALIGN_BYTES);
	if (rs->cache == NULL || rs->matrix == NULL || rs->encode == NULL ||
	    (e = matrix_systematic(rs->matrix, k, m)) != EC_OK) {
		rs_free(rs);
		return e;
	}
	if (m > 0)
		rs->kernel->prepare(rs->encode, rs->matrix + (size_t)k * k,
		    k, m);
	*out = rs;
	return EC_OK;
}

void
rs_free(struct rs *rs)
{
	if (rs == NULL)
		return;
	cache_free(rs->cache);
	free(rs->encode);
	free(rs->matrix);
	free(rs);
}

enum err
rs_shared(const struct rs **out, unsigned k, unsigned m)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct rs *all[RS_SHARDS_MAX + 1][RS_SHARDS_MAX + 1];
	enum err e = EC_OK;

	if (k == 0 || k > RS_SHARDS_MAX || m > RS_SHARDS_MAX - k)
		return EC_EINVAL;
	pthread_mutex_lock(&lock);
	if (all[k][m] == NULL)
		e = rs_new(&all[k][m], k, m);
	*out = all[k][m];
	pthread_mutex_unlock(&lock);
	return e;
}

/* What is left of a length that is no multiple of the kernel's block, by way
 * of padded copies. */
static void
multiply_rest(const struct rs *rs, const uint8_t *gf, uint8_t *const from[],
    uint8_t *const to[], unsigned rows, size_t at, size_t len)
{
	uint8_t room[RS_SHARDS_MAX][RS_BLOCK_BYTES], *p[RS_SHARDS_MAX];
	unsigned i;

	for (i = 0; i < rs->k + rows; i++) {
		p[i] = room[i];
		memset(room[i], 0, RS_BLOCK_BYTES);
		if (i < rs->k)
			memcpy(room[i], from[i] + at, len);
	}
	rs->kernel->multiply(gf, p, rs->k, p + rs->k, rows, RS_BLOCK_BYTES);
	for (i = 0; i < rows; i++)
		memcpy(to[i] + at, room[rs->k + i], len);
}

/* to[] = ${gf} times from[], by columns that stay in cache from one pass over
 * them to the next. */
static void
multiply(const struct rs *rs, const uint8_t *gf, uint8_t *const from[],
    uint8_t *const to[], unsigned rows, size_t len)
{
	uint8_t *src[RS_SHARDS_MAX], *dst[RS_SHARDS_MAX];
	size_t at, n, whole = len - len % RS_BLOCK_BYTES;
	unsigned i;

	for (at = 0; at < whole; at += n) {
		n = (size_t)num_min(COLUMN_BYTES, whole - at);
		for (i = 0; i < rs->k; i++)
			src[i] = from[i] + at;
		for (i = 0; i < rows; i++)
			dst[i] = to[i] + at;
		rs->kernel->multiply(gf, src, rs->k, dst, rows, n);
	}
	if (whole < len)
		multiply_rest(rs, gf, from, to, rows, whole, len - whole);
}

void
rs_encode(const struct rs *rs, uint8_t *const shard[], size_t len)
{
	if (rs->m > 0)
		multiply(rs, rs->encode, shard, shard + rs->k, rs->m, len);
}

/* The row of shard ${i} over the shards that ${inverse} is for. */
static void
row_over(const struct rs *rs, uint8_t *row, unsigned i, const uint8_t *inverse)
{
	const uint8_t *r = rs->matrix + (size_t)i * rs->k;
	unsigned c, j;

	memset(row, 0, rs->k);
	for (j = 0; j < rs->k; j++)
		for (c = 0; r[j] != 0 && c < rs->k; c++)
			row[c] ^= matrix_gf_mul(r[j], inverse[j * rs->k + c]);
}

/* Fill in t->gf for t->from and t->want. */
static enum err
tables_compute(const struct rs *rs, struct tables *t)
{
	const unsigned k = rs->k;
	uint8_t *square = mem_array(k, k), *inverse = mem_array(k, k);
	uint8_t *rows = mem_array(t->rows, k);
	enum err e = EC_ENOMEM;
	unsigned i, n;

	if (square == NULL || inverse == NULL || rows == NULL)
		goto out;
	for (i = n = 0; n < k; i++)
		if (bit_get(t->from, i))
			memcpy(square + (size_t)k * n++,
			    rs->matrix + (size_t)k * i, k);
	if ((e = matrix_invert(inverse, square, k)) != EC_OK)
		goto out;
	for (i = n = 0; n < t->rows; i++)
		if (bit_get(t->want, i))
			row_over(rs, rows + (size_t)k * n++, i, inverse);
	rs->kernel->prepare(t->gf, rows, k, t->rows);
out:
	free(rows);
	free(inverse);
	free(square);
	return e;
}

static enum err
tables_new(struct tables **out, const struct rs *rs,
    const uint8_t from[SET_BYTES], const uint8_t want[SET_BYTES],
    unsigned rows)
{
	struct tables *t;
	enum err e;

	if ((t = mem_array(1, sizeof(*t))) == NULL)
		return EC_ENOMEM;
	memcpy(t->from, from, SET_BYTES);
	memcpy(t->want, want, SET_BYTES);
	t->refs = 1;
	t->rows = rows;
	t->bytes = (size_t)RS_COEFFICIENT_BYTES * rs->k * rows;
	t->gf = mem_aligned(t->bytes, RS_ALIGN_BYTES);
	e = t->gf == NULL ? EC_ENOMEM : tables_compute(rs, t);
	if (e != EC_OK) {
		tables_free(t);
		return e;
	}
	*out = t;
	return EC_OK;
}

/* Lock held. */
static void
tables_unref(struct tables *t)
{
	if (--t->refs == 0)
		tables_free(t);
}

/* Move what is there for the sets to the front, with a reference for the
 * caller; NULL when nothing is. */
static struct tables *
cache_get(struct cache *c, const uint8_t from[SET_BYTES],
    const uint8_t want[SET_BYTES])
{
	struct tables *t, **at;

	pthread_mutex_lock(&c->lock);
	for (at = &c->first; (t = *at) != NULL; at = &t->next)
		if (memcmp(t->from, from, SET_BYTES) == 0 &&
		    memcmp(t->want, want, SET_BYTES) == 0)
			break;
	if (t != NULL) {
		*at = t->next;
		t->next = c->first;
		c->first = t;
		t->refs++;
	}
	pthread_mutex_unlock(&c->lock);
	return t;
}

/* Two threads may add the same: harmless, the second is found first. */
static void
cache_add(struct cache *c, struct tables *t)
{
	struct tables **at, *old;

	pthread_mutex_lock(&c->lock);
	t->refs++;
	t->next = c->first;
	c->first = t;
	c->entries++;
	c->bytes += t->bytes;
	while (c->first->next != NULL && (c->entries > CACHE_ENTRIES_MAX ||
	    c->bytes > CACHE_BYTES_MAX)) {
		for (at = &c->first; (*at)->next != NULL; at = &(*at)->next)
			;
		old = *at;
		*at = NULL;
		c->entries--;
		c->bytes -= old->bytes;
		tables_unref(old);
	}
	pthread_mutex_unlock(&c->lock);
}

static void
cache_put(struct cache *c, struct tables *t)
{
	pthread_mutex_lock(&c->lock);
	tables_unref(t);
	pthread_mutex_unlock(&c->lock);
}

enum err
rs_rebuild(const struct rs *rs, uint8_t *const shard[], const bool have[],
    const bool want[], size_t len)
{
	uint8_t *from[RS_SHARDS_MAX], *to[RS_SHARDS_MAX];
	uint8_t from_set[SET_BYTES] = { 0 }, want_set[SET_BYTES] = { 0 };
	unsigned i, k = 0, rows = 0;
	struct tables *t;
	enum err e;

	for (i = 0; i < rs->k + rs->m; i++)
		if (have[i] && k < rs->k) {
			bit_set(from_set, i);
			from[k++] = shard[i];
		} else if (!have[i] && want[i]) {
			bit_set(want_set, i);
			to[rows++] = shard[i];
		}
	if (k < rs->k)
		return EC_EQUORUM;
	if (rows == 0)
		return EC_OK;
	if ((t = cache_get(rs->cache, from_set, want_set)) == NULL) {
		e = tables_new(&t, rs, from_set, want_set, rows);
		if (e != EC_OK)
			return e;
		cache_add(rs->cache, t);
	}
	multiply(rs, t->gf, from, to, rows, len);
	cache_put(rs->cache, t);
	return EC_OK;
}
