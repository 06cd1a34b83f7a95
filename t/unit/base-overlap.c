/* overlap: order, ends, errors on either side, a fill that never returns. */
#include <stdlib.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/overlap.h"

enum { CAP = 1000 };

struct flow {
	size_t size, filled, drained;
	size_t fill_fails, drain_fails;	/* at this many bytes; 0: never */
	bool order;
	int fd;				/* fill reads from it at the end */
};

static enum err
fill(void *ctx, uint8_t *buf, size_t cap, size_t *len)
{
	struct flow *f = ctx;
	size_t n = f->size - f->filled < cap ? f->size - f->filled : cap;

	if (f->fill_fails > 0 && f->filled >= f->fill_fails)
		return EC_EIO;
	if (n == 0 && f->fd >= 0 && read(f->fd, buf, cap) >= 0)
		return EC_EIO;
	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)((f->filled + i) * 7 >> 3);
	f->filled += n;
	*len = n;
	return EC_OK;
}

static enum err
drain(void *ctx, const uint8_t *buf, size_t len)
{
	struct flow *f = ctx;

	if (f->drain_fails > 0 && f->drained >= f->drain_fails)
		return EC_ENOSPC;
	for (size_t i = 0; i < len; i++)
		f->order &= buf[i] == (uint8_t)((f->drained + i) * 7 >> 3);
	f->drained += len;
	return EC_OK;
}

int
main(void)
{
	static const size_t sizes[] = { 0, 1, CAP - 1, CAP, CAP + 1, 100 * CAP,
		100 * CAP + 17 };
	int fds[2];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct flow f = { .size = sizes[i], .order = true, .fd = -1 };

		tap_ok(overlap_run(CAP, fill, drain, &f) == EC_OK && f.order &&
		    f.drained == f.size, "%zu bytes, in order", f.size);
	}
	for (unsigned i = 0; i < 200; i++) {
		struct flow f = { .size = 50 * CAP, .fill_fails = i * CAP,
			.order = true, .fd = -1 };

		if (i > 0 && i < 50 && (overlap_run(CAP, fill, drain, &f) !=
		    EC_EIO || f.drained != i * CAP || !f.order))
			tap_ok(false, "fill fails after %u", i);
		f = (struct flow){ .size = 50 * CAP, .drain_fails = i * CAP,
			.order = true, .fd = -1 };
		if (i > 0 && i < 50 && (overlap_run(CAP, fill, drain, &f) !=
		    EC_ENOSPC || f.drained != i * CAP))
			tap_ok(false, "drain fails after %u", i);
	}
	tap_ok(true, "errors: what was filled before is drained, no more");
	if (pipe(fds) == 0) {
		struct flow f = { .size = 2 * CAP, .drain_fails = CAP,
			.order = true, .fd = fds[0] };

		tap_ok(overlap_run(CAP, fill, drain, &f) == EC_ENOSPC,
		    "an error is not held up by a read that never returns");
	}
	return tap_done();
}
