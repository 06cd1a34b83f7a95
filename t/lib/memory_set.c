/* memory_set: see the header. */
#include "memory_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void
must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "memory_set: %s\n", what);
	abort();
}

static void
begin(struct memory_set *ms, const bool out[])
{
	struct lane *lane[SET_DRIVES_MAX];
	char name[16];

	for (unsigned i = 0; i < ms->n; i++) {
		struct drive *d = NULL;

		snprintf(name, sizeof(name), "/d%u", i + 1);
		if (out == NULL || !out[i])
			must((d = memory_disk_drive(ms->disk[i])) != NULL,
			    "no drive");
		must(lane_new(&lane[i], d, name) == EC_OK, "no lane");
	}
	must(set_new(&ms->set, lane, ms->n, ms->parity, ms->pool,
	    ms->pool) == EC_OK, "no set");
}

void
memory_set_init(struct memory_set *ms, unsigned n, int parity)
{
	char name[16];

	*ms = (struct memory_set){ .n = n, .parity = parity };
	must(mem_pool_new(&ms->pool, STRIPE_UNIT_DEFAULT * 16,
	    128u << 20) == EC_OK, "no pool");
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "/d%u", i + 1);
		must((ms->disk[i] = memory_disk_new(name)) != NULL, "no disk");
	}
	begin(ms, NULL);
}

unsigned
memory_set_out(const struct memory_set *ms, unsigned mask, bool out[])
{
	unsigned count = 0;

	for (unsigned i = 0; i < ms->n; i++) {
		out[i] = (mask >> i & 1) != 0;
		count += out[i];
	}
	return count;
}

void
memory_set_restart(struct memory_set *ms, const bool out[])
{
	set_free(ms->set);
	begin(ms, out);
}

void
memory_set_release(struct memory_set *ms)
{
	for (unsigned i = 0; i < ms->n; i++)
		memory_disk_release(ms->disk[i]);
	set_free(ms->set);
	for (unsigned i = 0; i < ms->n; i++)
		memory_disk_free(ms->disk[i]);
	mem_pool_free(ms->pool);
}

static enum err
run_nothing(struct drive *d, void *arg)
{
	struct format f;

	(void)arg;
	return d->ops->probe(d, &f);
}

void
memory_set_settle(struct memory_set *ms)
{
	struct timespec ts = { 0, 5 * 1000 * 1000 };
	uint64_t end = clock_mono_us() + 5000000;

	for (unsigned i = 0; i < ms->n; i++) {
		struct lane *l = set_lane(ms->set, i);

		while (lane_call(l, run_nothing, NULL, NULL, 1000) != EC_OK &&
		    clock_mono_us() < end)
			nanosleep(&ts, NULL);
	}
	nanosleep(&ts, NULL);
}

void
memory_set_fill(uint8_t *buf, size_t len, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		buf[i] = (uint8_t)(x >> (i % 8 * 8));
	}
}

enum err
memory_set_put(struct memory_set *ms, const char *key, const uint8_t *buf,
    size_t len, size_t chunk, bool announce)
{
	struct put_params p = { .bucket = MEMORY_SET_BUCKET, .key = key,
		.size = announce ? len : UINT64_MAX, .parity = -1,
		.null_version = true };
	struct put *put = NULL;
	enum err e;

	if ((e = put_open(&put, ms->set, &p)) != EC_OK)
		return e;
	for (size_t at = 0; at < len && e == EC_OK;) {
		size_t take = chunk > 0 && chunk < len - at ? chunk : len - at;

		e = put_write(put, buf + at, take);
		at += take;
	}
	if (e == EC_OK)
		e = put_finish(put, NULL);
	if (e == EC_OK)
		e = put_commit(put, NULL, NULL);
	put_free(put);
	return e;
}

/* As a server reads it: by views. */
static enum err
read_whole(struct get *g, uint8_t *buf, size_t size)
{
	const uint8_t *at;
	enum err e = EC_OK;
	size_t n;

	for (size_t off = 0; off < size && e == EC_OK; off += n)
		if ((e = get_view(g, &at, &n, off, size)) == EC_OK)
			memcpy(buf + off, at, n);
	return e;
}

enum err
memory_set_get(struct memory_set *ms, const char *key, uint8_t **out,
    size_t *len)
{
	struct object o = OBJECT_INIT;
	struct get *g = NULL;
	uint8_t *buf = NULL;
	enum err e;

	*out = NULL;
	*len = 0;
	e = get_open(&g, &o, ms->set, MEMORY_SET_BUCKET, key, NULL);
	if (e == EC_OK && o.marker)
		e = EC_ENOTFOUND;
	if (e == EC_OK && (buf = malloc(o.size + 1)) == NULL)
		e = EC_ENOMEM;
	if (e == EC_OK)
		e = read_whole(g, buf, (size_t)o.size);
	if (e == EC_OK) {
		*out = buf;
		*len = (size_t)o.size;
		buf = NULL;
	}
	free(buf);
	get_free(g);
	object_release(&o);
	return e;
}
