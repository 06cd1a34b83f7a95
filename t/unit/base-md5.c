/* MD5 of many streams: kernels and threads against libcrypto. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/tap.h"
#include "base/digest.h"
#include "base/md5_kernel.h"
#include "base/md5_stream.h"

enum { STREAMS = 37, BYTES = 3 << 20, BLOCKS = 100 };

static uint8_t *data;

static uint64_t
next(uint64_t *x)	/* xorshift64 */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static void
kernel(const struct md5_kernel *k)
{
	uint32_t want[MD5_LANES][4];
	struct md5_lanes l;
	unsigned wrong = 0;

	if (!k->usable()) {
		tap_skip("%s: not on this CPU", k->name);
		return;
	}
	for (unsigned n = 1; n <= MD5_LANES; n++) {
		for (unsigned i = 0; i < MD5_LANES; i++) {
			l.in[i] = data + 4099 * i;
			digest_md5_start(want[i]);
			for (unsigned w = 0; w < 4; w++)
				l.state[w][i] = want[i][w] += i * w;
			digest_md5_blocks(want[i], l.in[i], BLOCKS);
		}
		k->run(&l, n, BLOCKS);
		for (unsigned i = 0; i < n; i++)
			for (unsigned w = 0; w < 4; w++)
				wrong += l.state[w][i] != want[i][w];
	}
	tap_is_u64(wrong, 0, "%s: states as by libcrypto", k->name);
}

/* A stream in pieces of sizes that only its number decides. */
static void *
stream(void *arg)
{
	uint64_t x = 88172645463325252u + *(unsigned *)arg;
	uint8_t got[16], want[16];
	struct md5_stream *s = NULL;
	size_t at = 0, len = next(&x) % BYTES, n;
	static _Thread_local unsigned bad;

	if (md5_stream_new(&s) != EC_OK)
		return &data;
	while (at < len) {
		n = next(&x) % 5 == 0 ? next(&x) % 200 :
		    next(&x) % (700 * 1024);
		if (n > len - at)
			n = len - at;
		md5_stream_add(s, data + at, n);
		at += n;
		if (next(&x) % 3 == 0)
			md5_stream_wait(s);
	}
	md5_stream_final(s, got);
	md5_stream_free(s);
	digest_once(DIGEST_MD5, data, len, want);
	bad = memcmp(got, want, 16) != 0;
	return bad ? &data : NULL;
}

static void
together(unsigned n)
{
	pthread_t thread[STREAMS];
	unsigned id[STREAMS], wrong = 0;
	void *bad;

	for (unsigned i = 0; i < n; i++) {
		id[i] = n * 100 + i;
		if (pthread_create(&thread[i], NULL, stream, &id[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(thread[i], &bad);
		wrong += bad != NULL;
	}
	tap_is_u64(wrong, 0, "%u streams at once", n);
}

static void
lengths(void)
{
	uint8_t got[16], want[16];
	struct md5_stream *s;
	unsigned wrong = 0;

	for (size_t len = 0; len < 200; len++) {
		if (md5_stream_new(&s) != EC_OK)
			abort();
		md5_stream_add(s, data, len / 3);
		md5_stream_add(s, data + len / 3, len - len / 3);
		md5_stream_final(s, got);
		md5_stream_free(s);
		digest_once(DIGEST_MD5, data, len, want);
		wrong += memcmp(got, want, 16) != 0;
	}
	tap_is_u64(wrong, 0, "every length up to 200");
}

int
main(void)
{
	uint64_t x = 4711;

	if ((data = malloc(BYTES)) == NULL)
		abort();
	for (size_t i = 0; i < BYTES; i++)
		data[i] = (uint8_t)next(&x);
	for (size_t i = 0; i < md5_kernel_count; i++)
		kernel(md5_kernels[i]);
	lengths();
	for (unsigned n = 1; n <= STREAMS; n += 4)
		together(n);
	free(data);
	return tap_done();
}
