#include "shard_files.h"

#include <string.h>

#include "base/mem.h"

struct shard_file files[SHARDS_MAX], rebuilt[SHARDS_MAX];
const uint32_t units[UNITS] = { 4096, 65536, 100 * 1024, 128 * 1024,
	192 * 1024 };
static uint64_t seed = 88172645463325252u;
unsigned bad_count;

uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

void
fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(rnd() >> 24);
}

enum err
file_write(void *ctx, const void *buf, size_t len)
{
	struct shard_file *f = ctx;

	if (f->err_after > 0 && f->buf.len + len > f->err_after)
		return EC_ENOSPC;
	return buf_add(&f->buf, buf, len);
}

enum err
file_pread(void *ctx, void *buf, size_t len, uint64_t off)
{
	struct shard_file *f = ctx;

	f->reads++;
	f->read_bytes += len;
	if (f->err != EC_OK)
		return f->err;
	if (off > f->buf.len || len > f->buf.len - off)
		return EC_EIO;
	memcpy(buf, f->buf.data + off, len);
	return EC_OK;
}

void
files_reset(struct shard_file *f)
{
	for (unsigned i = 0; i < SHARDS_MAX; i++) {
		buf_release(&f[i].buf);
		f[i] = (struct shard_file){ .buf = BUF_INIT(SHARD_MAX) };
	}
}

void
count_bad(void *ctx, unsigned index, enum err why, uint64_t off)
{
	(void)ctx;
	(void)index;
	(void)why;
	(void)off;
	bad_count++;
}

struct encode_params
params(unsigned k, unsigned m, uint32_t unit)
{
	struct encode_params p = { .stripe = { k, m, unit }, .part = 1,
		.quorum = k + m };

	memset(p.id.b, 0x5a, sizeof(p.id.b));
	return p;
}

enum err
encode_all(const struct encode_params *p, const uint8_t *data, size_t len,
    size_t step, struct shard_tail *tail)
{
	struct encode_sink sinks[SHARDS_MAX];
	struct encode *e = NULL;
	enum err err;

	files_reset(files);
	for (unsigned i = 0; i < p->stripe.k + p->stripe.m; i++)
		sinks[i] = (struct encode_sink){ file_write, &files[i] };
	err = encode_new(&e, p, sinks);
	for (size_t at = 0; err == EC_OK && at < len; at += step)
		err = encode_write(e, data + at, num_min(step, len - at));
	if (err == EC_OK)
		err = encode_finish(e, tail);
	encode_free(e);
	return err;
}

enum err
open_all(struct decode **d, const struct encode_params *p, uint64_t *size)
{
	struct decode_source src[SHARDS_MAX] = { { 0 } };
	struct decode_params dp = { .stripe = p->stripe, .id = p->id,
		.part = p->part, .bad = count_bad };

	for (unsigned i = 0; i < p->stripe.k + p->stripe.m; i++)
		if (files[i].buf.len > 0)
			src[i] = (struct decode_source){ file_pread, &files[i],
				files[i].buf.len };
	bad_count = 0;
	return decode_new(d, &dp, src, size);
}

struct shard_tail
plain_tail(void)
{
	return (struct shard_tail){ .bucket = "b", .key = "k/e/y",
		.extra = (const uint8_t *)"extra", .extra_len = 5 };
}
