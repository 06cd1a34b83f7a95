/* Shards rebuilt from others are the same bytes, from k of them read once. */
#include <stdlib.h>
#include <string.h>

#include "../lib/shard_files.h"
#include "../lib/tap.h"

/* What is rebuilt is byte for byte what was lost. */
static void
test_rebuild(unsigned k, unsigned m, uint32_t unit)
{
	size_t len = (size_t)k * unit * 3 + rnd() % (k * unit);
	struct encode_params p = params(k, m, unit);
	struct encode_sink sinks[SHARDS_MAX];
	struct shard_tail t = plain_tail();
	uint8_t *data = malloc(len);
	bool good = true;

	fill(data, len);
	p.md5 = true;
	encode_all(&p, data, len, 70000, &t);
	for (unsigned round = 0; good && round < 12; round++) {
		struct decode *d = NULL;
		uint64_t size, bytes = 0;
		struct buf keep[SHARDS_MAX];

		files_reset(rebuilt);
		for (unsigned i = 0; i < k + m; i++) {
			sinks[i] = (struct encode_sink){ NULL, NULL };
			keep[i] = files[i].buf;
			files[i].read_bytes = 0;
		}
		for (unsigned n = 0; n < 1 + rnd() % m; n++) {
			unsigned i = (unsigned)(rnd() % (k + m));

			sinks[i] = (struct encode_sink){ file_write,
				&rebuilt[i] };
			if (round % 2)
				files[i].buf = (struct buf)BUF_INIT(SHARD_MAX);
		}
		good &= open_all(&d, &p, &size) == EC_OK &&
		    decode_rebuild(d, sinks) == EC_OK;
		for (unsigned i = 0; i < k + m; i++) {
			files[i].buf = keep[i];
			bytes += files[i].read_bytes;
			if (sinks[i].write == NULL)
				continue;
			good &= rebuilt[i].buf.len == keep[i].len &&
			    memcmp(rebuilt[i].buf.data, keep[i].data,
			    keep[i].len) == 0;
		}
		good &= bytes <= k * files[0].buf.len + (k + m) * 9000;
		decode_free(d);
	}
	tap_ok(good, "%u+%u of %u: rebuilt shards are the same, k read once",
	    k, m, unit);
	files_reset(rebuilt);
	free(data);
}

/* Rebuilding when sinks fail, and when there is too little to rebuild from. */
static void
test_rebuild_fails(void)
{
	struct encode_params p = params(3, 3, 65536);
	size_t len = 3 * 65536 * 4;
	struct encode_sink sinks[6] = { { NULL, NULL } };
	uint8_t *data = malloc(len);
	struct shard_tail t = plain_tail();
	struct decode *d = NULL;
	uint64_t size;

	fill(data, len);
	encode_all(&p, data, len, len, &t);
	files_reset(rebuilt);
	sinks[1] = (struct encode_sink){ file_write, &rebuilt[1] };
	sinks[4] = (struct encode_sink){ file_write, &rebuilt[4] };
	rebuilt[1].err_after = 100000;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_ENOSPC &&
	    rebuilt[4].buf.len == files[4].buf.len &&
	    memcmp(rebuilt[4].buf.data, files[4].buf.data,
	    files[4].buf.len) == 0, "one sink fails, the other is finished");
	decode_free(d);
	d = NULL;
	files_reset(rebuilt);
	rebuilt[1].err_after = rebuilt[4].err_after = 100000;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_ENOSPC, "both fail");
	decode_free(d);
	d = NULL;
	files_reset(rebuilt);
	/* what is to be replaced still helps where the others cannot */
	for (unsigned i = 0; i < 3; i++)
		files[i * 2].buf.data[shard_data_off(i * 65536u)] ^= 1;
	for (unsigned i = 0; i < 3; i++)
		files[i * 2].buf.data[shard_data_off(3 * 65536u)] ^= 1;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_OK &&
	    memcmp(rebuilt[1].buf.data, files[1].buf.data,
	    files[1].buf.len) == 0, "shards that are replaced help");
	decode_free(d);
	d = NULL;
	files_reset(rebuilt);
	files[1].buf.data[shard_data_off(3 * 65536u)] ^= 1;
	tap_ok(open_all(&d, &p, &size) == EC_OK &&
	    decode_rebuild(d, sinks) == EC_ELOST, "four bad in one place");
	decode_free(d);
	files_reset(rebuilt);
	free(data);
}

int
main(void)
{
	files_reset(files);
	for (unsigned i = 0; i < UNITS; i++) {
		test_rebuild(2, 1, units[i]);
		test_rebuild(4, 3, units[i]);
	}
	test_rebuild_fails();
	files_reset(files);
	return tap_done();
}
