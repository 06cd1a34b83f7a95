/* Shard files of every version of the format that ever was: t/golden/shard-N
 * for version N.  The present one must be written byte for byte as it was.
 * With EC_GOLDEN_WRITE set, files that are missing are made. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/io.h"
#include "codec/decode.h"
#include "codec/encode.h"

enum { N_MAX = 5, FILE_MAX = 4 * 1024 * 1024 };

struct golden {
	const char *name;
	struct stripe stripe;
	size_t size;
	uint32_t part;
	const char *bucket, *key, *extra;
	bool md5;
};

static const struct golden goldens[] = {
	{ "empty", { 2, 2, 4096 }, 0, 1, "", "", "", false },
	{ "plain", { 2, 1, 4096 }, 10001, 1, "", "", "", false },
	{ "named", { 3, 2, 65536 }, 777, 42, "bucket",
	    "folder/k\xc3\xa4se", "what the store adds", true },
	{ "leaves", { 2, 1, 4160 }, 140000, 1, "", "", "", false },
};

/* The object of all of them: easily made again in any language. */
static void
fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * i / 7 + i / 253);
}

static enum err
append(void *ctx, const void *buf, size_t len)
{
	return buf_add(ctx, buf, len);
}

static enum err
pread_buf(void *ctx, void *buf, size_t len, uint64_t off)
{
	const struct buf *b = ctx;

	if (off > b->len || len > b->len - off)
		return EC_EIO;
	memcpy(buf, b->data + off, len);
	return EC_OK;
}

static enum err
encode_golden(const struct golden *g, const uint8_t *data, struct buf *file)
{
	struct encode_params p = { g->stripe, { "golden shards 1" }, g->part,
		g->stripe.k + g->stripe.m, g->md5 };
	struct shard_tail t = { .bucket = g->bucket, .key = g->key,
		.extra = (const uint8_t *)g->extra,
		.extra_len = (uint32_t)strlen(g->extra) };
	struct encode_sink sinks[N_MAX];
	struct encode *e = NULL;
	enum err err;

	for (unsigned i = 0; i < g->stripe.k + g->stripe.m; i++)
		sinks[i] = (struct encode_sink){ append, &file[i] };
	if ((err = encode_new(&e, &p, sinks)) == EC_OK &&
	    (err = encode_write(e, data, g->size)) == EC_OK)
		err = encode_finish(e, &t);
	encode_free(e);
	return err;
}

/* Compare with the file kept, or keep it. */
static bool
same_as_kept(const struct golden *g, unsigned i, const struct buf *made,
    struct buf *kept)
{
	char name[64], *bytes = NULL;
	size_t len = 0;
	bool good;

	(void)snprintf(name, sizeof(name), "t/golden/shard-1/%s.%u.ec",
	    g->name, i);
	if (getenv("EC_GOLDEN_WRITE") != NULL && access(name, F_OK) != 0)
		(void)io_replace(AT_FDCWD, name, made->data, made->len, 0644);
	if (io_slurp(AT_FDCWD, name, FILE_MAX, &bytes, &len) != EC_OK)
		return false;
	good = len == made->len && memcmp(bytes, made->data, len) == 0 &&
	    buf_add(kept, bytes, len) == EC_OK;
	free(bytes);
	return good;
}

/* Read what was kept without its first shard. */
static bool
read_kept(const struct golden *g, const uint8_t *data, struct buf *kept)
{
	struct decode_params p = { .stripe = g->stripe,
		.id = { "golden shards 1" }, .part = g->part };
	struct decode_source src[N_MAX] = { { NULL, NULL, 0 } };
	uint8_t *back = calloc(1, g->size + 1);
	struct decode *d = NULL;
	uint64_t size = 1, off;
	bool good;

	for (unsigned i = 0; i < g->stripe.k + g->stripe.m; i++)
		src[i] = (struct decode_source){ pread_buf, &kept[i],
			kept[i].len };
	good = decode_new(&d, &p, src, &size) == EC_OK && size == g->size;
	for (unsigned i = 0; good && i < g->stripe.k + g->stripe.m; i++)
		good = decode_verify(d, i, &off) == EC_OK;
	decode_free(d);
	d = NULL;
	src[0].pread = NULL;
	good = good && decode_new(&d, &p, src, &size) == EC_OK &&
	    decode_read(d, back, g->size, 0) == EC_OK &&
	    memcmp(back, data, g->size) == 0 &&
	    strcmp(decode_tail(d)->key, g->key) == 0 &&
	    strcmp(decode_tail(d)->bucket, g->bucket) == 0;
	decode_free(d);
	free(back);
	return good;
}

int
main(void)
{
	for (size_t j = 0; j < sizeof(goldens) / sizeof(goldens[0]); j++) {
		const struct golden *g = &goldens[j];
		uint8_t *data = malloc(g->size + 1);
		struct buf made[N_MAX], kept[N_MAX];
		bool same = true;

		fill(data, g->size);
		for (unsigned i = 0; i < N_MAX; i++)
			made[i] = kept[i] = (struct buf)BUF_INIT(FILE_MAX);
		tap_ok(encode_golden(g, data, made) == EC_OK, "%s: encoded",
		    g->name);
		for (unsigned i = 0; i < g->stripe.k + g->stripe.m; i++)
			same &= same_as_kept(g, i, &made[i], &kept[i]);
		tap_ok(same, "%s: the very bytes of version 1", g->name);
		tap_ok(read_kept(g, data, kept), "%s: read back", g->name);
		for (unsigned i = 0; i < N_MAX; i++) {
			buf_release(&made[i]);
			buf_release(&kept[i]);
		}
		free(data);
	}
	return tap_done();
}
