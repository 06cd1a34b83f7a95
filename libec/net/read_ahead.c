#include "net/read_ahead.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

struct read_ahead {
	uint64_t bytes;
	read_ahead_fetch *fetch;
	void *ctx;
	pthread_mutex_t lock;		/* guards what follows; held while the
					 * buffer is filled */
	uint64_t next;			/* where the last read ended */
	uint64_t from, until;		/* what is going to be read */
	uint8_t *buf;			/* NULL until it pays */
	uint64_t at;			/* of the file, what is in it */
	size_t len;
	uint8_t *end;			/* the last bytes, or NULL */
	size_t end_len;
};

static struct mem_pool *_Atomic buffers;

enum err
read_ahead_new(struct read_ahead **out, uint64_t bytes,
    read_ahead_fetch *fetch, void *ctx)
{
	struct read_ahead *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return EC_ENOMEM;
	r->bytes = bytes;
	r->fetch = fetch;
	r->ctx = ctx;
	r->next = UINT64_MAX;		/* nobody reads on from there */
	r->from = UINT64_MAX;
	r->until = bytes;
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return EC_OK;
}

void
read_ahead_free(struct read_ahead *r)
{
	if (r == NULL)
		return;
	if (r->buf != NULL)
		mem_pool_put(buffers, r->buf);
	free(r->end);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

enum err
read_ahead_end(struct read_ahead *r, const void *buf, size_t len)
{
	if (len == 0)
		return EC_OK;
	if ((r->end = malloc(len)) == NULL)
		return EC_ENOMEM;
	memcpy(r->end, buf, len);
	r->end_len = len;
	return EC_OK;
}

void
read_ahead_expect(struct read_ahead *r, uint64_t from, uint64_t until)
{
	pthread_mutex_lock(&r->lock);
	r->from = from;
	r->until = num_min(until, r->bytes);
	pthread_mutex_unlock(&r->lock);
}

static bool
has_buffer(struct read_ahead *r)
{
	struct mem_pool *p;

	if (r->buf != NULL)
		return true;
	p = mem_pool_lasting(&buffers, READ_AHEAD_MAX, READ_AHEAD_ALL);
	return p != NULL && mem_pool_get(p, &r->buf, 0) == EC_OK;
}

/* How much to fetch for a read of ${len} bytes that goes on from the last. */
static size_t
more_than(const struct read_ahead *r, size_t len, uint64_t off)
{
	size_t pieces = len == 0 ? 0 : READ_AHEAD_MAX / len;

	pieces = (size_t)num_min(pieces, READ_AHEAD_PIECES);
	return off > r->until ? 0 : (size_t)num_min(pieces * len,
	    r->until - off);
}

/* ${len} bytes at ${off} from the ${have} that lie at ${at}. */
static bool
take_from(const uint8_t *there, uint64_t at, size_t have, void *buf,
    size_t len, uint64_t off)
{
	if (off < at || off - at > have || len > have - (size_t)(off - at))
		return false;
	memcpy(buf, there + (off - at), len);
	return true;
}

/* The same from what was fetched, with the lock. */
static bool
take(const struct read_ahead *r, void *buf, size_t len, uint64_t off)
{
	return (r->end != NULL && take_from(r->end, r->bytes - r->end_len,
	    r->end_len, buf, len, off)) ||
	    (r->buf != NULL && take_from(r->buf, r->at, r->len, buf, len, off));
}

/* Fill the buffer with what comes now, if more of it is going to be read. */
static enum err
fill(struct read_ahead *r, size_t len, uint64_t off)
{
	size_t more = more_than(r, len, off);
	enum err e;

	if ((off != r->next && off != r->from) || more <= len || !has_buffer(r))
		return EC_OK;
	r->len = 0;
	e = r->fetch(r->ctx, r->buf, more, off);
	if (e == EC_ECORRUPT || e == EC_EIO)
		return EC_OK;		/* perhaps not what is read now */
	if (e != EC_OK)
		return e;
	r->at = off;
	r->len = more;
	return EC_OK;
}

enum err
read_ahead_read(struct read_ahead *r, void *buf, size_t len, uint64_t off)
{
	bool have;
	enum err e = EC_OK;

	pthread_mutex_lock(&r->lock);
	if (!(have = take(r, buf, len, off)) &&
	    (e = fill(r, len, off)) == EC_OK)
		have = take(r, buf, len, off);
	r->next = off + len;
	pthread_mutex_unlock(&r->lock);
	return e != EC_OK || have ? e : r->fetch(r->ctx, buf, len, off);
}

bool
read_ahead_peek(struct read_ahead *r, void *buf, size_t len, uint64_t off)
{
	bool have;

	if (pthread_mutex_trylock(&r->lock) != 0)
		return false;
	if ((have = take(r, buf, len, off)))
		r->next = off + len;
	pthread_mutex_unlock(&r->lock);
	return have;
}
