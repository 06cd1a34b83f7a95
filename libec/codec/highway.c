#include "codec/highway.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/num.h"
#include "codec/highway_kernel.h"

static const struct highway_kernel *const kernels[] = {
#if defined(__x86_64__)
	&highway_avx2,
#elif defined(__aarch64__)
	&highway_neon,
#endif
	&highway_portable,
};

/* NULL until the first use or after highway_force(NULL). */
static const struct highway_kernel *_Atomic chosen;

static const struct highway_kernel *
kernel(void)
{
	const struct highway_kernel *k =
	    atomic_load_explicit(&chosen, memory_order_relaxed);
	size_t i;

	if (k != NULL)
		return k;
	for (i = 0; !kernels[i]->usable(); i++)
		;
	atomic_store_explicit(&chosen, kernels[i], memory_order_relaxed);
	return kernels[i];
}

const char *
highway_kernel(void)
{
	return kernel()->name;
}

bool
highway_force(const char *name)
{
	size_t i;

	if (name == NULL) {
		atomic_store(&chosen, NULL);
		return true;
	}
	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (strcmp(kernels[i]->name, name) == 0 &&
		    kernels[i]->usable()) {
			atomic_store(&chosen, kernels[i]);
			return true;
		}
	return false;
}

void
highway_sum_many(uint8_t out[][HIGHWAY_BYTES],
    const uint8_t key[HIGHWAY_KEY_BYTES], const uint8_t *const buf[],
    unsigned n, size_t len)
{
	const struct highway_kernel *k = kernel();
	struct highway_state s[HIGHWAY_STREAMS_MAX], start;
	unsigned i, at, group;

	highway_start(&start, key);
	for (at = 0; at < n; at += group) {
		group = (unsigned)num_min(n - at, k->streams);
		if (n - at == k->streams + 1)	/* 2 + 2, never 3 + 1 */
			group = (n - at + 1) / 2;
		for (i = 0; i < group; i++)
			s[i] = start;
		k->sum(s, buf + at, group, len);
		for (i = 0; i < group; i++)
			highway_result(out[at + i], &s[i]);
	}
}

void
highway_sum(uint8_t out[HIGHWAY_BYTES], const uint8_t key[HIGHWAY_KEY_BYTES],
    const void *buf, size_t len)
{
	const uint8_t *const bufs[1] = { buf };

	highway_sum_many((uint8_t (*)[HIGHWAY_BYTES])out, key, bufs, 1, len);
}
