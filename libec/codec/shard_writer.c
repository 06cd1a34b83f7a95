#include <stdlib.h>
#include <string.h>

#include "codec/bitrot.h"
#include "codec/shard_writer.h"

enum {
	PAGE_CAP_FIRST = 16 * SHARD_SUM_BYTES,
};
#define PAGES_MAX (STRIPE_SIZE_MAX / SHARD_GROUP_BYTES * SHARD_SUM_BYTES)

void
shard_writer_init(struct shard_writer *w, const struct encode_sink *sink,
    const struct shard_header *h)
{
	*w = (struct shard_writer){ .sink = *sink, .header = *h,
		.pages = BUF_INIT(PAGES_MAX) };
}

void
shard_writer_release(struct shard_writer *w)
{
	free(w->page);
	w->page = NULL;
	buf_release(&w->pages);
}

static enum err
put(struct shard_writer *w, const void *buf, size_t len)
{
	if (w->err == EC_OK)
		w->err = w->sink.write(w->sink.ctx, buf, len);
	return w->err;
}

enum err
shard_writer_begin(struct shard_writer *w)
{
	uint8_t bytes[SHARD_HEADER_BYTES];

	shard_header_encode(bytes, &w->header);
	return put(w, bytes, sizeof(bytes));
}

/* Room for ${len} more bytes of sums in a page. */
static enum err
page_grow(struct shard_writer *w, size_t len)
{
	size_t cap = w->page_cap == 0 ? PAGE_CAP_FIRST : w->page_cap;
	uint8_t *p;

	if (w->page_len + len <= w->page_cap)
		return EC_OK;
	while (cap < w->page_len + len)
		cap *= 2;
	if ((p = realloc(w->page, cap)) == NULL)
		return EC_ENOMEM;
	w->page = p;
	w->page_cap = cap;
	return EC_OK;
}

/* The group is full, or the shard at its end. */
static enum err
page_flush(struct shard_writer *w)
{
	uint8_t sum[SHARD_SUM_BYTES];

	bitrot_sum(sum, w->page, w->page_len);
	if (put(w, w->page, w->page_len) == EC_OK)
		w->err = buf_add(&w->pages, sum, sizeof(sum));
	w->page_len = 0;
	return w->err;
}

enum err
shard_writer_data(struct shard_writer *w, const uint8_t *buf, size_t len,
    const uint8_t *sums)
{
	while (w->err == EC_OK && len > 0) {
		size_t room = SHARD_GROUP_BYTES -
		    w->data_bytes % SHARD_GROUP_BYTES;
		size_t n = len < room ? len : room;
		size_t sums_len = shard_leaf_count(n) * SHARD_SUM_BYTES;

		if ((w->err = page_grow(w, sums_len)) != EC_OK ||
		    put(w, buf, n) != EC_OK)
			break;
		memcpy(w->page + w->page_len, sums, sums_len);
		w->page_len += sums_len;
		w->data_bytes += n;
		buf += n;
		sums += sums_len;
		len -= n;
		if (n == room)
			page_flush(w);
	}
	return w->err;
}

enum err
shard_writer_finish(struct shard_writer *w, const struct shard_tail *t)
{
	struct buf tail = BUF_INIT(PAGES_MAX + SHARD_META_MAX +
	    SHARD_END_BYTES);

	if (w->err == EC_OK && w->page_len > 0)
		page_flush(w);
	if (w->err == EC_OK)
		w->err = shard_tail_encode(&tail, &w->header, t, w->data_bytes,
		    w->pages.data);
	if (w->err == EC_OK)
		put(w, tail.data, tail.len);
	buf_release(&tail);
	return w->err;
}
