/* Shards of more than one group (128 MiB): pages between the data, ranges
 * across the border, rebuilds and damage beyond it. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/io.h"
#include "codec/decode.h"
#include "codec/encode.h"

enum { SIZE = SHARD_GROUP_BYTES + 5 * 1024 * 1024 + 321, N = 2 };

static int fds[N], again;

/* A file that goes with the process. */
static int
temp_fd(void)
{
	FILE *f = tmpfile();

	return f == NULL ? -1 : fcntl(fileno(f), F_DUPFD_CLOEXEC, 3);
}

static enum err
fd_write(void *ctx, const void *buf, size_t len)
{
	return io_write_full(*(int *)ctx, buf, len);
}

static enum err
fd_pread(void *ctx, void *buf, size_t len, uint64_t off)
{
	size_t got;
	enum err e = io_pread_full(*(int *)ctx, buf, len, off, &got);

	return e == EC_OK && got < len ? EC_EIO : e;
}

static uint64_t
fd_bytes(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
flip(int fd, uint64_t off)
{
	uint8_t b;
	size_t got;

	(void)io_pread_full(fd, &b, 1, off, &got);
	b ^= 1;
	(void)io_pwrite_full(fd, &b, 1, off);
}

static struct decode *
open_fds(const struct encode_params *p, bool first)
{
	struct decode_params dp = { .stripe = p->stripe, .id = p->id,
		.part = 1 };
	struct decode_source src[N];
	struct decode *d = NULL;
	uint64_t size = 0;

	for (int i = 0; i < N; i++)
		src[i] = (struct decode_source){ fd_pread, &fds[i],
			fd_bytes(fds[i]) };
	if (!first)
		src[0].pread = NULL;
	(void)decode_new(&d, &dp, src, &size);
	return size == SIZE ? d : NULL;
}

static bool
ranges(struct decode *d, const uint8_t *data, uint8_t *back)
{
	static const struct {
		uint64_t off;
		size_t len;
	} range[] = {
		{ SHARD_GROUP_BYTES - 1, 2 },
		{ SHARD_GROUP_BYTES, 1 },
		{ SHARD_GROUP_BYTES - 70000, 200000 },
		{ 12345, 10 },
		{ SIZE - 1, 1 },
		{ SHARD_GROUP_BYTES - 5000000, 10000000 },
		{ SHARD_GROUP_BYTES - 4096, 4096 },
		{ 0, SIZE },
	};

	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		if (decode_read(d, back, range[i].len, range[i].off) !=
		    EC_OK || memcmp(back, data + range[i].off,
		    range[i].len) != 0) {
			tap_note("range %zu", i);
			return false;
		}
	return true;
}

static bool
same_file(int a, int b)
{
	static uint8_t x[1 << 16], y[1 << 16];
	uint64_t len = fd_bytes(a);
	size_t got = 0, other = 0;

	if (len != fd_bytes(b))
		return false;
	for (uint64_t at = 0; at < len; at += got)
		if (io_pread_full(a, x, sizeof(x), at, &got) != EC_OK ||
		    io_pread_full(b, y, sizeof(y), at, &other) != EC_OK ||
		    got != other || got == 0 || memcmp(x, y, got) != 0)
			return false;
	return true;
}

static void
test(uint32_t unit, const uint8_t *data, uint8_t *back)
{
	struct encode_params p = { { 1, 1, unit }, { { 9 } }, 1, N, false };
	struct encode_sink sinks[N], rebuilt[N] = { { NULL, NULL } };
	struct shard_tail t = { .bucket = "", .key = "" };
	struct encode *e = NULL;
	struct decode *d;
	uint64_t off = 0, page;

	page = shard_page_off(stripe_shard_bytes(&p.stripe, SIZE), 1);
	for (int i = 0; i < N; i++) {
		fds[i] = temp_fd();
		sinks[i] = (struct encode_sink){ fd_write, &fds[i] };
	}
	again = temp_fd();
	tap_ok(encode_new(&e, &p, sinks) == EC_OK &&
	    encode_write(e, data, 1000) == EC_OK &&
	    encode_write(e, data + 1000, SIZE - 1000) == EC_OK &&
	    encode_finish(e, &t) == EC_OK, "unit %u: encode", unit);
	encode_free(e);
	tap_is_u64(fd_bytes(fds[1]), shard_file_bytes(&p.stripe, SIZE, &t),
	    "length of the file");
	d = open_fds(&p, true);
	tap_ok(d != NULL && ranges(d, data, back), "ranges");
	tap_ok(decode_verify(d, 0, &off) == EC_OK &&
	    decode_verify(d, 1, &off) == EC_OK, "verify");
	rebuilt[0] = (struct encode_sink){ fd_write, &again };
	tap_ok(decode_rebuild(d, rebuilt) == EC_OK &&
	    same_file(again, fds[0]), "rebuild");
	decode_free(d);
	d = open_fds(&p, false);
	tap_ok(d != NULL && ranges(d, data, back), "ranges, data shard gone");
	decode_free(d);
	/* a bit of the second page, and of the second group's data */
	flip(fds[0], page + 40);
	flip(fds[1], shard_data_off(100));
	d = open_fds(&p, true);
	tap_ok(d != NULL && ranges(d, data, back), "ranges, both damaged");
	tap_ok(decode_verify(d, 0, &off) == EC_ECORRUPT &&
	    off == page, "a damaged page is found");
	decode_free(d);
	for (int i = 0; i < N; i++)
		(void)close(fds[i]);
	(void)close(again);
}

int
main(void)
{
	uint64_t x = 88172645463325252u;
	uint8_t *data = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *back = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (data == MAP_FAILED || back == MAP_FAILED)
		return 1;
	for (size_t i = 0; i + 8 <= SIZE; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(data + i, &x, 8);
	}
	test(STRIPE_UNIT_DEFAULT, data, back);
	test(3 * 1024 * 1024, data, back);	/* divides no group */
	test(100 * 1024, data, back);		/* nor any leaf */
	return tap_done();
}
