#include "drive/direct.h"

#include "base/io.h"
#include "base/os_linux.h"

enum {
	PAGE_BYTES = 4096,	/* no drive has larger sectors */
	WORTH_BYTES = 64 * 1024,
};

/* How many of the bytes can go past the cache. */
static size_t
whole_pages(const struct direct *d, const void *buf, size_t len, uint64_t off)
{
	if (d->refused || len < WORTH_BYTES || off % PAGE_BYTES != 0 ||
	    (uintptr_t)buf % PAGE_BYTES != 0)
		return 0;
	return len - len % PAGE_BYTES;
}

static bool
turn(struct direct *d, bool on)
{
	if (d->on != on && os_direct(d->fd, on) == EC_OK)
		d->on = on;
	return d->on == on;
}

enum err
direct_pwrite(struct direct *d, const void *buf, size_t len, uint64_t off)
{
	size_t n = whole_pages(d, buf, len, off);
	const uint8_t *p = buf;
	enum err e;

	if (n > 0) {
		e = turn(d, true) ? io_pwrite_full(d->fd, p, n, off) :
		    EC_EINVAL;
		if ((d->refused = e == EC_EINVAL))
			n = 0;
		else if (e != EC_OK)
			return e;
	}
	p += n;
	len -= n;
	off += n;
	if (len == 0)
		return EC_OK;
	return turn(d, false) ? io_pwrite_full(d->fd, p, len, off) : EC_EIO;
}
